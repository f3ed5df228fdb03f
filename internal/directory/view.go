package directory

import (
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/stint-sts/stint/arn"
)

// View is the directory at one revision. It is immutable: any number of goroutines read it without a lock, and a request
// keeps the one it began with.
type View struct {
	cloning sync.Mutex // held while Apply copies the tables: copying marks the original's nodes as shared

	partition arn.Partition
	revision  int64
	entities  table[Entity] // by Key.String
	// Derived from entities, so that no request searches:
	accounts   table[*Account]
	accessKeys table[KeyOwner] // by access key id
	ids        table[Entity]   // users, groups, roles, managed policies, instance profiles and server certificates by unique id
	roles      table[*Role]    // by ARN
	members    table[*User]    // by group id / folded user name
	devices    table[*Device]  // by owner's id / serial number
	attached   table[int]      // attachments by policy ARN
	boundaries table[int]      // uses as permissions boundary by policy ARN
	// standings are the organization's accounts; nobody alters the map, which Views share until the organization changes.
	standings map[arn.AccountID]*Standing

	delegations      table[*DelegationRequest] // by id
	ownedDelegations table[*DelegationRequest] // by the owner's account / id, of those that have an owner

	profiles table[*InstanceProfile] // by the role's id / folded profile name

	issuers table[*Account] // by the id of their own token issuer
}

// KeyOwner is what an access key id leads to: the key and the user, or the account whose root it belongs to.
type KeyOwner struct {
	Key     *AccessKey
	User    *User
	Account *Account
}

// Event is a change of the store as it happened: Entity is nil when Key was deleted.
type Event struct {
	Key    Key
	Entity Entity
}

// NewView returns the directory of a partition as it is before anyone wrote to it: the AWS-managed policies alone, the given ones
// of [ReadManaged] among them. One that has the name of a built-in policy takes its place.
func NewView(partition arn.Partition, managed ...*ManagedPolicy) *View {
	v := &View{
		partition:  partition,
		entities:   newTable[Entity](),
		accounts:   newTable[*Account](),
		accessKeys: newTable[KeyOwner](),
		ids:        newTable[Entity](),
		roles:      newTable[*Role](),
		members:    newTable[*User](),
		devices:    newTable[*Device](),
		attached:   newTable[int](),
		boundaries: newTable[int](),

		delegations:      newTable[*DelegationRequest](),
		ownedDelegations: newTable[*DelegationRequest](),
		profiles:         newTable[*InstanceProfile](),
		issuers:          newTable[*Account](),
	}
	for _, p := range append(builtinPolicies(partition), managed...) {
		key := p.Key().String()
		if replaced, ok := v.entities.get(key); ok {
			v.unindex(replaced)
		}
		v.entities.set(key, p)
		v.index(p)
	}
	for _, p := range fullAccess() {
		v.entities.set(p.Key().String(), p)
	}
	return v
}

// Apply returns the View at revision, after events in their order. v stays as it is.
func (v *View) Apply(revision int64, events []Event) *View {
	n := v.clone(revision)
	organization := false
	for _, ev := range events {
		organization = organization || ofOrganization(ev.Key.Kind)
		key := ev.Key.String()
		if old, ok := n.entities.get(key); ok {
			n.unindex(old)
			n.entities.remove(key)
		}
		if ev.Entity != nil {
			n.entities.set(key, ev.Entity)
			n.index(ev.Entity)
		}
	}
	if organization {
		n.standings = n.stand()
	}
	return n
}

func (v *View) clone(revision int64) *View {
	v.cloning.Lock()
	defer v.cloning.Unlock()
	return &View{
		partition:  v.partition,
		revision:   revision,
		entities:   v.entities.clone(),
		accounts:   v.accounts.clone(),
		accessKeys: v.accessKeys.clone(),
		ids:        v.ids.clone(),
		roles:      v.roles.clone(),
		members:    v.members.clone(),
		devices:    v.devices.clone(),
		attached:   v.attached.clone(),
		boundaries: v.boundaries.clone(),
		standings:  v.standings,

		delegations:      v.delegations.clone(),
		ownedDelegations: v.ownedDelegations.clone(),

		profiles: v.profiles.clone(),
		issuers:  v.issuers.clone(),
	}
}

