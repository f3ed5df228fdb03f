package iam

import (
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/lastuse"
	"github.com/stint-sts/stint/internal/secret"
)

func TestGetAccountSummary(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	got := ok2(s.GetAccountSummary(t.Context(), s.view(), s.as("caller"), &api.Empty{}))(t).SummaryMap
	for key, want := range map[string]int32{
		"Users": 3, "Groups": 2, "Roles": 2, "Policies": 3, "PolicyVersionsInUse": 4, "Providers": 2, "MFADevices": 2, "MFADevicesInUse": 1,
		"AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0, "AccountPasswordPresent": 0, "InstanceProfiles": 0, "ServerCertificates": 0,
		"GlobalEndpointTokenVersion": 1, "AttachedPoliciesPerRoleQuota": 10,
		"UsersQuota": 5000, "RolesQuota": 1000, "PolicySizeQuota": 6144, "AssumeRolePolicySizeQuota": 2048, "VersionsPerPolicyQuota": 5,
	} {
		if got[key] != want {
			t.Errorf("%s is %d, want %d", key, got[key], want)
		}
	}
	// The model's own list of keys (summaryKeyType).
	equal(t, "keys", len(got), 34)

	a, found := s.view().Account(s.account)
	equal(t, "account", found, true)
	a = a.Clone()
	a.RootKeys = []directory.AccessKey{{ID: s.id("AKIA"), Secret: directory.Protected{Key: secret.FromString("k")}, Status: directory.Active}}
	device := s.newDevice("roots")
	device.UserID = string(s.account)
	hardware := s.newDevice("GAHT12345678")
	hardware.Serial = hardware.Name
	profile := &directory.InstanceProfile{Account: s.account, Name: "web", ID: s.id("AIPA")}
	certificate := &directory.ServerCertificate{Account: s.account, Name: "web", ID: s.id("ASCA"), Private: directory.Protected{Key: secret.FromString("k")}}
	a.GlobalEndpointTokenVersion = 2
	s.put(a, device, hardware, profile, certificate)
	got = ok2(s.GetAccountSummary(t.Context(), s.view(), s.as("caller"), &api.Empty{}))(t).SummaryMap
	for key, want := range map[string]int32{
		"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 1, "MFADevices": 3, "MFADevicesInUse": 2,
		"InstanceProfiles": 1, "ServerCertificates": 1, "GlobalEndpointTokenVersion": 2,
	} {
		if got[key] != want {
			t.Errorf("%s is %d, want %d", key, got[key], want)
		}
	}
}

