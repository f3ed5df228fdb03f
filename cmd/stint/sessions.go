package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/sigv4"
)

func newSessions() *cobra.Command {
	return group("sessions", "See who holds sessions, and end them before their time", newSessionsList(), newSessionsRevoke())
}

type sessionsRevoke struct {
	role, user, name, key, before string
	endpoint                      string
	output                        string
}

func newSessionsRevoke() *cobra.Command {
	var o sessionsRevoke
	c := &cobra.Command{
		Use:   "revoke --role ROLE | --user USER | --access-key ID",
		Short: "End sessions that were issued until now",
		Long: `Ends the sessions of a role, or those that a user began with GetSessionToken and GetFederationToken, or the one session of an
access key id (ASIA…). The server that answers accepts none of them from its answer on, every other one as soon as the directory
tells it, relying services as soon as the server tells them. Sessions that are issued later are not concerned: take the
permission to issue them away first. Sessions that were begun with a revoked one (role chaining) go on: revoke those of the
next role as well. Long-term access keys are no sessions: deactivate or delete them.

The request is signed with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN for AWS_REGION. The caller needs
stint:RevokeSessions on the role or user in its own account, or on * for --access-key.`,
		Example: `  stint sessions revoke --role deploy
  stint sessions revoke --role deploy --session-name alice
  stint sessions revoke --user alice --before 2026-11-24T12:00:00Z
  stint sessions revoke --access-key ASIARTX3GSDSSQTAB4NE`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.StringVar(&o.role, "role", "", "name or ARN of a role")
	f.StringVar(&o.user, "user", "", "name or ARN of a user")
	f.StringVar(&o.name, "session-name", "", "only the sessions of this name: of the role, or the user's federated user")
	f.StringVar(&o.key, "access-key", "", "access key id of one session")
	f.StringVar(&o.before, "before", "", "only sessions that were issued before this time, such as 2026-11-24T12:00:00Z")
	f.StringVar(&o.endpoint, "endpoint-url", "", "the server; AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or http://"+config.DefaultListen+" if left out")
	f.StringVar(&o.output, "output", "text", "text, or json for what the server answers")
	return c
}

func (o *sessionsRevoke) run(c *cobra.Command) error {
	input := gate.RevokeSessionsInput{Role: o.role, User: o.user, SessionName: o.name, AccessKeyID: o.key}
	given := 0
	for _, text := range []string{o.role, o.user, o.key} {
		if text != "" {
			given++
		}
	}
	if given != 1 {
		return usage(c, errors.New("one of --role, --user and --access-key must be given"))
	}
	if o.output != "text" && o.output != "json" {
		return usage(c, fmt.Errorf("--output is %q, want text or json", o.output))
	}
	if o.before != "" {
		var err error
		if input.Before, err = time.Parse(time.RFC3339, o.before); err != nil {
			return usage(c, fmt.Errorf("--before is %q, want a time such as 2026-11-24T12:00:00Z", o.before))
		}
	}
	credentials, err := credentialsFromEnvironment()
	if err != nil {
		return err
	}
	body, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("encoding the request: %w", err)
	}
	endpoint := firstOf(o.endpoint, os.Getenv("AWS_ENDPOINT_URL_STS"), os.Getenv("AWS_ENDPOINT_URL"), "http://"+config.DefaultListen)
	signer := sigv4.Signer{
		Credentials: credentials,
		Region:      firstOf(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1"),
		Service:     "stint",
	}
	answer, err := postSigned(c.Context(), signer, strings.TrimRight(endpoint, "/")+gate.RevokeSessionsPath, body)
	if err != nil {
		return fmt.Errorf("revoking sessions: %w", err)
	}
	if o.output == "json" {
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", strings.TrimSpace(string(answer)))
		return err
	}
	var revoked gate.RevokeSessionsOutput
	if err := json.Unmarshal(answer, &revoked); err != nil || revoked.Target == "" {
		return errors.New("revoking sessions: the server's answer does not say what it revoked")
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "revoked: sessions of %s that were issued before revision %d\n", revoked.Target, revoked.Revision)
	return err
}

type sessionsList struct {
	logs       []string
	role, user string
	key        string
	all        bool
	output     string
}

func newSessionsList() *cobra.Command {
	var o sessionsList
	c := &cobra.Command{
		Use:   "list",
		Short: "List from audit logs who holds a session, until when, from where",
		Long: `Reads audit logs and lists the sessions that have not expired: until when, their access key id, whose they are, to whom and from
which address they were issued, by which operation, and whether a revocation in the same logs is of them. Each node has a log of
its own: give all of them. A log is believed only as far as its chain of hashes holds.

Whether a session is accepted is for the directory to say: its role or user may be gone, or a policy may deny (AWS's
AWSRevokeOlderSessions).`,
		Example: `  stint sessions list --audit /var/lib/stint/audit.jsonl
  stint sessions list --role deploy --output json`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.logs, "audit", []string{filepath.Join(config.Default().Data, "audit.jsonl")}, "audit log; may be repeated")
	f.StringVar(&o.role, "role", "", "only the sessions of a role, by its name or the ARN of a session")
	f.StringVar(&o.user, "user", "", "only the sessions that a user began for itself, by its name or ARN")
	f.StringVar(&o.key, "access-key", "", "only the session of an access key id")
	f.BoolVar(&o.all, "all", false, "sessions that have expired as well")
	f.StringVar(&o.output, "output", "text", "text or json")
	return c
}

// listedSession is one line of the list.
type listedSession struct {
	Expires     time.Time `json:"expires"`
	AccessKeyID string    `json:"accessKeyId"`
	Session     string    `json:"session"`
	IssuedTo    string    `json:"issuedTo"`
	SourceIP    string    `json:"sourceIp,omitempty"`
	UserAgent   string    `json:"userAgent,omitempty"`
	Operation   string    `json:"operation"`
	Issued      time.Time `json:"issued"`
	State       string    `json:"state"` // active, revoked or expired
}

func (o *sessionsList) run(c *cobra.Command) error {
	if o.output != "text" && o.output != "json" {
		return usage(c, fmt.Errorf("--output is %q, want text or json", o.output))
	}
	now := time.Now()
	after := now
	if o.all {
		after = time.Time{}
	}
	var found audit.Sessions
	for _, path := range o.logs {
		if err := readSessions(c, path, after, &found); err != nil {
			return err
		}
	}
	list := []listedSession{}
	for i := range found.Issued {
		if s := &found.Issued[i]; o.wants(s) {
			list = append(list, listedSession{
				Expires: s.Expires, AccessKeyID: s.AccessKeyID, Session: s.ARN, IssuedTo: s.By, SourceIP: s.SourceIP, UserAgent: s.UserAgent,
				Operation: s.Operation, Issued: s.Issued, State: stateOf(s, found.Revoked, now),
			})
		}
	}
	slices.SortStableFunc(list, func(a, b listedSession) int { return a.Expires.Compare(b.Expires) })
	return o.write(c.OutOrStdout(), list)
}

func readSessions(c *cobra.Command, path string, after time.Time, into *audit.Sessions) error {
	f, err := os.Open(path)
	if err != nil {
		return withHint(fmt.Errorf("listing sessions: %w", err), "name the audit log with --audit; that of stint dev is in its data directory")
	}
	defer func() { _ = f.Close() }()
	found, err := audit.ReadSessions(c.Context(), f, after)
	if err != nil {
		return fmt.Errorf("listing sessions: reading %s: %w", path, err)
	}
	into.Issued, into.Revoked = append(into.Issued, found.Issued...), append(into.Revoked, found.Revoked...)
	return nil
}

func (o *sessionsList) wants(s *audit.IssuedSession) bool {
	switch {
	case o.key != "" && s.AccessKeyID != o.key:
		return false
	case o.role != "" && s.ARN != o.role && !strings.Contains(s.ARN, ":assumed-role/"+o.role+"/"):
		return false
	case o.user != "" && (strings.Contains(s.ARN, ":assumed-role/") || s.By != o.user && !strings.HasSuffix(s.By, "/"+o.user)):
		return false
	}
	return true
}

func stateOf(s *audit.IssuedSession, revoked []audit.Revocation, now time.Time) string {
	if !now.Before(s.Expires) {
		return "expired"
	}
	for i := range revoked {
		if s.RevokedBy(&revoked[i]) {
			return "revoked"
		}
	}
	return "active"
}

func (o *sessionsList) write(w io.Writer, list []listedSession) error {
	if o.output == "json" {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "EXPIRES\tACCESS KEY\tSESSION\tISSUED TO\tFROM\tBY\tSTATE")
	for _, s := range list {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Expires.UTC().Format(time.RFC3339), s.AccessKeyID, shown(s.Session), shown(s.IssuedTo),
			shown(s.SourceIP), s.Operation, s.State)
	}
	return t.Flush()
}

// shown is a text for a terminal: a dash for none, and no control characters.
func shown(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
