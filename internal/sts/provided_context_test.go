package sts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/sts"
)

func TestProvidedContexts(t *testing.T) {
	t.Parallel()
	const provider = "arn:aws:iam::111122223333:contextProvider/desk"
	w := newWorld(t)
	u := w.User(dt.A, "alice", dt.AllowAll)
	r := w.Role(dt.A, "target", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},`+
		`"Action":["sts:AssumeRole","sts:SetContext"],"Condition":{"ForAnyValue:StringEquals":{"sts:RequestContext/Ticket":"T-1",`+
		`"sts:RequestContextProviders":"`+provider+`"}}}]}`)
	closed := w.Role(dt.A, "closed", trust("111122223333"))
	v := w.View()
	issueAs := func(provider string, context map[string]string) string {
		t.Helper()
		out, err := w.service.IssueContext(t.Context(), v, w.request(user(u)), &sts.IssueContextInput{ProviderARN: provider, Context: context})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.ContextAssertion) > 2048 {
			t.Errorf("%d characters", len(out.ContextAssertion))
		}
		return out.ContextAssertion
	}
	issue := func(context map[string]string) string { return issueAs(provider, context) }
	in := func(r *directory.Role, provider, assertion string) api.AssumeRoleInput {
		return api.AssumeRoleInput{RoleArn: r.ARN, ProvidedContexts: []api.ProvidedContext{{ProviderArn: &provider, ContextAssertion: &assertion}}}
	}
	good := issue(map[string]string{"ticket": "T-1"})
	out, err := w.assume(v, user(u), in(r, provider, good))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(w.as(v, out.Credentials).Session.Attributes); got != "[{sts:requestcontext/ticket [T-1]} {sts:requestcontextproviders ["+provider+"]}]" {
		t.Errorf("attributes %s", got)
	}
	_, err = w.assume(v, user(u), in(r, provider, issue(map[string]string{"ticket": "T-2"})))
	wantFault(t, err, identity.AccessDenied, denied(user(u), "sts:SetContext", r))
	_, err = w.assume(v, user(u), in(closed, provider, good))
	wantFault(t, err, identity.AccessDenied, denied(user(u), "sts:SetContext", closed))
	_, err = w.assume(v, user(u), in(r, "arn:aws:iam::aws:contextProvider/IdentityCenter", good))
	wantFault(t, err, identity.InvalidParameterValue, "The provided context assertion is not from the context provider arn:aws:iam::aws:contextProvider/IdentityCenter.")
	_, err = w.assume(v, user(u), in(r, provider, good[:len(good)-4]))
	wantFault(t, err, identity.InvalidParameterValue, "The provided context assertion is invalid.")
	// A session token is not an assertion (advisory 34).
	_, err = w.assume(v, user(u), in(r, provider, out.Credentials.SessionToken))
	wantFault(t, err, identity.InvalidParameterValue, "The provided context assertion is invalid.")
	// What five providers may say is more than a token holds.
	var five []api.ProvidedContext
	open := w.Role(dt.A, "open", trust("111122223333", "sts:AssumeRole", "sts:SetContext"))
	v = w.View()
	for i := range 5 {
		context := make(map[string]string)
		for j := range 5 {
			context[fmt.Sprintf("k%d%d", i, j)] = strings.Repeat("x", 250)
		}
		each := fmt.Sprint(provider, i)
		five = append(five, api.ProvidedContext{ProviderArn: &each, ContextAssertion: new(issueAs(each, context))})
	}
	_, err = w.assume(v, user(u), api.AssumeRoleInput{RoleArn: open.ARN, ProvidedContexts: append(five[:1:1], five[0])})
	wantFault(t, err, identity.InvalidParameterValue, "The context provider "+provider+"0 is given twice.")
	if _, err = w.assume(v, user(u), api.AssumeRoleInput{RoleArn: open.ARN, ProvidedContexts: five[:2]}); err != nil {
		t.Error(err)
	}
	_, err = w.assume(v, user(u), api.AssumeRoleInput{RoleArn: open.ARN, ProvidedContexts: five})
	wantFault(t, err, identity.PackedPolicyTooLarge, "The session with its provided contexts does not fit into a token: please use fewer or "+
		"shorter context values.")
	late := w.request(user(u))
	late.Time = now.Add(15 * time.Minute)
	late2 := in(r, provider, good)
	late2.RoleSessionName = "s1"
	_, err = w.service.AssumeRole(t.Context(), v, late, &late2)
	wantFault(t, err, identity.ExpiredTokenException, "The provided context assertion is expired.")
}

// What another account's provider says of its own principals is not for this account's roles, whoever is trusted to assume
// them and whether or not they exist.
func TestProvidersOfOtherAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	theirs, ours := w.User(dt.B, "mallory", dt.AllowAll), w.User(dt.A, "alice", dt.AllowAll)
	r := w.Role(dt.A, "target", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},`+
		`"Action":["sts:AssumeRole","sts:SetContext"],"Condition":{"ForAnyValue:StringEquals":{"sts:RequestContext/Ticket":"T-1"}}}]}`)
	v := w.View()
	given := func(u *directory.User) []api.ProvidedContext {
		t.Helper()
		provider := "arn:aws:iam::" + string(u.Account) + ":contextProvider/desk"
		out, err := w.service.IssueContext(t.Context(), v, w.request(user(u)),
			&sts.IssueContextInput{ProviderARN: provider, Context: map[string]string{"Ticket": "T-1"}})
		if err != nil {
			t.Fatal(err)
		}
		return []api.ProvidedContext{{ProviderArn: &provider, ContextAssertion: &out.ContextAssertion}}
	}
	for _, roleARN := range []string{r.ARN, "arn:aws:iam::" + string(dt.A) + ":role/none"} {
		for _, caller := range []*directory.User{theirs, ours} {
			_, err := w.assume(v, user(caller), api.AssumeRoleInput{RoleArn: roleARN, ProvidedContexts: given(theirs)})
			wantFault(t, err, identity.InvalidParameterValue,
				"The context provider arn:aws:iam::"+string(dt.B)+":contextProvider/desk does not belong to the account of the role.")
		}
	}
	for _, caller := range []*directory.User{theirs, ours} {
		if _, err := w.assume(v, user(caller), api.AssumeRoleInput{RoleArn: r.ARN, ProvidedContexts: given(ours)}); err != nil {
			t.Errorf("the role's own provider: %v", err)
		}
	}
}

