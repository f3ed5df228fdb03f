package iam

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/mfa"
)

func (s *stage) enable(user, device string, steps int64) error {
	s.t.Helper()
	code1, code2 := s.codes(steps)
	_, err := s.EnableMFADevice(s.t.Context(), s.view(), s.as("caller"), &api.EnableMFADeviceInput{
		UserName: user, SerialNumber: s.arn("mfa/" + device), AuthenticationCode1: code1, AuthenticationCode2: code2,
	})
	return err
}

func TestCreateVirtualMFADevice(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	out := ok2(s.CreateVirtualMFADevice(ctx, s.view(), r, &api.CreateVirtualMFADeviceInput{VirtualMFADeviceName: "new", Path: new("/m/"), Tags: tagged}))(t).VirtualMFADevice
	equal(t, "serial number", out.SerialNumber, s.arn("mfa/m/new"))
	d, there := s.view().Device(s.account, out.SerialNumber)
	if !there || d.UserID != "" {
		t.Fatalf("the device is %+v", d)
	}
	equal(t, "seed", string(out.Base32StringSeed), mfa.Base32(d.Seed.Key))
	equal(t, "characters of the seed: 160 bits", len(out.Base32StringSeed), 32) // advisory 115 (CVE-2024-8796)
	equal(t, "a PNG", bytes.HasPrefix(out.QRCodePNG, []byte("\x89PNG")), true)
	for _, path := range []*string{nil, new("/other/")} {
		_, err := s.CreateVirtualMFADevice(ctx, s.view(), r, &api.CreateVirtualMFADeviceInput{VirtualMFADeviceName: "NEW", Path: path})
		refused(t, err, identity.EntityAlreadyExists, "MFADevice entity at the same path and name already exists.")
	}
	_, err := s.CreateVirtualMFADevice(ctx, s.view(), r, &api.CreateVirtualMFADeviceInput{VirtualMFADeviceName: strings.Repeat("x", 300)})
	refused(t, err, identity.ValidationError, "The path and name of the device make a serial number of more than 256 characters")
}

func TestEnableMFADevice(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	_, err := s.EnableMFADevice(t.Context(), s.view(), s.as("caller"), &api.EnableMFADeviceInput{
		UserName: "plain", SerialNumber: s.arn("mfa/loose"), AuthenticationCode1: "000000", AuthenticationCode2: "000000",
	})
	refused(t, err, identity.InvalidAuthenticationCode, "Authentication code for device is not valid.")
	refused(t, s.enable("plain", "ghost", 0), identity.NoSuchEntity, "VirtualMFADevice with serial number "+s.arn("mfa/ghost")+" doesn't exist.")
	refused(t, s.enable("ghost", "loose", 0), identity.NoSuchEntity, "The user with name ghost cannot be found.")
	refused(t, s.enable("plain", "bobs", 0), identity.EntityAlreadyExists, "MFA Device is already in use.")
	if err := s.enable("plain", "loose", 0); err != nil {
		t.Fatal(err)
	}
	d, _ := s.view().Device(s.account, s.arn("mfa/loose"))
	equal(t, "owner", d.UserID, s.mustUser("plain").ID)
	equal(t, "enabled", d.Enabled, now(s.root()))
	for i := range maxDevices {
		s.put(s.newDevice(fmt.Sprint("d", i)))
		if i == maxDevices-1 {
			refused(t, s.enable("plain", fmt.Sprint("d", i), 0), identity.LimitExceeded, "Cannot exceed quota for MFADevicesPerUser: 8")
		} else if err := s.enable("plain", fmt.Sprint("d", i), 0); err != nil {
			t.Fatal(err)
		}
	}
}

// advisory 111 (CVE-2025-6015): the codes that enabled a device are spent, also for another try at enabling it.
func TestEnablingSpendsTheCodes(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	if err := s.enable("plain", "loose", 0); err != nil {
		t.Fatal(err)
	}
	ok2(s.DeactivateMFADevice(t.Context(), s.view(), s.as("caller"), &api.DeactivateMFADeviceInput{UserName: new("plain"), SerialNumber: s.arn("mfa/loose")}))(t)
	refused(t, s.enable("plain", "loose", 0), identity.InvalidAuthenticationCode, "Authentication code for device is not valid.")
	if err := s.enable("plain", "loose", 1); err != nil {
		t.Fatalf("with the next codes: %v", err)
	}
}

