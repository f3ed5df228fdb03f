package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/identity"
)

// sessionsLog writes a log of the events and returns its bytes.
func sessionsLog(t *testing.T, events ...Event) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := Open(options(path))
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		events[i].ID = "e"
		if err := l.Write(t.Context(), &events[i]); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, l)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Who holds a session is read from what issued it, and what was revoked from what was acknowledged.
func TestReadSessions(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const admin = "arn:aws:iam::111122223333:user/admin"
	request := func(minutes int) *identity.Request {
		return &identity.Request{Time: at.Add(time.Duration(minutes) * time.Minute), UserAgent: `x","eventSource":"sts.amazonaws.com`, Caller: identity.Caller{
			Kind: identity.User, Account: "111122223333", ARN: admin, UserID: "AIDA1", PrincipalID: "AIDA1",
		}}
	}
	issued := func(minutes int, operation, parameters, elements string) Event {
		return Event{Service: "sts.amazonaws.com", Operation: operation, ReadOnly: true, Issues: true, Request: request(minutes),
			RequestParameters: []byte(parameters), ResponseElements: []byte(elements)}
	}
	credentials := func(id, expiration string) string {
		return `"credentials":{"accessKeyId":"` + id + `","expiration":"` + expiration + `"}`
	}
	refused := issued(5, "AssumeRole", `{}`, `{`+credentials("ASIA9", "Jan 2, 2026, 4:04:05 AM")+`}`)
	refused.ErrorCode = "AccessDenied"
	revoked := Event{Service: "stint", Operation: "RevokeSessions", Request: request(6), RequestParameters: []byte(`{"role":"r","before":"2026-01-02T03:05:00Z"}`),
		ResponseElements: []byte(`{"target":"AROA1","revision":7}`)}
	notRevoked := Event{Service: "stint", Operation: "RevokeSessions", Request: request(6), ErrorCode: "AccessDenied", ResponseElements: []byte(`{"target":"AROA1"}`)}
	text := sessionsLog(t,
		issued(0, "AssumeRole", `{"roleArn":"r"}`, `{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/r/s","assumedRoleId":"AROA1:s"},`+
			credentials("ASIA1", "Jan 2, 2026, 4:04:05 AM")+`}`),
		issued(1, "GetSessionToken", `{}`, `{`+credentials("ASIA2", "Jan 2, 2026, 3:04:05 PM")+`}`),
		issued(2, "GetFederationToken", `{"name":"bob"}`, `{"federatedUser":{"arn":"arn:aws:sts::111122223333:federated-user/bob"},`+
			credentials("ASIA3", "Jan 2, 2026, 4:04:05 PM")+`}`),
		issued(3, "AssumeRoot", `{"targetPrincipal":"444455556666"}`, `{`+credentials("ASIA4", "Jan 2, 2026, 3:19:05 AM")+`}`),
		issued(4, "AssumeRole", `{}`, `{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/r/over","assumedRoleId":"AROA1:over"},`+
			credentials("ASIA5", "Jan 2, 2026, 3:10:00 AM")+`}`),
		refused, revoked, notRevoked,
		Event{Service: "iam.amazonaws.com", Operation: "CreateAccessKey", Request: request(7), ResponseElements: []byte(`{"accessKey":{"expiration":"no"}}`)},
	)
	found, err := ReadSessions(t.Context(), bytes.NewReader(text), time.Date(2026, 1, 2, 3, 10, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range found.Issued {
		if s.By != admin || s.ByID != "AIDA1" {
			t.Errorf("%+v", s)
		}
		got = append(got, strings.Join([]string{s.AccessKeyID, s.Operation, s.ARN, s.ID, s.Issued.Format(time.TimeOnly), s.Expires.Format(time.TimeOnly)}, " "))
	}
	want := []string{
		"ASIA1 AssumeRole arn:aws:sts::111122223333:assumed-role/r/s AROA1:s 03:04:05 04:04:05",
		"ASIA2 GetSessionToken arn:aws:iam::111122223333:user/admin AIDA1 03:05:05 15:04:05",
		"ASIA3 GetFederationToken arn:aws:sts::111122223333:federated-user/bob AIDA1:bob 03:06:05 16:04:05",
		"ASIA4 AssumeRoot 444455556666  03:07:05 03:19:05",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(found.Revoked) != 1 || found.Revoked[0] != (Revocation{At: at.Add(6 * time.Minute), Target: "AROA1", Before: time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC)}) {
		t.Errorf("revoked: %+v", found.Revoked)
	}
	cut := text[:len(text)-20] // a server is writing it
	if found, err := ReadSessions(t.Context(), bytes.NewReader(cut), time.Time{}); err != nil || len(found.Issued) != 5 {
		t.Errorf("unfinished: %+v, %v", found, err)
	}
	for name, altered := range map[string][]byte{
		"altered":  bytes.Replace(text, []byte("ASIA2"), []byte("ASIA7"), 1),
		"removed":  text[bytes.IndexByte(text, '\n')+1:],
		"no lines": []byte("no\nlines\n"),
	} {
		if found, err := ReadSessions(t.Context(), bytes.NewReader(altered), time.Time{}); err == nil {
			t.Errorf("%s: believed: %+v", name, found)
		}
	}
	if _, err := ReadSessions(t.Context(), bytes.NewReader(sessionsLog(t, issued(0, "AssumeRole", `{}`, `{`+credentials("ASIA1", "2026-01-02")+`}`))), time.Time{}); err == nil ||
		!strings.Contains(err.Error(), "line 1: the expiration") {
		t.Errorf("an expiration of another form: %v", err)
	}
}

func TestRevokedBy(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := IssuedSession{Issued: at, AccessKeyID: "ASIA1", ID: "AROA1:s"}
	root := IssuedSession{Issued: at, AccessKeyID: "ASIA2"}
	for name, tt := range map[string]struct {
		of   IssuedSession
		r    Revocation
		want bool
	}{
		"role":              {s, Revocation{At: at, Target: "AROA1"}, true},
		"name":              {s, Revocation{At: at, Target: "AROA1:s"}, true},
		"another name":      {s, Revocation{At: at, Target: "AROA1:S"}, false},
		"key":               {s, Revocation{At: at, Target: "ASIA1"}, true},
		"another key":       {s, Revocation{At: at, Target: "ASIA2"}, false},
		"issued afterwards": {s, Revocation{At: at.Add(-time.Second), Target: "AROA1"}, false},
		"before its time":   {s, Revocation{At: at, Target: "AROA1", Before: at.Add(time.Second)}, true},
		"spared":            {s, Revocation{At: at, Target: "AROA1", Before: at}, false},
		"no target":         {root, Revocation{At: at}, false},
	} {
		if got := tt.of.RevokedBy(&tt.r); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