// A session's contexts are for what it does, and not for becoming somebody else: neither may another account's provider open a
// role by way of a session, nor one of the same account that the request does not name.
func TestContextsDoNotChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type side struct {
		u *directory.User
		r *directory.Role
	}
	begin := func(account arn.AccountID) side {
		return side{w.User(account, "u", dt.AllowAll), w.Role(account, "first", trust(string(account), "sts:AssumeRole", "sts:SetContext"), dt.AllowAll)}
	}
	ours, theirs := begin(dt.A), begin(dt.B)
	target := w.Role(dt.A, "target", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333","444455556666"]},`+
		`"Action":["sts:AssumeRole","sts:SetContext"],"Condition":{"ForAnyValue:StringEquals":{"sts:RequestContext/Ticket":"T-1"}}}]}`)
	v := w.View()
	given := func(account arn.AccountID, c identity.Caller) []api.ProvidedContext {
		t.Helper()
		provider := "arn:aws:iam::" + string(account) + ":contextProvider/desk"
		out, err := w.service.IssueContext(t.Context(), v, w.request(c), &sts.IssueContextInput{ProviderARN: provider, Context: map[string]string{"Ticket": "T-1"}})
		if err != nil {
			t.Fatal(err)
		}
		return []api.ProvidedContext{{ProviderArn: &provider, ContextAssertion: &out.ContextAssertion}}
	}
	for _, from := range []side{ours, theirs} {
		out, err := w.assume(v, user(from.u), api.AssumeRoleInput{RoleArn: from.r.ARN, ProvidedContexts: given(from.u.Account, user(from.u))})
		if err != nil {
			t.Fatal(err)
		}
		session := w.as(v, out.Credentials)
		_, err = w.assume(v, session, api.AssumeRoleInput{RoleArn: target.ARN})
		wantFault(t, err, identity.AccessDenied, denied(session, "sts:AssumeRole", target))
		if _, err := w.assume(v, session, api.AssumeRoleInput{RoleArn: target.ARN, ProvidedContexts: given(dt.A, user(ours.u))}); err != nil {
			t.Errorf("with a context of the role's account: %v", err)
		}
	}
}

func TestIssueContextIsAuthorized(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u, admin := w.User(dt.A, "alice"), w.User(dt.A, "admin", dt.AllowAll)
	v := w.View()
	issue := func(u *directory.User, provider string, context map[string]string) error {
		_, err := w.service.IssueContext(t.Context(), v, w.request(user(u)), &sts.IssueContextInput{ProviderARN: provider, Context: context})
		return err
	}
	const own = "arn:aws:iam::111122223333:contextProvider/desk"
	one := map[string]string{"k": "v"}
	if err := issue(admin, own, one); err != nil {
		t.Errorf("control: %v", err)
	}
	wantFault(t, issue(u, own, one), identity.AccessDenied, "User: "+u.ARN+" is not authorized to perform: stint:IssueContextAssertion on resource: "+own+
		" because no identity-based policy allows the stint:IssueContextAssertion action")
	const form = "providerArn must be arn:aws:iam::111122223333:contextProvider/<name>"
	for _, provider := range []string{"", "arn:aws:iam::444455556666:contextProvider/desk", "arn:aws:iam::111122223333:role/desk",
		"arn:aws-cn:iam::111122223333:contextProvider/desk", "arn:aws:iam::111122223333:contextProvider/"} {
		wantFault(t, issue(admin, provider, one), identity.ValidationError, form)
	}
	wantFault(t, issue(admin, own, nil), identity.ValidationError, "context must have 1 to 20 keys")
	wantFault(t, issue(admin, own, map[string]string{"": "v"}), identity.ValidationError, "context keys have 1 to 256 bytes, values at most 256")
}
