package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/policy"
)

// GetDelegationRequest shows a request, and whether the caller could fulfil it if that is asked for.
func (s *Service) GetDelegationRequest(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetDelegationRequestInput,
) (*api.GetDelegationRequestOutput, error) {
	r, err := s.delegation(v, req, "GetDelegationRequest", in.DelegationRequestId)
	if err != nil {
		return nil, err
	}
	out := &api.GetDelegationRequestOutput{DelegationRequest: new(showDelegation(v, r, req.Time))}
	if in.DelegationPermissionCheck != nil && *in.DelegationPermissionCheck {
		out.PermissionCheckStatus, out.PermissionCheckResult = new("COMPLETE"), new(s.couldDelegate(v, req, r))
	}
	return out, nil
}

// couldDelegate asks whether the caller has what a request asks for. It is sure only of statements that name actions and
// resources without wildcards and without conditions.
func (s *Service) couldDelegate(v *directory.View, req *identity.Request, r *directory.DelegationRequest) string {
	const allowed, denied, unsure = "ALLOWED", "DENIED", "UNSURE"
	answer := allowed
	statements := r.Policy.Policy(policy.Session).Document().Statements
	for i := range statements {
		st := &statements[i]
		if st.Effect != policy.Allow {
			continue
		}
		if len(st.NotActions)+len(st.NotResources)+len(st.Conditions) > 0 || slices.ContainsFunc(st.Actions, isPattern) {
			answer = unsure
			continue
		}
		for _, action := range st.Actions {
			for _, resource := range st.Resources {
				if isPattern(resource) {
					answer = unsure
				} else if !s.Authorizer.Authorize(v, req, authz.Query{Action: action, Resource: resource}).Allowed() {
					return denied
				}
			}
		}
	}
	return answer
}

func isPattern(text string) bool { return strings.ContainsAny(text, "*?$") }

// ListDelegationRequests lists the requests that identities of the caller's account took up, of one of them if the request
// names it.
func (s *Service) ListDelegationRequests(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListDelegationRequestsInput,
) (*api.ListDelegationRequestsOutput, error) {
	owner := valueOf(in.OwnerId)
	page, err := s.page(v, req, in.Marker, in.MaxItems, "ListDelegationRequests", owner)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "ListDelegationRequests", delegation: delegationAsk{owner: owner}}); err != nil {
		return nil, err
	}
	requests := only(v.DelegationRequestsOf(req.Caller.Account), func(r *directory.DelegationRequest) bool {
		// Of those of the caller's own name only its own: another may have had the name before.
		return owner == "" || r.OwnerARN == owner && (owner != req.Caller.ARN || owns(&req.Caller, r))
	})
	l, err := list(page, requests, func(r *directory.DelegationRequest) string { return r.ID },
		func(r *directory.DelegationRequest) api.DelegationRequest { return showDelegation(v, r, req.Time) })
	if err != nil {
		return nil, err
	}
	return &api.ListDelegationRequestsOutput{DelegationRequests: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// GetHumanReadableSummary says in English what a delegation request asks for.
func (s *Service) GetHumanReadableSummary(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetHumanReadableSummaryInput,
) (*api.GetHumanReadableSummaryOutput, error) {
	a, err := arn.Parse(in.EntityArn)
	id, ok := strings.CutPrefix(a.Resource, "delegation-request/")
	if err != nil || !ok || a.Service != "iam" {
		return nil, identity.NewFault(identity.InvalidInput, "ARN "+in.EntityArn+" is not valid.")
	}
	r, err := s.delegation(v, req, "GetHumanReadableSummary", id)
	if err != nil {
		return nil, err
	}
	if a.Account != string(req.Caller.Account) {
		return nil, noDelegation(id)
	}
	locale := valueOr(in.Locale, "en")
	if language, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-"); !strings.EqualFold(language, "en") {
		return &api.GetHumanReadableSummaryOutput{Locale: &locale, SummaryState: new("NOT_SUPPORTED")}, nil
	}
	return &api.GetHumanReadableSummaryOutput{SummaryContent: new(summary(r)), Locale: &locale, SummaryState: new("AVAILABLE")}, nil
}

// maxSummary is the greatest length of a summary (IAM model, summaryContentType).
const maxSummary = 10000

func summary(r *directory.DelegationRequest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Account %s asks to act for %s with the permissions of whoever accepts, as far as the following goes.\n",
		r.Account, time.Duration(r.SessionSeconds)*time.Second)
	statements := r.Policy.Policy(policy.Session).Document().Statements
	for i := range statements {
		st := &statements[i]
		verb := "Allowed"
		if st.Effect != policy.Allow {
			verb = "Denied"
		}
		fmt.Fprintf(&b, "- %s: %s on %s", verb, either(st.Actions, st.NotActions), either(st.Resources, st.NotResources))
		for j, c := range st.Conditions {
			fmt.Fprintf(&b, "%s %s %s %s", []string{", if", " and"}[min(j, 1)], c.Key, c.Operator, strings.Join(c.Values, " or "))
		}
		b.WriteString(".\n")
	}
	for _, boundary := range r.Boundaries {
		fmt.Fprintf(&b, "Roles that are made must have the permissions boundary %s, and stay when the access ends.\n", boundary)
	}
	if b.Len() > maxSummary {
		const rest = "\n… The permission policy says the rest."
		return strings.ToValidUTF8(b.String()[:maxSummary-len(rest)], "") + rest
	}
	return b.String()
}

