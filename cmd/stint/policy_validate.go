package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/policycase"
)

func newPolicyValidate() *cobra.Command {
	var word string
	var batch bool
	c := &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check a policy document by the grammar of its type, with AWS's messages",
		Long: `Reads a policy document and says whether the grammar of its type takes it, with the message with which AWS refuses it
otherwise. Without FILE, or with -, it reads standard input. "identity" is what CreatePolicy takes, which asks for the Version
2012-10-17; "inline" is what PutUserPolicy and its kin take.

The exit status is 0 if the document is valid. With --batch each line is {"document": …, "type": …}, where a document that is a
string is the raw text, and a line without a type has that of --type; the exit status is 0 if every line could be read.`,
		Example: `  stint policy validate --type trust trust.json
  stint policy validate --type scp --batch < documents.ndjson`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			t, err := typeOf(c, word)
			if err != nil {
				return err
			}
			if batch {
				return answerLines(c, args, func(line []byte) (any, error) { return policycase.Validate(line, t) })
			}
			name, text, err := readInput(c, args)
			if err != nil {
				return err
			}
			verdict := (&policycase.Submission{Text: string(text), Type: t}).Validate()
			if err := writeJSON(c.OutOrStdout(), verdict); err != nil || verdict.Valid {
				return err
			}
			return invalid(name, string(text), verdict.Findings[0])
		},
	}
	typeFlag(c, &word)
	batchFlag(c, &batch)
	return c
}

// invalid is the error of a document that its grammar refuses.
func invalid(name, text string, r policycase.Refusal) error {
	if r.Offset != nil {
		line, column := place(text, *r.Offset)
		name = fmt.Sprintf("%s:%d:%d", name, line, column)
	}
	err := errors.New(name + ": " + r.Message)
	if r.Detail != "" {
		return withHint(err, "%s", r.Detail)
	}
	return err
}
