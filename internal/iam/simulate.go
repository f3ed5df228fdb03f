package iam

import (
	"context"
	"fmt"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// SimulateCustomPolicy answers what the given policies would allow.
func (s *Service) SimulateCustomPolicy(
	ctx context.Context, v *directory.View, req *identity.Request, in *api.SimulateCustomPolicyInput,
) (*api.SimulateCustomPolicyOutput, error) {
	if err := s.authorize(v, req, ask{operation: "SimulateCustomPolicy"}); err != nil {
		return nil, err
	}
	sim := newSimulation(req.Caller.Account)
	if err := sim.suppose(v, in); err != nil {
		return nil, err
	}
	return s.simulate(ctx, v, req, "SimulateCustomPolicy", sim, in)
}

// SimulatePrincipalPolicy answers what the policies of a user, group or role, together with the given ones, would allow it.
// Its boundary counts unless another is given, and so do the service control policies of its account.
func (s *Service) SimulatePrincipalPolicy(
	ctx context.Context, v *directory.View, req *identity.Request, in *api.SimulatePrincipalPolicyInput,
) (*api.SimulateCustomPolicyOutput, error) {
	p, err := s.principal(v, req, "SimulatePrincipalPolicy", in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	sim := newSimulation(req.Caller.Account)
	if err := sim.imitate(v, p); err != nil {
		return nil, err
	}
	given := &api.SimulateCustomPolicyInput{
		PolicyInputList:                    in.PolicyInputList,
		PermissionsBoundaryPolicyInputList: in.PermissionsBoundaryPolicyInputList,
		ActionNames:                        in.ActionNames,
		ResourceArns:                       in.ResourceArns,
		ResourcePolicy:                     in.ResourcePolicy,
		ResourceOwner:                      in.ResourceOwner,
		CallerArn:                          in.CallerArn,
		ContextEntries:                     in.ContextEntries,
		ResourceHandlingOption:             in.ResourceHandlingOption,
		MaxItems:                           in.MaxItems,
		Marker:                             in.Marker,
	}
	if given.CallerArn == nil {
		given.CallerArn = &p.arn
	}
	if err := sim.suppose(v, given); err != nil {
		return nil, err
	}
	return s.simulate(ctx, v, req, "SimulatePrincipalPolicy", sim, given)
}

// simulate answers one page: MaxItems counts actions.
func (s *Service) simulate(
	ctx context.Context, v *directory.View, req *identity.Request, operation string, sim *simulation, in *api.SimulateCustomPolicyInput,
) (*api.SimulateCustomPolicyOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, operation, fmt.Sprintf("%q %q", in.ActionNames, in.ResourceArns))
	if err != nil {
		return nil, err
	}
	if err := sim.affordable(min(p.size, len(in.ActionNames))); err != nil {
		return nil, err
	}
	positions := func(yield func(int) bool) {
		for i := range in.ActionNames {
			if ctx.Err() != nil || !yield(i) {
				return
			}
		}
	}
	key := func(i int) string { return fmt.Sprintf("%08d", i) }
	l, err := list(p, positions, key, func(i int) api.EvaluationResult { return sim.evaluate(in.ActionNames[i]) })
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("simulating: %w", err)
	}
	return &api.SimulateCustomPolicyOutput{EvaluationResults: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// simulated is a policy of a simulation, as the answer names it.
type simulated struct {
	id, kind string
	document *policy.Document
	text     string
}

// What the answers call the types of policy (index id 70444394588; the model's enumeration has other words).
const (
	identityKind = "IAM Policy"
	resourceKind = "Resource Policy"
	boundaryKind = "Permissions Boundary Policy"
)

// simulation is what one call supposes. Nothing of it comes from the caller's own request but the account.
type simulation struct {
	account   arn.AccountID
	identity  []simulated
	boundary  []simulated
	resource  *simulated
	set       policy.Set
	caller    policy.Principal
	owner     string   // account of the resources, if it is told
	resources []string // none means *
	keys      policy.Keys
	given     map[string]bool // the keys that the call gave, folded
	member    bool            // of an organization, whose policies count
	size      int             // of all policies, in bytes
	longest   int             // action, resource or context value, in bytes
}

func newSimulation(account arn.AccountID) *simulation {
	return &simulation{account: account, keys: policy.Keys{}, given: map[string]bool{}}
}

// imitate takes over the policies of a principal.
func (sim *simulation) imitate(v *directory.View, p *principal) error {
	for i := range p.sources {
		source := &p.sources[i]
		id := source.policy
		if source.inline() {
			id = source.kind + "_" + source.owner + "_" + source.policy // index id 9694584085
		}
		if err := sim.addStored(&sim.identity, &sim.set.Identity, id, identityKind, source.document, policy.Identity); err != nil {
			return err
		}
	}
	if standing, ok := v.Standing(sim.account); ok {
		sim.member = true
		sim.set.ManagementAccount, sim.set.SCPs = standing.Management(), standing.SCPs
	}
	if p.boundary == "" {
		return nil
	}
	sim.set.HasBoundary = true
	m, ok := v.PolicyByARN(p.boundary)
	if !ok || m.Default() == nil {
		return nil // it allows nothing any more
	}
	return sim.addStored(&sim.boundary, &sim.set.Boundary, m.Name, boundaryKind, m.Default(), policy.Boundary)
}

// addStored adds a policy of the directory. One that no longer parses cannot be simulated.
func (sim *simulation) addStored(
	to *[]simulated, set *[]policy.Attached, id, kind string, d *directory.Document, t policy.Type,
) error {
	if _, err := policy.Parse(d.Text(), t); err != nil {
		return identity.NewFault(identity.PolicyEvaluation, "The policy "+id+" could not be evaluated.").Because(err)
	}
	sim.add(to, set, simulated{id: id, kind: kind, text: d.Text()}, d.Policy(t))
	return nil
}

func (sim *simulation) add(to *[]simulated, set *[]policy.Attached, s simulated, compiled *policy.Policy) {
	s.document = compiled.Document()
	*to = append(*to, s)
	*set = append(*set, policy.Attached{Name: s.id, Policy: compiled})
	sim.size += len(s.text)
}

const (
	// maxWork bounds a page in what its pattern matching may take at worst, bytes of policy by bytes of what they are matched
	// with: all the policies that a user can have, on a hundred actions and a resource of two hundred characters, stay below.
	maxWork = 4 << 30
	// maxResults bounds a page in actions by resources, each of which has its part of the answer.
	maxResults = 10_000
)

func (sim *simulation) affordable(actions int) error {
	results := actions * max(len(sim.resources), 1)
	if results > maxResults {
		return invalidInput(fmt.Sprintf("The simulation is too large: a page must have at most %d results, actions by resources.", maxResults))
	}
	if sim.size*results*(sim.longest+1) > maxWork {
		return invalidInput("The simulation is too large: ask for fewer actions, resources or policies at a time.")
	}
	return nil
}
