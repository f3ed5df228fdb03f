package iam

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

const (
	maxSAMLProviders = 100 // UG quotas
	maxPrivateKeys   = 2   // IAM model, privateKeyList
	minPrivateKey    = 2048
	maxPrivateKey    = 8192 // each encrypted assertion costs an operation with the key
)

// The values of AssertionEncryptionMode.
const (
	encryptionRequired = "Required"
	encryptionAllowed  = "Allowed"
)

// CreateSAMLProvider makes the identity provider that metadata describes one that the account trusts.
func (s *Service) CreateSAMLProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateSAMLProviderInput,
) (*api.CreateSAMLProviderOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p := &directory.SAMLProvider{
		Account:            req.Caller.Account,
		Name:               in.Name,
		Created:            now(req),
		Tags:               tags,
		EncryptionRequired: valueOf(in.AssertionEncryptionMode) == encryptionRequired,
	}
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		p.ARN = arn.SAMLProvider(v.Partition(), p.Account, p.Name)
		err := s.authorize(v, req, ask{operation: "CreateSAMLProvider", name: p.ARN, path: "/", tags: tags})
		if err != nil {
			return nil, err
		}
		p.PrivateKeys = nil
		if err := s.provideSAML(req, p, &in.SAMLMetadataDocument, in.AddPrivateKey, nil); err != nil {
			return nil, err
		}
		if _, taken := v.SAMLProvider(p.Account, p.Name); taken {
			return nil, identity.NewFault(identity.EntityAlreadyExists, "Provider with name "+p.Name+" already exists.")
		}
		if count(v.SAMLProviders(p.Account)) >= maxSAMLProviders {
			return nil, quotaExceeded("SAMLProvidersPerAccount", maxSAMLProviders)
		}
		if p.UUID, err = directory.NewSAMLID(directory.SAMLProviderUUID, s.Random); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Freeze(v, p.Account, directory.KindSAMLProvider) // for the quota's sake
		c.Put(p)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateSAMLProviderOutput{SAMLProviderArn: &p.ARN, Tags: showTags(p.Tags)}, nil
}

// UpdateSAMLProvider changes what the request gives and leaves the rest. A key can be replaced in one call: the old one goes
// first.
func (s *Service) UpdateSAMLProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateSAMLProviderInput,
) (*api.UpdateSAMLProviderOutput, error) {
	a := ask{operation: "UpdateSAMLProvider", name: in.SAMLProviderArn}
	err := s.changeSAMLProvider(ctx, req, a, func(p *directory.SAMLProvider) error {
		if in.AssertionEncryptionMode != nil {
			p.EncryptionRequired = *in.AssertionEncryptionMode == encryptionRequired
		}
		return s.provideSAML(req, p, in.SAMLMetadataDocument, in.AddPrivateKey, in.RemovePrivateKey)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateSAMLProviderOutput{SAMLProviderArn: &in.SAMLProviderArn}, nil
}

// provideSAML gives a provider metadata and private keys.
func (s *Service) provideSAML(req *identity.Request, p *directory.SAMLProvider, metadata, add, remove *string) error {
	if metadata != nil {
		m, err := directory.ParseSAMLMetadata(*metadata)
		if err != nil {
			return identity.NewFault(identity.InvalidInput, "Could not parse metadata").Because(err)
		}
		p.Metadata, p.ValidUntil = *metadata, m.Until(now(req))
	}
	if remove != nil {
		i := slices.IndexFunc(p.PrivateKeys, func(k directory.SAMLPrivateKey) bool { return k.ID == *remove })
		if i < 0 {
			return identity.NewFault(identity.InvalidInput, "The private key with id "+*remove+" cannot be found.")
		}
		p.PrivateKeys = slices.Delete(p.PrivateKeys, i, i+1)
	}
	if add != nil {
		k, err := s.privateKey(*add, now(req))
		if err != nil {
			return err
		}
		p.PrivateKeys = append(p.PrivateKeys, k)
	}
	switch {
	case len(p.PrivateKeys) > maxPrivateKeys:
		return quotaExceeded("PrivateKeysPerSAMLProvider", maxPrivateKeys)
	case p.EncryptionRequired && len(p.PrivateKeys) == 0:
		// Nobody could ever come in.
		return identity.NewFault(identity.InvalidInput, "A private key is needed where assertions must be encrypted.")
	}
	return nil
}

// privateKey reads a PEM file with one RSA key. Nothing of the text is in an error.
func (s *Service) privateKey(text string, given time.Time) (directory.SAMLPrivateKey, error) {
	key, err := parsePrivateKey(text)
	if err != nil {
		return directory.SAMLPrivateKey{}, identity.NewFault(identity.InvalidInput, "The private key is not valid: "+err.Error())
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return directory.SAMLPrivateKey{}, fmt.Errorf("keeping a private key: %w", err)
	}
	id, err := directory.NewSAMLID(directory.SAMLKeyID, s.Random)
	if err != nil {
		return directory.SAMLPrivateKey{}, err
	}
	return directory.SAMLPrivateKey{ID: id, Key: directory.Protected{Key: secret.New(der)}, Created: given}, nil
}

var (
	errPEM    = errors.New("it must be one unencrypted PEM block of the type PRIVATE KEY or RSA PRIVATE KEY")
	errRSA    = errors.New("it must be an RSA key")
	errLength = errors.New("it must have 2048 to 8192 bits")
)

func parsePrivateKey(text string) (*rsa.PrivateKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(block.Headers) > 0 || strings.TrimSpace(string(rest)) != "" {
		return nil, errPEM
	}
	if len(block.Bytes) > maxPrivateKey { // the DER of the longest key has about 4,700 bytes: longer ones are not even read
		return nil, errLength
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, errPEM
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, errRSA
	}
	if bits := key.N.BitLen(); bits < minPrivateKey || bits > maxPrivateKey {
		return nil, errLength
	}
	return key, nil
}

// GetSAMLProvider shows a provider with its metadata, and of its private keys the ids alone.
func (s *Service) GetSAMLProvider(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetSAMLProviderInput,
) (*api.GetSAMLProviderOutput, error) {
	p, err := s.samlProvider(v, req, ask{operation: "GetSAMLProvider", name: in.SAMLProviderArn})
	if err != nil {
		return nil, err
	}
	mode := encryptionAllowed
	if p.EncryptionRequired {
		mode = encryptionRequired
	}
	keys := []api.SAMLPrivateKey{} // there even when empty, like the tags (LSI)
	for i := range p.PrivateKeys {
		keys = append(keys, api.SAMLPrivateKey{KeyId: &p.PrivateKeys[i].ID, Timestamp: &p.PrivateKeys[i].Created})
	}
	return &api.GetSAMLProviderOutput{
		SAMLProviderUUID:        &p.UUID,
		SAMLMetadataDocument:    &p.Metadata,
		CreateDate:              &p.Created,
		ValidUntil:              &p.ValidUntil,
		Tags:                    present(showTags(p.Tags)),
		AssertionEncryptionMode: &mode,
		PrivateKeyList:          keys,
	}, nil
}

// ListSAMLProviders lists the account's providers by name, all of them: the operation has no pages.
func (s *Service) ListSAMLProviders(
	_ context.Context, v *directory.View, req *identity.Request, _ *api.ListSAMLProvidersInput,
) (*api.ListSAMLProvidersOutput, error) {
	if err := s.authorize(v, req, ask{operation: "ListSAMLProviders"}); err != nil {
		return nil, err
	}
	out := &api.ListSAMLProvidersOutput{SAMLProviderList: []api.SAMLProviderListEntry{}}
	for p := range v.SAMLProviders(req.Caller.Account) {
		entry := api.SAMLProviderListEntry{Arn: &p.ARN, ValidUntil: &p.ValidUntil, CreateDate: &p.Created}
		out.SAMLProviderList = append(out.SAMLProviderList, entry)
	}
	return out, nil
}

// DeleteSAMLProvider removes a provider. Roles that trust it stay as they are, and nobody gets into them by it.
func (s *Service) DeleteSAMLProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteSAMLProviderInput,
) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		p, err := s.samlProvider(v, req, ask{operation: "DeleteSAMLProvider", name: in.SAMLProviderArn})
		if err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Delete(p)
		return c, nil
	}))
}

