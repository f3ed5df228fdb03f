package wire_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/wire"
)

const iamVersion = "Version=2010-05-08"

func toIAM(p *pipeline, form string) *request {
	r := post(keyOf(p.alice), form+"&"+iamVersion)
	r.service = "iam"
	return r
}

// changes are operations that change something, and how often they did.
type changes struct {
	users, keys int
	before      func() // each of them
}

func (c *changes) bindings() []wire.Binding {
	return []wire.Binding{
		wire.Bind(wire.CreateUser, func(ctx context.Context, _ *directory.View, _ *identity.Request, in *api.CreateUserInput) (*api.CreateUserOutput, error) {
			if c.before != nil {
				c.before()
			}
			if err := ctx.Err(); err != nil { // as the store does
				return nil, identity.NewFault(identity.ServiceUnavailable, "The request was given up.").Because(err)
			}
			c.users++
			return &api.CreateUserOutput{User: &api.User{UserName: in.UserName}}, nil
		}),
		wire.Bind(wire.CreateAccessKey, func(context.Context, *directory.View, *identity.Request, *api.CreateAccessKeyInput) (*api.CreateAccessKeyOutput, error) {
			c.keys++
			return &api.CreateAccessKeyOutput{AccessKey: api.AccessKey{AccessKeyId: "AKIACANARY", SecretAccessKey: "canary-secret", Status: "Active"}}, nil
		}),
	}
}

// A client that hangs up does not stop a change half way, and the audit line tells what happened.
func TestChangeIsNotCancelled(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := &changes{before: cancel}
	p.bind(c.bindings()...)
	p.serve(toIAM(p, "Action=CreateUser&UserName=eve").then(func(r *http.Request) { *r = *r.WithContext(ctx) })).ok(t)
	lines, _ := p.audited()
	if len(lines) != 1 || lines[0].ErrorCode != "" || c.users != 1 || !strings.Contains(string(lines[0].ResponseElements), "eve") {
		t.Errorf("%d users were created, the log says %+v", c.users, lines)
	}
}

// No change is made whose line could not be written; where that shows only afterwards, the answer and the server's log say it.
func TestChangeNeedsItsLine(t *testing.T) {
	t.Parallel()
	stream := new(failing)
	p := newAuditedPipeline(t, audit.Options{Stream: stream})
	c := new(changes)
	p.bind(c.bindings()...)
	create, key := "Action=CreateUser&UserName=eve", "Action=CreateAccessKey&UserName=alice"
	p.serve(toIAM(p, create)).ok(t)
	p.serve(toIAM(p, key)).ok(t)

	stream.refuse.Store(true) // nobody has noticed yet
	r := p.serve(toIAM(p, key))
	r.refused(t, http.StatusServiceUnavailable, "ServiceUnavailable", "The change was made, but its audit line could not be written; the credentials are not given out.")
	if c.keys != 2 || strings.Contains(r.Body.String(), "canary") {
		t.Errorf("%d keys, answer %s", c.keys, r.Body)
	}
	if log := p.errors.String(); !strings.Contains(log, "level=ERROR msg=\"a change was made without an audit line\" request_id="+r.id+" action=iam:CreateAccessKey caller="+p.alice.ARN) {
		t.Errorf("the operator is told %s", log)
	}
	for range 3 {
		for _, form := range []string{create, key} {
			r := p.serve(toIAM(p, form))
			r.refused(t, http.StatusServiceUnavailable, "ServiceUnavailable", "The audit log cannot be written; nothing was issued or changed.")
			if log := p.errors.String(); !strings.Contains(log, "level=ERROR msg=\"request failed\" request_id="+r.id) || !strings.Contains(log, errFull.Error()) {
				t.Errorf("the operator is told %s", log)
			}
		}
	}
	if c.users != 1 || c.keys != 2 {
		t.Errorf("%d users and %d keys: something was changed", c.users, c.keys)
	}
	stream.refuse.Store(false)
	p.serve(toIAM(p, create)).ok(t)

	stream.refuse.Store(true)
	p.serve(toIAM(p, create)).refused(t, http.StatusServiceUnavailable, "ServiceUnavailable", "The change was made, but its audit line could not be written.")
	if c.users != 3 {
		t.Errorf("%d users", c.users)
	}
}

// written is a stream that can be read meanwhile.
type written struct{ lockedBuffer }

