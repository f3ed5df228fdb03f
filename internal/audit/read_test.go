package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/identity"
)

func readAll(t *testing.T, l *Log, accounts ...arn.AccountID) ([]Entry, error) {
	t.Helper()
	of := make(map[arn.AccountID]bool)
	for _, a := range accounts {
		of[a] = true
	}
	var found []Entry
	err := l.Read(t.Context(), of, func(e Entry) error {
		found = append(found, e)
		return nil
	})
	return found, err
}

func TestRead(t *testing.T) {
	t.Parallel()
	l, err := Open(options(filepath.Join(t.TempDir(), "audit.log")))
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, l)
	const own, other = arn.AccountID("111122223333"), arn.AccountID("444455556666")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	session := &identity.Session{Kind: identity.RoleSession, Name: "s", Issued: at}
	for i, c := range []identity.Caller{
		{Kind: identity.User, Account: own, ARN: "arn:aws:iam::111122223333:user/alice", UserID: "AIDA1", PrincipalID: "AIDA1"},
		{Kind: identity.AssumedRole, Account: own, ARN: "arn:aws:sts::111122223333:assumed-role/r/s", UserID: "AROA1:s", PrincipalID: "AROA1", Session: session},
		{Kind: identity.Root, Account: other, ARN: "arn:aws:iam::444455556666:root", UserID: string(other), PrincipalID: string(other)},
		{}, // nobody
		{Kind: identity.FederatedUser, Account: own, ARN: "arn:aws:sts::111122223333:federated-user/f", UserID: "111122223333:f", PrincipalID: "AIDA1", Session: session},
	} {
		e := &Event{
			ID: "e", Service: "sts.amazonaws.com", Operation: "GetCallerIdentity", ReadOnly: true, ErrorCode: "AccessDenied", ErrorMessage: `"accountId":"999999999999"`,
			Request: &identity.Request{ID: "r", Time: at.Add(time.Duration(i) * time.Minute), Region: "eu-west-1", Caller: c,
				UserAgent: `a","accountId":"999999999999`},
			Resources: []Resource{{ARN: "arn:aws:iam::999999999999:role/r", Account: "999999999999"}},
		}
		if c.Session != nil {
			e.IssuerARN = "arn:aws:iam::111122223333:role/r"
		}
		if err := l.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	entry := func(minutes int, account arn.AccountID, principal string) Entry {
		return Entry{at.Add(time.Duration(minutes) * time.Minute), "sts.amazonaws.com", "GetCallerIdentity", "eu-west-1", account, principal}
	}
	for name, test := range map[string]struct {
		accounts []arn.AccountID
		want     []Entry
	}{
		"one":     {[]arn.AccountID{own}, []Entry{entry(0, own, "AIDA1"), entry(1, own, "AROA1"), entry(4, own, "AIDA1")}},
		"another": {[]arn.AccountID{other}, []Entry{entry(2, other, string(other))}},
		"none":    {nil, nil},
		// What a client writes into its line makes it no other account's.
		"forged": {[]arn.AccountID{"999999999999"}, nil},
	} {
		got, err := readAll(t, l, test.accounts...)
		if err != nil || len(got) != len(test.want) {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%s: got %+v, want %+v", name, got[i], test.want[i])
			}
		}
	}
}

func TestReadStops(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := Open(options(path))
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, l)
	for range 3 {
		if err := l.Write(t.Context(), assumeRole()); err != nil {
			t.Fatal(err)
		}
	}
	account := assumeRole().Request.Caller.Account
	if got, err := readAll(t, l, account); err != nil || len(got) != 3 {
		t.Fatalf("control: %v, %v", got, err)
	}
	enough := errors.New("enough")
	if err := l.Read(t.Context(), map[arn.AccountID]bool{account: true}, func(Entry) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("visit's error: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Read(ended, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for name, test := range map[string]struct{ text, reason string }{
		"altered": {strings.Replace(string(text), "AssumeRole", "AssumeRoot", 1), "line 1: the line was altered"},
		"deleted": {lines[0] + lines[2], "line 2: line 3 of the chain follows line 1"},
		"foreign": {lines[0] + "hello\n", "line 2: not a line of an audit log"},
	} {
		err := scan(t.Context(), strings.NewReader(test.text), map[arn.AccountID]bool{account: true}, func(Entry) error { return nil })
		if err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v, want %q", name, err, test.reason)
		}
	}
	stream, err := Open(Options{Stream: new(strings.Builder)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(t, stream, account); !errors.Is(err, ErrNotReadable) {
		t.Errorf("a stream: %v", err)
	}
}
