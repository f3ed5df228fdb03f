package policy

import (
	"math/bits"
	"slices"
	"strings"
)

// Request is what is asked: may this principal do this action on this resource?
type Request struct {
	Principal Principal
	Action    string // service:Name, in any case
	Resource  string // an ARN, or "*" for an action that has no resource
	// ResourceAccount owns the resource. Empty means the principal's own account.
	ResourceAccount string
	Context         Context // nil has no keys
}

// Attached is a policy with the name under which a trace or message shows it: its ARN, or the name of an inline policy.
type Attached struct {
	Name   string
	Policy *Policy
}

// Set is every policy that bears on one request. A nil Policy in it counts as DenyAll.
type Set struct {
	// Identity are the policies of the user and its groups, or of the role. They are ignored for principals that have none.
	Identity []Attached
	// Boundary is the permissions boundary; each policy of it must allow. HasBoundary with none allows nothing.
	Boundary    []Attached
	HasBoundary bool
	// Session are the session policies; one of them must allow. HasSession with none allows nothing, as for a federated user
	// whose GetFederationToken gave no policy.
	Session    []Attached
	HasSession bool
	// Resource are the policies of the resource.
	Resource []Attached
	// Trust says that the resource is a role and Resource its trust policy: identity policies alone never suffice.
	Trust bool
	// ResourceRequired says that the resource's policy must allow in every case, as for a KMS key. Who does not know which
	// requests are of these two kinds asks ResourcePolicyRequired.
	ResourceRequired bool
	// Endpoint are the policies of the VPC endpoint that the request came through; one of them must allow.
	Endpoint    []Attached
	HasEndpoint bool
	// SCPs are those of the principal's account, one slice for each level from the organization's root down to the account. Nil
	// means that the account is in no organization.
	SCPs [][]Attached
	// RCPs are those of the resource's account, in the same way.
	RCPs [][]Attached
	// ManagementAccount says that the principal's account is the organization's management account, which SCPs do not concern;
	// ResourceManagementAccount that the resource's account is, which RCPs do not concern.
	ManagementAccount         bool
	ResourceManagementAccount bool
}

// Decision is the outcome of an evaluation; the zero value denies.
type Decision struct {
	Effect Effect `json:"effect"`
	// By is the type of policy that decided: the one with the explicit deny, the first that failed to allow, or the one that
	// granted.
	By Type `json:"by"`
	// Source is the name of the deciding policy and Sid that of its statement. Both are empty for an implicit deny and for the
	// root user's own authority.
	Source string `json:"source,omitempty"`
	Sid    string `json:"sid,omitempty"`
	// MatchedAny says whether any statement of any policy matched the request.
	MatchedAny bool `json:"matched_any"`
}

// Allowed says whether the request may proceed.
func (d Decision) Allowed() bool { return d.Effect == Allow }

// Reason is the end of AWS's sentence "User: … is not authorized to perform: …" for a denied action: "because no
// identity-based policy allows the s3:GetObject action" or "with an explicit deny in a session policy". It is empty when the
// action is allowed.
func (d Decision) Reason(action string) string {
	switch d.Effect {
	case Allow:
		return ""
	case ExplicitDeny:
		return "with an explicit deny in " + d.By.article()
	}
	return "because no " + d.By.String() + " allows the " + action + " action"
}

// noContext is the Context of a request without one.
type noContext struct{}

func (noContext) Lookup(string) (Value, bool) { return Value{}, false }

// finding is what all policies of one type came to.
type finding struct {
	allowed, denied bool
	grant           grant // the most direct of the allowing statements; only of policies that name principals
	allow, deny     source
}

// source is where a finding comes from. Of a nil Policy there is no statement.
type source struct {
	attached  *Attached
	statement *statement
}

func (s source) decision(e Effect, by Type) Decision {
	d := Decision{Effect: e, By: by}
	if s.attached != nil {
		d.Source = s.attached.Name
	}
	if s.statement != nil {
		d.Sid = s.statement.sid
	}
	return d
}

// layer is a place where policies stand in an evaluation, in the order in which an explicit deny is told.
type layer uint8

