package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/manifest"
	"github.com/stint-sts/stint/internal/store"
)

// apply is the command line of `stint apply`.
type apply struct {
	file   string
	config string
	prune  bool
	dryRun bool
}

func newApply() *cobra.Command {
	var a apply
	c := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Bring the directory to what a directory file says",
		Long: `Brings accounts, users, groups, roles, policies, MFA devices and identity providers to what a directory file says, and prints
what was changed. Access keys that the file asks for without giving them are made and printed once. Applying the same file
again changes nothing. What the file does not name stays, unless --prune is given.

The directory can be changed while servers run, and they see it at once. An embedded store is reached by the server's socket in
the data directory: run the command as the user that the server runs as.`,
		Example: `  stint apply -f directory.yaml --config /etc/stint/stint.yaml
  stint apply -f directory.yaml --dry-run           # prints what would be changed
  stint apply -f directory.yaml --prune --dry-run   # and what would be deleted`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.file == "" {
				return usage(c, errors.New("-f is missing"))
			}
			settings, err := config.Load(a.config)
			if err != nil {
				return err
			}
			return a.run(c, settings)
		},
	}
	configFlag(c, &a.config)
	f := c.Flags()
	f.StringVarP(&a.file, "file", "f", "", "directory file (YAML)")
	f.BoolVar(&a.prune, "prune", false, "delete what the file does not name in the accounts that it describes")
	f.BoolVar(&a.dryRun, "dry-run", false, "print what would be changed, and change nothing")
	return c
}

func (a *apply) run(c *cobra.Command, settings *config.Config) (err error) {
	file, err := readDirectoryFile(a.file)
	if err != nil {
		return err
	}
	s, err := openShared(c, settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	options := planOptions(time.Now())
	options.Prune = a.prune
	plan, err := file.Plan(s.View(), options)
	if err != nil {
		return err
	}
	if err := warnOfPolicies(c.ErrOrStderr(), plan.Change); err != nil {
		return err
	}
	if a.dryRun {
		return a.show(c.OutOrStdout(), plan)
	}
	return a.commit(c, s, plan)
}

// show prints what a plan would do.
func (a *apply) show(w io.Writer, plan *manifest.Plan) error {
	for _, line := range plan.Summary.Lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return writeSummary(w, "would be ", plan.Summary)
}

// commit makes the change and prints what it made. Keys are printed even if it ends half way: those of users that were made
// could never be seen otherwise.
func (a *apply) commit(c *cobra.Command, s *store.Store, plan *manifest.Plan) error {
	err := bring(c.Context(), s, plan, progress(c.ErrOrStderr()))
	if errors.Is(err, store.ErrConflict) {
		err = withHint(err, "somebody else changed the directory meanwhile: apply the file again")
	}
	if err != nil {
		if len(plan.Generated) > 0 {
			c.PrintErrln("the change ended half way: of the keys below, those of users that were made are valid")
		}
		return errors.Join(err, writeGenerated(c.OutOrStdout(), plan.Generated))
	}
	return errors.Join(writeSummary(c.OutOrStdout(), "", plan.Summary), writeGenerated(c.OutOrStdout(), plan.Generated))
}

func writeSummary(w io.Writer, mood string, s manifest.Summary) error {
	_, err := fmt.Fprintf(w, "%d %screated, %d %supdated, %d %sdeleted, %d unchanged\n",
		s.Created, mood, s.Updated, mood, s.Pruned, mood, s.Unchanged)
	return err
}

// progress shows on a terminal how far a long change is.
func progress(w io.Writer) func(done, total int) {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(done, total int) {
		line := fmt.Sprintf("\r%d of %d", done, total)
		if done == total {
			line += "\r\x1b[K" // cleared for the summary
		}
		_, _ = io.WriteString(f, line)
	}
}
