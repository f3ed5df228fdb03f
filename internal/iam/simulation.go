package iam

import (
	"maps"
	"slices"
	"strings"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/policy"
)

// The decisions of a simulation, from the least to the most restrictive.
const (
	allowed      = "allowed"
	implicitDeny = "implicitDeny"
	explicitDeny = "explicitDeny"
)

func decisionOf(e policy.Effect) string {
	switch e {
	case policy.Allow:
		return allowed
	case policy.ExplicitDeny:
		return explicitDeny
	default:
		return implicitDeny
	}
}

// stricter gives the more restrictive of two decisions.
func stricter(a, b string) string {
	order := []string{allowed, implicitDeny, explicitDeny}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// verdict is what one action on one resource comes to.
type verdict struct {
	decision      string
	matched       []api.Statement
	missing       []string
	details       map[string]string // by type of policy; only across accounts
	boundary      *bool
	organizations *bool
}

// evaluate simulates an action on all resources. The answer is as strict as the strictest of them.
func (sim *simulation) evaluate(action string) api.EvaluationResult {
	if len(sim.resources) == 0 {
		v := sim.judge(action, "*")
		return v.result(action, "*")
	}
	all := verdict{decision: allowed, details: map[string]string{}}
	var specific []api.ResourceSpecificResult
	for _, resource := range sim.resources {
		v := sim.judge(action, resource)
		specific = append(specific, v.specific(resource))
		all.join(&v)
	}
	name := "*" // AWS has the pattern of the action's resources here
	if len(sim.resources) == 1 {
		name = sim.resources[0]
	}
	result := all.result(action, name)
	result.ResourceSpecificResults = specific
	return result
}

func (v *verdict) result(action, resource string) api.EvaluationResult {
	r := api.EvaluationResult{
		EvalActionName:                    action,
		EvalResourceName:                  &resource,
		EvalDecision:                      v.decision,
		MatchedStatements:                 append([]api.Statement{}, v.matched...),
		MissingContextValues:              append([]string{}, v.missing...),
		EvalDecisionDetails:               v.details,
		PermissionsBoundaryDecisionDetail: boundaryDetail(v.boundary),
	}
	if v.organizations != nil {
		r.OrganizationsDecisionDetail = &api.OrganizationsDecisionDetail{AllowedByOrganizations: v.organizations}
	}
	return r
}

func (v *verdict) specific(resource string) api.ResourceSpecificResult {
	return api.ResourceSpecificResult{
		EvalResourceName:                  resource,
		EvalResourceDecision:              v.decision,
		MatchedStatements:                 v.matched,
		MissingContextValues:              v.missing,
		EvalDecisionDetails:               v.details,
		PermissionsBoundaryDecisionDetail: boundaryDetail(v.boundary),
	}
}

func boundaryDetail(allows *bool) *api.PermissionsBoundaryDecisionDetail {
	if allows == nil {
		return nil
	}
	return &api.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: allows}
}

// join takes another resource's verdict in. Statements that decided otherwise than the whole are left out.
func (v *verdict) join(o *verdict) {
	if decision := stricter(v.decision, o.decision); decision != v.decision {
		v.decision, v.matched = decision, nil
	}
	for _, m := range o.matched {
		if o.decision == v.decision && !slices.ContainsFunc(v.matched, func(has api.Statement) bool { return sameStatement(has, m) }) {
			v.matched = append(v.matched, m)
		}
	}
	for _, key := range o.missing {
		if !slices.Contains(v.missing, key) {
			v.missing = append(v.missing, key)
		}
	}
	for kind, decision := range o.details {
		if has, ok := v.details[kind]; ok {
			decision = stricter(has, decision)
		}
		v.details[kind] = decision
	}
	v.boundary, v.organizations = both(v.boundary, o.boundary), both(v.organizations, o.organizations)
}

func both(a, b *bool) *bool {
	if a == nil || b == nil {
		return b
	}
	return new(*a && *b)
}

func sameStatement(a, b api.Statement) bool {
	return *a.SourcePolicyId == *b.SourcePolicyId && *a.StartPosition.Line == *b.StartPosition.Line &&
		*a.StartPosition.Column == *b.StartPosition.Column
}

