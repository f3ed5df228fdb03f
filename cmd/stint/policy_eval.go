package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/policycase"
)

func newPolicyEval() *cobra.Command {
	var batch bool
	c := &cobra.Command{
		Use:   "eval [FILE]",
		Short: "Decide whether policies allow a request",
		Long: `Reads a case in JSON, which is a request and the policies that bear on it, and prints the decision (Allow, ImplicitDeny or
ExplicitDeny), the statements that matched, and a trace of every statement of every policy. Without FILE, or with -, it reads
standard input.

The exit status is 0 whatever the decision is. With --batch each line is a case and gets an answer in its place; a line that
is no case gets {"error": …}, and the exit status is 1 once all lines are answered.`,
		Example: `  stint policy eval case.json
  echo '{"policies": {"identity": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}]},
    "request": {"principal": {"kind": "user", "arn": "arn:aws:iam::111122223333:user/alice", "account": "111122223333"},
      "action": "s3:GetObject", "resource": {"arn": "arn:aws:s3:::b/k"}}}' | stint policy eval
  stint policy eval --batch < cases.ndjson`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if batch {
				return answerLines(c, args, policycase.AnswerLine)
			}
			name, text, err := readInput(c, args)
			if err != nil {
				return err
			}
			a, err := policycase.AnswerLine(text)
			if err != nil {
				return withHint(fmt.Errorf("%s: %w", name, err), "docs/policy-tools.md has the format of a case")
			}
			return writeJSON(c.OutOrStdout(), a)
		},
	}
	batchFlag(c, &batch)
	return c
}

// writeJSON prints an answer for people and programs.
func writeJSON(w io.Writer, a any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(a); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
