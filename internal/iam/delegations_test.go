package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
)

// requestID is the id of a delegation request on the stage.
func (s *stage) requestID(name string) string { return "dr-" + name + "-" + string(s.account) }

// newRequest is a delegation request of the account to itself, which a user took up.
func (s *stage) newRequest(name string, owner *directory.User) *directory.DelegationRequest {
	r := &directory.DelegationRequest{Account: s.account, ID: s.requestID(name), OwnerAccount: s.account, WorkflowID: name, Description: "d",
		Channel: s.channel(), Template: s.arn(atFree), Policy: directory.NewDocument(allowSTS), SessionSeconds: 3600,
		State: directory.DelegationUnassigned, Created: now(s.root()), Updated: now(s.root()), Expires: arrival.Add(time.Hour)}
	if owner != nil {
		r.State, r.OwnerARN, r.OwnerID = directory.DelegationAssigned, owner.ARN, owner.ID
	}
	return r
}

func (s *stage) channel() string { return "arn:aws:sns:us-east-1:" + string(s.account) + ":topic" }

func (s *stage) mustRequest(id string) *directory.DelegationRequest {
	s.t.Helper()
	r, ok := s.view().DelegationRequest(id)
	if !ok {
		s.t.Fatalf("no delegation request %s", id)
	}
	return r
}

const atRequest = "delegation-request/dr-bobs-{account}"

// delegationCalls has a call of every operation on delegation requests.
var delegationCalls = []call{
	on("AcceptDelegationRequest", bind((*Service).AcceptDelegationRequest), func(s *stage) *api.AcceptDelegationRequestInput {
		return &api.AcceptDelegationRequestInput{DelegationRequestId: s.requestID("bobs")}
	}, atRequest),
	{"AssociateDelegationRequest", []string{"delegation-request/dr-new-{account}"}, func(s *stage, ctx context.Context, r *identity.Request) error {
		s.put(s.newRequest("new", nil))
		_, err := s.Service.AssociateDelegationRequest(ctx, s.view(), r, &api.AssociateDelegationRequestInput{DelegationRequestId: s.requestID("new")})
		return err
	}},
	on("CreateDelegationRequest", bind((*Service).CreateDelegationRequest), func(s *stage) *api.CreateDelegationRequestInput {
		return s.creation(s.arn(atFree))
	}, "delegation-request/*"),
	on("GetDelegationRequest", bind((*Service).GetDelegationRequest), func(s *stage) *api.GetDelegationRequestInput {
		return &api.GetDelegationRequestInput{DelegationRequestId: s.requestID("bobs")}
	}, atRequest),
	on("GetHumanReadableSummary", bind((*Service).GetHumanReadableSummary), func(s *stage) *api.GetHumanReadableSummaryInput {
		return &api.GetHumanReadableSummaryInput{EntityArn: s.arn("delegation-request/" + s.requestID("bobs"))}
	}, atRequest),
	on("ListDelegationRequests", bind((*Service).ListDelegationRequests), of(api.ListDelegationRequestsInput{}), "*"),
	on("RejectDelegationRequest", bind((*Service).RejectDelegationRequest), func(s *stage) *api.RejectDelegationRequestInput {
		return &api.RejectDelegationRequestInput{DelegationRequestId: s.requestID("bobs")}
	}, atRequest),
	{"SendDelegationToken", []string{atRequest}, func(s *stage, ctx context.Context, r *identity.Request) error {
		accepted := s.mustRequest(s.requestID("bobs")).Clone()
		accepted.State = directory.DelegationAccepted
		s.put(accepted)
		_, err := s.Service.SendDelegationToken(ctx, s.view(), r, &api.SendDelegationTokenInput{DelegationRequestId: accepted.ID})
		return err
	}},
	on("UpdateDelegationRequest", bind((*Service).UpdateDelegationRequest), func(s *stage) *api.UpdateDelegationRequestInput {
		return &api.UpdateDelegationRequestInput{DelegationRequestId: s.requestID("bobs")}
	}, atRequest),
}

// creation asks for what a template says.
func (s *stage) creation(template string) *api.CreateDelegationRequestInput {
	return &api.CreateDelegationRequestInput{Description: "set things up", RequestorWorkflowId: "workflow", NotificationChannel: s.channel(),
		SessionDuration: 7200, Permissions: api.DelegationPermission{PolicyTemplateArn: &template}}
}

// later is a request of the same caller that arrives so much later.
func later(r *identity.Request, d time.Duration) *identity.Request {
	after := *r
	after.Time = r.Time.Add(d)
	after.Action = r.Action
	return &after
}

func (s *stage) notification(r *identity.Request, id string) (*DelegationNotification, error) {
	asking := *r
	asking.Action = "stint:ReceiveDelegationNotification"
	return s.ReceiveDelegationNotification(s.t.Context(), s.view(), &asking, &DelegationNotificationInput{DelegationRequestID: id})
}

const delegationTemplate = `{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":"@{action:list}","Resource":["arn:aws:s3:::@{bucket}","arn:aws:s3:::@{bucket}/*"]},
{"Effect":"Allow","Action":["iam:CreateRole"],"Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::@{partner}:policy/edge"}}}]}`

