package policy

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"net"
	"regexp"
	"strings"
	"time"
)

// The naive evaluator decides straight from documents, by the sentences of AWS's documentation and of docs/policy-semantics.md,
// with the plainest means: nothing is compiled, nothing is skipped, and none of the package's own matching is used.

// naiveSet is a Set of documents.
type naiveSet struct {
	identity, boundary, session, resource, endpoint  []*Document
	scps, rcps                                       [][]*Document
	hasBoundary, hasSession, hasEndpoint, trust      bool
	resourceRequired, management, resourceManagement bool
}

// naive is one evaluation.
type naive struct {
	set     *naiveSet
	request *Request
	keys    Keys
}

// verdict is what the policies of one type came to: whether any denies or allows, and how the allowing ones name the caller.
type verdict struct {
	denies, allows bool
	named          map[string]bool
}

func (n *naive) decide() (Effect, Type) {
	p := &n.request.Principal
	person := p.Kind == Root || p.Kind == User || p.Kind == Role || p.Kind == FederatedUser
	resourceType := Resource
	if n.set.trust {
		resourceType = Trust
	}
	var rcps, scps []verdict
	if !p.ServiceLinkedRole && !n.set.resourceManagement {
		for _, level := range n.set.rcps {
			rcps = append(rcps, n.judge(RCP, level))
		}
	}
	if person && !p.ServiceLinkedRole && !n.set.management {
		for _, level := range n.set.scps {
			scps = append(scps, n.judge(SCP, level))
		}
	}
	resource, endpoint := n.judge(resourceType, n.set.resource), verdict{}
	if n.set.hasEndpoint {
		endpoint = n.judge(Endpoint, n.set.endpoint)
	}
	var identity, boundary, session verdict
	limited := person && (n.set.hasSession || p.Kind == FederatedUser)
	bounded := person && n.set.hasBoundary
	if person {
		identity = n.judge(Identity, n.set.identity)
		identity.allows = identity.allows || p.Kind == Root
	}
	if bounded {
		boundary.allows = len(n.set.boundary) > 0
		for _, d := range n.set.boundary {
			one := n.judge(Boundary, []*Document{d})
			boundary.denies = boundary.denies || one.denies
			boundary.allows = boundary.allows && one.allows
		}
	}
	if limited {
		session = n.judge(Session, n.set.session)
	}

	// An explicit deny anywhere wins.
	for _, v := range rcps {
		if v.denies {
			return ExplicitDeny, RCP
		}
	}
	for _, v := range scps {
		if v.denies {
			return ExplicitDeny, SCP
		}
	}
	switch {
	case endpoint.denies:
		return ExplicitDeny, Endpoint
	case resource.denies:
		return ExplicitDeny, resourceType
	case identity.denies:
		return ExplicitDeny, Identity
	case boundary.denies:
		return ExplicitDeny, Boundary
	case session.denies:
		return ExplicitDeny, Session
	}
	for _, v := range scps {
		if !v.allows {
			return ImplicitDeny, SCP
		}
	}
	if n.set.hasEndpoint && !endpoint.allows {
		return ImplicitDeny, Endpoint
	}
	if !person {
		if resource.allows {
			return Allow, resourceType
		}
		return ImplicitDeny, resourceType
	}

	// What a resource-based grant bypasses: the table of docs/policy-semantics.md.
	foreign := n.request.ResourceAccount != "" && n.request.ResourceAccount != p.Account
	bypasses := func(names ...string) bool {
		for _, name := range names {
			if resource.named[name] && !foreign {
				return true
			}
		}
		return false
	}
	switch {
	case !identity.allows && !bypasses("user", "role", "session", "federating user", "everyone"):
		return ImplicitDeny, Identity
	case (foreign || n.set.trust || n.set.resourceRequired) && !resource.allows:
		return ImplicitDeny, resourceType
	case bounded && !boundary.allows && !bypasses("user", "session", "everyone"):
		return ImplicitDeny, Boundary
	case limited && !session.allows && !bypasses("session", "everyone"):
		return ImplicitDeny, Session
	case identity.allows:
		return Allow, Identity
	}
	return Allow, resourceType
}