// TagSAMLProvider adds tags to a provider.
func (s *Service) TagSAMLProvider(ctx context.Context, _ *directory.View, req *identity.Request, in *api.TagSAMLProviderInput) (*api.Empty, error) {
	tags, err := someTags(in.Tags)
	if err != nil {
		return nil, err
	}
	a := ask{operation: "TagSAMLProvider", name: in.SAMLProviderArn, tags: tags}
	return done(s.changeSAMLProvider(ctx, req, a, func(p *directory.SAMLProvider) error { return addTags(&p.Tags, tags) }))
}

// UntagSAMLProvider removes tags from a provider.
func (s *Service) UntagSAMLProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UntagSAMLProviderInput,
) (*api.Empty, error) {
	a := ask{operation: "UntagSAMLProvider", name: in.SAMLProviderArn, tagKeys: in.TagKeys}
	return done(s.changeSAMLProvider(ctx, req, a, func(p *directory.SAMLProvider) error {
		removeTags(&p.Tags, in.TagKeys)
		return nil
	}))
}

// ListSAMLProviderTags lists a provider's tags.
func (s *Service) ListSAMLProviderTags(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListSAMLProviderTagsInput,
) (*api.ListSAMLProviderTagsOutput, error) {
	page, err := s.page(v, req, in.Marker, in.MaxItems, "ListSAMLProviderTags", in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	p, err := s.samlProvider(v, req, ask{operation: "ListSAMLProviderTags", name: in.SAMLProviderArn})
	if err != nil {
		return nil, err
	}
	l, err := list(page, inOrder(p.Tags), tagKey, showTag)
	if err != nil {
		return nil, err
	}
	return &api.ListSAMLProviderTagsOutput{Tags: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

const samlResource = "saml-provider"

// samlProvider finds a provider of the caller's account, which a.name names by its ARN.
func (s *Service) samlProvider(v *directory.View, req *identity.Request, a ask) (*directory.SAMLProvider, error) {
	if err := s.asked(v, req, a, samlResource); err != nil {
		return nil, err
	}
	p, ok := samlProviderByARN(v, req.Caller.Account, a.name)
	if !ok {
		return nil, identity.NewFault(identity.NoSuchEntity, "Manifest not found for arn "+a.name)
	}
	return p, nil
}

func samlProviderByARN(v *directory.View, account arn.AccountID, providerARN string) (*directory.SAMLProvider, bool) {
	_, name, _ := strings.Cut(providerARN, ":"+samlResource+"/")
	p, ok := v.SAMLProvider(account, name)
	if !ok || p.ARN != providerARN {
		return nil, false
	}
	return p, true
}

// changeSAMLProvider alters a copy of the provider that a names and commits it.
func (s *Service) changeSAMLProvider(ctx context.Context, req *identity.Request, a ask, alter func(p *directory.SAMLProvider) error) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.samlProvider(v, req, a)
		if err != nil {
			return nil, err
		}
		p := found.Clone()
		if err := alter(p); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(p)
		return c, nil
	})
}
