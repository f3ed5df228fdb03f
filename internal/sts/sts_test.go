package sts_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/sts"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

// oneCode accepts the code 123456 of the device "device" once.
type oneCode struct{ spent bool }

func (m *oneCode) Verify(_ context.Context, _ *directory.View, _ arn.AccountID, _, serial, code string, _ time.Time) error {
	if serial != "device" || code != "123456" || m.spent {
		return identity.NewFault(identity.AccessDenied, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	m.spent = true
	return nil
}

// world is a service in front of a directory.
type world struct {
	*dt.Builder
	t       *testing.T
	service *sts.Service
	region  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key, err := session.NewSealingKey(1, dt.Created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &world{Builder: dt.New(t, key), t: t, region: "us-east-1", service: &sts.Service{
		Authorizer: authz.New(),
		Sealer:     session.NewSealer(rand.Reader, func() time.Time { return now }),
		MFA:        &oneCode{},
		Random:     rand.Reader,
	}}
}

func (w *world) request(c identity.Caller) *identity.Request {
	return &identity.Request{ID: "r", Caller: c, Time: now, Region: w.region}
}

func (w *world) assume(v *directory.View, c identity.Caller, in api.AssumeRoleInput) (*api.AssumeRoleOutput, error) {
	if in.RoleSessionName == "" {
		in.RoleSessionName = "s1"
	}
	return w.service.AssumeRole(w.t.Context(), v, w.request(c), &in)
}

// as is the caller that the credentials of an answer make.
func (w *world) as(v *directory.View, c *api.Credentials) identity.Caller {
	w.t.Helper()
	s, err := w.service.Sealer.Open(v, c.AccessKeyId, c.SessionToken)
	if err != nil {
		w.t.Fatal(err)
	}
	caller := identity.Caller{Account: s.Account, PrincipalID: s.PrincipalID, AccessKeyID: c.AccessKeyId, Session: s}
	switch e, _ := v.ByID(s.PrincipalID); e := e.(type) {
	case *directory.Role:
		caller.Kind, caller.ARN, caller.UserID = identity.AssumedRole, arn.AssumedRole(arn.AWS, s.Account, e.Name, s.Name), s.PrincipalID+":"+s.Name
	case *directory.User:
		caller.Kind, caller.ARN, caller.UserID = identity.User, e.ARN, e.ID
		if s.Kind == identity.FederationSession {
			caller.Kind, caller.ARN, caller.UserID = identity.FederatedUser, arn.FederatedUser(arn.AWS, s.Account, s.Name), string(s.Account)+":"+s.Name
		}
	}
	return caller
}

func user(u *directory.User) identity.Caller {
	return identity.Caller{Kind: identity.User, Account: u.Account, ARN: u.ARN, UserID: u.ID, PrincipalID: u.ID}
}

func root(account arn.AccountID) identity.Caller {
	return identity.Caller{Kind: identity.Root, Account: account, ARN: arn.Root(arn.AWS, account), UserID: string(account), PrincipalID: string(account)}
}

func wantFault(t *testing.T, err error, code identity.Code, message string) {
	t.Helper()
	var f *identity.Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want %s %q", err, code, message)
	}
	if f.Code != code || f.Message != message {
		t.Errorf("got %s %q\nwant %s %q", f.Code, f.Message, code, message)
	}
}

func trust(principal string, actions ...string) string {
	if len(actions) == 0 {
		actions = []string{"sts:AssumeRole"}
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%q},"Action":["%s"]}]}`,
		principal, strings.Join(actions, `","`))
}

func denied(c identity.Caller, action string, r *directory.Role) string {
	return "User: " + c.ARN + " is not authorized to perform: " + action + " on resource: " + r.ARN
}

// TestAssumeRoleMatrix: advisory 39, all 54 rows of identity policy × trust policy × session policy × account.
func TestAssumeRoleMatrix(t *testing.T) {
	t.Parallel()
	statement := func(effect, rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `",` + rest + `}]}`
	}
	rows := 0
	for _, cross := range []bool{false, true} {
		for _, own := range []string{"Allow", "", "Deny"} {
			for _, trusted := range []string{"Allow", "", "Deny"} {
				for _, limit := range []string{"", "Allow", "Deny"} {
					rows++
					t.Run(fmt.Sprintf("cross=%v identity=%q trust=%q session=%q", cross, own, trusted, limit), func(t *testing.T) {
						t.Parallel()
						w := newWorld(t)
						caller := w.Role(dt.A, "caller", trust("*"))
						if own != "" {
							caller.Inline = []directory.InlinePolicy{{Name: "p",
								Document: directory.NewDocument(statement(own, `"Action":"sts:AssumeRole","Resource":"*"`))}}
						}
						account := dt.A
						if cross {
							account = dt.B
						}
						principal := trust(w.User(dt.B, "else").ID)
						if trusted != "" {
							principal = statement(trusted, `"Principal":{"AWS":"`+caller.ID+`"},"Action":"sts:AssumeRole"`)
						}
						target := w.Role(account, "target", principal)
						s := &identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: caller.ID, Name: "c"}
						if limit != "" {
							s.Policy = statement(limit, `"Action":"sts:AssumeRole","Resource":"*"`)
						}
						c := identity.Caller{Kind: identity.AssumedRole, Account: dt.A, ARN: arn.AssumedRole(arn.AWS, dt.A, "caller", "c"),
							UserID: caller.ID + ":c", PrincipalID: caller.ID, Session: s}
						_, err := w.assume(w.View(), c, api.AssumeRoleInput{RoleArn: target.ARN})
						// Same account: a trust policy that names the role suffices; other account: always both sides.
						allowed := trusted == "Allow" && own != "Deny" && limit != "Deny" && (own == "Allow" || !cross)
						if allowed {
							if err != nil {
								t.Fatal(err)
							}
							return
						}
						wantFault(t, err, identity.AccessDenied, denied(c, "sts:AssumeRole", target))
					})
				}
			}
		}
	}
	if rows != 54 {
		t.Errorf("%d rows, want 54", rows)
	}
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice")
	r := w.Role(dt.A, "target", trust(u.ID))
	v := w.View()
	out, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: r.ARN})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.AssumedRoleUser; got.Arn != "arn:aws:sts::111122223333:assumed-role/target/s1" || got.AssumedRoleId != r.ID+":s1" {
		t.Errorf("assumed role user %+v", got)
	}
	if out.PackedPolicySize != nil || out.SourceIdentity != nil {
		t.Errorf("members that must be absent: %+v", out)
	}
	c := out.Credentials
	if account, err := arn.AccountOfID(c.AccessKeyId); err != nil || account != dt.A || !strings.HasPrefix(c.AccessKeyId, "ASIA") {
		t.Errorf("access key id %s: account %s, %v", c.AccessKeyId, account, err)
	}
	if len(c.SecretAccessKey) != 40 || !c.Expiration.Equal(now.Add(time.Hour)) {
		t.Errorf("secret of %d characters, expiration %v", len(c.SecretAccessKey), c.Expiration)
	}
	again, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: r.ARN})
	if err != nil || again.Credentials.SecretAccessKey == c.SecretAccessKey || again.Credentials.AccessKeyId == c.AccessKeyId {
		t.Errorf("two sessions share a credential: %v", err)
	}
}

