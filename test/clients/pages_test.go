package clients

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/stint-sts/stint/test/harness"
)

// TestPagesAndWaiters goes through lists with the SDK's paginators, two items a page, and waits with its waiters.
func TestPagesAndWaiters(t *testing.T) {
	t.Parallel()
	g := goSDK{t: t, server: harness.Start(t, harness.Options{})}
	admin := g.iam(g.server.Admin)
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	const members = 5
	_, err := admin.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("all")})
	g.must("CreateGroup", err)
	for i := range members {
		name := aws.String(fmt.Sprintf("u%d", i))
		_, err := admin.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Path: aws.String("/pages/")})
		g.must("CreateUser", err)
		_, err = admin.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("all"), UserName: name})
		g.must("AddUserToGroup", err)
	}
	two := aws.Int32(2)

	users := 0
	for p := iam.NewListUsersPaginator(admin, &iam.ListUsersInput{PathPrefix: aws.String("/pages/"), MaxItems: two}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		g.must("ListUsers", err)
		users += len(page.Users)
	}
	inGroup := 0
	for p := iam.NewGetGroupPaginator(admin, &iam.GetGroupInput{GroupName: aws.String("all"), MaxItems: two}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		g.must("GetGroup", err)
		inGroup += len(page.Users)
	}
	detailed := 0
	for p := iam.NewGetAccountAuthorizationDetailsPaginator(admin, &iam.GetAccountAuthorizationDetailsInput{MaxItems: two}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		g.must("GetAccountAuthorizationDetails", err)
		detailed += len(page.UserDetailList)
	}
	simulated := 0
	for p := iam.NewSimulateCustomPolicyPaginator(admin, &iam.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll},
		ActionNames: []string{"s3:GetObject", "s3:PutObject", "sts:AssumeRole"}, MaxItems: two}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		g.must("SimulateCustomPolicy", err)
		simulated += len(page.EvaluationResults)
	}
	if users != members || inGroup != members || detailed != members+1 || simulated != 3 { // the administrator is a user too
		t.Errorf("the pages held %d users, %d members, %d details, %d simulations", users, inGroup, detailed, simulated)
	}

	role, err := admin.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("waited"), AssumeRolePolicyDocument: aws.String(trustAccount)})
	g.must("CreateRole", err)
	policy, err := admin.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("waited"), PolicyDocument: aws.String(allowAll)})
	g.must("CreatePolicy", err)
	g.must("waiting for the user", iam.NewUserExistsWaiter(admin).Wait(ctx, &iam.GetUserInput{UserName: aws.String("u0")}, commandLimit))
	g.must("waiting for the role", iam.NewRoleExistsWaiter(admin).Wait(ctx, &iam.GetRoleInput{RoleName: role.Role.RoleName}, commandLimit))
	g.must("waiting for the policy", iam.NewPolicyExistsWaiter(admin).Wait(ctx, &iam.GetPolicyInput{PolicyArn: policy.Policy.Arn}, commandLimit))
}
