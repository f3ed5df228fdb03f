package store

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// memberLog brings etcd's log into the program's. Until the member is ready its warnings, which remark on the configuration
// of every start, are for debugging only. What etcd would end the process for ends the goroutine alone: this node keeps
// answering from its View.
type memberLog struct {
	slog     *slog.Logger
	serving  atomic.Bool
	ending   atomic.Bool
	failOnce sync.Once
	reason   atomic.Pointer[string]
	failed   chan struct{} // closed when etcd gave up
}

func newMemberLog(log *slog.Logger) *memberLog {
	return &memberLog{slog: log, failed: make(chan struct{})}
}

func (l *memberLog) zap() *zap.Logger {
	return zap.New(&zapCore{log: l}, zap.WithFatalHook(l), zap.WithPanicHook(l))
}

func (l *memberLog) ready() { l.serving.Store(true) }

// fatal is why etcd gave up, or empty.
func (l *memberLog) fatal() string {
	if r := l.reason.Load(); r != nil {
		return *r
	}
	return ""
}

// OnWrite implements zapcore.CheckWriteHook for the levels after which etcd expects not to go on.
func (l *memberLog) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	l.failOnce.Do(func() {
		reason := entry.Message
		if cause, ok := encodeFields(nil, fields)["error"].(string); ok {
			reason += ": " + cause
		}
		l.reason.Store(&reason)
		close(l.failed)
	})
	runtime.Goexit()
}

type zapCore struct {
	log    *memberLog
	fields []zapcore.Field
}

// Enabled implements zapcore.LevelEnabler.
func (c *zapCore) Enabled(level zapcore.Level) bool { return level >= zapcore.WarnLevel }

// expected are complaints of etcd's first seconds on empty data, which it mends by itself: it looks for the version of a
// storage that holds nothing yet.
func expected(message string) bool {
	return message == "Failed to detect schema version" || message == "failed to update storage version"
}

// farewell are its complaints when the socket of a shared member is closed.
func farewell(message string) bool {
	return strings.HasPrefix(message, "setting up serving from embedded etcd failed") || strings.Contains(message, "grpc server due to error")
}

// With implements zapcore.Core.
func (c *zapCore) With(fields []zapcore.Field) zapcore.Core {
	return &zapCore{c.log, append(c.fields[:len(c.fields):len(c.fields)], fields...)}
}

// Check implements zapcore.Core.
func (c *zapCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) && !expected(entry.Message) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write implements zapcore.Core.
func (c *zapCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	level := slog.LevelWarn
	switch {
	case c.log.ending.Load() && farewell(entry.Message):
		level = slog.LevelDebug
	case entry.Level > zapcore.WarnLevel:
		level = slog.LevelError
	case !c.log.serving.Load():
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{slog.String("component", "etcd")}
	for name, value := range encodeFields(c.fields, fields) {
		attrs = append(attrs, slog.Any(name, value))
	}
	c.log.slog.LogAttrs(context.Background(), level, entry.Message, attrs...)
	return nil
}

// Sync implements zapcore.Core.
func (c *zapCore) Sync() error { return nil }

func encodeFields(sets ...[]zapcore.Field) map[string]any {
	encoder := zapcore.NewMapObjectEncoder()
	for _, set := range sets {
		for _, f := range set {
			f.AddTo(encoder)
		}
	}
	return encoder.Fields
}
