package manifest

import (
	"fmt"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/policy"
)

// Parse reads a directory file. name is for errors, and metadata_file is sought beside it. Every error names the file, the
// line and the path of what is wrong, and shows no secret.
func Parse(name string, data []byte) (*File, error) {
	root, err := readYAML(name, data)
	if err != nil {
		return nil, fmt.Errorf("reading the directory file: %w", err)
	}
	p := &parser{file: &File{name: name}, patterns: newPatterns(), keyIDs: make(map[string]string)}
	root.fields(map[string]func(value){
		"accounts":     p.accounts,
		"organization": p.organization,
	})
	if len(p.file.accounts) == 0 && len(root.reader.list) == 0 {
		root.problem("the file has no accounts")
	}
	if err := root.reader.err(); err != nil {
		return nil, fmt.Errorf("reading the directory file: %w", err)
	}
	return p.file, nil
}

type parser struct {
	*patterns
	file   *File
	keyIDs map[string]string // where an access key id is given
}

func (p *parser) accounts(v value) {
	v.pairs(func(name string, v value) {
		id, err := arn.ParseAccountID(name)
		if err != nil {
			v.problem("%s", err)
			return
		}
		p.file.accounts = append(p.file.accounts, p.account(id, v))
	})
}

func (p *parser) account(id arn.AccountID, v value) *account {
	a := &account{place: v.place, id: id}
	v.fields(map[string]func(value){
		"alias": func(v value) {
			alias := p.accountAlias(v)
			a.alias = &alias
			for _, other := range p.file.accounts {
				if other.alias != nil && *other.alias == alias {
					v.problem("the alias %s is that of account %s", alias, other.id)
				}
			}
		},
		"root_access_keys": func(v value) { a.rootKeys = p.accessKeys(id, v) },
		"users": func(v value) {
			p.named(p.user, v, func(n string, v value) { a.users = append(a.users, p.parseUser(id, n, v)) })
		},
		"groups": func(v value) {
			p.named(p.group, v, func(n string, v value) { a.groups = append(a.groups, p.parseGroup(n, v)) })
		},
		"roles": func(v value) {
			p.named(p.role, v, func(n string, v value) { a.roles = append(a.roles, p.parseRole(n, v)) })
		},
		"policies": func(v value) {
			p.named(p.policy, v, func(n string, v value) { a.policies = append(a.policies, p.managedPolicy(n, v)) })
		},
		"oidc_providers":   func(v value) { p.oidcProviders(a, v) },
		"saml_providers":   func(v value) { p.samlProviders(a, v) },
		"disabled_regions": func(v value) { a.disabledRegions = p.regions(v) },
	})
	p.uniqueDevices(a, v)
	return a
}

// named reads a mapping by names, which are unique without regard to case.
func (p *parser) named(names pattern, v value, take func(name string, v value)) {
	once := uniqueNames()
	v.pairs(func(name string, v value) {
		if names.check(v, name) && once(name, v) {
			take(name, v)
		}
	})
}

func (p *parser) regions(v value) []string {
	names := []string{}
	v.items(func(v value) {
		if s := v.text(); p.region.check(v, s) {
			names = append(names, s)
		}
	})
	return names
}

// holder returns the readers of what users, groups and roles have in common.
func (p *parser) holder(h *holder, inlineSize int) map[string]func(value) {
	return map[string]func(value){
		"path":              func(v value) { h.path = p.pathOf(v) },
		"inline_policies":   func(v value) { h.inline = p.inlinePolicies(v, inlineSize) },
		"attached_policies": func(v value) { h.attached = listed(v, maxAttached, "managed policies") },
	}
}

func (p *parser) person(h *person, inlineSize int) map[string]func(value) {
	fields := p.holder(&h.holder, inlineSize)
	fields["tags"] = func(v value) { h.tags = p.tags(v) }
	fields["permissions_boundary"] = func(v value) { h.boundary = &reference{v.place, v.text()} }
	return fields
}

func (p *parser) pathOf(v value) *string {
	s := v.text()
	p.path.check(v, s)
	return &s
}

func (p *parser) inlinePolicies(v value, limit int) []inlinePolicy {
	list, size := []inlinePolicy{}, 0
	p.named(p.policy, v, func(name string, v value) {
		if d := v.policy(policy.Identity, 0); d != nil {
			list = append(list, inlinePolicy{name, d.text})
			size += policy.Size(d.text)
		}
	})
	if size > limit {
		v.problem("the inline policies have %d characters other than white space together, at most %d are allowed", size, limit)
	}
	return list
}

