package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

// village is a directory file that uses every member, in plain YAML.
const village = `
accounts:
  "111122223333":
    alias: main
    root_access_keys: [{id: AKIARTX3GSDSQROOTAAA, secret: root-secret-root-secret-root-secret-root}]
    users:
      alice:
        path: /people/
        tags: {team: blue}
        groups: [devs]
        permissions_boundary: arn:aws:iam::111122223333:policy/edge
        access_keys:
          - {id: AKIARTX3GSDSQALICEAA, secret: alice-secret-alice-secret-alice-secret-a, status: Active}
          - {id: AKIARTX3GSDSQALICEBB, secret: alice-secret-alice-secret-alice-secret-b, status: Inactive}
        inline_policies:
          structured: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}]}
          text: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}]}'
        attached_policies: [arn:aws:iam::aws:policy/ReadOnlyAccess]
        mfa_devices: [{name: alice, seed: GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ}]
      holder:
        mfa_devices: [{serial: GAHT12345678, seed: MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK}]
        access_keys: [{id: AKIARTX3GSDSQHQLDERA, secret: holder-secret-holder-secret-holder-secret}]
    groups:
      devs:
        attached_policies: [arn:aws:iam::111122223333:policy/keys]
    roles:
      target:
        path: /jobs/
        trust_policy:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {AWS: ["arn:aws:sts::444455556666:assumed-role/far/s1", "arn:aws:iam::111122223333:user/people/alice"]}
              Action: [sts:AssumeRole, sts:TagSession]
            - Effect: Allow
              Principal: {Federated: "arn:aws:iam::111122223333:oidc-provider/not.there.example"}
              Action: sts:AssumeRoleWithWebIdentity
        max_session_duration: 7200
        tags: {tier: gold}
        inline_policies: {}
        attached_policies: [arn:aws:iam::111122223333:policy/keys]
    policies:
      edge: {path: /, document: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["sts:*", "iam:Get*", "iam:ListUsers"], Resource: "*"}]}}
      keys: {document: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sts:GetAccessKeyInfo", Resource: "*"}]}}
  "444455556666": {roles: {far: {trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111122223333"}, Action: "sts:AssumeRole"}]}}}}
  "777788889999": {}
`

var (
	villageRoot   = harness.Credentials{AccessKeyID: "AKIARTX3GSDSQROOTAAA", SecretAccessKey: "root-secret-root-secret-root-secret-root"}
	villageAlice  = harness.Credentials{AccessKeyID: "AKIARTX3GSDSQALICEAA", SecretAccessKey: "alice-secret-alice-secret-alice-secret-a"}
	villageOld    = harness.Credentials{AccessKeyID: "AKIARTX3GSDSQALICEBB", SecretAccessKey: "alice-secret-alice-secret-alice-secret-b"}
	villageHolder = harness.Credentials{AccessKeyID: "AKIARTX3GSDSQHQLDERA", SecretAccessKey: "holder-secret-holder-secret-holder-secret"}
)

