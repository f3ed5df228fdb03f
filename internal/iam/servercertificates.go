package iam

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

// UploadServerCertificate keeps a certificate with its private key. The key is never shown again.
func (s *Service) UploadServerCertificate(
	ctx context.Context, v *directory.View, req *identity.Request, in *api.UploadServerCertificateInput,
) (*api.UploadServerCertificateOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	k := &directory.ServerCertificate{
		Account:  req.Caller.Account,
		Name:     in.ServerCertificateName,
		Path:     pathOr(in.Path),
		Body:     in.CertificateBody,
		Chain:    valueOf(in.CertificateChain),
		Private:  directory.Protected{Key: secret.FromString(in.PrivateKey)},
		Uploaded: now(req),
		Tags:     tags,
	}
	k.ARN = arn.ServerCertificate(v.Partition(), k.Account, k.Path, k.Name)
	a := ask{operation: "UploadServerCertificate", name: k.Name, path: k.Path, tags: tags}
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	if err := checkARN(k.ARN); err != nil {
		return nil, err
	}
	// It takes a while, and nobody's change need wait for it.
	if k.Expires, err = checkPair(k.Body, k.Chain, in.PrivateKey, req.Time); err != nil {
		return nil, err
	}
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		if err := s.authorize(v, req, a); err != nil {
			return nil, err
		}
		if _, taken := v.ServerCertificate(k.Account, k.Name); taken {
			return nil, serverCertificateExists(k.Name)
		}
		var err error
		if k.ID, err = s.newID(v, arn.CertificateID, k.Account); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(k)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UploadServerCertificateOutput{ServerCertificateMetadata: new(showServerCertificate(k)), Tags: showTags(k.Tags)}, nil
}

// GetServerCertificate shows a server certificate, without its private key.
func (s *Service) GetServerCertificate(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetServerCertificateInput,
) (*api.GetServerCertificateOutput, error) {
	k, err := s.serverCertificate(v, req, ask{operation: "GetServerCertificate", name: in.ServerCertificateName})
	if err != nil {
		return nil, err
	}
	out := api.ServerCertificate{ServerCertificateMetadata: showServerCertificate(k), CertificateBody: k.Body, Tags: showTags(k.Tags)}
	if k.Chain != "" {
		out.CertificateChain = &k.Chain
	}
	return &api.GetServerCertificateOutput{ServerCertificate: out}, nil
}

// ListServerCertificates lists the server certificates under a path.
func (s *Service) ListServerCertificates(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListServerCertificatesInput,
) (*api.ListServerCertificatesOutput, error) {
	prefix := pathOr(in.PathPrefix)
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListServerCertificates", prefix)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "ListServerCertificates", path: prefix}); err != nil {
		return nil, err
	}
	certificates := only(v.ServerCertificates(req.Caller.Account), func(k *directory.ServerCertificate) bool { return within(k.Path, prefix) })
	l, err := list(p, certificates, func(k *directory.ServerCertificate) string { return directory.FoldName(k.Name) }, showServerCertificate)
	if err != nil {
		return nil, err
	}
	return &api.ListServerCertificatesOutput{ServerCertificateMetadataList: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// UpdateServerCertificate changes a server certificate's name or path.
func (s *Service) UpdateServerCertificate(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateServerCertificateInput,
) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		old, err := s.serverCertificate(v, req, ask{operation: "UpdateServerCertificate", name: in.ServerCertificateName})
		if err != nil || in.NewServerCertificateName == nil && in.NewPath == nil {
			return nil, err
		}
		k := old.Clone()
		k.Name, k.Path = valueOr(in.NewServerCertificateName, k.Name), valueOr(in.NewPath, k.Path)
		k.ARN = arn.ServerCertificate(v.Partition(), k.Account, k.Path, k.Name)
		// API, UpdateServerCertificate: "you must have the appropriate permissions on both the source object and the target object".
		if err := s.authorize(v, req, ask{operation: "UpdateServerCertificate", name: k.Name, path: k.Path, resourceTags: k.Tags}); err != nil {
			return nil, err
		}
		if err := checkARN(k.ARN); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		if !sameName(k.Name, old.Name) {
			if _, taken := v.ServerCertificate(k.Account, k.Name); taken {
				return nil, serverCertificateExists(k.Name)
			}
			k.Meta = directory.Meta{}
			c.Delete(old) // before the new record, so that the View's indexes end with that
		}
		c.Put(k)
		return c, nil
	}))
}

