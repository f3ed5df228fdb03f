package authz

import (
	"fmt"
	"testing"

	"github.com/stint-sts/stint/policy"
)

// TestSplitAllowsNothingMore: whatever a service allows by the two parts and its resource's policy, the evaluation of all policies
// together allows, too; but for a resource's policy that names the caller's account, which delegates in AWS and grants here. In the
// other direction they differ only where a resource's policy overrules a boundary or session policy that is silent.
func TestSplitAllowsNothingMore(t *testing.T) {
	t.Parallel()
	const (
		account, other = "111122223333", "444455556666"
		action         = "s3:GetObject"
		resource       = "arn:aws:s3:::data/report"
	)
	compile := func(document string, as policy.Type) []policy.Attached {
		if document == "" {
			return nil
		}
		p, err := policy.New(`{"Version":"2012-10-17","Statement":[`+document+`]}`, as)
		if err != nil {
			t.Fatal(err)
		}
		return []policy.Attached{{Name: "p", Policy: p}}
	}
	const (
		allows = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
		silent = `{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`
		denies = `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`
	)
	documents := []string{allows, silent, denies}
	optional := append([]string{""}, documents...)
	principals := []policy.Principal{
		{Kind: policy.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/alice", ID: "AIDAALICE"},
		{Kind: policy.Role, Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/r/work", ID: "AROAROLE", RoleARN: "arn:aws:iam::" + account + ":role/r"},
	}
	resourceEffects := map[string]policy.Effect{allows: policy.Allow, silent: policy.ImplicitDeny, denies: policy.ExplicitDeny, "": policy.ImplicitDeny}
	allowed, narrower := 0, 0
	for _, principal := range principals {
		for _, named := range []string{account, principal.ARN} {
			for _, owner := range []string{account, other} {
				for _, own := range documents {
					for _, boundary := range optional {
						for _, session := range optional {
							for _, control := range optional {
								for _, onResource := range optional {
									set := policy.Set{Identity: compile(own, policy.Identity), Boundary: compile(boundary, policy.Identity), HasBoundary: boundary != "",
										Session: compile(session, policy.Session), HasSession: session != ""}
									if control != "" {
										set.SCPs = [][]policy.Attached{compile(control, policy.SCP)}
									}
									split, err := NewSplit(&Bearing{Principal: principal, Set: set}, nil, owner != account)
									if err != nil {
										t.Fatal(err)
									}
									got := combined(split, resourceEffects[onResource], action, resource)

									whole := set
									if onResource != "" {
										whole.Resource = compile(naming(onResource, named), policy.Resource)
									}
									want := policy.Evaluate(&whole, &policy.Request{Principal: principal, Action: action, Resource: resource, ResourceAccount: owner})
									name := fmt.Sprintf("%v named as %s, owner %s: identity %s boundary %s session %s SCP %s resource %s", principal.Kind, named, owner, own, boundary, session, control, onResource)
									overruled := onResource == allows && named != account && (boundary == silent || session == silent)
									delegated := onResource == allows && named == account && owner == account && own == silent
									switch {
									case got && !want.Allowed() && !delegated:
										t.Errorf("%s: allowed, and Evaluate says %v", name, want)
									case !got && want.Allowed() && !overruled:
										t.Errorf("%s: denied, and Evaluate says %v", name, want)
									case got:
										allowed++
									case want.Allowed():
										narrower++
									}
								}
							}
						}
					}
				}
			}
		}
	}
	if allowed < 100 || narrower == 0 {
		t.Errorf("%d allowed, %d narrower: not every way was gone", allowed, narrower)
	}
}

// combined is how a gateway decides.
func combined(s *Split, resource policy.Effect, action, on string) bool {
	first, second := s.Identity(action, on), PartAllows
	if s.HasSession() {
		second = s.Session(action, on)
	}
	if resource == policy.ExplicitDeny || first == PartDenies || second == PartDenies {
		return false
	}
	return (resource == policy.Allow || first == PartAllows) && second == PartAllows
}

// naming gives every statement a principal.
func naming(document, principal string) string {
	const at = `"Effect":"`
	out := ""
	for i := range len(document) {
		if len(document)-i >= len(at) && document[i:i+len(at)] == at {
			out += `"Principal":{"AWS":"` + principal + `"},`
		}
		out += string(document[i])
	}
	return out
}

// TestSplitOfFederatedUser: who has no session policy has no session permission either.
func TestSplitOfFederatedUser(t *testing.T) {
	t.Parallel()
	all, err := policy.New(allowEverything, policy.Identity)
	if err != nil {
		t.Fatal(err)
	}
	b := &Bearing{Principal: policy.Principal{Kind: policy.FederatedUser, Account: "111122223333", ARN: "arn:aws:sts::111122223333:federated-user/f"},
		Set: policy.Set{Identity: []policy.Attached{{Policy: all}}}}
	split, err := NewSplit(b, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := split.Identity("s3:GetObject", "*"); got != PartAllows {
		t.Errorf("identity: %v", got)
	}
	if got := split.Session("s3:GetObject", "*"); !split.HasSession() || got != PartSilent {
		t.Errorf("session: %v, %v", split.HasSession(), got)
	}
}
