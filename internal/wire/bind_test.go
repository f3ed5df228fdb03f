package wire

import (
	"context"
	"errors"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	if n := len(operations); n != 250 {
		t.Errorf("%d operations, want 250", n)
	}
	o, ok := Lookup("sts", "AssumeRoleWithWebIdentity")
	if !ok || o != AssumeRoleWithWebIdentity.Operation || o.Signed || o.Version != "2011-06-15" || o.Action != "sts:AssumeRoleWithWebIdentity" {
		t.Errorf("Lookup = %+v, %t", o, ok)
	}
	if o, ok = Lookup("iam", "CreateUser"); !ok || !o.Signed || o.Version != "2010-05-08" {
		t.Errorf("Lookup = %+v, %t", o, ok)
	}
	if o, ok = Lookup("organizations", "CreatePolicy"); !ok || o != OrganizationsCreatePolicy.Operation || o.Action != "organizations:CreatePolicy" {
		t.Errorf("Lookup = %+v, %t", o, ok)
	}
	for _, name := range [][2]string{{"organizations", "CreateUser"}, {"iam", "AssumeRole"}, {"sts", "CreateUser"}, {"sts", "assumerole"}, {"sts", ""}, {"", "AssumeRole"}} {
		if o, ok := Lookup(name[0], name[1]); ok {
			t.Errorf("Lookup(%q) = %+v", name, o)
		}
	}
}

func TestBinding(t *testing.T) {
	t.Parallel()
	denied := identity.NewFault(identity.AccessDenied, "no")
	b := Bind(AssumeRole, func(_ context.Context, _ *directory.View, req *identity.Request, in *api.AssumeRoleInput) (*api.AssumeRoleOutput, error) {
		switch in.RoleSessionName {
		case "denied":
			return &api.AssumeRoleOutput{SourceIdentity: new("leak")}, denied
		case "nothing":
			return nil, nil
		}
		return &api.AssumeRoleOutput{SourceIdentity: &req.ID}, nil
	})
	if b.Name != "AssumeRole" {
		t.Errorf("bound %+v", b.Operation)
	}
	serve := func(name string) (Answer, error) {
		return b.Serve(t.Context(), nil, &identity.Request{ID: "id"}, Parameters{Form: parse(t, "RoleArn=arn:aws:iam::111122223333:role/target&RoleSessionName="+name)})
	}
	a, err := serve("s1")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, string(a.AppendJSON(nil, "r")), `{"AssumeRoleResponse":{"AssumeRoleResult":{"SourceIdentity":"id"},"ResponseMetadata":{"RequestId":"r"}}}`)
	equal(t, string(a.AppendResponseElements(nil)), `{"sourceIdentity":"id"}`)

	// What was asked is told after every refusal; what was not answered is not.
	for name, want := range map[string]error{"denied": denied, "nothing": errNoResult} {
		a, err = serve(name)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		equal(t, string(a.AppendRequestParameters(nil)), `{"roleArn":"arn:aws:iam::111122223333:role/target","roleSessionName":"`+name+`"}`)
		equal(t, string(a.AppendResponseElements(nil)), "null")
	}
	a, err = serve("")
	refused(t, err, identity.ValidationError, "1 validation error detected: Value '' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2")
	equal(t, string(a.AppendRequestParameters([]byte("x"))), `x{"roleArn":"arn:aws:iam::111122223333:role/target","roleSessionName":""}`)
}