// The whole way: one account asks, a user of another takes the request up and forwards it, the administrator accepts, the user
// sends the token, and the requestor has it.
func TestDelegationLife(t *testing.T) {
	t.Parallel()
	partner, s := newStage(t, allowAll), newStage(t, allowAll)
	ctx := t.Context()
	template := partner.newPolicy("/", "template", 0)
	addVersion(template, directory.NewDocument(delegationTemplate), arrival)
	partner.put(template)
	in := partner.creation(template.ARN)
	in.OwnerAccountId, in.OnlySendByOwner, in.RequestMessage, in.RedirectUrl = new(string(s.account)), new(true), new("please"), new("https://partner.example/back")
	in.Permissions.Parameters = []api.PolicyParameter{
		{Name: new("action:list"), Values: []string{"s3:GetObject", "s3:ListBucket"}, Type: new("stringList")},
		{Name: new("bucket"), Values: []string{`q"b`}},
		{Name: new("partner"), Values: []string{string(partner.account)}, Type: new("string")},
	}
	id := *ok2(partner.CreateDelegationRequest(ctx, s.view(), partner.as("caller"), in))(t).DelegationRequestId
	state := func(want string) {
		t.Helper()
		n := ok2(partner.notification(partner.as("caller"), id))(t)
		equal(t, "state", n.State, want)
		equal(t, "a token is there", n.ExchangeToken != "", want == "FINALIZED")
	}
	state("UNASSIGNED")

	plain, admin := s.as("plain"), s.as("caller") // plain has no policy: what it may do is the request's own grant
	got := ok2(s.GetDelegationRequest(ctx, s.view(), plain, &api.GetDelegationRequestInput{DelegationRequestId: id}))(t).DelegationRequest
	equal(t, "policy", *got.PermissionPolicy, `{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::q\"b","arn:aws:s3:::q\"b/*"]},
{"Effect":"Allow","Action":["iam:CreateRole"],"Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::`+string(partner.account)+`:policy/edge"}}}]}`)
	equal(t, "boundaries", strings.Join(got.RolePermissionRestrictionArns, " "), partner.arn("policy/edge"))
	equal(t, "expires", *got.ExpirationTime, now(plain).Add(24*time.Hour))
	equal(t, "requestor", *got.RequestorId, string(partner.account))
	equal(t, "message", *got.RequestMessage, "please")
	equal(t, "owner", got.OwnerId == nil, true)
	ok2(s.AssociateDelegationRequest(ctx, s.view(), plain, &api.AssociateDelegationRequestInput{DelegationRequestId: id}))(t)
	state("ASSIGNED")
	ok2(s.UpdateDelegationRequest(ctx, s.view(), plain, &api.UpdateDelegationRequestInput{DelegationRequestId: id, Notes: new("for you")}))(t)
	state("PENDING_APPROVAL")
	_, err := s.AcceptDelegationRequest(ctx, s.view(), plain, &api.AcceptDelegationRequestInput{DelegationRequestId: id})
	refused(t, err, identity.AccessDenied, "User: "+plain.Caller.ARN+" is not authorized to perform: iam:AcceptDelegationRequest on resource: "+
		s.arn("delegation-request/"+id)+" because no identity-based policy allows the iam:AcceptDelegationRequest action")
	ok2(s.AcceptDelegationRequest(ctx, s.view(), admin, &api.AcceptDelegationRequestInput{DelegationRequestId: id}))(t)
	state("ACCEPTED")
	_, err = s.SendDelegationToken(ctx, s.view(), admin, &api.SendDelegationTokenInput{DelegationRequestId: id})
	refused(t, err, identity.AccessDenied, "Only the owner of the delegation request can send its token")
	released := later(plain, time.Hour)
	ok2(s.SendDelegationToken(ctx, s.view(), released, &api.SendDelegationTokenInput{DelegationRequestId: id}))(t)

	kept := s.mustRequest(id)
	equal(t, "approver", kept.Approver.ARN+" "+kept.Approver.PrincipalID, admin.Caller.ARN+" "+admin.Caller.PrincipalID)
	equal(t, "end", kept.Ends(), now(released).Add(2*time.Hour))
	n := ok2(partner.notification(later(partner.as("caller"), time.Hour), id))(t)
	equal(t, "notification", n.Type+" "+n.State+" "+n.RequestorWorkflowID, "ExchangeToken FINALIZED workflow")
	equal(t, "end", n.ExpiresAt, kept.Ends())
	token := ok2(s.Sealer.OpenTradeIn(s.view(), n.ExchangeToken))(t)
	equal(t, "token", token, session.TradeIn{RequestID: id, Released: kept.Released})
	if told := n.Audited().(DelegationNotification); told.ExchangeToken != "" {
		t.Error("the audit log is told the token")
	}
	n = ok2(partner.notification(later(partner.as("caller"), 3*time.Hour), id))(t)
	equal(t, "notification after the end", n.Type+" "+n.ExchangeToken, "StateChange ")
	_, err = s.notification(s.root(), id)
	refused(t, err, identity.NoSuchEntity, "The delegation request with id "+id+" cannot be found.")
	partner.permit(allowSTS)
	_, err = partner.notification(partner.as("caller"), id)
	if f, isFault := identityFault(err); !isFault || f.Code != identity.AccessDenied {
		t.Errorf("without permission: %v", err)
	}
}

