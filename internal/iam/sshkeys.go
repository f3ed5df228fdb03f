package iam

import (
	"bytes"
	"context"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// maxPublicKeys is how many SSH public keys a user can have (UG quotas).
const maxPublicKeys = 5

// UploadSSHPublicKey keeps an SSH public key of a user.
func (s *Service) UploadSSHPublicKey(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UploadSSHPublicKeyInput,
) (*api.UploadSSHPublicKeyOutput, error) {
	var answer api.SSHPublicKey
	err := s.changeOwn(ctx, req, "UploadSSHPublicKey", &in.UserName, func(v *directory.View, u *directory.User) error {
		public, encoding, err := parseSSHKey(in.SSHPublicKeyBody)
		if err != nil {
			return err
		}
		blob := sshBlob(public)
		if slices.ContainsFunc(u.PublicKeys, func(k directory.PublicKey) bool { return bytes.Equal(k.Blob, blob) }) {
			return identity.NewFault(identity.DuplicateSSHPublicKey, "The SSH public key is already associated with the specified IAM user.")
		}
		if len(u.PublicKeys) >= maxPublicKeys {
			return quotaExceeded("SSHPublicKeysPerUser", maxPublicKeys)
		}
		id, err := s.newID(v, arn.PublicKeyID, u.Account)
		if err != nil {
			return err
		}
		k := directory.PublicKey{ID: id, Blob: blob, Status: directory.Active, Uploaded: now(req)}
		u.PublicKeys = append(u.PublicKeys, k)
		answer, err = showSSHKey(u, k, encoding)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.UploadSSHPublicKeyOutput{SSHPublicKey: &answer}, nil
}

// GetSSHPublicKey shows an SSH public key in either encoding.
func (s *Service) GetSSHPublicKey(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetSSHPublicKeyInput,
) (*api.GetSSHPublicKeyOutput, error) {
	u, err := s.user(v, req, ask{operation: "GetSSHPublicKey", name: in.UserName})
	if err != nil {
		return nil, err
	}
	i, err := publicKeyIndex(u, in.SSHPublicKeyId)
	if err != nil {
		return nil, err
	}
	shown, err := showSSHKey(u, u.PublicKeys[i], sshEncoding(in.Encoding))
	if err != nil {
		return nil, err
	}
	return &api.GetSSHPublicKeyOutput{SSHPublicKey: &shown}, nil
}

// ListSSHPublicKeys lists the SSH public keys of a user; without a name, of the caller.
func (s *Service) ListSSHPublicKeys(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListSSHPublicKeysInput,
) (*api.ListSSHPublicKeysOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListSSHPublicKeys", req.Caller.PrincipalID, valueOf(in.UserName))
	if err != nil {
		return nil, err
	}
	u, err := s.ownUser(v, req, ask{operation: "ListSSHPublicKeys"}, in.UserName)
	if err != nil {
		return nil, err
	}
	key := func(k directory.PublicKey) string { return k.ID }
	l, err := list(p, sorted(u.PublicKeys, key), key, func(k directory.PublicKey) api.SSHPublicKeyMetadata {
		return api.SSHPublicKeyMetadata{UserName: u.Name, SSHPublicKeyId: k.ID, Status: string(k.Status), UploadDate: k.Uploaded}
	})
	if err != nil {
		return nil, err
	}
	return &api.ListSSHPublicKeysOutput{SSHPublicKeys: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// UpdateSSHPublicKey makes an SSH public key active or inactive.
func (s *Service) UpdateSSHPublicKey(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateSSHPublicKeyInput) (*api.Empty, error) {
	status, err := newStatus(in.Status)
	if err != nil {
		return nil, err
	}
	return done(s.changeOwn(ctx, req, "UpdateSSHPublicKey", &in.UserName, func(_ *directory.View, u *directory.User) error {
		i, err := publicKeyIndex(u, in.SSHPublicKeyId)
		if err != nil {
			return err
		}
		u.PublicKeys[i].Status = status
		return nil
	}))
}

// DeleteSSHPublicKey removes an SSH public key.
func (s *Service) DeleteSSHPublicKey(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteSSHPublicKeyInput) (*api.Empty, error) {
	return done(s.changeOwn(ctx, req, "DeleteSSHPublicKey", &in.UserName, func(_ *directory.View, u *directory.User) error {
		i, err := publicKeyIndex(u, in.SSHPublicKeyId)
		if err != nil {
			return err
		}
		u.PublicKeys = slices.Delete(u.PublicKeys, i, i+1)
		return nil
	}))
}

func publicKeyIndex(u *directory.User, id string) (int, error) {
	i := slices.IndexFunc(u.PublicKeys, func(k directory.PublicKey) bool { return k.ID == id })
	if i < 0 {
		return 0, identity.NewFault(identity.NoSuchEntity, "The SSH Public Key with id "+id+" cannot be found.")
	}
	return i, nil
}

func showSSHKey(u *directory.User, k directory.PublicKey, encoding sshEncoding) (api.SSHPublicKey, error) {
	body, err := encoding.of(k.Blob)
	if err != nil {
		return api.SSHPublicKey{}, err
	}
	return api.SSHPublicKey{
		UserName:         u.Name,
		SSHPublicKeyId:   k.ID,
		Fingerprint:      fingerprint(k.Blob),
		SSHPublicKeyBody: body,
		Status:           string(k.Status),
		UploadDate:       &k.Uploaded,
	}, nil
}