func either(values, except []string) string {
	if len(except) > 0 {
		return "everything but " + strings.Join(except, ", ")
	}
	return strings.Join(values, ", ")
}

func showDelegation(v *directory.View, r *directory.DelegationRequest, at time.Time) api.DelegationRequest {
	out := api.DelegationRequest{
		DelegationRequestId:           &r.ID,
		Description:                   &r.Description,
		Permissions:                   showPermissions(r),
		PermissionPolicy:              new(r.Policy.Text()), // plain JSON (API), unlike the documents of entities
		RolePermissionRestrictionArns: r.Boundaries,
		State:                         new(string(r.StateAt(at))),
		ExpirationTime:                &r.Expires,
		RequestorId:                   new(string(r.Account)),
		CreateDate:                    &r.Created,
		SessionDuration:               &r.SessionSeconds,
		OnlySendByOwner:               &r.OnlySendByOwner,
		UpdatedTime:                   &r.Updated,
	}
	given := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	out.OwnerAccountId, out.OwnerId = given(string(r.OwnerAccount)), given(r.OwnerARN)
	out.RequestMessage, out.RedirectUrl = given(r.Message), given(r.RedirectURL)
	out.Notes, out.RejectionReason = given(r.Notes), given(r.RejectionReason)
	if r.Approver != nil {
		out.ApproverId = &r.Approver.ARN
	}
	const longestName = 30 // IAM model, requestorNameType
	if a, ok := v.Account(r.Account); ok && len(a.Alias) <= longestName {
		out.RequestorName = given(a.Alias)
	}
	return out
}

func showPermissions(r *directory.DelegationRequest) *api.DelegationPermission {
	out := &api.DelegationPermission{PolicyTemplateArn: &r.Template}
	for i := range r.Parameters {
		p := &r.Parameters[i]
		kind := "string"
		if p.List {
			kind = "stringList"
		}
		out.Parameters = append(out.Parameters, api.PolicyParameter{Name: &p.Name, Values: p.Values, Type: &kind})
	}
	return out
}

// DelegationNotificationInput are the parameters of ReceiveDelegationNotification.
type DelegationNotificationInput struct {
	DelegationRequestID string `json:"delegationRequestId"`
}

// DelegationNotification is what AWS publishes on the notification channel of a delegation request (UG, notification message
// format).
type DelegationNotification struct {
	Type                string    `json:"Type"`
	RequestID           string    `json:"RequestId"`
	RequestorWorkflowID string    `json:"RequestorWorkflowId"`
	State               string    `json:"State"`
	OwnerAccountID      string    `json:"OwnerAccountId,omitempty"`
	UpdatedAt           time.Time `json:"UpdatedAt"`
	// ExchangeToken and ExpiresAt are there from the moment at which the token was sent until it is traded in or expires.
	ExchangeToken string    `json:"ExchangeToken,omitempty"`
	ExpiresAt     time.Time `json:"ExpiresAt,omitzero"`
}

// Audited is what the audit log is told of the answer: all but the token.
func (n *DelegationNotification) Audited() any {
	told := *n
	told.ExchangeToken = ""
	return told
}

// ReceiveDelegationNotification answers the requestor with where its request stands, and with the exchange token once it was
// sent: there is no SNS that could bring them.
func (s *Service) ReceiveDelegationNotification(
	_ context.Context, v *directory.View, req *identity.Request, in *DelegationNotificationInput,
) (*DelegationNotification, error) {
	query := authz.Query{
		Action:   req.Action,
		Resource: arn.DelegationRequest(v.Partition(), req.Caller.Account, in.DelegationRequestID),
	}
	if decision := s.Authorizer.Authorize(v, req, query); !decision.Allowed() {
		return nil, decision.Fault()
	}
	r, ok := v.DelegationRequest(in.DelegationRequestID)
	if !ok || r.Account != req.Caller.Account {
		return nil, noDelegation(in.DelegationRequestID)
	}
	out := &DelegationNotification{
		Type:                "StateChange",
		RequestID:           r.ID,
		RequestorWorkflowID: r.WorkflowID,
		State:               string(r.StateAt(req.Time)),
		OwnerAccountID:      string(r.OwnerAccount),
		UpdatedAt:           r.Updated,
	}
	if r.StateAt(req.Time) != directory.DelegationFinalized || !req.Time.Before(r.Ends()) || !r.Traded.IsZero() {
		return out, nil
	}
	token, err := s.Sealer.SealTradeIn(v, session.TradeIn{RequestID: r.ID, Released: r.Released})
	if err != nil {
		return nil, err
	}
	out.Type, out.ExchangeToken, out.ExpiresAt = "ExchangeToken", token, r.Ends()
	return out, nil
}