// Each operation takes a request from the states that AWS's life of a request has, and from no other.
func TestDelegationStates(t *testing.T) {
	t.Parallel()
	const u, a, p, c, f, r, e = directory.DelegationUnassigned, directory.DelegationAssigned, directory.DelegationPending,
		directory.DelegationAccepted, directory.DelegationFinalized, directory.DelegationRejected, directory.DelegationExpired
	operations := map[string]struct {
		do   func(s *stage, id string) error
		from []directory.DelegationState
		to   directory.DelegationState
	}{
		"Associate": {func(s *stage, id string) error {
			_, err := s.AssociateDelegationRequest(t.Context(), s.view(), s.as("caller"), &api.AssociateDelegationRequestInput{DelegationRequestId: id})
			return err
		}, []directory.DelegationState{u}, a},
		"Update": {func(s *stage, id string) error {
			_, err := s.UpdateDelegationRequest(t.Context(), s.view(), s.as("caller"), &api.UpdateDelegationRequestInput{DelegationRequestId: id})
			return err
		}, []directory.DelegationState{a, p}, p},
		"Accept": {func(s *stage, id string) error {
			_, err := s.AcceptDelegationRequest(t.Context(), s.view(), s.as("caller"), &api.AcceptDelegationRequestInput{DelegationRequestId: id})
			return err
		}, []directory.DelegationState{a, p}, c},
		"Reject": {func(s *stage, id string) error {
			in := &api.RejectDelegationRequestInput{DelegationRequestId: id, Notes: new("no")}
			_, err := s.RejectDelegationRequest(t.Context(), s.view(), s.as("caller"), in)
			return err
		}, []directory.DelegationState{a, p, c}, r},
		"Send": {func(s *stage, id string) error {
			_, err := s.SendDelegationToken(t.Context(), s.view(), s.as("caller"), &api.SendDelegationTokenInput{DelegationRequestId: id})
			return err
		}, []directory.DelegationState{c}, f},
	}
	s := newStage(t, allowAll)
	bob := s.mustUser("bob")
	for name, o := range operations {
		for _, from := range []directory.DelegationState{u, a, p, c, f, r, e} {
			request := s.newRequest(strings.ToLower(name+"-"+string(from)), bob)
			request.State = from
			if from == e {
				request.State, request.Expires = o.from[0], arrival
			}
			if from == u {
				request.OwnerARN, request.OwnerID = "", ""
			}
			s.put(request)
			err := o.do(s, request.ID)
			if slices.Contains(o.from, from) {
				if err != nil {
					t.Errorf("%s of %s: %v", name, from, err)
				}
				now := s.mustRequest(request.ID)
				equal(t, name+" of "+string(from), now.State, o.to)
				equal(t, "expires", now.Expires, now.Updated.Add(delegationPatience))
				continue
			}
			refused(t, err, identity.InvalidInput, "The delegation request is in the state "+string(from)+".")
		}
	}
	rejected := s.mustRequest(s.requestID("reject-accepted"))
	equal(t, "reason", rejected.RejectionReason, "no")
	equal(t, "approver", rejected.Approver == nil, true)
}

// Of those who take one request up at once, one gets it.
func TestOneOwnerOfADelegation(t *testing.T) {
	t.Parallel()
	partner, s, other := newStage(t, allowAll), newStage(t, allowSTS), newStage(t, allowSTS)
	request := partner.newRequest("open", nil)
	request.OwnerAccount = ""
	partner.put(request)
	takers := []*identity.Request{s.as("plain"), s.as("bob"), s.root(), other.as("plain"), other.inRole("bare")}
	errs := make([]error, len(takers))
	var wg sync.WaitGroup
	for i, r := range takers {
		wg.Go(func() {
			_, errs[i] = s.AssociateDelegationRequest(t.Context(), s.view(), r, &api.AssociateDelegationRequestInput{DelegationRequestId: request.ID})
		})
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			got := s.mustRequest(request.ID)
			equal(t, "owner", string(got.OwnerAccount)+" "+got.OwnerARN, string(takers[i].Caller.Account)+" "+takers[i].Caller.ARN)
		}
	}
	equal(t, "owners", won, 1)
}

// A request of another account is as one that is not there, and so is one that its owner's account has.
func TestDelegationsOfOthers(t *testing.T) {
	t.Parallel()
	partner, s := newStage(t, allowAll), newStage(t, allowAll)
	meant := partner.newRequest("meant", nil)
	taken := partner.newRequest("taken", partner.mustUser("bob"))
	taken.WorkflowID, meant.OwnerAccount = "other", partner.account
	partner.put(meant, taken)
	for _, id := range []string{meant.ID, taken.ID, "dr-nothing-of-this-name"} {
		_, err := s.GetDelegationRequest(t.Context(), s.view(), s.as("caller"), &api.GetDelegationRequestInput{DelegationRequestId: id})
		refused(t, err, identity.NoSuchEntity, "The delegation request with id "+id+" cannot be found.")
		_, err = s.AssociateDelegationRequest(t.Context(), s.view(), s.root(), &api.AssociateDelegationRequestInput{DelegationRequestId: id})
		refused(t, err, identity.NoSuchEntity, "The delegation request with id "+id+" cannot be found.")
		_, err = s.GetDelegationRequest(t.Context(), s.view(), s.as("plain"), &api.GetDelegationRequestInput{DelegationRequestId: id})
		if f, isFault := identityFault(err); !isFault || f.Code != identity.AccessDenied {
			t.Errorf("without permission: %v", err)
		}
	}
	ok2(partner.GetDelegationRequest(t.Context(), s.view(), partner.as("plain"), &api.GetDelegationRequestInput{DelegationRequestId: meant.ID}))(t)
}