func TestDevicesOfAUser(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r, serial := t.Context(), s.as("caller"), s.arn("mfa/bobs")
	bobs := ok2(s.ListMFADevices(ctx, s.view(), r, &api.ListMFADevicesInput{UserName: new("bob")}))(t).MFADevices
	equal(t, "devices", len(bobs), 1)
	equal(t, "serial number", bobs[0].SerialNumber, serial)
	equal(t, "own devices", len(ok2(s.ListMFADevices(ctx, s.view(), r, &api.ListMFADevicesInput{}))(t).MFADevices), 0)
	_, err := s.ListMFADevices(ctx, s.view(), s.inRole("r1"), &api.ListMFADevicesInput{})
	refused(t, err, identity.ValidationError, "Must specify userName when calling with non-User credentials")
	got := ok2(s.GetMFADevice(ctx, s.view(), r, &api.GetMFADeviceInput{UserName: new("bob"), SerialNumber: serial}))(t)
	equal(t, "user", *got.UserName, "bob")
	equal(t, "enabled", *got.EnableDate, now(s.root()))
	_, err = s.GetMFADevice(ctx, s.view(), r, &api.GetMFADeviceInput{UserName: new("plain"), SerialNumber: serial})
	refused(t, err, identity.NoSuchEntity, "MFA Device invalid for user.")

	all := func(status *string) []api.VirtualMFADevice {
		return ok2(s.ListVirtualMFADevices(ctx, s.view(), r, &api.ListVirtualMFADevicesInput{AssignmentStatus: status}))(t).VirtualMFADevices
	}
	equal(t, "any", len(all(nil)), 2)
	assigned, unassigned := all(new("Assigned")), all(new("Unassigned"))
	equal(t, "assigned", assigned[0].User.UserName, "bob")
	equal(t, "unassigned", unassigned[0].SerialNumber, s.arn("mfa/loose"))
	for _, d := range all(nil) {
		if d.Base32StringSeed != nil || d.QRCodePNG != nil {
			t.Error("a list shows a seed")
		}
	}

	_, err = s.DeleteVirtualMFADevice(ctx, s.view(), r, &api.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	refused(t, err, identity.DeleteConflict, "MFA VirtualDevice in use. Must deactivate first.")
	deactivate := func(user string) error {
		_, err := s.DeactivateMFADevice(ctx, s.view(), r, &api.DeactivateMFADeviceInput{UserName: &user, SerialNumber: serial})
		return err
	}
	refused(t, deactivate("plain"), identity.NoSuchEntity, "MFA Device invalid for user.")
	if err := deactivate("bob"); err != nil {
		t.Fatal(err)
	}
	refused(t, deactivate("bob"), identity.NoSuchEntity, "MFA Device invalid for user.")
	ok2(s.DeleteVirtualMFADevice(ctx, s.view(), r, &api.DeleteVirtualMFADeviceInput{SerialNumber: serial}))(t)
	_, err = s.DeleteVirtualMFADevice(ctx, s.view(), r, &api.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	refused(t, err, identity.NoSuchEntity, "VirtualMFADevice with serial number "+serial+" doesn't exist.")
}

func TestHardwareDevices(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	token := s.newDevice("GAHT12345678")
	token.Serial, token.UserID, token.Enabled = token.Name, s.mustUser("plain").ID, now(s.root())
	s.put(token)
	ctx, r := t.Context(), s.as("caller")
	equal(t, "virtual devices", len(ok2(s.ListVirtualMFADevices(ctx, s.view(), r, &api.ListVirtualMFADevicesInput{}))(t).VirtualMFADevices), 2)
	equal(t, "devices", ok2(s.ListMFADevices(ctx, s.view(), r, &api.ListMFADevicesInput{UserName: new("plain")}))(t).MFADevices[0].SerialNumber, token.Serial)
	_, err := s.DeleteVirtualMFADevice(ctx, s.view(), r, &api.DeleteVirtualMFADeviceInput{SerialNumber: token.Serial})
	refused(t, err, identity.NoSuchEntity, "VirtualMFADevice with serial number "+token.Serial+" doesn't exist.")
	ok2(s.DeactivateMFADevice(ctx, s.view(), r, &api.DeactivateMFADeviceInput{UserName: new("plain"), SerialNumber: token.Serial}))(t)
	if _, there := s.view().Get(token.Key()); there {
		t.Error("a hardware device that is nobody's is still known")
	}
}

// The tags of a hardware device decide, as those of a virtual one do.
func TestTagsOfDevicesDecide(t *testing.T) {
	t.Parallel()
	for _, serial := range []string{"GAHT12345678", ""} {
		s := newStage(t, allowSTS)
		d := s.newDevice("GAHT12345678")
		d.UserID, d.Enabled, d.Tags = s.mustUser("plain").ID, now(s.root()), []directory.Tag{{Key: "team", Value: "blue"}}
		if serial != "" {
			d.Serial = serial
		}
		s.put(d)
		calls := map[string]func() error{
			"TagMFADevice": func() error {
				_, err := s.TagMFADevice(t.Context(), s.view(), s.as("caller"), &api.TagMFADeviceInput{SerialNumber: d.Serial, Tags: []api.Tag{{Key: "k", Value: "v"}}})
				return err
			},
			"UntagMFADevice": func() error {
				_, err := s.UntagMFADevice(t.Context(), s.view(), s.as("caller"), &api.UntagMFADeviceInput{SerialNumber: d.Serial, TagKeys: []string{"k"}})
				return err
			},
			"ListMFADeviceTags": func() error {
				_, err := s.ListMFADeviceTags(t.Context(), s.view(), s.as("caller"), &api.ListMFADeviceTagsInput{SerialNumber: d.Serial})
				return err
			},
		}
		for operation, call := range calls {
			permit := func(value string) {
				s.permit(allowing(operation, []string{"*"}, map[string]any{"StringEquals": map[string]any{"aws:ResourceTag/team": value}}))
			}
			permit("red")
			s.denied(call(), operation, s.arn("mfa/GAHT12345678"))
			permit("blue")
			if err := call(); err != nil {
				t.Errorf("%s of %s: %v", operation, d.Serial, err)
			}
		}
	}
}

func TestRootsDevice(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	d := s.newDevice("roots")
	d.UserID, d.Enabled = string(s.account), now(s.root())
	s.put(d)
	listed := ok2(s.ListMFADevices(t.Context(), s.view(), s.root(), &api.ListMFADevicesInput{}))(t).MFADevices
	equal(t, "devices", len(listed), 1)
	shown := ok2(s.ListVirtualMFADevices(t.Context(), s.view(), s.root(), &api.ListVirtualMFADevicesInput{AssignmentStatus: new("Assigned")}))(t)
	equal(t, "owner", shown.VirtualMFADevices[1].User.Arn, s.arn("root"))
	ok2(s.DeactivateMFADevice(t.Context(), s.view(), s.root(), &api.DeactivateMFADeviceInput{SerialNumber: d.Serial}))(t)
}

func TestResyncMFADevice(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	resync := func(user, code1, code2 string) error {
		_, err := s.ResyncMFADevice(t.Context(), s.view(), s.as("caller"), &api.ResyncMFADeviceInput{
			UserName: user, SerialNumber: s.arn("mfa/bobs"), AuthenticationCode1: code1, AuthenticationCode2: code2,
		})
		return err
	}
	code1, code2 := s.codes(0)
	refused(t, resync("plain", code1, code2), identity.NoSuchEntity, "MFA Device invalid for user.")
	refused(t, resync("bob", code2, code1), identity.InvalidAuthenticationCode, "Authentication code for device is not valid.")
	if err := resync("bob", code1, code2); err != nil {
		t.Fatal(err)
	}
	refused(t, resync("bob", code1, code2), identity.InvalidAuthenticationCode, "Authentication code for device is not valid.")
}

func TestAccountAlias(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	ctx, r, alias := t.Context(), s.as("caller"), "alias-"+string(s.account)
	list := func() []string {
		return ok2(s.ListAccountAliases(ctx, s.view(), r, &api.ListAccountAliasesInput{}))(t).AccountAliases
	}
	equal(t, "aliases", len(list()), 0)
	ok2(s.CreateAccountAlias(ctx, s.view(), r, &api.CreateAccountAliasInput{AccountAlias: alias}))(t)
	equal(t, "alias", list()[0], alias)
	_, err := other.CreateAccountAlias(ctx, s.view(), other.as("caller"), &api.CreateAccountAliasInput{AccountAlias: alias})
	refused(t, err, identity.EntityAlreadyExists, "The account alias "+alias+" already exists.")
	_, err = other.DeleteAccountAlias(ctx, s.view(), other.as("caller"), &api.DeleteAccountAliasInput{AccountAlias: alias})
	refused(t, err, identity.NoSuchEntity, "The Account Alias "+alias+" cannot be found.")
	ok2(s.DeleteAccountAlias(ctx, s.view(), r, &api.DeleteAccountAliasInput{AccountAlias: alias}))(t)
	a, _ := s.view().Account(s.account)
	equal(t, "alias", a.Alias, "")
}
