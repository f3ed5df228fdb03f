package sts_test

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/oidc"
	"github.com/stint-sts/stint/internal/federation/oidc/oidctest"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	issuer     = "https://idp.example.com/tenant"
	provider   = "arn:aws:iam::111122223333:oidc-provider/idp.example.com/tenant"
	notAllowed = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
)

// federatedWorld is a world with a provider in account A.
type federatedWorld struct {
	*world
	key *oidctest.Key
}

func newFederatedWorld(t *testing.T) *federatedWorld {
	t.Helper()
	w := &federatedWorld{newWorld(t), oidctest.NewKey(t, "k", "ES256")}
	w.service.WebIdentity = oidc.New(oidc.Options{Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Leeway: time.Minute})
	w.provide(dt.A, issuer)
	return w
}

func (w *federatedWorld) provide(account arn.AccountID, issuer string) *directory.OIDCProvider {
	url := strings.TrimPrefix(issuer, "https://")
	p := &directory.OIDCProvider{Account: account, URL: url, ARN: arn.OIDCProvider(arn.AWS, account, url), ClientIDs: []string{"client"}, JWKS: oidctest.Set(w.key)}
	w.Put(p)
	return p
}

func (w *federatedWorld) token(changes map[string]any) string {
	claims := map[string]any{"iss": issuer, "aud": "client", "sub": "subject-1", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(claims, changes)
	return w.key.Token(claims)
}

func (w *federatedWorld) federate(v *directory.View, in api.AssumeRoleWithWebIdentityInput) (*api.AssumeRoleWithWebIdentityOutput, error) {
	out, _, err := w.federateAs(v, in)
	return out, err
}

// federateAs returns who the request turned out to be from, too.
func (w *federatedWorld) federateAs(v *directory.View, in api.AssumeRoleWithWebIdentityInput) (*api.AssumeRoleWithWebIdentityOutput, identity.Caller, error) {
	if in.RoleSessionName == "" {
		in.RoleSessionName = "s1"
	}
	req := w.request(identity.Caller{})
	out, err := w.service.AssumeRoleWithWebIdentity(w.t.Context(), v, req, &in)
	return out, req.Caller, err
}

// federatedTrust is a statement for a provider, with a condition (JSON) or none.
func federatedTrust(effect, provider, actions, condition string) string {
	if condition == "" {
		condition = "{}"
	}
	return `{"Effect":"` + effect + `","Principal":{"Federated":"` + provider + `"},"Action":` + actions + `,"Condition":` + condition + `}`
}

const webIdentity = `"sts:AssumeRoleWithWebIdentity"`

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func TestAssumeRoleWithWebIdentity(t *testing.T) {
	t.Parallel()
	w := newFederatedWorld(t)
	role := w.Role(dt.A, "web", document(federatedTrust("Allow", provider, `["sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"]`, "")), dt.AllowAll)
	v := w.View()
	out, caller, err := w.federateAs(v, api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(nil) + "\n"})
	if err != nil {
		t.Fatal(err)
	}
	if *out.Audience != "client" || *out.Provider != provider || *out.SubjectFromWebIdentityToken != "subject-1" || out.PackedPolicySize != nil ||
		out.SourceIdentity != nil || out.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/web/s1" || out.AssumedRoleUser.AssumedRoleId != role.ID+":s1" {
		t.Errorf("answer %+v", out)
	}
	if !out.Credentials.Expiration.Equal(now.Add(time.Hour)) { // long after the token's end
		t.Errorf("expiration %v", out.Credentials.Expiration)
	}
	if caller.Kind != identity.WebIdentityUser || caller.UserID != provider+":client:subject-1" || caller.Account != dt.A || caller.Federation.Subject != "subject-1" {
		t.Errorf("caller %+v", caller)
	}
	session := w.as(v, out.Credentials).Session
	if session.Kind != identity.RoleSession || session.PrincipalID != role.ID || session.Chained || len(session.Attributes) != 3 ||
		session.Attributes[0].Key != "aws:federatedprovider" || session.Attributes[0].Values[0] != provider {
		t.Errorf("session %+v", session)
	}
	out, err = w.federate(v, api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, DurationSeconds: new(int32(900)), Policy: new(dt.AllowAll),
		WebIdentityToken: w.token(map[string]any{"https://aws.amazon.com/source_identity": "carol",
			"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"Team": []string{"blue"}}, "transitive_tag_keys": []string{"Team"}}})})
	if err != nil {
		t.Fatal(err)
	}
	session = w.as(v, out.Credentials).Session
	if *out.SourceIdentity != "carol" || *out.PackedPolicySize != 5 || session.SourceIdentity != "carol" || session.Policy == "" ||
		!slices.Equal(session.Tags, []identity.SessionTag{{Key: "Team", Value: "blue", Transitive: true}}) || session.Expires.Sub(session.Issued) != 15*time.Minute {
		t.Errorf("answer %+v (%d %%), session %+v", out, *out.PackedPolicySize, session)
	}
}

// TestWhomARoleTrusts: the trust policy decides, by provider and by what the token says.
func TestWhomARoleTrusts(t *testing.T) {
	t.Parallel()
	const key = "idp.example.com/tenant:"
	tests := []struct {
		name    string
		trust   string
		claims  map[string]any
		allowed bool
	}{
		{"the provider", document(federatedTrust("Allow", provider, webIdentity, "")), nil, true},
		{"all of sts", document(federatedTrust("Allow", provider, `"sts:*"`, "")), nil, true},
		{"another operation", document(federatedTrust("Allow", provider, `"sts:AssumeRole"`, "")), nil, false},
		{"SAML", document(federatedTrust("Allow", provider, `"sts:AssumeRoleWithSAML"`, "")), nil, false},
		// advisory 71: a token of one provider is good for no role that trusts another.
		{"another provider of the account", document(federatedTrust("Allow", "arn:aws:iam::111122223333:oidc-provider/idp.example.com", webIdentity, "")), nil, false},
		{"the provider's namesake in another account", document(federatedTrust("Allow", "arn:aws:iam::444455556666:oidc-provider/idp.example.com/tenant", webIdentity, "")), nil, false},
		{"a built-in provider", document(federatedTrust("Allow", "accounts.google.com", webIdentity, "")), nil, false},
		{"the issuer's name", document(federatedTrust("Allow", "idp.example.com/tenant", webIdentity, "")), nil, false},
		{"everybody", document(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:*"}`), nil, false},
		{"the account", document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:*"}`), nil, false},
		{"denied to everybody", document(federatedTrust("Allow", provider, webIdentity, ""), `{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"}`), nil, false},
		{"denied by condition", document(federatedTrust("Allow", provider, webIdentity, ""),
			federatedTrust("Deny", provider, webIdentity, `{"StringNotEquals":{"`+key+`sub":"subject-2"}}`)), nil, false},
		{"sub", document(federatedTrust("Allow", provider, webIdentity, `{"StringEquals":{"`+key+`sub":"subject-1","`+key+`aud":"client"}}`)), nil, true},
		{"key in another case", document(federatedTrust("Allow", provider, webIdentity, `{"StringEquals":{"IDP.example.com/tenant:SUB":"subject-1"}}`)), nil, true},
		{"sub of another", document(federatedTrust("Allow", provider, webIdentity, `{"StringEquals":{"`+key+`sub":"subject-2"}}`)), nil, false},
		{"sub in another case", document(federatedTrust("Allow", provider, webIdentity, `{"StringEquals":{"`+key+`sub":"Subject-1"}}`)), nil, false},
		{"pattern", document(federatedTrust("Allow", provider, webIdentity, `{"StringLike":{"`+key+`sub":"subject-*"}}`)), nil, true},
		{"the subject's asterisk is no pattern", document(federatedTrust("Allow", provider, webIdentity, `{"StringLike":{"`+key+`sub":"subject-1x"}}`)),
			map[string]any{"sub": "subject-*"}, false},
		{"key of another issuer", document(federatedTrust("Allow", provider, webIdentity, `{"StringEquals":{"idp.example.com:sub":"subject-1"}}`)), nil, false},
		{"azp is aud", document(federatedTrust("Allow", provider, webIdentity, `{"StringEquals":{"`+key+`aud":"client","`+key+`oaud":"other"}}`)),
			map[string]any{"aud": "other", "azp": "client"}, true},
		{"amr", document(federatedTrust("Allow", provider, webIdentity, `{"ForAnyValue:StringEquals":{"`+key+`amr":"mfa"}}`)), map[string]any{"amr": []string{"pwd", "mfa"}}, true},
		{"no amr", document(federatedTrust("Allow", provider, webIdentity, `{"ForAnyValue:StringEquals":{"`+key+`amr":"mfa"}}`)), nil, false},
		{"session name of the subject", document(federatedTrust("Allow", provider, webIdentity, `{"StringEquals":{"sts:RoleSessionName":"${`+key+`sub}"}}`)),
			map[string]any{"sub": "s1"}, true},
		{"session name of another", document(federatedTrust("Allow", provider, webIdentity, `{"StringEquals":{"sts:RoleSessionName":"${`+key+`sub}"}}`)), nil, false},
		{"the provider by key", document(federatedTrust("Allow", provider, webIdentity, `{"StringEquals":{"aws:FederatedProvider":"`+provider+`"}}`)), nil, true},
		// Recorded in September 2026.
		{"what the subject is", document(federatedTrust("Allow", provider, webIdentity,
			`{"StringEquals":{"aws:PrincipalType":"User","aws:PrincipalAccount":"111122223333","aws:userid":"`+provider+`"},"Null":{"aws:PrincipalArn":"true"}}`)), nil, true},
		{"authorized by the provider", document(federatedTrust("Allow", provider, webIdentity, `{"Bool":{"sts:RoleAuthorizedByIdp":"true"}}`)),
			map[string]any{"https://aws.amazon.com/roles": []string{"arn:aws:iam::111122223333:role/web"}}, true},
		{"not authorized by the provider", document(federatedTrust("Allow", provider, webIdentity, `{"Bool":{"sts:RoleAuthorizedByIdp":"true"}}`)), nil, false},
		{"no MFA", document(federatedTrust("Allow", provider, webIdentity, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`)), nil, false},
	}
	for _, tt := range tests {
		w := newFederatedWorld(t)
		w.provide(dt.A, "https://idp.example.com")
		w.provide(dt.B, issuer)
		role := w.Role(dt.A, "web", tt.trust)
		_, caller, err := w.federateAs(w.View(), api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(tt.claims)})
		if tt.allowed {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: allowed", tt.name)
			continue
		}
		wantFault(t, err, identity.AccessDenied, notAllowed)
		if caller.Federation == nil {
			t.Errorf("%s: the audit line does not know whom was refused", tt.name)
		}
	}
}

// TestAuxiliaryActions: tags and source identity need actions of their own, which are asked for first.
func TestAuxiliaryActions(t *testing.T) {
	t.Parallel()
	tags := map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"Team": []string{"blue"}}, "transitive_tag_keys": []string{"Team"}}}
	source := map[string]any{"https://aws.amazon.com/source_identity": "carol"}
	both := maps.Clone(tags)
	maps.Copy(both, source)
	for name, row := range map[string]struct {
		actions, condition string
		claims             map[string]any
		refused            string
	}{
		"tags":                 {`["sts:AssumeRoleWithWebIdentity","sts:TagSession"]`, `{"StringEquals":{"aws:RequestTag/team":"blue"},"ForAllValues:StringEquals":{"aws:TagKeys":"Team","sts:TransitiveTagKeys":"Team"}}`, tags, ""},
		"no TagSession":        {webIdentity, "", tags, "sts:TagSession"},
		"another tag":          {`"sts:*"`, `{"StringEquals":{"aws:RequestTag/Team":"red"}}`, tags, "sts:TagSession"},
		"tags missing":         {`"sts:*"`, `{"StringEquals":{"aws:RequestTag/Team":"blue"}}`, nil, "sts:AssumeRoleWithWebIdentity"},
		"source identity":      {`["sts:AssumeRoleWithWebIdentity","sts:SetSourceIdentity"]`, `{"StringEquals":{"sts:SourceIdentity":"carol","idp.example.com/tenant:sub":"subject-1"}}`, source, ""},
		"no SetSourceIdentity": {webIdentity, "", source, "sts:SetSourceIdentity"},
		"another identity":     {`"sts:*"`, `{"StringEquals":{"sts:SourceIdentity":"dave"}}`, source, "sts:SetSourceIdentity"},
		"identity missing":     {`"sts:*"`, `{"StringEquals":{"sts:SourceIdentity":"carol"}}`, nil, "sts:AssumeRoleWithWebIdentity"},
		"both, tags first":     {webIdentity, "", both, "sts:TagSession"},
		"not the operation":    {`["sts:TagSession","sts:SetSourceIdentity"]`, "", both, "sts:AssumeRoleWithWebIdentity"},
	} {
		w := newFederatedWorld(t)
		role := w.Role(dt.A, "web", document(federatedTrust("Allow", provider, row.actions, row.condition)))
		_, err := w.federate(w.View(), api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(row.claims)})
		if row.refused == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantFault(t, err, identity.AccessDenied, "Not authorized to perform "+row.refused)
	}
}

// TestOIDCProvidersOfOtherAccounts: advisory 72: the issuer selects a provider of the role's own account and no other, so that a role
// which trusts another account's provider opens to nobody.
func TestOIDCProvidersOfOtherAccounts(t *testing.T) {
	t.Parallel()
	w := newFederatedWorld(t)
	foreign := w.Role(dt.B, "web", document(federatedTrust("Allow", provider, `"sts:*"`, "")))
	_, caller, err := w.federateAs(w.View(), api.AssumeRoleWithWebIdentityInput{RoleArn: foreign.ARN, WebIdentityToken: w.token(nil)})
	wantFault(t, err, identity.InvalidIdentityToken, "No OpenIDConnect provider found in your account for "+issuer)
	if caller.Federation != nil {
		t.Error("a token that nobody vouches for has a subject")
	}
	own := w.provide(dt.B, issuer)
	_, err = w.federate(w.View(), api.AssumeRoleWithWebIdentityInput{RoleArn: foreign.ARN, WebIdentityToken: w.token(nil)})
	wantFault(t, err, identity.AccessDenied, notAllowed)
	foreign.Trust = directory.NewDocument(document(federatedTrust("Allow", own.ARN, `"sts:*"`, "")))
	if _, err := w.federate(w.View(), api.AssumeRoleWithWebIdentityInput{RoleArn: foreign.ARN, WebIdentityToken: w.token(nil)}); err != nil {
		t.Errorf("control: %v", err)
	}
}

// TestOrderOfWebIdentity: the ARN's shape, the token, the role and its trust, the duration, the session policies.
func TestOrderOfWebIdentity(t *testing.T) {
	t.Parallel()
	w := newFederatedWorld(t)
	role := w.Role(dt.A, "web", document(federatedTrust("Allow", provider, webIdentity, "")))
	v := w.View()
	bad, tooLong := new("{"), new(int32(3601))
	for name, row := range map[string]struct {
		in      api.AssumeRoleWithWebIdentityInput
		code    identity.Code
		message string
	}{
		"shape of the ARN": {api.AssumeRoleWithWebIdentityInput{RoleArn: "arn:aws:iam:111122223333:role", WebIdentityToken: "x.y.z", Policy: bad, DurationSeconds: tooLong},
			identity.ValidationError, "Request ARN is invalid"},
		"token": {api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN + "-missing", WebIdentityToken: "abcd", Policy: bad, DurationSeconds: tooLong},
			identity.InvalidIdentityToken, "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"},
		"account": {api.AssumeRoleWithWebIdentityInput{RoleArn: "arn:aws:iam::999999999999:role/web", WebIdentityToken: w.token(nil), Policy: bad},
			identity.InvalidIdentityToken, "No OpenIDConnect provider found in your account for " + issuer},
		"ARN of no role": {api.AssumeRoleWithWebIdentityInput{RoleArn: "arn:a:b:::x/y", WebIdentityToken: w.token(nil)},
			identity.InvalidIdentityToken, "No OpenIDConnect provider found in your account for " + issuer},
		"role": {api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN + "-missing", WebIdentityToken: w.token(nil), Policy: bad, DurationSeconds: tooLong},
			identity.AccessDenied, notAllowed},
		"duration": {api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(nil), Policy: bad, DurationSeconds: tooLong},
			identity.ValidationError, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		"session policy": {api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(nil), Policy: bad},
			identity.MalformedPolicyDocument, "The policy is not in the valid JSON format."},
		"managed session policy": {api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(nil),
			PolicyArns: []api.PolicyDescriptorType{{Arn: new("arn:aws:iam::111122223333:policy/none")}}},
			identity.InvalidParameterValue, "Policy arn:aws:iam::111122223333:policy/none does not exist or is not attachable."},
	} {
		_, err := w.federate(v, row.in)
		if err == nil {
			t.Errorf("%s: allowed", name)
			continue
		}
		wantFault(t, err, row.code, row.message)
	}
	if _, err := w.federate(v, api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(nil)}); err != nil {
		t.Errorf("control: %v", err)
	}
}

// TestSessionsOfWebIdentities: what the session keeps of its token, and that it lives on by itself.
func TestSessionsOfWebIdentities(t *testing.T) {
	t.Parallel()
	w := newFederatedWorld(t)
	role := w.Role(dt.A, "web", document(federatedTrust("Allow", provider, `"sts:*"`, "")), document(
		`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${idp.example.com/tenant:sub}","Condition":{"StringEquals":{"aws:FederatedProvider":"`+provider+
			`","idp.example.com/tenant:aud":"client","aws:PrincipalTag/Team":"blue","aws:SourceIdentity":"carol"}}}`,
		`{"Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{"StringLike":{"idp.example.com/tenant:email":"*"}}}`,
		`{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}`))
	next := w.Role(dt.A, "next", document(`{"Effect":"Allow","Principal":{"AWS":"`+role.ID+`"},"Action":"sts:*"}`))
	picky := w.Role(dt.A, "picky", document(`{"Effect":"Allow","Principal":{"AWS":"`+role.ID+`"},"Action":"sts:*","Condition":{"StringEquals":{"idp.example.com/tenant:sub":"subject-1"}}}`))
	v := w.View()
	out, err := w.federate(v, api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(map[string]any{"email": "a@example.com",
		"https://aws.amazon.com/tags/principal_tags/Team": "blue", "https://aws.amazon.com/tags/transitive_tag_keys": []string{"Team"},
		"https://aws.amazon.com/source_identity": "carol"})})
	if err != nil {
		t.Fatal(err)
	}
	caller := w.as(v, out.Credentials)
	may := func(action, resource string) bool {
		return w.service.Authorizer.Authorize(v, w.request(caller), authz.Query{Action: action, Resource: resource}).Allowed()
	}
	if !may("s3:GetObject", "arn:aws:s3:::b/subject-1") || may("s3:GetObject", "arn:aws:s3:::b/subject-2") {
		t.Error("the session's own object, and another's")
	}
	if may("s3:PutObject", "arn:aws:s3:::b/x") {
		t.Error("a key that is of the token's request alone stays with the session")
	}
	chained, err := w.assume(v, caller, api.AssumeRoleInput{RoleArn: next.ARN})
	if err != nil {
		t.Fatal(err)
	}
	if s := w.as(v, chained.Credentials).Session; s.SourceIdentity != "carol" || len(s.Tags) != 1 || !s.Chained || s.Attributes != nil {
		t.Errorf("chained session %+v", s)
	}
	// Another account's trust policy must not take from a session what that session's provider says: it may be anybody's.
	_, err = w.assume(v, caller, api.AssumeRoleInput{RoleArn: picky.ARN})
	wantFault(t, err, identity.AccessDenied, denied(caller, "sts:TagSession", picky))
	w.Remove(directory.Key{Account: dt.A, Kind: directory.KindOIDCProvider, Name: "idp.example.com/tenant"})
	after := w.View()
	if _, err := w.service.Sealer.Open(after, out.Credentials.AccessKeyId, out.Credentials.SessionToken); err != nil {
		t.Errorf("the provider is deleted: %v", err)
	}
	_, err = w.federate(after, api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(nil)})
	wantFault(t, err, identity.InvalidIdentityToken, "No OpenIDConnect provider found in your account for "+issuer)
}

// TestNoProviderTalksLong: what a token says must fit into the session's token.
func TestNoProviderTalksLong(t *testing.T) {
	t.Parallel()
	w := newFederatedWorld(t)
	role := w.Role(dt.A, "web", document(federatedTrust("Allow", provider, `"sts:*"`, "")))
	many := make([]string, 300)
	for i := range many {
		many[i] = "method"
	}
	_, err := w.federate(w.View(), api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(map[string]any{"amr": many})})
	f, ok := errors.AsType[*identity.Fault](err)
	if !ok || f.Code != identity.PackedPolicyTooLarge {
		t.Errorf("300 methods: %v", err)
	}
	if _, err := w.federate(w.View(), api.AssumeRoleWithWebIdentityInput{RoleArn: role.ARN, WebIdentityToken: w.token(map[string]any{"amr": many[:10]})}); err != nil {
		t.Errorf("control: %v", err)
	}
}
