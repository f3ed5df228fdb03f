package policy

// holds says whether the condition is met. What AWS leaves open is decided against the caller: it holds in a Deny and does not
// hold in an Allow.
func (c *condition) holds(ctx Context) bool {
	if c.operator.comparison == compareUnknown {
		return c.deny
	}
	value, found := ctx.Lookup(c.key)
	if c.operator.comparison == compareNull {
		return c.nullHolds(found && value.len() > 0)
	}
	if !found || value.len() == 0 {
		return c.absentHolds()
	}
	switch c.operator.quantifier {
	case forAllValues:
		return isEmpty(value) || c.every(value, ctx)
	case forAnyValue:
		return c.some(value, ctx)
	}
	if !value.multi {
		return c.valueHolds(value.one, ctx)
	}
	// AWS asks for a set operator with a multivalued key and does not say what happens without one.
	if c.deny {
		return c.some(value, ctx)
	}
	return c.every(value, ctx)
}

// isEmpty says whether a value is what ForAllValues takes for a null data set: no values, or only empty ones [OPS].
func isEmpty(v Value) bool {
	for i := range v.len() {
		if v.at(i) != "" {
			return false
		}
	}
	return true
}

func (c *condition) nullHolds(present bool) bool {
	for i := range c.operands {
		if !c.operands[i].readable {
			return c.deny
		}
		if c.operands[i].truth != present {
			return true
		}
	}
	return false
}

// absentHolds is the outcome for a key that the request does not have.
func (c *condition) absentHolds() bool {
	switch {
	case c.operator.ifExists || c.operator.quantifier == forAllValues:
		return true
	case c.operator.quantifier == forAnyValue:
		return false
	}
	return c.operator.negated
}

func (c *condition) every(v Value, ctx Context) bool {
	for i := range v.len() {
		if !c.valueHolds(v.at(i), ctx) {
			return false
		}
	}
	return true
}

func (c *condition) some(v Value, ctx Context) bool {
	for i := range v.len() {
		if c.valueHolds(v.at(i), ctx) {
			return true
		}
	}
	return false
}

// valueHolds decides for one value of the request, so that negation is inside the quantifier (advisory 44): a positive
// operator holds if any value of the policy matches, a negated one if none does.
func (c *condition) valueHolds(value string, ctx Context) bool {
	result := no
	for i := range c.operands {
		switch c.operator.compare(&c.operands[i], value, ctx) {
		case yes:
			return !c.operator.negated
		case unclear:
			result = unclear
		}
	}
	if !c.operator.negated {
		return false
	}
	return result == no || c.deny
}
