package wire

import (
	"strconv"

	"github.com/stint-sts/stint/internal/identity"
)

const (
	maxQuoted   = 16 << 10 // bytes of one value that a refusal quotes; AWS quotes it whole
	maxRefusals = 64 << 10 // bytes of all clauses that are printed; the rest is only counted
)

// path is where a nested structure stands, printed only when something in it is refused.
type path struct {
	up    *path
	name  string
	index int // of a list's member, from 1; 0 for a structure that is in no list
}

func (p *path) append(dst []byte) []byte {
	if p == nil {
		return dst
	}
	dst = p.up.append(dst)
	dst = append(dst, lowerFirst(p.name)...)
	dst = append(dst, '.')
	if p.index > 0 {
		dst = strconv.AppendInt(dst, int64(p.index), 10)
		dst = append(dst, ".member."...)
	}
	return dst
}

// refusals are the broken constraints of one request.
type refusals struct {
	clauses  []byte
	count    int
	sentence string
}

func (r *refusals) null(p *path, name string) { r.clause("Value null at '", p, name, "not be null") }

// add records a broken constraint. An empty name is the member of a list that p points at.
func (r *refusals) add(p *path, name, value string, silent bool, constraint string) {
	if silent {
		r.clause("Value at '", p, name, constraint)
		return
	}
	if len(value) > maxQuoted {
		value = truncate(value, maxQuoted)
	}
	r.clause("Value '"+value+"' at '", p, name, constraint)
}

func (r *refusals) clause(value string, p *path, name, constraint string) {
	r.count++
	if len(r.clauses) > maxRefusals {
		return
	}
	if r.count > 1 {
		r.clauses = append(r.clauses, "; "...)
	}
	r.clauses = append(r.clauses, value...)
	r.clauses = p.append(r.clauses)
	if name == "" {
		r.clauses = r.clauses[:len(r.clauses)-1] // the dot: the list's member itself
	} else {
		r.clauses = append(r.clauses, lowerFirst(name)...)
	}
	r.clauses = append(r.clauses, "' failed to satisfy constraint: Member must "...)
	r.clauses = append(r.clauses, constraint...)
}

// say records a refusal that stands alone, before all clauses.
func (r *refusals) say(sentence string) {
	if r.sentence == "" {
		r.sentence = sentence
	}
}

func (r *refusals) fault() error {
	switch {
	case r.sentence != "":
		return identity.NewFault(identity.ValidationError, r.sentence)
	case r.count == 0:
		return nil
	}
	errors := " validation errors detected: "
	if r.count == 1 {
		errors = " validation error detected: "
	}
	return identity.NewFault(identity.ValidationError, strconv.Itoa(r.count)+errors+string(r.clauses))
}

// lowerFirst writes a member's name as refusals and CloudTrail do: SAMLAssertion is sAMLAssertion.
func lowerFirst(name string) string {
	if name == "" || name[0] < 'A' || name[0] > 'Z' {
		return name
	}
	return string(name[0]|0x20) + name[1:]
}