func TestWhoMayNotAssume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", dt.AllowAll)
	r := w.Role(dt.A, "target", trust("111122223333"))
	v := w.View()
	if _, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: r.ARN}); err != nil {
		t.Fatalf("control: %v", err)
	}
	_, err := w.assume(v, root(dt.A), api.AssumeRoleInput{RoleArn: r.ARN}) // advisory 31
	wantFault(t, err, identity.AccessDenied, "Roles may not be assumed by root accounts.")
	policy := dt.AllowAll
	fed, err := w.service.GetFederationToken(t.Context(), v, w.request(user(u)), &api.GetFederationTokenInput{Name: "bob", Policy: &policy})
	if err != nil {
		t.Fatal(err)
	}
	federated := w.as(v, fed.Credentials)
	_, err = w.assume(v, federated, api.AssumeRoleInput{RoleArn: r.ARN})
	wantFault(t, err, identity.AccessDenied, denied(federated, "sts:AssumeRole", r))
	missing := &directory.Role{ARN: "arn:aws:iam::111122223333:role/missing"}
	_, err = w.assume(v, user(u), api.AssumeRoleInput{RoleArn: missing.ARN})
	wantFault(t, err, identity.AccessDenied, denied(user(u), "sts:AssumeRole", missing))
	for _, malformed := range []string{"nothing-valid-in-here", "arn:a::::something/test-role", "arn:a:::something/test-role", "arn:a:a::aaaaaaaaaa:"} {
		_, err = w.assume(v, user(u), api.AssumeRoleInput{RoleArn: malformed})
		wantFault(t, err, identity.ValidationError, malformed+" is invalid")
	}
}

// TestRecreatedPrincipalIsNotTrusted: trust policies hold unique ids (advisory 41).
func TestRecreatedPrincipalIsNotTrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice")
	r := w.Role(dt.A, "target", trust(u.ID))
	if _, err := w.assume(w.View(), user(u), api.AssumeRoleInput{RoleArn: r.ARN}); err != nil {
		t.Fatalf("control: %v", err)
	}
	again := w.User(dt.A, "alice")
	_, err := w.assume(w.View(), user(again), api.AssumeRoleInput{RoleArn: r.ARN})
	wantFault(t, err, identity.AccessDenied, denied(user(again), "sts:AssumeRole", r))
}

