package organizations

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// call is a valid call of an operation on the stage, with the resources that it needs permission on.
type call struct {
	operation string
	do        func(s *stage, r *identity.Request) error
	resources func(s *stage) []string // ids; none for "*"
}

func on[In, Out any](
	operation string, f func(*Service, context.Context, *directory.View, *identity.Request, *In) (*Out, error), input func(s *stage) *In,
	resources ...func(*stage) string,
) call {
	return call{operation, func(s *stage, r *identity.Request) error {
		_, err := f(s.Service, s.t.Context(), s.view(), r, input(s))
		return err
	}, func(s *stage) (ids []string) {
		for _, r := range resources {
			ids = append(ids, r(s))
		}
		return ids
	}}
}

// of passes an input that does not depend on the stage.
func of[In any](in In) func(*stage) *In { return func(*stage) *In { return &in } }

func rootOf(s *stage) string  { return s.root }
func devOf(s *stage) string   { return s.dev }
func fenceOf(s *stage) string { return s.fence }
func looseOf(s *stage) string { return s.loose }
func one(*stage) string       { return string(member) }

// nothing is the input of operations without parameters.
var nothing = of(api.Empty{})

const (
	scp = string(directory.ServiceControl)
	rcp = string(directory.ResourceControl)
)

// calls has a call of every operation that succeeds for the management account.
var calls = []call{
	on("AttachPolicy", (*Service).AttachPolicy, func(s *stage) *api.AttachPolicyInput {
		return &api.AttachPolicyInput{PolicyId: s.loose, TargetId: s.dev}
	}, looseOf, devOf),
	on("CreateAccount", (*Service).CreateAccount, of(api.CreateAccountInput{Email: "two@example.com", AccountName: "two", Tags: tagging})),
	on("CreateOrganizationalUnit", (*Service).CreateOrganizationalUnit, func(s *stage) *api.CreateOrganizationalUnitInput {
		return &api.CreateOrganizationalUnitInput{ParentId: s.dev, Name: "below", Tags: tagging}
	}, devOf),
	on("CreatePolicy", (*Service).CreatePolicy, of(api.OrganizationsCreatePolicyInput{Name: "new", Type: rcp, Content: denySTS})),
	on("DeletePolicy", (*Service).DeletePolicy, func(s *stage) *api.OrganizationsDeletePolicyInput {
		return &api.OrganizationsDeletePolicyInput{PolicyId: s.loose}
	}, looseOf),
	on("DescribeAccount", (*Service).DescribeAccount, of(api.DescribeAccountInput{AccountId: string(member)}), one),
	on("DescribeOrganization", (*Service).DescribeOrganization, nothing),
	on("DescribeOrganizationalUnit", (*Service).DescribeOrganizationalUnit, func(s *stage) *api.DescribeOrganizationalUnitInput {
		return &api.DescribeOrganizationalUnitInput{OrganizationalUnitId: s.dev}
	}, devOf),
	on("DescribePolicy", (*Service).DescribePolicy, func(s *stage) *api.DescribePolicyInput { return &api.DescribePolicyInput{PolicyId: s.fence} }, fenceOf),
	on("DetachPolicy", (*Service).DetachPolicy, func(s *stage) *api.DetachPolicyInput {
		return &api.DetachPolicyInput{PolicyId: s.fence, TargetId: s.dev}
	}, fenceOf, devOf),
	on("DisableAWSServiceAccess", (*Service).DisableAWSServiceAccess, of(api.DisableAWSServiceAccessInput{ServicePrincipal: "iam.amazonaws.com"})),
	on("DisablePolicyType", (*Service).DisablePolicyType, func(s *stage) *api.DisablePolicyTypeInput {
		return &api.DisablePolicyTypeInput{RootId: s.root, PolicyType: rcp}
	}, rootOf),
	on("EnableAWSServiceAccess", (*Service).EnableAWSServiceAccess, of(api.EnableAWSServiceAccessInput{ServicePrincipal: "sso.amazonaws.com"})),
	on("ListAWSServiceAccessForOrganization", (*Service).ListAWSServiceAccessForOrganization, of(api.ListAWSServiceAccessForOrganizationInput{})),
	on("ListAccounts", (*Service).ListAccounts, of(api.ListAccountsInput{})),
	on("ListAccountsForParent", (*Service).ListAccountsForParent, func(s *stage) *api.ListAccountsForParentInput {
		return &api.ListAccountsForParentInput{ParentId: s.dev}
	}, devOf),
	on("ListChildren", (*Service).ListChildren, func(s *stage) *api.ListChildrenInput {
		return &api.ListChildrenInput{ParentId: s.root, ChildType: kindUnit}
	}, rootOf),
	on("ListCreateAccountStatus", (*Service).ListCreateAccountStatus, of(api.ListCreateAccountStatusInput{})),
	on("ListDelegatedAdministrators", (*Service).ListDelegatedAdministrators, of(api.ListDelegatedAdministratorsInput{})),
	on("ListOrganizationalUnitsForParent", (*Service).ListOrganizationalUnitsForParent, func(s *stage) *api.ListOrganizationalUnitsForParentInput {
		return &api.ListOrganizationalUnitsForParentInput{ParentId: s.root}
	}, rootOf),
	on("ListParents", (*Service).ListParents, of(api.ListParentsInput{ChildId: string(member)}), one),
	on("ListPolicies", (*Service).ListPolicies, of(api.OrganizationsListPoliciesInput{Filter: scp})),
	on("ListPoliciesForTarget", (*Service).ListPoliciesForTarget, func(s *stage) *api.ListPoliciesForTargetInput {
		return &api.ListPoliciesForTargetInput{TargetId: s.dev, Filter: scp}
	}, devOf),
	on("ListRoots", (*Service).ListRoots, of(api.ListRootsInput{})),
	on("ListTagsForResource", (*Service).ListTagsForResource, func(s *stage) *api.ListTagsForResourceInput {
		return &api.ListTagsForResourceInput{ResourceId: s.root}
	}, rootOf),
	on("ListTargetsForPolicy", (*Service).ListTargetsForPolicy, func(s *stage) *api.ListTargetsForPolicyInput {
		return &api.ListTargetsForPolicyInput{PolicyId: s.fence}
	}, fenceOf),
	on("MoveAccount", (*Service).MoveAccount, func(s *stage) *api.MoveAccountInput {
		return &api.MoveAccountInput{AccountId: string(member), SourceParentId: s.dev, DestinationParentId: s.root}
	}, one, devOf, rootOf),
	on("RegisterDelegatedAdministrator", (*Service).RegisterDelegatedAdministrator,
		of(api.RegisterDelegatedAdministratorInput{AccountId: string(member), ServicePrincipal: "iam.amazonaws.com"}), one),
	on("RemoveAccountFromOrganization", (*Service).RemoveAccountFromOrganization,
		of(api.RemoveAccountFromOrganizationInput{AccountId: string(member)}), one),
	on("TagResource", (*Service).TagResource, func(s *stage) *api.TagResourceInput { return &api.TagResourceInput{ResourceId: s.fence, Tags: tagging} }, fenceOf),
	on("UntagResource", (*Service).UntagResource, func(s *stage) *api.UntagResourceInput {
		return &api.UntagResourceInput{ResourceId: s.root, TagKeys: []string{"team"}}
	}, rootOf),
	on("UpdateOrganizationalUnit", (*Service).UpdateOrganizationalUnit, func(s *stage) *api.UpdateOrganizationalUnitInput {
		return &api.UpdateOrganizationalUnitInput{OrganizationalUnitId: s.dev, Name: new("renamed")}
	}, devOf),
	on("UpdatePolicy", (*Service).UpdatePolicy, func(s *stage) *api.UpdatePolicyInput {
		return &api.UpdatePolicyInput{PolicyId: s.fence, Content: new(denyIAM)}
	}, fenceOf),

	// These need more than the stage has.
	on("CreateOrganization", func(_ *Service, ctx context.Context, v *directory.View, r *identity.Request, in *stage) (*api.Empty, error) {
		in.clearOrganization()
		return done(second(in.Service.CreateOrganization(ctx, v, r, &api.CreateOrganizationInput{})))
	}, itselfOf),
	on("DeleteOrganization", func(_ *Service, ctx context.Context, v *directory.View, r *identity.Request, in *stage) (*api.Empty, error) {
		in.clearOrganization()
		if _, err := in.Service.CreateOrganization(ctx, v, in.by(master), &api.CreateOrganizationInput{}); err != nil {
			return nil, err
		}
		return in.Service.DeleteOrganization(ctx, v, r, &api.Empty{})
	}, itselfOf),
	on("DeleteOrganizationalUnit", func(s *Service, ctx context.Context, v *directory.View, r *identity.Request, in *stage) (*api.Empty, error) {
		c, e := new(directory.Change), &directory.Unit{ID: in.dev + "2", Name: "empty", Parent: in.root}
		if _, there := in.view().Unit(e.ID); !there {
			c.Put(e)
			in.commit(c)
		}
		return s.DeleteOrganizationalUnit(ctx, v, r, &api.DeleteOrganizationalUnitInput{OrganizationalUnitId: e.ID})
	}, itselfOf, func(s *stage) string { return s.dev + "2" }),
	on("DescribeCreateAccountStatus", func(s *Service, ctx context.Context, _ *directory.View, r *identity.Request, in *stage) (*api.Empty, error) {
		made, err := s.CreateAccount(ctx, nil, in.by(master), &api.CreateAccountInput{Email: "one@example.com", AccountName: "again"})
		if err != nil {
			return nil, err
		}
		return done(second(s.DescribeCreateAccountStatus(ctx, in.view(), r,
			&api.DescribeCreateAccountStatusInput{CreateAccountRequestId: *made.CreateAccountStatus.Id})))
	}, itselfOf),
	on("EnablePolicyType", func(s *Service, ctx context.Context, v *directory.View, r *identity.Request, in *stage) (*api.Empty, error) {
		o, _ := in.view().Organization()
		o = o.Clone()
		o.ResourceControl.Enabled = false
		c := new(directory.Change)
		c.Put(o)
		in.commit(c)
		return done(second(s.EnablePolicyType(ctx, v, r, &api.EnablePolicyTypeInput{RootId: in.root, PolicyType: rcp})))
	}, itselfOf, rootOf),
	on("DeregisterDelegatedAdministrator", func(s *Service, ctx context.Context, v *directory.View, r *identity.Request, in *stage) (*api.Empty, error) {
		in.delegate()
		return s.DeregisterDelegatedAdministrator(ctx, v, r, &api.DeregisterDelegatedAdministratorInput{AccountId: string(member), ServicePrincipal: "iam.amazonaws.com"})
	}, itselfOf, one),
	on("ListDelegatedServicesForAccount", func(s *Service, ctx context.Context, _ *directory.View, r *identity.Request, in *stage) (*api.Empty, error) {
		in.delegate()
		return done(second(s.ListDelegatedServicesForAccount(ctx, in.view(), r, &api.ListDelegatedServicesForAccountInput{AccountId: string(member)})))
	}, itselfOf, one),
}