const (
	layerRCP layer = iota
	layerSCP
	layerEndpoint
	layerResource
	layerIdentity
	layerBoundary
	layerSession
	layers
)

// findings is what every layer came to. scpAllowed says that every level of SCPs allows.
type findings struct {
	of         [layers]finding
	scpAllowed bool
	matched    bool
	denied     bool // explicitly, in any layer
}

// evaluation is one run over a set.
type evaluation struct {
	set      *Set
	request  *Request
	context  Context
	recorder *recorder // nil unless a trace is asked for
}

// Evaluate decides a request: it evaluates every policy of the set and then combines what they came to.
func Evaluate(set *Set, request *Request) Decision {
	e := evaluation{set: set, request: request, context: request.Context}
	return e.run()
}

func (e *evaluation) run() Decision {
	if e.context == nil {
		e.context = noContext{}
	}
	var f findings
	e.collect(&f)
	d := e.combine(&f)
	d.MatchedAny = f.matched
	return d
}

func (e *evaluation) collect(f *findings) {
	p := &e.request.Principal
	if e.rcpsApply() {
		for level, attached := range e.set.RCPs {
			e.survey(RCP, level, attached, &f.of[layerRCP], f)
		}
	}
	f.scpAllowed = true
	if e.scpsApply() {
		for level, attached := range e.set.SCPs {
			f.of[layerSCP].allowed = false
			e.survey(SCP, level, attached, &f.of[layerSCP], f)
			f.scpAllowed = f.scpAllowed && f.of[layerSCP].allowed
		}
	}
	if e.set.HasEndpoint {
		e.survey(Endpoint, 0, e.set.Endpoint, &f.of[layerEndpoint], f)
	}
	e.survey(e.resourceType(), 0, e.set.Resource, &f.of[layerResource], f)
	if !hasIdentity(p) {
		return
	}
	e.survey(Identity, 0, e.set.Identity, &f.of[layerIdentity], f)
	if p.Kind == Root {
		f.of[layerIdentity].allowed = true
	}
	if e.set.HasBoundary {
		e.surveyBoundary(f)
	}
	if e.hasSession() {
		e.survey(Session, 0, e.set.Session, &f.of[layerSession], f)
	}
}

// surveyBoundary differs from survey in that every policy must allow.
func (e *evaluation) surveyBoundary(f *findings) {
	allowed := len(e.set.Boundary) > 0
	for i := range e.set.Boundary {
		f.of[layerBoundary].allowed = false
		e.survey(Boundary, 0, e.set.Boundary[i:i+1], &f.of[layerBoundary], f)
		allowed = allowed && f.of[layerBoundary].allowed
	}
	f.of[layerBoundary].allowed = allowed
}

// hasIdentity says whether identity-based policies, boundaries and session policies can concern the principal.
func hasIdentity(p *Principal) bool {
	switch p.Kind {
	case Root, User, Role, FederatedUser:
		return true
	}
	return false
}

// hasSession says whether a session policy limits the caller. A federated user always has one, be it empty [STS].
func (e *evaluation) hasSession() bool {
	return e.set.HasSession || e.request.Principal.Kind == FederatedUser
}

// scpsApply: SCPs concern the users and roles of member accounts, root included [RCP].
func (e *evaluation) scpsApply() bool {
	p := &e.request.Principal
	return hasIdentity(p) && !p.ServiceLinkedRole && !e.set.ManagementAccount
}

func (e *evaluation) rcpsApply() bool {
	return !e.request.Principal.ServiceLinkedRole && !e.set.ResourceManagementAccount
}

func (e *evaluation) resourceType() Type {
	if e.set.Trust {
		return Trust
	}
	return Resource
}

func (e *evaluation) crossAccount() bool {
	return e.request.ResourceAccount != "" && e.request.ResourceAccount != e.request.Principal.Account
}

// survey evaluates policies of one type and adds what they come to.
func (e *evaluation) survey(t Type, level int, attached []Attached, to *finding, all *findings) {
	for i := range attached {
		a := &attached[i]
		if e.recorder != nil {
			e.recorder.begin(t, level, a.Name)
		}
		if a.Policy == nil {
			to.denied, to.deny, all.matched, all.denied = true, source{attached: a}, true, true
			continue
		}
		e.surveyPolicy(t, a, to, all)
	}
}

