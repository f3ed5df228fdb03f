package iam

import (
	"fmt"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	g := ok2(s.CreateGroup(ctx, s.view(), r, &api.CreateGroupInput{GroupName: "Ops", Path: new("/o/")}))(t).Group
	equal(t, "ARN", g.Arn, s.arn("group/o/Ops"))
	equal(t, "prefix of the id", arn.PrefixOf(g.GroupId), arn.GroupID)
	_, err := s.CreateGroup(ctx, s.view(), r, &api.CreateGroupInput{GroupName: "OPS"})
	refused(t, err, identity.EntityAlreadyExists, "Group with name OPS already exists.")
	_, err = s.GetGroup(ctx, s.view(), r, &api.GetGroupInput{GroupName: "ghost"})
	refused(t, err, identity.NoSuchEntity, "The group with name ghost cannot be found.")

	members := ok2(s.GetGroup(ctx, s.view(), r, &api.GetGroupInput{GroupName: "devs"}))(t)
	equal(t, "members", len(members.Users), 1)
	equal(t, "member", members.Users[0].UserName, "bob")
	if members.Users[0].Tags != nil {
		t.Error("a list of users shows tags")
	}
	if _, err := s.UpdateGroup(ctx, s.view(), r, &api.UpdateGroupInput{GroupName: "devs", NewGroupName: new("coders"), NewPath: new("/")}); err != nil {
		t.Fatal(err)
	}
	members = ok2(s.GetGroup(ctx, s.view(), r, &api.GetGroupInput{GroupName: "coders"}))(t)
	equal(t, "members after renaming", len(members.Users), 1)
	equal(t, "ARN after renaming", members.Group.Arn, s.arn("group/coders"))
	_, err = s.UpdateGroup(ctx, s.view(), r, &api.UpdateGroupInput{GroupName: "coders", NewGroupName: new("ops")})
	refused(t, err, identity.EntityAlreadyExists, "Group with name ops already exists.")
	of := ok2(s.ListGroupsForUser(ctx, s.view(), r, &api.ListGroupsForUserInput{UserName: "bob"}))(t)
	equal(t, "group of bob", of.Groups[0].GroupName, "coders")
}

func TestMembership(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	add := func(group, user string) error {
		_, err := s.AddUserToGroup(ctx, s.view(), r, &api.AddUserToGroupInput{GroupName: group, UserName: user})
		return err
	}
	remove := func(group, user string) error {
		_, err := s.RemoveUserFromGroup(ctx, s.view(), r, &api.RemoveUserFromGroupInput{GroupName: group, UserName: user})
		return err
	}
	for range 2 { // a member may be added again
		if err := add("devs", "plain"); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "groups", len(s.mustUser("plain").Groups), 1)
	refused(t, add("ghost", "plain"), identity.NoSuchEntity, "The group with name ghost cannot be found.")
	refused(t, add("devs", "ghost"), identity.NoSuchEntity, "The user with name ghost cannot be found.")
	refused(t, remove("empty", "plain"), identity.NoSuchEntity, "User plain not in group empty")
	for i := range maxGroups {
		name := fmt.Sprintf("g%d", i)
		s.put(&directory.Group{Account: s.account, Name: name, Path: "/", ID: s.id(arn.GroupID), ARN: s.arn("group/" + name)})
		if i < maxGroups-1 {
			if err := add(name, "plain"); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused(t, add("g9", "plain"), identity.LimitExceeded, "Cannot exceed quota for GroupsPerUser: 10")
	if err := remove("devs", "plain"); err != nil {
		t.Fatal(err)
	}
	if err := add("g9", "plain"); err != nil {
		t.Fatal(err)
	}
}

func TestDeleteGroup(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	remove := func() error {
		_, err := s.DeleteGroup(ctx, s.view(), r, &api.DeleteGroupInput{GroupName: "devs"})
		return err
	}
	refused(t, remove(), identity.DeleteConflict, "Cannot delete entity, must remove users from group first.")
	ok2(s.RemoveUserFromGroup(ctx, s.view(), r, &api.RemoveUserFromGroupInput{GroupName: "devs", UserName: "bob"}))(t)
	refused(t, remove(), identity.DeleteConflict, "Cannot delete entity, must delete policies first.")
	ok2(s.DeleteGroupPolicy(ctx, s.view(), r, &api.DeleteGroupPolicyInput{GroupName: "devs", PolicyName: "in"}))(t)
	refused(t, remove(), identity.DeleteConflict, "Cannot delete entity, must detach all policies first.")
	ok2(s.DetachGroupPolicy(ctx, s.view(), r, &api.DetachGroupPolicyInput{GroupName: "devs", PolicyArn: p1(s)}))(t)
	if err := remove(); err != nil {
		t.Fatal(err)
	}
}
