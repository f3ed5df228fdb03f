package peers

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/stint-sts/stint/test/harness"
)

// TestOutboundTokens: what GetWebIdentityToken gives is believed by go-oidc, which is what Kubernetes verifies tokens with, and by
// another Stint, each of which finds the keys by itself from the issuer's URL.
func TestOutboundTokens(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	client := ca.client()
	certificate, key := ca.issue(t, "stint", "127.0.0.1")
	address := freeAddress(t)
	server := harness.Serve(t, harness.ServeOptions{Account: account, Listen: address,
		Config: "tls: {cert: " + certificate + ", key: " + key + "}\noutbound_issuer: https://" + address + "/issuers/{id}\n",
		Directory: `accounts: {"` + account + `": {users: {admin: {inline_policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}}}},
  roles: {job: {tags: {team: blue}, trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "` + account + `"}, Action: "sts:AssumeRole"}]},
    inline_policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"], Resource: "*"}]}}}}}}
`})
	admin := credentials.NewStaticCredentialsProvider(server.Admin.AccessKeyID, server.Admin.SecretAccessKey, "")
	endpoint := aws.String("https://" + server.Address)
	federation, err := iam.New(iam.Options{Region: harness.Region, BaseEndpoint: endpoint, HTTPClient: client, Credentials: admin}).
		EnableOutboundWebIdentityFederation(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	issuer := aws.ToString(federation.IssuerIdentifier)
	if !strings.HasPrefix(issuer, "https://"+address+"/issuers/") {
		t.Fatalf("the issuer is %s", issuer)
	}
	options := sts.Options{Region: harness.Region, BaseEndpoint: endpoint, HTTPClient: client, Credentials: admin}
	options.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.New(options), "arn:aws:iam::"+account+":role/job",
		func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "nightly" }))
	job := sts.New(options)
	issue := func(algorithm, audience string) string {
		t.Helper()
		out, err := job.GetWebIdentityToken(t.Context(), &sts.GetWebIdentityTokenInput{Audience: []string{audience}, SigningAlgorithm: aws.String(algorithm),
			DurationSeconds: aws.Int32(300), Tags: []ststypes.Tag{{Key: aws.String("stage"), Value: aws.String("test")}}})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.WebIdentityToken)
	}

	ctx := oidc.ClientContext(t.Context(), client)
	found, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		t.Fatal(err)
	}
	const cluster = "kubernetes.example"
	for _, algorithm := range []string{"RS256", "ES384"} {
		verifier := found.Verifier(&oidc.Config{ClientID: cluster, SupportedSigningAlgs: []string{algorithm}})
		raw := issue(algorithm, cluster)
		token, err := verifier.Verify(ctx, raw)
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		var claims struct {
			AWS struct {
				Account string            `json:"aws_account"`
				Tags    map[string]string `json:"request_tags"`
			} `json:"https://sts.amazonaws.com/"`
		}
		if err := token.Claims(&claims); err != nil || token.Issuer != issuer || token.Subject != "arn:aws:iam::"+account+":role/job" || !slices.Equal(token.Audience, []string{cluster}) ||
			claims.AWS.Account != account || claims.AWS.Tags["stage"] != "test" {
			t.Errorf("%s: %+v, %+v, %v", algorithm, token, claims, err)
		}
		for name, other := range map[string]string{"another audience": issue(algorithm, "another.example"), "a spoiled signature": raw[:len(raw)-20] + "AAAA" + raw[len(raw)-16:]} {
			if _, err := verifier.Verify(ctx, other); err == nil {
				t.Errorf("%s: %s is believed", algorithm, name)
			}
		}
	}
	if _, err := oidc.NewProvider(ctx, "https://"+address+"/issuers/00000000-0000-4000-8000-000000000000"); err == nil {
		t.Error("another id is an issuer, too")
	}

	t.Run("another Stint", func(t *testing.T) { anotherStint(t, ca, issuer, issue) })
}

// anotherStint lets the job of one Stint into a role of another.
func anotherStint(t *testing.T, ca *authority, issuer string, issue func(algorithm, audience string) string) {
	const role = "arn:aws:iam::444455556666:role/partner"
	name := strings.TrimPrefix(issuer, "https://")
	server := harness.Serve(t, harness.ServeOptions{Account: "444455556666", Config: `federation:
  allowed_networks: [127.0.0.0/8]
  oidc: {authorities: [{issuer: "` + issuer + `", ca: ` + ca.file + `}]}
`, Directory: `accounts:
  "444455556666":
    oidc_providers: [{url: "` + issuer + `", client_ids: [partner]}]
    roles: {partner: {trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::444455556666:oidc-provider/` + name + `"},
      Action: "sts:AssumeRoleWithWebIdentity", Condition: {StringEquals: {"` + name + `:aud": partner, "` + name + `:sub": "arn:aws:iam::` + account + `:role/job"}}}]}}}
`})
	client := sts.New(sts.Options{Region: harness.Region, BaseEndpoint: aws.String(server.URL()), RetryMaxAttempts: 1})
	assume := func(token string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		return client.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(role), RoleSessionName: aws.String("nightly"), WebIdentityToken: aws.String(token)})
	}
	for _, algorithm := range []string{"RS256", "ES384"} {
		out, err := assume(issue(algorithm, "partner"))
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		as := sts.New(sts.Options{Region: harness.Region, BaseEndpoint: aws.String(server.URL()),
			Credentials: credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)})
		if who, err := as.GetCallerIdentity(t.Context(), nil); err != nil || *who.Arn != "arn:aws:sts::444455556666:assumed-role/partner/nightly" {
			t.Errorf("%s: %v, %v", algorithm, who, err)
		}
	}
	var refusal *ststypes.InvalidIdentityTokenException
	if _, err := assume(issue("RS256", "kubernetes.example")); !errors.As(err, &refusal) {
		t.Errorf("for another audience: %v", err)
	}
}