func TestGetAccountAuthorizationDetails(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	bob := s.mustUser("bob").Clone()
	bob.Attached = append(bob.Attached, "arn:aws:iam::aws:policy/ReadOnlyAccess")
	used, found := s.view().Role(s.account, "r1")
	equal(t, "r1", found, true)
	s.put(bob, &directory.InstanceProfile{Account: s.account, Name: "web", ID: s.id("AIPA"), RoleID: used.ID})
	s.Uses.(*lastuse.Tracker).Note(&s.inRole("r1").Caller, arrival, "sts", "eu-west-1")
	get := func(in api.GetAccountAuthorizationDetailsInput) *api.GetAccountAuthorizationDetailsOutput {
		return ok2(s.GetAccountAuthorizationDetails(t.Context(), s.view(), s.as("caller"), &in))(t)
	}
	names := func(out *api.GetAccountAuthorizationDetailsOutput) string {
		var all []string
		for _, u := range out.UserDetailList {
			all = append(all, *u.UserName)
		}
		for _, g := range out.GroupDetailList {
			all = append(all, *g.GroupName)
		}
		for _, r := range out.RoleDetailList {
			all = append(all, *r.RoleName)
		}
		for _, p := range out.Policies {
			all = append(all, *p.PolicyName)
		}
		return strings.Join(all, " ")
	}
	everything := get(api.GetAccountAuthorizationDetailsInput{})
	equal(t, "everything", names(everything), "bob caller plain devs empty bare r1 edge free p1 ReadOnlyAccess")
	for filter, want := range map[string]string{
		"User": "bob caller plain", "Group": "devs empty", "Role": "bare r1", "LocalManagedPolicy": "edge free p1",
		"AWSManagedPolicy": "ReadOnlyAccess", "Role User": "bob caller plain bare r1",
	} {
		equal(t, filter, names(get(api.GetAccountAuthorizationDetailsInput{Filter: strings.Fields(filter)})), want)
	}

	// Pages go through the four lists.
	var paged []string
	in := api.GetAccountAuthorizationDetailsInput{MaxItems: new(int32(2))}
	for {
		page := get(in)
		paged = append(paged, names(page))
		if in.Marker = page.Marker; !*page.IsTruncated {
			break
		}
	}
	equal(t, "pages", strings.Join(paged, "|"), "bob caller|plain devs|empty bare|r1 edge|free p1|ReadOnlyAccess")
	in.Marker = get(api.GetAccountAuthorizationDetailsInput{MaxItems: new(int32(2))}).Marker
	in.Filter = []string{"User"}
	_, err := s.GetAccountAuthorizationDetails(t.Context(), s.view(), s.as("caller"), &in)
	refused(t, err, "ValidationError", "Invalid Marker.")

	user := everything.UserDetailList[0]
	equal(t, "bob's groups", strings.Join(user.GroupList, " "), "devs")
	equal(t, "bob's inline policies", len(user.UserPolicyList), 1)
	equal(t, "bob's document", *user.UserPolicyList[0].PolicyDocument, encoded(allowSTS))
	equal(t, "bob's managed policies", len(user.AttachedManagedPolicies), 2)
	equal(t, "bob's boundary", *user.PermissionsBoundary.PermissionsBoundaryArn, s.arn("policy/edge"))
	equal(t, "bob's tags", len(user.Tags), 1)
	plain := everything.UserDetailList[2]
	if plain.UserPolicyList != nil || plain.GroupList == nil || plain.AttachedManagedPolicies == nil || plain.Tags == nil {
		t.Errorf("plain: %+v", plain)
	}
	if g := everything.GroupDetailList[1]; g.GroupPolicyList == nil || g.AttachedManagedPolicies == nil {
		t.Errorf("empty: %+v", g)
	}
	r := everything.RoleDetailList[0]
	if r.InstanceProfileList == nil || r.RolePolicyList == nil || r.Tags == nil || r.RoleLastUsed == nil || r.PermissionsBoundary != nil {
		t.Errorf("bare: %+v", r)
	}
	equal(t, "bare's instance profiles", len(r.InstanceProfileList), 0)
	equal(t, "bare's last use", *r.RoleLastUsed, api.RoleLastUsed{})
	r1 := everything.RoleDetailList[1]
	equal(t, "r1's instance profile", r1.InstanceProfileList[0].InstanceProfileName, "web")
	equal(t, "the role in it", r1.InstanceProfileList[0].Roles[0].RoleName, "r1")
	equal(t, "r1's last use", *r1.RoleLastUsed.Region, "eu-west-1")
	equal(t, "bare's trust", *r.AssumeRolePolicyDocument, encoded(anyone))
	p := everything.Policies[slices.IndexFunc(everything.Policies, func(p api.ManagedPolicyDetail) bool { return *p.PolicyName == "p1" })]
	equal(t, "p1's uses", *p.AttachmentCount, 3)
	equal(t, "p1's versions", len(p.PolicyVersionList), 2)
	equal(t, "p1's newest version", *p.PolicyVersionList[0].VersionId, "v2")
	equal(t, "p1's default", *p.PolicyVersionList[1].IsDefaultVersion, true)
	equal(t, "p1's document", *p.PolicyVersionList[1].Document, encoded(allowSTS))
}
