package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/stint-sts/stint/test/harness"
)

const (
	workload     = "system:serviceaccount:shop:checkout"
	workloadRole = "arn:aws:iam::" + account + ":role/checkout"
)

// cluster is a server that trusts a Kubernetes-style issuer, and a pod's projected token.
type cluster struct {
	t         *testing.T
	server    *harness.Server
	issuer    *harness.Issuer
	tokenFile string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, issuer: harness.StartIssuer(t), tokenFile: filepath.Join(t.TempDir(), "token")}
	host := strings.TrimPrefix(c.issuer.URL, "https://")
	trust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::%s:oidc-provider/%s"},`+
		`"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"%s:sub":"%s","%s:aud":"sts.amazonaws.com"}}}]}`, account, host, host, workload, host)
	directory, err := json.Marshal(map[string]any{"accounts": map[string]any{account: map[string]any{
		"oidc_providers": []any{map[string]any{"url": c.issuer.URL, "client_ids": []string{"sts.amazonaws.com"}, "thumbprints": []string{c.issuer.Thumbprint}}},
		"roles":          map[string]any{"checkout": map[string]any{"trust_policy": json.RawMessage(trust)}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	c.server = harness.Start(t, harness.Options{Directory: directory})
	c.project(workload, "RS256")
	return c
}

// project writes the token of a service account as the kubelet does.
func (c *cluster) project(subject, algorithm string) {
	c.t.Helper()
	now := time.Now().Unix()
	_, account, _ := strings.Cut(strings.TrimPrefix(subject, "system:serviceaccount:"), ":")
	token, err := harness.Token(algorithm, map[string]any{
		"iss": c.issuer.URL, "sub": subject, "aud": []string{"sts.amazonaws.com"}, "iat": now, "nbf": now, "exp": now + 3600, "jti": "1",
		"kubernetes.io": map[string]any{"namespace": "shop", "serviceaccount": map[string]any{"name": account, "uid": "5"}, "pod": map[string]any{"name": "p", "uid": "6"}},
	})
	if err == nil {
		err = os.WriteFile(c.tokenFile, []byte(token), 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) variables() []string {
	return []string{"AWS_ROLE_ARN=" + workloadRole, "AWS_WEB_IDENTITY_TOKEN_FILE=" + c.tokenFile, "AWS_ROLE_SESSION_NAME=pod", "AWS_ENDPOINT_URL_STS=" + c.server.URL()}
}

// TestWebIdentityByGoSDK has the SDK for Go find everything by itself, as in a pod. It is not parallel because it sets the environment.
func TestWebIdentityByGoSDK(t *testing.T) {
	c := newCluster(t)
	for _, pair := range append(c.variables(), "AWS_REGION="+harness.Region, "AWS_EC2_METADATA_DISABLED=true", "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=",
		"AWS_SESSION_TOKEN=", "AWS_PROFILE=", "HOME="+t.TempDir(), "AWS_MAX_ATTEMPTS=1") {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	who := func() (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
		defer cancel()
		settings, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return "", err
		}
		out, err := sts.NewFromConfig(settings).GetCallerIdentity(ctx, nil)
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Arn), nil
	}
	for _, algorithm := range []string{"RS256", "ES256"} { // the issuer begins to sign with another key
		c.project(workload, algorithm)
		got, err := who()
		if err != nil {
			t.Fatalf("%s: %v", algorithm, err)
		}
		equal(t, "the pod by "+algorithm, got, "arn:aws:sts::"+account+":assumed-role/checkout/pod")
	}
	c.project("system:serviceaccount:shop:other", "RS256")
	if _, err := who(); code(err) != "AccessDenied" {
		t.Errorf("another service account: %v", err)
	}
	if err := os.WriteFile(c.tokenFile, []byte("a.b.c"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := who(); !is[*ststypes.InvalidIdentityTokenException](err) {
		t.Errorf("no token: %v", err)
	}
}

// TestWebIdentityByCLI does the same with the AWS CLI: one on the path finds everything by itself; Debian's, which cannot be told
// the endpoint of that, calls the operation.
func TestWebIdentityByCLI(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	const want = "arn:aws:sts::" + account + ":assumed-role/checkout/pod"
	if program, version := findVersion1(t); program != "" {
		t.Logf("%s is %s", program, version)
		stdout, stderr, ok := run(t, environment(t, c.variables()...), "", program, "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
		if !ok || strings.TrimSpace(stdout) != want {
			t.Errorf("%s: %s%s", program, stdout, stderr)
		}
	}
	stdout, stderr, ok := run(t, environment(t), "", debianCLI, "--endpoint-url", c.server.URL(), "sts", "assume-role-with-web-identity", "--role-arn", workloadRole,
		"--role-session-name", "pod", "--web-identity-token", "file://"+c.tokenFile, "--query", "[AssumedRoleUser.Arn,SubjectFromWebIdentityToken]", "--output", "text")
	if !ok || strings.TrimSpace(stdout) != want+"\t"+workload {
		t.Errorf("%s: %s%s", debianCLI, stdout, stderr)
	}
}

// TestWebIdentityByBoto3 has boto3's own provider of credentials read the token file.
func TestWebIdentityByBoto3(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	stdout, stderr, ok := run(t, environment(t, append(c.variables(), "STINT_ENDPOINT="+c.server.URL())...), "", "/usr/bin/python3", "-B", filepath.Join("python", "web_identity.py"))
	if !ok || strings.TrimSpace(stdout) != "arn:aws:sts::"+account+":assumed-role/checkout/pod" {
		t.Errorf("boto3: %s%s", stdout, stderr)
	}
}
