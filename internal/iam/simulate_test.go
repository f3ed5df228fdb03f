package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// statement makes a policy of one statement.
func statement(body string) string {
	return `{"Version":"2012-10-17","Statement":[{` + body + `}]}`
}

func allowAction(action string) string {
	return statement(`"Effect":"Allow","Action":"` + action + `","Resource":"*"`)
}

func denyAction(action string) string {
	return statement(`"Effect":"Deny","Action":"` + action + `","Resource":"*"`)
}

// shown renders what a simulation answers of one action.
func shown(r *api.EvaluationResult) string {
	parts := []string{r.EvalActionName, valueOf(r.EvalResourceName), r.EvalDecision}
	for _, m := range r.MatchedStatements {
		parts = append(parts, showMatch(m))
	}
	if len(r.MissingContextValues) > 0 {
		parts = append(parts, fmt.Sprint("missing ", r.MissingContextValues))
	}
	if r.OrganizationsDecisionDetail != nil {
		parts = append(parts, fmt.Sprint("organizations ", *r.OrganizationsDecisionDetail.AllowedByOrganizations))
	}
	if r.PermissionsBoundaryDecisionDetail != nil {
		parts = append(parts, fmt.Sprint("boundary ", *r.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary))
	}
	if len(r.EvalDecisionDetails) > 0 {
		parts = append(parts, fmt.Sprint(r.EvalDecisionDetails))
	}
	return strings.Join(parts, ", ")
}

func showMatch(m api.Statement) string {
	return fmt.Sprintf("%s/%s %d:%d-%d:%d", *m.SourcePolicyId, *m.SourcePolicyType,
		*m.StartPosition.Line, *m.StartPosition.Column, *m.EndPosition.Line, *m.EndPosition.Column)
}

func (s *stage) simulated(in api.SimulateCustomPolicyInput) []api.EvaluationResult {
	s.t.Helper()
	return ok2(s.SimulateCustomPolicy(s.t.Context(), s.view(), s.root(), &in))(s.t).EvaluationResults
}

