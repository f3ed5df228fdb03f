package iam

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"

// call performs an operation by its name, with an input whose members are filled in from what the stage has.
func (s *stage) call(operation string, r *identity.Request) (answer any, err error) {
	s.t.Helper()
	method := reflect.ValueOf(s.Service).MethodByName(operation)
	in := reflect.New(method.Type().In(3).Elem())
	for name, value := range map[string]string{
		"OpenIDConnectProviderArn": s.arn(atIssuer), "SAMLProviderArn": s.arn(atCorp), "DelegationRequestId": s.requestID("bobs"),
		"EntityArn": s.arn("delegation-request/" + s.requestID("bobs")),
		"UserName":  "bob", "GroupName": "devs", "RoleName": "r1", "PolicyName": "in", "PolicyArn": p1(s), "VersionId": "v1", "SerialNumber": s.arn("mfa/bobs"),
	} {
		if operation == "ListEntitiesForPolicy" && name == "PolicyArn" {
			value = readOnly // everybody's
		}
		field := in.Elem().FieldByName(name)
		switch {
		case !field.IsValid():
		case field.Kind() == reflect.String:
			field.SetString(value)
		default:
			field.Set(reflect.ValueOf(&value))
		}
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(s.t.Context()), reflect.ValueOf(s.view()), reflect.ValueOf(r), in})
	err, _ = out[1].Interface().(error)
	return out[0].Interface(), err
}

// operations are the names of the Service's operations that begin with one of the verbs.
func operations(verbs ...string) (found []string) {
	t := reflect.TypeFor[*Service]()
	for i := range t.NumMethod() {
		m := t.Method(i)
		if m.Type.NumIn() == 5 && slices.ContainsFunc(verbs, func(v string) bool { return strings.HasPrefix(m.Name, v) }) {
			found = append(found, m.Name)
		}
	}
	return found
}

// advisory 49 (CVE-2026-33413 and others of etcd): every element of an answer is one that the caller's account owns. Two
// accounts have the same names, and one policy that both use; each reads everything, and meets nothing of the other.
func TestAnswersHoldNothingOfOtherAccounts(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	for _, each := range []*stage{s, other} {
		bob := each.mustUser("bob").Clone()
		bob.Attached = append(bob.Attached, readOnly)
		each.put(bob)
	}
	foreign := append(other.ids(), string(other.account))
	if len(foreign) < 14 {
		t.Fatalf("the other account has %d ids", len(foreign))
	}
	reading := slices.DeleteFunc(operations("List", "Get"), func(operation string) bool {
		return operation == "ListOrganizationsFeatures" || operation == "GetOutboundWebIdentityFederationInfo" // nothing is enabled
	})
	if len(reading) < 29 {
		t.Fatalf("%d operations read: some have vanished", len(reading))
	}
	own := make(map[string]bool)
	for _, operation := range reading {
		for _, r := range []*identity.Request{s.root(), s.as("caller")} {
			answer, err := s.call(operation, r)
			if err != nil {
				t.Errorf("%s by %s: %v", operation, r.Caller.ARN, err)
				continue
			}
			text, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range foreign {
				if strings.Contains(string(text), id) {
					t.Errorf("%s shows %s of the other account: %s", operation, id, text)
				}
			}
			for _, id := range s.ids() {
				own[id] = own[id] || strings.Contains(string(text), id)
			}
		}
	}
	for id, shown := range own {
		if !shown {
			t.Errorf("control: no answer shows %s, which is the account's own", id)
		}
	}
}

// ids are those of the stage's entities, their access keys and serial numbers.
func (s *stage) ids() (out []string) {
	v := s.view()
	for u := range v.Users(s.account) {
		if out = append(out, u.ID); len(u.AccessKeys) > 0 {
			out = append(out, u.AccessKeys[0].ID)
		}
	}
	for g := range v.Groups(s.account) {
		out = append(out, g.ID)
	}
	for r := range v.Roles(s.account) {
		out = append(out, r.ID)
	}
	for p := range v.Policies(s.account) {
		out = append(out, p.ID)
	}
	for d := range v.Devices(s.account) {
		out = append(out, d.Serial)
	}
	return out
}

// advisory 49: a change returns nothing of what was there before, which its permission does not cover. Those that answer at
// all show what they made, as AWS's do.
func TestChangesReturnNoOldValue(t *testing.T) {
	t.Parallel()
	changing := operations("Add", "Attach", "Deactivate", "Delete", "Detach", "Enable", "Put", "Remove", "Resync", "Set", "Tag", "Untag", "Update")
	if len(changing) < 40 {
		t.Fatalf("%d operations change: some have vanished", len(changing))
	}
	answering := map[string]bool{"UpdateRole": true, "UpdateRoleDescription": true,
		"UpdateSAMLProvider": true, "EnableOutboundWebIdentityFederation": true,
		"EnableOrganizationsRootCredentialsManagement": true, "EnableOrganizationsRootSessions": true}
	for _, operation := range changing {
		m, _ := reflect.TypeFor[*Service]().MethodByName(operation)
		if out := m.Type.Out(0).Elem(); out != reflect.TypeFor[api.Empty]() && !answering[operation] {
			t.Errorf("%s answers with %v", operation, out)
		}
	}
	s := newStage(t, allowing("UpdateRoleDescription", []string{"*"}, nil))
	out := ok2(s.UpdateRoleDescription(t.Context(), s.view(), s.as("caller"), &api.UpdateRoleDescriptionInput{RoleName: "r1", Description: "new"}))(t)
	equal(t, "the description", *out.Role.Description, "new")
	empty := ok2(s.UpdateRole(t.Context(), s.view(), s.root(), &api.UpdateRoleInput{RoleName: "r1", Description: new("newer")}))(t)
	equal(t, "members of UpdateRole's answer", reflect.TypeOf(*empty).NumField(), 0)
}

