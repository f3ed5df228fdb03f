package policy

import (
	"fmt"
	"testing"
)

// callersOfEveryKind are those that other tests name.
var callersOfEveryKind = []Principal{alice, role, federated, rootUser, service, subject, anonymous}

// advisory 29 (GHSA-xgr5-qc6w-vcg9): nothing is allowed because nothing denies. Sets in which no statement allows, whatever
// they hold besides, end in one of the two denials; only root has an authority of its own, and only in its account.
func TestNothingIsAllowedWithoutAnAllow(t *testing.T) {
	t.Parallel()
	if (Decision{}).Allowed() || Effect(0) != ImplicitDeny {
		t.Error("the zero value allows")
	}
	for e := Effect(-1); e < 8; e++ {
		if (Decision{Effect: e}).Allowed() != (e == Allow) {
			t.Errorf("effect %d: Allowed is not what Allow alone is", e)
		}
	}
	denyOther := func(typ Type) []Attached {
		principal := ""
		if typ == Resource {
			principal = `"Principal":"*",`
		}
		return one(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny",`+principal+`"Action":"ec2:*","Resource":"*"}}`, typ)
	}
	const layers = 7
	denied := 0
	for bits := range 1 << layers {
		for _, trust := range []bool{false, true} {
			for _, caller := range callersOfEveryKind {
				for _, owner := range []string{account, other} {
					if caller.Kind == Root && owner == account && !trust {
						continue
					}
					set := &Set{Trust: trust, HasBoundary: bits&2 != 0, HasSession: bits&4 != 0, HasEndpoint: bits&8 != 0}
					for i, layer := range []*[]Attached{&set.Identity, &set.Boundary, &set.Session, &set.Endpoint, &set.Resource} {
						if bits&(1<<i) != 0 {
							*layer = denyOther([]Type{Identity, Boundary, Session, Resource, Resource}[i])
						}
					}
					if bits&32 != 0 {
						set.SCPs = [][]Attached{denyOther(SCP)}
					}
					if bits&64 != 0 {
						set.RCPs = [][]Attached{denyOther(Resource)}
					}
					if d := Evaluate(set, get(caller, owner)); d.Effect != ImplicitDeny || d.Allowed() {
						t.Fatalf("%v in %s, layers %07b, trust %v: %+v", caller.Kind, owner, bits, trust, d)
					}
					denied++
				}
			}
		}
	}
	if denied < 3000 {
		t.Errorf("%d sets, want 3000", denied)
	}
	if d := Evaluate(&Set{Identity: one(t, allowS3, Identity)}, get(alice, account)); !d.Allowed() {
		t.Errorf("control: %+v", d)
	}
}

// advisory 43 (versitygw ed1ad6b6): an explicit deny dominates. With every layer allowing, one Deny in any of them, first or
// last among its policies and statements, decides, and no later stage allows again.
func TestADenyDominatesEveryLayer(t *testing.T) {
	t.Parallel()
	const statements = `{"Version":"2012-10-17","Statement":[%s]}`
	statement := func(effect string, typ Type) string {
		principal := ""
		if typ == Resource || typ == RCP || typ == Endpoint {
			principal = `"Principal":"*",`
		}
		return `{"Effect":"` + effect + `",` + principal + `"Action":"s3:*","Resource":"*"}`
	}
	grammar := map[Type]Type{RCP: Resource, Endpoint: Resource}
	written := func(typ Type, texts ...string) (out []Attached) {
		as, other := grammar[typ]
		if !other {
			as = typ
		}
		for _, text := range texts {
			out = append(out, one(t, fmt.Sprintf(statements, text), as)...)
		}
		return out
	}
	layers := []Type{Identity, Boundary, Session, Resource, Endpoint, SCP, RCP}
	checks := 0
	for _, caller := range []Principal{alice, role, federated} {
		for _, owner := range []string{account, other} {
			for _, denying := range append([]Type{Generic}, layers...) {
				allow, deny := statement("Allow", denying), statement("Deny", denying)
				for _, with := range [][]Attached{
					written(denying, allow+","+deny), written(denying, deny+","+allow), written(denying, allow, deny), written(denying, deny, allow),
				} {
					layer := func(typ Type) []Attached {
						if typ == denying {
							return with
						}
						return written(typ, statement("Allow", typ))
					}
					set := &Set{Identity: layer(Identity), Boundary: layer(Boundary), HasBoundary: true, Session: layer(Session), HasSession: true,
						Resource: layer(Resource), Endpoint: layer(Endpoint), HasEndpoint: true, SCPs: [][]Attached{layer(SCP)}, RCPs: [][]Attached{layer(RCP)}}
					d := Evaluate(set, get(caller, owner))
					checks++
					if denying == Generic { // nobody denies: the positive control
						if !d.Allowed() {
							t.Fatalf("control, %v in %s: %+v", caller.Kind, owner, d)
						}
						continue
					}
					if d.Effect != ExplicitDeny || d.By != denying {
						t.Errorf("%v in %s, %v denies: %v by %v", caller.Kind, owner, denying, d.Effect, d.By)
					}
				}
			}
		}
	}
	if checks != 3*2*8*4 {
		t.Errorf("%d checks", checks)
	}
}

// advisory 51 (CVE-2024-24790): an IPv4 address is one address however it is written, in the policy as in the request; what
// only carries one inside, and what has a zone, is not.
func TestMappedAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		written, from string
		in            bool
	}{
		{"203.0.113.0/24", "203.0.113.9", true},
		{"203.0.113.0/24", "::ffff:203.0.113.9", true},
		{"203.0.113.0/24", "::ffff:cb00:7109", true}, // the same in hexadecimal
		{"::ffff:203.0.113.0/120", "203.0.113.9", true},
		{"::ffff:203.0.113.0/120", "::ffff:203.0.113.9", true},
		{"::ffff:203.0.113.77/120", "203.0.113.9", true}, // bits beyond the length
		{"::ffff:203.0.113.0/120", "203.0.114.9", false},
		{"::ffff:203.0.113.9", "203.0.113.9", true},
		{"::ffff:203.0.113.9", "203.0.113.10", false},
		{"::ffff:0:0/96", "203.0.113.9", true},
		{"203.0.113.9/32", "::ffff:203.0.113.9", true},
		{"203.0.113.0/24", "64:ff9b::203.0.113.9", false}, // NAT64
		{"203.0.113.0/24", "2002:cb00:7109::1", false},    // 6to4
		{"203.0.113.0/24", "::203.0.113.9", false},        // IPv4-compatible
		{"203.0.113.0/24", "::ffff:0:203.0.113.9", false}, // SIIT
		{"64:ff9b::/96", "203.0.113.9", false},            // what is not IPv4 does not match it
		{"64:ff9b::/96", "64:ff9b::203.0.113.9", true},    // but itself
		{"::/0", "::ffff:203.0.113.9", false},             // the families never match each other
		{"0.0.0.0/0", "::ffff:203.0.113.9", true},         //
		{"127.0.0.0/8", "::ffff:127.0.0.1", true},         //
		{"::1", "::ffff:127.0.0.1", false},                //
		{"fe80::/10", "fe80::1", true},                    //
	} {
		keys := Keys{"aws:sourceip": One(c.from)}
		for operator, want := range map[string]bool{"IpAddress": c.in, "NotIpAddress": !c.in} {
			allows, denies := conditioned(t, operator, "aws:SourceIp", []string{c.written}, keys)
			if allows != want || denies != want {
				t.Errorf("%s %s from %s: an Allow matches %v, a Deny %v, want %v", operator, c.written, c.from, allows, denies, want)
			}
		}
	}
	// A zone is no part of an address that a policy could mean: what cannot be read never allows and always denies.
	for _, from := range []string{"fe80::1%eth0", "::ffff:203.0.113.9%1", "203.0.113.009", "0xcb.0.113.9", "203.0.113.9 "} {
		for _, operator := range []string{"IpAddress", "NotIpAddress"} {
			allows, _ := conditioned(t, operator, "aws:SourceIp", []string{"0.0.0.0/0", "::/0"}, Keys{"aws:sourceip": One(from)})
			_, denies := conditioned(t, "NotIpAddress", "aws:SourceIp", []string{"0.0.0.0/0", "::/0"}, Keys{"aws:sourceip": One(from)})
			if allows || !denies {
				t.Errorf("%s %q: an Allow matches %v, a Deny %v", operator, from, allows, denies)
			}
		}
	}
}

