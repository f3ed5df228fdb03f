package policy

import "strings"

// principalForm is what a principal value of a policy names.
type principalForm uint8

const (
	namesNobody principalForm = iota // a value that no principal of Stint can be, such as a canonical user
	namesEveryone
	namesAccount
	namesARN // a user, role, role session or federated user
	namesID  // a user or role by its unique id, as trust policies store them
	namesService
	namesProvider
)

// principalMatcher is a compiled principal value.
type principalMatcher struct {
	form  principalForm
	value string // for an account, its id
}

// grant is how directly a resource-based policy names the caller, which decides what implicit denies of other policies in the
// same account it bypasses (docs/policy-semantics.md, "What a resource-based grant bypasses"). Each level bypasses what the one
// below it does.
type grant uint8

const (
	grantNone    grant = iota
	grantAccount       // the caller's account: bypasses nothing
	grantEntity        // the role, or the user that federated: bypasses identity-based policies
	grantUser          // the user: bypasses permissions boundaries too
	grantCaller        // the session itself, or everyone: bypasses session policies too
)

func compilePrincipal(v PrincipalValue) principalMatcher {
	switch v.Kind {
	case "Service":
		return principalMatcher{namesService, v.Value}
	case "Federated":
		return principalMatcher{namesProvider, v.Value}
	case "AWS":
		return compileAWSPrincipal(v.Value)
	}
	return principalMatcher{}
}

func compileAWSPrincipal(value string) principalMatcher {
	switch {
	case value == "*":
		return principalMatcher{form: namesEveryone}
	case len(value) == 12 && allDigits(value):
		return principalMatcher{namesAccount, value}
	case strings.HasPrefix(value, "arn:"):
		if account, isRoot := rootAccount(value); isRoot {
			return principalMatcher{namesAccount, account}
		}
		return principalMatcher{namesARN, value}
	}
	return principalMatcher{namesID, value}
}

// rootAccount gives the account of a root ARN, arn:partition:iam::account:root.
func rootAccount(arn string) (string, bool) {
	parts := strings.Split(arn, ":")
	if len(parts) != arnParts || parts[2] != "iam" || parts[3] != "" || parts[5] != "root" || !allDigits(parts[4]) {
		return "", false
	}
	return parts[4], true
}

// match gives how directly the value names the principal. "*" does not let in a web identity or SAML subject, which a trust
// policy must name by its provider, but a Deny for "*" hits it; deny says which is asked.
func (m *principalMatcher) match(p *Principal, deny bool) grant {
	switch m.form {
	case namesEveryone:
		if p.Kind == Federated && !deny {
			return grantNone
		}
		return grantCaller
	case namesAccount:
		return grantIf(p.Account == m.value && m.value != "", grantAccount)
	case namesARN, namesID:
		return m.matchEntity(p)
	case namesService:
		return grantIf(p.Kind == Service && p.Service == m.value, grantCaller)
	case namesProvider:
		return grantIf(p.Kind == Federated && p.Provider == m.value, grantCaller)
	}
	return grantNone
}

func grantIf(condition bool, g grant) grant {
	if condition {
		return g
	}
	return grantNone
}

func (m *principalMatcher) matchEntity(p *Principal) grant {
	if m.value == "" {
		return grantNone
	}
	entityARN, entityID := "", ""
	switch p.Kind {
	case User:
		return grantIf(m.value == p.ARN || m.value == p.ID, grantUser)
	case Role:
		entityARN, entityID = p.RoleARN, p.ID
	case FederatedUser:
		entityARN, entityID = p.FederatedBy, p.FederatedByID
	default:
		return grantNone
	}
	if m.value == p.ARN {
		return grantCaller
	}
	return grantIf(m.value == entityARN || m.value == entityID, grantEntity)
}

// directest gives the most direct grant of a list.
func directest(matchers []principalMatcher, p *Principal, deny bool) grant {
	best := grantNone
	for i := range matchers {
		best = max(best, matchers[i].match(p, deny))
	}
	return best
}

// exempt says whether a NotPrincipal list leaves the principal alone. It must list everything that the caller is: the session,
// its role or user, and the account [NOTP 2023].
func exempt(matchers []principalMatcher, p *Principal) bool {
	switch p.Kind {
	case Anonymous:
		return lists(matchers, p, grantCaller)
	case Service, Federated:
		return directest(matchers, p, true) == grantCaller
	case Root:
		return directest(matchers, p, true) != grantNone
	case User:
		return everyone(matchers) || lists(matchers, p, grantUser) && lists(matchers, p, grantAccount)
	}
	return everyone(matchers) ||
		lists(matchers, p, grantCaller) && lists(matchers, p, grantEntity) && lists(matchers, p, grantAccount)
}

func lists(matchers []principalMatcher, p *Principal, g grant) bool {
	for i := range matchers {
		if matchers[i].match(p, true) == g {
			return true
		}
	}
	return false
}

func everyone(matchers []principalMatcher) bool {
	for i := range matchers {
		if matchers[i].form == namesEveryone {
			return true
		}
	}
	return false
}
