package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/audit"
)

func newAudit() *cobra.Command {
	return group("audit", "Check audit logs", newAuditVerify())
}

func newAuditVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE…",
		Short: "Check that no line of an audit log was altered, removed, inserted or moved",
		Long: `Follows the chain of hashes through each audit log, and prints the number of lines and the hash of the last one, or the
first place where the chain is broken. The exit status is 0 only if every log is whole.

A chain cannot tell that its last lines were cut off: keep the number and the hash of the last line elsewhere and compare.
While a server writes the log, its last line may be unfinished.`,
		Example: `  stint audit verify /var/lib/stint/audit.jsonl`,
		Args: arguments(func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no file is given")
			}
			return nil
		}),
		RunE: func(c *cobra.Command, files []string) error {
			broken := 0
			for _, path := range files {
				whole, err := verifyAudit(c.OutOrStdout(), path)
				if err != nil {
					return err
				}
				if !whole {
					broken++
				}
			}
			if broken > 0 {
				return fmt.Errorf("verifying: %d of %d audit logs are not whole", broken, len(files))
			}
			return nil
		},
	}
}

func verifyAudit(w io.Writer, path string) (whole bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("verifying: %w", err)
	}
	defer func() { _ = f.Close() }()
	report, err := audit.Verify(f)
	if err != nil {
		return false, fmt.Errorf("verifying %s: %w", path, err)
	}
	switch {
	case report.Break != nil:
		_, err = fmt.Fprintf(w, "%s: broken at line %d: %s; %d lines before it are whole\n",
			path, report.Break.Line, report.Break.Reason, report.Lines)
	case report.TornBytes > 0:
		_, err = fmt.Fprintf(w, "%s: unfinished: %d lines are whole, and %d bytes follow without an end of line\n",
			path, report.Lines, report.TornBytes)
	default:
		whole = true
		_, err = fmt.Fprintf(w, "%s: whole: %d lines, the last is number %d with hash %s\n",
			path, report.Lines, report.Sequence, report.Hash)
	}
	return whole, err
}