func itselfOf(s *stage) *stage { return s }

func second[T any](_ T, err error) error { return err }

// clearOrganization leaves the accounts without an organization.
func (s *stage) clearOrganization() {
	c := new(directory.Change)
	dissolve(s.view(), c)
	s.commit(c)
}

// delegate makes the member a delegated administrator.
func (s *stage) delegate() {
	standing, _ := s.view().Standing(member)
	next := standing.Member.Clone()
	next.Administers = []directory.Grant{{Service: "iam.amazonaws.com", Since: arrival}}
	c := new(directory.Change)
	c.Put(next)
	s.commit(c)
}

// LeaveOrganization alone is not for the management account.
func TestEveryOperationHasACall(t *testing.T) {
	have := []string{"LeaveOrganization"}
	for _, c := range calls {
		have = append(have, c.operation)
	}
	slices.Sort(have)
	if want := slices.Sorted(maps.Keys(rules)); !slices.Equal(have, want) {
		t.Errorf("calls of %v\nwant    %v", have, want)
	}
}

// policyFor allows everything but the action on the last of the ids, or allows nothing but it.
func policyFor(effect, action string, resources []string) string {
	statement := map[string]any{"Effect": effect, "Action": action, "Resource": resources}
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
	return string(text)
}

func (s *stage) arns(ids []string) []string {
	o, _ := s.view().Organization()
	if len(ids) == 0 {
		return []string{"*"}
	}
	var out []string
	for _, id := range ids {
		out = append(out, find(s.view(), o, id).arn)
	}
	return out
}

