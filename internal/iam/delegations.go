package iam

import (
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	// UG, temporary delegation: request lifecycle.
	unassignedPatience = 24 * time.Hour
	delegationPatience = 7 * 24 * time.Hour
	// maxDelegations is how many requests an account may have made that are still kept.
	maxDelegations = 1000
	// maxRootDelegation is the longest delegation that root can accept, in seconds (UG).
	maxRootDelegation = 4 * 3600
)

// CreateDelegationRequest asks an account, or whoever takes the request up, for some of its permissions for a while.
func (s *Service) CreateDelegationRequest(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateDelegationRequestInput,
) (*api.CreateDelegationRequestOutput, error) {
	parameters, err := delegationParameters(in.Permissions.Parameters)
	if err != nil {
		return nil, err
	}
	if err := checkChannel(in.NotificationChannel, req.Caller.Account); err != nil {
		return nil, err
	}
	r := &directory.DelegationRequest{
		Account:         req.Caller.Account,
		OwnerAccount:    arn.AccountID(valueOf(in.OwnerAccountId)),
		WorkflowID:      in.RequestorWorkflowId,
		Description:     in.Description,
		Message:         valueOf(in.RequestMessage),
		RedirectURL:     valueOf(in.RedirectUrl),
		Channel:         in.NotificationChannel,
		Template:        valueOf(in.Permissions.PolicyTemplateArn),
		Parameters:      parameters,
		SessionSeconds:  in.SessionDuration,
		OnlySendByOwner: in.OnlySendByOwner != nil && *in.OnlySendByOwner,
		State:           directory.DelegationUnassigned,
		Created:         now(req),
	}
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		terms := delegationAsk{template: r.Template, channel: r.Channel, seconds: r.SessionSeconds}
		if err := s.authorize(v, req, ask{operation: "CreateDelegationRequest", name: "*", delegation: terms}); err != nil {
			return nil, err
		}
		template, ok := visiblePolicy(v, r.Account, r.Template)
		if !ok {
			return nil, invalidDelegation("The policy template " + r.Template + " does not exist.")
		}
		if r.Policy, r.Boundaries, err = renderTemplate(template.Default().Text(), r.Parameters); err != nil {
			return nil, err
		}
		made := slices.Collect(v.DelegationRequestsBy(r.Account))
		if slices.ContainsFunc(made, func(other *directory.DelegationRequest) bool { return other.WorkflowID == r.WorkflowID }) {
			return nil, identity.NewFault(identity.EntityAlreadyExists, "A delegation request with the workflow id "+r.WorkflowID+" already exists.")
		}
		if len(made) >= maxDelegations {
			return nil, quotaExceeded("DelegationRequestsPerAccount", maxDelegations)
		}
		if r.ID, err = s.delegationID(v); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Freeze(v, r.Account, directory.KindDelegationRequest) // for the sake of the workflow id and the quota
		putDelegation(c, r, req, unassignedPatience)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateDelegationRequestOutput{DelegationRequestId: &r.ID}, nil
}

// checkChannel accepts an SNS topic of the requestor's account (UG, configuring notifications).
func checkChannel(channel string, account arn.AccountID) error {
	a, err := arn.Parse(channel)
	if err != nil || a.Service != "sns" || a.Region == "" || a.Account != string(account) {
		return invalidDelegation("The notification channel must be the ARN of an SNS topic of the account that makes the request.")
	}
	return nil
}

func (s *Service) delegationID(v *directory.View) (string, error) {
	b := make([]byte, 15)
	if _, err := io.ReadFull(s.Random, b); err != nil {
		return "", fmt.Errorf("making the id of a delegation request: %w", err)
	}
	id := "dr-" + strings.ToLower(base32.StdEncoding.EncodeToString(b))
	if _, taken := v.DelegationRequest(id); taken {
		return "", fmt.Errorf("making the id of a delegation request: the random source repeats itself")
	}
	return id, nil
}

// putDelegation writes a request that has come into another state, in which it stays for so long at most.
func putDelegation(c *directory.Change, r *directory.DelegationRequest, req *identity.Request, patience time.Duration) {
	r.Updated, r.Expires = now(req), now(req).Add(patience)
	c.PutFor(r, patience+directory.DelegationRetention)
}

// AssociateDelegationRequest makes the caller the owner of a request that has none.
func (s *Service) AssociateDelegationRequest(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.AssociateDelegationRequestInput,
) (*api.Empty, error) {
	return done(s.changeDelegation(ctx, req, "AssociateDelegationRequest", in.DelegationRequestId, func(r *directory.DelegationRequest) error {
		r.State = directory.DelegationAssigned
		r.OwnerAccount, r.OwnerARN, r.OwnerID = req.Caller.Account, req.Caller.ARN, req.Caller.PrincipalID
		return nil
	}, directory.DelegationUnassigned))
}

