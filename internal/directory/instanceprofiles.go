package directory

import (
	"iter"
	"time"

	"github.com/stint-sts/stint/arn"
)

// InstanceProfile is what machines name to get a role.
type InstanceProfile struct {
	Meta
	Account arn.AccountID `json:"account"`
	Name    string        `json:"name"`
	Path    string        `json:"path"`
	ID      string        `json:"id"`
	ARN     string        `json:"arn"`
	Created time.Time     `json:"created"`
	// RoleID is the unique id of its role (AROA…), or empty.
	RoleID string `json:"role_id,omitempty"`
	Tags   []Tag  `json:"tags,omitempty"`
}

// Key implements Entity.
func (p *InstanceProfile) Key() Key { return Key{p.Account, KindInstanceProfile, FoldName(p.Name)} }

// InstanceProfile returns an instance profile by name, without regard to case.
func (v *View) InstanceProfile(account arn.AccountID, name string) (*InstanceProfile, bool) {
	return get[*InstanceProfile](v, Key{account, KindInstanceProfile, FoldName(name)})
}

// InstanceProfiles yields the account's instance profiles by name.
func (v *View) InstanceProfiles(account arn.AccountID) iter.Seq[*InstanceProfile] {
	return all[*InstanceProfile](v, account, KindInstanceProfile)
}

// InstanceProfilesOf yields the instance profiles that hold a role, by name.
func (v *View) InstanceProfilesOf(r *Role) iter.Seq[*InstanceProfile] {
	return v.profiles.from(r.ID + "/")
}

// RoleOf returns the role of an instance profile, if it has one.
func (v *View) RoleOf(p *InstanceProfile) (*Role, bool) {
	e, ok := v.ids.get(p.RoleID)
	if !ok {
		return nil, false
	}
	r, ok := e.(*Role)
	return r, ok && r.Account == p.Account
}
