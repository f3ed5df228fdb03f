package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Sessions is what a log tells of sessions: those that were issued, and those that were revoked.
type Sessions struct {
	Issued  []IssuedSession
	Revoked []Revocation
}

// IssuedSession is a session as it was issued.
type IssuedSession struct {
	Issued  time.Time
	Expires time.Time
	// Operation issued it, such as AssumeRole.
	Operation   string
	AccessKeyID string
	// ARN and ID are of the session: of a role session the assumed-role ARN and AROA…:name, of GetSessionToken the user's own.
	ARN string
	ID  string
	// By is whom it was issued to: the ARN of the caller, or what an identity provider calls it. ByID is the caller's unique id.
	By   string
	ByID string
	// SourceIP and UserAgent are of the request.
	SourceIP  string
	UserAgent string
}

// Revocation is a revocation of sessions.
type Revocation struct {
	At     time.Time
	Target string
	Before time.Time // zero if it spares no session
}

// sessionLine is what is read of a line.
type sessionLine struct {
	UserIdentity struct {
		ARN         string `json:"arn"`
		PrincipalID string `json:"principalId"`
		UserName    string `json:"userName"`
	} `json:"userIdentity"`
	EventTime         time.Time `json:"eventTime"`
	EventSource       string    `json:"eventSource"`
	EventName         string    `json:"eventName"`
	ErrorCode         string    `json:"errorCode"`
	SourceIP          string    `json:"sourceIPAddress"`
	UserAgent         string    `json:"userAgent"`
	RequestParameters struct {
		Before          time.Time `json:"before"`
		TargetPrincipal string    `json:"targetPrincipal"` // of AssumeRoot
	} `json:"requestParameters"`
	ResponseElements struct {
		Credentials struct {
			AccessKeyID string `json:"accessKeyId"`
			Expiration  string `json:"expiration"`
		} `json:"credentials"`
		AssumedRoleUser struct {
			ARN string `json:"arn"`
			ID  string `json:"assumedRoleId"`
		} `json:"assumedRoleUser"`
		FederatedUser struct {
			ARN string `json:"arn"`
		} `json:"federatedUser"`
		AssumedPrincipal string `json:"assumedPrincipal"` // of GetDelegatedAccessToken
		Target           string `json:"target"`           // of RevokeSessions
	} `json:"responseElements"`
}

// expirationFormat is CloudTrail's form of the expiration of credentials, in UTC.
const expirationFormat = "Jan 2, 2006, 3:04:05 PM"

// ReadSessions reads what a log tells of sessions that end after a time, and of revocations. Its lines are believed only as long
// as the chain holds: the error says where it breaks. An unfinished last line is left out.
func ReadSessions(ctx context.Context, r io.Reader, after time.Time) (*Sessions, error) {
	found, lines, last := new(Sessions), bufio.NewReaderSize(r, 64<<10), origin()
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		line, whole, err := readLine(lines)
		if err != nil {
			return nil, err
		}
		if !whole && len(line) <= maxLine {
			return found, nil
		}
		if last, err = follow(last, line); err == nil {
			err = found.take(line, after)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

func (s *Sessions) take(line []byte, after time.Time) error {
	issues := bytes.Contains(line, []byte(`"eventSource":"sts.amazonaws.com"`)) && bytes.Contains(line, []byte(`"expiration":"`))
	if !issues && !bytes.Contains(line, []byte(`"eventSource":"stint","eventName":"RevokeSessions"`)) {
		return nil
	}
	var l sessionLine
	if err := json.Unmarshal(line, &l); err != nil {
		return err
	}
	result := &l.ResponseElements
	switch {
	case l.ErrorCode != "":
	case l.EventSource == "stint" && l.EventName == "RevokeSessions" && result.Target != "":
		s.Revoked = append(s.Revoked, Revocation{At: l.EventTime, Target: result.Target, Before: l.RequestParameters.Before})
	case l.EventSource == "sts.amazonaws.com" && result.Credentials.AccessKeyID != "":
		expires, err := time.Parse(expirationFormat, result.Credentials.Expiration)
		if err != nil {
			return fmt.Errorf("the expiration of a session: %w", err)
		}
		if expires.After(after) {
			s.Issued = append(s.Issued, l.issued(expires))
		}
	}
	return nil
}

func (l *sessionLine) issued(expires time.Time) IssuedSession {
	result := &l.ResponseElements
	i := IssuedSession{
		Issued: l.EventTime, Expires: expires, Operation: l.EventName, AccessKeyID: result.Credentials.AccessKeyID,
		ARN: l.UserIdentity.ARN, ID: l.UserIdentity.PrincipalID,
		By: l.UserIdentity.ARN, ByID: l.UserIdentity.PrincipalID, SourceIP: l.SourceIP, UserAgent: l.UserAgent,
	}
	switch {
	case result.AssumedRoleUser.ARN != "":
		i.ARN, i.ID = result.AssumedRoleUser.ARN, result.AssumedRoleUser.ID
	case result.FederatedUser.ARN != "":
		_, name, _ := strings.Cut(result.FederatedUser.ARN, ":federated-user/")
		i.ARN, i.ID = result.FederatedUser.ARN, l.UserIdentity.PrincipalID+":"+name
	case result.AssumedPrincipal != "":
		i.ARN, i.ID = result.AssumedPrincipal, ""
	case l.RequestParameters.TargetPrincipal != "":
		i.ARN, i.ID = l.RequestParameters.TargetPrincipal, ""
	}
	if i.By == "" {
		i.By = l.UserIdentity.UserName
	}
	return i
}

// RevokedBy reports whether a revocation, as far as the log tells, is of a session: the directory goes by its revisions, and a log
// by the time of its lines.
func (i *IssuedSession) RevokedBy(r *Revocation) bool {
	id, _, _ := strings.Cut(i.ID, ":")
	return r.Target != "" && (r.Target == i.AccessKeyID || r.Target == i.ID || r.Target == id) &&
		!i.Issued.After(r.At) && (r.Before.IsZero() || i.Issued.Before(r.Before))
}
