package sts_test

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/outbound"
	"github.com/stint-sts/stint/internal/identity"
)

// issuing gives account A an issuer.
func issuing(w *world) {
	w.t.Helper()
	o := &directory.OutboundIssuer{ID: "id", Enabled: true}
	if err := outbound.Renew(o, now); err != nil {
		w.t.Fatal(err)
	}
	w.Put(&directory.Account{ID: dt.A, ARN: arn.Root(arn.AWS, dt.A), Created: dt.Created, Outbound: o})
	w.service.OutboundIssuer = func(id string) string { return "https://" + id + ".example.com" }
}

func (w *world) prove(v *directory.View, c identity.Caller, in api.GetWebIdentityTokenInput) (*api.GetWebIdentityTokenOutput, error) {
	if in.SigningAlgorithm == "" {
		in.SigningAlgorithm = "ES384"
	}
	if in.Audience == nil {
		in.Audience = []string{"a"}
	}
	return w.service.GetWebIdentityToken(w.t.Context(), v, w.request(c), &in)
}

func TestWebIdentityToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issuing(w)
	w.Put(&directory.Organization{ID: "o-abcdefghij", RootID: "r-abcd", ManagementAccount: dt.A, Members: []arn.AccountID{dt.A}})
	r := w.Role(dt.A, "r", trust("*"), dt.AllowAll)
	r.Tags = []directory.Tag{{Key: "team", Value: "blue"}, {Key: "site", Value: "north"}}
	c := identity.Caller{Kind: identity.AssumedRole, Account: dt.A, ARN: arn.AssumedRole(arn.AWS, dt.A, "r", "s"), UserID: r.ID + ":s", PrincipalID: r.ID,
		Session: &identity.Session{Kind: identity.RoleSession, Expires: now.Add(5 * time.Minute), SourceIdentity: "ann",
			Tags: []identity.SessionTag{{Key: "Team", Value: "red"}}, Attributes: []identity.Attribute{{Key: "aws:federatedprovider", Values: []string{"p"}}}}}
	out, err := w.prove(w.View(), c, api.GetWebIdentityTokenInput{Audience: []string{"a", "b"}, Tags: tags("job", "1")})
	if err != nil {
		t.Fatal(err)
	}
	if !out.Expiration.Equal(now.Add(5 * time.Minute)) {
		t.Errorf("expires %v", out.Expiration)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(*out.WebIdentityToken, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	if id, _ := got["jti"].(string); len(id) != 36 {
		t.Errorf("jti %v", got["jti"])
	}
	delete(got, "jti")
	want := map[string]any{
		"iss": "https://id.example.com", "aud": []any{"a", "b"}, "sub": r.ARN, "iat": float64(now.Unix()), "exp": float64(now.Unix() + 300),
		"https://sts.amazonaws.com/": map[string]any{
			"aws_account": "111122223333", "org_id": "o-abcdefghij", "ou_path": []any{"o-abcdefghij/r-abcd/"}, "source_region": "us-east-1",
			"principal_id": r.ARN, "principal_tags": map[string]any{"Team": "red", "site": "north"}, "request_tags": map[string]any{"job": "1"},
			"source_identity": "ann", "federated_provider": "p", "original_session_exp": now.Add(5 * time.Minute).Format(time.RFC3339),
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("claims\n%v\nwant\n%v", got, want)
	}
}

func TestWebIdentityTokenRefusals(t *testing.T) {
	t.Parallel()
	allow := func(actions, condition string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":[` + actions + `],"Resource":"arn:aws:sts::111122223333:self"` + condition + `}}`
	}
	const both, one = `"sts:GetWebIdentityToken","sts:TagGetWebIdentityToken"`, `"sts:GetWebIdentityToken"`
	const limited = `,"Condition":{"ForAllValues:StringEquals":{"sts:IdentityTokenAudience":["a"]},"NumericLessThanEquals":{"sts:DurationSeconds":300},` +
		`"StringEquals":{"sts:SigningAlgorithm":"ES384"}}`
	const tagged = `,"Condition":{"StringEquals":{"aws:RequestTag/job":"1"},"ForAllValues:StringEquals":{"aws:TagKeys":["job"]}}`
	refusal := func(action string) string {
		return "User: arn:aws:iam::111122223333:user/u is not authorized to perform: sts:" + action + " on resource: arn:aws:sts::111122223333:self " +
			"because no identity-based policy allows the sts:" + action + " action"
	}
	tests := []struct {
		name, policy string
		in           api.GetWebIdentityTokenInput
		session      *identity.Session
		disabled     bool
		code         identity.Code // empty: it works
		message      string
	}{
		{name: "control", policy: allow(one, "")},
		{name: "within limits", policy: allow(one, limited)},
		{name: "another audience beside", policy: allow(one, limited), in: api.GetWebIdentityTokenInput{Audience: []string{"a", "b"}},
			code: identity.AccessDenied, message: refusal("GetWebIdentityToken")},
		{name: "too long", policy: allow(one, limited), in: api.GetWebIdentityTokenInput{DurationSeconds: new(int32(301))},
			code: identity.AccessDenied, message: refusal("GetWebIdentityToken")},
		{name: "another algorithm", policy: allow(one, limited), in: api.GetWebIdentityTokenInput{SigningAlgorithm: "RS256"},
			code: identity.AccessDenied, message: refusal("GetWebIdentityToken")},
		{name: "tags", policy: allow(both, tagged), in: api.GetWebIdentityTokenInput{Tags: tags("job", "1")}},
		{name: "other tags", policy: allow(both, tagged), in: api.GetWebIdentityTokenInput{Tags: tags("job", "2")},
			code: identity.AccessDenied, message: refusal("TagGetWebIdentityToken")},
		{name: "tags that are not allowed", policy: allow(one, ""), in: api.GetWebIdentityTokenInput{Tags: tags("job", "1")},
			code: identity.AccessDenied, message: refusal("TagGetWebIdentityToken")},
		{name: "an algorithm that is none", policy: dt.AllowAll, in: api.GetWebIdentityTokenInput{SigningAlgorithm: "HS256"}, code: identity.ValidationError,
			message: "1 validation error detected: Value 'HS256' at 'signingAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [RS256, ES384]"},
		{name: "disabled", policy: dt.AllowAll, disabled: true, code: identity.OutboundDisabled,
			message: "Outbound web identity federation is not enabled for this account. To use this feature, an administrator must enable it with " +
				"EnableOutboundWebIdentityFederation."},
		{name: "disabled and denied", policy: allow(`"sts:AssumeRole"`, ""), disabled: true, code: identity.AccessDenied, message: refusal("GetWebIdentityToken")},
		{name: "longer than the session", policy: dt.AllowAll, session: &identity.Session{Kind: identity.UserSession, Expires: now.Add(299 * time.Second)},
			code: identity.SessionDurationEscalation, message: "The requested token duration would extend the session beyond its original expiration time."},
		{name: "as long as the session", policy: dt.AllowAll, session: &identity.Session{Kind: identity.UserSession, Expires: now.Add(300 * time.Second)}},
		{name: "large", policy: dt.AllowAll, in: api.GetWebIdentityTokenInput{Audience: []string{strings.Repeat("a", 9000)}}, code: identity.JWTPayloadSizeExceeded,
			message: "The requested token payload size exceeds the maximum allowed size. Reduce the number of request tags to reduce the token payload size."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if !tt.disabled {
				issuing(w)
			}
			c := user(w.User(dt.A, "u", tt.policy))
			c.Session = tt.session
			_, err := w.prove(w.View(), c, tt.in)
			switch {
			case tt.code != "":
				wantFault(t, err, tt.code, tt.message)
			case err != nil:
				t.Error(err)
			}
		})
	}
}