// The directory file of the contract: what it says is so, and stays as it is when it is applied again.
func TestDirectoryFile(t *testing.T) {
	t.Parallel()
	h := &house{Server: harness.Start(t, harness.Options{Directory: []byte(village)}), t: t}
	if arn := h.must(villageRoot, "sts", "GetCallerIdentity").Value("Arn"); arn != "arn:aws:iam::111122223333:root" {
		t.Errorf("root is %s", arn)
	}
	if arn := h.must(villageAlice, "sts", "GetCallerIdentity").Value("Arn"); arn != "arn:aws:iam::111122223333:user/people/alice" {
		t.Errorf("alice is %s", arn)
	}
	h.refused("an inactive key", h.call(villageOld, "sts", "GetCallerIdentity"), "InvalidClientTokenId")

	user := h.must(villageAlice, "iam", "GetUser")
	if got := user.Value("User.PermissionsBoundary.PermissionsBoundaryArn"); got != "arn:aws:iam::111122223333:policy/edge" {
		t.Errorf("the boundary is %q", got)
	}
	if got := user.Value("User.Tags.0.Value"); got != "blue" {
		t.Errorf("the tag is %q", got)
	}
	h.must(villageAlice, "sts", "GetAccessKeyInfo", "AccessKeyId", villageAlice.AccessKeyID) // by its group
	h.must(villageAlice, "iam", "ListUsers")                                                 // by the managed policy, within the boundary
	denied := h.refused("outside the boundary", h.call(villageAlice, "iam", "ListRoles"), "AccessDenied")
	if !strings.Contains(denied, "because no permissions boundary allows the iam:ListRoles action") {
		t.Errorf("outside the boundary: %q", denied)
	}

	target := "arn:aws:iam::111122223333:role/jobs/target"
	session := h.must(villageAlice, "sts", "AssumeRole", "RoleArn", target, "RoleSessionName", "shift", "DurationSeconds", "7200").Credentials()
	h.must(session, "sts", "GetAccessKeyInfo", "AccessKeyId", villageAlice.AccessKeyID)
	code := harness.Code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", h.Now(), 0)
	h.must(villageAlice, "sts", "GetSessionToken", "SerialNumber", "arn:aws:iam::111122223333:mfa/alice", "TokenCode", code)
	h.must(villageHolder, "sts", "GetSessionToken", "SerialNumber", "GAHT12345678",
		"TokenCode", harness.Code("MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK", h.Now(), 0))

	role := h.must(h.Admin, "iam", "GetRole", "RoleName", "target")
	aliases := h.must(h.Admin, "iam", "ListAccountAliases")
	if aliases.Value("AccountAliases.0") != "main" {
		t.Errorf("the alias: %s", aliases)
	}

	again := h.again(harness.Options{Directory: []byte(village)})
	again.must(session, "sts", "GetCallerIdentity")
	if now := again.must(again.Admin, "iam", "GetRole", "RoleName", "target"); now.Value("Role.RoleId") != role.Value("Role.RoleId") ||
		now.Value("Role.CreateDate") != role.Value("Role.CreateDate") {
		t.Errorf("applied again, the role is %s, and was %s", now, role)
	}
	again.refused("a spent code, applied again", again.call(villageAlice, "sts", "GetSessionToken",
		"SerialNumber", "arn:aws:iam::111122223333:mfa/alice", "TokenCode", code), "AccessDenied")
	if again.Admin != h.Admin {
		t.Errorf("applied again, the administrator has key %s, and had %s", again.Admin.AccessKeyID, h.Admin.AccessKeyID)
	}
}

// The administrator belongs to the organization's management account, else to the first account of the file.
func TestAdministratorsAccount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, account string }{
		"no file":       {"", "111122223333"},
		"first account": {"accounts: {\"777788889999\": {}, \"444455556666\": {}}", "777788889999"},
		"management":    {"accounts: {\"444455556666\": {}, \"777788889999\": {}}\norganization: {management_account: \"777788889999\"}", "777788889999"},
	} {
		h := &house{Server: harness.Start(t, harness.Options{Directory: []byte(test.file)}), t: t}
		who := h.must(h.Admin, "sts", "GetCallerIdentity")
		if h.Account != test.account || who.Value("Arn") != "arn:aws:iam::"+test.account+":user/admin" {
			t.Errorf("%s: the administrator is %s in %s", name, who.Value("Arn"), h.Account)
		}
		if account, err := harness.AccountOf(h.Admin.AccessKeyID); err != nil || account != test.account {
			t.Errorf("%s: its key %s carries %s (%v)", name, h.Admin.AccessKeyID, account, err)
		}
	}
}

