package iam

import (
	"context"
	"fmt"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

// maxKeys is how many access keys a user or root can have (UG quotas).
const maxKeys = 2

// CreateAccessKey makes a long-term credential of a user; without a name, of the caller. The secret is shown here and never
// again.
func (s *Service) CreateAccessKey(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateAccessKeyInput,
) (*api.CreateAccessKeyOutput, error) {
	var answer api.AccessKey
	err := s.changeKeys(ctx, req, "CreateAccessKey", in.UserName, func(v *directory.View, o owner, keys *[]directory.AccessKey) error {
		if len(*keys) >= maxKeys {
			return quotaExceeded("AccessKeysPerUser", maxKeys)
		}
		k, err := s.newKey(v, req)
		if err != nil {
			return err
		}
		*keys = append(*keys, k)
		answer = api.AccessKey{
			UserName:        o.name(),
			AccessKeyId:     k.ID,
			Status:          string(k.Status),
			SecretAccessKey: k.Secret.Key.RevealString(),
			CreateDate:      &k.Created,
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateAccessKeyOutput{AccessKey: answer}, nil
}

func (s *Service) newKey(v *directory.View, req *identity.Request) (directory.AccessKey, error) {
	id, err := s.newID(v, arn.LongTermKeyID, req.Caller.Account)
	if err != nil {
		return directory.AccessKey{}, err
	}
	key, err := secret.AccessKey(s.Random)
	if err != nil {
		return directory.AccessKey{}, fmt.Errorf("making an access key: %w", err)
	}
	return directory.AccessKey{
		ID:      id,
		Secret:  directory.Protected{Key: key},
		Status:  directory.Active,
		Created: now(req),
	}, nil
}

// UpdateAccessKey makes a key active or inactive.
func (s *Service) UpdateAccessKey(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateAccessKeyInput) (*api.Empty, error) {
	status, err := newStatus(in.Status)
	if err != nil {
		return nil, err
	}
	return done(s.changeKeys(ctx, req, "UpdateAccessKey", in.UserName, func(_ *directory.View, _ owner, keys *[]directory.AccessKey) error {
		i := keyIndex(*keys, in.AccessKeyId)
		if i < 0 {
			return noSuchKey(in.AccessKeyId)
		}
		(*keys)[i].Status = status
		return nil
	}))
}

// DeleteAccessKey removes a key. The next request signed with it is refused.
func (s *Service) DeleteAccessKey(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteAccessKeyInput) (*api.Empty, error) {
	return done(s.changeKeys(ctx, req, "DeleteAccessKey", in.UserName, func(_ *directory.View, _ owner, keys *[]directory.AccessKey) error {
		i := keyIndex(*keys, in.AccessKeyId)
		if i < 0 {
			return noSuchKey(in.AccessKeyId)
		}
		*keys = slices.Delete(*keys, i, i+1)
		return nil
	}))
}

// ListAccessKeys lists the keys of a user, without their secrets; without a name, of the caller.
func (s *Service) ListAccessKeys(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListAccessKeysInput,
) (*api.ListAccessKeysOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListAccessKeys", req.Caller.PrincipalID, valueOf(in.UserName))
	if err != nil {
		return nil, err
	}
	o, err := s.owner(v, req, "ListAccessKeys", in.UserName)
	if err != nil {
		return nil, err
	}
	key := func(k directory.AccessKey) string { return k.ID }
	l, err := list(p, sorted(o.keys(), key), key, func(k directory.AccessKey) api.AccessKeyMetadata {
		return api.AccessKeyMetadata{UserName: o.shownName(), AccessKeyId: &k.ID, Status: new(string(k.Status)), CreateDate: &k.Created}
	})
	if err != nil {
		return nil, err
	}
	return &api.ListAccessKeysOutput{AccessKeyMetadata: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// changeKeys alters a copy of an owner's keys and commits it. Only the owner's own keys are in reach, so that permission on
// one user never leads to another's key (advisory 30).
func (s *Service) changeKeys(
	ctx context.Context, req *identity.Request, operation string, userName *string,
	alter func(v *directory.View, o owner, keys *[]directory.AccessKey) error,
) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		o, err := s.owner(v, req, operation, userName)
		if err != nil {
			return nil, err
		}
		c := new(directory.Change)
		if o.user != nil {
			u := o.user.Clone()
			if err := alter(v, o, &u.AccessKeys); err != nil {
				return nil, err
			}
			c.Put(u)
			return c, nil
		}
		a := o.account.Clone()
		if err := alter(v, o, &a.RootKeys); err != nil {
			return nil, err
		}
		c.Put(a)
		return c, nil
	})
}

func (o owner) keys() []directory.AccessKey {
	if o.user == nil {
		return o.account.RootKeys
	}
	return o.user.AccessKeys
}

func keyIndex(keys []directory.AccessKey, id string) int {
	return slices.IndexFunc(keys, func(k directory.AccessKey) bool { return k.ID == id })
}

func noSuchKey(id string) *identity.Fault {
	return identity.NewFault(identity.NoSuchEntity, "The Access Key with id "+id+" cannot be found")
}
