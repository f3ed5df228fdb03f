package directory

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/policy"
)

func TestBuiltinPolicies(t *testing.T) {
	t.Parallel()
	want := []string{
		"AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "IAMFullAccess", "IAMReadOnlyAccess", "IAMUserChangePassword",
		"SecurityAudit", "AmazonS3FullAccess", "AmazonS3ReadOnlyAccess", "root-task/IAMAuditRootUserCredentials",
		"root-task/IAMCreateRootUserPassword", "root-task/IAMDeleteRootUserCredentials", "root-task/S3UnlockBucketPolicy",
		"root-task/SQSUnlockQueuePolicy",
	}
	for _, partition := range []arn.Partition{"aws", "aws-cn"} {
		v := NewView(partition)
		ids := make(map[string]bool)
		for p := range v.Policies(AWSAccount) {
			ids[p.ID] = true
			if arn.PrefixOf(p.ID) != arn.PolicyID || len(p.ID) != 21 {
				t.Errorf("%s: id %s", p.Name, p.ID)
			}
			if text := p.Default().Text(); strings.Contains(text, "arn:") && !strings.Contains(text, "arn:"+string(partition)+":") {
				t.Errorf("%s names another partition: %s", p.Name, text)
			}
		}
		if len(ids) != len(want) {
			t.Errorf("%d policies with ids of their own, want %d", len(ids), len(want))
		}
		for _, name := range want {
			p, ok := v.PolicyByARN("arn:" + string(partition) + ":iam::aws:policy/" + name)
			if !ok || p.DefaultVersion != "v1" {
				t.Errorf("%s: %+v, %v", name, p, ok)
			}
		}
	}
	// The ids are the same at every start and in every build.
	if p, _ := NewView("aws").Policy(AWSAccount, "AdministratorAccess"); p.ID != managedID("/AdministratorAccess") {
		t.Errorf("id %s", p.ID)
	}
}

func TestOwnPasswordAlone(t *testing.T) {
	t.Parallel()
	p, ok := NewView("aws").Policy(AWSAccount, "IAMUserChangePassword")
	if !ok {
		t.Fatal("missing")
	}
	set := &policy.Set{Identity: []policy.Attached{{Policy: p.Default().Policy(policy.Identity)}}}
	for resource, want := range map[string]bool{
		"user/alice": true, "user/px/alice": true, "user/malice": false, "user/px/malice": false, "user/alice/bob": false,
	} {
		d := policy.Evaluate(set, &policy.Request{
			Principal: policy.Principal{Kind: policy.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/alice"},
			Action:    "iam:ChangePassword", Resource: "arn:aws:iam::111122223333:" + resource,
			Context: policy.Keys{"aws:username": policy.One("alice")},
		})
		if d.Allowed() != want {
			t.Errorf("%s: %v, want %v", resource, d.Allowed(), want)
		}
	}
}

const anything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`

func TestReadManaged(t *testing.T) {
	t.Parallel()
	policies, err := ReadManaged("aws", fstest.MapFS{
		"Own.json":                     {Data: []byte(anything)},
		"service-role/Deep.json":       {Data: []byte(anything)},
		"ReadOnlyAccess.json":          {Data: []byte(anything)},
		"..data":                       {Data: []byte("x")},
		"..2026_01_01/Another.json":    {Data: []byte("x")},
		"service-role/.hidden.json.sw": {Data: []byte("x")},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := NewView("aws", policies...)
	for name, path := range map[string]string{"Own": "/", "Deep": "/service-role/", "ReadOnlyAccess": "/"} {
		p, ok := v.PolicyByARN("arn:aws:iam::aws:policy" + path + name)
		if !ok || p.Path != path || p.Default().Text() != anything {
			t.Errorf("%s: %+v, %v", name, p, ok)
		}
		if e, ok := v.ByID(p.ID); !ok || e != Entity(p) {
			t.Errorf("%s is not found by its id", name)
		}
	}
	if got, want := v.Len(), NewView("aws").Len()+2; got != want {
		t.Errorf("%d entities, want %d: a policy of the same name takes the place of the built-in one", got, want)
	}
}

func TestReadManagedRefuses(t *testing.T) {
	t.Parallel()
	many := fstest.MapFS{}
	for i := range maxManaged + 1 {
		many[fmt.Sprintf("p%d.json", i)] = &fstest.MapFile{Data: []byte(anything)}
	}
	good := &fstest.MapFile{Data: []byte(anything)}
	for name, test := range map[string]struct {
		folder fstest.MapFS
		reason string
	}{
		"other suffix":   {fstest.MapFS{"A.yaml": good}, "does not end in .json"},
		"bad name":       {fstest.MapFS{"A B.json": good}, "do not make the name and path"},
		"bad folder":     {fstest.MapFS{"a b/A.json": good}, "do not make the name and path"},
		"no name":        {fstest.MapFS{"x/.json": good, "y/=.txt": good}, "does not end in .json"},
		"same name":      {fstest.MapFS{"A.json": good, "x/a.json": good}, "has that name, too"},
		"no policy":      {fstest.MapFS{"A.json": {Data: []byte("{}")}}, "Syntax errors in policy."},
		"old version":    {fstest.MapFS{"A.json": {Data: []byte(strings.Replace(anything, "2012-10-17", "2008-10-17", 1))}}, "must be version 2012-10-17"},
		"too long":       {fstest.MapFS{"A.json": {Data: []byte(strings.Repeat(" ", maxManagedBytes) + anything)}}, "larger than"},
		"too many files": {many, "more than 2000 files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := ReadManaged("aws", test.folder); err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("got %v, want %q", err, test.reason)
			}
		})
	}
}
