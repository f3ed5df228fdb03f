package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/directory"
)

const trust = `{Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "*"}, Action: "sts:AssumeRole"}]}`

// in puts lines into account 111122223333.
func in(lines string) string {
	return "accounts:\n  \"111122223333\":\n    " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n"
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	many := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	cases := []struct{ name, file, want string }{
		{"nothing", "", "the file is empty"},
		{"no accounts", "accounts: {}", "has no accounts"},
		{"no mapping", "- a", "dir.yaml:1: : want a mapping"},
		{"bad YAML", "accounts: [", "dir.yaml"},
		{"two documents", in("users: {}") + "---\n{}", "one YAML document"},
		{"unknown field at the root", in("users: {}") + "regions: []", "dir.yaml:4: regions: unknown field"},
		{"unknown field", in("users:\n  alice:\n    pth: /"), "dir.yaml:5: accounts.111122223333.users.alice.pth: unknown field"},
		{"account", `accounts: {"123": {}}`, "accounts.123: account id must be exactly 12 digits"},
		{"given twice", in("users: {}\nusers: {}"), "dir.yaml:4: accounts.111122223333.users: is given twice"},
		{"account twice", `accounts: {"111122223333": {}, 111122223333: {}}`, "is given twice"},
		{"twice by case", in("users: {alice: {}, Alice: {}}"), "is alice in another case"},
		{"user name", in("users: {\"a b\": {}}"), "want 1 to 64 letters"},
		{"role name", in("roles: {" + strings.Repeat("r", 65) + ": {trust_policy: " + trust + "}}"), "want 1 to 64 letters"},
		{"path", in("users: {a: {path: x}}"), "a path must begin and end with /"},
		{"alias", in("alias: a--b"), "accounts.111122223333.alias: want 3 to 63 lower-case letters"},
		{"alias of two", `accounts: {"111122223333": {alias: same}, "444455556666": {alias: same}}`, "the alias same is that of account 111122223333"},
		{"tag key", in("users: {a: {tags: {\"k\\t\": v}}}"), "want letters, digits, spaces"},
		{"tag of AWS", in("users: {a: {tags: {aws:x: v}}}"), "AWS's own"},
		{"tag twice", in("users: {a: {tags: {k: v, K: v}}}"), "in another case"},
		{"tags", in("users: {a: {tags: {" + many("k%d: v, ", 51) + "}}}"), "more than 50 tags"},
		{"policy", in("users: {a: {inline_policies: {p: {Version: x, Statement: []}}}}"), "users.a.inline_policies.p: "},
		{"policy that is a number", in("users: {a: {inline_policies: {p: 5}}}"), "want a mapping, or a string that holds JSON"},
		{"no trust policy", in("roles: {r: {}}"), "needs a trust_policy"},
		{"identity policy as trust policy", in(`roles: {r: {trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}}}`), "roles.r.trust_policy: "},
		{"managed policy without a version", in(`policies: {p: {document: {Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}}}`),
			"policies.p.document: Policy document must be version 2012-10-17 or greater."},
		{"managed policy of the old version", in(`policies: {p: {document: {Version: 2008-10-17, Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}}}`),
			"policies.p.document: Policy document must be version 2012-10-17 or greater."},
		{"no document", in("policies: {p: {}}"), "needs a document"},
		{"session duration", in("roles: {r: {trust_policy: " + trust + ", max_session_duration: 3599}}"), "want 3600 to 43200 seconds"},
		{"session duration as text", in("roles: {r: {trust_policy: " + trust + ", max_session_duration: 1h}}"), "want a whole number"},
		{"inline sizes", in(`users: {a: {inline_policies: {p: {Version: "2012-10-17", Id: "` + strings.Repeat("x", 2048) + `", Statement: [{Effect: Deny, Action: "a:B", Resource: "*"}]}}}}`), "at most 2048 are allowed"},
		{"attached", in("users: {a: {attached_policies: [" + many("p%d, ", 11) + "]}}"), "more than 10 managed policies"},
		{"attached twice", in("users: {a: {attached_policies: [\"arn:aws:iam::aws:policy/ReadOnlyAccess\", \"arn:aws:iam::aws:policy/ReadOnlyAccess\"]}}"), "listed twice"},
		{"groups", in("users: {a: {groups: [" + many("g%d, ", 11) + "]}}"), "more than 10 groups"},
		{"key id", in("users: {a: {access_keys: [{id: ASIAQAAAAAAAAAAAAAAA}]}}"), "an access key id is AKIA"},
		{"key id of another account", in("users: {a: {access_keys: [{id: AKIARZPUZDIKAAAAAAAA}]}}"),
			"dir.yaml:3: accounts.111122223333.users.a.access_keys[0].id: access key id AKIARZPUZDIKAAAAAAAA carries account 123456789012"},
		{"key id twice", in("users: {a: {access_keys: [{id: AKIARTX3GSDSQALICE27}]}, b: {access_keys: [{id: AKIARTX3GSDSQALICE27}]}}"),
			"is given at accounts.111122223333.users.a.access_keys[0] already"},
		{"keys", in("users: {a: {access_keys: [{}, {}, {}]}}"), "more than 2 access keys"},
		{"key status", in("users: {a: {access_keys: [{status: Expired}]}}"), "want Active or Inactive"},
		{"secret", in("users: {a: {access_keys: [{secret: \"canary canary\"}]}}"), "printable ASCII"},
		{"seed", in("users: {a: {mfa_devices: [{name: a, seed: canarycanarycanary}]}}"), "16 to 104 characters of base32"},
		{"short seed", in("users: {a: {mfa_devices: [{name: a, seed: CANARYCANARY}]}}"), "16 to 104 characters of base32"},
		{"seed with other bits at its end", in("users: {a: {mfa_devices: [{name: a, seed: CANARYCANARYCANAAB}]}}"), "16 to 104 characters of base32"},
		{"seed of no whole bytes", in("users: {a: {mfa_devices: [{name: a, seed: CANARYCANARYCANAA}]}}"), "16 to 104 characters of base32"},
		{"seed with wrong padding", in("users: {a: {mfa_devices: [{name: a, seed: CANARYCANARYCANAAA=}]}}"), "16 to 104 characters of base32"},
		{"seed with a space", in("users: {a: {mfa_devices: [{name: a, seed: CANARY CANARYCANA}]}}"), "16 to 104 characters of base32"},
		{"seed with a line feed", in("users: {a: {mfa_devices: [{name: a, seed: \"CANARYCANARYCANA\\n\"}]}}"), "16 to 104 characters of base32"},
		{"seed of padding", in("users: {a: {mfa_devices: [{name: a, seed: \"========\"}]}}"), "16 to 104 characters of base32"},
		{"long seed", in("users: {a: {mfa_devices: [{name: a, seed: " + strings.Repeat("A", 105) + "}]}}"), "16 to 104 characters of base32"},
		{"no seed", in("users: {a: {mfa_devices: [{name: a}]}}"), "want a seed"},
		{"device without a name", in("users: {a: {mfa_devices: [{seed: JBSWY3DPEHPK3PXP}]}}"), "either the name of a virtual device or the serial"},
		{"device of two", in("users: {a: {mfa_devices: [{name: d, seed: JBSWY3DPEHPK3PXP}]}, b: {mfa_devices: [{name: D, seed: JBSWY3DPEHPK3PXP}]}}"), "is d in another case"},
		{"serial like an ARN", in("users: {a: {mfa_devices: [{serial: \"arn:aws:iam::111122223333:mfa/x\", seed: JBSWY3DPEHPK3PXP}]}}"), "a virtual device has a name instead"},
		{"http issuer", in("oidc_providers: [{url: \"http://issuer.example\"}]"), "https://"},
		{"issuer twice", in("oidc_providers: [{url: \"https://i.example\"}, {url: \"https://i.example\"}]"), "the issuer is given twice"},
		{"no issuer", in("oidc_providers: [{}]"), "want a url"},
		{"thumbprint", in("oidc_providers: [{url: \"https://i.example\", thumbprints: [xyz]}]"), "40 hexadecimal digits"},
		{"key set", in("oidc_providers: [{url: \"https://i.example\", jwks: {}}]"), "a key set has a list of keys"},
		{"key set that is no JSON", in("oidc_providers: [{url: \"https://i.example\", jwks: \"{\"}]"), "jwks: reading JSON"},
		{"metadata", in("saml_providers: {s: {metadata: hello}}"), "no SAML EntityDescriptor"},
		{"metadata twice", in("saml_providers: {s: {metadata: <EntityDescriptor/>, metadata_file: x}}"), "either metadata or metadata_file"},
		{"metadata file", in("saml_providers: {s: {metadata_file: nowhere.xml}}"), "nowhere.xml"},
		{"region", in("disabled_regions: [\"us east\"]"), "name of a region"},
		{"unit called root", organized("units: {root: {}}"), "organization.units.root: a unit is called neither root nor like an account"},
		{"unit with a slash", organized("units: {a/b: {}}"), "none of them a slash"},
		{"units too deep", organized("units: {a: {units: {b: {units: {c: {units: {d: {units: {e: {units: {f: {}}}}}}}}}}}}"), "more than 5 levels of units"},
		{"account placed twice", organized("units: {a: {accounts: [111122223333]}, b: {accounts: [111122223333]}}"), "account 111122223333 is placed twice"},
		{"account of a unit", organized("units: {a: {accounts: [1]}}"), "exactly 12 digits"},
		{"SCP without a document", organized("scps: {p: {}}"), "a policy needs a document"},
		{"SCP with a principal", organized("scps: {p: {document: {Version: \"2012-10-17\", Statement: [{Effect: Deny, Principal: \"*\", Action: \"*\", Resource: \"*\"}]}}}"), "organization.scps.p.document: The provided policy document does not meet the requirements"},
		{"RCP that allows", organized("rcps: {p: {document: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Principal: \"*\", Action: \"s3:*\", Resource: \"*\"}]}}}"), "an RCP only denies"},
		{"SCP too long", organized("scps: {p: {document: '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"a:B\",\"Resource\":\"*\"}]}" + strings.Repeat(" ", 10240) + "'}}"), "more than 10240 characters"},
		{"no management account", in("users: {}") + "organization: {root_sessions: true}", "needs a management_account"},
		{"root sessions", in("users: {}") + "organization: {management_account: 111122223333, root_sessions: 1}", "want true or false"},
		{"laughs", in("users: {a: {inline_policies: {p: {a: &a [x,x,x,x,x,x,x,x,x,x], b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b], d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c], e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d], f: [*e,*e,*e,*e,*e,*e,*e,*e]}}}}"), "more than 10000 aliases"},
		{"an alias of itself", in("users: {a: {inline_policies: {p: &p {x: *p}}}}"), "dir.yaml"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("dir.yaml", []byte(c.file))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v\nwant %q", err, c.want)
			}
			if strings.Contains(strings.ToLower(err.Error()), "canary") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// organized is a file with an organization.
func organized(fields string) string {
	return in("users: {}") + "organization: {management_account: 111122223333, " + fields + "}"
}

// What a file refers to must be there; every refusal leaves no plan.
func TestRefusedReferences(t *testing.T) {
	t.Parallel()
	v := made(t, empty(), in(`users: {zoe: {access_keys: [{id: AKIARTX3GSDSQALICE27, secret: s}, {}], mfa_devices: [{name: zoe, seed: JBSWY3DPEHPK3PXP}]}}
roles: {r: {path: /x/, trust_policy: `+trust+`}}
policies: {p: {path: /x/, document: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "a:B", Resource: "*"}]}}}
alias: mine`), options())
	for _, c := range []struct{ name, file, want string }{
		{"policy", in("users: {a: {attached_policies: [\"arn:aws:iam::111122223333:policy/none\"]}}"), "there is no policy arn:aws:iam::111122223333:policy/none"},
		{"policy by another path", in("users: {a: {attached_policies: [\"arn:aws:iam::111122223333:policy/p\"]}}"), "there is no policy"},
		{"policy of AWS", in("users: {a: {attached_policies: [\"arn:aws:iam::aws:policy/None\"]}}"), "there is no policy arn:aws:iam::aws:policy/None"},
		{"policy of another partition", in("users: {a: {attached_policies: [\"arn:aws-cn:iam::aws:policy/ReadOnlyAccess\"]}}"), "there is no policy"},
		{"policy of another account", in("users: {a: {attached_policies: [\"arn:aws:iam::444455556666:policy/p\"]}}"), "is of another account"},
		{"no ARN", in("groups: {g: {attached_policies: [ReadOnlyAccess]}}"), "not the ARN of a managed policy"},
		{"boundary", in("roles: {q: {trust_policy: " + trust + ", permissions_boundary: \"arn:aws:iam::111122223333:policy/none\"}}"), "there is no policy"},
		{"group", in("users: {a: {groups: [none]}}"), "dir.yaml:3: accounts.111122223333.users.a.groups[0]: there is no group none"},
		{"principal", in("roles: {q: {trust_policy: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Principal: {AWS: \"arn:aws:iam::111122223333:user/none\"}, Action: \"sts:AssumeRole\"}]}}}"),
			"the trust policy of role q names arn:aws:iam::111122223333:user/none"},
		{"key of another", in("users: {a: {access_keys: [{id: AKIARTX3GSDSQALICE27}]}}"), "is that of user 111122223333/zoe"},
		{"key of another, for root", in("root_access_keys: [{id: AKIARTX3GSDSQALICE27}]"), "is that of user 111122223333/zoe"},
		{"third key", in("users: {zoe: {access_keys: [{id: AKIARTX3GSDSQALICE27}, {id: AKIARTX3GSDSQALICE22}]}}"), "would have 3 access keys"},
		{"device of another", in("users: {a: {mfa_devices: [{name: zoe, seed: JBSWY3DPEHPK3PXP}]}}"), "the device zoe is another user's"},
		{"path of a role", in("roles: {r: {path: /y/, trust_policy: " + trust + "}}"), "exists with path /x/"},
		{"path of a policy", in("policies: {p: {path: /y/, document: {Version: \"2012-10-17\", Statement: [{Effect: Deny, Action: \"a:B\", Resource: \"*\"}]}}}"), "exists with path /x/"},
		{"alias", `accounts: {"444455556666": {alias: mine}}`, "the alias mine is that of account 111122223333"},
		{"management account", in("users: {}") + "organization: {management_account: 444455556666}", "is not among the accounts"},
		{"account of a unit", organized("units: {a: {accounts: [999999999999]}}"), "there is no account 999999999999"},
		{"policy of a unit", organized("units: {a: {scps: [none]}}"), "organization.units.a.scps[0]: there is no policy none"},
		{"target of a policy", organized("scps: {p: {targets: [a/b], document: {Version: \"2012-10-17\", Statement: [{Effect: Deny, Action: \"a:B\", Resource: \"*\"}]}}}"), "there is no unit or member account a/b"},
		{"policy of AWS", organized("scps: {FullAWSAccess: {document: {Version: \"2012-10-17\", Statement: [{Effect: Deny, Action: \"a:B\", Resource: \"*\"}]}}}"), "is AWS's own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plan, err := mustParse(t, c.file).Plan(v, options())
			if err == nil || plan != nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v\nwant %q", err, c.want)
			}
		})
	}
	if p := mustPlan(t, mustParse(t, in("users: {zoe: {}}")), v, options()); !p.Empty() {
		t.Error("the control changes something")
	}
}

// What a file refers to and does not write must still be there when the change is made.
func TestReferencesAreGuarded(t *testing.T) {
	t.Parallel()
	v := made(t, empty(), in(`groups: {g: {}}
policies: {p: {document: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "a:B", Resource: "*"}]}}}`), options())
	p := mustPlan(t, mustParse(t, in(`users: {a: {groups: [G], attached_policies: ["arn:aws:iam::111122223333:policy/p", "arn:aws:iam::aws:policy/ReadOnlyAccess"]}}`)), v, options())
	for _, k := range []directory.Key{
		{Account: main, Kind: directory.KindGroup, Name: "g"},
		{Account: main, Kind: directory.KindPolicy, Name: "p"},
	} {
		if p.Change.Guards[k] == 0 {
			t.Errorf("%s is not guarded", k)
		}
	}
	if len(p.Change.Guards) != 3 {
		t.Errorf("guards %v", p.Change.Guards)
	}
}