// surveyPolicy looks at those statements of a policy that may match, or at all of them where each is to be explained.
func (e *evaluation) surveyPolicy(t Type, a *Attached, to *finding, all *findings) {
	p := a.Policy
	if p.index == nil || e.recorder != nil {
		for i := range p.statements {
			e.surveyStatement(t, a, i, to, all)
		}
		return
	}
	set, other := p.index.find(e.request.Action, e.request.Resource)
	for i := range set {
		for both := set[i] & other[i]; both != 0; both &= both - 1 {
			e.surveyStatement(t, a, i*wordBits+bits.TrailingZeros64(both), to, all)
		}
	}
}

func (e *evaluation) surveyStatement(t Type, a *Attached, i int, to *finding, all *findings) {
	st := &a.Policy.statements[i]
	how, miss := e.examine(t, st)
	if e.recorder != nil {
		e.recorder.statement(i, st, miss)
	}
	if miss == missNone {
		all.matched, all.denied = true, all.denied || st.deny
		to.add(source{a, st}, how)
	}
}

func (f *finding) add(from source, how grant) {
	switch {
	case !from.statement.deny:
		if !f.allowed || how > f.grant {
			f.allow = from
		}
		f.allowed, f.grant = true, max(f.grant, how)
	case !f.denied:
		f.denied, f.deny = true, from
	}
}

// combine applies the rules by which policy types combine [DENY] [XA].
func (e *evaluation) combine(f *findings) Decision {
	if f.denied {
		first := slices.IndexFunc(f.of[:], func(f finding) bool { return f.denied })
		return f.of[first].deny.decision(ExplicitDeny, e.typeOf(layer(first)))
	}
	if lacking, found := e.lacks(f); found {
		return Decision{By: e.typeOf(lacking)}
	}
	granting := layerIdentity
	if !f.of[layerIdentity].allowed {
		granting = layerResource
	}
	return f.of[granting].allow.decision(Allow, e.typeOf(granting))
}

// typeOf gives the type of the policies of a layer.
func (e *evaluation) typeOf(l layer) Type {
	if l == layerResource {
		return e.resourceType()
	}
	return [...]Type{RCP, SCP, Endpoint, Resource, Identity, Boundary, Session}[l]
}

// lacks gives the first layer that had to allow and did not.
func (e *evaluation) lacks(f *findings) (layer, bool) {
	switch {
	case !f.scpAllowed:
		return layerSCP, true
	case e.set.HasEndpoint && !f.of[layerEndpoint].allowed:
		return layerEndpoint, true
	case !hasIdentity(&e.request.Principal):
		return layerResource, !f.of[layerResource].allowed
	}
	direct := f.of[layerResource].grant
	if e.crossAccount() {
		direct = grantNone // a grant from another account bypasses nothing
	}
	switch {
	case !f.of[layerIdentity].allowed && direct < grantEntity:
		return layerIdentity, true
	case e.resourceMustAllow() && !f.of[layerResource].allowed:
		return layerResource, true
	case e.set.HasBoundary && !f.of[layerBoundary].allowed && direct < grantUser:
		return layerBoundary, true
	case e.hasSession() && !f.of[layerSession].allowed && direct < grantCaller:
		return layerSession, true
	}
	return 0, false
}

func (e *evaluation) resourceMustAllow() bool {
	return e.set.Trust || e.set.ResourceRequired || e.crossAccount()
}

// ResourcePolicyRequired says whether AWS asks for an Allow in the resource's own policy even within one account: the trust
// policy of a role that is assumed, and KMS keys [DENY]. trust tells the former.
func ResourcePolicyRequired(action, resource string) (required, trust bool) {
	if isAssume(action) && strings.Contains(resource, ":role/") {
		return true, true
	}
	return strings.HasPrefix(strings.ToLower(action), "kms:") && strings.Contains(resource, ":kms:") &&
		strings.Contains(resource, ":key/"), false
}

func isAssume(action string) bool {
	for _, name := range trustActions {
		if strings.EqualFold(action, "sts:"+name) {
			return true
		}
	}
	return false
}
