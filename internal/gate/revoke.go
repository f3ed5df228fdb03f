package gate

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
)

// RevokeSessionsPath is where sessions are ended before their time.
const RevokeSessionsPath = "/stint/v1/sessions/revoke"

// RevokeSessionsInput names the sessions of the caller's own account that end: those of a role or of a user, or the one of an access
// key id.
type RevokeSessionsInput struct {
	// Role and User are a name or an ARN.
	Role string `json:"role,omitempty"`
	User string `json:"user,omitempty"`
	// SessionName spares all sessions of the role but those of this name, or all of the user but those of the federated user.
	SessionName string `json:"sessionName,omitempty"`
	// Before spares the sessions that were issued at this time or later.
	Before time.Time `json:"before,omitzero"`
	// AccessKeyID is a session's (ASIA…).
	AccessKeyID string `json:"accessKeyId,omitempty"`
}

// Audited is what the audit log is told.
func (in *RevokeSessionsInput) Audited() any {
	told := *in
	if in.AccessKeyID != "" && arn.PrefixOf(in.AccessKeyID) != arn.TemporaryKeyID { // perhaps a secret, given by mistake
		told.AccessKeyID = "?"
	}
	for _, text := range []*string{&told.Role, &told.User, &told.SessionName, &told.AccessKeyID} {
		if len(*text) > maxAudited {
			*text = strings.ToValidUTF8((*text)[:maxAudited], "")
		}
	}
	return told
}

// RevokeSessionsOutput says what is in force.
type RevokeSessionsOutput struct {
	// Target is the unique id of the role or user, with the session name after a colon, or the access key id.
	Target string `json:"target"`
	// Revision is the directory's below which sessions are void.
	Revision int64 `json:"revision"`
}

// Audited is what the audit log is told.
func (o *RevokeSessionsOutput) Audited() any { return o }

const (
	// keepRevocation is how long a revocation is kept: no session that it is of lasts longer. The hour is for clocks that are apart.
	keepRevocation = session.MaxLifetime + time.Hour
	revokeAttempts = 8
	firstPause     = 4 * time.Millisecond
)

// RevokeSessions ends sessions of the caller's account. It returns when this node accepts none of them any more; the others follow
// as soon as the store tells them. Sessions that are issued from then on are not concerned, whatever any clock says. It needs
// stint:RevokeSessions on the role or user, or on * for an access key id.
func (s *Service) RevokeSessions(ctx context.Context, v *directory.View, req *identity.Request, in *RevokeSessionsInput) (*RevokeSessionsOutput, error) {
	target, resource, err := revocationTarget(v, req, in)
	if err != nil {
		return nil, err
	}
	d := s.Authorizer.Authorize(v, req, authz.Query{Action: "stint:RevokeSessions", Resource: resource, ResourceAccount: req.Caller.Account})
	if !d.Allowed() {
		return nil, d.Fault()
	}
	if target == "" {
		return nil, identity.NewFault(identity.NoSuchEntity, "There is no such role or user in the account.")
	}
	for attempt := range revokeAttempts {
		r := &directory.Revocation{Account: req.Caller.Account, Target: target}
		if earlier, ok := s.View().Revocation(req.Caller.Account, target); ok {
			r = earlier
		}
		c := new(directory.Change)
		r = r.Again(in.Before)
		c.PutFor(r, keepRevocation)
		err = s.Directory.Commit(ctx, c)
		if err == nil {
			after := s.View()
			out := &RevokeSessionsOutput{Target: target, Revision: after.Revision()}
			if written, ok := after.Revocation(req.Caller.Account, target); ok {
				out.Revision = written.Revision()
			}
			return out, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			break
		}
		if err := pause(ctx, firstPause<<attempt); err != nil {
			return nil, err
		}
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, identity.NewFault(identity.ConcurrentModification, "The same sessions are being revoked at this moment. Please try again.").Because(err)
	case errors.Is(err, store.ErrUnavailable):
		return nil, identity.NewFault(identity.ServiceUnavailable, "The request has failed due to a temporary failure of the server.").Because(err)
	}
	return nil, err
}