// The owner needs no policy for its own request; an explicit deny stops it all the same, and whoever has its name after it owns
// nothing.
func TestDelegationIsGrantedToItsOwner(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowSTS)
	request := s.newRequest("own", s.mustUser("caller"))
	s.put(request, s.newRequest("open", nil))
	get := func(r *identity.Request, id string) error {
		_, err := s.GetDelegationRequest(t.Context(), s.view(), r, &api.GetDelegationRequestInput{DelegationRequestId: id})
		return err
	}
	take := func() error {
		in := &api.AssociateDelegationRequestInput{DelegationRequestId: s.requestID("open")}
		_, err := s.AssociateDelegationRequest(t.Context(), s.view(), s.as("caller"), in)
		return err
	}
	if err := get(s.as("caller"), request.ID); err != nil {
		t.Fatal(err)
	}
	s.denied(get(s.as("caller"), s.requestID("bobs")), "GetDelegationRequest", s.arn("delegation-request/"+s.requestID("bobs")))
	s.permit(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:*DelegationRequest*","Resource":"*"}}`)
	for operation, err := range map[string]error{"GetDelegationRequest": get(s.as("caller"), request.ID), "AssociateDelegationRequest": take()} {
		id := map[string]string{"GetDelegationRequest": request.ID, "AssociateDelegationRequest": s.requestID("open")}[operation]
		refused(t, err, identity.AccessDenied, "User: "+s.arn("user/caller")+" is not authorized to perform: iam:"+operation+" on resource: "+
			s.arn("delegation-request/"+id)+" with an explicit deny in an identity-based policy")
	}
	s.permit(allowSTS)
	if err := take(); err != nil {
		t.Fatal(err)
	}
	list := func(owner string) ([]api.DelegationRequest, error) {
		out, err := s.ListDelegationRequests(t.Context(), s.view(), s.as("caller"), &api.ListDelegationRequestsInput{OwnerId: &owner})
		if err != nil {
			return nil, err
		}
		return out.DelegationRequests, nil
	}
	equal(t, "own requests", len(ok2(list(s.arn("user/caller")))(t)), 2)
	_, err := list(s.mustUser("bob").ARN)
	s.denied(err, "ListDelegationRequests", "*")

	twin := s.newUser("/", "caller") // another of the name
	old := s.mustUser("caller").Clone()
	again := *old
	again.ID, again.AccessKeys = twin.ID, nil
	s.put(&again)
	s.denied(get(s.as("caller"), request.ID), "GetDelegationRequest", s.arn("delegation-request/"+request.ID))
	equal(t, "the other's requests", len(ok2(list(s.arn("user/caller")))(t)), 0)
}

// A boundary and session policies limit what a request grants to who takes it up and to its owner.
func TestWhatADelegationGrantsIsLimited(t *testing.T) {
	t.Parallel()
	const none, boundary, session = "", "permissions boundary", "session policy"
	for _, tt := range []struct {
		caller  string
		limited string
		limit   func(s *stage, r *identity.Request)
	}{
		{"user", none, func(*stage, *identity.Request) {}},
		{"user", boundary, func(s *stage, _ *identity.Request) {
			u := s.mustUser("plain").Clone()
			u.Boundary = s.arn("policy/edge")
			s.put(u)
		}},
		{"role", none, func(*stage, *identity.Request) {}},
		{"role", boundary, func(s *stage, _ *identity.Request) {
			bare, _ := s.view().Role(s.account, "bare")
			r := bare.Clone()
			r.Boundary = s.arn("policy/edge")
			s.put(r)
		}},
		{"role", session, func(_ *stage, r *identity.Request) { r.Caller.Session.Policy = allowSTS }},
		{"role", session, func(s *stage, r *identity.Request) { r.Caller.Session.PolicyARNs = []string{s.arn(atFree)} }},
		{"federated user", none, func(*stage, *identity.Request) {}},
		{"federated user", session, func(_ *stage, r *identity.Request) { r.Caller.Session.Policy = allowSTS }},
		{"federated user", session, func(_ *stage, r *identity.Request) { r.Caller.Session.Policy = "" }},
	} {
		s := newStage(t, allowSTS)
		plain := s.mustUser("plain")
		r := map[string]*identity.Request{
			"user": s.as("plain"),
			"role": s.inRole("bare"),
			"federated user": {Time: arrival, Caller: identity.Caller{Kind: identity.FederatedUser, Account: s.account,
				ARN: arn.FederatedUser(arn.AWS, s.account, "f"), UserID: string(s.account) + ":f", PrincipalID: plain.ID,
				Session: &identity.Session{Kind: identity.FederationSession, Account: s.account, PrincipalID: plain.ID, Name: "f", Policy: allowAll}}},
		}[tt.caller]
		own := s.newRequest("own", plain)
		own.OwnerARN, own.OwnerID = r.Caller.ARN, r.Caller.PrincipalID
		s.put(own, s.newRequest("open", nil))
		tt.limit(s, r)
		_, getting := s.GetDelegationRequest(t.Context(), s.view(), r, &api.GetDelegationRequestInput{DelegationRequestId: own.ID})
		_, listing := s.ListDelegationRequests(t.Context(), s.view(), r, &api.ListDelegationRequestsInput{OwnerId: &own.OwnerARN})
		_, taking := s.AssociateDelegationRequest(t.Context(), s.view(), r, &api.AssociateDelegationRequestInput{DelegationRequestId: s.requestID("open")})
		for _, did := range []struct {
			operation, resource string
			err                 error
		}{
			{"GetDelegationRequest", s.arn("delegation-request/" + own.ID), getting},
			{"ListDelegationRequests", "*", listing},
			{"AssociateDelegationRequest", s.arn("delegation-request/" + s.requestID("open")), taking},
		} {
			if tt.limited == none {
				if did.err != nil {
					t.Errorf("%s, %s: %v", tt.caller, did.operation, did.err)
				}
				continue
			}
			refused(t, did.err, identity.AccessDenied, "User: "+r.Caller.ARN+" is not authorized to perform: iam:"+did.operation+" on resource: "+did.resource+
				" because no "+tt.limited+" allows the iam:"+did.operation+" action")
		}
	}
}