// DeleteServerCertificate removes a server certificate. Nothing here uses one.
func (s *Service) DeleteServerCertificate(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteServerCertificateInput,
) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		k, err := s.serverCertificate(v, req, ask{operation: "DeleteServerCertificate", name: in.ServerCertificateName})
		if err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Delete(k)
		return c, nil
	}))
}

// TagServerCertificate adds tags to a server certificate.
func (s *Service) TagServerCertificate(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.TagServerCertificateInput,
) (*api.Empty, error) {
	tags, err := someTags(in.Tags)
	if err != nil {
		return nil, err
	}
	a := ask{operation: "TagServerCertificate", name: in.ServerCertificateName, tags: tags}
	return done(s.changeServerCertificate(ctx, req, a, func(k *directory.ServerCertificate) error { return addTags(&k.Tags, tags) }))
}

// UntagServerCertificate removes tags from a server certificate.
func (s *Service) UntagServerCertificate(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UntagServerCertificateInput,
) (*api.Empty, error) {
	a := ask{operation: "UntagServerCertificate", name: in.ServerCertificateName, tagKeys: in.TagKeys}
	return done(s.changeServerCertificate(ctx, req, a, func(k *directory.ServerCertificate) error {
		removeTags(&k.Tags, in.TagKeys)
		return nil
	}))
}

// ListServerCertificateTags lists a server certificate's tags.
func (s *Service) ListServerCertificateTags(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListServerCertificateTagsInput,
) (*api.ListServerCertificateTagsOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListServerCertificateTags", directory.FoldName(in.ServerCertificateName))
	if err != nil {
		return nil, err
	}
	k, err := s.serverCertificate(v, req, ask{operation: "ListServerCertificateTags", name: in.ServerCertificateName})
	if err != nil {
		return nil, err
	}
	l, err := list(p, inOrder(k.Tags), tagKey, showTag)
	if err != nil {
		return nil, err
	}
	return &api.ListServerCertificateTagsOutput{Tags: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// serverCertificate authorizes and finds.
func (s *Service) serverCertificate(v *directory.View, req *identity.Request, a ask) (*directory.ServerCertificate, error) {
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	k, ok := v.ServerCertificate(req.Caller.Account, a.name)
	if !ok {
		return nil, identity.NewFault(identity.NoSuchEntity, "The Server Certificate with name "+a.name+" cannot be found.")
	}
	return k, nil
}

// changeServerCertificate alters a copy of the server certificate that a names and commits it.
func (s *Service) changeServerCertificate(
	ctx context.Context, req *identity.Request, a ask, alter func(k *directory.ServerCertificate) error,
) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.serverCertificate(v, req, a)
		if err != nil {
			return nil, err
		}
		k, c := found.Clone(), new(directory.Change)
		if err := alter(k); err != nil {
			return nil, err
		}
		c.Put(k)
		return c, nil
	})
}

func serverCertificateExists(name string) *identity.Fault {
	return identity.NewFault(identity.EntityAlreadyExists, "The Server Certificate with name "+name+" already exists.")
}

func showServerCertificate(k *directory.ServerCertificate) api.ServerCertificateMetadata {
	return api.ServerCertificateMetadata{
		Path:                  k.Path,
		ServerCertificateName: k.Name,
		ServerCertificateId:   k.ID,
		Arn:                   k.ARN,
		UploadDate:            &k.Uploaded,
		Expiration:            &k.Expires,
	}
}
