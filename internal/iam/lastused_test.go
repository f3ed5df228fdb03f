package iam

import (
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/lastuse"
)

func TestAccessKeyLastUsed(t *testing.T) {
	t.Parallel()
	s, foreign := newStage(t, allowAll), newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	get := func(id string) (*api.GetAccessKeyLastUsedOutput, error) {
		return s.GetAccessKeyLastUsed(ctx, s.view(), r, &api.GetAccessKeyLastUsedInput{AccessKeyId: id})
	}
	id := s.mustUser("bob").AccessKeys[0].ID
	never := ok2(get(id))(t)
	equal(t, "user", *never.UserName, "bob")
	equal(t, "use", *never.AccessKeyLastUsed, api.AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"})
	bob := &identity.Caller{Kind: identity.User, Account: s.account, AccessKeyID: id, PrincipalID: s.mustUser("bob").ID}
	s.Uses.(*lastuse.Tracker).Note(bob, arrival, "sts", "eu-west-1")
	used := ok2(get(id))(t).AccessKeyLastUsed
	equal(t, "time", *used.LastUsedDate, arrival.Truncate(time.Second))
	equal(t, "service", used.ServiceName, "sts")
	equal(t, "region", used.Region, "eu-west-1")
	if err := s.Uses.(*lastuse.Tracker).Flush(ctx); err != nil {
		t.Fatal(err)
	}
	equal(t, "service after it was written down", ok2(get(id))(t).AccessKeyLastUsed.ServiceName, "sts")

	// Keys of others are as keys that are not there.
	for _, unknown := range []string{foreign.mustUser("bob").AccessKeys[0].ID, "AKIAIOSFODNN7EXAMPLE"} {
		_, err := get(unknown)
		refused(t, err, identity.AccessDenied, "User: "+s.arn(atCaller)+" is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key "+unknown)
	}
	root := ok2(s.CreateAccessKey(ctx, s.view(), s.root(), &api.CreateAccessKeyInput{}))(t).AccessKey.AccessKeyId
	if out := ok2(get(root))(t); out.UserName != nil {
		t.Errorf("root's key is %s's", *out.UserName)
	}
}

func TestRoleLastUsed(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	session := s.inRole("r1").Caller
	s.Uses.(*lastuse.Tracker).Note(&session, arrival, "sts", "eu-west-1")
	last := ok2(s.GetRole(t.Context(), s.view(), s.as("caller"), &api.GetRoleInput{RoleName: "r1"}))(t).Role.RoleLastUsed
	equal(t, "time", *last.LastUsedDate, arrival.Truncate(time.Second))
	equal(t, "region", *last.Region, "eu-west-1")
	if l := ok2(s.ListRoles(t.Context(), s.view(), s.as("caller"), &api.ListRolesInput{PathPrefix: new("/rx/")}))(t).Roles[0]; l.RoleLastUsed != nil {
		t.Error("ListRoles shows RoleLastUsed")
	}
}

func TestPasswordLastUsed(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	u := s.mustUser("plain").Clone()
	u.PasswordLastUsed = arrival.Truncate(time.Second)
	s.put(u)
	equal(t, "time", *ok2(s.GetUser(t.Context(), s.view(), s.as("caller"), &api.GetUserInput{UserName: new("plain")}))(t).User.PasswordLastUsed, u.PasswordLastUsed)
	for _, l := range ok2(s.ListUsers(t.Context(), s.view(), s.as("caller"), &api.ListUsersInput{}))(t).Users {
		equal(t, "time of "+l.UserName, l.PasswordLastUsed != nil, l.UserName == "plain")
	}
}

func TestDeviceTags(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	hardware := &directory.Device{Account: s.account, Name: "GAHT12345678", Serial: "GAHT12345678", UserID: s.mustUser("plain").ID, Enabled: now(r),
		Seed: s.newDevice("x").Seed}
	s.put(hardware)
	for _, serial := range []string{s.arn("mfa/loose"), s.arn("mfa/bobs"), "GAHT12345678"} {
		ok2(s.TagMFADevice(ctx, s.view(), r, &api.TagMFADeviceInput{SerialNumber: serial, Tags: tagged}))(t)
		ok2(s.TagMFADevice(ctx, s.view(), r, &api.TagMFADeviceInput{SerialNumber: serial, Tags: []api.Tag{{Key: "K", Value: "w"}, {Key: "l", Value: "x"}}}))(t)
		tags := ok2(s.ListMFADeviceTags(ctx, s.view(), r, &api.ListMFADeviceTagsInput{SerialNumber: serial}))(t).Tags
		equal(t, "tags", len(tags), 2)
		equal(t, "first", tags[0], api.Tag{Key: "K", Value: "w"})
		ok2(s.UntagMFADevice(ctx, s.view(), r, &api.UntagMFADeviceInput{SerialNumber: serial, TagKeys: []string{"k", "absent"}}))(t)
		equal(t, "tags", len(ok2(s.ListMFADeviceTags(ctx, s.view(), r, &api.ListMFADeviceTagsInput{SerialNumber: serial}))(t).Tags), 1)
	}
	ghost := s.arn("mfa/ghost")
	_, err := s.TagMFADevice(ctx, s.view(), r, &api.TagMFADeviceInput{SerialNumber: ghost, Tags: tagged})
	refused(t, err, identity.NoSuchEntity, "VirtualMFADevice with serial number "+ghost+" doesn't exist.")
}
