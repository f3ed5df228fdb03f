package lint

import (
	"slices"
	"strings"

	"github.com/stint-sts/stint/policy"
)

// grants finds Allows that give more than anybody lists in their mind.
func (l *linter) grants(s *statement) {
	if !s.allow || !l.grantsAlone() {
		return
	}
	if len(s.NotActions) > 0 {
		l.add(s, Warning, "ALLOW_WITH_NOT_ACTION", "NotAction",
			"Allow with NotAction gives every action that is not listed, also those of services to come: list what is allowed in Action.")
	}
	if len(s.NotResources) > 0 {
		l.add(s, Warning, "ALLOW_WITH_NOT_RESOURCE", "NotResource",
			"Allow with NotResource gives every resource that is not listed, also those to come: list what is allowed in Resource.")
	}
	l.passRole(s)
	l.assumeRole(s)
}

// passRole finds who may give any role to a service, and with it all that the strongest role may do. Who may do everything
// anyway is not told.
func (l *linter) passRole(s *statement) {
	i := slices.IndexFunc(s.Actions, func(a string) bool { return a != "*" && globCovers(strings.ToLower(a), "iam:passrole") })
	if i < 0 || s.requires("iam:passedtoservice") || slices.Contains(s.Actions, "*") {
		return
	}
	action := s.Actions[i]
	const advice = ": name the roles, or ask for iam:PassedToService."
	switch wide := slices.IndexFunc(s.Resources, anyRole); {
	case len(s.NotResources) > 0:
		l.add(s, SecurityWarning, "PASS_ROLE_WITH_NOT_RESOURCE", "NotResource", quote(action)+" lets pass every role that NotResource does not list"+advice)
	case wide < 0:
	case strings.EqualFold(action, "iam:PassRole"):
		l.add(s, SecurityWarning, "PASS_ROLE_WITH_STAR_IN_RESOURCE", "Resource", "iam:PassRole on "+quote(s.Resources[wide])+
			" lets pass any role, the strongest too, to a service that then acts with it"+advice)
	default:
		l.add(s, SecurityWarning, "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", "Action", quote(action)+" includes iam:PassRole, and on "+
			quote(s.Resources[wide])+" it lets pass any role, the strongest too, to a service that then acts with it"+advice)
	}
}

// anyRole says whether a resource pattern takes all roles of an account.
func anyRole(resource string) bool {
	if resource == "*" {
		return true
	}
	parts := strings.SplitN(resource, ":", 6)
	return len(parts) == 6 && (parts[5] == "*" || parts[5] == "role/*" || parts[5] == "role*")
}

// assumeRole finds identity-based policies that allow to assume whatever trusts the account.
func (l *linter) assumeRole(s *statement) {
	named := slices.ContainsFunc(s.Actions, func(a string) bool { return strings.EqualFold(a, "sts:AssumeRole") })
	identity := l.document.Type == policy.Identity || l.document.Type == policy.Managed
	if named && identity && len(s.Conditions) == 0 && slices.Contains(s.Resources, "*") {
		l.add(s, Warning, "ASSUME_ROLE_WITH_STAR_IN_RESOURCE", "Resource",
			"sts:AssumeRole on * takes every role, in any account, whose trust policy trusts this account: name the roles.")
	}
}

// limitingKeys are those by which a statement that names everyone can keep strangers out. Tags are not among them: who has an
// account chooses the tags there.
var limitingKeys = [...]string{"aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount", "aws:userid",
	"aws:principalisawsservice", "aws:principalservicename", "aws:principalservicenameslist", "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid",
	"aws:sourceorgpaths", "aws:sourcevpc", "aws:sourcevpcarn", "aws:sourcevpce", "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths",
	"aws:sourceip", "aws:vpcsourceip", "kms:calleraccount", "s3:dataaccesspointaccount"}

// principals finds statements that let everyone in, and NotPrincipal.
func (l *linter) principals(s *statement) {
	if len(s.NotPrincipals) > 0 {
		if s.allow {
			l.add(s, SecurityWarning, "ALLOW_WITH_NOT_PRINCIPAL", "NotPrincipal", "Allow with NotPrincipal lets in everyone who is not listed, anonymous callers too: name who is allowed in Principal.")
		} else {
			l.add(s, Warning, "DENY_WITH_NOT_PRINCIPAL", "NotPrincipal", "NotPrincipal spares only who is listed with account, role and session, and nobody who has a "+
				"permissions boundary: use Principal * with a condition ArnNotEquals on aws:PrincipalArn.")
		}
	}
	everyone := slices.Contains(s.Principals, policy.PrincipalValue{Kind: "AWS", Value: "*"})
	if everyone && s.allow && l.grantsAlone() && !slices.ContainsFunc(limitingKeys[:], s.requires) {
		l.add(s, SecurityWarning, "PRINCIPAL_WITH_STAR", "Principal",
			`"Principal": "*" lets in everyone of every account: name the principals, or ask for aws:PrincipalOrgID, aws:PrincipalArn or another key that keeps strangers out.`)
	}
}
