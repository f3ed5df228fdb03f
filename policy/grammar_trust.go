package policy

import (
	"slices"
	"strings"
)

// noPrincipals is AWS's message for a statement whose Principal names nobody.
const noPrincipals = "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: " +
	"The passed in policy has a statement with no principals!"

// trustActions are the STS actions that a trust policy may speak of.
var trustActions = [...]string{"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "TagSession",
	"SetSourceIdentity", "SetContext"}

// checkTrust holds the rules for role trust policies. Whether the principals exist is for the directory to say.
func (r *reader) checkTrust(d *Document) *Error {
	for i := range d.Statements {
		if fault := r.checkTrustStatement(&d.Statements[i], &r.written[i]); fault != nil {
			return fault
		}
	}
	return checkSids(d)
}

func (r *reader) checkTrustStatement(st *Statement, written *writtenStatement) *Error {
	for _, name := range [...]string{"Resource", "NotResource", "NotPrincipal"} {
		if offset, found := written.offset(name); found {
			return &Error{Message: "Has prohibited field " + name, Offset: offset}
		}
	}
	switch {
	case written.effect != "Allow" && written.effect != "Deny":
		return r.fault(st.Offset, syntaxErrors, "Effect must be Allow or Deny")
	case !written.has("Principal"):
		return r.missingField(st.Offset, "Principal")
	case len(st.Actions)+len(st.NotActions) == 0:
		return r.missingField(st.Offset, "Action")
	}
	for _, action := range st.actionValues() {
		if !isTrustAction(action) {
			return &Error{Message: "AssumeRole policy may only specify STS AssumeRole actions.", Offset: st.Offset,
				Detail: "action " + action}
		}
	}
	if fault := checkPrincipals(st, st.Principals); fault != nil {
		return fault
	}
	return checkGitHub(st)
}

const gitHub = "token.actions.githubusercontent.com"

// gitHubSubject is the package's own wording: AWS's is not on record.
const gitHubSubject = "A trust policy for " + gitHub + " must have a condition on " + gitHub + ":sub or " + gitHub + ":job_workflow_ref"

// checkGitHub refuses, as AWS does since 2025, to trust all of GitHub: its one provider issues tokens for every repository
// (advisory 54).
func checkGitHub(st *Statement) *Error {
	trusted := slices.ContainsFunc(st.Principals, func(p PrincipalValue) bool {
		return p.Kind == "Federated" && strings.HasSuffix(p.Value, ":oidc-provider/"+gitHub)
	})
	limited := slices.ContainsFunc(st.Conditions, func(c Condition) bool {
		key := strings.ToLower(c.Key)
		return key == gitHub+":sub" || key == gitHub+":job_workflow_ref"
	})
	if trusted && !limited && st.Effect == Allow {
		return &Error{Message: gitHubSubject, Offset: st.Offset}
	}
	return nil
}

// isTrustAction says whether an action, which may have wildcards after sts:, covers any action of the AssumeRole family. The
// bare asterisk covers other services and is refused.
func isTrustAction(action string) bool {
	name, found := strings.CutPrefix(lowerASCII(action), "sts:")
	if !found {
		return false
	}
	g := newGlob(encodePlain(name))
	for _, known := range trustActions {
		if g.matchFold(known) {
			return true
		}
	}
	return false
}

// checkPrincipals refuses principals that have no meaning: a wildcard is only ever the whole value, and only for AWS [PRIN].
func checkPrincipals(st *Statement, principals []PrincipalValue) *Error {
	for _, p := range principals {
		if p.Value == "" || strings.ContainsAny(p.Value, "*?") && (p.Value != "*" || p.Kind != "AWS") {
			return invalidPrincipal(p.Kind, p.Value, st.Offset)
		}
	}
	return nil
}

func invalidPrincipal(kind, value string, offset int) *Error {
	if kind != "AWS" {
		kind = strings.ToUpper(kind)
	}
	return &Error{Message: `Invalid principal in policy: "` + kind + `":"` + value + `"`, Offset: offset}
}
