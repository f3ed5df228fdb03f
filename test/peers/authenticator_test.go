package peers

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

const stsHost = "sts.us-east-1.amazonaws.com"

// TestAuthenticator uses aws-iam-authenticator, which makes a Kubernetes login of a presigned GetCallerIdentity: it knows no
// other hosts than AWS's, presigns with an expiry that AWS ignores and a signed header of its own, and asks for JSON.
func TestAuthenticator(t *testing.T) {
	t.Parallel()
	for version, expires := range map[string]string{"v0.6.13": "0", "v0.7.18": "60"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			authenticator(t, program(t, "aws-iam-authenticator@"+version), expires)
		})
	}
}

func authenticator(t *testing.T, program, expires string) {
	ca := newAuthority(t)
	certificate, key := ca.issue(t, "stint", stsHost)
	alice, bob := harness.NewKey(account), harness.NewKey(account)
	server := harness.Serve(t, harness.ServeOptions{Account: account,
		Config: "hosts: [" + stsHost + "]\ntls: {cert: " + certificate + ", key: " + key + "}\n",
		Directory: `accounts:
  "` + account + `":
    users:
      alice:
        access_keys: [{id: ` + alice.AccessKeyID + `, secret: ` + alice.SecretAccessKey + `}]
        inline_policies: {work: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}]}}
      bob:
        access_keys: [{id: ` + bob.AccessKeyID + `, secret: ` + bob.SecretAccessKey + `, status: Inactive}]
    roles:
      deploy: {path: /ci/, trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "` + account + `"}, Action: "sts:AssumeRole"}]}}
`})
	proxy := newTunnel(t, server.Address, stsHost+":443")
	as := func(credentials harness.Credentials) []string {
		return environment(t, append(signedInAs(credentials), "HTTPS_PROXY="+proxy.url, "SSL_CERT_FILE="+ca.file, "AWS_STS_REGIONAL_ENDPOINTS=regional")...)
	}
	// The cluster verifies with no credentials at all.
	cluster := environment(t, "HTTPS_PROXY="+proxy.url, "SSL_CERT_FILE="+ca.file)
	verify := func(token, id string) (identity, string, bool) {
		stdout, stderr, ok := run(t, cluster, program, "verify", "-t", token, "-i", id, "-o", "json")
		var found identity
		if ok {
			// A warning that there is no instance metadata may stand before it.
			text := stdout[max(0, strings.Index(stdout, "{\n")):]
			if err := json.Unmarshal([]byte(text), &found); err != nil {
				t.Fatalf("verify printed %q: %v", stdout, err)
			}
		}
		return found, stderr, ok
	}

	user := tokenOf(t, must(t, as(alice), program, "token", "-i", "blue"))
	if presigned := presignedURL(t, user); presigned.Query().Get("X-Amz-Expires") != expires ||
		!slices.Contains(strings.Split(presigned.Query().Get("X-Amz-SignedHeaders"), ";"), "x-k8s-aws-id") {
		t.Errorf("the token's URL has expiry and signed headers %v: this is not what the test is for", presigned.Query())
	}
	if found, stderr, ok := verify(user, "blue"); !ok || found.ARN != "arn:aws:iam::"+account+":user/alice" || found.AccountID != account ||
		!strings.HasPrefix(found.UserID, "AIDA") || found.AccessKeyID != alice.AccessKeyID {
		t.Errorf("alice's token: %+v, %s", found, stderr)
	}

	role := "arn:aws:iam::" + account + ":role/ci/deploy"
	session := tokenOf(t, must(t, as(alice), program, "token", "-i", "blue", "-r", role, "-s", "job-7"))
	if found, stderr, ok := verify(session, "blue"); !ok || found.ARN != "arn:aws:sts::"+account+":assumed-role/deploy/job-7" ||
		found.CanonicalARN != "arn:aws:iam::"+account+":role/deploy" || found.SessionName != "job-7" || !strings.HasPrefix(found.UserID, "AROA") {
		t.Errorf("the role session's token: %+v, %s", found, stderr)
	}

	const forbidden = "expected 200, got 403"
	for name, c := range map[string]struct{ token, cluster, want string }{
		"another cluster":  {user, "green", "SignatureDoesNotMatch"},
		"spoiled":          {spoil(t, session, "X-Amz-Signature"), "blue", "SignatureDoesNotMatch"},
		"spoiled session":  {spoil(t, session, "X-Amz-Security-Token"), "blue", "InvalidClientTokenId"},
		"an inactive key":  {tokenOf(t, must(t, as(bob), program, "token", "-i", "blue")), "blue", "InvalidClientTokenId"},
		"an unknown key":   {tokenOf(t, must(t, as(harness.NewKey(account)), program, "token", "-i", "blue")), "blue", "InvalidClientTokenId"},
		"the wrong secret": {tokenOf(t, must(t, as(harness.Credentials{AccessKeyID: alice.AccessKeyID, SecretAccessKey: bob.SecretAccessKey}), program, "token", "-i", "blue")), "blue", "SignatureDoesNotMatch"},
	} {
		if found, stderr, ok := verify(c.token, c.cluster); ok || !strings.Contains(stderr, forbidden) || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: %+v, %q, want %s", name, found, stderr, c.want)
		}
	}
	t.Logf("%d connections, all of them to %s", len(proxy.hosts()), stsHost)
}

// identity is what aws-iam-authenticator prints of a verified token.
type identity struct{ ARN, CanonicalARN, AccountID, UserID, SessionName, AccessKeyID string }

// tokenOf takes the token out of a Kubernetes ExecCredential.
func tokenOf(t *testing.T, printed string) string {
	t.Helper()
	var credential struct {
		Kind   string
		Status struct{ Token string }
	}
	if err := json.Unmarshal([]byte(printed), &credential); err != nil || credential.Kind != "ExecCredential" {
		t.Fatalf("token printed %q: %v", printed, err)
	}
	return credential.Status.Token
}

const tokenPrefix = "k8s-aws-v1."

func presignedURL(t *testing.T, token string) *url.URL {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, tokenPrefix))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// spoil changes one character in the middle of a parameter of the token's URL.
func spoil(t *testing.T, token, parameter string) string {
	t.Helper()
	u := presignedURL(t, token)
	query := u.Query()
	value := []byte(query.Get(parameter))
	if value[len(value)/2] == 'a' {
		value[len(value)/2] = 'b'
	} else {
		value[len(value)/2] = 'a'
	}
	query.Set(parameter, string(value))
	u.RawQuery = query.Encode()
	return tokenPrefix + base64.RawURLEncoding.EncodeToString([]byte(u.String()))
}
