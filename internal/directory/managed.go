package directory

import (
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
)

// AWSAccount owns the AWS-managed policies.
const AWSAccount arn.AccountID = "aws"

// AWS-managed policies that every directory has. The documents grant what their names promise for the services that accept
// Stint's credentials; they are not AWS's texts.
var managedDocuments = []struct{ name, document string }{
	{"AdministratorAccess", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
	{"PowerUserAccess", `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},` +
		`{"Effect":"Allow","Action":["iam:ListRoles","organizations:DescribeOrganization"],"Resource":"*"}]}`},
	{"ReadOnlyAccess", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` +
		`"iam:Get*","iam:List*","iam:Generate*","iam:Simulate*",` +
		`"sts:GetAccessKeyInfo","sts:GetCallerIdentity","sts:GetSessionToken",` +
		`"organizations:Describe*","organizations:List*","s3:Get*","s3:List*"],"Resource":"*"}]}`},
	{"IAMFullAccess", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` +
		`"iam:*","organizations:DescribeAccount","organizations:DescribeOrganization","organizations:ListAccounts"],"Resource":"*"}]}`},
	{"IAMReadOnlyAccess", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` +
		`"iam:Get*","iam:List*","iam:GenerateCredentialReport","iam:GenerateServiceLastAccessedDetails",` +
		`"iam:SimulateCustomPolicy","iam:SimulatePrincipalPolicy"],"Resource":"*"}]}`},
	{"AmazonS3FullAccess", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`},
	{"AmazonS3ReadOnlyAccess", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*"],"Resource":"*"}]}`},
}

func managedPolicies(partition arn.Partition) []*ManagedPolicy {
	created := time.Date(2015, 2, 6, 18, 39, 46, 0, time.UTC)
	policies := make([]*ManagedPolicy, len(managedDocuments))
	for i, d := range managedDocuments {
		policies[i] = &ManagedPolicy{
			Account: AWSAccount,
			Name:    d.name,
			Path:    "/",
			ID:      managedID(d.name),
			ARN:     "arn:" + string(partition) + ":iam::aws:policy/" + d.name,
			Created: created,
			Updated: created,
			Versions: []PolicyVersion{
				{ID: "v1", Document: NewDocument(d.document), Created: created},
			},
			DefaultVersion: "v1",
			NextVersion:    2,
		}
	}
	return policies
}

// managedID makes a unique id of the right form that is the same on every node.
func managedID(name string) string {
	const length = 21
	id := strings.ToUpper("ANPAI" + strings.Map(func(r rune) rune {
		if r >= '2' && r <= '7' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, name))
	if len(id) > length {
		return id[:length]
	}
	return id + strings.Repeat("A", length-len(id))
}
