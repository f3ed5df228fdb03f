package iam

import (
	"slices"
	"strconv"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// delegationAsk is the part of an ask that concerns delegation requests.
type delegationAsk struct {
	// request is the one that is asked about, if the caller's account may know of it.
	request *directory.DelegationRequest
	// owner is whose requests are to be listed.
	owner string
	// template, channel and seconds are those of a request that is to be made.
	template, channel string
	seconds           int32
}

// values are the condition keys of the SAR for delegation requests.
func (d *delegationAsk) values(k keys) []authz.Key {
	one := func(name, value string) authz.Key { return authz.Key{Name: name, Value: policy.One(value)} }
	owner := d.owner
	if d.request != nil {
		owner = d.request.OwnerARN
	}
	switch {
	case k&delegationTerms != 0:
		return []authz.Key{
			one("iam:templatearn", d.template),
			one("iam:notificationchannel", d.channel),
			one("iam:delegationduration", strconv.Itoa(int(d.seconds))),
		}
	case k&requestOwner != 0 && owner != "":
		return []authz.Key{one("iam:delegationrequestowner", owner)}
	}
	return nil
}

// What a caller may do without a policy that says so (UG, managing permissions for delegation requests): take up a request
// that is its account's or nobody's, and all but accept the one that it took up.
var (
	grantedToTakers = []string{"AssociateDelegationRequest", "GetDelegationRequest", "GetHumanReadableSummary"}
	grantedToOwners = []string{"GetDelegationRequest", "GetHumanReadableSummary", "ListDelegationRequests", "RejectDelegationRequest",
		"SendDelegationToken", "UpdateDelegationRequest"}
)

// granted reports whether the request itself gives the caller the permission, as if by an identity-based policy: what denies
// explicitly, and what limits the caller, does so all the same.
func (d *delegationAsk) granted(operation string, c *identity.Caller) bool {
	if r := d.request; r != nil {
		return r.OwnerARN == "" && slices.Contains(grantedToTakers, operation) ||
			owns(c, r) && slices.Contains(grantedToOwners, operation)
	}
	return d.owner != "" && d.owner == c.ARN && operation == "ListDelegationRequests"
}

// owns compares the unique id too: one who was created anew under the name owns nothing.
func owns(c *identity.Caller, r *directory.DelegationRequest) bool {
	return r.OwnerARN != "" && r.OwnerARN == c.ARN && r.OwnerID == c.PrincipalID
}

// delegationRequest is the resource in the account of the request's owner, or in the caller's as long as there is none.
func delegationRequest(v *directory.View, c *identity.Caller, a ask) target {
	return target{arn: arn.DelegationRequest(v.Partition(), c.Account, a.name)}
}

// delegation finds a delegation request that is the caller's account's, or nobody's yet. Of any other nobody learns anything:
// not even who made it, whom the state is told of on the notification channel.
func (s *Service) delegation(v *directory.View, req *identity.Request, operation, id string) (*directory.DelegationRequest, error) {
	r, ok := v.DelegationRequest(id)
	if ok && r.OwnerAccount != "" && r.OwnerAccount != req.Caller.Account {
		ok = false
	}
	a := ask{operation: operation, name: id}
	if ok {
		a.delegation.request = r
	}
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	if !ok {
		return nil, noDelegation(id)
	}
	return r, nil
}

func noDelegation(id string) *identity.Fault {
	return identity.NewFault(identity.NoSuchEntity, "The delegation request with id "+id+" cannot be found.")
}