func TestSimulateCustomPolicy(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	const object = "arn:aws:s3:::b/k"
	mfa := statement(`"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`)
	flag := func(value string) []api.ContextEntry {
		return []api.ContextEntry{{ContextKeyName: new("AWS:MultifactorAuthPresent"), ContextKeyType: new("boolean"), ContextKeyValues: []string{value}}}
	}
	policies := func(texts ...string) []string { return texts }
	end := func(text string) string { return fmt.Sprintf("1:38-1:%d", len(text)-1) }
	tests := []struct {
		name string
		in   api.SimulateCustomPolicyInput
		want string
	}{
		{"allowed", api.SimulateCustomPolicyInput{PolicyInputList: policies(allowAction("s3:*"))},
			"s3:GetObject, *, allowed, PolicyInputList.1/IAM Policy " + end(allowAction("s3:*"))},
		{"silent", api.SimulateCustomPolicyInput{PolicyInputList: policies(allowAction("iam:*"))}, "s3:GetObject, *, implicitDeny"},
		{"no policy", api.SimulateCustomPolicyInput{PolicyInputList: policies()}, "s3:GetObject, *, implicitDeny"},
		{"denied, which alone is told", api.SimulateCustomPolicyInput{PolicyInputList: policies(allowAction("s3:*"), denyAction("s3:Get*"))},
			"s3:GetObject, *, explicitDeny, PolicyInputList.2/IAM Policy " + end(denyAction("s3:Get*"))},
		{"the boundary is silent", api.SimulateCustomPolicyInput{PolicyInputList: policies(allowAction("s3:*")),
			PermissionsBoundaryPolicyInputList: policies(allowAction("iam:*"))}, "s3:GetObject, *, implicitDeny, boundary false"},
		{"the boundary allows", api.SimulateCustomPolicyInput{PolicyInputList: policies(allowAction("s3:*")),
			PermissionsBoundaryPolicyInputList: policies(allowAction("*"))},
			"s3:GetObject, *, allowed, PolicyInputList.1/IAM Policy " + end(allowAction("s3:*")) + ", boundary true"},
		{"the boundary denies", api.SimulateCustomPolicyInput{PolicyInputList: policies(allowAction("s3:*")),
			PermissionsBoundaryPolicyInputList: policies(denyAction("*"))}, "s3:GetObject, *, explicitDeny, " +
			"PermissionsBoundaryPolicyInputList.1/Permissions Boundary Policy " + end(denyAction("*")) + ", boundary false"},
		{"a key is missing", api.SimulateCustomPolicyInput{PolicyInputList: policies(mfa)},
			"s3:GetObject, *, implicitDeny, missing [aws:MultiFactorAuthPresent]"},
		{"a key is given", api.SimulateCustomPolicyInput{PolicyInputList: policies(mfa), ContextEntries: flag("TRUE")},
			"s3:GetObject, *, allowed, PolicyInputList.1/IAM Policy " + end(mfa)},
		{"a key has another value", api.SimulateCustomPolicyInput{PolicyInputList: policies(mfa), ContextEntries: flag("no")},
			"s3:GetObject, *, implicitDeny"},
		{"one resource", api.SimulateCustomPolicyInput{PolicyInputList: policies(allowAction("s3:*")), ResourceArns: []string{object}},
			"s3:GetObject, arn:aws:s3:::b/k, allowed, PolicyInputList.1/IAM Policy " + end(allowAction("s3:*"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.in.ActionNames = []string{"s3:GetObject"}
			results := s.simulated(tt.in)
			equal(t, "results", len(results), 1)
			equal(t, "result", shown(&results[0]), tt.want)
			if results[0].MatchedStatements == nil || results[0].MissingContextValues == nil {
				t.Error("AWS answers the empty lists too")
			}
			equal(t, "resource-specific results", len(results[0].ResourceSpecificResults), len(tt.in.ResourceArns))
		})
	}
}

func TestSimulationOfSeveralResources(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::good/*"},` +
		`{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::bad/*"}]}`
	r := s.simulated(api.SimulateCustomPolicyInput{
		PolicyInputList: []string{text}, ActionNames: []string{"s3:GetObject"},
		ResourceArns: []string{"arn:aws:s3:::good/k", "arn:aws:s3:::bad/k", "arn:aws:s3:::other/k"},
	})[0]
	// The second statement begins at the comma before it (index id 67130524543).
	const first, second = "PolicyInputList.1/IAM Policy 1:38-1:105", "PolicyInputList.1/IAM Policy 1:105-1:171"
	equal(t, "the whole is as strict as the strictest", shown(&r), "s3:GetObject, *, explicitDeny, "+second)
	var got []string
	for _, specific := range r.ResourceSpecificResults {
		line := specific.EvalResourceName + " " + specific.EvalResourceDecision
		for _, m := range specific.MatchedStatements {
			line += " " + showMatch(m)
		}
		got = append(got, line)
	}
	equal(t, "each", strings.Join(got, "\n"), "arn:aws:s3:::good/k allowed "+first+"\narn:aws:s3:::bad/k explicitDeny "+second+"\narn:aws:s3:::other/k implicitDeny")
	if r.EvalDecisionDetails == nil || r.ResourceSpecificResults[0].EvalDecisionDetails != nil {
		t.Error("AWS answers empty details for the whole and none for a resource")
	}
}

// TestPositions: those that AWS answered for documents whose form is on record (index ids 1645843025, 48388008773, 61005902123,
// 9694584085).
func TestPositions(t *testing.T) {
	t.Parallel()
	indented := func(tab string) string {
		return "{\n" + tab + `"Version": "2012-10-17",` + "\n" + tab + `"Statement": [` + "\n" + tab + tab + "{\n" + tab + tab + tab +
			`"Effect": "Allow",` + "\n" + tab + tab + tab + `"Action": "*",` + "\n" + tab + tab + tab + `"Resource": "*"` + "\n" + tab + tab + "}\n" + tab + "]\n}"
	}
	s := newStage(t, allowAll)
	for name, test := range map[string]struct{ text, want string }{
		"two spaces": {indented("  "), "3:17-8:6"},
		"tabs":       {indented("\t"), "3:16-8:4"},
		"one line":   {`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`, "1:41-1:92"},
		"compact":    {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, "1:38-1:84"},
		"no list":    {"{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}\n}", "3:16-3:67"},
		"characters": {`{"Id":"ÄÖÜ","Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, "1:49-1:95"},
	} {
		r := s.simulated(api.SimulateCustomPolicyInput{PolicyInputList: []string{test.text}, ActionNames: []string{"s3:GetObject"}})[0]
		equal(t, name, showMatch(r.MatchedStatements[0]), "PolicyInputList.1/IAM Policy "+test.want)
	}
}

func TestSimulationWithAResourcePolicy(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	const object = "arn:aws:s3:::b/k"
	bucket := func(effect, principal string) *string {
		return new(statement(`"Effect":"` + effect + `","Principal":{"AWS":"` + principal + `"},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"`))
	}
	matched := func(text string) string { return fmt.Sprintf("ResourcePolicy/Resource Policy 1:38-1:%d", len(text)-1) }
	bob, own := s.arn(atBob), string(s.account)
	tests := []struct {
		name, identity string
		policy         *string
		owner          string
		want           string
	}{
		{"the bucket grants", allowAction("iam:*"), bucket("Allow", bob), own, "allowed, " + matched(*bucket("Allow", bob))},
		{"the bucket grants another", allowAction("iam:*"), bucket("Allow", s.arn(atR1)), own, "implicitDeny"},
		{"the bucket denies", allowAction("s3:*"), bucket("Deny", bob), own, "explicitDeny, " + matched(*bucket("Deny", bob))},
		{"across accounts both must allow", allowAction("iam:*"), bucket("Allow", bob), "444455556666",
			"implicitDeny, map[IAM Policy:implicitDeny Resource Policy:allowed]"},
		{"across accounts both allow", allowAction("s3:*"), bucket("Allow", bob), "444455556666", "allowed, " +
			fmt.Sprintf("PolicyInputList.1/IAM Policy 1:38-1:%d, ", len(allowAction("s3:*"))-1) + matched(*bucket("Allow", bob)) +
			", map[IAM Policy:allowed Resource Policy:allowed]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := s.simulated(api.SimulateCustomPolicyInput{
				PolicyInputList: []string{tt.identity}, ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{object},
				CallerArn: &bob, ResourcePolicy: tt.policy, ResourceOwner: new("arn:aws:iam::" + tt.owner + ":root"),
			})[0]
			equal(t, "result", shown(&r), "s3:GetObject, "+object+", "+tt.want)
		})
	}
	// A role's trust policy names no resource, and identity-based policies alone do not suffice.
	trust := func(principal string) *string {
		return new(statement(`"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"`))
	}
	for principal, want := range map[string]string{bob: "allowed", s.arn(atR1): "implicitDeny"} {
		r := s.simulated(api.SimulateCustomPolicyInput{
			PolicyInputList: []string{allowSTS}, ActionNames: []string{"sts:AssumeRole"}, ResourceArns: []string{s.arn("role/x")},
			CallerArn: &bob, ResourcePolicy: trust(principal),
		})[0]
		equal(t, "trust of "+principal, r.EvalDecision, want)
	}
}

func TestSimulatePrincipalPolicy(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	bob := s.mustUser("bob").Clone()
	bob.Attached = append(bob.Attached, "arn:aws:iam::aws:policy/AdministratorAccess")
	s.put(bob)
	simulate := func(v *directory.View, in api.SimulatePrincipalPolicyInput) string {
		out := ok2(s.SimulatePrincipalPolicy(t.Context(), v, s.root(), &in))(t)
		return shown(&out.EvaluationResults[0])
	}
	at := func(text string) string { return fmt.Sprintf("1:38-1:%d", len(text)) }
	inlineOf := func(kind, name string) string {
		return kind + "_" + name + "_in/IAM Policy " + at(allowSTS[:len(allowSTS)-1])
	}
	sts := []string{"sts:AssumeRole"}
	p1At := "p1/IAM Policy " + at(allowSTS[:len(allowSTS)-1])
	administrator := "AdministratorAccess/IAM Policy 3:17-9:6"
	tests := []struct {
		name string
		in   api.SimulatePrincipalPolicyInput
		want string
	}{
		{"user with a group", api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atBob), ActionNames: sts},
			strings.Join([]string{"sts:AssumeRole, *, allowed", inlineOf("user", "bob"), p1At, administrator, inlineOf("group", "devs"), "boundary true"}, ", ")},
		{"the boundary limits", api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atBob), ActionNames: []string{"s3:GetObject"}},
			"s3:GetObject, *, implicitDeny, boundary false"},
		{"another boundary in its place", api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atBob), ActionNames: []string{"s3:GetObject"},
			PermissionsBoundaryPolicyInputList: []string{allowAll}}, "s3:GetObject, *, allowed, " + administrator + ", boundary true"},
		{"role", api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atR1), ActionNames: sts},
			strings.Join([]string{"sts:AssumeRole, *, allowed", inlineOf("role", "r1"), p1At, "boundary true"}, ", ")},
		{"group", api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atDevs), ActionNames: sts},
			strings.Join([]string{"sts:AssumeRole, *, allowed", inlineOf("group", "devs"), p1At}, ", ")},
		{"with one more policy", api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atPlain), ActionNames: sts,
			PolicyInputList: []string{allowSTS}}, "sts:AssumeRole, *, allowed, PolicyInputList.1/IAM Policy " + at(allowSTS[:len(allowSTS)-1])},
		{"the path may be another", api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn("user/plain"), ActionNames: sts}, "sts:AssumeRole, *, implicitDeny"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			equal(t, "result", simulate(s.view(), tt.in), tt.want)
		})
	}
	equal(t, "in an organization", simulate(s.organized(""), api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atPlain), ActionNames: sts}),
		"sts:AssumeRole, *, implicitDeny, organizations true")
	other := newStage(t, allowAll)
	equal(t, "outside of it", simulate(other.organized(""), api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atPlain), ActionNames: sts}),
		"sts:AssumeRole, *, implicitDeny")
	limited := other.organized(allowAction("iam:*"), s.account)
	// A denial by the organization tells nothing else.
	equal(t, "limited by its organization", simulate(limited, api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atR1), ActionNames: sts}),
		"sts:AssumeRole, *, implicitDeny, organizations false, boundary true")
	equal(t, "the management account is not", simulate(s.organized(allowAction("iam:*")), api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atDevs), ActionNames: sts}),
		strings.Join([]string{"sts:AssumeRole, *, allowed", inlineOf("group", "devs"), p1At, "organizations true"}, ", "))
	// The caller that follows from the principal.
	own := statement(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/*"`)
	out := ok2(s.SimulatePrincipalPolicy(t.Context(), s.view(), s.root(), &api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn(atPlain),
		ActionNames: []string{"s3:GetObject"}, PolicyInputList: []string{own}, ResourceArns: []string{"arn:aws:s3:::home/plain/k", "arn:aws:s3:::home/bob/k"}}))(t)
	equal(t, "own", out.EvaluationResults[0].ResourceSpecificResults[0].EvalResourceDecision, "allowed")
	equal(t, "another's", out.EvaluationResults[0].ResourceSpecificResults[1].EvalResourceDecision, "implicitDeny")
}

func TestSimulationAgreesWithTheEngine(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowing("ListUsers", []string{"*"}, nil))
	for action, call := range map[string]func() error{
		"iam:ListUsers": func() error {
			_, err := s.ListUsers(t.Context(), s.view(), s.as("caller"), &api.ListUsersInput{})
			return err
		},
		"iam:ListRoles": func() error {
			_, err := s.ListRoles(t.Context(), s.view(), s.as("caller"), &api.ListRolesInput{})
			return err
		},
	} {
		out := ok2(s.SimulatePrincipalPolicy(t.Context(), s.view(), s.root(),
			&api.SimulatePrincipalPolicyInput{PolicySourceArn: s.arn("user/caller"), ActionNames: []string{action}}))(t)
		equal(t, action, out.EvaluationResults[0].EvalDecision == "allowed", call() == nil)
	}
}

func TestSimulationPages(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	actions := []string{"s3:GetObject", "s3:PutObject", "s3:GetObject"} // a repeated one is answered twice
	in := api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, ActionNames: actions, MaxItems: new(int32(2))}
	first := ok2(s.SimulateCustomPolicy(t.Context(), s.view(), s.root(), &in))(t)
	equal(t, "truncated", *first.IsTruncated, true)
	in.Marker = first.Marker
	second := ok2(s.SimulateCustomPolicy(t.Context(), s.view(), s.root(), &in))(t)
	var got []string
	for _, r := range slices.Concat(first.EvaluationResults, second.EvaluationResults) {
		got = append(got, r.EvalActionName)
	}
	equal(t, "actions", strings.Join(got, " "), strings.Join(actions, " "))
	_, err := s.SimulateCustomPolicy(t.Context(), s.view(), s.as("caller"), &api.SimulateCustomPolicyInput{
		PolicyInputList: []string{allowAll}, ActionNames: actions[:1], Marker: first.Marker})
	refused(t, err, identity.ValidationError, "Invalid Marker.")
}

func TestSimulationRefusals(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	good := api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::b/k"}}
	s.simulated(good)
	entry := func(name, kind string, values ...string) []api.ContextEntry {
		return []api.ContextEntry{{ContextKeyName: &name, ContextKeyType: &kind, ContextKeyValues: values}}
	}
	for _, kinds := range [][2]string{{"numeric", "1.5"}, {"numericList", "1"}, {"ip", "192.0.2.1"}, {"date", "2026-01-02T03:04:05Z"}, {"date", "1767322445"},
		{"date", "2026-01-02"}, {"binary", "aGk="}, {"string", ""}, {"booleanList", "x"}} {
		in := good
		in.ContextEntries = entry("aws:some", kinds[0], kinds[1])
		s.simulated(in)
	}
	large := strings.Repeat(" ", 100_000) + allowAll
	for name, test := range map[string]struct {
		alter   func(in *api.SimulateCustomPolicyInput)
		message string
	}{
		"policy": {func(in *api.SimulateCustomPolicyInput) { in.PolicyInputList = []string{allowAll, "{}"} }, "Policy input list item 2 has invalid content"},
		"boundary": {func(in *api.SimulateCustomPolicyInput) { in.PermissionsBoundaryPolicyInputList = []string{"{"} },
			"Permissions boundary policy input list item 1 has invalid content"},
		"two boundaries": {func(in *api.SimulateCustomPolicyInput) {
			in.PermissionsBoundaryPolicyInputList = []string{allowAll, allowAll}
		},
			"The list of Permissions Boundary policies cannot exceed 1 items."},
		"action":     {func(in *api.SimulateCustomPolicyInput) { in.ActionNames = []string{"GetObject"} }, "The action is invalid since it is missing names"},
		"no actions": {func(in *api.SimulateCustomPolicyInput) { in.ActionNames = nil }, "ActionNames cannot be null or empty."},
		"resource":   {func(in *api.SimulateCustomPolicyInput) { in.ResourceArns = []string{"key"} }, "ResourceNames are not in a valid ARN format: key."},
		"star among": {func(in *api.SimulateCustomPolicyInput) { in.ResourceArns = []string{"arn:aws:s3:::b", "*"} },
			"ResourceNames are not in a valid ARN format: *."},
		"owner": {func(in *api.SimulateCustomPolicyInput) { in.ResourceOwner = new("123456789012") }, "'123456789012' is not a valid as a Resource Owner."},
		"caller": {func(in *api.SimulateCustomPolicyInput) {
			in.CallerArn = new("arn:aws:sts::111122223333:assumed-role/r/s")
		},
			"Invalid caller - Caller must be an IAM user, role or group in this context."},
		"resource policy without caller": {func(in *api.SimulateCustomPolicyInput) { in.ResourcePolicy = new(anyone) },
			"Invalid caller - Caller cannot be null or empty."},
		"resource policy without resource": {func(in *api.SimulateCustomPolicyInput) {
			in.ResourcePolicy, in.CallerArn, in.ResourceArns = new(anyone), new(s.arn(atBob)), nil
		}, "Invalid Entity Arn: * does not clearly define entity type and name."},
		"resource policy": {func(in *api.SimulateCustomPolicyInput) {
			in.ResourcePolicy, in.CallerArn = new("{}"), new(s.arn(atBob))
		},
			"The resource policy has invalid content"},
		"handling": {func(in *api.SimulateCustomPolicyInput) { in.ResourceHandlingOption = new("EC2-VPC-EBS") },
			"Invalid input resource handling options. Action does not support resource handling options: s3:GetObject."},
		"key without name": {func(in *api.SimulateCustomPolicyInput) { in.ContextEntries = entry("", "string", "x") },
			"ContextKeyName cannot be null or empty."},
		"key twice": {func(in *api.SimulateCustomPolicyInput) {
			in.ContextEntries = slices.Concat(entry("aws:some", "string", "x"), entry("AWS:Some", "string", "x"))
		}, "Duplicate context key: AWS:Some."},
		"key without type": {func(in *api.SimulateCustomPolicyInput) { in.ContextEntries = entry("aws:some", "", "x") },
			"Context key aws:some has invalid type null."},
		"key without value": {func(in *api.SimulateCustomPolicyInput) { in.ContextEntries = entry("aws:some", "stringList") },
			"Context values for context key aws:some cannot be null or empty."},
		"several values": {func(in *api.SimulateCustomPolicyInput) { in.ContextEntries = entry("aws:some", "string", "x", "y") },
			"Context key aws:some expected a single value, but received 2."},
		"number":  {func(in *api.SimulateCustomPolicyInput) { in.ContextEntries = entry("aws:some", "numeric", "x") }, "Invalid context value for key aws:some: expected numeric format."},
		"address": {func(in *api.SimulateCustomPolicyInput) { in.ContextEntries = entry("aws:some", "ipList", "x") }, "Invalid context value for key aws:some: expected IP address."},
		"date":    {func(in *api.SimulateCustomPolicyInput) { in.ContextEntries = entry("aws:some", "date", "x") }, "Invalid context value for key aws:some: expected DateTime format."},
		"binary":  {func(in *api.SimulateCustomPolicyInput) { in.ContextEntries = entry("aws:some", "binary", "!") }, "Invalid context value for key aws:some: expected base-64 encoded binary format."},
		"too large": {func(in *api.SimulateCustomPolicyInput) {
			in.PolicyInputList, in.ActionNames, in.ResourceArns = []string{large}, slices.Repeat(in.ActionNames, 100), slices.Repeat(in.ResourceArns, 100)
		}, "The simulation is too large: ask for fewer actions, resources or policies at a time."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := good
			test.alter(&in)
			_, err := s.SimulateCustomPolicy(t.Context(), s.view(), s.root(), &in)
			refused(t, err, identity.InvalidInput, test.message)
		})
	}
}

func TestSimulationOfADamagedPolicy(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	plain := s.mustUser("plain").Clone()
	plain.Inline = inline("bad", "{")
	s.put(plain)
	_, err := s.SimulatePrincipalPolicy(t.Context(), s.view(), s.root(), &api.SimulatePrincipalPolicyInput{
		PolicySourceArn: s.arn(atPlain), ActionNames: []string{"s3:GetObject"}})
	refused(t, err, identity.PolicyEvaluation, "The policy user_plain_bad could not be evaluated.")
}

// TestSimulationKeepsToItsAccount: nobody learns of another account's principals.
func TestSimulationKeepsToItsAccount(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	foreign := "Invalid Policy Source Arn: caller's account " + string(s.account) + " does not have access to policies in account " + string(other.account)
	_, err := s.SimulatePrincipalPolicy(t.Context(), s.view(), s.root(), &api.SimulatePrincipalPolicyInput{
		PolicySourceArn: other.arn(atBob), ActionNames: []string{"s3:GetObject"}})
	refused(t, err, identity.InvalidInput, foreign)
	_, err = s.GetContextKeysForPrincipalPolicy(t.Context(), s.view(), s.root(), &api.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: other.arn(atBob)})
	refused(t, err, identity.InvalidInput, foreign)
	_, err = s.SimulatePrincipalPolicy(t.Context(), s.view(), s.root(), &api.SimulatePrincipalPolicyInput{
		PolicySourceArn: s.arn("role/ghost"), ActionNames: []string{"s3:GetObject"}})
	refused(t, err, identity.NoSuchEntity, "The role with name ghost cannot be found.")
	session := arn.AssumedRole(arn.AWS, s.account, "r1", "s")
	_, err = s.SimulatePrincipalPolicy(t.Context(), s.view(), s.root(), &api.SimulatePrincipalPolicyInput{PolicySourceArn: session, ActionNames: []string{"s3:GetObject"}})
	refused(t, err, identity.InvalidInput, "Invalid Entity Arn: "+session+" does not clearly define entity type and name.")
}

func TestContextKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	conditional := func(key string) string {
		return statement(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"StringEquals":{"` + key + `":"x"}}`)
	}
	out := ok2(s.GetContextKeysForCustomPolicy(t.Context(), s.view(), s.as("caller"),
		&api.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{conditional("S3:Prefix"), conditional("aws:SourceVpc"), anyone}}))(t)
	equal(t, "custom", strings.Join(out.ContextKeyNames, " "), "aws:username S3:Prefix aws:username aws:SourceVpc")
	none := ok2(s.GetContextKeysForCustomPolicy(t.Context(), s.view(), s.as("caller"), &api.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{allowAll}}))(t)
	if none.ContextKeyNames == nil {
		t.Error("no list where there are no keys")
	}
	_, err := s.GetContextKeysForCustomPolicy(t.Context(), s.view(), s.as("caller"), &api.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{"no policy"}})
	refused(t, err, identity.InvalidInput, "Policy input list item 1 has invalid content")

	edge, _ := s.view().PolicyByARN(s.arn("policy/edge"))
	edge = edge.Clone()
	edge.Versions[0].Document = directory.NewDocument(conditional("aws:SourceIp"))
	devs, _ := s.view().Group(s.account, "devs")
	devs = devs.Clone()
	devs.Inline = inline("in", conditional("aws:SourceVpc"))
	s.put(edge, devs)
	principal := ok2(s.GetContextKeysForPrincipalPolicy(t.Context(), s.view(), s.as("caller"),
		&api.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: s.arn(atBob), PolicyInputList: []string{conditional("aws:UserAgent")}}))(t)
	equal(t, "principal", strings.Join(principal.ContextKeyNames, " "),
		"aws:username aws:UserAgent aws:username aws:SourceVpc aws:username aws:SourceIp")
}

// TestSimulationIsAffordable: what a page may take of the processor and of memory is bounded before it begins.
func TestSimulationIsAffordable(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	many := func(n int, name string) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint(name, i)
		}
		return out
	}
	large := statement(`"Effect":"Allow","Action":"s3:*","Resource":["` + strings.Join(many(5_000, "arn:aws:s3:::bucket/"), `","`) + `"]`)
	long := "arn:aws:s3:::" + strings.Repeat("b", 2000)
	value := []api.ContextEntry{{ContextKeyName: new("aws:UserAgent"), ContextKeyType: new("string"), ContextKeyValues: []string{strings.Repeat("v", 200_000)}}}
	const tooMany = "The simulation is too large: a page must have at most 10000 results, actions by resources."
	const tooMuch = "The simulation is too large: ask for fewer actions, resources or policies at a time."
	for name, tt := range map[string]struct {
		in      api.SimulateCustomPolicyInput
		refusal string
	}{
		"ten thousand results": {api.SimulateCustomPolicyInput{ActionNames: many(100, "s3:A"), ResourceArns: many(100, "arn:aws:s3:::b/")}, ""},
		"a hundred more":       {api.SimulateCustomPolicyInput{ActionNames: many(100, "s3:A"), ResourceArns: many(101, "arn:aws:s3:::b/")}, tooMany},
		"a page of many": {api.SimulateCustomPolicyInput{ActionNames: many(200, "s3:A"), ResourceArns: many(101, "arn:aws:s3:::b/"),
			MaxItems: new(int32(50))}, ""},
		"large policies": {api.SimulateCustomPolicyInput{ActionNames: many(1, "s3:A"), ResourceArns: []string{long},
			PolicyInputList: []string{large, large}}, ""},
		"large policies on long resources": {api.SimulateCustomPolicyInput{ActionNames: many(10, "s3:A"), ResourceArns: []string{long},
			PolicyInputList: []string{large, large}}, tooMuch},
		"large policies on a long value": {api.SimulateCustomPolicyInput{ActionNames: many(1, "s3:A"), ContextEntries: value,
			PolicyInputList: []string{large, large}}, tooMuch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.SimulateCustomPolicy(t.Context(), s.view(), s.root(), &tt.in)
			if tt.refusal == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			refused(t, err, identity.InvalidInput, tt.refusal)
		})
	}
}

// TestSimulationEndsWithItsRequest: nobody is left who could read it.
func TestSimulationEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	in := &api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAction("*")}, ActionNames: []string{"s3:GetObject"}}
	if _, err := s.SimulateCustomPolicy(t.Context(), s.view(), s.root(), in); err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := s.SimulateCustomPolicy(gone, s.view(), s.root(), in); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}
