package peers

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/stint-sts/stint/test/harness"
)

const (
	dexProgram = "dex@v0.0.0-20260303133905-11d2eeb52b42"
	dexClient  = "sts.amazonaws.com"
	dexSecret  = "client of this test"
	// dexPassword is dexHash's, from Dex's own example.
	dexPassword = "password"
	dexHash     = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W"
)

// dex is a running Dex with one person, anna, and the client that stands for AWS.
type dex struct {
	issuer string
	client *http.Client // trusts its certificate
}

// startDex serves by TLS with a certificate of ca. redirects are where the client's authorization codes may be sent.
func startDex(t *testing.T, ca *authority, redirects ...string) *dex {
	t.Helper()
	address := freeAddress(t)
	certificate, key := ca.issue(t, "dex", "127.0.0.1")
	d := &dex{issuer: "https://" + address + "/dex"}
	d.client = ca.client()
	config := map[string]any{
		"issuer":           d.issuer,
		"storage":          map[string]any{"type": "memory"},
		"web":              map[string]any{"https": address, "tlsCert": certificate, "tlsKey": key},
		"enablePasswordDB": true,
		"oauth2":           map[string]any{"passwordConnector": "local", "skipApprovalScreen": true, "grantTypes": []string{"authorization_code", "password"}},
		"staticPasswords":  []map[string]string{{"email": "anna@example.com", "hash": dexHash, "username": "anna", "userID": "08a8684b-db88-4b73-90a9-3cd1661f5466"}},
		"staticClients":    []map[string]any{{"id": dexClient, "name": "AWS", "secret": dexSecret, "redirectURIs": redirects}},
	}
	text, err := json.Marshal(config) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dex.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, environment(t), answers(d.client, d.issuer+"/.well-known/openid-configuration"), program(t, dexProgram), "serve", file)
	return d
}

// token is an ID token of anna's by the password grant.
func (d *dex) token(t *testing.T) string {
	t.Helper()
	form := url.Values{"grant_type": {"password"}, "scope": {"openid email profile"}, "client_id": {dexClient}, "client_secret": {dexSecret},
		"username": {"anna@example.com"}, "password": {dexPassword}}
	response, err := d.client.PostForm(d.issuer+"/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		IDToken string `json:"id_token"`
		Error   string `json:"error"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.IDToken == "" {
		t.Fatalf("Dex answered %s, %q, %v", response.Status, answer.Error, err)
	}
	return answer.IDToken
}

// directory trusts anna of this Dex with the role of people.
func (d *dex) directory() string {
	name := strings.TrimPrefix(d.issuer, "https://")
	return `accounts:
  "` + account + `":
    oidc_providers: [{url: "` + d.issuer + `", client_ids: [` + dexClient + `]}]
    roles:
      people:
        trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::` + account + `:oidc-provider/` + name + `"},
          Action: "sts:AssumeRoleWithWebIdentity", Condition: {StringEquals: {"` + name + `:aud": ` + dexClient + `}, StringLike: {"` + name + `:sub": "?*"}}}]}
`
}

// TestDex gets a token of a real OpenID Connect provider, which Stint discovers under a certificate authority of its own, and
// turns it into credentials with the AWS SDK.
func TestDex(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	d := startDex(t, ca)
	server := harness.Serve(t, harness.ServeOptions{Account: account, Directory: d.directory(), Config: `federation:
  allowed_networks: [127.0.0.0/8]
  oidc: {authorities: [{issuer: "` + d.issuer + `", ca: ` + ca.file + `}]}
`})
	const role = "arn:aws:iam::" + account + ":role/people"
	signedIn := func(token string) (*sts.GetCallerIdentityOutput, error) {
		options := sts.Options{Region: harness.Region, BaseEndpoint: aws.String(server.URL()), RetryMaxAttempts: 1}
		provider := stscreds.NewWebIdentityRoleProvider(sts.New(options), role, jwt(token), func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = "anna" })
		options.Credentials = aws.NewCredentialsCache(provider)
		return sts.New(options).GetCallerIdentity(t.Context(), nil)
	}
	token := d.token(t)
	who, err := signedIn(token)
	if err != nil {
		t.Fatal(err)
	}
	if *who.Arn != "arn:aws:sts::"+account+":assumed-role/people/anna" {
		t.Errorf("get-caller-identity: %s", *who.Arn)
	}
	for name, c := range map[string]struct{ token, code string }{
		"a spoiled signature": {token[:len(token)-40] + "AAAA" + token[len(token)-36:], "InvalidIdentityToken"},
		"no token":            {"anna", "InvalidIdentityToken"},
	} {
		var refusal smithy.APIError
		if _, err := signedIn(c.token); !errors.As(err, &refusal) || refusal.ErrorCode() != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if _, err := signedIn(d.token(t)); err != nil {
		t.Errorf("anna anew: %v", err)
	}
}

// jwt is a token as the SDK asks for it.
type jwt string

// GetIdentityToken implements stscreds.IdentityTokenRetriever.
func (j jwt) GetIdentityToken() ([]byte, error) { return []byte(j), nil }