// A file that is wrong is refused as a whole, with a reason, and the server does not start.
func TestWrongDirectoryFiles(t *testing.T) {
	t.Parallel()
	wrong := map[string]string{
		"not YAML":              "accounts: {",
		"an unknown member":     "accounts: {\"111122223333\": {usres: {}}}",
		"an unknown top member": "acounts: {}",
		"a short account":       "accounts: {\"1111\": {}}",
		"an account twice":      "accounts: {\"111122223333\": {}, \"111122223333\": {}}",
		"another's key":         "accounts: {\"111122223333\": {users: {a: {access_keys: [{id: AKIAWO645SY5AAAAAAAA, secret: s}]}}}}",
		"a malformed policy":    "accounts: {\"111122223333\": {policies: {p: {document: {Statement: 1}}}}}",
		"no trust policy":       "accounts: {\"111122223333\": {roles: {r: {}}}}",
		"a group that is not":   "accounts: {\"111122223333\": {users: {a: {groups: [ghosts]}}}}",
		"a policy that is not":  "accounts: {\"111122223333\": {users: {a: {attached_policies: [\"arn:aws:iam::111122223333:policy/ghost\"]}}}}",
		"a bad seed":            "accounts: {\"111122223333\": {users: {a: {mfa_devices: [{name: d, seed: \"1\"}]}}}}",
		"a bad name":            "accounts: {\"111122223333\": {users: {\"a b\": {}}}}",
		"too long a maximum":    "accounts: {\"111122223333\": {roles: {r: {max_session_duration: 43201, trust_policy: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Principal: {AWS: \"*\"}, Action: \"sts:AssumeRole\"}]}}}}}",
	}
	for name, file := range wrong {
		server, err := harness.Launch(harness.Options{Directory: []byte(file)}, t.TempDir())
		if err == nil {
			t.Errorf("%s: the server started", name)
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
			continue
		}
		if text := err.Error(); !strings.Contains(text, "exit status") || !strings.Contains(text, "stint: ") || strings.Contains(text, "panic") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What cannot be started says so and ends with a status that is not nought.
func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	held := harness.Start(t, harness.Options{})
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, arguments := range map[string][]string{
		"no command":          {"conjure"},
		"an unknown flag":     {"dev", "--conjure"},
		"not loopback":        {"dev", "--listen", "0.0.0.0:0", "--data", filepath.Join(dir, "a")},
		"a port in use":       {"dev", "--listen", held.Address, "--data", filepath.Join(dir, "b")},
		"data in use":         {"dev", "--listen", "127.0.0.1:0", "--data", held.Data},
		"data that is a file": {"dev", "--listen", "127.0.0.1:0", "--data", file},
		"no such file":        {"dev", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "c"), "--directory", filepath.Join(dir, "ghost")},
		"a bad region":        {"dev", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "d"), "--region", "no where"},
		"a bad offset":        {"dev", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "e"), "--clock-offset", "later"},
		"env file nowhere":    {"dev", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "f"), "--env-file", filepath.Join(dir, "ghost", "env")},
	} {
		begun := time.Now()
		output, err := harness.Run(arguments...)
		if err == nil || !strings.Contains(err.Error(), "exit status") || strings.Contains(output, "panic") || !strings.Contains(output, "stint: ") {
			t.Errorf("%s: %v\n%s", name, err, output)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
	h := &house{Server: held, t: t}
	h.must(h.Admin, "sts", "GetCallerIdentity")
}

// Scopes: the regions that are named, IAM's us-east-1 beside them, and with * any.
func TestRegions(t *testing.T) {
	t.Parallel()
	send := func(h *house, service, region, action string) *harness.Response {
		request := harness.NewPost(harness.Field{Name: "Action", Value: action}, harness.Field{Name: "Version", Value: harness.Version(service)})
		signing := h.Signing(h.Admin, service)
		signing.Region = region
		harness.Sign(request, signing)
		return h.send(request)
	}
	two := &house{Server: harness.Start(t, harness.Options{Arguments: []string{"--region", "eu-central-1", "--region", "eu-west-1"}}), t: t}
	wild := &house{Server: harness.Start(t, harness.Options{Arguments: []string{"--region", "*"}}), t: t}
	for _, test := range []struct {
		h       *house
		service string
		region  string
		fine    bool
	}{
		{two, "sts", "eu-central-1", true}, {two, "sts", "eu-west-1", true}, {two, "sts", "us-east-1", false}, {two, "sts", "eu-central-2", false},
		{two, "iam", "us-east-1", true}, {two, "iam", "eu-west-1", true}, {two, "iam", "us-west-2", false},
		{wild, "sts", "us-east-1", true}, {wild, "sts", "mars-north-7", true}, {wild, "iam", "ap-south-1", true},
	} {
		action := "GetCallerIdentity"
		if test.service == "iam" {
			action = "ListUsers"
		}
		answer := send(test.h, test.service, test.region, action)
		if fine := answer.Status == 200; fine != test.fine {
			t.Errorf("%s in %s: %s", test.service, test.region, answer)
		} else if !fine && !strings.HasPrefix(answer.Value("Error.Message"), "Credential should be scoped to a valid region.") {
			t.Errorf("%s in %s: %s", test.service, test.region, answer)
		}
	}
}

// A region that an account has turned off issues nothing for it.
func TestDisabledRegion(t *testing.T) {
	t.Parallel()
	h := &house{t: t, Server: harness.Start(t, harness.Options{
		Directory: []byte("accounts: {\"111122223333\": {disabled_regions: [eu-west-1]}}"),
		Arguments: []string{"--region", "us-east-1", "--region", "eu-west-1"},
	})}
	h.must(h.Admin, "sts", "GetSessionToken")
	request := harness.NewPost(harness.Field{Name: "Action", Value: "GetSessionToken"}, harness.Field{Name: "Version", Value: "2011-06-15"})
	signing := h.Signing(h.Admin, "sts")
	signing.Region = "eu-west-1"
	harness.Sign(request, signing)
	text := h.refused("a region that is off", h.send(request), "RegionDisabledException")
	want := "STS is not activated in this region for account:111122223333. " +
		"Your account administrator can activate STS in this region using the IAM Console."
	if text != want {
		t.Errorf("the message is %q", text)
	}
}
