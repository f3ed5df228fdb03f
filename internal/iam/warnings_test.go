package iam

import (
	"errors"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

// Every operation that stores a policy leaves with its request what the linter warns of, and nothing of what it refuses.
func TestStoredPoliciesAreLinted(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx := t.Context()
	const (
		passes = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}]}`
		trusts = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
		twice  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:GetObject"],"Resource":"*"}]}`
	)
	for name, do := range map[string]func(r *identity.Request, identityPolicy, trust string) error{
		"PutUserPolicy": func(r *identity.Request, p, _ string) error {
			_, err := s.PutUserPolicy(ctx, s.view(), r, &api.PutUserPolicyInput{UserName: "plain", PolicyName: "p", PolicyDocument: p})
			return err
		},
		"PutGroupPolicy": func(r *identity.Request, p, _ string) error {
			_, err := s.PutGroupPolicy(ctx, s.view(), r, &api.PutGroupPolicyInput{GroupName: "empty", PolicyName: "p", PolicyDocument: p})
			return err
		},
		"PutRolePolicy": func(r *identity.Request, p, _ string) error {
			_, err := s.PutRolePolicy(ctx, s.view(), r, &api.PutRolePolicyInput{RoleName: "bare", PolicyName: "p", PolicyDocument: p})
			return err
		},
		"CreatePolicy": func(r *identity.Request, p, _ string) error {
			_, err := s.CreatePolicy(ctx, s.view(), r, &api.CreatePolicyInput{PolicyName: "linted" + r.ID, PolicyDocument: p})
			return err
		},
		"CreatePolicyVersion": func(r *identity.Request, p, _ string) error {
			_, err := s.CreatePolicyVersion(ctx, s.view(), r, &api.CreatePolicyVersionInput{PolicyArn: s.arn("policy/free"), PolicyDocument: p})
			return err
		},
		"CreateRole": func(r *identity.Request, _, p string) error {
			_, err := s.CreateRole(ctx, s.view(), r, &api.CreateRoleInput{RoleName: "linted" + r.ID, AssumeRolePolicyDocument: p})
			return err
		},
		"UpdateAssumeRolePolicy": func(r *identity.Request, _, p string) error {
			_, err := s.UpdateAssumeRolePolicy(ctx, s.view(), r, &api.UpdateAssumeRolePolicyInput{RoleName: "bare", PolicyDocument: p})
			return err
		},
	} {
		warned := s.as("caller")
		warned.ID = "-1"
		if err := do(warned, passes, trusts); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w := warned.PolicyWarnings; len(w) != 1 || !strings.HasPrefix(w[0], "PASS_ROLE_WITH_STAR_IN_RESOURCE in statement 0: ") && !strings.HasPrefix(w[0], "PRINCIPAL_WITH_STAR in statement 0: ") {
			t.Errorf("%s: %q", name, w)
		}
		quiet := s.as("caller")
		quiet.ID = "-2"
		if err := do(quiet, twice, anyone); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(quiet.PolicyWarnings) > 0 {
			t.Errorf("%s: a suggestion is a warning: %q", name, quiet.PolicyWarnings)
		}
		malformed := s.as("caller")
		malformed.ID = "-3"
		err := do(malformed, "{", "{")
		if fault, ok := errors.AsType[*identity.Fault](err); !ok || fault.Code != identity.MalformedPolicyDocument || len(malformed.PolicyWarnings) > 0 {
			t.Errorf("%s: %v, %q", name, err, malformed.PolicyWarnings)
		}
	}
}

// Another account is another's, the caller's own is not.
func TestTrustIsLintedForTheAccount(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	for account, warned := range map[string]bool{"999988887777": true, string(s.account): false} {
		r := s.as("caller")
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`
		if _, err := s.UpdateAssumeRolePolicy(t.Context(), s.view(), r, &api.UpdateAssumeRolePolicyInput{RoleName: "bare", PolicyDocument: text}); err != nil {
			t.Fatal(err)
		}
		if got := len(r.PolicyWarnings) == 1 && strings.HasPrefix(r.PolicyWarnings[0], "MISSING_EXTERNAL_ID"); got != warned {
			t.Errorf("%s: %q", account, r.PolicyWarnings)
		}
	}
}
