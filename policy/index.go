package policy

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
)

// index finds the statements that a request may match without looking at the others. Every pattern begins with literal text, be
// it empty: a statement can match only if the request's action begins as one of its action patterns does and the resource as
// one of its resource patterns does. What the index finds is still examined in full; it leaves out only what cannot match.
type index struct {
	actions, resources prefixes
}

// indexFrom is the number of statements from which an index is worth its look-ups.
const indexFrom = 8

func newIndex(statements []statement) *index {
	if len(statements) < indexFrom {
		return nil
	}
	var actions, resources []prefix
	for i := range statements {
		st := &statements[i]
		for j := range st.actions {
			actions = append(actions, prefix{st.actions[j].prefix(), i})
		}
		if st.actions == nil {
			actions = append(actions, prefix{"", i})
		}
		for j := range st.resources {
			resources = append(resources, prefix{st.resources[j].prefix(), i})
		}
		if st.resources == nil {
			resources = append(resources, prefix{"", i})
		}
	}
	return &index{
		actions:   newPrefixes(actions, len(statements), folded),
		resources: newPrefixes(resources, len(statements), exact),
	}
}

// few is the number of statements up to which it is cheaper to examine them all than to look which have the resource.
const few = 2

// find gives two sets of bits; the statements that are in both may match.
func (x *index) find(action, resource string) (set, other []uint64) {
	set = x.actions.find(action)
	if atMost(set, few) {
		return set, set
	}
	return set, x.resources.find(resource)
}

func atMost(set []uint64, n int) bool {
	for _, word := range set {
		n -= bits.OnesCount64(word)
	}
	return n >= 0
}

// prefix says that a statement has a pattern that begins with the text.
type prefix struct {
	text      string
	statement int
}

// prefixes finds all statements of which a pattern begins as a given text does.
type prefixes struct {
	fold  comparer
	words int // of a set
	// nodes are in the order of their texts, which differ; the first is the empty text.
	nodes []node
	// sets holds, for each node, the statements of its text and of all texts that it begins with.
	sets []uint64
}

type node struct {
	text   string
	parent int // the longest other text that this one begins with
}

func newPrefixes(list []prefix, statements int, fold comparer) prefixes {
	list = append(list, prefix{text: "", statement: -1})
	slices.SortFunc(list, func(a, b prefix) int {
		return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.statement, b.statement))
	})
	p := prefixes{fold: fold, words: (statements + wordBits - 1) / wordBits}
	for _, entry := range list {
		last := len(p.nodes) - 1
		if last < 0 || p.nodes[last].text != entry.text {
			p.add(entry.text, last)
		}
		if i := entry.statement; i >= 0 {
			p.set(len(p.nodes) - 1)[i/wordBits] |= 1 << (i % wordBits)
		}
	}
	return p
}

// add appends a node. The one before it, or one of that one's ancestors, is its parent.
func (p *prefixes) add(text string, parent int) {
	for parent > 0 && !strings.HasPrefix(text, p.nodes[parent].text) {
		parent = p.nodes[parent].parent
	}
	p.nodes = append(p.nodes, node{text, parent})
	if parent < 0 {
		p.sets = make([]uint64, p.words)
		return
	}
	p.sets = append(p.sets, p.set(parent)...)
}

func (p *prefixes) set(node int) []uint64 { return p.sets[node*p.words : (node+1)*p.words] }

// find gives the statements, as a set of bits. Of all texts that s begins with, the longest is the last one that is not after s,
// or an ancestor of it.
func (p *prefixes) find(s string) []uint64 {
	low, high := 1, len(p.nodes) // the first text is never after s
	for low < high {
		if middle := (low + high) / 2; p.fold.after(p.nodes[middle].text, s) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	i := low - 1
	for i > 0 && !p.fold.beginsWith(s, p.nodes[i].text) {
		i = p.nodes[i].parent
	}
	return p.set(i)
}