// advisory 57 (CVE-2026-6993): a condition on a key that the request does not have is no match, so that a trust policy which
// asks for an ExternalId or a SourceArn opens to nobody who brings none.
func TestMissingKeysDoNotMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ operator, key, value string }{
		{"StringEquals", "sts:ExternalId", "e"}, {"StringLike", "sts:ExternalId", "*"}, {"StringEqualsIgnoreCase", "sts:ExternalId", "e"},
		{"ForAnyValue:StringEquals", "sts:ExternalId", "e"}, {"ForAnyValue:StringLike", "sts:ExternalId", "*"},
		{"ArnLike", "aws:SourceArn", "arn:aws:s3:::*"}, {"ArnEquals", "aws:SourceArn", "arn:aws:s3:::b"},
		{"StringEquals", "aws:SourceAccount", account}, {"IpAddress", "aws:SourceIp", "0.0.0.0/0"}, {"Bool", "aws:MultiFactorAuthPresent", "true"},
		{"NumericLessThan", "aws:MultiFactorAuthAge", "3600"}, {"DateLessThan", "aws:CurrentTime", "2100-01-01T00:00:00Z"},
		{"BinaryEquals", "k", "YQ=="}, {"Null", "sts:ExternalId", "false"},
	} {
		for name, keys := range map[string]Keys{"absent": {}, "another key": {"other": One(c.value)}} {
			if allows, denies := conditioned(t, c.operator, c.key, []string{c.value}, keys); allows || denies {
				t.Errorf("%s on %s, %s: an Allow matches %v, a Deny %v", c.operator, c.key, name, allows, denies)
			}
		}
	}
	if allows, _ := conditioned(t, "StringEquals", "sts:ExternalId", []string{"e"}, Keys{"sts:externalid": One("e")}); !allows {
		t.Error("control: the right value does not match")
	}
}
