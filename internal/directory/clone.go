package directory

import "slices"

// Clone returns a copy that may be altered.
func (a *Account) Clone() *Account {
	c := *a
	c.RootKeys, c.DisabledRegions = slices.Clone(a.RootKeys), slices.Clone(a.DisabledRegions)
	if a.Outbound != nil {
		c.Outbound = new(*a.Outbound)
		c.Outbound.Keys = slices.Clone(a.Outbound.Keys)
	}
	return &c
}

// Clone returns a copy that may be altered.
func (u *User) Clone() *User {
	c := *u
	c.Tags, c.Groups, c.AccessKeys = slices.Clone(u.Tags), slices.Clone(u.Groups), slices.Clone(u.AccessKeys)
	c.Inline, c.Attached = slices.Clone(u.Inline), slices.Clone(u.Attached)
	c.Login, c.Certificates = u.Login.clone(), slices.Clone(u.Certificates)
	c.PublicKeys, c.ServiceCredentials = slices.Clone(u.PublicKeys), slices.Clone(u.ServiceCredentials)
	return &c
}

// Clone returns a copy that may be altered.
func (g *Group) Clone() *Group {
	c := *g
	c.Inline, c.Attached = slices.Clone(g.Inline), slices.Clone(g.Attached)
	return &c
}

// Clone returns a copy that may be altered.
func (r *Role) Clone() *Role {
	c := *r
	c.Tags, c.Inline, c.Attached = slices.Clone(r.Tags), slices.Clone(r.Inline), slices.Clone(r.Attached)
	return &c
}

// Clone returns a copy that may be altered.
func (p *ManagedPolicy) Clone() *ManagedPolicy {
	c := *p
	c.Tags, c.Versions = slices.Clone(p.Tags), slices.Clone(p.Versions)
	return &c
}

// Clone returns a copy that may be altered.
func (d *Device) Clone() *Device {
	c := *d
	c.Tags = slices.Clone(d.Tags)
	return &c
}

// Clone returns a copy that may be altered.
func (p *OIDCProvider) Clone() *OIDCProvider {
	c := *p
	c.ClientIDs, c.Thumbprints, c.Tags = slices.Clone(p.ClientIDs), slices.Clone(p.Thumbprints), slices.Clone(p.Tags)
	return &c
}

// Clone returns a copy that may be altered.
func (p *SAMLProvider) Clone() *SAMLProvider {
	c := *p
	c.Tags, c.PrivateKeys = slices.Clone(p.Tags), slices.Clone(p.PrivateKeys)
	return &c
}

// Clone returns a copy that may be altered.
func (o *Organization) Clone() *Organization {
	c := *o
	c.Members, c.Root, c.TrustedServices = slices.Clone(o.Members), o.Root.clone(), slices.Clone(o.TrustedServices)
	return &c
}

// Clone returns a copy that may be altered.
func (r *DelegationRequest) Clone() *DelegationRequest {
	c := *r
	c.Parameters, c.Boundaries = slices.Clone(r.Parameters), slices.Clone(r.Boundaries)
	if r.Approver != nil {
		c.Approver = new(*r.Approver)
	}
	return &c
}

// Clone returns a copy that may be altered.
func (p *InstanceProfile) Clone() *InstanceProfile {
	c := *p
	c.Tags = slices.Clone(p.Tags)
	return &c
}

// Clone returns a copy that may be altered.
func (s *ServerCertificate) Clone() *ServerCertificate {
	c := *s
	c.Tags = slices.Clone(s.Tags)
	return &c
}
