package manifest

import (
	"regexp"
	"unicode/utf8"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/policy"
)

// Limits of an organization (Organizations UG, quotas). Sizes are in characters, white space included.
const (
	maxUnitDepth = 5
	maxSCPSize   = 10240
	maxRCPSize   = 5120
	maxSCPs      = 10
	maxRCPs      = 5
)

// rootTarget is what a file calls the root.
const rootTarget = "root"

// organization is what the file says of the organization.
type organization struct {
	place
	management   arn.AccountID
	rootSessions bool
	// accounts are those directly under the root. With neither accounts nor units, all accounts of the file are.
	accounts []reference
	units    []*unit
	control  map[directory.ControlType]*control
}

// unit is an organizational unit of the file.
type unit struct {
	place
	name, path string // path is of the names from the top, with slashes between
	accounts   []reference
	units      []*unit
	attached   map[directory.ControlType][]reference
}

// control is what the file says of one type of policy.
type control struct{ policies []*controlPolicy }

type controlPolicy struct {
	place
	name        string
	description *string
	document    *document
	targets     []reference
}

func (o *organization) listsAccounts() bool { return o.accounts != nil || o.units != nil }

// every yields the units of the file, each before those below it.
func every(units []*unit, yield func(*unit)) {
	for _, u := range units {
		yield(u)
		every(u.units, yield)
	}
}

func organizationName() pattern {
	return pattern{regexp.MustCompile(`^[^/\x00-\x1f\x7f]{1,128}$`), "want 1 to 128 characters, none of them a slash"}
}

func (p *parser) organization(v value) {
	o := &organization{place: v.place, control: make(map[directory.ControlType]*control)}
	names := organizationName()
	v.fields(map[string]func(value){
		"management_account": func(v value) {
			id, err := arn.ParseAccountID(v.text())
			if err != nil {
				v.problem("%s", err)
			}
			o.management = id
		},
		"root_sessions": func(v value) { o.rootSessions = v.boolean() },
		"accounts":      func(v value) { o.accounts = accountsListed(v) },
		"units":         func(v value) { o.units = p.units(names, v, "", 1) },
		"scps":          func(v value) { o.control[directory.ServiceControl] = p.control(names, v, policy.SCP, maxSCPSize) },
		"rcps":          func(v value) { o.control[directory.ResourceControl] = p.control(names, v, policy.RCP, maxRCPSize) },
	})
	if o.management == "" {
		v.problem("an organization needs a management_account")
	}
	once := make(map[string]bool)
	check := func(accounts []reference) {
		for _, a := range accounts {
			if once[a.name] {
				v.reader.add(a.place, "account %s is placed twice", a.name)
			}
			once[a.name] = true
		}
	}
	check(o.accounts)
	every(o.units, func(u *unit) {
		check(u.accounts)
		for t := range u.attached {
			if o.control[t] == nil {
				o.control[t] = new(control)
			}
		}
	})
	p.file.organization = o
}

func accountsListed(v value) []reference {
	list := v.texts()
	for _, r := range list {
		if _, err := arn.ParseAccountID(r.name); err != nil {
			v.reader.add(r.place, "%s", err)
		}
	}
	return list
}

func (p *parser) units(names pattern, v value, above string, depth int) []*unit {
	units := []*unit{}
	p.named(names, v, func(name string, v value) {
		if _, err := arn.ParseAccountID(name); err == nil || name == rootTarget {
			v.problem("a unit is called neither root nor like an account")
		}
		if depth > maxUnitDepth {
			v.problem("more than %d levels of units", maxUnitDepth)
			return
		}
		u := &unit{place: v.place, name: name, path: above + name, attached: make(map[directory.ControlType][]reference)}
		v.fields(map[string]func(value){
			"accounts": func(v value) { u.accounts = accountsListed(v) },
			"units":    func(v value) { u.units = p.units(names, v, u.path+"/", depth+1) },
			"scps": func(v value) {
				u.attached[directory.ServiceControl] = listed(v, maxSCPs-1, "SCPs beside FullAWSAccess")
			},
			"rcps": func(v value) {
				u.attached[directory.ResourceControl] = listed(v, maxRCPs-1, "RCPs beside RCPFullAWSAccess")
			},
		})
		units = append(units, u)
	})
	return units
}

func (p *parser) control(names pattern, v value, language policy.Type, size int) *control {
	c := new(control)
	p.named(names, v, func(name string, v value) {
		m := &controlPolicy{place: v.place, name: name}
		given := false
		v.fields(map[string]func(value){
			"description": func(v value) {
				s := v.text()
				if utf8.RuneCountInString(s) > 512 {
					v.problem("a description has at most 512 characters")
				}
				m.description = &s
			},
			"document": func(v value) {
				given = true
				m.document = v.policy(language, 0)
				if m.document != nil && utf8.RuneCountInString(m.document.text) > size {
					v.problem("the policy has more than %d characters", size)
				}
			},
			"targets": func(v value) { m.targets = listed(v, maxTargets, "targets") },
		})
		if !given {
			v.problem("a policy needs a document")
		}
		c.policies = append(c.policies, m)
	})
	return c
}

// maxTargets bounds what one policy of a file is attached to.
const maxTargets = 10_000