// The keys of the SAR decide.
func TestDelegationConditionKeys(t *testing.T) {
	t.Parallel()
	byName := func(operation string) call {
		return delegationCalls[slices.IndexFunc(delegationCalls, func(c call) bool { return c.operation == operation })]
	}
	for _, tt := range []struct{ operation, key, right, wrong string }{
		{"AcceptDelegationRequest", "iam:DelegationRequestOwner", "user/px/bob", "user/plain"},
		{"GetDelegationRequest", "iam:DelegationRequestOwner", "user/px/bob", "user/plain"},
		{"CreateDelegationRequest", "iam:TemplateArn", atFree, atP1},
		{"CreateDelegationRequest", "iam:NotificationChannel", "topic", "other"},
		{"CreateDelegationRequest", "iam:DelegationDuration", "7200", "7201"},
	} {
		s := newStage(t, allowSTS)
		c := byName(tt.operation)
		value := func(v string) string {
			switch tt.key {
			case "iam:NotificationChannel":
				return strings.TrimSuffix(s.channel(), "topic") + v
			case "iam:DelegationDuration":
				return v
			}
			return s.arn(v)
		}
		permit := func(v string) {
			s.permit(allowing(tt.operation, s.full(c.resources), map[string]any{"StringEquals": map[string]any{tt.key: value(v)}}))
		}
		permit(tt.wrong)
		s.denied(c.do(s, t.Context(), s.as("caller")), tt.operation, s.full(c.resources)[0])
		permit(tt.right)
		if err := c.do(s, t.Context(), s.as("caller")); err != nil {
			t.Errorf("%s with %s: %v", tt.operation, tt.key, err)
		}
	}
	s := newStage(t, allowSTS)
	s.permit(allowing("ListDelegationRequests", []string{"*"}, map[string]any{"StringEquals": map[string]any{"iam:DelegationRequestOwner": s.mustUser("bob").ARN}}))
	_, err := s.ListDelegationRequests(t.Context(), s.view(), s.as("caller"), &api.ListDelegationRequestsInput{})
	s.denied(err, "ListDelegationRequests", "*")
	bobs := &api.ListDelegationRequestsInput{OwnerId: &s.mustUser("bob").ARN}
	equal(t, "bob's", len(ok2(s.ListDelegationRequests(t.Context(), s.view(), s.as("caller"), bobs))(t).DelegationRequests), 1)
}

// Who accepts gives away what it has itself: a session that is limited cannot, and root not for long.
func TestApprovers(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	accept := func(r *identity.Request, seconds int32) (*directory.Approver, error) {
		request := s.newRequest("approved", s.mustUser("bob"))
		if old, ok := s.view().DelegationRequest(request.ID); ok {
			request = old.Clone()
			request.State = directory.DelegationAssigned
		}
		request.SessionSeconds = seconds
		s.put(request)
		if _, err := s.AcceptDelegationRequest(t.Context(), s.view(), r, &api.AcceptDelegationRequestInput{DelegationRequestId: request.ID}); err != nil {
			return nil, err
		}
		return s.mustRequest(request.ID).Approver, nil
	}
	_, err := accept(s.root(), 14401)
	refused(t, err, identity.InvalidInput, "Root can accept delegation requests of 4 hours at most.")
	equal(t, "root", ok2(accept(s.root(), 14400))(t).PrincipalID, string(s.account))

	bare, _ := s.view().Role(s.account, "bare")
	able := bare.Clone()
	able.Inline = inline("p", allowAll)
	s.put(able)
	inRole := s.inRole("bare")
	inRole.Caller.Session.SourceIdentity = "alice"
	inRole.Caller.Session.Tags = []identity.SessionTag{{Key: "k", Value: "v", Transitive: true}}
	inRole.Caller.Session.Attributes = []identity.Attribute{{Key: "sts:requestcontext/a", Values: []string{"b"}}}
	got := ok2(accept(inRole, 43200))(t)
	equal(t, "session", got.SessionName+" "+got.SourceIdentity+" "+got.PrincipalID, "s alice "+bare.ID)
	equal(t, "tag", got.SessionTags[0], directory.ApproverTag{Key: "k", Value: "v", Transitive: true})
	equal(t, "attribute", got.Attributes[0].Key+got.Attributes[0].Values[0], "sts:requestcontext/ab")
	for _, limited := range []identity.Session{{Policy: allowAll}, {PolicyARNs: []string{readOnly, "arn:aws:iam::aws:policy/AdministratorAccess"}}} {
		narrow := s.inRole("bare")
		narrow.Caller.Session.Policy, narrow.Caller.Session.PolicyARNs = limited.Policy, limited.PolicyARNs
		_, err = accept(narrow, 3600)
		refused(t, err, identity.AccessDenied, "Cannot call AcceptDelegationRequest with session credentials that session policies limit")
	}
}

