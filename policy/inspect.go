package policy

// Operator is what the name of a condition operator says, for those who look at documents rather than evaluate them.
type Operator struct {
	Compares  Comparison
	Negated   bool
	IfExists  bool
	ForAll    bool // ForAllValues:
	ForAny    bool // ForAnyValue:
	Wildcards bool // * and ? in values are wildcards
}

// Comparison is what an operator takes values for.
type Comparison string

// The comparisons.
const (
	Strings   Comparison = "string"
	Numbers   Comparison = "number"
	Dates     Comparison = "date"
	Booleans  Comparison = "boolean"
	Binaries  Comparison = "binary"
	Addresses Comparison = "IP address"
	ARNs      Comparison = "ARN"
	Presence  Comparison = "presence" // Null
)

var comparisons = [...]Comparison{
	compareString: Strings,
	compareFolded: Strings,
	compareLike:   Strings,
	compareARN:    ARNs,
	compareNumber: Numbers,
	compareDate:   Dates,
	compareBool:   Booleans,
	compareIP:     Addresses,
	compareBinary: Binaries,
	compareNull:   Presence,
}

// ParseOperator takes the name of a condition operator apart. False means that there is no such operator.
func ParseOperator(name string) (Operator, bool) {
	op, known := parseOperator(name)
	if !known {
		return Operator{}, false
	}
	return Operator{
		Compares:  comparisons[op.comparison],
		Negated:   op.negated,
		IfExists:  op.ifExists,
		ForAll:    op.quantifier == forAllValues,
		ForAny:    op.quantifier == forAnyValue,
		Wildcards: op.comparison == compareLike || op.comparison == compareARN,
	}, true
}

// Unreadable lists the values of the condition that its operator cannot take for what it compares, such as "yes" for Bool.
// They match nothing.
func (c *Condition) Unreadable() []string {
	op, known := parseOperator(c.Operator)
	if !known {
		return nil
	}
	var values []string
	for _, v := range c.Values {
		o := compileOperand(op.comparison, v, true)
		if !o.readable || op.comparison == compareARN && o.arn.unmatchable() {
			values = append(values, v)
		}
	}
	return values
}

// unmatchable says whether the pattern lacks components, so that no ARN matches it.
func (p *arnPattern) unmatchable() bool {
	return !p.every && p.whole.parts == nil && len(p.parts) != arnParts
}