func (n *naive) judge(t Type, documents []*Document) verdict {
	v := verdict{named: map[string]bool{}}
	for _, d := range documents {
		for i := range d.Statements {
			s := &d.Statements[i]
			if !n.action(s) || !n.resource(t, d, s) || !n.principal(t, s) || !n.conditions(d, s) {
				continue
			}
			if s.Effect != Allow {
				v.denies = true
				continue
			}
			v.allows = true
			for _, name := range n.names(s.Principals) {
				v.named[name] = true
			}
		}
	}
	return v
}

func (n *naive) action(s *Statement) bool {
	matches := func(patterns []string) bool {
		for _, p := range patterns {
			if wild(plainTokens(strings.ToLower(p)), strings.ToLower(n.request.Action)) {
				return true
			}
		}
		return false
	}
	if len(s.NotActions) > 0 {
		return !matches(s.NotActions)
	}
	return matches(s.Actions)
}

func (n *naive) resource(t Type, d *Document, s *Statement) bool {
	matches := func(patterns []string) (any, unknown bool) {
		for _, p := range patterns {
			tokens, ok := n.resourceTokens(d, p)
			unknown = unknown || !ok
			any = any || ok && wild(tokens, n.request.Resource)
		}
		return any, unknown
	}
	switch {
	case len(s.Resources) > 0:
		any, _ := matches(s.Resources)
		return any
	case len(s.NotResources) > 0:
		any, unknown := matches(s.NotResources)
		return !any && (s.Effect != Allow || !unknown)
	}
	return t == Trust // the role is the resource
}

func (n *naive) resourceTokens(d *Document, pattern string) ([]token, bool) {
	parts := naiveSplit(pattern, d.Version == Version2012)
	completes := d.Type != Resource && d.Type != Session && d.Type != Endpoint
	for completes && parts[0] == "arn" && len(parts) < 6 {
		parts = append(parts, "*")
	}
	if d.Version == Version2012 && len(parts) > 1 && strings.Contains(strings.Join(parts[:min(5, len(parts))], ":"), "${") {
		return nil, false // variables stand only in the last part
	}
	return n.expand(strings.Join(parts, ":"), d.Version == Version2012, true)
}

var (
	naiveColon           = regexp.MustCompile(`:`)
	naiveColonOrVariable = regexp.MustCompile(`\$\{[^}]*\}?|:`)
	naiveOneVariable     = regexp.MustCompile(`^\$\{[^}]{2,}\}$`)
	naiveVariable        = regexp.MustCompile(`^\s*([^,'{$]*[^,'{$\s])\s*(,\s*'(.*)'\s*)?$`)
	naiveNumber          = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	naiveEpoch           = regexp.MustCompile(`^[0-9]{5,11}$`)
)

// naiveSplit splits an ARN at the first five colons outside variables.
func naiveSplit(s string, variables bool) []string {
	colons := naiveColon
	if variables {
		colons = naiveColonOrVariable
	}
	var parts []string
	start := 0
	for _, at := range colons.FindAllStringIndex(s, -1) {
		if s[at[0]] == ':' && len(parts) < 5 {
			parts = append(parts, s[start:at[0]])
			start = at[1]
		}
	}
	return append(parts, s[start:])
}

// principal says whether the statement speaks of the caller.
func (n *naive) principal(t Type, s *Statement) bool {
	if t != Resource && t != Trust && t != RCP && t != Endpoint {
		return true
	}
	p := &n.request.Principal
	if len(s.NotPrincipals) == 0 {
		for _, name := range n.names(s.Principals) {
			// A web identity or SAML subject must be named by its provider.
			if s.Effect != Allow || p.Kind != Federated || name != "everyone" {
				return true
			}
		}
		return false
	}
	if s.Effect == Allow {
		return false
	}
	listed := map[string]bool{}
	for _, name := range n.names(s.NotPrincipals) {
		listed[name] = true
	}
	person := p.Kind == Root || p.Kind == User || p.Kind == Role || p.Kind == FederatedUser
	if person && n.set.hasBoundary {
		return true
	}
	if listed["everyone"] {
		return false
	}
	switch p.Kind {
	case Root:
		return !listed["account"]
	case User:
		return !listed["user"] || !listed["account"]
	case Role:
		return !listed["session"] || !listed["role"] || !listed["account"]
	case FederatedUser:
		return !listed["session"] || !listed["federating user"] || !listed["account"]
	case Service:
		return !listed["service"]
	case Federated:
		return !listed["provider"]
	}
	return true
}

