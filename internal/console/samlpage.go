package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/federation/saml"
	"github.com/stint-sts/stint/internal/throttle"
)

// offeredAccount is the roles of an account that somebody can pick from.
type offeredAccount struct {
	ID, Alias string
	Roles     []offeredRole
}

type offeredRole struct{ ARN, Name string }

// saml takes what an identity provider's page has the browser post (SAML bindings, 3.5): the response, and where the browser wanted to
// go. The form of the page with the roles is the same, with the role that was picked. The response is spent when the session begins.
func (h *Handler) saml(x *call) {
	if !h.peers.Allow(throttle.Peer(x.r), x.request.Time) {
		h.complain(x, http.StatusTooManyRequests, "There were too many attempts. Wait a minute.")
		return
	}
	select {
	case h.responses <- struct{}{}:
		defer func() { <-h.responses }()
	default:
		h.complain(x, http.StatusServiceUnavailable, "Too many people sign in at once. Try again.")
		return
	}
	if !h.reads(x, maxResponse) {
		return
	}
	response, one := x.only("SAMLResponse")
	relay, single := x.only("RelayState")
	picked, lone := x.only("roleIndex")
	if !one || !single || !lone || response == "" {
		h.complain(x, http.StatusBadRequest, "The form has no SAMLResponse.")
		return
	}
	unique, _ := strings.CutPrefix(x.r.URL.Path, samlUniquePath)
	if x.r.URL.Path == samlPath {
		unique = ""
	}
	offers, err := h.SAML.Offers(x.view, saml.Presented{Response: response, RequestID: x.request.ID, Time: x.request.Time}, unique)
	if err != nil {
		h.recordFailure(x, "", way{With: "SAML"}, explain(err))
		h.refused(x, err)
		return
	}
	if picked == "" && len(offers.Roles) > 1 {
		h.show(x, http.StatusOK, "roles", &page{
			Title: "Select a role", Accounts: byAccount(x.view, offers.Roles), Response: response, RelayState: relay, Action: x.r.URL.Path,
		})
		return
	}
	role := offers.Roles[0]
	if picked != "" {
		i := slices.IndexFunc(offers.Roles, func(r federation.OfferedRole) bool { return r.RoleARN == picked })
		if i < 0 {
			h.complain(x, http.StatusForbidden, "The role is not one of those that your identity provider offers you.")
			return
		}
		role = offers.Roles[i]
	}
	h.assume(x, role, offers.SessionSeconds, response, relay)
}

// assume begins the session of a role that the response offers.
func (h *Handler) assume(x *call, role federation.OfferedRole, seconds int32, response, relay string) {
	w := way{With: "SAML", RoleARN: role.RoleARN, PrincipalARN: role.ProviderARN}
	in := &api.AssumeRoleWithSAMLInput{RoleArn: role.RoleARN, PrincipalArn: role.ProviderARN, SAMLAssertion: response}
	if seconds > 0 {
		in.DurationSeconds = &seconds
	}
	x.request.Action = "sts:AssumeRoleWithSAML"
	// Whoever hangs up must not leave an assertion spent whose line could not say so.
	out, err := h.Sessions.AssumeRoleWithSAML(context.WithoutCancel(x.r.Context()), x.view, &x.request, in)
	if recorded := h.recordAssumption(x, "AssumeRoleWithSAML", w, err); recorded != nil && err == nil {
		h.unavailable(x, recorded)
		return
	}
	if err != nil {
		h.refused(x, err)
		return
	}
	if err := h.begin(x, w, out.Credentials); err != nil {
		h.unavailable(x, err)
		return
	}
	target, ok := h.destination(x.r, relay)
	if !ok || relay == "" { // many providers send a text of their own that is no address
		target = donePath
	}
	leave(x.w, http.StatusSeeOther, target)
}

// byAccount sorts roles as AWS's page does: by account, whose alias is shown if it has one.
func byAccount(v *directory.View, roles []federation.OfferedRole) []offeredAccount {
	var out []offeredAccount
	for _, r := range roles {
		parsed, err := arn.Parse(r.RoleARN)
		if err != nil {
			continue
		}
		i := slices.IndexFunc(out, func(a offeredAccount) bool { return a.ID == parsed.Account })
		if i < 0 {
			i = len(out)
			a := offeredAccount{ID: parsed.Account}
			if account, ok := v.Account(arn.AccountID(parsed.Account)); ok {
				a.Alias = account.Alias
			}
			out = append(out, a)
		}
		out[i].Roles = append(out[i].Roles, offeredRole{r.RoleARN, r.RoleARN[strings.LastIndexByte(r.RoleARN, '/')+1:]})
	}
	return out
}
