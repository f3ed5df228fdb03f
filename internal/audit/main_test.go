package audit

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

// childEnv makes the test binary the program that another test observes.
const childEnv = "STINT_AUDIT_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "":
		goleak.VerifyTestMain(m)
	case "write":
		writeForever()
	case "limit":
		writeIntoLimit()
	}
}

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func options(path string) Options {
	return Options{Path: path, Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler)}
}

func assumeRole() *Event {
	return &Event{
		ID: "5e1f4a2c-0001-4000-8000-000000000001",
		Request: &identity.Request{
			ID: "7a3b0001-0000-4000-8000-000000000002",
			Caller: identity.Caller{
				Kind: identity.AssumedRole, Account: "111122223333",
				ARN:    "arn:aws:sts::111122223333:assumed-role/first/s1",
				UserID: "AROARTZ4ZLEUI3DZDGQ6G:s1", PrincipalID: "AROARTZ4ZLEUI3DZDGQ6G", AccessKeyID: "ASIARTZ4ZLEUNXS2KT7A",
				Session: &identity.Session{
					Kind: identity.RoleSession, AccessKeyID: "ASIARTZ4ZLEUNXS2KT7A", Secret: secret.FromString("canary-secret"),
					Account: "111122223333", Name: "s1", Issued: noon.Add(-time.Hour), Expires: noon.Add(time.Hour),
					SourceIdentity: "alice", Chained: true, MFATime: noon.Add(-time.Hour),
					Tags: []identity.SessionTag{{Key: "team", Value: "blue", Transitive: true}, {Key: "cost", Value: ""}},
				},
			},
			Action: "sts:AssumeRole", Time: noon, Region: "us-east-1", SourceIP: netip.MustParseAddr("192.0.2.1"),
			UserAgent: "aws-cli/2.31.0", SecureTransport: true,
		},
		Service: "sts.amazonaws.com", Operation: "AssumeRole", Issues: true,
		IssuerARN:         "arn:aws:iam::111122223333:role/path/first",
		RequestParameters: []byte(`{"roleArn":"arn:aws:iam::111122223333:role/target","roleSessionName":"s2"}`),
		ResponseElements:  []byte(`{"credentials":{"accessKeyId":"ASIARTZ4ZLEUAAAAAAAA","expiration":"Jul 1, 2026, 1:00:00 PM"}}`),
		Resources:         []Resource{{ARN: "arn:aws:iam::111122223333:role/target", Account: "111122223333", Type: "AWS::IAM::Role"}},
	}
}

func getCallerIdentity() *Event {
	e := assumeRole()
	e.Operation, e.Request.Action, e.ReadOnly, e.Issues = "GetCallerIdentity", "sts:GetCallerIdentity", true, false
	e.RequestParameters, e.Resources = nil, nil
	return e
}

// writeForever writes event after event, and says so after each, until it is killed.
func writeForever() {
	l, err := Open(options(os.Args[1]))
	if err != nil {
		fmt.Println("open:", err)
		return
	}
	for i := 0; ; i++ {
		e := assumeRole()
		e.ID = fmt.Sprintf("event-%d", i)
		if err := l.Write(context.Background(), e); err != nil {
			fmt.Println("write:", err)
			return
		}
		fmt.Println(e.ID)
	}
}

// writeIntoLimit fills a file up to the limit of the operating system, then raises the limit and goes on.
func writeIntoLimit() {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println("getrlimit:", err)
		return
	}
	small := limit
	small.Cur = 10_000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		fmt.Println("setrlimit:", err)
		return
	}
	l, err := Open(options(os.Args[1]))
	if err != nil {
		fmt.Println("open:", err)
		return
	}
	written, failed := 0, 0
	write := func() {
		if err := l.Write(context.Background(), assumeRole()); err != nil {
			failed++
		} else {
			written++
		}
	}
	for range 30 {
		write()
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println("setrlimit:", err)
		return
	}
	fmt.Println("full", written, failed)
	for range 5 {
		write()
	}
	fmt.Println("space", written, failed)
	if err := l.Close(); err != nil {
		fmt.Println("close:", err)
	}
}
