package main

import (
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/config"
)

// logFlags adds the flags of the log.
func logFlags(c *cobra.Command, l *config.Log) {
	*l = config.Default().Log
	c.Flags().StringVar(&l.Format, "log-format", l.Format, "format of the log on standard error: text or json")
	c.Flags().StringVar(&l.Level, "log-level", l.Level, "least level that is logged: debug, info, warn or error")
}

// newLog makes the log of a configuration that was checked.
func newLog(w io.Writer, l config.Log) *slog.Logger { return newLeveledLog(w, l.Format, levelOf(l)) }

// newLeveledLog makes a log in a format whose level may move.
func newLeveledLog(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// levelOf is the level of a configuration that was checked.
func levelOf(l config.Log) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo
	}
	return level
}