func (v *View) index(e Entity) {
	switch e := e.(type) {
	case *Account:
		v.accounts.set(string(e.ID), e)
		if e.Outbound != nil {
			v.issuers.set(e.Outbound.ID, e)
		}
		for i := range e.RootKeys {
			v.accessKeys.set(e.RootKeys[i].ID, KeyOwner{Key: &e.RootKeys[i], Account: e})
		}
	case *User:
		for i := range e.AccessKeys {
			v.accessKeys.set(e.AccessKeys[i].ID, KeyOwner{Key: &e.AccessKeys[i], User: e})
		}
		for _, g := range e.Groups {
			v.members.set(g+"/"+FoldName(e.Name), e)
		}
		v.ids.set(e.ID, e)
		v.count(e.Attached, e.Boundary, +1)
	case *Group:
		v.ids.set(e.ID, e)
		v.count(e.Attached, "", +1)
	case *Role:
		v.ids.set(e.ID, e)
		v.roles.set(e.ARN, e)
		v.count(e.Attached, e.Boundary, +1)
	case *ManagedPolicy:
		v.ids.set(e.ID, e)
	case *Device:
		if e.UserID != "" {
			v.devices.set(e.UserID+"/"+e.Serial, e)
		}
	case *DelegationRequest:
		v.delegations.set(e.ID, e)
		if e.OwnerARN != "" {
			v.ownedDelegations.set(string(e.OwnerAccount)+"/"+e.ID, e)
		}

	case *InstanceProfile:
		v.ids.set(e.ID, e)
		if e.RoleID != "" {
			v.profiles.set(e.RoleID+"/"+FoldName(e.Name), e)
		}
	case *ServerCertificate:
		v.ids.set(e.ID, e)
	}
}

// unindex takes back what index added, except where another entity has taken the place: the events of a transaction come in
// any order, and a user that is renamed keeps its id and its access keys.
func (v *View) unindex(e Entity) {
	switch e := e.(type) {
	case *Account:
		drop(v.accounts, string(e.ID), e)
		if e.Outbound != nil {
			drop(v.issuers, e.Outbound.ID, e)
		}
		for i := range e.RootKeys {
			drop(v.accessKeys, e.RootKeys[i].ID, KeyOwner{Key: &e.RootKeys[i], Account: e})
		}
	case *User:
		for i := range e.AccessKeys {
			drop(v.accessKeys, e.AccessKeys[i].ID, KeyOwner{Key: &e.AccessKeys[i], User: e})
		}
		for _, g := range e.Groups {
			drop(v.members, g+"/"+FoldName(e.Name), e)
		}
		drop(v.ids, e.ID, Entity(e))
		v.count(e.Attached, e.Boundary, -1)
	case *Group:
		drop(v.ids, e.ID, Entity(e))
		v.count(e.Attached, "", -1)
	case *Role:
		drop(v.ids, e.ID, Entity(e))
		drop(v.roles, e.ARN, e)
		v.count(e.Attached, e.Boundary, -1)
	case *ManagedPolicy:
		drop(v.ids, e.ID, Entity(e))
	case *Device:
		if e.UserID != "" {
			drop(v.devices, e.UserID+"/"+e.Serial, e)
		}
	case *DelegationRequest:
		drop(v.delegations, e.ID, e)
		if e.OwnerARN != "" {
			drop(v.ownedDelegations, string(e.OwnerAccount)+"/"+e.ID, e)
		}

	case *InstanceProfile:
		drop(v.ids, e.ID, Entity(e))
		if e.RoleID != "" {
			drop(v.profiles, e.RoleID+"/"+FoldName(e.Name), e)
		}
	case *ServerCertificate:
		drop(v.ids, e.ID, Entity(e))
	}
}

func drop[V comparable](t table[V], key string, value V) {
	if now, ok := t.get(key); ok && now == value {
		t.remove(key)
	}
}