// pause lets the View catch up and those who compete come apart.
func pause(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit/2 + rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// revocationTarget returns what a revocation is of, and the resource that the permission is asked for. The target is empty if the
// role or user is not there, which is for those to know who may revoke.
func revocationTarget(v *directory.View, req *identity.Request, in *RevokeSessionsInput) (target, resource string, err error) {
	given := 0
	for _, text := range []string{in.Role, in.User, in.AccessKeyID} {
		if text != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return "", "", validation("one of role, user and accessKeyId must be given")
	case in.Before.After(req.Time):
		return "", "", validation("before must not be in the future: sessions that are yet to be issued cannot be revoked")
	case in.AccessKeyID != "":
		target, err = keyTarget(req, in)
		return target, "*", err
	case in.SessionName != "" && !sessionName(in.SessionName):
		return "", "", validation("sessionName must have 2 to 64 characters of letters, digits and =,.@_+-")
	case in.Role != "":
		target, resource, err = roleTarget(v, req.Caller.Account, in.Role)
	default:
		target, resource, err = userTarget(v, req.Caller.Account, in.User)
	}
	if target != "" && in.SessionName != "" {
		target += ":" + in.SessionName
	}
	return target, resource, err
}

func keyTarget(req *identity.Request, in *RevokeSessionsInput) (string, error) {
	account, err := arn.AccountOfID(in.AccessKeyID)
	switch {
	case err != nil || arn.PrefixOf(in.AccessKeyID) != arn.TemporaryKeyID:
		return "", validation("accessKeyId must be that of a session (ASIA…): other access keys are deactivated or deleted").Because(err)
	case account != req.Caller.Account:
		return "", validation("accessKeyId is not of the caller's account")
	case in.SessionName != "" || !in.Before.IsZero():
		return "", validation("accessKeyId is of one session: nothing else can be given with it")
	}
	return in.AccessKeyID, nil
}

func roleTarget(v *directory.View, account arn.AccountID, given string) (target, resource string, err error) {
	name, given, err := entityName("role", account, given)
	if err != nil {
		return "", "", err
	}
	role, ok := v.Role(account, name)
	if !ok || given != "" && role.ARN != given {
		return "", orElse(given, arn.Role(v.Partition(), account, "/", name)), nil
	}
	return role.ID, role.ARN, nil
}

func userTarget(v *directory.View, account arn.AccountID, given string) (target, resource string, err error) {
	name, given, err := entityName("user", account, given)
	if err != nil {
		return "", "", err
	}
	user, ok := v.User(account, name)
	if !ok || given != "" && user.ARN != given {
		return "", orElse(given, arn.User(v.Partition(), account, "/", name)), nil
	}
	return user.ID, user.ARN, nil
}

// entityName reads a name, or an ARN of the account.
func entityName(kind string, account arn.AccountID, given string) (name, givenARN string, err error) {
	if !strings.HasPrefix(given, "arn:") {
		if len(given) > maxName || !plain(given) {
			return "", "", validation(kind + " must be the name or the ARN of a " + kind)
		}
		return given, "", nil
	}
	parsed, err := arn.Parse(given)
	if err != nil {
		return "", "", validation(kind + " must be the name or the ARN of a " + kind).Because(err)
	}
	found, _, name := parsed.Entity()
	if parsed.Service != "iam" || found != kind || name == "" || parsed.Account != string(account) {
		return "", "", validation(kind + " must be the ARN of a " + kind + " of the caller's account")
	}
	return name, given, nil
}

// plain reports whether s has the characters of names and session names alone (IAM and STS models).
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("=,.@_+-", rune(c)) {
			return false
		}
	}
	return true
}

func sessionName(s string) bool { return len(s) >= 2 && len(s) <= 64 && plain(s) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
