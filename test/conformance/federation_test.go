package conformance

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

const (
	idp         = "https://idp.example.com/tenant"
	idpARN      = "arn:aws:iam::111122223333:oidc-provider/idp.example.com/tenant"
	webRole     = "arn:aws:iam::111122223333:role/web"
	anyFunction = "AssumeRoleWithWebIdentity"
)

// federatedHouse is a house whose role web trusts a provider with pinned keys.
func federatedHouse(t *testing.T) *house {
	t.Helper()
	directory, err := json.Marshal(map[string]any{"accounts": map[string]any{mainAccount: map[string]any{
		"oidc_providers": []any{map[string]any{"url": idp, "client_ids": []string{"client-1"}, "jwks": harness.KeySet()}},
		"roles": map[string]any{"web": map[string]any{"trust_policy": json.RawMessage(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + idpARN + `"},"Action":"sts:*",` +
				`"Condition":{"StringEquals":{"idp.example.com/tenant:sub":"subject-1"}}}]}`)}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return furnish(t, harness.Options{Directory: directory})
}

func (h *house) webToken(changes map[string]any) string {
	h.t.Helper()
	now := h.Now().Unix()
	claims := map[string]any{"iss": idp, "aud": "client-1", "sub": "subject-1", "iat": now, "exp": now + 300}
	for name, value := range changes {
		claims[name] = value
	}
	token, err := harness.Token("ES256", claims)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// federate makes the unsigned request.
func (h *house) federate(token string) *harness.Response {
	h.t.Helper()
	request := &harness.Request{Method: "POST", Path: "/", Body: []byte(harness.Encode(pairs([]string{"Action", anyFunction, "Version", "2011-06-15",
		"RoleArn", webRole, "RoleSessionName", "shift", "WebIdentityToken", token})))}
	request.Set("Content-Type", harness.FormType)
	request.Set("Host", h.Address)
	answer, err := harness.Exchange(h.Address, request.Method, request.Bytes(h.Address))
	if err != nil {
		h.t.Fatal(err)
	}
	return answer
}

// auditLine is what the tests read of a line.
type auditLine struct {
	UserIdentity struct {
		Type, PrincipalID, UserName, IdentityProvider, AccountID string
		SessionContext                                           struct {
			WebIDFederationData struct{ FederatedProvider string }
		}
	}
	EventName, ErrorCode, ErrorMessage, RecipientAccountID string
	RequestParameters                                      map[string]any
	Stint                                                  struct{ Reason string }
}

// TestWebIdentitiesInTheAuditLog: the subject stands in the line of what it was given and of what it was refused; of a token that
// proves nothing the precise reason stands there, in the trail of the account that was asked, and the token itself nowhere.
func TestWebIdentitiesInTheAuditLog(t *testing.T) {
	t.Parallel()
	h := federatedHouse(t)
	good := h.federate(h.webToken(nil))
	if good.Status != 200 || good.Value("SubjectFromWebIdentityToken") != "subject-1" || good.Value("Provider") != idpARN {
		t.Fatalf("control: %s", good)
	}
	h.must(good.Credentials(), "sts", "GetCallerIdentity")
	h.refused("another subject", h.federate(h.webToken(map[string]any{"sub": "subject-2"})), "AccessDenied")
	forged := h.webToken(nil)
	forged = forged[:len(forged)-8] + strings.Repeat("A", 8)
	refusals := map[string]struct{ token, code, reason string }{
		"forged":       {forged, "InvalidIdentityToken", "the signature is wrong"},
		"expired":      {h.webToken(map[string]any{"exp": 1}), "ExpiredTokenException", "exp is over"},
		"unknown":      {h.webToken(map[string]any{"iss": "https://other.example.com"}), "InvalidIdentityToken", "the account has no provider for the issuer"},
		"for another":  {h.webToken(map[string]any{"aud": "other"}), "InvalidIdentityToken", "the audience is not registered with the provider"},
		"no token":     {"not-a-token", "InvalidIdentityToken", "the token has not three parts"},
		"wrong source": {h.webToken(map[string]any{"https://aws.amazon.com/source_identity": "a b"}), "InvalidIdentityToken", "the source identity claim is not of the documented form"},
	}
	for name, row := range refusals {
		h.refused(name, h.federate(row.token), row.code)
	}
	lines := h.auditLines()
	count := map[string]int{}
	for _, text := range lines {
		for name, row := range refusals {
			if strings.Contains(text, row.token) && name != "no token" || strings.Contains(text, strings.Split(h.webToken(nil), ".")[0]) {
				t.Errorf("the token %s is in the audit log", name)
			}
		}
		var line auditLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		who := line.UserIdentity
		switch {
		case line.EventName == "GetCallerIdentity" && who.SessionContext.WebIDFederationData.FederatedProvider == idpARN:
			count["session"]++
		case line.EventName != anyFunction:
		case who.Type == "WebIdentityUser":
			if who.IdentityProvider != idpARN || who.PrincipalID != idpARN+":client-1:"+who.UserName || who.AccountID != "" || line.RecipientAccountID != mainAccount ||
				line.RequestParameters["roleArn"] != webRole || line.Stint.Reason != "" {
				t.Errorf("line %s", text)
			}
			count[who.UserName+" "+line.ErrorCode]++
		default:
			if line.RecipientAccountID != mainAccount || line.ErrorMessage == "" {
				t.Errorf("line %s", text)
			}
			count[line.ErrorCode+": "+line.Stint.Reason]++
		}
	}
	want := []string{"session", "subject-1 ", "subject-2 AccessDenied"}
	for _, row := range refusals {
		want = append(want, row.code+": "+row.reason)
	}
	for _, name := range want {
		if count[name] != 1 {
			t.Errorf("%d lines %q, want one", count[name], name)
		}
	}
}
