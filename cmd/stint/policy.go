package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/policycase"
	"github.com/stint-sts/stint/policy"
)

func newPolicy() *cobra.Command {
	c := group("policy", "Evaluate, validate, lint and explain IAM policies, without a server",
		newPolicyEval(), newPolicyExplain(), newPolicyLint(), newPolicyValidate())
	c.Long = `Works on IAM policies without a server and without credentials, by the same code with which the server decides.
The formats are in docs/policy-tools.md.`
	return c
}

// standardInput is the name of the file that is none.
const standardInput = "-"

var oneFile = arguments(func(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("unexpected argument %q", args[1])
	}
	return nil
})

// openInput opens the file of the command line, or standard input.
func openInput(c *cobra.Command, args []string) (name string, input io.ReadCloser, err error) {
	if len(args) == 0 || args[0] == standardInput {
		return standardInput, io.NopCloser(c.InOrStdin()), nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return "", nil, fmt.Errorf("reading: %w", err)
	}
	return args[0], f, nil
}

// readInput reads a whole case or document.
func readInput(c *cobra.Command, args []string) (name string, text []byte, err error) {
	name, input, err := openInput(c, args)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, input.Close()) }()
	text, err = io.ReadAll(io.LimitReader(input, policycase.MaxLine+1))
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("reading %s: %w", name, err)
	case len(text) > policycase.MaxLine:
		return "", nil, fmt.Errorf("reading %s: longer than %d bytes", name, policycase.MaxLine)
	}
	return name, text, nil
}

// answerLines answers every line of the input, and fails at the end if some could not be.
func answerLines(c *cobra.Command, args []string, answer func(line []byte) (any, error)) (err error) {
	name, input, err := openInput(c, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, input.Close()) }()
	tally, err := policycase.Each(input, c.OutOrStdout(), answer)
	if err != nil {
		return err
	}
	if tally.Failed > 0 {
		return withHint(fmt.Errorf("reading %s: %d of %d lines could not be read", name, tally.Failed, tally.Lines),
			`the answer in the place of each has an "error"`)
	}
	return nil
}

// batchFlag is for commands that answer one line or many.
func batchFlag(c *cobra.Command, batch *bool) {
	c.Flags().BoolVar(batch, "batch", false, "read one JSON object a line and write one answer a line, in order")
}

// typeFlag is the type of policy that a document is.
func typeFlag(c *cobra.Command, word *string) {
	c.Flags().StringVar(word, "type", "identity", "type of policy: "+policycase.TypeWords())
}

func typeOf(c *cobra.Command, word string) (policy.Type, error) {
	t, err := policycase.ParseType(word)
	if err != nil {
		return 0, usage(c, fmt.Errorf("--type: %w", err))
	}
	return t, nil
}

// place gives line and column of an offset in a text, as editors count them: from 1, the column in bytes.
func place(text string, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndexByte(before, '\n')
}
