package iam

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/mfa"
)

const (
	// maxDevices is how many MFA devices a user can have (UG quotas).
	maxDevices = 8
	// maxSerial is the greatest length of a serial number (API, EnableMFADevice): a longer one could never be used.
	maxSerial = 256
)

// CreateVirtualMFADevice makes a device that is nobody's yet. Its seed is shown here and never again.
func (s *Service) CreateVirtualMFADevice(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateVirtualMFADeviceInput,
) (*api.CreateVirtualMFADeviceOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	d := &directory.Device{
		Account: req.Caller.Account,
		Name:    in.VirtualMFADeviceName,
		Path:    pathOr(in.Path),
		Created: now(req),
		Tags:    tags,
	}
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		d.Serial = arn.MFADevice(v.Partition(), d.Account, d.Path, d.Name)
		if len(d.Serial) > maxSerial {
			return nil, identity.NewFault(identity.ValidationError, "The path and name of the device make a serial number of more than 256 characters")
		}
		err := s.authorize(v, req, ask{operation: "CreateVirtualMFADevice", name: d.Name, path: d.Path, tags: tags})
		if err != nil {
			return nil, err
		}
		if err := checkARN(d.Serial); err != nil {
			return nil, err
		}
		if _, taken := v.Get(d.Key()); taken {
			return nil, identity.NewFault(identity.EntityAlreadyExists, "MFADevice entity at the same path and name already exists.")
		}
		if d.Seed.Key, err = mfa.NewSeed(s.Random); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(d)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return showNewDevice(s.Directory.View(), d)
}

// showNewDevice shows the seed as text and picture, labelled with the account's alias or number.
func showNewDevice(v *directory.View, d *directory.Device) (*api.CreateVirtualMFADeviceOutput, error) {
	label := string(d.Account)
	if a, ok := v.Account(d.Account); ok {
		label = cmp.Or(a.Alias, label)
	}
	picture, err := mfa.QRCode(d.Name, label, d.Seed.Key)
	if err != nil {
		return nil, err
	}
	return &api.CreateVirtualMFADeviceOutput{VirtualMFADevice: api.VirtualMFADevice{
		SerialNumber:     d.Serial,
		Base32StringSeed: []byte(mfa.Base32(d.Seed.Key)),
		QRCodePNG:        picture,
		Tags:             showTags(d.Tags),
	}}, nil
}

// EnableMFADevice makes a device a user's, who proves to have it by two consecutive codes. They are spent.
func (s *Service) EnableMFADevice(ctx context.Context, _ *directory.View, req *identity.Request, in *api.EnableMFADeviceInput) (*api.Empty, error) {
	// The codes can be spent only once, and the change may be derived more than once: so they come in between.
	_, d, err := s.enabling(s.Directory.View(), req, in)
	if err != nil {
		return nil, err
	}
	if err := s.MFA.Enroll(ctx, d, in.AuthenticationCode1, in.AuthenticationCode2, req.Time); err != nil {
		return nil, err
	}
	proved := d.Seed.Key
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		u, d, err := s.enabling(v, req, in)
		if err != nil {
			return nil, err
		}
		if !d.Seed.Key.Equal(proved) {
			return nil, noSuchDevice(in.SerialNumber)
		}
		d.UserID, d.Enabled = u.ID, now(req)
		c := new(directory.Change)
		c.Require(u)
		c.Freeze(v, u.Account, directory.KindDevice) // the user gets no other device meanwhile, for the quota's sake
		c.Put(d)
		return c, nil
	}))
}

// enabling finds the user and a copy of the device, and checks that they can come together.
func (s *Service) enabling(v *directory.View, req *identity.Request, in *api.EnableMFADeviceInput) (*directory.User, *directory.Device, error) {
	u, err := s.user(v, req, ask{operation: "EnableMFADevice", name: in.UserName})
	if err != nil {
		return nil, nil, err
	}
	d, ok := v.Device(u.Account, in.SerialNumber)
	if !ok {
		return nil, nil, noSuchDevice(in.SerialNumber)
	}
	if d.UserID != "" {
		return nil, nil, identity.NewFault(identity.EntityAlreadyExists, "MFA Device is already in use.")
	}
	if len(slices.Collect(v.DevicesOf(u.ID))) >= maxDevices {
		return nil, nil, quotaExceeded("MFADevicesPerUser", maxDevices)
	}
	return u, d.Clone(), nil
}

// DeactivateMFADevice takes a device from its user; without a name, from the caller. The device stays, as nobody's.
func (s *Service) DeactivateMFADevice(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeactivateMFADeviceInput,
) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		_, found, err := s.deviceOf(v, req, "DeactivateMFADevice", in.UserName, in.SerialNumber)
		if err != nil {
			return nil, err
		}
		c := new(directory.Change)
		if !found.Virtual() {
			c.Delete(found) // a hardware device is known only while it is someone's
			return c, nil
		}
		d := found.Clone()
		d.UserID, d.Enabled = "", time.Time{}
		c.Put(d)
		return c, nil
	}))
}

