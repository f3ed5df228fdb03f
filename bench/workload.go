package main

import (
	"bytes"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/federation/saml/samltest"
	"github.com/stint-sts/stint/sigv4"
)

// workload is one request, to be sent again and again, and what it may cost: times the bare server's CPU, or for what an identity
// provider signed so many microseconds more than the bare server that verifies it too.
type workload struct {
	name    string
	request []byte
	target  float64
	proof   *proof  // that the bare server verifies
	beyond  float64 // µs
	// fresh makes a request that was never sent, where each may be sent once; at most once of them make a round.
	fresh func() []byte
	once  int
}

// proof is what an identity provider says, of a kind that the bare server knows, with the keys that verify it.
type proof struct{ kind, keys string }

// requests are those of a round.
func (w workload) requests(n int) [][]byte {
	if w.fresh == nil {
		return [][]byte{w.request}
	}
	all := make([][]byte, n)
	for i := range all {
		all[i] = w.fresh()
	}
	return all
}

const role = "arn:aws:iam::111122223333:role/bench"

func workloads(s *server) []workload {
	sessionPolicy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],` +
		`"Resource":"arn:aws:s3:::lake/team-a/*"},{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::lake",` +
		`"Condition":{"StringLike":{"s3:prefix":"team-a/*"}}}]}`
	plain := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {role}, "RoleSessionName": {"bench"}}
	full := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {role}, "RoleSessionName": {"bench"},
		"Policy": {sessionPolicy}}
	for i, key := range []string{"team", "project", "environment", "cost-center", "ticket"} {
		full.Set(fmt.Sprintf("Tags.member.%d.Key", i+1), key)
		full.Set(fmt.Sprintf("Tags.member.%d.Value", i+1), strings.Repeat(key[:1], 12))
	}
	return []workload{
		{name: "GetCallerIdentity", request: s.sign("sts", url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}), target: 1.4},
		{name: "AssumeRole", request: s.sign("sts", plain), target: 1.8},
		{name: "AssumeRole, session policy and 5 tags", request: s.sign("sts", full), target: 1.8},
		s.webIdentity("RS256"),
		s.webIdentity("ES256"),
		s.saml(),
	}
}

// sign makes the bytes of a signed POST as the SDKs send it. It is good for a quarter of an hour.
func (s *server) sign(service string, form url.Values) []byte {
	body := form.Encode()
	r, err := http.NewRequest(http.MethodPost, "http://"+s.address+"/", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47.7 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/sts#1.51.8")
	signer := sigv4.Signer{
		Credentials: sigv4.NewCredentials(s.environment["AWS_ACCESS_KEY_ID"], s.environment["AWS_SECRET_ACCESS_KEY"], ""),
		Region:      s.environment["AWS_REGION"],
		Service:     service,
	}
	if err := signer.Sign(r, []byte(body), time.Now()); err != nil {
		log.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		log.Fatal(err)
	}
	return b.Bytes()
}

// account describes the account that is measured: a role that the administrator may assume, and other users.
func account(users int) string {
	var b strings.Builder
	b.WriteString(`accounts:
  "111122223333":
    roles:
      bench:
        trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111122223333"}, Action: ["sts:AssumeRole", "sts:TagSession"]}]}
        inline_policies:
          p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
      web:
        trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::111122223333:oidc-provider/idp.example.com"}, Action: "sts:AssumeRoleWithWebIdentity", Condition: {StringEquals: {"idp.example.com:sub": "system:serviceaccount:shop:checkout"}}}]}
      saml:
        trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::111122223333:saml-provider/corp"}, Action: "sts:AssumeRoleWithSAML", Condition: {StringEquals: {"SAML:aud": "https://signin.aws.amazon.com/saml"}}}]}
    oidc_providers:
`)
	fmt.Fprintf(&b, "      - {url: 'https://idp.example.com', client_ids: [sts.amazonaws.com], jwks: %s}\n", keySet())
	fmt.Fprintf(&b, "    saml_providers: {corp: {metadata: '%s'}}\n", samltest.Metadata(entityID, samlKey()))
	if users > 0 {
		b.WriteString("    users:\n")
	}
	for i := range users {
		fmt.Fprintf(&b, "      user-%06d:\n        tags: {team: team-%d}\n        access_keys: [{}]\n        inline_policies:\n"+
			"          p: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Action: \"sts:AssumeRole\", Resource: \"arn:aws:iam::111122223333:role/bench\"}]}\n", i, i%100)
	}
	return b.String()
}