// names says as what a list names the caller.
func (n *naive) names(list []PrincipalValue) []string {
	p := &n.request.Principal
	var names []string
	add := func(is bool, name string) {
		if is {
			names = append(names, name)
		}
	}
	for _, v := range list {
		switch v.Kind {
		case "AWS":
			add(v.Value == "*", "everyone")
			add(p.Account != "" && (v.Value == p.Account || v.Value == "arn:aws:iam::"+p.Account+":root"), "account")
			add(p.Kind == User && (v.Value == p.ARN || v.Value == p.ID), "user")
			add((p.Kind == Role || p.Kind == FederatedUser) && v.Value == p.ARN, "session")
			add(p.Kind == Role && (v.Value == p.RoleARN || v.Value == p.ID), "role")
			add(p.Kind == FederatedUser && (v.Value == p.FederatedBy || v.Value == p.FederatedByID), "federating user")
		case "Service":
			add(p.Kind == Service && v.Value == p.Service, "service")
		case "Federated":
			add(p.Kind == Federated && v.Value == p.Provider, "provider")
		}
	}
	return names
}

func (n *naive) conditions(d *Document, s *Statement) bool {
	for _, c := range s.Conditions {
		if !n.condition(d, c, s.Effect != Allow) {
			return false
		}
	}
	return true
}

// doubt is what comparing two values comes to when one of them cannot be read.
const doubt = "doubt"

func (n *naive) condition(d *Document, c Condition, deny bool) bool {
	operator := strings.ToLower(c.Operator)
	forAll, forAny := strings.HasPrefix(operator, "forallvalues:"), strings.HasPrefix(operator, "foranyvalue:")
	operator = operator[strings.Index(operator, ":")+1:]
	operator, ifExists := strings.CutSuffix(operator, "ifexists")
	negated := strings.Contains(operator, "not")
	operator = strings.Replace(operator, "not", "", 1)

	value, present := n.keys[strings.ToLower(c.Key)]
	values := value.Strings()
	if present && len(values) == 0 {
		present = false
	}
	if operator == "null" {
		for _, v := range c.Values {
			if absent := strings.EqualFold(v, "true"); absent != present {
				return true
			}
		}
		return false
	}
	if !present {
		return ifExists || forAll || negated && !forAny
	}
	held, empty := 0, 0
	for _, v := range values {
		if v == "" {
			empty++
		}
		matched := "no"
		for _, wanted := range c.Values {
			if answer := n.compare(d, operator, wanted, v); answer == "yes" || answer == doubt && matched == "no" {
				matched = answer
			}
		}
		switch {
		case matched == "yes" && !negated, matched == "no" && negated, matched == doubt && negated && deny:
			held++
		}
	}
	switch {
	case forAll:
		return held == len(values) || empty == len(values)
	case forAny, deny:
		return held > 0
	}
	return held == len(values)
}

func (n *naive) compare(d *Document, operator, wanted, value string) string {
	says := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	variables := d.Version == Version2012
	switch operator {
	case "stringequals":
		text, ok := n.expand(wanted, variables, false)
		return says(ok && wild(text, value))
	case "stringequalsignorecase":
		text, ok := n.expand(wanted, variables, false)
		return says(ok && strings.EqualFold(literal(text), value))
	case "stringlike":
		text, ok := n.expand(wanted, variables, true)
		return says(ok && wild(text, value))
	case "arnequals", "arnlike":
		return n.compareARN(variables, wanted, value)
	case "bool":
		a, b := strings.ToLower(wanted), strings.ToLower(value)
		if a != "true" && a != "false" || b != "true" && b != "false" {
			return doubt
		}
		return says(a == b)
	case "ipaddress":
		if !strings.Contains(wanted, "/") {
			wanted += map[bool]string{true: "/128", false: "/32"}[strings.Contains(wanted, ":")]
		}
		_, network, err := net.ParseCIDR(wanted)
		address := net.ParseIP(value)
		if err != nil || address == nil {
			return doubt
		}
		return says(network.Contains(address))
	case "binaryequals":
		a, err := base64.StdEncoding.DecodeString(wanted)
		if err != nil {
			return doubt
		}
		b, err := base64.StdEncoding.DecodeString(value)
		return says(err == nil && bytes.Equal(a, b))
	}
	order, ok := 0, false
	if relation, found := strings.CutPrefix(operator, "numeric"); found {
		operator = relation
		order, ok = naiveNumbers(value, wanted)
	} else {
		operator = strings.TrimPrefix(operator, "date")
		order, ok = naiveDates(value, wanted)
	}
	if !ok {
		return doubt
	}
	return says(map[string]bool{"equals": order == 0, "lessthan": order < 0, "lessthanequals": order <= 0,
		"greaterthan": order > 0, "greaterthanequals": order >= 0}[operator])
}

