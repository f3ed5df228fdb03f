package organizations

import (
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
	defaultResults = 20 // the most that the model allows
	bindingSize    = 16
)

// page is the part of a list that a request asks for: size elements after the one with the key.
type page struct {
	sealer  *session.Sealer
	view    *directory.View
	binding []byte
	after   string
	size    int
}

// page reads NextToken and MaxResults. A token is sealed, so that it is one that this deployment gave, and bound to the account,
// the operation and what the list is about: any other is refused.
func (s *Service) page(v *directory.View, req *identity.Request, token *string, size *int32, about ...string) (*page, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q", append([]string{"organizations", string(req.Caller.Account)}, about...))
	p := &page{sealer: s.Sealer, view: v, binding: h.Sum(nil)[:bindingSize], size: defaultResults}
	if size != nil {
		p.size = int(*size)
	}
	if token == nil {
		return p, nil
	}
	plain, err := s.Sealer.OpenMessage(v, session.PaginationMarker, *token)
	if err != nil {
		return nil, invalidToken.Because(err)
	}
	if len(plain) <= bindingSize || subtle.ConstantTimeCompare(plain[:bindingSize], p.binding) != 1 {
		return nil, invalidToken
	}
	p.after = string(plain[bindingSize:])
	return p, nil
}

// list takes a page out of items that come in ascending order of their keys, of which none is empty. next is nil at the end.
func list[T, Out any](p *page, items iter.Seq[T], key func(T) string, show func(T) Out) (out []Out, next *string, err error) {
	out = []Out{}
	last := ""
	for item := range items {
		k := key(item)
		if p.after != "" && k <= p.after {
			continue
		}
		if len(out) == p.size {
			token, err := p.sealer.SealMessage(p.view, session.PaginationMarker, append(slices.Clip(p.binding), last...))
			if err != nil {
				return nil, nil, fmt.Errorf("making a token: %w", err)
			}
			return out, &token, nil
		}
		out = append(out, show(item))
		last = k
	}
	return out, nil, nil
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