// judge asks the engine that judges every request.
func (sim *simulation) judge(action, resource string) verdict {
	set, request := sim.set, policy.Request{Principal: sim.caller, Action: action, Resource: resource, Context: sim.keys}
	if sim.resource != nil {
		set.ResourceRequired, set.Trust = policy.ResourcePolicyRequired(action, resource)
		request.ResourceAccount = sim.owner
		if parts := strings.SplitN(resource, ":", 6); sim.owner == "" && len(parts) == 6 {
			request.ResourceAccount = parts[4]
		}
	}
	trace := policy.Explain(&set, &request)
	v := verdict{decision: decisionOf(trace.Decision.Effect)}
	byOrganization := trace.Decision.By == policy.SCP && !trace.Decision.Allowed()
	if sim.member || set.SCPs != nil {
		v.organizations = new(!byOrganization)
	}
	found := sim.findings(&trace)
	if set.HasBoundary {
		v.boundary = new(found.decisions[boundaryKind] == allowed)
	}
	if request.ResourceAccount != "" && request.ResourceAccount != sim.caller.Account {
		v.details = found.decisions
	}
	switch {
	case byOrganization: // tells nothing of the other policies (index id 70444394588)
	case v.decision == implicitDeny:
		v.missing = sim.missing()
	default:
		v.matched = found.matched(trace.Decision.Effect)
	}
	return v
}

// findings are the statements that matched, and what each type of policy came to.
type findings struct {
	statements []finding
	decisions  map[string]string
}

type finding struct {
	source *simulated
	index  int
	effect policy.Effect
}

func (sim *simulation) findings(trace *policy.Trace) findings {
	f := findings{decisions: map[string]string{identityKind: implicitDeny}}
	if sim.resource != nil {
		f.decisions[resourceKind] = implicitDeny
	}
	if sim.set.HasBoundary {
		f.decisions[boundaryKind] = implicitDeny
	}
	seen := map[string]int{} // policies of each type so far, which come in their order
	for _, p := range trace.Policies {
		source := sim.source(p.Type, seen)
		if source == nil {
			continue
		}
		for _, s := range p.Statements {
			if !s.Matched {
				continue
			}
			f.statements = append(f.statements, finding{source, s.Index, s.Effect})
			if f.decisions[source.kind] != explicitDeny {
				f.decisions[source.kind] = decisionOf(s.Effect)
			}
		}
	}
	return f
}

func (sim *simulation) source(t policy.Type, seen map[string]int) *simulated {
	next := func(kind string, all []simulated) *simulated {
		i := seen[kind]
		if seen[kind]++; i >= len(all) {
			return nil
		}
		return &all[i]
	}
	switch t {
	case policy.Identity:
		return next(identityKind, sim.identity)
	case policy.Boundary:
		return next(boundaryKind, sim.boundary)
	case policy.Resource, policy.Trust:
		return sim.resource
	default:
		return nil
	}
}

// matched lists the statements with the effect that was decided: identity-based ones, then the resource's, and the boundary's
// only if they deny.
func (f *findings) matched(effect policy.Effect) []api.Statement {
	var out []api.Statement
	for _, kind := range []string{identityKind, resourceKind, boundaryKind} {
		for _, s := range f.statements {
			if s.source.kind == kind && s.effect == effect && (kind != boundaryKind || effect == policy.ExplicitDeny) {
				out = append(out, s.source.show(s.index))
			}
		}
	}
	return out
}

func (s *simulated) show(index int) api.Statement {
	st := &s.document.Statements[index]
	return api.Statement{
		SourcePolicyId:   &s.id,
		SourcePolicyType: &s.kind,
		StartPosition:    position(s.text, statementStart(s.text, st.Offset)),
		EndPosition:      position(s.text, st.End),
	}
}

// statementStart is where AWS has a statement begin: right after the bracket or the statement before it (index ids 48388008773,
// 67130524543).
func statementStart(text string, offset int) int {
	before := strings.TrimRight(text[:offset], " \t\r\n")
	switch {
	case strings.HasSuffix(before, "["):
		return len(before)
	case strings.HasSuffix(before, ","):
		return len(strings.TrimRight(before[:len(before)-1], " \t\r\n"))
	default:
		return offset
	}
}

// position counts lines and characters from 1.
func position(text string, offset int) *api.Position {
	before := text[:offset]
	line := strings.Count(before, "\n")
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
	return &api.Position{Line: new(int32(line + 1)), Column: new(int32(column + 1))}
}

// missing lists the keys that the policies ask for and the call did not give, whether or not their statements bear on the
// action (aws-sdk-java-v2 issue 1751).
func (sim *simulation) missing() []string {
	missing := map[string]string{}
	add := func(all []simulated) {
		for i := range all {
			for _, key := range all[i].document.ContextKeys() {
				if folded := strings.ToLower(key); !sim.given[folded] {
					missing[folded] = key
				}
			}
		}
	}
	add(sim.identity)
	add(sim.boundary)
	if sim.resource != nil {
		add([]simulated{*sim.resource})
	}
	return slices.Sorted(maps.Values(missing))
}