func (n *naive) compareARN(variables bool, wanted, value string) string {
	parts := strings.SplitN(value, ":", 6)
	switch {
	case len(parts) < 6 || parts[0] != "arn":
		return doubt
	case wanted == "*":
		return "yes"
	}
	if variables && naiveOneVariable.MatchString(wanted) { // one that holds a whole ARN
		if text, ok := n.expand(wanted, true, true); ok && wild(text, value) {
			return "yes"
		}
		return "no"
	}
	patterns := naiveSplit(wanted, variables)
	if len(patterns) != 6 {
		return "no"
	}
	for i := range parts {
		if text, ok := n.expand(patterns[i], variables, true); !ok || !wild(text, parts[i]) {
			return "no"
		}
	}
	return "yes"
}

func naiveNumbers(a, b string) (int, bool) {
	if !naiveNumber.MatchString(a) || !naiveNumber.MatchString(b) {
		return 0, false
	}
	x, _ := new(big.Rat).SetString(a)
	y, _ := new(big.Rat).SetString(b)
	return x.Cmp(y), true
}

func naiveDates(a, b string) (int, bool) {
	x, okX := naiveDate(a)
	y, okY := naiveDate(b)
	return x.Compare(y), okX && okY
}

func naiveDate(s string) (time.Time, bool) {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", time.RFC3339Nano, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if naiveEpoch.MatchString(s) {
		n, _ := new(big.Int).SetString(s, 10)
		return time.Unix(n.Int64(), 0), true
	}
	return time.Time{}, false
}

// token is a character of a pattern.
type token struct {
	character rune
	wildcard  bool
}

func plainTokens(s string) []token {
	var tokens []token
	for _, c := range s {
		tokens = append(tokens, token{c, c == '*' || c == '?'})
	}
	return tokens
}

func literal(tokens []token) string {
	var s strings.Builder
	for _, t := range tokens {
		s.WriteRune(t.character)
	}
	return s.String()
}

// expand reads a pattern and puts the values of its variables in; false means that one has none.
func (n *naive) expand(s string, variables, wildcards bool) ([]token, bool) {
	var tokens []token
	for s != "" {
		if !variables || !strings.HasPrefix(s, "${") {
			c := []rune(s)[0]
			tokens = append(tokens, token{c, wildcards && (c == '*' || c == '?')})
			s = s[len(string(c)):]
			continue
		}
		name, rest, closed := strings.Cut(s[2:], "}")
		s = rest
		value, known := name, true
		if name != "*" && name != "?" && name != "$" || !closed {
			value, known = n.variable(name)
			known = known && closed
		}
		if !known {
			return nil, false
		}
		for _, c := range value {
			tokens = append(tokens, token{c, false})
		}
	}
	return tokens, true
}

func (n *naive) variable(name string) (string, bool) {
	form := naiveVariable.FindStringSubmatch(name)
	if form == nil {
		return "", false
	}
	if v, found := n.keys[strings.ToLower(form[1])]; found {
		if s, single := v.Single(); single && s != "" {
			return s, true
		}
	}
	return form[3], form[2] != ""
}

// wild says whether a subject fits a pattern, for each of its characters.
func wild(pattern []token, s string) bool {
	subject := []rune(s)
	fits, next := make([]bool, len(subject)+1), make([]bool, len(subject)+1) // the pattern so far, and so many characters
	fits[0] = true
	for _, t := range pattern {
		for i := range next {
			if t.wildcard && t.character == '*' {
				next[i] = fits[i] || i > 0 && next[i-1]
			} else {
				next[i] = i > 0 && fits[i-1] && (t.wildcard || t.character == subject[i-1])
			}
		}
		fits, next = next, fits
	}
	return fits[len(subject)]
}
