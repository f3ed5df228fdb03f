package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

// webKey is a public key of a key set, read by the standard library alone.
type webKey struct {
	Kid, Kty, Alg, N, E, X, Y string
}

func number(t *testing.T, text string) *big.Int {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return new(big.Int).SetBytes(b)
}

func (k webKey) verifies(t *testing.T, token string) bool {
	t.Helper()
	end := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil {
		t.Fatal(err)
	}
	if k.Alg == "RS256" {
		digest := sha256.Sum256([]byte(token[:end]))
		return rsa.VerifyPKCS1v15(&rsa.PublicKey{N: number(t, k.N), E: int(number(t, k.E).Int64())}, crypto.SHA256, digest[:], signature) == nil
	}
	digest := sha512.Sum384([]byte(token[:end]))
	half := len(signature) / 2
	return ecdsa.Verify(&ecdsa.PublicKey{Curve: elliptic.P384(), X: number(t, k.X), Y: number(t, k.Y)}, digest[:],
		new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
}

func (h *house) fetch(host, path string, into any) {
	h.t.Helper()
	request := &harness.Request{Method: "GET", Path: path}
	request.Set("Host", host)
	answer, err := harness.Exchange(h.Address, "GET", request.Bytes(h.Address))
	if err != nil {
		h.t.Fatal(err)
	}
	if answer.Status != 200 || json.Unmarshal(answer.Body, into) != nil {
		h.t.Fatalf("%s%s answered %s", host, path, answer)
	}
}

// TestOutboundTokens: whoever follows the issuer of a token to its keys can verify it, across a restart, and this server itself does
// not take it.
func TestOutboundTokens(t *testing.T) {
	t.Parallel()
	h := federatedHouse(t)
	issuer := h.must(h.Admin, "iam", "EnableOutboundWebIdentityFederation").Value("IssuerIdentifier")
	host := strings.TrimPrefix(issuer, "https://")
	tokens := map[string]string{}
	for _, algorithm := range []string{"RS256", "ES384"} {
		tokens[algorithm] = h.must(h.ops, "sts", "GetWebIdentityToken", "Audience.member.1", "client-1", "SigningAlgorithm", algorithm).Value("WebIdentityToken")
	}
	h = h.again(harness.Options{})
	var document struct {
		Issuer string `json:"issuer"`
		KeySet string `json:"jwks_uri"`
	}
	h.fetch(host, "/.well-known/openid-configuration", &document)
	if document.Issuer != issuer || document.KeySet != issuer+"/.well-known/jwks.json" {
		t.Fatalf("discovery %+v of %s", document, issuer)
	}
	var set struct{ Keys []webKey }
	h.fetch(host, strings.TrimPrefix(document.KeySet, issuer), &set)
	for algorithm, token := range tokens {
		header, claims, err := tokenParts(token)
		if err != nil {
			t.Fatal(err)
		}
		good := 0
		for _, k := range set.Keys {
			if k.Alg == algorithm && k.Kid == header.(map[string]any)["kid"] && k.verifies(t, token) {
				good++
				if k.verifies(t, token[:len(token)-8]+"AAAAAAAA") {
					t.Errorf("%s: a forged signature verifies", algorithm)
				}
			}
		}
		if good != 1 || claims.(map[string]any)["iss"] != issuer || claims.(map[string]any)["sub"] != "arn:aws:iam::111122223333:user/ops" {
			t.Errorf("%s: %d keys verify %v", algorithm, good, claims)
		}
		h.refused("an own token", h.federate(token), "InvalidIdentityToken")
	}
}

// TestDelegation: create, accept, send, trade in, use; and nothing else.
func TestDelegation(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	h.must(h.ops, "iam", "CreatePolicy", "PolicyName", "template", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}}`)
	id := h.must(h.ops, "iam", "CreateDelegationRequest", "Description", "d", "RequestorWorkflowId", "workflow-1", "SessionDuration", "3600",
		"NotificationChannel", "arn:aws:sns:us-east-1:111122223333:topic", "OwnerAccountId", mainAccount,
		"Permissions.PolicyTemplateArn", "arn:aws:iam::111122223333:policy/template").Value("DelegationRequestId")
	for _, step := range []string{"AssociateDelegationRequest", "AcceptDelegationRequest", "SendDelegationToken"} {
		h.must(h.ops, "iam", step, "DelegationRequestId", id)
	}
	notified := func() (told struct{ Type, ExchangeToken string }) {
		request := &harness.Request{Method: "POST", Path: "/stint/v1/delegation-notification", Body: []byte(`{"delegationRequestId":"` + id + `"}`)}
		request.Set("Content-Type", "application/json")
		harness.Sign(request, h.Signing(h.ops, "stint"))
		answer, err := harness.Exchange(h.Address, "POST", request.Bytes(h.Address))
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status != 200 || json.Unmarshal(answer.Body, &told) != nil {
			t.Fatalf("the notification is %s", answer)
		}
		return told
	}
	token := notified().ExchangeToken
	h.refused("another token", h.call(h.ops, "sts", "GetDelegatedAccessToken", "TradeInToken", token[:len(token)-1]+"!"), "ValidationError")
	got := h.must(h.ops, "sts", "GetDelegatedAccessToken", "TradeInToken", token)
	if got.Value("AssumedPrincipal") != "arn:aws:iam::111122223333:user/ops" || got.Value("PackedPolicySize") == "" {
		t.Errorf("traded in: %s", got)
	}
	h.must(got.Credentials(), "iam", "ListUsers")
	h.refused("a call beyond the request", h.call(got.Credentials(), "iam", "ListRoles"), "AccessDenied")
	h.refused("a second trade-in", h.call(h.ops, "sts", "GetDelegatedAccessToken", "TradeInToken", token), "ExpiredTradeInTokenException")
	if told := notified(); told.ExchangeToken != "" || told.Type != "StateChange" {
		t.Errorf("the notification after the trade-in is %+v", told)
	}
	h = h.again(harness.Options{})
	h.refused("a second trade-in after a restart", h.call(h.ops, "sts", "GetDelegatedAccessToken", "TradeInToken", token), "ExpiredTradeInTokenException")
}
