package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const overview = `Stint issues temporary, AWS-compatible credentials for systems that are not AWS. It speaks the STS and IAM APIs, so that
the AWS CLI, every AWS SDK and Terraform work with it unmodified.

For trying it out and for tests, "stint dev" does everything in one process. For production, "stint init" makes the root
key and the first administrator, and "stint serve" serves.`

func newRoot() *cobra.Command {
	root := group("stint", "Temporary, AWS-compatible credentials for systems that are not AWS",
		newDev(), newServe(), newInit(), newApply(), newAudit(), newPolicy(), newContext(), newSessions(), newKeys(), newBackup(), newRestore(), newGate(), newLogin(), newLogout(), newCredentialProcess(), newExec(), newManual(), newVersion())
	root.Long = overview
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, err) })
	return root
}

// group is a command that does nothing without a subcommand.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use:   use,
		Short: short,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(c, fmt.Errorf("%s needs a command", c.CommandPath()))
			}
			err := fmt.Errorf("%s has no command %q", c.CommandPath(), args[0])
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				err = fmt.Errorf("%w; did you mean %q?", err, near[0])
			}
			return usage(c, err)
		},
		Args: cobra.ArbitraryArgs,
		// One letter wrong; at two, every short name is like every other.
		SuggestionsMinimumDistance: 1,
	}
	g.AddCommand(commands...)
	return g
}

// arguments makes what a check of the arguments finds a mistake of usage.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usage(c, err)
		}
		return nil
	}
}

var noArguments = arguments(func(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
})