func TestDelegationTemplates(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	templates := 0
	create := func(text string, parameters ...api.PolicyParameter) (*directory.DelegationRequest, error) {
		templates++
		template := s.newPolicy("/", "t"+strings.Repeat("x", templates), 0)
		addVersion(template, directory.NewDocument(text), arrival)
		s.put(template)
		in := s.creation(template.ARN)
		in.RequestorWorkflowId, in.Permissions.Parameters = template.Name+"-workflow", parameters
		out, err := s.CreateDelegationRequest(t.Context(), s.view(), s.as("caller"), in)
		if err != nil {
			return nil, err
		}
		return s.mustRequest(*out.DelegationRequestId), nil
	}
	statement := func(action, resource, more string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + action + `,"Resource":` + resource + more + `}]}`
	}
	one := func(name string, values ...string) api.PolicyParameter {
		return api.PolicyParameter{Name: &name, Values: values}
	}
	many := func(name string, values ...string) api.PolicyParameter {
		return api.PolicyParameter{Name: &name, Values: values, Type: new("stringList")}
	}
	for _, tt := range []struct {
		template   string
		parameters []api.PolicyParameter
		want       string
	}{
		{statement(`"s3:GetObject"`, `"*"`, ""), nil, statement(`"s3:GetObject"`, `"*"`, "")},
		{statement(`"s3:GetObject"`, `"arn:aws:s3:::@{first}/@{second}"`, ""), []api.PolicyParameter{one("first", "a"), one("second", "b")},
			statement(`"s3:GetObject"`, `"arn:aws:s3:::a/b"`, "")},
		{statement(`["s3:GetObject", "@{actions}"]`, `"*"`, ""), []api.PolicyParameter{many("actions", "s3:PutObject", "s3:ListBucket")},
			statement(`["s3:GetObject", "s3:PutObject","s3:ListBucket"]`, `"*"`, "")},
		{statement(`"@{actions}"`, `"*"`, ""), []api.PolicyParameter{many("actions", "s3:PutObject")}, statement(`["s3:PutObject"]`, `"*"`, "")},
		// What a value says stays a value.
		{statement(`"s3:GetObject"`, `"arn:aws:s3:::@{bucket}"`, ""), []api.PolicyParameter{one("bucket", `b","Effect":"Allow`)},
			statement(`"s3:GetObject"`, `"arn:aws:s3:::b\",\"Effect\":\"Allow"`, "")},
		{statement(`["@{first}" , "@{second}"]`, `"*"`, ""), []api.PolicyParameter{many("second", "s3:PutObject"), many("first", "s3:GetObject", "s3:ListBucket")},
			statement(`["s3:GetObject","s3:ListBucket" , "s3:PutObject"]`, `"*"`, "")},
		// Nor do a value and what is around it make a place.
		{statement(`"s3:GetObject"`, `"arn:aws:s3:::@{first}{second}/@{second}"`, ""), []api.PolicyParameter{one("first", "@"), one("second", "b")},
			statement(`"s3:GetObject"`, `"arn:aws:s3:::@{second}/b"`, "")},
	} {
		got, err := create(tt.template, tt.parameters...)
		if err != nil {
			t.Errorf("%s: %v", tt.template, err)
			continue
		}
		equal(t, "policy", got.Policy.Text(), tt.want)
	}
	const unbounded = "A policy that allows iam:CreateRole must require a permissions boundary by the condition key iam:PermissionsBoundary."
	of := func(operator, boundaries string) string {
		return `,"Condition":{"` + operator + `":{"iam:PermissionsBoundary":` + boundaries + `}}`
	}
	condition := func(operator string) string { return of(operator, `"arn:aws:iam::111122223333:policy/edge"`) }
	except := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":` + actions + `,"Resource":"*"}]}`
	}
	vague := func(boundary string) string {
		return "The permissions boundary " + boundary + " must be the ARN of a policy."
	}
	for _, tt := range []struct {
		template   string
		parameters []api.PolicyParameter
		want       string
	}{
		{statement(`"@{actions}"`, `"*"`, ""), nil, "The policy template has a place that no parameter fills."},
		{statement(`"s3:GetObject"`, `"*"`, ""), []api.PolicyParameter{one("bucket", "b")}, "The policy template has no place for the parameter bucket."},
		{statement(`"s3:@{actions}"`, `"*"`, ""), []api.PolicyParameter{many("actions", "GetObject")}, "The policy template has no place for the parameter actions."},
		{statement(`"@{actions}"`, `"*"`, ""), []api.PolicyParameter{one("actions", "@{actions}")}, "A value of the parameter actions has a place itself."},
		{statement(`"@{actions}"`, `"*"`, ""), []api.PolicyParameter{one("actions", "a", "b")}, "The parameter actions must have one value, or be a stringList."},
		{statement(`"@{actions}"`, `"*"`, ""), []api.PolicyParameter{many("actions")}, "The parameter actions must have one value, or be a stringList."},
		{statement(`"@{actions}"`, `"*"`, ""), []api.PolicyParameter{one("actions", "a"), many("actions", "b")}, "The parameter actions is given twice."},
		{statement(`"@{actions}"`, `"*"`, ""), []api.PolicyParameter{one(`a}","Resource`, "a")}, "A parameter has no valid name."},
		{statement(`"@{actions}"`, `"*"`, ""), []api.PolicyParameter{one("actions", "nonsense")}, "The policy template does not make a valid policy with these parameters."},
		{statement(`"s3:*"`, `"*"`, `,"Condition":{"StringEquals":{"@{lists}":"v"}}`), []api.PolicyParameter{many("lists", `aws:a`, `aws:b`)},
			"The policy template does not make a valid policy with these parameters."},
		{statement(`"s3:*"`, `"arn:aws:s3:::@{bucket}"`, ""), []api.PolicyParameter{one("bucket", strings.Repeat("b", 2048))}, "The policy is too large for a session."},
		{statement(`"*"`, `"*"`, ""), nil, unbounded},
		{statement(`"iam:Create*"`, `"*"`, ""), nil, unbounded},
		{statement(`"iam:createrole"`, `"*"`, condition("StringNotEquals")), nil, unbounded},
		{statement(`"iam:CreateRole"`, `"*"`, condition("StringEqualsIfExists")), nil, unbounded},
		{except(`"s3:*"`), nil, unbounded},
		{except(`["iam:[c]reateRole"]`), nil, unbounded},
		{except(`"iam:\\createRole"`), nil, unbounded},
		{except(`"iam:[^a]*"`), nil, unbounded},
		{statement(`"iam:CreateRole"`, `"*"`, of("StringLike", `"*"`)), nil, vague("*")},
		{statement(`"iam:CreateRole"`, `"*"`, of("ArnLike", `["arn:aws:iam::111122223333:policy/edge","arn:aws:iam::*:policy/edge"]`)), nil,
			vague("arn:aws:iam::*:policy/edge")},
		{statement(`"iam:CreateRole"`, `"*"`, of("StringEquals", `"${aws:PrincipalTag/b}"`)), nil, vague("${aws:PrincipalTag/b}")},
		{statement(`"iam:CreateRole"`, `"*"`, of("StringEquals", `"arn:aws:iam::111122223333:policy/${aws:username}"`)), nil,
			vague("arn:aws:iam::111122223333:policy/${aws:username}")},
		{statement(`"iam:CreateRole"`, `"*"`, of("StringEquals", `"arn:aws:iam::111122223333:role/edge"`)), nil, vague("arn:aws:iam::111122223333:role/edge")},
	} {
		_, err := create(tt.template, tt.parameters...)
		refused(t, err, identity.InvalidInput, tt.want)
	}
	for _, fine := range []string{
		statement(`"iam:CreateRole"`, `"*"`, condition("ArnLike")),
		statement(`"iam:CreateRole"`, `"*"`, of("StringLike", `["arn:aws:iam::111122223333:policy/edge","arn:aws:iam::aws:policy/ReadOnlyAccess"]`)),
		statement(`"iam:[c]reateRole"`, `"*"`, ""),
		except(`"iam:Create*"`),
		statement(`"iam:Get*"`, `"*"`, ""),
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["IAM:*"],"Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::x"}]}`,
	} {
		if _, err := create(fine); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
}

// A template grows with its places alone. Values that hold places of others are refused, and a text that becomes too long is not
// written to its end.
func TestDelegationTemplatesStaySmall(t *testing.T) {
	t.Parallel()
	const levels = 20 // 2^20 times the last value, were places in values filled
	var places strings.Builder
	parameters := make([]api.PolicyParameter, levels)
	for i := range parameters {
		name := func(i int) string { return "level" + string(rune('a'+i)) }
		fmt.Fprintf(&places, "@{%s}", name(i))
		parameters[i] = api.PolicyParameter{Name: new(name(i)), Values: []string{strings.Repeat("@{"+name(i+1)+"}", 2)}}
	}
	_, err := delegationParameters(parameters)
	refused(t, err, identity.InvalidInput, "A value of the parameter levela has a place itself.")
	for i := range parameters {
		parameters[i].Values = []string{"x"}
	}
	kept := ok2(delegationParameters(parameters))(t)
	template := func(places string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + places + `"}}`
	}
	filled, _, err := renderTemplate(template(places.String()), kept)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "policy", filled.Text(), template(strings.Repeat("x", levels)))

	// Even places that got past the parameters' check are not filled.
	kept[0].Values = []string{strings.Repeat("@{levelb}", 2)}
	filled, _, err = renderTemplate(template(places.String()), kept)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "policy", filled.Text(), template("@{levelb}@{levelb}"+strings.Repeat("x", levels-1)))

	for _, tt := range []struct {
		places, length int
		want           string
	}{
		{10, 100, ""},
		{10, 1000, "The policy is too large for a session."},
		{100, 1 << 16, "The policy is too large for a session."}, // longer than any document is read
	} {
		long := []directory.DelegationParameter{{Name: "bucket", Values: []string{strings.Repeat("b", tt.length)}}}
		_, _, err := renderTemplate(template(strings.Repeat("@{bucket}", tt.places)), long)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%d places: %v", tt.places, err)
			}
			continue
		}
		refused(t, err, identity.InvalidInput, tt.want)
	}
}

