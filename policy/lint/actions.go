package lint

import (
	"slices"
	"strings"
)

// permissions are the actions of these services that are no operations of their APIs (Service Authorization Reference).
var permissions = [...]string{"iam:DeleteCloudFrontPublicKey", "iam:GetAccountEmailAddress", "iam:GetAccountName", "iam:GetCloudFrontPublicKey",
	"iam:ListCloudFrontPublicKeys", "iam:ListSTSRegionalEndpointsStatus", "iam:PassRole", "iam:SetSTSRegionalEndpointStatus",
	"iam:UpdateAccountEmailAddress", "iam:UpdateAccountName", "iam:UpdateCloudFrontPublicKey", "iam:UploadCloudFrontPublicKey",
	"sts:GetServiceBearerToken", "sts:SetContext", "sts:SetSourceIdentity", "sts:TagGetWebIdentityToken", "sts:TagSession"}

// actions finds names that are no actions, and those that say what another of the list says.
func (l *linter) actions(s *statement) {
	for _, list := range [...]struct {
		element string
		values  []string
	}{{"Action", s.Actions}, {"NotAction", s.NotActions}} {
		for _, a := range list.values {
			if l.full() {
				return
			}
			if code, message := l.unknownAction(a); code != "" {
				l.add(s, Warning, code, list.element, message)
			}
			if !s.allow && list.element == "Action" && strings.EqualFold(a, "sts:GetCallerIdentity") {
				l.add(s, Warning, "DENY_WITHOUT_EFFECT", list.element, "sts:GetCallerIdentity needs no permission and cannot be denied.")
			}
		}
		l.redundant(s, list.element, "REDUNDANT_ACTION", list.values, true)
	}
}

// checkedActions says whether all actions of a service are known.
func checkedActions(service string) bool {
	return strings.EqualFold(service, "sts") || strings.EqualFold(service, "iam") || strings.EqualFold(service, "organizations")
}

func (l *linter) unknownAction(action string) (code, message string) {
	service, _, found := strings.Cut(action, ":")
	switch {
	case action == "*":
		return "", ""
	case !found:
		return "INVALID_ACTION", "The action " + quote(action) + " lacks its service, as in s3:GetObject."
	case strings.ContainsAny(service, "*?"):
		return "WILDCARD_IN_SERVICE_NAME", "A service prefix has no wildcards: write the services of " + quote(action) + " out."
	case !checkedActions(service), len(variablesOf(action)) > 0:
		return "", ""
	}
	lower := strings.ToLower(action)
	if exists := func(known string) bool { return globCovers(lower, strings.ToLower(known)) }; slices.ContainsFunc(operations[:], exists) ||
		slices.ContainsFunc(permissions[:], exists) {
		return "", ""
	}
	message = "There is no action " + quote(action) + "."
	if strings.ContainsAny(action, "*?") {
		return "INVALID_ACTION", "No action of " + strings.ToLower(service) + " matches " + quote(action) + "."
	}
	return "INVALID_ACTION", message + meant(near(action, append(operations[:len(operations):len(operations)], permissions[:]...)))
}

// resources finds values that say what another of the list says.
func (l *linter) resources(s *statement) {
	l.redundant(s, "Resource", "REDUNDANT_RESOURCE", s.Resources, false)
	l.redundant(s, "NotResource", "REDUNDANT_RESOURCE", s.NotResources, false)
}

// redundant finds values that another value of the list covers. Of two that are the same the second is meant.
func (l *linter) redundant(s *statement, element, code string, values []string, fold bool) {
	for i, v := range values {
		if l.full() || l.budget < 0 {
			return
		}
		for j, w := range values {
			if i != j && (j < i || !l.covers(v, w, fold)) && l.covers(w, v, fold) {
				l.add(s, Suggestion, code, element, quote(v)+" is in "+quote(w)+" already: leave it out.")
				break
			}
		}
	}
}
