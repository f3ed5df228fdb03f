package iam

import (
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

func TestCreateUser(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	out := ok2(s.CreateUser(t.Context(), s.view(), s.as("caller"), &api.CreateUserInput{
		UserName: "Ann", Path: new("/a/b/"), PermissionsBoundary: new(s.arn("policy/edge")), Tags: tagged,
	}))(t).User
	equal(t, "ARN", out.Arn, s.arn("user/a/b/Ann"))
	equal(t, "path", out.Path, "/a/b/")
	equal(t, "prefix of the id", arn.PrefixOf(out.UserId), arn.UserID)
	equal(t, "date", out.CreateDate.Format("2006-01-02T15:04:05.999Z07:00"), "2026-01-02T03:04:05Z")
	equal(t, "tags", len(out.Tags), 1)
	equal(t, "boundary", *out.PermissionsBoundary.PermissionsBoundaryArn, s.arn("policy/edge"))
	equal(t, "boundary type", *out.PermissionsBoundary.PermissionsBoundaryType, "Policy")

	bare := ok2(s.CreateUser(t.Context(), s.view(), s.as("caller"), &api.CreateUserInput{UserName: "ben"}))(t).User
	equal(t, "path", bare.Path, "/")
	if bare.Tags != nil || bare.PermissionsBoundary != nil {
		t.Error("a user without tags and boundary shows some")
	}

	for _, tt := range []struct {
		name    string
		in      api.CreateUserInput
		code    identity.Code
		message string
	}{
		{"name taken", api.CreateUserInput{UserName: "bob"}, identity.EntityAlreadyExists, "User with name bob already exists."},
		{"in another case", api.CreateUserInput{UserName: "BOB"}, identity.EntityAlreadyExists, "User with name BOB already exists."},
		{"under another path", api.CreateUserInput{UserName: "bob", Path: new("/z/")}, identity.EntityAlreadyExists, "User with name bob already exists."},
		{"wildcard in the path", api.CreateUserInput{UserName: "eve", Path: new("/*/")}, identity.ValidationError,
			"The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."},
		{"boundary is no ARN", api.CreateUserInput{UserName: "eve", PermissionsBoundary: new("longenoughbutnotanarn")}, identity.ValidationError,
			"Invalid ARN:  Could not be parsed!"},
		{"boundary is a role", api.CreateUserInput{UserName: "eve", PermissionsBoundary: new(s.arn(atR1))}, identity.InvalidInput,
			"ARN " + s.arn(atR1) + " is not valid."},
		{"boundary is not there", api.CreateUserInput{UserName: "eve", PermissionsBoundary: new(s.arn("policy/ghost"))}, identity.NoSuchEntity,
			"Scope ARN: " + s.arn("policy/ghost") + " does not exist or is not attachable."},
		{"tag twice", api.CreateUserInput{UserName: "eve", Tags: []api.Tag{{Key: "k"}, {Key: "K"}}}, identity.InvalidInput,
			"Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"AWS's tag", api.CreateUserInput{UserName: "eve", Tags: []api.Tag{{Key: "AWS:x"}}}, identity.InvalidInput,
			"System tags cannot be added/updated/deleted by the user: tag keys must not begin with aws:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.CreateUser(t.Context(), s.view(), s.as("caller"), &tt.in)
			refused(t, err, tt.code, tt.message)
		})
	}
	if _, there := s.view().User(s.account, "eve"); there {
		t.Error("a refused request made a user")
	}
}

func TestGetUser(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx := t.Context()
	bob := ok2(s.GetUser(ctx, s.view(), s.as("caller"), &api.GetUserInput{UserName: new("bob")}))(t).User
	equal(t, "tag", bob.Tags[0], api.Tag{Key: "team", Value: "blue"})
	equal(t, "boundary", *bob.PermissionsBoundary.PermissionsBoundaryArn, s.arn("policy/edge"))
	self := ok2(s.GetUser(ctx, s.view(), s.as("caller"), &api.GetUserInput{}))(t).User
	equal(t, "self", self.UserName, "caller")
	root := ok2(s.GetUser(ctx, s.view(), s.root(), &api.GetUserInput{}))(t).User
	equal(t, "root's ARN", root.Arn, s.arn("root"))
	equal(t, "root's id", root.UserId, string(s.account))
	_, err := s.GetUser(ctx, s.view(), s.inRole("r1"), &api.GetUserInput{})
	refused(t, err, identity.ValidationError, "Must specify userName when calling with non-User credentials")
	_, err = s.GetUser(ctx, s.view(), s.as("caller"), &api.GetUserInput{UserName: new("ghost")})
	refused(t, err, identity.NoSuchEntity, "The user with name ghost cannot be found.")
}

