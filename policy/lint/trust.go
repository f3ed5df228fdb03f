package lint

import (
	"slices"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/policy"
)

// The actions by which sessions of a role begin, in lower case.
const (
	assumeRole      = "sts:assumerole"
	withSAML        = "sts:assumerolewithsaml"
	withWebIdentity = "sts:assumerolewithwebidentity"
)

// trust finds trust policies that let in whom nobody had in mind, or nobody at all.
func (l *linter) trust(s *statement) {
	if !s.allow || !l.grantsAlone() {
		return
	}
	fits := false
	for _, p := range s.Principals {
		action := actionOf(p)
		if !s.allows(action) {
			continue
		}
		fits = true
		switch action {
		case assumeRole:
			l.externalID(s, p)
		case withSAML:
			l.samlAudience(s, p)
		case withWebIdentity:
			l.webIdentity(s, p)
		}
	}
	begins := slices.ContainsFunc([]string{assumeRole, withSAML, withWebIdentity}, s.allows)
	if l.document.Type == policy.Trust && begins && !fits && len(s.Principals) > 0 {
		l.add(s, Warning, "UNREACHABLE_STATEMENT", "Action", "None of the principals begins a session by what Action allows: "+
			"AWS and Service principals call sts:AssumeRole, SAML providers sts:AssumeRoleWithSAML, other providers sts:AssumeRoleWithWebIdentity.")
	}
}

// actionOf is the action by which a principal assumes a role.
func actionOf(p policy.PrincipalValue) string {
	switch {
	case p.Kind != "Federated":
		return assumeRole
	case strings.Contains(p.Value, ":saml-provider/"):
		return withSAML
	}
	return withWebIdentity
}

func (s *statement) allows(action string) bool {
	matches := func(pattern string) bool { return globCovers(strings.ToLower(pattern), action) }
	if len(s.NotActions) > 0 {
		return !slices.ContainsFunc(s.NotActions, matches)
	}
	return slices.ContainsFunc(s.Actions, matches)
}

// externalID: a third party that acts for many can be talked into acting for the wrong one (IAM UG, the confused deputy problem).
func (l *linter) externalID(s *statement, p policy.PrincipalValue) {
	account := accountOf(p)
	if account == "" || account == l.options.Account ||
		s.requires("sts:externalid") || s.requires("aws:principalorgid") || s.requires("aws:principalorgpaths") {
		return
	}
	severity, which := Warning, "The account "+account+" is another one"
	if l.options.Account == "" {
		severity, which = Suggestion, "If the account "+account+" is not your own"
	}
	l.add(s, severity, "MISSING_EXTERNAL_ID", "Condition", which+": ask for an sts:ExternalId that it uses for you alone, "+
		"or for your organization by aws:PrincipalOrgID, so that nobody makes it use this role for them.")
}

// accountOf gives the account that a principal of AWS belongs to, if that can be told.
func accountOf(p policy.PrincipalValue) string {
	if p.Kind != "AWS" {
		return ""
	}
	if id, err := arn.ParseAccountID(p.Value); err == nil {
		return string(id)
	}
	if parsed, err := arn.Parse(p.Value); err == nil {
		return parsed.Account
	}
	if id, err := arn.AccountOfID(p.Value); err == nil {
		return string(id)
	}
	return ""
}

func (l *linter) samlAudience(s *statement, p policy.PrincipalValue) {
	if !s.requires("saml:aud") && !s.requires("saml:sub") && !s.requires("saml:iss") {
		l.add(s, Warning, "MISSING_SAML_AUDIENCE", "Condition", "Every assertion of "+quote(p.Value)+
			" is taken, whatever it was made for: ask for saml:aud.")
	}
}

// webIdentity asks for the audience and for the subject. The subject of the three public log-ins and of Cognito is nobody whom a
// policy could name.
func (l *linter) webIdentity(s *statement, p policy.PrincipalValue) {
	issuer, audience, public := p.Value, "aud", true
	if _, url, found := strings.Cut(p.Value, ":oidc-provider/"); found {
		issuer, public = url, false
	}
	switch issuer = strings.ToLower(issuer); issuer {
	case "graph.facebook.com", "www.amazon.com":
		audience = "app_id"
	case "cognito-identity.amazonaws.com":
		public = true
	}
	if !s.requires(issuer+":"+audience) && !s.requires(issuer+":oaud") {
		severity := Warning
		if public {
			severity = SecurityWarning
		}
		l.add(s, severity, "MISSING_OIDC_AUDIENCE", "Condition", "Tokens of "+quote(issuer)+" for any client are taken: ask for "+quote(issuer+":"+audience)+".")
	}
	if public {
		return
	}
	asked := false
	for i := range s.conditions {
		c := &s.conditions[i]
		claim, ofIssuer := strings.CutPrefix(c.key, issuer+":")
		if !ofIssuer || claim == "aud" || claim == "oaud" || claim == "iss" || !c.narrows() {
			continue
		}
		asked = true
		if v := slices.IndexFunc(c.Values, wideRepository); c.Wildcards && claim == "sub" && v >= 0 {
			l.addCondition(s, c, SecurityWarning, "OIDC_SUBJECT_WITH_STAR_IN_OWNER", "The subject "+quote(c.Values[v])+
				" takes repositories of every owner whom the pattern matches, and names are free to take: write the owner out.")
		}
	}
	if !asked {
		l.add(s, SecurityWarning, "MISSING_OIDC_SUBJECT", "Condition", "Everyone whom "+quote(issuer)+" gives a token may assume the role: ask for "+
			quote(issuer+":sub")+", with the subjects that may.")
	}
}

// wideRepository says whether a subject of the form repo:OWNER/NAME:… or project_path:GROUP/NAME:… leaves the owner open.
func wideRepository(subject string) bool {
	kind, rest, found := strings.Cut(subject, ":")
	if strings.ContainsAny(kind, "*?") {
		return true
	}
	if !found || kind != "repo" && kind != "project_path" {
		return false
	}
	owner, _, _ := strings.Cut(rest, "/")
	return strings.ContainsAny(owner, "*?")
}
