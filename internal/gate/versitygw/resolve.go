package versitygw

import (
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

// identities says which access key ids belong to users and root users that the gateway may know. Sessions are sealed into their
// tokens, and without one nobody is there: a bucket's owner or a grantee is never a session.
func (h *Handler) identities(v *directory.View, account arn.AccountID, ids []string) []resolved {
	out := make([]resolved, len(ids))
	for i, id := range ids {
		owner, ok := v.AccessKey(id)
		if !ok || owner.Key.Status != directory.Active {
			continue
		}
		who := resolved{Found: true, Kind: "user"}
		var of arn.AccountID
		if owner.User != nil {
			of, who.PrincipalARN = owner.User.Account, owner.User.ARN
		} else {
			of, who.PrincipalARN = owner.Account.ID, owner.Account.ARN
		}
		if h.Gate.MayKnow(account, of) {
			out[i] = who
		}
	}
	return out
}

// nameless returns the principals of a bucket policy that name nobody: neither an account, nor a user or role to the letter, nor a
// session of a role.
func (h *Handler) nameless(v *directory.View, account arn.AccountID, principals []string) []string {
	out := []string{}
	for _, p := range principals {
		if !h.named(v, account, p) {
			out = append(out, p)
		}
	}
	return out
}

func (h *Handler) named(v *directory.View, account arn.AccountID, principal string) bool {
	if id, err := arn.ParseAccountID(principal); err == nil {
		principal = rootARN(v, id)
	}
	a, err := arn.Parse(principal)
	if err != nil || a.Partition != v.Partition() || a.Region != "" {
		return false
	}
	owner, ok := v.Account(arn.AccountID(a.Account))
	if !ok || !h.Gate.MayKnow(account, owner.ID) {
		return false
	}
	switch a.Service {
	case "iam":
		_, ok := v.PrincipalID(principal)
		return ok || a.Resource == "root"
	case "sts":
		parts := strings.Split(a.Resource, "/")
		if len(parts) != 3 || parts[0] != "assumed-role" || parts[2] == "" {
			return false
		}
		_, ok := v.Role(owner.ID, parts[1])
		return ok
	}
	return false
}

func rootARN(v *directory.View, id arn.AccountID) string {
	return "arn:" + string(v.Partition()) + ":iam::" + string(id) + ":root"
}
