package directory

import "strings"

// Counts counts the entities by kind. It looks at every one.
func (v *View) Counts() map[Kind]int {
	counts := make(map[Kind]int)
	v.entities.tree.Ascend(func(it item[Entity]) bool {
		_, rest, _ := strings.Cut(it.key, "/")
		kind, _, _ := strings.Cut(rest, "/")
		counts[Kind(kind)]++
		return true
	})
	return counts
}
