package sts

import (
	"errors"
	"fmt"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/strictjson"
	"github.com/stint-sts/stint/policy"
)

// restrict puts the session policies and tags into the session: the inline policy in its packed form, the managed ones if
// they exist. It refuses what is malformed or does not fit.
func (s *Service) restrict(v *directory.View, sess *identity.Session, inline *string, managed []api.PolicyDescriptorType) (session.Size, error) {
	if len(managed) > maxPolicyARNs {
		return session.Size{}, validation(fmt.Sprintf("1 validation error detected: Value at 'policyArns' failed to satisfy "+
			"constraint: Member must have length less than or equal to %d", maxPolicyARNs))
	}
	for i, m := range managed {
		if m.Arn == nil {
			return session.Size{}, validation(fmt.Sprintf("1 validation error detected: Value null at 'policyArns.%d.member.arn' "+
				"failed to satisfy constraint: Member must not be null", i+1))
		}
		p, ok := v.PolicyByARN(*m.Arn)
		if !ok || p.Account != sess.Account && p.Account != directory.AWSAccount {
			return session.Size{}, invalidParameter("Policy " + *m.Arn + " does not exist or is not attachable.")
		}
		sess.PolicyARNs = append(sess.PolicyARNs, *m.Arn)
	}
	if inline != nil {
		var usual [session.Allotment]byte
		sess.Policy = string(strictjson.Compact(usual[:0], []byte(*inline)))
	}
	size := session.Packed(sess.Policy, sess.PolicyARNs, sess.Tags)
	if fault := size.Fault(); fault != nil {
		return size, fault
	}
	if inline != nil {
		if _, err := s.Authorizer.SessionPolicy(sess.Policy); err != nil {
			return size, malformedPolicy(err)
		}
	}
	return size, nil
}

func malformedPolicy(err error) *identity.Fault {
	var refused *policy.Error
	if errors.As(err, &refused) {
		return identity.NewFault(identity.MalformedPolicyDocument, refused.Message).Because(err)
	}
	return identity.NewFault(identity.MalformedPolicyDocument, "Syntax errors in policy.").Because(err)
}

// assumable reports whether RoleArn has an ARN's shape, by what was recorded of AWS: six parts, with a partition, a service
// and a resource. Anything with that shape passes on to the look-up, where it is not found.
func assumable(roleARN string) bool {
	_, err := arn.Parse(roleARN)
	return err == nil
}