func TestCreateDelegationRequestRefusals(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	create := func(alter func(in *api.CreateDelegationRequestInput)) error {
		in := s.creation(s.arn(atFree))
		alter(in)
		_, err := s.CreateDelegationRequest(t.Context(), s.view(), s.as("caller"), in)
		return err
	}
	const channel = "The notification channel must be the ARN of an SNS topic of the account that makes the request."
	for _, wrong := range []string{"mail", other.channel(), strings.Replace(s.channel(), ":sns:", ":sqs:", 1), strings.Replace(s.channel(), "us-east-1", "", 1)} {
		refused(t, create(func(in *api.CreateDelegationRequestInput) { in.NotificationChannel = wrong }), identity.InvalidInput, channel)
	}
	for _, wrong := range []string{"", s.arn("policy/absent"), other.arn(atFree), s.arn(atR1)} {
		refused(t, create(func(in *api.CreateDelegationRequestInput) { in.Permissions.PolicyTemplateArn = &wrong }), identity.InvalidInput,
			"The policy template "+wrong+" does not exist.")
	}
	if err := create(func(*api.CreateDelegationRequestInput) {}); err != nil {
		t.Fatal(err)
	}
	refused(t, create(func(*api.CreateDelegationRequestInput) {}), identity.EntityAlreadyExists, "A delegation request with the workflow id workflow already exists.")
	in := other.creation(other.arn(atFree))
	ok2(other.CreateDelegationRequest(t.Context(), s.view(), other.as("caller"), in))(t) // another account's workflow
}

