package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/policycase"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/policy/lint"
)

// policyLint is the command line of `stint policy lint`.
type policyLint struct {
	word    string
	account string
	json    bool
	batch   bool
}

func newPolicyLint() *cobra.Command {
	var p policyLint
	c := &cobra.Command{
		Use:   "lint [FILE…]",
		Short: "Find in policy documents what is allowed to be written and hardly anybody means",
		Long: `Reads policy documents and prints what they probably should not have: grants that are wider than they look, statements that never
apply, keys, operators and actions that do not exist. Without FILE, or with -, it reads standard input. Codes and severities are in
docs/policy-tools.md.

The exit status is 0 if nothing but suggestions is found. With --batch each line is {"document": …, "type": …} and each answer
{"findings": […]}; the exit status is 0 if every line could be read.`,
		Example: `  stint policy lint policy.json
  stint policy lint --type trust --account 111122223333 trust.json
  stint policy lint --json policies/*.json`,
		RunE: func(c *cobra.Command, files []string) error { return p.run(c, files) },
	}
	f := c.Flags()
	typeFlag(c, &p.word)
	f.StringVar(&p.account, "account", "", "account that the policy belongs to, which tells trust in one's own account from trust in another")
	f.BoolVar(&p.json, "json", false, "print the findings as one JSON object a file")
	batchFlag(c, &p.batch)
	c.MarkFlagsMutuallyExclusive("json", "batch")
	return c
}

func (p *policyLint) run(c *cobra.Command, files []string) error {
	t, err := typeOf(c, p.word)
	if err != nil {
		return err
	}
	if p.account != "" {
		if _, err := arn.ParseAccountID(p.account); err != nil {
			return usage(c, fmt.Errorf("--account: %w", err))
		}
	}
	options := lint.Options{Account: p.account}
	if p.batch {
		if len(files) > 1 {
			return usage(c, fmt.Errorf("unexpected argument %q", files[1]))
		}
		return answerLines(c, files, func(line []byte) (any, error) { return policycase.Lint(line, t, options) })
	}
	if len(files) == 0 {
		files = []string{standardInput}
	}
	bad := 0
	for _, file := range files {
		worst, err := p.file(c, file, t, options)
		if err != nil {
			return err
		}
		if worst > lint.Suggestion {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("linting: %d of %d documents have more than suggestions", bad, len(files))
	}
	return nil
}

func (p *policyLint) file(c *cobra.Command, file string, t policy.Type, o lint.Options) (lint.Severity, error) {
	name, text, err := readInput(c, []string{file})
	if err != nil {
		return 0, err
	}
	findings := lint.Text(string(text), t, o)
	worst, _ := lint.Worst(findings)
	if p.json {
		return worst, writeJSON(c.OutOrStdout(), &policycase.Advice{ID: name, Findings: append([]lint.Finding{}, findings...)})
	}
	for _, f := range findings {
		if err := writeFinding(c.OutOrStdout(), name, string(text), f); err != nil {
			return worst, err
		}
	}
	return worst, nil
}

// writeFinding prints a finding as compilers do. A text in which its offset is a place gives line and column.
func writeFinding(w io.Writer, name, text string, f lint.Finding) error {
	if f.Offset >= 0 && text != "" {
		line, column := place(text, f.Offset)
		name = fmt.Sprintf("%s:%d:%d", name, line, column)
	}
	where := ""
	if f.Statement >= 0 {
		where = fmt.Sprintf(" (statement %d", f.Statement)
		if f.Sid != "" {
			where += fmt.Sprintf(" %q", f.Sid)
		}
		if f.Element != "" {
			where += ", " + f.Element
		}
		where += ")"
	}
	severity := strings.ToLower(strings.ReplaceAll(f.Severity.String(), "_", " "))
	_, err := fmt.Fprintf(w, "%s: %s: %s: %s%s\n", name, severity, f.Code, oneLine(f.Message), where)
	return err
}

// oneLine keeps text of a document from writing lines of its own, or escapes that a terminal obeys.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
