package iam

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/password"
)

func (s *stage) signIn(user, pass string) password.State {
	s.t.Helper()
	_, state, err := s.Passwords.SignIn(s.t.Context(), s.view(), s.account, user, pass, arrival)
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

const violation = "Password does not conform to the account password policy."

func TestLoginProfiles(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	const first, next = "Plains-own-1", "Plains-other-2"
	create := func(password *string) error {
		_, err := s.CreateLoginProfile(ctx, s.view(), r, &api.CreateLoginProfileInput{UserName: new("plain"), Password: password, PasswordResetRequired: new(true)})
		return err
	}
	_, err := s.GetLoginProfile(ctx, s.view(), r, &api.GetLoginProfileInput{UserName: new("plain")})
	refused(t, err, identity.NoSuchEntity, "Login Profile for User plain cannot be found.")
	refused(t, create(new("short")), identity.PasswordPolicyViolation, violation)
	refused(t, create(nil), identity.ValidationError,
		"1 validation error detected: Value null at 'password' failed to satisfy constraint: Member must not be null")
	created := ok2(s.CreateLoginProfile(ctx, s.view(), r, &api.CreateLoginProfileInput{UserName: new("Plain"), Password: new(first), PasswordResetRequired: new(true)}))(t).LoginProfile
	equal(t, "user", created.UserName, "plain")
	equal(t, "reset required", *created.PasswordResetRequired, true)
	equal(t, "state", s.signIn("plain", first), password.MustChange)
	refused(t, create(new(first)), identity.EntityAlreadyExists, "Login Profile for user plain already exists.")

	update := func(in api.UpdateLoginProfileInput) error {
		in.UserName = "plain"
		_, err := s.UpdateLoginProfile(ctx, s.view(), r, &in)
		return err
	}
	if err := update(api.UpdateLoginProfileInput{PasswordResetRequired: new(false)}); err != nil {
		t.Fatal(err)
	}
	equal(t, "state", s.signIn("plain", first), password.SignedIn)
	refused(t, update(api.UpdateLoginProfileInput{Password: new("short")}), identity.PasswordPolicyViolation, violation)
	if err := update(api.UpdateLoginProfileInput{Password: new(next)}); err != nil {
		t.Fatal(err)
	}
	equal(t, "state with the old password", s.signIn("plain", first), password.Refused)
	equal(t, "state with the new password", s.signIn("plain", next), password.SignedIn)
	got := ok2(s.GetLoginProfile(ctx, s.view(), r, &api.GetLoginProfileInput{UserName: new("plain")}))(t).LoginProfile
	equal(t, "created", got.CreateDate, created.CreateDate)
	equal(t, "reset required", *got.PasswordResetRequired, false)

	_, err = s.DeleteUser(ctx, s.view(), r, &api.DeleteUserInput{UserName: "plain"})
	refused(t, err, identity.DeleteConflict, "Cannot delete entity, must delete login profile first.")
	ok2(s.DeleteLoginProfile(ctx, s.view(), r, &api.DeleteLoginProfileInput{UserName: new("plain")}))(t)
	equal(t, "state", s.signIn("plain", next), password.Refused)
	_, err = s.DeleteLoginProfile(ctx, s.view(), r, &api.DeleteLoginProfileInput{UserName: new("plain")})
	refused(t, err, identity.NoSuchEntity, "Login Profile for User plain cannot be found.")
	refused(t, update(api.UpdateLoginProfileInput{Password: new(next)}), identity.NoSuchEntity, "Login Profile for User plain cannot be found.")
	ok2(s.DeleteUser(ctx, s.view(), r, &api.DeleteUserInput{UserName: "plain"}))(t)
}

// Without a name the caller is meant; root has no login profile here.
func TestWhoseLoginProfile(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx := t.Context()
	own := ok2(s.CreateLoginProfile(ctx, s.view(), s.as("caller"), &api.CreateLoginProfileInput{Password: new("Callers-own-1")}))(t).LoginProfile
	equal(t, "user", own.UserName, "caller")
	equal(t, "user", ok2(s.GetLoginProfile(ctx, s.view(), s.as("caller"), &api.GetLoginProfileInput{}))(t).LoginProfile.UserName, "caller")
	_, err := s.CreateLoginProfile(ctx, s.view(), s.root(), &api.CreateLoginProfileInput{Password: new("Roots-own-1")})
	refused(t, err, identity.ValidationError, "Must specify userName when calling with non-User credentials")
	_, err = s.GetLoginProfile(ctx, s.view(), s.root(), &api.GetLoginProfileInput{})
	refused(t, err, identity.NoSuchEntity, "Login Profile for User "+string(s.account)+" cannot be found.")
	_, err = s.DeleteLoginProfile(ctx, s.view(), s.inRole("r1"), &api.DeleteLoginProfileInput{})
	refused(t, err, identity.ValidationError, "Must specify userName when calling with non-User credentials")
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	s.furnish()
	ctx := t.Context()
	change := func(r *identity.Request, old, next string) error {
		_, err := s.ChangePassword(ctx, s.view(), r, &api.ChangePasswordInput{OldPassword: old, NewPassword: next})
		return err
	}
	ok2(s.UpdateLoginProfile(ctx, s.view(), s.root(), &api.UpdateLoginProfileInput{UserName: "caller", PasswordResetRequired: new(true)}))(t)
	for _, r := range []*identity.Request{s.root(), s.inRole("r1")} {
		refused(t, change(r, "x", "y"), identity.InvalidUserType, "Only IAM Users can change their own password.")
	}
	r := s.as("caller")
	refused(t, change(r, "wrong", "Callers-next-1"), identity.AccessDenied, "The old password was incorrect.")
	refused(t, change(r, carolsPassword, "short"), identity.PasswordPolicyViolation, violation)
	if err := change(r, carolsPassword, "Callers-next-1"); err != nil {
		t.Fatal(err)
	}
	equal(t, "state", s.signIn("caller", "Callers-next-1"), password.SignedIn)
	refused(t, change(r, carolsPassword, "Callers-third-1"), identity.AccessDenied, "The old password was incorrect.")

	ok2(s.UpdateAccountPasswordPolicy(ctx, s.view(), r, &api.UpdateAccountPasswordPolicyInput{PasswordReusePrevention: new(int32(2))}))(t)
	if err := change(r, "Callers-next-1", "Callers-third-1"); err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{"Callers-next-1", "Callers-third-1"} {
		refused(t, change(r, "Callers-third-1", again), identity.PasswordPolicyViolation, violation)
	}
	ok2(s.DeleteLoginProfile(ctx, s.view(), r, &api.DeleteLoginProfileInput{}))(t)
	refused(t, change(r, "Callers-third-1", "Callers-fourth-1"), identity.NoSuchEntity, "Login Profile for User caller cannot be found.")
}

// Users need no permission if the account lets them change their passwords; a deny and a boundary still decide.
func TestUsersMayChangeTheirPasswords(t *testing.T) {
	t.Parallel()
	const deny = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}`
	for _, tt := range []struct {
		name             string
		let              bool
		policy, boundary string
		reason           string // empty: allowed
	}{
		{"let", true, allowSTS, "", ""},
		{"not let", false, allowSTS, "", "because no identity-based policy allows the iam:ChangePassword action"},
		{"let, and denied", true, deny, "", "with an explicit deny in an identity-based policy"},
		{"let, with a boundary", true, allowSTS, "policy/edge", "because no permissions boundary allows the iam:ChangePassword action"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, tt.policy)
			s.furnish()
			ok2(s.UpdateAccountPasswordPolicy(t.Context(), s.view(), s.root(), &api.UpdateAccountPasswordPolicyInput{AllowUsersToChangePassword: &tt.let}))(t)
			if tt.boundary != "" {
				u := s.mustUser("caller").Clone()
				u.Boundary = s.arn(tt.boundary)
				s.put(u)
			}
			_, err := s.ChangePassword(t.Context(), s.view(), s.as("caller"), &api.ChangePasswordInput{OldPassword: carolsPassword, NewPassword: "Next-one-1"})
			_, getting := s.GetAccountPasswordPolicy(t.Context(), s.view(), s.as("caller"), &api.Empty{})
			if _, err := s.GetAccountPasswordPolicy(t.Context(), s.view(), s.inRole("bare"), &api.Empty{}); err == nil {
				t.Error("the policy is shown to a role")
			}
			if tt.reason == "" {
				if err != nil || getting != nil {
					t.Fatalf("changing: %v, getting: %v", err, getting)
				}
				return
			}
			refused(t, err, identity.AccessDenied, "User: "+s.arn(atCaller)+" is not authorized to perform: iam:ChangePassword on resource: "+s.arn(atCaller)+" "+tt.reason)
			if getting == nil {
				t.Fatal("the policy is shown")
			}
		})
	}
}

// Of those who change one password at once with the same old one, one succeeds.
func TestConcurrentPasswordChanges(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	s.furnish()
	r := s.as("caller")
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = s.ChangePassword(t.Context(), s.view(), r, &api.ChangePasswordInput{OldPassword: carolsPassword, NewPassword: fmt.Sprintf("Next-one-%d", i)})
		})
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		if err == nil {
			if winner >= 0 {
				t.Fatalf("both %d and %d changed the password", winner, i)
			}
			winner = i
			continue
		}
		f, isFault := errors.AsType[*identity.Fault](err)
		if !isFault || f.Code != identity.EntityTemporarilyUnmod && f.Code != identity.AccessDenied {
			t.Fatal(err)
		}
	}
	equal(t, "state", s.signIn("caller", fmt.Sprintf("Next-one-%d", winner)), password.SignedIn)
}

// Passwords and hashes are in no error and in no record in the clear.
func TestPasswordsStayOut(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	s.furnish()
	_, err := s.ChangePassword(t.Context(), s.view(), s.as("caller"), &api.ChangePasswordInput{OldPassword: "CANARY-old-1", NewPassword: "CANARY-new-1"})
	refused(t, err, identity.AccessDenied, "The old password was incorrect.")
	carol := s.mustUser("carol").Clone()
	for _, p := range carol.Secrets() {
		p.Sealed = []byte("sealed")
	}
	record, err2 := directory.Encode(carol)
	if err2 != nil {
		t.Fatal(err2)
	}
	text := fmt.Sprintf("%+v %v %s %+v", err, errors.Unwrap(err), record, *carol.Login)
	for _, hidden := range []string{"CANARY", carolsPassword, "$argon2id$", "carols\""} {
		if strings.Contains(text, hidden) {
			t.Errorf("%q is shown", hidden)
		}
	}
}

func TestAccountPasswordPolicies(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	gone := "The Password Policy with domain name " + string(s.account) + " cannot be found."
	_, err := s.GetAccountPasswordPolicy(ctx, s.view(), r, &api.Empty{})
	refused(t, err, identity.NoSuchEntity, gone)
	_, err = s.DeleteAccountPasswordPolicy(ctx, s.view(), r, &api.Empty{})
	refused(t, err, identity.NoSuchEntity, gone)
	ok2(s.UpdateAccountPasswordPolicy(ctx, s.view(), r, &api.UpdateAccountPasswordPolicyInput{
		MinimumPasswordLength: new(int32(12)), RequireSymbols: new(true), MaxPasswordAge: new(int32(90)), PasswordReusePrevention: new(int32(5)), HardExpiry: new(true),
	}))(t)
	p := ok2(s.GetAccountPasswordPolicy(ctx, s.view(), r, &api.Empty{}))(t).PasswordPolicy
	equal(t, "length", *p.MinimumPasswordLength, 12)
	equal(t, "symbols", *p.RequireSymbols, true)
	equal(t, "numbers", *p.RequireNumbers, false)
	equal(t, "expire", *p.ExpirePasswords, true)
	equal(t, "age", *p.MaxPasswordAge, 90)
	equal(t, "reuse", *p.PasswordReusePrevention, 5)
	equal(t, "hard expiry", *p.HardExpiry, true)
	// What is not given falls back to its default.
	ok2(s.UpdateAccountPasswordPolicy(ctx, s.view(), r, &api.UpdateAccountPasswordPolicyInput{}))(t)
	p = ok2(s.GetAccountPasswordPolicy(ctx, s.view(), r, &api.Empty{}))(t).PasswordPolicy
	equal(t, "length", *p.MinimumPasswordLength, 6)
	equal(t, "symbols", *p.RequireSymbols, false)
	equal(t, "expire", *p.ExpirePasswords, false)
	equal(t, "users may change", *p.AllowUsersToChangePassword, false)
	if p.MaxPasswordAge != nil || p.PasswordReusePrevention != nil || p.HardExpiry != nil {
		t.Errorf("the policy shows what was not set: %+v", p)
	}
	ok2(s.DeleteAccountPasswordPolicy(ctx, s.view(), r, &api.Empty{}))(t)
	_, err = s.GetAccountPasswordPolicy(ctx, s.view(), r, &api.Empty{})
	refused(t, err, identity.NoSuchEntity, gone)
}
