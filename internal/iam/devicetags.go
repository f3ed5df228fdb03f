package iam

import (
	"context"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// TagMFADevice adds tags to a device.
func (s *Service) TagMFADevice(ctx context.Context, _ *directory.View, req *identity.Request, in *api.TagMFADeviceInput) (*api.Empty, error) {
	tags, err := someTags(in.Tags)
	if err != nil {
		return nil, err
	}
	a := ask{operation: "TagMFADevice", name: in.SerialNumber, tags: tags}
	return done(s.changeDevice(ctx, req, a, func(d *directory.Device) error { return addTags(&d.Tags, tags) }))
}

// UntagMFADevice removes tags from a device.
func (s *Service) UntagMFADevice(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UntagMFADeviceInput) (*api.Empty, error) {
	a := ask{operation: "UntagMFADevice", name: in.SerialNumber, tagKeys: in.TagKeys}
	return done(s.changeDevice(ctx, req, a, func(d *directory.Device) error {
		removeTags(&d.Tags, in.TagKeys)
		return nil
	}))
}

// ListMFADeviceTags lists a device's tags.
func (s *Service) ListMFADeviceTags(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListMFADeviceTagsInput,
) (*api.ListMFADeviceTagsOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListMFADeviceTags", in.SerialNumber)
	if err != nil {
		return nil, err
	}
	d, err := s.device(v, req, ask{operation: "ListMFADeviceTags", name: in.SerialNumber})
	if err != nil {
		return nil, err
	}
	l, err := list(p, inOrder(d.Tags), tagKey, showTag)
	if err != nil {
		return nil, err
	}
	return &api.ListMFADeviceTagsOutput{Tags: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// device authorizes and finds a device, whosever it is.
func (s *Service) device(v *directory.View, req *identity.Request, a ask) (*directory.Device, error) {
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	d, ok := v.Device(req.Caller.Account, a.name)
	if !ok {
		return nil, noSuchDevice(a.name)
	}
	return d, nil
}

// changeDevice alters a copy of the device that a names and commits it.
func (s *Service) changeDevice(ctx context.Context, req *identity.Request, a ask, alter func(d *directory.Device) error) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.device(v, req, a)
		if err != nil {
			return nil, err
		}
		d, c := found.Clone(), new(directory.Change)
		if err := alter(d); err != nil {
			return nil, err
		}
		c.Put(d)
		return c, nil
	})
}
