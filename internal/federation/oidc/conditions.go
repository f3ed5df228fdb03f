package oidc

import (
	"strconv"
	"strings"

	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/strictjson"
)

// The names of the issuers whose own claims are condition keys (IAM UG, available keys for AWS OIDC federation).
const (
	gitHub    = "token.actions.githubusercontent.com"
	gitLab    = "gitlab.com"
	buildkite = "agent.buildkite.com"
	circleCI  = "oidc.circleci.com/org/"
	oracle    = ".identity.oraclecloud.com"
)

// conditionKeys are what trust policies can ask of a token, under the name of the issuer without its scheme. The keys aud, sub
// and amr stay with the session; the others are there while the role is assumed.
func conditionKeys(issuer string, t *token, c *claims) []federation.Key {
	prefix := strings.ToLower(issuer) + ":"
	keys := []federation.Key{
		{Name: prefix + "aud", Values: []string{c.audience}, Lasting: true},
		{Name: prefix + "sub", Values: []string{c.subject}, Lasting: true},
		{Name: prefix + "oaud", Values: c.audiences, Multivalued: len(c.audiences) > 1},
	}
	if c.party != "" {
		keys = append(keys, federation.Key{Name: prefix + "azp", Values: []string{c.party}})
	}
	if v, ok := t.claims.Get("amr"); ok {
		if methods, ok := texts(v); ok && len(methods) > 0 {
			keys = append(keys, federation.Key{Name: prefix + "amr", Values: methods, Lasting: true, Multivalued: true})
		}
	}
	for _, name := range append([]string{"email"}, ownClaims(issuer)...) {
		if value, ok := scalar(t, name); ok {
			keys = append(keys, federation.Key{Name: prefix + name, Values: []string{value}})
		}
	}
	return keys
}

// ownClaims lists the claims of one issuer that are condition keys.
func ownClaims(issuer string) []string {
	host, _, _ := strings.Cut(issuer, "/")
	switch {
	case host == gitHub:
		return []string{"actor", "actor_id", "job_workflow_ref", "repository", "repository_id", "workflow", "ref", "environment",
			"enterprise_id", "repository_owner_id"}
	case issuer == gitLab:
		return []string{"namespace_id", "project_id", "user_id", "user_login", "user_email", "user_access_level", "ref_protected",
			"pipeline_source", "runner_environment"}
	case issuer == buildkite:
		return []string{"organization_slug", "organization_id", "pipeline_slug", "pipeline_id", "cluster_name", "cluster_id",
			"build_branch"}
	case strings.HasPrefix(issuer, circleCI):
		return []string{"oidc.circleci.com/project-id"}
	case strings.HasSuffix(host, oracle):
		return []string{"rpst_id"}
	}
	return nil
}

// scalar returns a claim that is a text, a whole number or a boolean, as text.
func scalar(t *token, name string) (string, bool) {
	v, ok := t.claims.Get(name)
	if !ok {
		return "", false
	}
	switch v.Kind {
	case strictjson.String, strictjson.Bool:
		return v.Text, true
	case strictjson.Number:
		_, err := strconv.ParseInt(v.Text, 10, 64)
		return v.Text, err == nil
	}
	return "", false
}
