package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
)

// ErrNotReadable is what Read answers for a log that is a stream.
var ErrNotReadable = errors.New("the audit log is no file that could be read back")

// Entry is what a line tells of an authenticated request.
type Entry struct {
	Time               time.Time
	Service, Operation string // such as sts.amazonaws.com, AssumeRole
	Region             string
	Account            arn.AccountID // of the caller
	// PrincipalID is the unique id behind the credential: the user's, the role's, or the account for root.
	PrincipalID string
}

// Read calls visit for every line of the log so far that tells of an authenticated request from one of the accounts, in the order
// of the log, denied requests among them. It needs the memory of one line. Lines are believed only as long as the chain holds: its error
// says where it breaks. visit's error ends it.
func (l *Log) Read(ctx context.Context, accounts map[arn.AccountID]bool, visit func(Entry) error) error {
	if l.path == "" {
		return ErrNotReadable
	}
	l.flushing.Lock()
	l.flush()
	size := l.size
	l.flushing.Unlock()
	f, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := scan(ctx, io.LimitReader(f, size), accounts, visit); err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	return nil
}

func scan(ctx context.Context, r io.Reader, accounts map[arn.AccountID]bool, visit func(Entry) error) error {
	lines, last := bufio.NewReaderSize(r, 64<<10), origin()
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, whole, err := readLine(lines)
		if err != nil {
			return err
		}
		if !whole && len(line) <= maxLine {
			return nil
		}
		if last, err = follow(last, line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if !accounts[callerAccount(line)] {
			continue
		}
		entry, err := parseEntry(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := visit(entry); err != nil {
			return err
		}
	}
}

// callerAccount finds the account of userIdentity without reading the whole line: it is the first member of that name, and within
// a string its quotes would be escaped.
func callerAccount(line []byte) arn.AccountID {
	_, rest, found := bytes.Cut(line, []byte(`"accountId":"`))
	account, _, closed := bytes.Cut(rest[:min(len(rest), 32)], []byte{'"'})
	if !found || !closed {
		return ""
	}
	return arn.AccountID(account)
}

func parseEntry(line []byte) (Entry, error) {
	var event struct {
		UserIdentity struct {
			PrincipalID    string        `json:"principalId"`
			AccountID      arn.AccountID `json:"accountId"`
			SessionContext struct {
				SessionIssuer struct {
					PrincipalID string `json:"principalId"`
				} `json:"sessionIssuer"`
			} `json:"sessionContext"`
		} `json:"userIdentity"`
		EventTime   time.Time `json:"eventTime"`
		EventSource string    `json:"eventSource"`
		EventName   string    `json:"eventName"`
		Region      string    `json:"awsRegion"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return Entry{}, err
	}
	principal := event.UserIdentity.SessionContext.SessionIssuer.PrincipalID
	if principal == "" { // a session's own id is followed by its name
		principal, _, _ = strings.Cut(event.UserIdentity.PrincipalID, ":")
	}
	return Entry{
		Time: event.EventTime, Service: event.EventSource, Operation: event.EventName, Region: event.Region,
		Account: event.UserIdentity.AccountID, PrincipalID: principal,
	}, nil
}
