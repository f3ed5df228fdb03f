package policy

import "strings"

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
	allowed, denied       bool
	allowSource, allowSid string
	denySource, denySid   string
	grant                 grant // the most direct of the allowing statements; only of policies that name principals
}

// findings is what every type came to. scpAllowed says that every level of SCPs
// allows.
type findings struct {
	rcp, scp, endpoint, resource, identity, boundary, session finding
	scpAllowed                                                bool
	matched                                                   bool
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
	f := e.collect()
	d := e.combine(&f)
	d.MatchedAny = f.matched
	return d
}

func (e *evaluation) collect() findings {
	var f findings
	p := &e.request.Principal
	if e.rcpsApply() {
		for level, attached := range e.set.RCPs {
			e.survey(RCP, level, attached, &f.rcp, &f)
		}
	}
	f.scpAllowed = true
	if e.scpsApply() {
		for level, attached := range e.set.SCPs {
			f.scp.allowed = false
			e.survey(SCP, level, attached, &f.scp, &f)
			f.scpAllowed = f.scpAllowed && f.scp.allowed
		}
	}
	if e.set.HasEndpoint {
		e.survey(Endpoint, 0, e.set.Endpoint, &f.endpoint, &f)
	}
	e.survey(e.resourceType(), 0, e.set.Resource, &f.resource, &f)
	if !hasIdentity(p) {
		return f
	}
	e.survey(Identity, 0, e.set.Identity, &f.identity, &f)
	if p.Kind == Root {
		f.identity.allowed = true
	}
	if e.set.HasBoundary {
		e.surveyBoundary(&f)
	}
	if e.hasSession() {
		e.survey(Session, 0, e.set.Session, &f.session, &f)
	}
	return f
}

// surveyBoundary differs from survey in that every policy must allow.
func (e *evaluation) surveyBoundary(f *findings) {
	allowed := len(e.set.Boundary) > 0
	for i := range e.set.Boundary {
		f.boundary.allowed = false
		e.survey(Boundary, 0, e.set.Boundary[i:i+1], &f.boundary, f)
		allowed = allowed && f.boundary.allowed
	}
	f.boundary.allowed = allowed
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
		e.recorder.begin(t, level, a.Name)
		if a.Policy == nil {
			to.denied, to.denySource, all.matched = true, a.Name, true
			continue
		}
		for j := range a.Policy.statements {
			st := &a.Policy.statements[j]
			how, miss := e.examine(t, st)
			e.recorder.statement(j, st, miss)
			if miss != missNone {
				continue
			}
			all.matched = true
			to.add(a.Name, st, how)
		}
	}
}

func (f *finding) add(name string, st *statement, how grant) {
	switch {
	case !st.deny:
		if !f.allowed || how > f.grant {
			f.allowSource, f.allowSid = name, st.sid
		}
		f.allowed, f.grant = true, max(f.grant, how)
	case !f.denied:
		f.denied, f.denySource, f.denySid = true, name, st.sid
	}
}

func (f *finding) explicitDeny(t Type) Decision {
	return Decision{Effect: ExplicitDeny, By: t, Source: f.denySource, Sid: f.denySid}
}

// combine applies the rules by which policy types combine [DENY] [XA].
func (e *evaluation) combine(f *findings) Decision {
	resource := e.resourceType()
	for _, denied := range [...]struct {
		by      Type
		finding *finding
	}{{RCP, &f.rcp}, {SCP, &f.scp}, {Endpoint, &f.endpoint}, {resource, &f.resource}, {Identity, &f.identity},
		{Boundary, &f.boundary}, {Session, &f.session}} {
		if denied.finding.denied {
			return denied.finding.explicitDeny(denied.by)
		}
	}
	if by, lacking := e.lacks(f); lacking {
		return Decision{By: by}
	}
	by, granting := Identity, &f.identity
	if !f.identity.allowed {
		by, granting = resource, &f.resource
	}
	return Decision{Effect: Allow, By: by, Source: granting.allowSource, Sid: granting.allowSid}
}

// lacks gives the first type of policy that had to allow and did not.
func (e *evaluation) lacks(f *findings) (Type, bool) {
	resource := e.resourceType()
	switch {
	case !f.scpAllowed:
		return SCP, true
	case e.set.HasEndpoint && !f.endpoint.allowed:
		return Endpoint, true
	case !hasIdentity(&e.request.Principal):
		return resource, !f.resource.allowed
	}
	direct := f.resource.grant
	if e.crossAccount() {
		direct = grantNone // a grant from another account bypasses nothing
	}
	switch {
	case !f.identity.allowed && direct < grantEntity:
		return Identity, true
	case e.resourceMustAllow() && !f.resource.allowed:
		return resource, true
	case e.set.HasBoundary && !f.boundary.allowed && direct < grantUser:
		return Boundary, true
	case e.hasSession() && !f.session.allowed && direct < grantCaller:
		return Session, true
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
