package iam

import (
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

func TestInstanceProfiles(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	created := ok2(s.CreateInstanceProfile(ctx, s.view(), r, &api.CreateInstanceProfileInput{InstanceProfileName: "Web", Path: new("/w/"), Tags: tagged}))(t).InstanceProfile
	equal(t, "ARN", created.Arn, s.arn("instance-profile/w/Web"))
	equal(t, "prefix of the id", arn.PrefixOf(created.InstanceProfileId), arn.InstanceProfileID)
	equal(t, "roles", len(created.Roles), 0)
	equal(t, "tags", len(created.Tags), 1)
	_, err := s.CreateInstanceProfile(ctx, s.view(), r, &api.CreateInstanceProfileInput{InstanceProfileName: "web"})
	refused(t, err, identity.EntityAlreadyExists, "Instance Profile web already exists.")
	_, err = s.GetInstanceProfile(ctx, s.view(), r, &api.GetInstanceProfileInput{InstanceProfileName: "ghost"})
	refused(t, err, identity.NoSuchEntity, "Instance Profile ghost cannot be found.")
	_, err = s.CreateInstanceProfile(ctx, s.view(), r, &api.CreateInstanceProfileInput{InstanceProfileName: "x", Path: new("/*/")})
	refused(t, err, identity.ValidationError, "The specified value for path is invalid. It must begin and end with / and contain only "+
		"alphanumeric characters and/or / characters.")

	add := func(role string) error {
		_, err := s.AddRoleToInstanceProfile(ctx, s.view(), r, &api.AddRoleToInstanceProfileInput{InstanceProfileName: "web", RoleName: role})
		return err
	}
	refused(t, add("ghost"), identity.NoSuchEntity, "The role with name ghost cannot be found.")
	if err := add("bare"); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"bare", "r1"} {
		refused(t, add(role), identity.LimitExceeded, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	}
	got := ok2(s.GetInstanceProfile(ctx, s.view(), r, &api.GetInstanceProfileInput{InstanceProfileName: "WEB"}))(t).InstanceProfile
	equal(t, "role", got.Roles[0].Arn, s.arn("role/bare"))
	equal(t, "trust", decoded(t, got.Roles[0].AssumeRolePolicyDocument), anyone)
	equal(t, "tags", len(got.Tags), 1)
	listed := ok2(s.ListInstanceProfiles(ctx, s.view(), r, &api.ListInstanceProfilesInput{PathPrefix: new("/w/")}))(t).InstanceProfiles
	equal(t, "listed", len(listed), 1)
	if listed[0].Tags != nil || len(listed[0].Roles) != 1 {
		t.Errorf("ListInstanceProfiles shows %+v", listed[0])
	}
	equal(t, "elsewhere", len(ok2(s.ListInstanceProfiles(ctx, s.view(), r, &api.ListInstanceProfilesInput{PathPrefix: new("/x/")}))(t).InstanceProfiles), 0)
	of := ok2(s.ListInstanceProfilesForRole(ctx, s.view(), r, &api.ListInstanceProfilesForRoleInput{RoleName: "bare"}))(t).InstanceProfiles
	equal(t, "profile of the role", of[0].InstanceProfileName, "Web")

	_, err = s.DeleteInstanceProfile(ctx, s.view(), r, &api.DeleteInstanceProfileInput{InstanceProfileName: "web"})
	refused(t, err, identity.DeleteConflict, "Cannot delete entity, must remove roles from instance profile first.")
	_, err = s.DeleteRole(ctx, s.view(), r, &api.DeleteRoleInput{RoleName: "bare"})
	refused(t, err, identity.DeleteConflict, "Cannot delete entity, must remove roles from instance profile first.")
	remove := func(role string) error {
		_, err := s.RemoveRoleFromInstanceProfile(ctx, s.view(), r, &api.RemoveRoleFromInstanceProfileInput{InstanceProfileName: "web", RoleName: role})
		return err
	}
	refused(t, remove("r1"), identity.NoSuchEntity, "The role with name r1 cannot be found.")
	if err := remove("Bare"); err != nil {
		t.Fatal(err)
	}
	refused(t, remove("bare"), identity.NoSuchEntity, "The role with name bare cannot be found.")
	ok2(s.DeleteRole(ctx, s.view(), r, &api.DeleteRoleInput{RoleName: "bare"}))(t)
	ok2(s.UntagInstanceProfile(ctx, s.view(), r, &api.UntagInstanceProfileInput{InstanceProfileName: "web", TagKeys: []string{"absent", "K"}}))(t)
	equal(t, "tags", len(ok2(s.ListInstanceProfileTags(ctx, s.view(), r, &api.ListInstanceProfileTagsInput{InstanceProfileName: "web"}))(t).Tags), 0)
	ok2(s.DeleteInstanceProfile(ctx, s.view(), r, &api.DeleteInstanceProfileInput{InstanceProfileName: "web"}))(t)
	_, err = s.DeleteInstanceProfile(ctx, s.view(), r, &api.DeleteInstanceProfileInput{InstanceProfileName: "web"})
	refused(t, err, identity.NoSuchEntity, "Instance Profile web cannot be found.")
}

// Who puts a role into an instance profile hands it to whoever starts a machine with it: so PassRole decides.
func TestPassRole(t *testing.T) {
	t.Parallel()
	const add = "AddRoleToInstanceProfile"
	for _, tt := range []struct {
		name     string
		resource string
		key      string
		value    string
		allowed  bool
	}{
		{"the role", atR1, "", "", true},
		{"another role", atBare, "", "", false},
		{"to EC2", atR1, "iam:PassedToService", "ec2.amazonaws.com", true},
		{"to another service", atR1, "iam:PassedToService", "lambda.amazonaws.com", false},
		{"for any machine of the account", atR1, "iam:AssociatedResourceArn", "arn:aws:ec2:*:ACCOUNT:instance/*", true},
		{"for one machine", atR1, "iam:AssociatedResourceArn", "arn:aws:ec2:us-east-1:ACCOUNT:instance/i-1", false},
		{"with the role's tag", atR1, "iam:ResourceTag/team", "blue", true},
		{"with another tag", atR1, "iam:ResourceTag/team", "red", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, allowSTS)
			ok2(s.CreateInstanceProfile(t.Context(), s.view(), s.root(), &api.CreateInstanceProfileInput{InstanceProfileName: "web"}))(t)
			var condition map[string]any
			if tt.key != "" {
				condition = map[string]any{"StringEquals": map[string]any{tt.key: s.accountIn(tt.value)}}
			}
			u := s.mustUser("caller").Clone()
			u.Inline = append(inline("p", allowing(add, []string{s.arn("instance-profile/web")}, nil)),
				inline("q", allowing("PassRole", []string{s.arn(tt.resource)}, condition))...)
			s.put(u)
			_, err := s.AddRoleToInstanceProfile(t.Context(), s.view(), s.as("caller"), &api.AddRoleToInstanceProfileInput{InstanceProfileName: "web", RoleName: "r1"})
			if !tt.allowed {
				s.denied(err, "PassRole", s.arn(atR1))
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A service-linked role is its service's alone.
func TestServiceLinkedRolesAreNotPassed(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	s.furnish()
	_, err := s.AddRoleToInstanceProfile(t.Context(), s.view(), s.as("caller"),
		&api.AddRoleToInstanceProfileInput{InstanceProfileName: "vacant", RoleName: "AWSServiceRoleForECS"})
	refused(t, err, identity.UnmodifiableEntity,
		"Cannot perform the operation on the protected role 'AWSServiceRoleForECS' - this role is only modifiable by AWS")
}
