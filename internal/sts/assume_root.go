package sts

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// taskPath is where AWS's task policies are among its managed policies.
const taskPath = ":iam::aws:policy/root-task/"

// rootSeconds is both the default and the maximum.
const rootSeconds = 900

// AssumeRoot begins a session of a member account's root that may do one task. Its session policy is the task's.
func (s *Service) AssumeRoot(_ context.Context, v *directory.View, req *identity.Request, in *api.AssumeRootInput) (*api.AssumeRootOutput, error) {
	target, err := rootTarget(v, in.TargetPrincipal)
	if err != nil {
		return nil, err
	}
	task := in.TaskPolicyArn
	if task.Arn == nil {
		return nil, validation("1 validation error detected: Value null at 'taskPolicyArn.arn' failed to satisfy constraint: Member must not be null")
	}
	if !isTask(v, *task.Arn) {
		return nil, validation(*task.Arn + " is not a task policy of AssumeRoot")
	}
	if err := s.mayAssumeRoot(v, req, target, *task.Arn); err != nil {
		return nil, err
	}
	sess := &identity.Session{Kind: identity.AssumedRootSession, Account: target, PrincipalID: string(target)}
	if c := req.Caller.Session; c != nil {
		sess.SourceIdentity = c.SourceIdentity
	}
	if _, err := s.restrict(v, sess, nil, []api.PolicyDescriptorType{task}); err != nil {
		return nil, err
	}
	seconds := int32(rootSeconds)
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	token, err := s.issue(v, req, sess, s.capped(seconds))
	if err != nil {
		return nil, err
	}
	out := &api.AssumeRootOutput{Credentials: credentials(sess, token)}
	if sess.SourceIdentity != "" {
		out.SourceIdentity = &sess.SourceIdentity
	}
	return out, nil
}

// rootTarget reads TargetPrincipal: an account's number, or the ARN of its root.
func rootTarget(v *directory.View, target string) (arn.AccountID, error) {
	text := target
	if rest, ok := strings.CutPrefix(target, "arn:"+string(v.Partition())+":iam::"); ok {
		text, _ = strings.CutSuffix(rest, ":root")
	}
	id, err := arn.ParseAccountID(text)
	if err != nil || target != string(id) && target != arn.Root(v.Partition(), id) {
		return "", validation(target + " is invalid")
	}
	return id, nil
}

// isTask reports whether a policy is one of the five of the STS API reference. A folder of managed policies adds none.
func isTask(v *directory.View, policyARN string) bool {
	name, ok := strings.CutPrefix(policyARN, "arn:"+string(v.Partition())+taskPath)
	return ok && slices.Contains([]string{
		"IAMAuditRootUserCredentials", "IAMCreateRootUserPassword", "IAMDeleteRootUserCredentials", "S3UnlockBucketPolicy", "SQSUnlockQueuePolicy",
	}, name)
}

// mayAssumeRoot asks the caller's policies, and the organization in place of the member: whoever does not administer root access
// for it is refused whatever the policies say, with the same words.
func (s *Service) mayAssumeRoot(v *directory.View, req *identity.Request, target arn.AccountID, task string) error {
	c := &req.Caller
	if c.Kind == identity.Root {
		return accessDenied("Roles may not be assumed by root accounts.")
	}
	consent, err := consentOfOrganization(v, c.Account, target)
	q := authz.Query{
		Action:          "sts:AssumeRoot",
		Resource:        arn.Root(v.Partition(), target),
		ResourceAccount: target,
		ResourcePolicy:  consent,
		Keys:            []authz.Key{{Name: "sts:taskpolicyarn", Value: policy.One(task)}},
	}
	decision := s.Authorizer.Authorize(v, req, q)
	switch {
	case !decision.Allowed():
		return decision.PlainFault()
	case err != nil:
		return accessDenied("User: " + c.ARN + " is not authorized to perform: sts:AssumeRoot on resource: " + q.Resource).Because(err)
	}
	return nil
}

// Why an organization does not consent, for the operator.
var (
	errNoRootSessions = errors.New("the organization has no root sessions")
	errNotManaging    = errors.New("the caller's account does not administer root access in the organization")
	errNotMember      = errors.New("the target is no member account of the organization")
)

// consentOfOrganization is what a member's own policy would have to say to the account that administers root access: that the
// account may decide which of its principals begin root sessions.
func consentOfOrganization(v *directory.View, caller, target arn.AccountID) (*policy.Policy, error) {
	from, ok := v.Standing(caller)
	if !ok || !from.Management() && !administersRoots(from.Member) {
		return nil, errNotManaging
	}
	if !from.Organization.RootSessions {
		return nil, errNoRootSessions
	}
	to, ok := v.Standing(target)
	if !ok || to.Management() {
		return nil, errNotMember
	}
	if _, ok := v.Account(target); !ok {
		return nil, errNotMember
	}
	return policy.New(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+string(caller)+`"},`+
		`"Action":"sts:AssumeRoot","Resource":"*"}}`, policy.Resource)
}

// administersRoots reports whether a member is the delegated administrator for IAM.
func administersRoots(m *directory.Member) bool {
	return slices.ContainsFunc(m.Administers, func(g directory.Grant) bool { return g.Service == "iam.amazonaws.com" })
}
