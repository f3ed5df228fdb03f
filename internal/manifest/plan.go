package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

// Options are what a plan depends on besides file and view.
type Options struct {
	Now    time.Time
	Random io.Reader // for unique ids and generated keys
	// Prune deletes the users, groups, roles, policies, providers and devices that the accounts of the file have and the file
	// does not list, and the access keys that are not in a list of access keys. What the file leaves out of an entity that it
	// lists stays as it is even then.
	Prune bool
}

// Plan brings a directory to what a file says.
type Plan struct {
	// Change has deletions first, then what others refer to before those who refer to it. It may be larger than one
	// transaction.
	Change *directory.Change
	// Generated are keys that the file left out: they are to be shown once the change is made, and never again.
	Generated []GeneratedKey
	Summary   Summary
}

// GeneratedKey is an access key that a plan makes.
type GeneratedKey struct {
	Account arn.AccountID
	User    string // empty for root
	ID      string
	Secret  secret.Key
}

// Summary counts what a plan does to entities. Lines has one line for each that is not left as it is.
type Summary struct {
	Created, Updated, Unchanged, Pruned int
	Lines                               []string
}

// Empty reports whether the directory is already as the file says.
func (p *Plan) Empty() bool { return len(p.Change.Writes) == 0 }

// Plan derives the change from a view. It checks everything that the file refers to, and fails as a whole.
func (f *File) Plan(v *directory.View, o Options) (*Plan, error) {
	p := newPlanner(f.name, v, o)
	for _, a := range f.accounts {
		p.shells(a)
	}
	if o.Prune {
		for _, a := range f.accounts {
			p.prune(a.id)
		}
	}
	for _, a := range f.accounts {
		p.fill(a)
	}
	p.organize(f)
	if err := errors.Join(p.problems.err(), p.failure); err != nil {
		return nil, fmt.Errorf("planning: %w", err)
	}
	p.emit()
	return p.plan, nil
}

// planner knows what will be there when the plan is made.
type planner struct {
	problems
	Options
	view *directory.View
	plan *Plan
	// next are the entities of the file as they are to be, order the keys in the order of writing.
	next  map[directory.Key]directory.Entity
	order []directory.Key
	// pruned are the keys that go.
	pruned map[directory.Key]directory.Entity
	gone   []directory.Key
	// lostPolicies are the ARNs of the managed policies among them.
	lostPolicies map[string]bool
	// ids are the unique ids and access key ids that this plan makes.
	ids     map[string]bool
	failure error // of the source of randomness
}

func newPlanner(file string, v *directory.View, o Options) *planner {
	o.Now = o.Now.UTC().Truncate(time.Second) // IAM shows whole seconds
	return &planner{
		problems: problems{file: file},
		Options:  o,
		view:     v,
		plan:     &Plan{Change: new(directory.Change)},
		next:     make(map[directory.Key]directory.Entity),
		pruned:   make(map[directory.Key]directory.Entity),
		ids:      make(map[string]bool),

		lostPolicies: make(map[string]bool),
	}
}

// put adds an entity to what is to be.
func (p *planner) put(e directory.Entity) {
	p.next[e.Key()] = e
	p.order = append(p.order, e.Key())
}

// existing returns what the view has under the key of an entity to be.
func existing[E directory.Entity](p *planner, k directory.Key) (E, bool) {
	e, ok := p.view.Get(k)
	typed, ok2 := e.(E)
	return typed, ok && ok2
}

// lasting returns the entity that will be under a key.
func (p *planner) lasting(k directory.Key) (directory.Entity, bool) {
	if e, ok := p.next[k]; ok {
		return e, true
	}
	if _, gone := p.pruned[k]; gone {
		return nil, false
	}
	return p.view.Get(k)
}

// rely makes the change depend on an entity that it refers to and does not write.
func (p *planner) rely(e directory.Entity) {
	if _, written := p.next[e.Key()]; !written && e.Key().Account != directory.AWSAccount {
		p.plan.Change.Require(e)
	}
}

// emit puts what differs into the change.
func (p *planner) emit() {
	s, c := &p.plan.Summary, p.plan.Change
	for _, k := range p.gone {
		c.Delete(p.pruned[k])
		s.Pruned++
		s.Lines = append(s.Lines, "delete "+describe(k))
	}
	for _, k := range p.order {
		e := p.next[k]
		old, ok := p.view.Get(k)
		switch {
		case !ok:
			s.Created++
			s.Lines = append(s.Lines, "create "+describe(k))
		case same(old, e):
			s.Unchanged++
			continue
		default:
			s.Updated++
			s.Lines = append(s.Lines, "update "+describe(k))
		}
		c.Put(e)
	}
}

func describe(k directory.Key) string {
	kind := strings.ReplaceAll(string(k.Kind), "-", " ")
	if k.Account == directory.Global || k.Kind == directory.KindAccount {
		return kind + " " + k.Name
	}
	return kind + " " + string(k.Account) + "/" + k.Name
}

// same compares two entities of one kind by their records and their secrets.
func same(a, b directory.Entity) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	if errX != nil || errY != nil || !bytes.Equal(x, y) || len(a.Secrets()) != len(b.Secrets()) {
		return false
	}
	other := b.Secrets()
	for i, s := range a.Secrets() {
		if !s.Key.Equal(other[i].Key) {
			return false
		}
	}
	return true
}

// newID makes an id that nobody has.
func (p *planner) newID(prefix arn.Prefix, account arn.AccountID) string {
	for p.failure == nil {
		id, err := arn.NewID(prefix, account, p.Random)
		if err != nil {
			p.failure = err
			return ""
		}
		_, taken := p.view.ByID(id)
		_, takenKey := p.view.AccessKey(id)
		if !taken && !takenKey && !p.ids[id] {
			p.ids[id] = true
			return id
		}
	}
	return ""
}
