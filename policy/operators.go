package policy

import (
	"bytes"
	"encoding/base64"
	"net/netip"
	"strings"
)

// comparison is what an operator does with one value of the policy and one of the request, apart from negation.
type comparison uint8

const (
	compareUnknown comparison = iota
	compareString
	compareFolded
	compareLike
	compareARN
	compareNumber
	compareDate
	compareBool
	compareIP
	compareBinary
	compareNull
)

// relation is how numbers and dates are compared.
type relation uint8

const (
	equal relation = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

func (r relation) holds(order int) bool {
	switch r {
	case less:
		return order < 0
	case lessOrEqual:
		return order <= 0
	case greater:
		return order > 0
	case greaterOrEqual:
		return order >= 0
	}
	return order == 0
}

// quantifier is the set operator before a condition operator.
type quantifier uint8

const (
	unquantified quantifier = iota
	forAllValues
	forAnyValue
)

// operator is a condition operator, taken apart.
type operator struct {
	comparison comparison
	relation   relation
	negated    bool
	ifExists   bool
	quantifier quantifier
}

// baseOperator gives the operator of a name without quantifier and IfExists, in lower case; the sources are [OPS].
func baseOperator(name string) (operator, bool) {
	switch name {
	case "stringequals":
		return operator{comparison: compareString}, true
	case "stringnotequals":
		return operator{comparison: compareString, negated: true}, true
	case "stringequalsignorecase":
		return operator{comparison: compareFolded}, true
	case "stringnotequalsignorecase":
		return operator{comparison: compareFolded, negated: true}, true
	case "stringlike":
		return operator{comparison: compareLike}, true
	case "stringnotlike":
		return operator{comparison: compareLike, negated: true}, true
	case "arnequals", "arnlike":
		return operator{comparison: compareARN}, true
	case "arnnotequals", "arnnotlike":
		return operator{comparison: compareARN, negated: true}, true
	case "bool":
		return operator{comparison: compareBool}, true
	case "binaryequals":
		return operator{comparison: compareBinary}, true
	case "ipaddress":
		return operator{comparison: compareIP}, true
	case "notipaddress":
		return operator{comparison: compareIP, negated: true}, true
	case "null":
		return operator{comparison: compareNull}, true
	}
	if rest, found := strings.CutPrefix(name, "numeric"); found {
		return orderedOperator(compareNumber, rest)
	}
	if rest, found := strings.CutPrefix(name, "date"); found {
		return orderedOperator(compareDate, rest)
	}
	return operator{}, false
}

func orderedOperator(c comparison, relationName string) (operator, bool) {
	switch relationName {
	case "equals":
		return operator{comparison: c}, true
	case "notequals":
		return operator{comparison: c, negated: true}, true
	case "lessthan":
		return operator{comparison: c, relation: less}, true
	case "lessthanequals":
		return operator{comparison: c, relation: lessOrEqual}, true
	case "greaterthan":
		return operator{comparison: c, relation: greater}, true
	case "greaterthanequals":
		return operator{comparison: c, relation: greaterOrEqual}, true
	}
	return operator{}, false
}

// parseOperator takes an operator's name apart. False means that there is no such operator.
func parseOperator(name string) (operator, bool) {
	name = strings.ToLower(name)
	quantified := unquantified
	if rest, found := strings.CutPrefix(name, "forallvalues:"); found {
		name, quantified = rest, forAllValues
	} else if rest, found := strings.CutPrefix(name, "foranyvalue:"); found {
		name, quantified = rest, forAnyValue
	}
	name, ifExists := strings.CutSuffix(name, "ifexists")
	op, found := baseOperator(name)
	if !found || op.comparison == compareNull && (ifExists || quantified != unquantified) {
		return operator{}, false
	}
	op.ifExists, op.quantifier = ifExists, quantified
	return op, true
}

// answer is what comparing two values comes to. Unclear means that one of them could not be read as what the operator
// compares.
type answer uint8

const (
	no answer = iota
	yes
	unclear
)

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

// operand is one value of a condition, read for its operator. Which members are set depends on the comparison.
type operand struct {
	readable bool
	text     pattern // compareString, compareLike
	plain    string  // compareBinary: canonical base64
	arn      arnPattern
	number   decimal
	date     instant
	truth    bool // compareBool, compareNull
	prefix   netip.Prefix
}

func compileOperand(c comparison, text string, variables bool) operand {
	o := operand{readable: true}
	switch c {
	case compareString, compareFolded:
		o.text = compilePattern(text, encoding{variables: variables})
	case compareLike:
		o.text = compilePattern(text, encoding{wildcards: true, variables: variables})
	case compareARN:
		o.arn = compileARN(text, variables)
	case compareNumber:
		o.number, o.readable = parseDecimal(text)
	case compareDate:
		o.date, o.readable = parseInstant(text)
	case compareBool, compareNull:
		o.truth, o.readable = parseBool(text)
	case compareIP:
		o.prefix, o.readable = parsePrefix(text)
	case compareBinary:
		data, err := base64.StdEncoding.DecodeString(text)
		o.plain, o.readable = base64.StdEncoding.EncodeToString(data), err == nil
	}
	return o
}

// compare answers for one value of the request. A variable without a value never matches.
func (op *operator) compare(o *operand, value string, ctx Context) answer {
	if !o.readable {
		return unclear
	}
	switch op.comparison {
	case compareString, compareLike:
		matched, _ := o.text.match(value, ctx)
		return answerOf(matched)
	case compareFolded:
		return answerOf(o.text.equalFold(value, ctx))
	case compareARN:
		return o.arn.match(value, ctx)
	case compareNumber:
		n, ok := parseDecimal(value)
		return ordered(op.relation, n.compare(o.number), ok)
	case compareDate:
		d, ok := parseInstant(value)
		return ordered(op.relation, d.compare(o.date), ok)
	case compareBool:
		b, ok := parseBool(value)
		return ordered(equal, boolOrder(b, o.truth), ok)
	case compareIP:
		addr, err := netip.ParseAddr(value)
		if err != nil || addr.Zone() != "" {
			return unclear
		}
		return answerOf(o.prefix.Contains(addr.Unmap()))
	}
	return answerOf(o.plain == value) // compareBinary; compareNull looks at no values
}

func ordered(r relation, order int, readable bool) answer {
	if !readable {
		return unclear
	}
	return answerOf(r.holds(order))
}

func boolOrder(a, b bool) int {
	if a == b {
		return 0
	}
	return 1
}

// equalFold compares without case. The pattern has no wildcards.
func (p *pattern) equalFold(s string, ctx Context) bool {
	if p.parts == nil {
		return bytes.EqualFold(p.glob.pattern, []byte(s))
	}
	var room [roomForText]byte
	text, resolved := p.resolve(room[:0], ctx)
	return resolved && bytes.EqualFold(text, []byte(s))
}
