package authz

import (
	"strings"
	"sync"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// Query is what the caller wants to do.
type Query struct {
	Action   string // service:Operation
	Resource string // ARN, or "*" for an action without a resource
	// Shown is what a denial calls the resource: its ARN unless set. IAM's denials have words for some (index id 67344712365).
	Shown string
	// ResourceAccount owns the resource; empty means the caller's own account.
	ResourceAccount arn.AccountID
	// Role is set when the resource is a role that is being assumed: its trust policy must allow, too.
	Role *directory.Role
	// ResourcePolicy is the resource's own policy, if it has one and is no role.
	ResourcePolicy *policy.Policy
	// RequestTags are the tags in the request (aws:RequestTag/…, aws:TagKeys), ResourceTags the resource's.
	RequestTags  []directory.Tag
	ResourceTags []directory.Tag
	// Keys are further condition keys of this one call; they go before all others.
	Keys []Key
	// Granted is set when the caller has the permission by what the operation is about, such as a setting of the account, as if by
	// an identity-based policy of its user or role.
	Granted bool
}

// Key is a condition key with its value.
type Key struct {
	Name  string // lower case
	Value policy.Value
}

// Decision is the answer to a Query. Why it was allowed is not kept: only a denial can be explained.
type Decision struct {
	policy.Decision
	caller *identity.Caller
	query  *Query
	eval   *evaluation
}

// evaluation is everything one decision needs, in one piece of memory. That of a denial explains it; that of an allowed query
// is used again.
type evaluation struct {
	view    *directory.View
	request *identity.Request
	query   Query
	user    *directory.User // the user behind the caller, if there is one
	role    *directory.Role // the role behind the caller, if there is one
	// The places of the caller's and of the resource's account in the organization; nil for one that is in none.
	standing, resourceStanding *directory.Standing
	set                        policy.Set
	subject                    policy.Request
	// room for the usual number of policies
	identity [8]policy.Attached
	boundary [1]policy.Attached
	session  [2]policy.Attached
	resource [1]policy.Attached
}

// Authorizer decides. It is safe for concurrent use.
type Authorizer struct{ sessionPolicies policyCache }

// New returns an Authorizer.
func New() *Authorizer { return &Authorizer{} }

// Authorize decides one query of an authenticated request on one View.
func (a *Authorizer) Authorize(v *directory.View, req *identity.Request, q Query) Decision {
	e := evaluations.Get().(*evaluation)
	e.view, e.request, e.query = v, req, q
	e.subject = policy.Request{
		Principal:       e.principal(),
		Action:          q.Action,
		Resource:        q.Resource,
		ResourceAccount: string(q.ResourceAccount),
		Context:         e,
	}
	e.gather(a)
	d := policy.Evaluate(&e.set, &e.subject)
	if d.Allowed() {
		*e = evaluation{}
		evaluations.Put(e)
		return Decision{Decision: d}
	}
	return Decision{Decision: d, caller: &req.Caller, query: &e.query, eval: e}
}

// evaluations are zero.
var evaluations = sync.Pool{New: func() any { return new(evaluation) }}

// SessionPolicy compiles an inline session policy. A text that was seen lately costs a look-up.
func (a *Authorizer) SessionPolicy(text string) (*policy.Policy, error) {
	if p, ok := a.sessionPolicies.get(text); ok {
		return p, nil
	}
	p, err := policy.New(text, policy.Session)
	if err != nil {
		return nil, err
	}
	a.sessionPolicies.put(text, p)
	return p, nil
}

// principal describes the caller to the policy language, and finds the user or role behind it.
func (e *evaluation) principal() policy.Principal {
	c := &e.request.Caller
	p := policy.Principal{Account: string(c.Account), ARN: c.ARN, ID: c.PrincipalID}
	switch c.Kind {
	case identity.Root:
		p.Kind = policy.Root
	case identity.User:
		p.Kind = policy.User
		e.user = behind[*directory.User](e.view, c)
	case identity.AssumedRole:
		p.Kind = policy.Role
		if e.role = behind[*directory.Role](e.view, c); e.role != nil {
			p.RoleARN = e.role.ARN
			p.ServiceLinkedRole = strings.HasPrefix(e.role.Path, "/aws-service-role/")
		}
	case identity.FederatedUser:
		p.Kind = policy.FederatedUser
		p.ID = c.UserID
		p.FederatedByID = c.PrincipalID
		if e.user = behind[*directory.User](e.view, c); e.user != nil {
			p.FederatedBy = e.user.ARN
		}
	case identity.WebIdentityUser, identity.SAMLUser:
		p = policy.Principal{Kind: policy.Federated, Provider: c.Federation.Provider}
	}
	return p
}

func behind[E directory.Entity](v *directory.View, c *identity.Caller) (found E) {
	if entity, ok := v.ByID(c.PrincipalID); ok {
		found, _ = entity.(E)
	}
	return found
}

func (e *evaluation) gather(a *Authorizer) {
	e.set.Identity = e.identity[:0]
	switch {
	case e.user != nil:
		e.attach(e.user.Inline, e.user.Attached)
		for g := range e.view.GroupsOf(e.user) {
			e.attach(g.Inline, g.Attached)
		}
		e.grant()
		e.bound(e.user.Boundary)
	case e.role != nil:
		e.attach(e.role.Inline, e.role.Attached)
		e.grant()
		e.bound(e.role.Boundary)
	case e.subject.Principal.Kind == policy.FederatedUser:
		// Root called GetFederationToken: the session policy is cut out of everything.
		e.attach(nil, []string{e.everything()})
	}
	if s := e.request.Caller.Session; s != nil {
		e.restrict(a, s)
	}
	if r := e.query.Role; r != nil {
		e.set.Trust = true
		e.set.Resource = append(e.resource[:0], policy.Attached{Name: r.ARN, Policy: r.Trust.Policy(policy.Trust)})
	} else if p := e.query.ResourcePolicy; p != nil {
		e.set.Resource = append(e.resource[:0], policy.Attached{Name: e.query.Resource, Policy: p})
	}
	e.control()
}

// control sets the policies of the organization: the SCPs of the caller's account and the RCPs of the resource's.
func (e *evaluation) control() {
	c := &e.request.Caller
	if s, ok := e.view.Standing(c.Account); ok && c.Federation == nil { // a subject is of no account yet, whatever account trusts it
		e.standing = s
		e.set.ManagementAccount, e.set.SCPs = s.Management(), s.SCPs
	}
	if s, ok := e.view.Standing(e.resourceAccount()); ok {
		e.resourceStanding = s
		e.set.ResourceManagementAccount = s.Management()
		if underRCPs(e.query.Action) {
			e.set.RCPs = s.RCPs
		}
	}
}

func (e *evaluation) resourceAccount() arn.AccountID {
	if e.query.ResourceAccount != "" {
		return e.query.ResourceAccount
	}
	return e.request.Caller.Account
}

// underRCPs reports whether RCPs concern the service of an action: AWS lists those that they do ([RCP]), and IAM and
// Organizations are not among them. The services that accept Stint's credentials under names of their own are.
func underRCPs(action string) bool {
	service, _, _ := strings.Cut(action, ":")
	return service != "iam" && service != "organizations"
}

// everything is the policy that allows all.
func (e *evaluation) everything() string {
	return "arn:" + string(e.view.Partition()) + ":iam::aws:policy/AdministratorAccess"
}

func (e *evaluation) attach(inline []directory.InlinePolicy, attached []string) {
	for i := range inline {
		e.set.Identity = append(e.set.Identity, policy.Attached{Name: inline[i].Name, Policy: inline[i].Document.Policy(policy.Identity)})
	}
	for _, policyARN := range attached {
		e.set.Identity = append(e.set.Identity, e.managed(policyARN, policy.Identity))
	}
}

// grant attaches everything, of which this one query is the only part. What limits the caller does so all the same.
func (e *evaluation) grant() {
	if e.query.Granted {
		e.attach(nil, []string{e.everything()})
	}
}

// bound sets the permissions boundary. One that is not there any more allows nothing.
func (e *evaluation) bound(policyARN string) {
	if policyARN == "" {
		return
	}
	e.set.HasBoundary = true
	e.set.Boundary = append(e.boundary[:0], e.managed(policyARN, policy.Boundary))
}

// managed finds a managed policy. A missing one denies: nothing that was written down as a limit is forgotten silently, and
// attached policies cannot go missing because DeletePolicy refuses.
func (e *evaluation) managed(policyARN string, t policy.Type) policy.Attached {
	if p, ok := e.view.PolicyByARN(policyARN); ok {
		if d := p.Default(); d != nil {
			return policy.Attached{Name: policyARN, Policy: d.Policy(t)}
		}
	}
	return policy.Attached{Name: policyARN, Policy: policy.DenyAll()}
}

// restrict sets the session policies.
func (e *evaluation) restrict(a *Authorizer, s *identity.Session) {
	e.set.HasSession = s.Kind == identity.FederationSession || s.Kind == identity.AssumedRootSession || s.Policy != "" || len(s.PolicyARNs) > 0
	e.set.Session = e.session[:0]
	if s.Policy != "" {
		p, err := a.SessionPolicy(s.Policy)
		if err != nil {
			p = policy.DenyAll() // sealed by a build that read it otherwise
		}
		e.set.Session = append(e.set.Session, policy.Attached{Name: "session policy", Policy: p})
	}
	for _, policyARN := range s.PolicyARNs {
		if p, ok := e.view.PolicyByARN(policyARN); ok && p.Default() != nil {
			// One deleted since allows nothing, which is what an absent session policy means.
			e.set.Session = append(e.set.Session, policy.Attached{Name: policyARN, Policy: p.Default().Policy(policy.Identity)})
		}
	}
}
