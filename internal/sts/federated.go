package sts

import (
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// federatedProvider is the condition key of the provider that a session began with.
const federatedProvider = "aws:federatedprovider"

// federated is a request to begin a role session for the subject of an assertion.
type federated struct {
	action      string
	roleARN     string
	account     arn.AccountID // that the role's ARN names
	sessionName string
	policy      *string
	policyARNs  []api.PolicyDescriptorType
	seconds     *int32
	spend       func() error // nil for an assertion that may be used again
}

// begun is a session as the federated operations answer it.
type begun struct {
	user           *api.AssumedRoleUser
	credentials    *api.Credentials
	packed         *int32 // nil when there is neither policy nor tag
	sourceIdentity *string
}

// assumeFederated begins the session, if the role's trust policy allows it to the assertion's subject. From here on the subject
// is the request's caller: it stands in the audit line, of a refusal too.
func (s *Service) assumeFederated(v *directory.View, req *identity.Request, a *federation.Assertion, in federated) (*begun, error) {
	req.Caller = a.Caller()
	if _, ok := v.Account(in.account); ok {
		req.Caller.Account = in.account // in its trail the line belongs
	}
	role := nobody
	if r, ok := v.RoleByARN(in.roleARN); ok && (a.Account == "" || a.Account == r.Account) {
		role = r
	}
	if err := s.mayFederateInto(v, req, a, &in, role); err != nil {
		return nil, err
	}
	seconds, err := s.roleSeconds(req, role, in.seconds)
	if err != nil {
		return nil, err
	}
	if seconds, err = untilEnd(req, a, seconds); err != nil {
		return nil, err
	}
	sess := &identity.Session{
		Kind:           identity.RoleSession,
		Account:        role.Account,
		PrincipalID:    role.ID,
		Name:           in.sessionName,
		SourceIdentity: a.SourceIdentity,
		Tags:           a.Tags,
		Attributes:     lasting(a),
	}
	size, err := s.restrict(v, sess, in.policy, in.policyARNs)
	if err != nil {
		return nil, err
	}
	// What is refused for another reason spends nothing: who asked for too long a session may ask again.
	if in.spend != nil {
		if err := in.spend(); err != nil {
			return nil, err
		}
	}
	token, err := s.issue(v, req, sess, seconds)
	if err != nil {
		return nil, err
	}
	out := &begun{
		user: &api.AssumedRoleUser{
			AssumedRoleId: role.ID + ":" + sess.Name,
			Arn:           arn.AssumedRole(v.Partition(), role.Account, role.Name, sess.Name),
		},
		credentials: credentials(sess, token),
	}
	if percent := int32(size.Percent()); percent > 0 {
		out.packed = &percent
	}
	if sess.SourceIdentity != "" {
		out.sourceIdentity = &sess.SourceIdentity
	}
	return out, nil
}

// mayFederateInto asks the trust policy for the auxiliary actions first and then for the operation's own, as AssumeRole does. A
// refusal names the action alone: whether the role exists is nothing that a stranger is told.
func (s *Service) mayFederateInto(v *directory.View, req *identity.Request, a *federation.Assertion, in *federated, role *directory.Role) error {
	subject := assertedKeys(a)
	session := append(subject[:len(subject):len(subject)], authz.Key{Name: "sts:rolesessionname", Value: policy.One(in.sessionName)})
	if keys := transitiveKeys(a.Tags); len(keys) > 0 {
		session = append(session, authz.Key{Name: "sts:transitivetagkeys", Value: policy.Many(keys)})
	}
	tags := plainTags(a.Tags)
	ask := func(action string, tags []directory.Tag, keys []authz.Key) error {
		decision := s.Authorizer.Authorize(v, req, authz.Query{
			Action:          action,
			Resource:        in.roleARN,
			ResourceAccount: in.account,
			Role:            role,
			RequestTags:     tags,
			ResourceTags:    role.Tags,
			Keys:            keys,
		})
		if !decision.Allowed() {
			return decision.AnonymousFault()
		}
		return nil
	}
	if len(tags) > 0 {
		if err := ask("sts:TagSession", tags, session); err != nil {
			return err
		}
	}
	if a.SourceIdentity != "" {
		if err := ask("sts:SetSourceIdentity", nil, subject); err != nil {
			return err
		}
	}
	return ask(in.action, tags, session)
}

// assertedKeys are the condition keys that the assertion fills in every evaluation.
func assertedKeys(a *federation.Assertion) []authz.Key {
	keys := make([]authz.Key, 0, len(a.Keys)+4)
	keys = append(keys, authz.Key{Name: federatedProvider, Value: policy.One(a.Provider)})
	for _, k := range a.Keys {
		value := policy.Many(k.Values)
		if len(k.Values) == 1 && !k.Multivalued {
			value = policy.One(k.Values[0])
		}
		keys = append(keys, authz.Key{Name: k.Name, Value: value})
	}
	if a.SourceIdentity != "" {
		keys = append(keys, authz.Key{Name: "sts:sourceidentity", Value: policy.One(a.SourceIdentity)})
	}
	return keys
}

func transitiveKeys(tags []identity.SessionTag) []string {
	var keys []string
	for _, t := range tags {
		if t.Transitive {
			keys = append(keys, t.Key)
		}
	}
	return keys
}

// lasting are the condition keys that the session has for its whole life.
func lasting(a *federation.Assertion) []identity.Attribute {
	out := []identity.Attribute{{Key: federatedProvider, Values: []string{a.Provider}}}
	for _, k := range a.Keys {
		if k.Lasting {
			out = append(out, identity.Attribute{Key: k.Name, Values: k.Values})
		}
	}
	return out
}

// untilEnd cuts the session to the end that the provider sets.
func untilEnd(req *identity.Request, a *federation.Assertion, seconds int32) (int32, error) {
	if a.SessionEnd.IsZero() {
		return seconds, nil
	}
	left := a.SessionEnd.Sub(req.Time.Truncate(time.Second)) / time.Second
	if left <= 0 {
		return 0, identity.NewFault(identity.ExpiredTokenException, "The session that the identity provider allows is over.")
	}
	return int32(min(time.Duration(seconds), left)), nil
}
