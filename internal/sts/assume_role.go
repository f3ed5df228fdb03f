package sts

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// nobody stands for a role that does not exist, so that asking for one costs and answers what a refusing role does.
var nobody = &directory.Role{Trust: directory.NewDocument(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny",` +
	`"Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`)}

// assumption is what an AssumeRole request comes to before anyone asked whether it may.
type assumption struct {
	roleARN        string
	role           *directory.Role
	tags           []identity.SessionTag // all that the session will have
	requested      []directory.Tag
	inherited      bool
	sourceIdentity string
	contexts       []provided
	keys           []authz.Key // of sts:AssumeRole itself
}

// AssumeRole begins a role session.
func (s *Service) AssumeRole(ctx context.Context, v *directory.View, req *identity.Request, in *api.AssumeRoleInput) (*api.AssumeRoleOutput, error) {
	a, err := s.assumption(v, req, in)
	if err != nil {
		return nil, err
	}
	sess := &identity.Session{
		Kind:           identity.RoleSession,
		Account:        a.role.Account,
		PrincipalID:    a.role.ID,
		Name:           in.RoleSessionName,
		SourceIdentity: a.sourceIdentity,
		Tags:           a.tags,
		Attributes:     attributes(a.contexts),
	}
	switch req.Caller.Kind {
	case identity.Root:
		return nil, accessDenied("Roles may not be assumed by root accounts.")
	case identity.FederatedUser:
		return nil, accessDenied("User: " + req.Caller.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + in.RoleArn)
	}
	if err := s.secondFactor(ctx, v, req, in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	if in.TokenCode != nil {
		// True of this request alone: neither the session nor what is chained from it inherits it (advisory 116).
		a.keys = append(a.keys, authz.Key{Name: "aws:multifactorauthpresent", Value: policy.One("true")},
			authz.Key{Name: "aws:multifactorauthage", Value: policy.One("0")})
	}
	if err := s.mayAssume(v, req, a); err != nil {
		return nil, err
	}
	seconds, err := s.roleSeconds(req, a.role, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	size, err := s.restrict(v, sess, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	token, err := s.issue(v, req, sess, seconds)
	if err != nil {
		return nil, err
	}
	out := &api.AssumeRoleOutput{
		AssumedRoleUser: &api.AssumedRoleUser{
			AssumedRoleId: a.role.ID + ":" + sess.Name,
			Arn:           arn.AssumedRole(v.Partition(), a.role.Account, a.role.Name, sess.Name),
		},
		Credentials: credentials(sess, token),
	}
	if percent := int32(size.Percent()); percent > 0 { // absent when there is neither policy nor tag
		out.PackedPolicySize = &percent
	}
	if sess.SourceIdentity != "" {
		out.SourceIdentity = &sess.SourceIdentity
	}
	return out, nil
}

// assumption checks what the parameters say by themselves and finds the role. A role that is not there becomes nobody.
func (s *Service) assumption(v *directory.View, req *identity.Request, in *api.AssumeRoleInput) (*assumption, error) {
	if !assumable(in.RoleArn) {
		return nil, validation(in.RoleArn + " is invalid")
	}
	a := &assumption{roleARN: in.RoleArn, role: nobody}
	if r, ok := v.RoleByARN(in.RoleArn); ok {
		a.role = r
	}
	requested, err := requestedTags(in.Tags, in.TransitiveTagKeys)
	if err != nil {
		return nil, err
	}
	a.requested = plainTags(requested)
	if a.tags, a.inherited, err = inheritTags(requested, req.Caller.Session); err != nil {
		return nil, err
	}
	if a.sourceIdentity, err = sourceIdentity(req.Caller.Session, in.SourceIdentity); err != nil {
		return nil, err
	}
	if a.contexts, err = s.providedContexts(v, req, a.account(), in.ProvidedContexts); err != nil {
		return nil, err
	}
	a.keys = a.requestKeys(in)
	return a, nil
}

// requestKeys are the condition keys of sts:AssumeRole (service authorization reference, AWS STS).
func (a *assumption) requestKeys(in *api.AssumeRoleInput) []authz.Key {
	keys := []authz.Key{{Name: "sts:rolesessionname", Value: policy.One(in.RoleSessionName)}}
	if in.ExternalId != nil {
		keys = append(keys, authz.Key{Name: "sts:externalid", Value: policy.One(*in.ExternalId)})
	}
	if len(in.TransitiveTagKeys) > 0 {
		keys = append(keys, authz.Key{Name: "sts:transitivetagkeys", Value: policy.Many(in.TransitiveTagKeys)})
	}
	return append(keys, a.auxiliaryKeys()...)
}

// auxiliaryKeys are what the source identity and provided contexts add to every action of the request.
func (a *assumption) auxiliaryKeys() []authz.Key {
	var keys []authz.Key
	if a.sourceIdentity != "" {
		keys = append(keys, authz.Key{Name: "sts:sourceidentity", Value: policy.One(a.sourceIdentity)})
	}
	for _, at := range attributes(a.contexts) {
		keys = append(keys, authz.Key{Name: at.Key, Value: policy.Many(at.Values)})
	}
	return keys
}

// mayAssume asks for the auxiliary actions first, because that is how AWS reports them, then for sts:AssumeRole.
func (s *Service) mayAssume(v *directory.View, req *identity.Request, a *assumption) error {
	if len(a.requested) > 0 || a.inherited {
		if err := s.ask(v, req, a, "sts:TagSession", a.requested, a.keys); err != nil {
			return err
		}
	}
	if a.sourceIdentity != "" {
		// The tags and the session name are not in the context of this action (index ids 71482730402, 70829591568).
		if err := s.ask(v, req, a, "sts:SetSourceIdentity", nil, a.auxiliaryKeys()); err != nil {
			return err
		}
	}
	if len(a.contexts) > 0 {
		if err := s.ask(v, req, a, "sts:SetContext", nil, a.auxiliaryKeys()); err != nil {
			return err
		}
	}
	return s.ask(v, req, a, "sts:AssumeRole", a.requested, a.keys)
}

func (s *Service) ask(v *directory.View, req *identity.Request, a *assumption, action string, tags []directory.Tag, keys []authz.Key) error {
	decision := s.Authorizer.Authorize(v, req, authz.Query{
		Action:          action,
		Resource:        a.roleARN,
		ResourceAccount: a.account(),
		Role:            a.role,
		RequestTags:     tags,
		ResourceTags:    a.role.Tags,
		Keys:            keys,
	})
	if !decision.Allowed() {
		return decision.PlainFault()
	}
	return nil
}

// account is the role's, or for a role that is not there what its ARN says.
func (a *assumption) account() arn.AccountID {
	if a.role != nobody {
		return a.role.Account
	}
	parsed, err := arn.Parse(a.roleARN)
	if err != nil {
		return ""
	}
	return arn.AccountID(parsed.Account)
}

// roleSeconds applies the limits in AWS's order: the model's range was checked before; the role's, then chaining's.
func (s *Service) roleSeconds(req *identity.Request, role *directory.Role, requested *int32) (int32, error) {
	if requested == nil {
		return s.capped(defaultRoleSeconds), nil
	}
	if *requested > s.capped(role.MaxSessionSeconds) {
		return 0, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if req.Caller.Temporary() && *requested > chainedMaxSeconds {
		return 0, validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	return *requested, nil
}

// sourceIdentity passes along a chain: once set it stays.
func sourceIdentity(caller *identity.Session, requested *string) (string, error) {
	inherited := ""
	if caller != nil {
		inherited = caller.SourceIdentity
	}
	switch {
	case requested == nil:
		return inherited, nil
	case inherited != "" && *requested != inherited:
		return "", validation("The source identity is already set for this assume role session")
	}
	return *requested, nil
}

// secondFactor verifies the one-time code, if the request has one.
func (s *Service) secondFactor(ctx context.Context, v *directory.View, req *identity.Request, serial, code *string) error {
	if serial == nil && code == nil {
		return nil
	}
	if serial == nil || code == nil {
		return accessDenied("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
	}
	c := &req.Caller
	return s.MFA.Verify(ctx, v, c.Account, c.PrincipalID, *serial, *code, req.Time)
}

func credentials(sess *identity.Session, token string) *api.Credentials {
	return &api.Credentials{
		AccessKeyId:     sess.AccessKeyID,
		SecretAccessKey: sess.Secret.RevealString(),
		SessionToken:    token,
		Expiration:      sess.Expires,
	}
}
