package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newManual() *cobra.Command {
	return &cobra.Command{
		Use:   "manual FOLDER",
		Short: "Write the man pages of all commands into a folder",
		Long: `Writes a man page for each command into a folder, which is made if it is not there. The date in them is that of
SOURCE_DATE_EPOCH, if it is set, so that packages can be built again to the byte.`,
		Example: `  stint manual ./man && man ./man/stint-serve.1`,
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			date, err := sourceDate()
			if err != nil {
				return err
			}
			folder := filepath.Clean(args[0])
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
			root := c.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "Stint", Manual: "Stint", Date: date}
			return doc.GenManTree(root, header, folder)
		},
	}
}

// sourceDate is the date that packages are built for (reproducible-builds.org); nil if there is none.
func sourceDate() (*time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return nil, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	date := time.Unix(seconds, 0).UTC()
	return &date, nil
}
