package clients

import (
	"context"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/stint-sts/stint/test/harness"
)

const (
	denyListUsers = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:ListUsers","Resource":"*"}]}`
	denyAssume    = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]}`
)

// organization is a walk through the Organizations API with the SDK for Go.
type organization struct {
	goSDK
	*organizations.Client
	root, unit, member string
}

// An organization is made with an account and a unit; an SCP and an RCP are attached, obeyed, and detached again.
func TestGoSDKOrganizations(t *testing.T) {
	t.Parallel()
	g := goSDK{t: t, server: harness.Start(t, harness.Options{})}
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	o := &organization{goSDK: g, Client: organizations.NewFromConfig(g.config(g.server.Admin))}

	_, err := o.DescribeOrganization(ctx, nil)
	if !is[*types.AWSOrganizationsNotInUseException](err) {
		t.Errorf("before there is one: %v", err)
	}
	o.found(ctx)
	o.serviceControl(ctx)
	o.resourceControl(ctx)
	o.end(ctx)
}

func (o *organization) found(ctx context.Context) {
	made, err := o.CreateOrganization(ctx, &organizations.CreateOrganizationInput{FeatureSet: types.OrganizationFeatureSetAll})
	o.must("CreateOrganization", err)
	equal(o.t, "the management account", aws.ToString(made.Organization.MasterAccountId), account)
	_, err = o.CreateOrganization(ctx, &organizations.CreateOrganizationInput{})
	if !is[*types.AlreadyInOrganizationException](err) {
		o.t.Errorf("an organization twice: %v", err)
	}
	roots, err := o.ListRoots(ctx, nil)
	o.must("ListRoots", err)
	o.root = aws.ToString(roots.Roots[0].Id)

	status, err := o.CreateAccount(ctx, &organizations.CreateAccountInput{Email: aws.String("one@example.com"), AccountName: aws.String("one")})
	o.must("CreateAccount", err)
	described, err := o.DescribeCreateAccountStatus(ctx, &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: status.CreateAccountStatus.Id})
	o.must("DescribeCreateAccountStatus", err)
	equal(o.t, "the state", string(described.CreateAccountStatus.State), string(types.CreateAccountStateSucceeded))
	o.member = aws.ToString(described.CreateAccountStatus.AccountId)

	unit, err := o.CreateOrganizationalUnit(ctx, &organizations.CreateOrganizationalUnitInput{ParentId: &o.root, Name: aws.String("dev")})
	o.must("CreateOrganizationalUnit", err)
	o.unit = aws.ToString(unit.OrganizationalUnit.Id)
	_, err = o.MoveAccount(ctx, &organizations.MoveAccountInput{AccountId: &o.member, SourceParentId: &o.root, DestinationParentId: &o.unit})
	o.must("MoveAccount", err)

	var names []string
	pages := organizations.NewListAccountsPaginator(o.Client, &organizations.ListAccountsInput{MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		o.must("ListAccounts", err)
		for _, a := range page.Accounts {
			names = append(names, aws.ToString(a.Id))
		}
	}
	if len(names) != 2 {
		o.t.Errorf("the accounts are %v", names)
	}
}

// attach makes a policy and attaches it to the unit.
func (o *organization) attach(ctx context.Context, kind types.PolicyType, content string) *string {
	o.t.Helper()
	made, err := o.CreatePolicy(ctx, &organizations.CreatePolicyInput{
		Name: aws.String("fence"), Description: aws.String(""), Type: kind, Content: &content,
	})
	o.must("CreatePolicy", err)
	id := made.Policy.PolicySummary.Id
	_, err = o.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: id, TargetId: &o.unit})
	if !is[*types.PolicyTypeNotEnabledException](err) {
		o.t.Errorf("a policy of a type that is not enabled: %v", err)
	}
	_, err = o.EnablePolicyType(ctx, &organizations.EnablePolicyTypeInput{RootId: &o.root, PolicyType: kind})
	o.must("EnablePolicyType", err)
	_, err = o.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: id, TargetId: &o.unit})
	o.must("AttachPolicy", err)
	_, err = o.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: id, TargetId: &o.unit})
	if !is[*types.DuplicatePolicyAttachmentException](err) {
		o.t.Errorf("a policy twice: %v", err)
	}
	return id
}

func (o *organization) detach(ctx context.Context, id *string) {
	o.t.Helper()
	_, err := o.DetachPolicy(ctx, &organizations.DetachPolicyInput{PolicyId: id, TargetId: &o.unit})
	o.must("DetachPolicy", err)
	_, err = o.DeletePolicy(ctx, &organizations.DeletePolicyInput{PolicyId: id})
	o.must("DeletePolicy", err)
}

func (o *organization) enter(ctx context.Context) (harness.Credentials, error) {
	out, err := o.sts(o.server.Admin).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + o.member + ":role/OrganizationAccountAccessRole"), RoleSessionName: aws.String("walk"),
	})
	if err != nil {
		return harness.Credentials{}, err
	}
	return made(out.Credentials), nil
}

func (o *organization) serviceControl(ctx context.Context) {
	inside, err := o.enter(ctx)
	o.must("AssumeRole into the account", err)
	_, err = o.iam(inside).ListUsers(ctx, nil)
	o.must("ListUsers before the SCP", err)
	id := o.attach(ctx, types.PolicyTypeServiceControlPolicy, denyListUsers)
	_, err = o.iam(inside).ListUsers(ctx, nil)
	o.denied("ListUsers under the SCP", err, "AccessDenied")
	_, err = o.iam(inside).ListRoles(ctx, nil)
	o.must("ListRoles under the SCP", err)
	_, err = o.iam(o.server.Admin).ListUsers(ctx, nil)
	o.must("ListUsers of the management account", err)
	_, err = organizations.NewFromConfig(o.config(inside)).ListAccounts(ctx, nil)
	if !is[*types.AccessDeniedException](err) {
		o.t.Errorf("ListAccounts of a member: %v", err)
	}
	o.detach(ctx, id)
	_, err = o.iam(inside).ListUsers(ctx, nil)
	o.must("ListUsers after the SCP", err)
}

func (o *organization) resourceControl(ctx context.Context) {
	id := o.attach(ctx, types.PolicyTypeResourceControlPolicy, denyAssume)
	_, err := o.enter(ctx)
	o.denied("AssumeRole under the RCP", err, "AccessDenied")
	o.detach(ctx, id)
	_, err = o.enter(ctx)
	o.must("AssumeRole after the RCP", err)
}

func (o *organization) end(ctx context.Context) {
	_, err := o.DeleteOrganizationalUnit(ctx, &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitId: &o.unit})
	if !is[*types.OrganizationalUnitNotEmptyException](err) {
		o.t.Errorf("a unit with an account: %v", err)
	}
	_, err = o.DeleteOrganization(ctx, nil)
	if !is[*types.OrganizationNotEmptyException](err) {
		o.t.Errorf("an organization with an account: %v", err)
	}
	_, err = o.RemoveAccountFromOrganization(ctx, &organizations.RemoveAccountFromOrganizationInput{AccountId: &o.member})
	o.must("RemoveAccountFromOrganization", err)
	_, err = o.DeleteOrganizationalUnit(ctx, &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitId: &o.unit})
	o.must("DeleteOrganizationalUnit", err)
	_, err = o.DeleteOrganization(ctx, nil)
	o.must("DeleteOrganization", err)
}

// The AWS CLI as Debian has it knows Organizations too.
func TestDebianCLIOrganizations(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(debianCLI); err != nil {
		t.Fatalf("run test/install.sh: %v", err)
	}
	server := harness.Start(t, harness.Options{})
	c := &cli{t: t, program: debianCLI, server: server, env: environment(t), flags: []string{"--endpoint-url", server.URL()}}
	admin := server.Admin
	c.refused(admin, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization.", "organizations", "list-accounts")
	equal(t, "the management account", c.must(admin, "Organization.MasterAccountId", "organizations", "create-organization"), account)
	root := c.must(admin, "Id", "organizations", "list-roots", "--query", "Roots[0]")
	id := c.must(admin, "CreateAccountStatus.AccountId", "organizations", "create-account", "--email", "one@example.com", "--account-name", "one")
	unit := c.must(admin, "OrganizationalUnit.Id", "organizations", "create-organizational-unit", "--parent-id", root, "--name", "dev")
	c.must(admin, "", "organizations", "move-account", "--account-id", id, "--source-parent-id", root, "--destination-parent-id", unit)
	equal(t, "the parent", c.must(admin, "Id", "organizations", "list-parents", "--child-id", id, "--query", "Parents[0]"), unit)
	c.must(admin, "", "organizations", "enable-policy-type", "--root-id", root, "--policy-type", "SERVICE_CONTROL_POLICY")
	policy := c.must(admin, "Policy.PolicySummary.Id", "organizations", "create-policy", "--name", "fence", "--description", "d",
		"--type", "SERVICE_CONTROL_POLICY", "--content", denyListUsers)
	c.must(admin, "", "organizations", "attach-policy", "--policy-id", policy, "--target-id", unit)
	inside := c.credentials(admin, "sts", "assume-role", "--role-arn", "arn:aws:iam::"+id+":role/OrganizationAccountAccessRole", "--role-session-name", "walk")
	c.refused(inside, "AccessDenied", "with an explicit deny in a service control policy", "iam", "list-users")
	c.refused(admin, "InvalidInputException", "You provided a value that does not match the required pattern.",
		"organizations", "describe-account", "--account-id", "12345")
}