// A change that failed in the server may have been made: its line is there before the answer, as that of a success.
func TestUncertainChangeIsWritten(t *testing.T) {
	t.Parallel()
	stream := new(written)
	p := newAuditedPipeline(t, audit.Options{Stream: stream})
	p.bind(wire.Bind(wire.CreateUser, func(context.Context, *directory.View, *identity.Request, *api.CreateUserInput) (*api.CreateUserOutput, error) {
		return nil, errors.New("the connection to the store broke")
	}))
	r := p.serve(toIAM(p, "Action=CreateUser&UserName=eve"))
	r.refused(t, http.StatusInternalServerError, "ServiceFailure", "The request processing has failed because of an unknown error, exception or failure.")
	if text := stream.String(); !strings.Contains(text, r.id) || !strings.Contains(text, `"errorCode":"ServiceFailure"`) {
		t.Errorf("when it was answered the log had %q", text)
	}
	if log := p.errors.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, r.id) || !strings.Contains(log, "the connection to the store broke") {
		t.Errorf("the operator is told %s", log)
	}
}

// Why a signature was refused is in both logs, and the key that it claimed, while the caller learns what AWS tells.
func TestReasonsAreLogged(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	wrong := post(keyOf(p.alice), identityForm).then(func(r *http.Request) {
		a := r.Header.Get("Authorization")
		r.Header.Set("Authorization", a[:len(a)-1]+string('0'+'1'-a[len(a)-1]&1))
	})
	session := p.begin(p.assume())
	broken := session
	broken.SessionToken = session.SessionToken[1:]
	unknown := keyOf(p.alice)
	unknown.AccessKeyID = "AKIAQQQQQQQQQQQQQQQQ"
	added := post(keyOf(p.alice), identityForm).then(func(r *http.Request) { r.Header.Set("X-Amz-Target", "x") })
	rows := []struct {
		request    *request
		id, reason string
	}{
		{wrong, p.alice.AccessKeys[0].ID, "signature differs"},
		{post(broken, identityForm), session.AccessKeyID, "session: the token is invalid"},
		{post(unknown, identityForm), unknown.AccessKeyID, "no such access key"},
		{added, p.alice.AccessKeys[0].ID, "header x-amz-target is not signed"},
		{anonymous(identityForm), "", ""},
		{post(keyOf(p.bob), p.assume("DurationSeconds=1")), p.bob.AccessKeys[0].ID, ""},
	}
	for i, row := range rows {
		if r := p.serve(row.request); r.Code < 400 || r.Code >= 500 || row.reason != "" && strings.Contains(r.Body.String(), row.reason) {
			t.Errorf("row %d: %d %s", i, r.Code, r.Body)
		} else if log := p.errors.String(); row.reason != "" && !strings.Contains(log, "level=DEBUG msg=\"request refused\" request_id="+r.id+" action=sts:GetCallerIdentity") {
			t.Errorf("row %d: the server's log has %s", i, log)
		}
	}
	lines, _ := p.audited()
	for i, row := range rows {
		got := lines[i+1]
		if got.UserIdentity.AccessKeyID != row.id || got.Stint.Reason != row.reason {
			t.Errorf("row %d: key %q, reason %q, want %q, %q", i, got.UserIdentity.AccessKeyID, got.Stint.Reason, row.id, row.reason)
		}
		if row.reason != "" && (got.UserIdentity.Type != "AWSAccount" || got.UserIdentity.ARN != "" || !strings.Contains(p.errors.String(), row.reason)) {
			t.Errorf("row %d: %+v", i, got.UserIdentity)
		}
	}
}

// The line of an operation of Stint's own has its parameters, and of its result what is no secret.
func TestOwnOperationIsAudited(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	assertion := p.issue(contextRequest(p, `{"context":{"UserId":"u-1 \u0085\u2028\u007f<"},"providerArn":"`+provider+`"}`))
	denied := contextRequest(p, goodContext)
	denied.as = keyOf(p.bob)
	p.serve(denied)
	p.serve(contextRequest(p, `{"providerArn":1}`))
	lines, text := p.audited()
	for i, want := range []string{
		`{"providerArn":"` + provider + `","context":{"UserId":"u-1 \u0085\u2028\u007f\u003c"}}`, `{"providerArn":"` + provider + `","context":{"Team":"blue","UserId":"u-1"}}`, "null",
	} {
		if got := string(lines[i].RequestParameters); got != want {
			t.Errorf("line %d: requestParameters %s, want %s", i, got, want)
		}
	}
	if got := string(lines[0].ResponseElements); got != `{"expiration":"2026-07-01T12:15:10Z"}` {
		t.Errorf("responseElements %s", got)
	}
	if strings.Contains(text, assertion) || strings.Contains(text, "contextAssertion") {
		t.Error("the assertion is in the log")
	}
}
