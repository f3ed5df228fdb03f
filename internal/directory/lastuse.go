package directory

import (
	"iter"
	"time"

	"github.com/stint-sts/stint/arn"
)

// LastUse is when, where and for what an access key or a role's session was last used. It is a record of its own, so that
// writing it down moves nothing that a change could depend on.
type LastUse struct {
	Meta
	Account arn.AccountID `json:"account"`
	// ID is the access key's or the unique id of the role.
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	Region  string    `json:"region"`
}

// Key implements Entity.
func (u *LastUse) Key() Key { return Key{u.Account, KindLastUse, u.ID} }

// LastUse returns the last use of an access key or role that the store knows of.
func (v *View) LastUse(account arn.AccountID, id string) (*LastUse, bool) {
	return get[*LastUse](v, Key{account, KindLastUse, id})
}

// LastUses yields the last uses in an account by id.
func (v *View) LastUses(account arn.AccountID) iter.Seq[*LastUse] {
	return all[*LastUse](v, account, KindLastUse)
}