// listed reads a list of different names.
func listed(v value, most int, what string) []reference {
	list := v.texts()
	seen := make(map[string]bool, len(list))
	for _, r := range list {
		if seen[r.name] {
			v.reader.add(r.place, "%s is listed twice", r.name)
		}
		seen[r.name] = true
	}
	if len(list) > most {
		v.problem("more than %d %s", most, what)
	}
	return list
}

func (p *parser) parseUser(id arn.AccountID, name string, v value) *user {
	u := &user{person: person{holder: holder{place: v.place, name: name}}}
	fields := p.person(&u.person, maxUserInline)
	fields["groups"] = func(v value) { u.groups = listed(v, maxGroups, "groups") }
	fields["access_keys"] = func(v value) { u.keys = p.accessKeys(id, v) }
	fields["mfa_devices"] = func(v value) { u.devices = p.devices(v) }
	v.fields(fields)
	return u
}

func (p *parser) parseGroup(name string, v value) *group {
	g := &group{holder{place: v.place, name: name}}
	v.fields(p.holder(&g.holder, maxGroupInline))
	return g
}

func (p *parser) parseRole(name string, v value) *role {
	r := &role{person: person{holder: holder{place: v.place, name: name}}}
	fields := p.person(&r.person, maxRoleInline)
	given := false
	fields["trust_policy"] = func(v value) {
		given = true
		r.trust = v.policy(policy.Trust, maxTrustSize)
	}
	fields["max_session_duration"] = func(v value) {
		n := v.number()
		if n < minSession || n > maxSession {
			v.problem("want %d to %d seconds", minSession, maxSession)
		}
		r.maxSessionSeconds = &n
	}
	v.fields(fields)
	if !given {
		v.problem("a role needs a trust_policy")
	}
	return r
}

func (p *parser) accessKeys(id arn.AccountID, v value) []accessKey {
	keys := []accessKey{}
	v.items(func(v value) {
		k := accessKey{place: v.place}
		v.fields(map[string]func(value){
			"id":     func(v value) { k.id = p.accessKeyID(v, id) },
			"secret": func(v value) { k.secret = accessKeySecret(v) },
			"status": func(v value) {
				k.status = directory.KeyStatus(v.text())
				if k.status != directory.Active && k.status != directory.Inactive {
					v.problem("want Active or Inactive")
				}
			},
		})
		if other, taken := p.keyIDs[k.id]; taken {
			v.problem("access key id %s is given at %s already", k.id, other)
		}
		if k.id != "" {
			p.keyIDs[k.id] = v.path
		}
		keys = append(keys, k)
	})
	if len(keys) > maxAccessKeys {
		v.problem("more than %d access keys", maxAccessKeys)
	}
	return keys
}

func (p *parser) devices(v value) []device {
	devices := []device{}
	v.items(func(v value) {
		d := device{place: v.place}
		v.fields(map[string]func(value){
			"name": func(v value) {
				if d.name = v.text(); !p.device.check(v, d.name) {
					d.name = ""
				}
			},
			"serial": func(v value) {
				if d.serial = v.text(); !p.serial.check(v, d.serial) {
					d.serial = ""
				}
			},
			"seed": func(v value) { d.seed = seed(v) },
		})
		if (d.name == "") == (d.serial == "") {
			v.problem("want either the name of a virtual device or the serial of a hardware token")
		}
		if d.seed.IsZero() {
			v.problem("want a seed")
		}
		devices = append(devices, d)
	})
	if len(devices) > maxDevices {
		v.problem("more than %d MFA devices", maxDevices)
	}
	return devices
}

// uniqueDevices refuses a device that two users have.
func (p *parser) uniqueDevices(a *account, v value) {
	once := uniqueNames()
	for _, u := range a.users {
		for _, d := range u.devices {
			once(d.name+d.serial, value{v.reader, v.node, d.place})
		}
	}
}

func (p *parser) managedPolicy(name string, v value) *managedPolicy {
	m := &managedPolicy{place: v.place, name: name}
	given := false
	v.fields(map[string]func(value){
		"path": func(v value) { m.path = p.pathOf(v) },
		"document": func(v value) {
			given = true
			m.document = v.policy(policy.Managed, maxManagedSize)
		},
	})
	if !given {
		v.problem("a policy needs a document")
	}
	return m
}
