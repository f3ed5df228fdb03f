package sts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/saml"
	"github.com/stint-sts/stint/internal/federation/saml/samltest"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	samlEntity   = "https://idp.example.com/saml"
	samlProvider = "arn:aws:iam::111122223333:saml-provider/corp"
)

// once is a ledger in memory.
type once struct {
	spent map[string]bool
	fail  error
}

func (o *once) SpendAssertion(_ context.Context, _ arn.AccountID, id string, _ time.Duration) error {
	switch {
	case o.fail != nil:
		return o.fail
	case o.spent[id]:
		return saml.ErrSpent
	}
	o.spent[id] = true
	return nil
}

func TestAssumeRoleWithSAML(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ledger := &once{spent: make(map[string]bool)}
	w.service.SAML = saml.New(saml.Options{Ledger: ledger})
	key := samltest.NewKey(2048)
	for _, account := range []arn.AccountID{dt.A, dt.B} {
		w.Put(&directory.SAMLProvider{Account: account, Name: "corp", ARN: arn.SAMLProvider(arn.AWS, account, "corp"),
			Metadata: samltest.Metadata(samlEntity, key), ValidUntil: now.AddDate(1, 0, 0)})
	}
	const action = `["sts:AssumeRoleWithSAML","sts:TagSession","sts:SetSourceIdentity"]`
	role := w.Role(dt.A, "samlrole", document(federatedTrust("Allow", samlProvider, action,
		`{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml","saml:iss":"`+samlEntity+`","saml:doc":"111122223333/corp","saml:sub":"carol@example.com","saml:sub_type":"persistent"}}`)), dt.AllowAll)
	closed := w.Role(dt.A, "closed", document(federatedTrust("Allow", samlProvider, action, `{"StringEquals":{"saml:sub":"nobody"}}`)), dt.AllowAll)
	v := w.View()
	response := func(roleARN, provider string) *samltest.Response {
		return samltest.NewResponse(key, now, samlEntity, roleARN, provider)
	}
	call := func(roleARN, provider, encoded string, seconds *int32) (*api.AssumeRoleWithSAMLOutput, identity.Caller, error) {
		req := w.request(identity.Caller{})
		out, err := w.service.AssumeRoleWithSAML(t.Context(), v, req, &api.AssumeRoleWithSAMLInput{RoleArn: roleARN, PrincipalArn: provider, SAMLAssertion: encoded, DurationSeconds: seconds})
		return out, req.Caller, err
	}
	r := response(role.ARN, samlProvider)
	r.SessionNotOnOrAfter = now.Add(20 * time.Minute)
	r.Attributes = append(r.Attributes, samltest.Attribute{Name: samltest.Attributes + "PrincipalTag:Team", Values: []string{"blue"}},
		samltest.Attribute{Name: samltest.Attributes + "SourceIdentity", Values: []string{"carol"}})
	encoded := r.Encoded()
	// Too long a session spends nothing.
	_, _, err := call(role.ARN, samlProvider, encoded, new(int32(43200)))
	wantFault(t, err, identity.ValidationError, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	out, caller, err := call(role.ARN, samlProvider, encoded, nil)
	if err != nil {
		t.Fatal(err)
	}
	if *out.Audience != "https://signin.aws.amazon.com/saml" || *out.Subject != "carol@example.com" || *out.SubjectType != "persistent" || *out.Issuer != samlEntity ||
		len(*out.NameQualifier) != 28 || *out.SourceIdentity != "carol" || out.PackedPolicySize == nil || out.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/samlrole/carol" ||
		!out.Credentials.Expiration.Equal(now.Add(20*time.Minute)) {
		t.Errorf("answer %+v", out)
	}
	if caller.Kind != identity.SAMLUser || caller.UserID != *out.NameQualifier+":carol@example.com" || caller.Account != dt.A || caller.Federation.Subject != "carol@example.com" {
		t.Errorf("caller %+v", caller)
	}
	if s := w.as(v, out.Credentials).Session; len(s.Attributes) != 4 || s.Attributes[1].Key != "saml:sub" || len(s.Tags) != 1 || s.SourceIdentity != "carol" {
		t.Errorf("session %+v", s)
	}
	_, _, err = call(role.ARN, samlProvider, encoded, nil)
	wantFault(t, err, identity.InvalidIdentityToken, "SAML Assertion was used before")
	if !errors.Is(err, saml.ErrSpent) {
		t.Errorf("got the reason %v", err)
	}
	const denied = "Not authorized to perform sts:AssumeRoleWithSAML"
	_, caller, err = call(closed.ARN, samlProvider, response(closed.ARN, samlProvider).Encoded(), nil)
	wantFault(t, err, identity.AccessDenied, denied)
	if caller.Federation == nil || caller.Federation.Subject != "carol@example.com" {
		t.Errorf("the refusal's caller is %+v", caller)
	}
	// A provider of another account, which offers the role.
	other := arn.SAMLProvider(arn.AWS, dt.B, "corp")
	_, _, err = call(role.ARN, other, response(role.ARN, other).Encoded(), nil)
	wantFault(t, err, identity.AccessDenied, denied)
	gone := "arn:aws:iam::111122223333:role/gone"
	_, _, err = call(gone, samlProvider, response(gone, samlProvider).Encoded(), nil)
	wantFault(t, err, identity.AccessDenied, denied)
	_, _, err = call("x", samlProvider, encoded, nil)
	wantFault(t, err, identity.ValidationError, "Request ARN is invalid")
	_, _, err = call(role.ARN, "x", encoded, nil)
	wantFault(t, err, identity.ValidationError, "Request ARN is invalid")
	ledger.fail = errors.New("no store")
	_, _, err = call(role.ARN, samlProvider, response(role.ARN, samlProvider).Encoded(), nil)
	wantFault(t, err, identity.ServiceUnavailable, "")
}
