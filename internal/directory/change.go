package directory

import (
	"time"

	"github.com/stint-sts/stint/arn"
)

// Change is a set of writes together with everything they were derived from. It is committed whole or not at all: if
// anything that was read has changed since, the operation begins anew on the newer View.
type Change struct {
	Guards map[Key]int64 // revision that each key must still have; 0: it must not exist
	Frozen []Range
	Writes []Write
}

// Write puts an entity, or deletes Key when Entity is nil.
type Write struct {
	Key    Key
	Entity Entity
	// TTL, if positive, is how long the entity lasts.
	TTL time.Duration
}

// Range is all entities of one kind in one account, which must not have changed since Revision.
type Range struct {
	Account  arn.AccountID
	Kind     Kind
	Revision int64
}

// Put writes an entity: a new one if it was never stored, else the successor of the revision it was copied from.
func (c *Change) Put(e Entity) {
	c.Require(e)
	c.Writes = append(c.Writes, Write{Key: e.Key(), Entity: e})
}

// PutFor writes an entity that vanishes by itself after ttl.
func (c *Change) PutFor(e Entity, ttl time.Duration) {
	c.Require(e)
	c.Writes = append(c.Writes, Write{Key: e.Key(), Entity: e, TTL: ttl})
}

// Overwrite writes an entity whatever was there before.
func (c *Change) Overwrite(e Entity) {
	c.Writes = append(c.Writes, Write{Key: e.Key(), Entity: e})
}

// Delete removes an entity.
func (c *Change) Delete(e Entity) {
	c.Require(e)
	c.Writes = append(c.Writes, Write{Key: e.Key()})
}

// Require makes the change depend on an entity being as it was read; one never stored must still be absent.
func (c *Change) Require(e Entity) {
	if c.Guards == nil {
		c.Guards = make(map[Key]int64)
	}
	c.Guards[e.Key()] = e.Revision()
}

// Freeze makes the change depend on no entity of the kind in the account having been written since the view: what a
// deletion needs that must leave no reference behind.
func (c *Change) Freeze(v *View, account arn.AccountID, kinds ...Kind) {
	for _, k := range kinds {
		c.Frozen = append(c.Frozen, Range{account, k, v.Revision()})
	}
}