// Each operation is allowed by the one action on what it names, and refused without it: before anything is looked up or changed.
func TestPermission(t *testing.T) {
	for _, c := range calls {
		t.Run(c.operation, func(t *testing.T) {
			s := newStage(t, allowNone)
			err := c.do(s, s.callerOf(master))
			f, _ := errors.AsType[*identity.Fault](err)
			if f == nil || f.Code != identity.AccessDenied || !strings.Contains(f.Message, "is not authorized to perform: organizations:"+c.operation) {
				t.Fatalf("without permission: %v", err)
			}
		})
		t.Run(c.operation+" allowed", func(t *testing.T) {
			s := newStage(t, allowNone)
			s.allow("organizations:"+c.operation, s.arns(c.resources(s)))
			if err := c.do(s, s.callerOf(master)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// allow gives the management account's caller one permission.
func (s *stage) allow(action string, resources []string) {
	u, _ := s.view().User(master, "caller")
	u = u.Clone()
	u.Inline = []directory.InlinePolicy{{Name: "p", Document: directory.NewDocument(policyFor("Allow", action, resources))}}
	c := new(directory.Change)
	c.Put(u)
	s.commit(c)
}

// Permission on one of two resources does not suffice.
func TestPermissionOnBoth(t *testing.T) {
	s := newStage(t, allowNone)
	for _, id := range []string{s.loose, s.dev} {
		s.allow("organizations:AttachPolicy", s.arns([]string{id}))
		_, err := s.AttachPolicy(t.Context(), nil, s.callerOf(master), &api.AttachPolicyInput{PolicyId: s.loose, TargetId: s.dev})
		if f, _ := errors.AsType[*identity.Fault](err); f == nil || f.Code != identity.AccessDenied {
			t.Errorf("%v", err)
		}
	}
}

// The place of the caller's account decides after its policies: the management account may all, a delegated administrator what
// only reads, a member DescribeOrganization, and whoever is outside nothing.
func TestReach(t *testing.T) {
	for _, c := range calls {
		r := rules[c.operation].reach
		if r == anyone || c.operation == "DeleteOrganization" {
			continue // the call makes an organization of its own
		}
		t.Run(c.operation, func(t *testing.T) {
			s := newStage(t, allowAll)
			refused(t, c.do(s, s.by(outside)), notInUse)
			err := c.do(s, s.by(member))
			if r == members {
				ok(t, 0, err)
			} else if c.operation != "ListDelegatedServicesForAccount" { // its call makes the member an administrator
				if c.operation != "DeregisterDelegatedAdministrator" {
					refused(t, err, notYours)
				}
			}
			s.delegate()
			err = c.do(s, s.by(member))
			if r == management {
				refused(t, err, notYours)
			} else {
				ok(t, 0, err)
			}
		})
	}
}

// Each condition key decides, and the control without it does not.
func TestConditionKeys(t *testing.T) {
	when := func(key, value string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"` + key + `":"` + value + `"}}}]}`
	}
	for _, tt := range []struct{ operation, key, value string }{
		{"AttachPolicy", "organizations:PolicyType", scp},
		{"CreatePolicy", "organizations:PolicyType", rcp},
		{"DeletePolicy", "organizations:PolicyType", scp},
		{"DescribePolicy", "organizations:PolicyType", scp},
		{"DetachPolicy", "organizations:PolicyType", scp},
		{"DisablePolicyType", "organizations:PolicyType", rcp},
		{"ListPolicies", "organizations:PolicyType", scp},
		{"ListPoliciesForTarget", "organizations:PolicyType", scp},
		{"ListTargetsForPolicy", "organizations:PolicyType", scp},
		{"UpdatePolicy", "organizations:PolicyType", scp},
		{"EnableAWSServiceAccess", "organizations:ServicePrincipal", "sso.amazonaws.com"},
		{"DisableAWSServiceAccess", "organizations:ServicePrincipal", "iam.amazonaws.com"},
		{"RegisterDelegatedAdministrator", "organizations:ServicePrincipal", "iam.amazonaws.com"},
		{"CreateAccount", "aws:RequestTag/k", "v"},
		{"CreateOrganizationalUnit", "aws:RequestTag/k", "v"},
		{"TagResource", "aws:TagKeys", "k"},
		{"UntagResource", "aws:TagKeys", "team"},
		{"UntagResource", "aws:ResourceTag/team", "blue"},
	} {
		for _, right := range []bool{true, false} {
			value := tt.value
			if !right {
				value = "other"
			}
			t.Run(tt.operation+" "+tt.key+" "+value, func(t *testing.T) {
				s := newStage(t, when(tt.key, value))
				i := slices.IndexFunc(calls, func(c call) bool { return c.operation == tt.operation })
				err := calls[i].do(s, s.callerOf(master))
				if f, _ := errors.AsType[*identity.Fault](err); right && err != nil || !right && (f == nil || f.Code != identity.AccessDenied) {
					t.Errorf("allowed by %s = %s: %v", tt.key, value, err)
				}
			})
		}
	}
}