func TestUpdateUserKeepsWhatHangsOnTheID(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, before := t.Context(), s.mustUser("bob")
	update := func(in api.UpdateUserInput) error {
		_, err := s.UpdateUser(ctx, s.view(), s.as("caller"), &in)
		return err
	}
	for _, step := range []struct {
		in  api.UpdateUserInput
		arn string
	}{
		{api.UpdateUserInput{UserName: "bob", NewUserName: new("Bob")}, "user/px/Bob"},
		{api.UpdateUserInput{UserName: "bob", NewUserName: new("rob"), NewPath: new("/r/")}, "user/r/rob"},
		{api.UpdateUserInput{UserName: "rob", NewPath: new("/")}, "user/rob"},
	} {
		if err := update(step.in); err != nil {
			t.Fatal(err)
		}
		entity, _ := s.view().ByID(before.ID)
		u, alive := entity.(*directory.User)
		if !alive {
			t.Fatalf("the id leads nowhere after %+v", step.in)
		}
		equal(t, "ARN", u.ARN, s.arn(step.arn))
		key, _ := s.view().AccessKey(before.AccessKeys[0].ID)
		equal(t, "owner of the key", key.User, u)
		g, _ := s.view().Group(s.account, "devs")
		equal(t, "membership", slices.Contains(slices.Collect(s.view().Members(g)), u), true)
		equal(t, "device", hasDevice(s.view(), u.ID), true)
	}
	if _, there := s.view().User(s.account, "bob"); there {
		t.Error("the old name still leads to the user")
	}
	refused(t, update(api.UpdateUserInput{UserName: "rob", NewUserName: new("PLAIN")}), identity.EntityAlreadyExists, "User with name PLAIN already exists.")
	refused(t, update(api.UpdateUserInput{UserName: "ghost", NewPath: new("/")}), identity.NoSuchEntity, "The user with name ghost cannot be found.")
}

// advisory 132 (CVE-2026-42186): a deletion leaves nothing behind that a user of the same name could inherit.
func TestDeleteUserNeedsEverythingGone(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	id := s.mustUser("bob").ID
	steps := []struct {
		must string
		do   func() error
	}{
		{"delete access keys", func() error {
			_, err := s.DeleteAccessKey(ctx, s.view(), r, &api.DeleteAccessKeyInput{UserName: new("bob"), AccessKeyId: s.mustUser("bob").AccessKeys[0].ID})
			return err
		}},
		{"delete MFA device", func() error {
			_, err := s.DeactivateMFADevice(ctx, s.view(), r, &api.DeactivateMFADeviceInput{UserName: new("bob"), SerialNumber: s.arn("mfa/bobs")})
			return err
		}},
		{"delete policies", func() error {
			_, err := s.DeleteUserPolicy(ctx, s.view(), r, &api.DeleteUserPolicyInput{UserName: "bob", PolicyName: "in"})
			return err
		}},
		{"detach all policies", func() error {
			_, err := s.DetachUserPolicy(ctx, s.view(), r, &api.DetachUserPolicyInput{UserName: "bob", PolicyArn: p1(s)})
			return err
		}},
		{"remove users from group", func() error {
			_, err := s.RemoveUserFromGroup(ctx, s.view(), r, &api.RemoveUserFromGroupInput{UserName: "bob", GroupName: "devs"})
			return err
		}},
	}
	remove := func() error {
		_, err := s.DeleteUser(ctx, s.view(), r, &api.DeleteUserInput{UserName: "bob"})
		return err
	}
	for _, step := range steps {
		refused(t, remove(), identity.DeleteConflict, "Cannot delete entity, must "+step.must+" first.")
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	refused(t, remove(), identity.NoSuchEntity, "The user with name bob cannot be found.")
	again := ok2(s.CreateUser(ctx, s.view(), r, &api.CreateUserInput{UserName: "bob"}))(t).User
	if again.UserId == id {
		t.Error("a unique id came back")
	}
	equal(t, "tags of the new user", len(s.mustUser("bob").Tags), 0)
	equal(t, "boundary of the new user", s.mustUser("bob").Boundary, "")
}

func TestListUsersLeavesOutTagsAndBoundary(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	out := ok2(s.ListUsers(t.Context(), s.view(), s.as("caller"), &api.ListUsersInput{PathPrefix: new("/p")}))(t)
	equal(t, "users", len(out.Users), 1)
	equal(t, "user", out.Users[0].UserName, "bob")
	equal(t, "truncated", *out.IsTruncated, false)
	if out.Users[0].Tags != nil || out.Users[0].PermissionsBoundary != nil || out.Marker != nil {
		t.Errorf("the list shows too much: %+v", out)
	}
	none := ok2(s.ListUsers(t.Context(), s.view(), s.as("caller"), &api.ListUsersInput{PathPrefix: new("/none/")}))(t)
	if none.Users == nil {
		t.Error("an empty list must be there")
	}
}

func TestUserTags(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	tag := func(tags ...api.Tag) error {
		_, err := s.TagUser(ctx, s.view(), r, &api.TagUserInput{UserName: "bob", Tags: tags})
		return err
	}
	if err := tag(api.Tag{Key: "Team", Value: "red"}, api.Tag{Key: "a", Value: ""}); err != nil {
		t.Fatal(err)
	}
	equal(t, "tags", slices.Equal(s.mustUser("bob").Tags, []directory.Tag{{Key: "Team", Value: "red"}, {Key: "a"}}), true)
	out := ok2(s.ListUserTags(ctx, s.view(), r, &api.ListUserTagsInput{UserName: "bob"}))(t)
	equal(t, "listed", len(out.Tags), 2)

	full := make([]api.Tag, maxTags-2)
	for i := range full {
		full[i].Key = "k" + strings.Repeat("x", i)
	}
	if err := tag(full...); err != nil {
		t.Fatal(err)
	}
	refused(t, tag(api.Tag{Key: "one more"}), identity.LimitExceeded, "The number of tags has reached the maximum limit.")
	if err := tag(api.Tag{Key: "TEAM", Value: "green"}); err != nil {
		t.Fatalf("replacing a tag of fifty: %v", err)
	}
	refused(t, tag(api.Tag{Key: "x"}, api.Tag{Key: "X"}), identity.InvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	for range 2 { // removing what is not there succeeds
		if _, err := s.UntagUser(ctx, s.view(), r, &api.UntagUserInput{UserName: "bob", TagKeys: []string{"team", "A"}}); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "tags", len(s.mustUser("bob").Tags), maxTags-2)
}