func (v *View) count(attached []string, boundary string, by int) {
	for _, a := range attached {
		n, _ := v.attached.get(a)
		v.attached.set(a, n+by)
	}
	if boundary != "" {
		n, _ := v.boundaries.get(boundary)
		v.boundaries.set(boundary, n+by)
	}
}

// Partition is the first part of every ARN of this deployment.
func (v *View) Partition() arn.Partition { return v.partition }

// Revision is the store revision that the View shows.
func (v *View) Revision() int64 { return v.revision }

// Get returns any entity.
func (v *View) Get(k Key) (Entity, bool) { return v.entities.get(k.String()) }

func get[E Entity](v *View, k Key) (E, bool) {
	e, ok := v.entities.get(k.String())
	if !ok {
		var none E
		return none, false
	}
	typed, ok := e.(E)
	return typed, ok
}

func all[E Entity](v *View, account arn.AccountID, kind Kind) iter.Seq[E] {
	return onward[E](v, account, kind, "")
}

func onward[E Entity](v *View, account arn.AccountID, kind Kind, first string) iter.Seq[E] {
	return func(yield func(E) bool) {
		for e := range v.entities.onward(Key{account, kind, ""}.String(), first) {
			if !yield(e.(E)) {
				return
			}
		}
	}
}

// Account returns an account of this deployment.
func (v *View) Account(id arn.AccountID) (*Account, bool) {
	return v.accounts.get(string(id))
}

// User returns a user by name, without regard to case.
func (v *View) User(account arn.AccountID, name string) (*User, bool) {
	return get[*User](v, Key{account, KindUser, FoldName(name)})
}

// Users yields the account's users by name.
func (v *View) Users(account arn.AccountID) iter.Seq[*User] { return all[*User](v, account, KindUser) }

// UsersFrom yields the account's users by name, without those before a folded name.
func (v *View) UsersFrom(account arn.AccountID, first string) iter.Seq[*User] {
	return onward[*User](v, account, KindUser, first)
}

// Group returns a group by name, without regard to case.
func (v *View) Group(account arn.AccountID, name string) (*Group, bool) {
	return get[*Group](v, Key{account, KindGroup, FoldName(name)})
}

// Groups yields the account's groups by name.
func (v *View) Groups(account arn.AccountID) iter.Seq[*Group] {
	return all[*Group](v, account, KindGroup)
}

// Members yields the users of a group by name.
func (v *View) Members(g *Group) iter.Seq[*User] { return v.members.from(g.ID + "/") }

// GroupsOf yields the groups of a user.
func (v *View) GroupsOf(u *User) iter.Seq[*Group] {
	return func(yield func(*Group) bool) {
		for _, id := range u.Groups {
			if e, ok := v.ids.get(id); ok {
				if g, ok := e.(*Group); ok && !yield(g) {
					return
				}
			}
		}
	}
}

// Role returns a role by name, without regard to case.
func (v *View) Role(account arn.AccountID, name string) (*Role, bool) {
	return get[*Role](v, Key{account, KindRole, FoldName(name)})
}

// Roles yields the account's roles by name.
func (v *View) Roles(account arn.AccountID) iter.Seq[*Role] { return all[*Role](v, account, KindRole) }

// RolesFrom yields the account's roles by name, without those before a folded name.
func (v *View) RolesFrom(account arn.AccountID, first string) iter.Seq[*Role] {
	return onward[*Role](v, account, KindRole, first)
}

// RoleByARN returns a role by its ARN, exact to the letter.
func (v *View) RoleByARN(roleARN string) (*Role, bool) { return v.roles.get(roleARN) }

// Policies yields the account's own managed policies by name; for the account "aws", the AWS-managed ones.
func (v *View) Policies(account arn.AccountID) iter.Seq[*ManagedPolicy] {
	return all[*ManagedPolicy](v, account, KindPolicy)
}