// ResyncMFADevice checks two consecutive codes and spends them. Codes are compared by this node's clock alone, so there is
// nothing else to bring into step.
func (s *Service) ResyncMFADevice(ctx context.Context, v *directory.View, req *identity.Request, in *api.ResyncMFADeviceInput) (*api.Empty, error) {
	_, d, err := s.deviceOf(v, req, "ResyncMFADevice", &in.UserName, in.SerialNumber)
	if err != nil {
		return nil, err
	}
	return done(s.MFA.Enroll(ctx, d, in.AuthenticationCode1, in.AuthenticationCode2, req.Time))
}

// DeleteVirtualMFADevice removes a device that is nobody's.
func (s *Service) DeleteVirtualMFADevice(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteVirtualMFADeviceInput,
) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		if err := s.authorize(v, req, ask{operation: "DeleteVirtualMFADevice", name: in.SerialNumber}); err != nil {
			return nil, err
		}
		d, ok := v.Device(req.Caller.Account, in.SerialNumber)
		if !ok || !d.Virtual() {
			return nil, noSuchDevice(in.SerialNumber)
		}
		if d.UserID != "" {
			return nil, identity.NewFault(identity.DeleteConflict, "MFA VirtualDevice in use. Must deactivate first.")
		}
		c := new(directory.Change)
		c.Delete(d)
		return c, nil
	}))
}

// GetMFADevice shows a device of a user; without a name, of the caller.
func (s *Service) GetMFADevice(_ context.Context, v *directory.View, req *identity.Request, in *api.GetMFADeviceInput) (*api.GetMFADeviceOutput, error) {
	o, d, err := s.deviceOf(v, req, "GetMFADevice", in.UserName, in.SerialNumber)
	if err != nil {
		return nil, err
	}
	return &api.GetMFADeviceOutput{UserName: o.shownName(), SerialNumber: d.Serial, EnableDate: &d.Enabled}, nil
}

// ListMFADevices lists the devices of a user; without a name, of the caller.
func (s *Service) ListMFADevices(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListMFADevicesInput,
) (*api.ListMFADevicesOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListMFADevices", req.Caller.PrincipalID, valueOf(in.UserName))
	if err != nil {
		return nil, err
	}
	o, err := s.owner(v, req, "ListMFADevices", in.UserName)
	if err != nil {
		return nil, err
	}
	l, err := list(p, sorted(slices.Collect(v.DevicesOf(o.id())), deviceKey), deviceKey, func(d *directory.Device) api.MFADevice {
		return api.MFADevice{UserName: o.name(), SerialNumber: d.Serial, EnableDate: d.Enabled}
	})
	if err != nil {
		return nil, err
	}
	return &api.ListMFADevicesOutput{MFADevices: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// ListVirtualMFADevices lists the account's virtual devices, without their seeds.
func (s *Service) ListVirtualMFADevices(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListVirtualMFADevicesInput,
) (*api.ListVirtualMFADevicesOutput, error) {
	assignment := valueOr(in.AssignmentStatus, "Any")
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListVirtualMFADevices", assignment)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "ListVirtualMFADevices", path: "/"}); err != nil {
		return nil, err
	}
	devices := only(v.Devices(req.Caller.Account), func(d *directory.Device) bool {
		return d.Virtual() && (assignment == "Any" || (assignment == "Assigned") == (d.UserID != ""))
	})
	l, err := list(p, sorted(slices.Collect(devices), deviceKey), deviceKey, func(d *directory.Device) api.VirtualMFADevice {
		return showDevice(v, d)
	})
	if err != nil {
		return nil, err
	}
	return &api.ListVirtualMFADevicesOutput{VirtualMFADevices: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// deviceOf finds a device of the user that the request names, or of the caller.
func (s *Service) deviceOf(
	v *directory.View, req *identity.Request, operation string, userName *string, serial string,
) (owner, *directory.Device, error) {
	o, err := s.owner(v, req, operation, userName)
	if err != nil {
		return owner{}, nil, err
	}
	d, ok := v.Device(req.Caller.Account, serial)
	if !ok {
		return owner{}, nil, noSuchDevice(serial)
	}
	if d.UserID != o.id() {
		return owner{}, nil, identity.NewFault(identity.NoSuchEntity, "MFA Device invalid for user.")
	}
	return o, d, nil
}

func hasDevice(v *directory.View, ownerID string) bool {
	for range v.DevicesOf(ownerID) {
		return true
	}
	return false
}

func noSuchDevice(serial string) *identity.Fault {
	return identity.NewFault(identity.NoSuchEntity, "VirtualMFADevice with serial number "+serial+" doesn't exist.")
}

func deviceKey(d *directory.Device) string { return bounded(directory.FoldName(d.Name)) }

func showDevice(v *directory.View, d *directory.Device) api.VirtualMFADevice {
	out := api.VirtualMFADevice{SerialNumber: d.Serial}
	if d.UserID == "" {
		return out
	}
	out.EnableDate = &d.Enabled
	if entity, ok := v.ByID(d.UserID); ok {
		if u, ok := entity.(*directory.User); ok {
			out.User = new(showUser(u))
		}
	} else if a, ok := v.Account(d.Account); ok {
		out.User = new(showRoot(a))
	}
	return out
}
