package iam

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/pem"
	"fmt"
	"io"
	"slices"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// maxCertificates is how many signing certificates a user can have (UG quotas).
const maxCertificates = 2

// UploadSigningCertificate keeps a certificate of a user; without a name, of the caller.
func (s *Service) UploadSigningCertificate(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UploadSigningCertificateInput,
) (*api.UploadSigningCertificateOutput, error) {
	var answer api.SigningCertificate
	err := s.changeOwn(ctx, req, "UploadSigningCertificate", in.UserName, func(v *directory.View, u *directory.User) error {
		if _, err := parseCertificate(in.CertificateBody, req.Time); err != nil {
			return err
		}
		if certificateKnown(v, u, in.CertificateBody) {
			return identity.NewFault(identity.DuplicateCertificate, "The same certificate is associated with an IAM user in the account.")
		}
		if len(u.Certificates) >= maxCertificates {
			return quotaExceeded("SigningCertificatesPerUser", maxCertificates)
		}
		id, err := s.certificateID()
		if err != nil {
			return err
		}
		k := directory.SigningCertificate{ID: id, Body: in.CertificateBody, Status: directory.Active, Uploaded: now(req)}
		u.Certificates = append(u.Certificates, k)
		answer = showSigningCertificate(u, k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UploadSigningCertificateOutput{Certificate: answer}, nil
}

// ListSigningCertificates lists the signing certificates of a user; without a name, of the caller.
func (s *Service) ListSigningCertificates(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListSigningCertificatesInput,
) (*api.ListSigningCertificatesOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListSigningCertificates", req.Caller.PrincipalID, valueOf(in.UserName))
	if err != nil {
		return nil, err
	}
	u, err := s.ownUser(v, req, ask{operation: "ListSigningCertificates"}, in.UserName)
	if err != nil {
		return nil, err
	}
	key := func(k directory.SigningCertificate) string { return k.ID }
	l, err := list(p, sorted(u.Certificates, key), key, func(k directory.SigningCertificate) api.SigningCertificate {
		return showSigningCertificate(u, k)
	})
	if err != nil {
		return nil, err
	}
	return &api.ListSigningCertificatesOutput{Certificates: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// UpdateSigningCertificate makes a signing certificate active or inactive.
func (s *Service) UpdateSigningCertificate(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateSigningCertificateInput,
) (*api.Empty, error) {
	status, err := newStatus(in.Status)
	if err != nil {
		return nil, err
	}
	return done(s.changeOwn(ctx, req, "UpdateSigningCertificate", in.UserName, func(_ *directory.View, u *directory.User) error {
		i, err := certificateIndex(u, in.CertificateId)
		if err != nil {
			return err
		}
		u.Certificates[i].Status = status
		return nil
	}))
}

// DeleteSigningCertificate removes a signing certificate.
func (s *Service) DeleteSigningCertificate(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteSigningCertificateInput,
) (*api.Empty, error) {
	return done(s.changeOwn(ctx, req, "DeleteSigningCertificate", in.UserName, func(_ *directory.View, u *directory.User) error {
		i, err := certificateIndex(u, in.CertificateId)
		if err != nil {
			return err
		}
		u.Certificates = slices.Delete(u.Certificates, i, i+1)
		return nil
	}))
}

// ownUser authorizes and finds the user that a request names; without a name, the caller. Root has none of what hangs on users.
func (s *Service) ownUser(v *directory.View, req *identity.Request, a ask, userName *string) (*directory.User, error) {
	name, err := implied(v, &req.Caller, userName)
	if err != nil {
		return nil, err
	}
	a.name = name
	return s.user(v, req, a)
}

// changeOwn alters a copy of the user that the request names, or of the caller, and commits it.
func (s *Service) changeOwn(
	ctx context.Context, req *identity.Request, operation string, userName *string, alter func(v *directory.View, u *directory.User) error,
) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.ownUser(v, req, ask{operation: operation}, userName)
		if err != nil {
			return nil, err
		}
		u, c := found.Clone(), new(directory.Change)
		if err := alter(v, u); err != nil {
			return nil, err
		}
		c.Put(u)
		return c, nil
	})
}

// newStatus is the status that a request gives a credential: Expired is none to be set.
func newStatus(status string) (directory.KeyStatus, error) {
	s := directory.KeyStatus(status)
	if s != directory.Active && s != directory.Inactive {
		return "", identity.NewFault(identity.InvalidInput, "Status must be Active or Inactive")
	}
	return s, nil
}

// certificateKnown reports whether a user of the account has the certificate, however its PEM is wrapped.
func certificateKnown(v *directory.View, changed *directory.User, body string) bool {
	der := func(text string) []byte {
		if block, _ := pem.Decode([]byte(text)); block != nil {
			return block.Bytes
		}
		return nil
	}
	wanted := der(body)
	for u := range v.Users(changed.Account) {
		if slices.ContainsFunc(u.Certificates, func(k directory.SigningCertificate) bool { return bytes.Equal(der(k.Body), wanted) }) {
			return true
		}
	}
	return false
}

// certificateID makes an id as those of AWS are: 32 characters.
func (s *Service) certificateID() (string, error) {
	var b [20]byte
	if _, err := io.ReadFull(s.Random, b[:]); err != nil {
		return "", fmt.Errorf("making a certificate id: %w", err)
	}
	return base32.StdEncoding.EncodeToString(b[:]), nil
}

func certificateIndex(u *directory.User, id string) (int, error) {
	i := slices.IndexFunc(u.Certificates, func(k directory.SigningCertificate) bool { return k.ID == id })
	if i < 0 {
		return 0, identity.NewFault(identity.NoSuchEntity, "The Certificate with id "+id+" cannot be found.")
	}
	return i, nil
}

func showSigningCertificate(u *directory.User, k directory.SigningCertificate) api.SigningCertificate {
	return api.SigningCertificate{UserName: u.Name, CertificateId: k.ID, CertificateBody: k.Body, Status: string(k.Status), UploadDate: &k.Uploaded}
}