// Policy returns a managed policy by name, without regard to case.
func (v *View) Policy(account arn.AccountID, name string) (*ManagedPolicy, bool) {
	return get[*ManagedPolicy](v, Key{account, KindPolicy, FoldName(name)})
}

// PolicyByARN returns a managed policy, also an AWS-managed one, by its ARN, exact to the letter.
func (v *View) PolicyByARN(policyARN string) (*ManagedPolicy, bool) {
	a, err := arn.Parse(policyARN)
	if err != nil {
		return nil, false
	}
	name := a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	p, ok := v.Policy(arn.AccountID(a.Account), name)
	if !ok || p.ARN != policyARN {
		return nil, false
	}
	return p, true
}

// Attachments counts the users, groups and roles that a policy is attached to.
func (v *View) Attachments(policyARN string) int {
	n, _ := v.attached.get(policyARN)
	return n
}

// BoundaryUses counts the users and roles that have a policy as their permissions boundary.
func (v *View) BoundaryUses(policyARN string) int {
	n, _ := v.boundaries.get(policyARN)
	return n
}

// AccessKey returns a long-term access key and its owner.
func (v *View) AccessKey(id string) (KeyOwner, bool) { return v.accessKeys.get(id) }

// ByID returns the user, group, role, managed policy, instance profile or server certificate with a unique id.
func (v *View) ByID(id string) (Entity, bool) { return v.ids.get(id) }

// Device returns an MFA device by its serial number or ARN.
func (v *View) Device(account arn.AccountID, serial string) (*Device, bool) {
	d, ok := get[*Device](v, Key{account, KindDevice, FoldName(serial[strings.LastIndexByte(serial, '/')+1:])})
	if !ok || d.Serial != serial {
		return nil, false
	}
	return d, true
}

// Devices yields the account's MFA devices by name.
func (v *View) Devices(account arn.AccountID) iter.Seq[*Device] {
	return all[*Device](v, account, KindDevice)
}

// DevicesOf yields the enabled devices of a user's unique id, or of an account's root.
func (v *View) DevicesOf(ownerID string) iter.Seq[*Device] { return v.devices.from(ownerID + "/") }

// OIDCProvider returns an account's provider for an issuer: host and path without scheme.
func (v *View) OIDCProvider(account arn.AccountID, url string) (*OIDCProvider, bool) {
	return get[*OIDCProvider](v, Key{account, KindOIDCProvider, url})
}

// SAMLProvider returns an account's SAML provider by name.
func (v *View) SAMLProvider(account arn.AccountID, name string) (*SAMLProvider, bool) {
	return get[*SAMLProvider](v, Key{account, KindSAMLProvider, FoldName(name)})
}

// Revoked reports whether a revocation of target voids a session that was issued at a revision and time.
func (v *View) Revoked(account arn.AccountID, target string, revision int64, issued time.Time) bool {
	r, ok := v.Revocation(account, target)
	return ok && r.Voids(revision, issued)
}

// Revocation returns the revocation of a target.
func (v *View) Revocation(account arn.AccountID, target string) (*Revocation, bool) {
	return get[*Revocation](v, Key{account, KindRevocation, target})
}

// SealingKeys yields the key ring.
func (v *View) SealingKeys() iter.Seq[*SealingKey] {
	return all[*SealingKey](v, Global, KindSealingKey)
}

// SealingKey returns a key of the ring.
func (v *View) SealingKey(id uint32) (*SealingKey, bool) {
	return get[*SealingKey](v, (&SealingKey{ID: id}).Key())
}

// Organization returns the organization, if there is one.
func (v *View) Organization() (*Organization, bool) {
	return get[*Organization](v, (&Organization{}).Key())
}

// Accounts yields the accounts in order of their ids.
func (v *View) Accounts() iter.Seq[*Account] { return v.accounts.from("") }

// Count counts an account's entities of a kind.
func (v *View) Count(account arn.AccountID, kind Kind) int {
	n := 0
	for range v.entities.from(Key{account, kind, ""}.String()) {
		n++
	}
	return n
}

// Len counts the entities.
func (v *View) Len() int { return v.entities.len() }