func TestDelegationPermissionCheck(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	for policy, want := range map[string]string{
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/k"}}`:                                              "ALLOWED",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::b/k"}}`:                                                            "DENIED",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/k"}}`:                                                                       "UNSURE",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`:                                                               "UNSURE",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::b"}]}`:          "DENIED",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/k","Condition":{"Bool":{"aws:SecureTransport":"true"}}}}`:           "UNSURE",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/k"},{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}`: "ALLOWED",
	} {
		s.permit(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}`)
		request := s.mustRequest(s.requestID("bobs")).Clone()
		request.Policy = directory.NewDocument(policy)
		s.put(request)
		in := &api.GetDelegationRequestInput{DelegationRequestId: request.ID, DelegationPermissionCheck: new(true)}
		out := ok2(s.GetDelegationRequest(t.Context(), s.view(), s.as("caller"), in))(t)
		equal(t, policy, *out.PermissionCheckStatus+" "+*out.PermissionCheckResult, "COMPLETE "+want)
	}
	out := ok2(s.GetDelegationRequest(t.Context(), s.view(), s.as("caller"), &api.GetDelegationRequestInput{DelegationRequestId: s.requestID("bobs")}))(t)
	equal(t, "unasked", out.PermissionCheckStatus == nil && out.PermissionCheckResult == nil, true)
}

func TestHumanReadableSummary(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	request := s.mustRequest(s.requestID("bobs")).Clone()
	request.Policy = directory.NewDocument(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"},
{"Effect":"Deny","NotAction":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:a":["b","c"]},"Bool":{"aws:d":"true"}}}]}`)
	request.Boundaries = []string{"arn:aws:iam::111122223333:policy/edge"}
	s.put(request)
	summarize := func(in api.GetHumanReadableSummaryInput) (*api.GetHumanReadableSummaryOutput, error) {
		return s.GetHumanReadableSummary(t.Context(), s.view(), s.as("caller"), &in)
	}
	entity := s.arn("delegation-request/" + request.ID)
	got := ok2(summarize(api.GetHumanReadableSummaryInput{EntityArn: entity, Locale: new("en_US")}))(t)
	equal(t, "state", *got.SummaryState+" "+*got.Locale, "AVAILABLE en_US")
	equal(t, "summary", *got.SummaryContent, "Account "+string(s.account)+` asks to act for 1h0m0s with the permissions of whoever accepts, as far as the following goes.
- Allowed: s3:GetObject, s3:PutObject on arn:aws:s3:::b/*.
- Denied: everything but s3:* on *, if aws:a StringEquals b or c and aws:d Bool true.
Roles that are made must have the permissions boundary arn:aws:iam::111122223333:policy/edge, and stay when the access ends.
`)
	foreign := ok2(summarize(api.GetHumanReadableSummaryInput{EntityArn: entity, Locale: new("de-DE")}))(t)
	equal(t, "in another language", *foreign.SummaryState, "NOT_SUPPORTED")
	equal(t, "summary", foreign.SummaryContent == nil, true)
	_, err := summarize(api.GetHumanReadableSummaryInput{EntityArn: s.arn(atR1)})
	refused(t, err, identity.InvalidInput, "ARN "+s.arn(atR1)+" is not valid.")
	_, err = summarize(api.GetHumanReadableSummaryInput{EntityArn: strings.Replace(entity, string(s.account), "999999999999", 1)})
	refused(t, err, identity.NoSuchEntity, "The delegation request with id "+request.ID+" cannot be found.")
}
