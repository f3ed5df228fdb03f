package policy

// Value is what a condition key is worth in a request: one string, or a set of strings for a multivalued key.
type Value struct {
	one   string
	many  []string
	multi bool
}

// One is the value of a single-valued key.
func One(s string) Value { return Value{one: s} }

// Many is the value of a multivalued key; it may be empty. The slice is kept, not copied.
func Many(ss []string) Value { return Value{many: ss, multi: true} }

// Strings lists the values.
func (v Value) Strings() []string {
	if v.multi {
		return v.many
	}
	return []string{v.one}
}

// Single gives the value of a single-valued key. False means that the key is multivalued.
func (v Value) Single() (string, bool) { return v.one, !v.multi }

func (v Value) len() int {
	if v.multi {
		return len(v.many)
	}
	return 1
}

func (v Value) at(i int) string {
	if v.multi {
		return v.many[i]
	}
	return v.one
}

// Context answers for a request's condition keys. Keys arrive in lower case, the tag key after the slash included, because
// AWS compares key names without case. A key that the request does not have gives false. Lookup must be pure for the duration
// of an evaluation, and is called only when a statement's condition or variable needs the key.
type Context interface {
	Lookup(key string) (Value, bool)
}

// Keys is a Context that is written out; its map keys must be in lower case.
type Keys map[string]Value

// Lookup gives the value of a key.
func (k Keys) Lookup(key string) (Value, bool) {
	v, ok := k[key]
	return v, ok
}
