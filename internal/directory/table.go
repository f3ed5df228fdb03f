package directory

import (
	"iter"
	"strings"

	"github.com/google/btree"
)

type item[V any] struct {
	key   string
	value V
}

// table is an ordered map whose copies share what they have in common: a View and the next differ by a few nodes. A table in
// a View is only read; Apply works on clones, which are taken one at a time.
type table[V any] struct{ tree *btree.BTreeG[item[V]] }

func newTable[V any]() table[V] {
	return table[V]{btree.NewG(32, func(a, b item[V]) bool { return a.key < b.key })}
}

func (t table[V]) clone() table[V] { return table[V]{t.tree.Clone()} }

func (t table[V]) get(key string) (V, bool) {
	it, ok := t.tree.Get(item[V]{key: key})
	return it.value, ok
}

func (t table[V]) set(key string, value V) { t.tree.ReplaceOrInsert(item[V]{key, value}) }

func (t table[V]) remove(key string) { t.tree.Delete(item[V]{key: key}) }

func (t table[V]) len() int { return t.tree.Len() }

// from yields the values whose keys begin with prefix, in order of their keys.
func (t table[V]) from(prefix string) iter.Seq[V] { return t.onward(prefix, "") }

// onward is from without the keys before that of prefix and first.
func (t table[V]) onward(prefix, first string) iter.Seq[V] {
	return func(yield func(V) bool) {
		t.tree.AscendGreaterOrEqual(item[V]{key: prefix + first}, func(it item[V]) bool {
			return strings.HasPrefix(it.key, prefix) && yield(it.value)
		})
	}
}
