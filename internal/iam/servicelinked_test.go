package iam

import (
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

func TestServiceLinkedRoles(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	create := func(service string, suffix *string) (*api.CreateServiceLinkedRoleOutput, error) {
		return s.CreateServiceLinkedRole(ctx, s.view(), r, &api.CreateServiceLinkedRoleInput{AWSServiceName: service, CustomSuffix: suffix, Description: new("d")})
	}
	role := ok2(create("batch.amazonaws.com", nil))(t).Role
	equal(t, "name", role.RoleName, "AWSServiceRoleForBatch")
	equal(t, "path", role.Path, "/aws-service-role/batch.amazonaws.com/")
	equal(t, "ARN", role.Arn, s.arn(atBatch))
	equal(t, "prefix of the id", arn.PrefixOf(role.RoleId), arn.RoleID)
	equal(t, "description", *role.Description, "d")
	if trust := decoded(t, role.AssumeRolePolicyDocument); !strings.Contains(trust, `"Service":"batch.amazonaws.com"`) {
		t.Errorf("the role trusts %s", trust)
	}
	for _, tt := range []struct {
		service string
		suffix  *string
		code    identity.Code
		message string
	}{
		{"batch.amazonaws.com", nil, identity.InvalidInput, "Service role name AWSServiceRoleForBatch has been taken in this account, please try a different suffix."},
		{"ecs.amazonaws.com", new("x"), identity.InvalidInput, "Custom suffix is not allowed for ecs.amazonaws.com"},
		{"x.example.com", nil, identity.AccessDenied, "Cannot find Service Linked Role template for x.example.com"},
		{"Batch.amazonaws.com", nil, identity.AccessDenied, "Cannot find Service Linked Role template for Batch.amazonaws.com"},
		{"autoscaling.amazonaws.com", new(strings.Repeat("x", 36)), identity.InvalidInput,
			"The role name AWSServiceRoleForAutoScaling_" + strings.Repeat("x", 36) + " must have at most 64 characters."},
	} {
		_, err := create(tt.service, tt.suffix)
		refused(t, err, tt.code, tt.message)
	}
	equal(t, "name", ok2(create("autoscaling.amazonaws.com", new("a")))(t).Role.RoleName, "AWSServiceRoleForAutoScaling_a")
	equal(t, "name", ok2(create("autoscaling.amazonaws.com", new(strings.Repeat("x", 35))))(t).Role.RoleName, "AWSServiceRoleForAutoScaling_"+strings.Repeat("x", 35))

	// Their owners may tag and describe them.
	ok2(s.TagRole(ctx, s.view(), r, &api.TagRoleInput{RoleName: role.RoleName, Tags: tagged}))(t)
	ok2(s.UpdateRole(ctx, s.view(), r, &api.UpdateRoleInput{RoleName: role.RoleName, Description: new("e")}))(t)
	_, err := s.UpdateRole(ctx, s.view(), r, &api.UpdateRoleInput{RoleName: role.RoleName, MaxSessionDuration: new(int32(7200))})
	refused(t, err, identity.UnmodifiableEntity, "Cannot perform the operation on the protected role 'AWSServiceRoleForBatch' - this role is only modifiable by AWS")
	got := ok2(s.GetRole(ctx, s.view(), r, &api.GetRoleInput{RoleName: role.RoleName}))(t).Role
	equal(t, "description", *got.Description, "e")
	equal(t, "tags", len(got.Tags), 1)
	equal(t, "MaxSessionDuration", *got.MaxSessionDuration, 3600)

	remove := func(name string) (*api.DeleteServiceLinkedRoleOutput, error) {
		return s.DeleteServiceLinkedRole(ctx, s.view(), r, &api.DeleteServiceLinkedRoleInput{RoleName: name})
	}
	_, err = remove("r1")
	refused(t, err, identity.InvalidInput, "The role r1 is not a service-linked role.")
	_, err = remove("ghost")
	refused(t, err, identity.NoSuchEntity, "The role with name ghost cannot be found.")
	task := ok2(remove(role.RoleName))(t).DeletionTaskId
	if !strings.HasPrefix(task, "task/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch/") {
		t.Errorf("the task is %s", task)
	}
	_, err = s.GetRole(ctx, s.view(), r, &api.GetRoleInput{RoleName: role.RoleName})
	refused(t, err, identity.NoSuchEntity, "The role with name AWSServiceRoleForBatch cannot be found.")
	status := func(id string) (*api.GetServiceLinkedRoleDeletionStatusOutput, error) {
		return s.GetServiceLinkedRoleDeletionStatus(ctx, s.view(), r, &api.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: id})
	}
	equal(t, "status", ok2(status(task))(t).Status, "SUCCEEDED")
}

// A task that nobody was given is none: nor is one of another role or another account.
func TestDeletionTasks(t *testing.T) {
	t.Parallel()
	s, foreign := newStage(t, allowAll), newStage(t, allowAll)
	const ecs, batch = "task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", "task/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
	status := func(id string) error {
		_, err := s.GetServiceLinkedRoleDeletionStatus(t.Context(), s.view(), s.as("caller"), &api.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: id})
		return err
	}
	right := s.task(ecs)
	if err := status(right); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{
		ecs + "/" + strings.TrimPrefix(foreign.task(ecs), ecs+"/"), batch + "/" + strings.TrimPrefix(right, ecs+"/"), right + "A", right[:len(right)-4],
		ecs + "/d3aa1a7e-1c2b-4d5e-8f90-123456789012", strings.Replace(right, "ECS/", "ecs/", 1),
	} {
		refused(t, status(id), identity.NoSuchEntity, "The deletion task "+id+" cannot be found.")
	}
	for _, id := range []string{"x", ecs, "task/other/ecs.amazonaws.com/AWSServiceRoleForECS/x", "job" + strings.TrimPrefix(right, "task")} {
		refused(t, status(id), identity.InvalidInput, "The deletion task id is not valid.")
	}
}