// UpdateDelegationRequest forwards a request to those who may accept it.
func (s *Service) UpdateDelegationRequest(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateDelegationRequestInput,
) (*api.Empty, error) {
	return done(s.changeDelegation(ctx, req, "UpdateDelegationRequest", in.DelegationRequestId, func(r *directory.DelegationRequest) error {
		r.State = directory.DelegationPending
		if in.Notes != nil {
			r.Notes = *in.Notes
		}
		return nil
	}, directory.DelegationAssigned, directory.DelegationPending))
}

// AcceptDelegationRequest delegates the caller's permissions, as far as the request asks for them. Nothing is given out before
// SendDelegationToken.
func (s *Service) AcceptDelegationRequest(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.AcceptDelegationRequestInput,
) (*api.Empty, error) {
	return done(s.changeDelegation(ctx, req, "AcceptDelegationRequest", in.DelegationRequestId, func(r *directory.DelegationRequest) error {
		if req.Caller.Kind == identity.Root && r.SessionSeconds > maxRootDelegation {
			return invalidDelegation("Root can accept delegation requests of 4 hours at most.")
		}
		approver, err := approverOf(&req.Caller)
		if err != nil {
			return err
		}
		r.State, r.Approver = directory.DelegationAccepted, approver
		return nil
	}, directory.DelegationAssigned, directory.DelegationPending))
}

// approverOf keeps what the delegated sessions need of a caller. One that session policies limit cannot accept: a session has
// one inline policy, and the delegated one's is the request's.
func approverOf(c *identity.Caller) (*directory.Approver, error) {
	a := &directory.Approver{ARN: c.ARN, PrincipalID: c.PrincipalID}
	if c.Session == nil {
		return a, nil
	}
	if c.Session.Policy != "" || len(c.Session.PolicyARNs) > 0 || c.Kind == identity.FederatedUser {
		return nil, identity.NewFault(identity.AccessDenied, "Cannot call AcceptDelegationRequest with session credentials that session policies limit")
	}
	a.SourceIdentity, a.MFATime = c.Session.SourceIdentity, c.Session.MFATime
	if c.Kind == identity.AssumedRole {
		a.SessionName = c.Session.Name
	}
	for _, t := range c.Session.Tags {
		a.SessionTags = append(a.SessionTags, directory.ApproverTag{Key: t.Key, Value: t.Value, Transitive: t.Transitive})
	}
	for _, attribute := range c.Session.Attributes {
		a.Attributes = append(a.Attributes, directory.ApproverAttribute{Key: attribute.Key, Values: attribute.Values})
	}
	return a, nil
}

// RejectDelegationRequest refuses a request, at the latest before its token is sent.
func (s *Service) RejectDelegationRequest(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.RejectDelegationRequestInput,
) (*api.Empty, error) {
	return done(s.changeDelegation(ctx, req, "RejectDelegationRequest", in.DelegationRequestId, func(r *directory.DelegationRequest) error {
		r.State, r.RejectionReason, r.Approver = directory.DelegationRejected, valueOf(in.Notes), nil
		return nil
	}, directory.DelegationAssigned, directory.DelegationPending, directory.DelegationAccepted))
}

// SendDelegationToken gives out the exchange token, from which moment the delegation lasts. There is no SNS here: the requestor
// fetches what would have been published (ReceiveDelegationNotification).
func (s *Service) SendDelegationToken(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.SendDelegationTokenInput,
) (*api.Empty, error) {
	return done(s.changeDelegation(ctx, req, "SendDelegationToken", in.DelegationRequestId, func(r *directory.DelegationRequest) error {
		if r.OnlySendByOwner && !owns(&req.Caller, r) {
			return identity.NewFault(identity.AccessDenied, "Only the owner of the delegation request can send its token")
		}
		r.State, r.Released = directory.DelegationFinalized, now(req)
		return nil
	}, directory.DelegationAccepted))
}

// changeDelegation alters a copy of a request that is in one of the states and commits it.
func (s *Service) changeDelegation(
	ctx context.Context, req *identity.Request, operation, id string, alter func(r *directory.DelegationRequest) error, from ...directory.DelegationState,
) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.delegation(v, req, operation, id)
		if err != nil {
			return nil, err
		}
		if state := found.StateAt(req.Time); !slices.Contains(from, state) {
			return nil, invalidDelegation("The delegation request is in the state " + string(state) + ".")
		}
		r := found.Clone()
		if err := alter(r); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		putDelegation(c, r, req, delegationPatience)
		return c, nil
	})
}
