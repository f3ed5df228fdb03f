package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/policycase"
	"github.com/stint-sts/stint/policy"
)

func newPolicyExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [FILE]",
		Short: "Say in words why policies allow or deny a request",
		Long: `Reads a case, as "stint policy eval" does, and prints for people why the request is allowed or denied: the policy that decided,
the rules by which policy types combine, and of each statement whether it matched or what did not. Without FILE, or with -, it
reads standard input. On a terminal the outcome has colors, unless NO_COLOR is set.`,
		Example: `  stint policy explain case.json`,
		Args:    oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			name, text, err := readInput(c, args)
			if err != nil {
				return err
			}
			asked, err := policycase.ParseCase(text)
			if err != nil {
				return withHint(fmt.Errorf("%s: %w", name, err), "docs/policy-tools.md has the format of a case")
			}
			e := explanation{colors: colored(c.OutOrStdout(), os.Getenv)}
			e.answer(&asked.Request, asked.Decide())
			_, err = io.WriteString(c.OutOrStdout(), e.text.String())
			return err
		},
	}
}

// colored reports whether to write colors: on a terminal, unless somebody does not want them (no-color.org).
func colored(w io.Writer, getenv func(string) string) bool {
	f, isFile := w.(*os.File)
	if !isFile || getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

const (
	red   = "31"
	green = "32"
	faint = "2"
)

// explanation is the text of an answer for people.
type explanation struct {
	text   strings.Builder
	colors bool
}

func (e *explanation) line(indent int, format string, args ...any) {
	fmt.Fprintf(&e.text, strings.Repeat("  ", indent)+format+"\n", args...)
}

// in colors a text.
func (e *explanation) in(color, s string) string {
	if !e.colors {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (e *explanation) answer(r *policy.Request, a *policycase.Answer) {
	d := a.Trace.Decision
	color, verb := red, "may not"
	if d.Allowed() {
		color, verb = green, "may"
	}
	e.line(0, "%s: %s %s do %s on %s", e.in(color, a.Decision.String()), oneLine(caller(&r.Principal)), verb, oneLine(r.Action), oneLine(r.Resource))
	switch {
	case d.Source != "":
		e.line(1, "by %s (%s), %s", oneLine(d.Source), d.By, statementName(d.Sid))
	case d.Allowed():
		e.line(1, "by the root user's own authority")
	}
	for _, note := range a.Trace.Notes {
		e.line(1, "%s", note)
	}
	for _, refused := range a.Refused {
		e.line(1, "%s denies everything, because it is no policy: %s", refused.Policy, oneLine(refused.Message))
	}
	for i := range a.Trace.Policies {
		e.policy(&a.Trace.Policies[i])
	}
}

func statementName(sid string) string {
	if sid == "" {
		return "in a statement without Sid"
	}
	return fmt.Sprintf("statement %q", sid)
}

func caller(p *policy.Principal) string {
	switch p.Kind {
	case policy.Anonymous:
		return "an anonymous caller"
	case policy.Service:
		return "the service " + p.Service
	case policy.Federated:
		return "a subject of " + p.Provider
	}
	return p.ARN
}

func (e *explanation) policy(p *policy.PolicyTrace) {
	e.line(0, "")
	e.line(0, "%s (%s)", oneLine(p.Name), p.Type)
	for i := range p.Statements {
		e.statement(&p.Statements[i])
	}
}

func (e *explanation) statement(s *policy.StatementTrace) {
	color, mark, outcome := faint, "-", "does not match: "+s.Reason
	if s.Matched {
		color, mark, outcome = red, "✗", "matches"
		if s.Effect == policy.Allow {
			color, mark = green, "✓"
		}
	}
	effect := "Deny"
	if s.Effect == policy.Allow {
		effect = "Allow"
	}
	sid := ""
	if s.Sid != "" {
		sid = fmt.Sprintf(" %q", s.Sid)
	}
	e.line(1, "%s", e.in(color, fmt.Sprintf("%s statement %d%s, %s, %s", mark, s.Index, sid, effect, outcome)))
	for _, c := range s.Conditions {
		holds := "holds"
		if !c.Held {
			holds = "does not hold"
		}
		has := "the request does not have the key"
		if c.Present {
			has = "the request has " + quoted(c.Request)
		}
		e.line(3, "%s %s %s %s: %s", oneLine(c.Operator), oneLine(c.Key), quoted(c.Values), holds, has)
	}
}

func quoted(values []string) string {
	if len(values) == 1 {
		return fmt.Sprintf("%q", values[0])
	}
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = fmt.Sprintf("%q", v)
	}
	return "[" + strings.Join(all, ", ") + "]"
}