func TestRoleDurations(t *testing.T) {
	t.Parallel()
	const (
		overRole  = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
		overChain = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
	)
	tests := []struct {
		name         string
		chained      bool
		roleMax      int32
		configured   time.Duration
		requested    int32 // 0: none
		want         time.Duration
		wantMessage  string
		callerDenied bool
	}{
		{name: "default", roleMax: 43200, want: time.Hour},
		{name: "role maximum", roleMax: 43200, requested: 43200, want: 12 * time.Hour},
		{name: "over the role's", roleMax: 3600, requested: 3601, wantMessage: overRole},
		{name: "chained hour", chained: true, roleMax: 43200, requested: 3600, want: time.Hour},
		{name: "chained over an hour", chained: true, roleMax: 43200, requested: 3601, wantMessage: overChain},
		{name: "role's before chaining's", chained: true, roleMax: 3600, requested: 7200, wantMessage: overRole},
		{name: "configured lower than the role's", roleMax: 43200, configured: 2 * time.Hour, requested: 7201, wantMessage: overRole},
		{name: "configured, at it", roleMax: 43200, configured: 2 * time.Hour, requested: 7200, want: 2 * time.Hour},
		{name: "configured lower than the default", roleMax: 43200, configured: 30 * time.Minute, want: 30 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			u := w.User(dt.A, "alice", dt.AllowAll)
			first := w.Role(dt.A, "first", trust("111122223333"), dt.AllowAll)
			r := w.Role(dt.A, "target", trust("111122223333"))
			r.MaxSessionSeconds = tt.roleMax
			v := w.View()
			caller := user(u)
			if tt.chained {
				out, err := w.assume(v, caller, api.AssumeRoleInput{RoleArn: first.ARN})
				if err != nil {
					t.Fatal(err)
				}
				caller = w.as(v, out.Credentials)
			}
			w.service.MaxSession = tt.configured
			in := api.AssumeRoleInput{RoleArn: r.ARN}
			if tt.requested != 0 {
				in.DurationSeconds = &tt.requested
			}
			out, err := w.assume(v, caller, in)
			if tt.wantMessage != "" {
				wantFault(t, err, identity.ValidationError, tt.wantMessage)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := out.Credentials.Expiration.Sub(now); got != tt.want {
				t.Errorf("lasts %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSessionsOfGetSessionTokenChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice")
	r := w.Role(dt.A, "target", trust(u.ID))
	r.MaxSessionSeconds = 43200
	v := w.View()
	out, err := w.service.GetSessionToken(t.Context(), v, w.request(user(u)), &api.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	caller := w.as(v, out.Credentials)
	_, err = w.assume(v, caller, api.AssumeRoleInput{RoleArn: r.ARN, DurationSeconds: new(int32(3601))})
	wantFault(t, err, identity.ValidationError, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	if _, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: r.ARN, DurationSeconds: new(int32(3601))}); err != nil {
		t.Errorf("control: %v", err)
	}
}

func TestRegionDisabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice")
	r := w.Role(dt.A, "target", trust(u.ID))
	w.Put(&directory.Account{ID: dt.A, ARN: arn.Root(arn.AWS, dt.A), DisabledRegions: []string{"ap-east-1"}})
	v := w.View()
	if _, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: r.ARN}); err != nil {
		t.Errorf("another region: %v", err)
	}
	w.region = "ap-east-1"
	_, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: r.ARN})
	wantFault(t, err, identity.RegionDisabled, "STS is not activated in this region for account:111122223333. Your account administrator can "+
		"activate STS in this region using the IAM Console.")
}

func TestMFAOfOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice")
	withMFA := func(principal string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole",` +
			`"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`
	}
	first := w.Role(dt.A, "first", withMFA(u.ID))
	second := w.Role(dt.A, "second", withMFA(first.ID))
	v := w.View()
	serial, code := "device", "123456"
	_, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: first.ARN})
	wantFault(t, err, identity.AccessDenied, denied(user(u), "sts:AssumeRole", first))
	_, err = w.assume(v, user(u), api.AssumeRoleInput{RoleArn: first.ARN, TokenCode: &code})
	wantFault(t, err, identity.AccessDenied, "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
	out, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: first.ARN, SerialNumber: &serial, TokenCode: &code})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.assume(v, user(u), api.AssumeRoleInput{RoleArn: first.ARN, SerialNumber: &serial, TokenCode: &code})
	wantFault(t, err, identity.AccessDenied, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	// Advisory 116: what was proved for one session is not passed along.
	chained := w.as(v, out.Credentials)
	_, err = w.assume(v, chained, api.AssumeRoleInput{RoleArn: second.ARN})
	wantFault(t, err, identity.AccessDenied, denied(chained, "sts:AssumeRole", second))
}