// advisory 12 (versitygw cd0b4e6d, CVE-2026-54917): what is judged is to the letter what is made. A path that a file system
// or a proxy would clean is refused or is one of its own, never the path that it would become.
func TestPathsAreNotCleaned(t *testing.T) {
	t.Parallel()
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"},` +
		`{"Effect":"Deny","Action":"iam:*","Resource":["arn:aws:iam::*:user/*admin/*","arn:aws:iam::*:group/*admin/*",` +
		`"arn:aws:iam::*:role/*admin/*","arn:aws:iam::*:policy/*admin/*"]}]}`
	s := newStage(t, policy)
	kinds := map[string]func(ctx context.Context, path *string, name string) (string, error){
		"user": func(ctx context.Context, path *string, name string) (string, error) {
			out, err := s.CreateUser(ctx, s.view(), s.as("caller"), &api.CreateUserInput{UserName: name, Path: path})
			if err != nil {
				return "", err
			}
			return out.User.Arn, nil
		},
		"group": func(ctx context.Context, path *string, name string) (string, error) {
			out, err := s.CreateGroup(ctx, s.view(), s.as("caller"), &api.CreateGroupInput{GroupName: name, Path: path})
			if err != nil {
				return "", err
			}
			return out.Group.Arn, nil
		},
		"role": func(ctx context.Context, path *string, name string) (string, error) {
			out, err := s.CreateRole(ctx, s.view(), s.as("caller"), &api.CreateRoleInput{RoleName: name, Path: path, AssumeRolePolicyDocument: anyone})
			if err != nil {
				return "", err
			}
			return out.Role.Arn, nil
		},
		"policy": func(ctx context.Context, path *string, name string) (string, error) {
			out, err := s.CreatePolicy(ctx, s.view(), s.as("caller"), &api.CreatePolicyInput{PolicyName: name, Path: path, PolicyDocument: allowSTS})
			if err != nil {
				return "", err
			}
			return *out.Policy.Arn, nil
		},
	}
	made, refusals := 0, 0
	for kind, create := range kinds {
		for i, path := range []string{
			"/open/", "/x/../open/", "/./", "/../", "//", "/a//b/", "/%2e%2e/", "/a%2Fb/", `/a\b/`, "/admin%2f/", "/Admin/", "/adm/../in/", "/x/%2e%2e/admin%2F/",
		} {
			name := "n" + string(rune('a'+i))
			got, err := create(t.Context(), &path, name)
			if err != nil {
				refusals++
				continue
			}
			made++
			equal(t, "ARN", got, s.arn(kind+path+name))
			if _, exists := find(s.view(), s.account, kind, name); !exists {
				t.Errorf("%s %s is not there", kind, got)
			}
		}
		// Every one of these is what the policy says of it, whatever else it could be read as.
		for i, path := range []string{"/admin/", "/x/../admin/", "/admin/../open/", "/admin//"} {
			name := "d" + string(rune('a'+i))
			_, err := create(t.Context(), &path, name)
			f, isFault := identityFault(err)
			if !isFault || f.Code != identity.AccessDenied || !strings.Contains(f.Message, " on resource: "+s.arn(kind+path+name)+" with an explicit deny in ") {
				t.Errorf("%s under %s: %v", kind, path, err)
			}
			if _, exists := find(s.view(), s.account, kind, name); exists {
				t.Errorf("%s %s was made", kind, name)
			}
		}
		for _, wild := range []string{"/*/", "/a?/", "/${aws:username}*/"} { // would name many things
			if kind == "policy" {
				break // the model has a narrower pattern for these
			}
			if _, err := create(t.Context(), &wild, "wild"); err == nil {
				t.Errorf("%s under %s was made", kind, wild)
			}
		}
	}
	if made < 40 {
		t.Errorf("%d were made, %d refused", made, refusals)
	}
}

func identityFault(err error) (*identity.Fault, bool) {
	f, ok := errors.AsType[*identity.Fault](err)
	return f, ok
}

func find(v *directory.View, account arn.AccountID, kind, name string) (any, bool) {
	switch kind {
	case "user":
		return entity(v.User(account, name))
	case "group":
		return entity(v.Group(account, name))
	case "role":
		return entity(v.Role(account, name))
	default:
		return entity(v.Policy(account, name))
	}
}

func entity[E any](e E, ok bool) (any, bool) { return e, ok }
