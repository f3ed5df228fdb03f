package iam

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"iter"
	"slices"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
)

const (
	defaultItems = 100 // API, MaxItems
	bindingSize  = 16
	// longestKey fits into a marker beside the binding.
	longestKey = 160
)

// page is the part of a list that a request asks for: size elements after the one with the key.
type page struct {
	sealer  *session.Sealer
	view    *directory.View
	binding []byte
	after   string
	size    int
}

// page reads Marker and MaxItems. A marker is sealed, so that it is one that this deployment gave, and bound to the account,
// the operation and what the list is about: any other is refused (advisory 138).
func (s *Service) page(v *directory.View, req *identity.Request, marker *string, size *int32, about ...string) (*page, error) {
	p := &page{sealer: s.Sealer, view: v, binding: binding(req, about), size: defaultItems}
	if size != nil {
		p.size = int(*size)
	}
	if marker == nil {
		return p, nil
	}
	invalid := identity.NewFault(identity.ValidationError, "Invalid Marker.")
	plain, err := s.Sealer.OpenMessage(v, session.PaginationMarker, *marker)
	if err != nil {
		return nil, invalid.Because(err)
	}
	if len(plain) <= bindingSize || subtle.ConstantTimeCompare(plain[:bindingSize], p.binding) != 1 {
		return nil, invalid
	}
	p.after = string(plain[bindingSize:])
	return p, nil
}

func binding(req *identity.Request, about []string) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q", append([]string{string(req.Caller.Account)}, about...))
	return h.Sum(nil)[:bindingSize]
}

// listed is one page.
type listed[Out any] struct {
	items     []Out
	truncated *bool
	marker    *string
}

// list takes a page out of items that come in ascending order of their keys, of which none is empty.
func list[T, Out any](p *page, items iter.Seq[T], key func(T) string, show func(T) Out) (listed[Out], error) {
	out := listed[Out]{items: []Out{}, truncated: new(false)}
	last := ""
	for item := range items {
		k := key(item)
		if p.after != "" && k <= p.after {
			continue
		}
		if len(out.items) == p.size {
			marker, err := p.sealer.SealMessage(p.view, session.PaginationMarker, append(slices.Clip(p.binding), last...))
			if err != nil {
				return listed[Out]{}, fmt.Errorf("making a marker: %w", err)
			}
			out.truncated, out.marker = new(true), &marker
			return out, nil
		}
		out.items = append(out.items, show(item))
		last = k
	}
	return out, nil
}

// sorted yields items in order of their keys.
func sorted[T any](items []T, key func(T) string) iter.Seq[T] {
	return slices.Values(slices.SortedFunc(slices.Values(items), func(a, b T) int { return cmp.Compare(key(a), key(b)) }))
}

// only yields the items to keep.
func only[T any](items iter.Seq[T], keep func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		for item := range items {
			if keep(item) && !yield(item) {
				return
			}
		}
	}
}

// count counts items.
func count[T any](items iter.Seq[T]) (n int) {
	for range items {
		n++
	}
	return n
}

// present makes a list that an answer has even when it is empty.
func present[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// bounded makes a key that fits into a marker: of a long one the beginning, and a digest that keeps it apart from others.
func bounded(key string) string {
	if len(key) <= longestKey {
		return key
	}
	digest := sha256.Sum256([]byte(key))
	return key[:longestKey-bindingSize] + string(digest[:bindingSize])
}
