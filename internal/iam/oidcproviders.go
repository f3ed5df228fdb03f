package iam

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// UG quotas; the thumbprints are LSI's.
const (
	maxOIDCProviders = 100
	maxClientIDs     = 100
	maxThumbprints   = 5
)

// CreateOpenIDConnectProvider makes an issuer one that the account trusts. Its URL and client ids are compared to the letter
// with what tokens say. Without thumbprints its certificate is trusted as the system trusts certificates.
func (s *Service) CreateOpenIDConnectProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateOpenIDConnectProviderInput,
) (*api.CreateOpenIDConnectProviderOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	hostPath, ok := directory.IssuerHostPath(in.Url)
	if !ok {
		return nil, identity.NewFault(identity.ValidationError, "Invalid Open ID Connect Provider URL")
	}
	if err := checkThumbprints(in.ThumbprintList); err != nil {
		return nil, err
	}
	p := &directory.OIDCProvider{
		Account:     req.Caller.Account,
		URL:         hostPath,
		ClientIDs:   once(in.ClientIDList),
		Thumbprints: in.ThumbprintList,
		Created:     now(req),
		Tags:        tags,
	}
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		p.ARN = arn.OIDCProvider(v.Partition(), p.Account, p.URL)
		err := s.authorize(v, req, ask{operation: "CreateOpenIDConnectProvider", name: p.ARN, path: "/", tags: tags})
		if err != nil {
			return nil, err
		}
		if _, taken := v.OIDCProvider(p.Account, p.URL); taken {
			return nil, identity.NewFault(identity.EntityAlreadyExists, "Provider with url "+in.Url+" already exists.")
		}
		if len(p.ClientIDs) > maxClientIDs {
			return nil, tooManyClientIDs()
		}
		if count(v.OIDCProviders(p.Account)) >= maxOIDCProviders {
			return nil, quotaExceeded("OpenIdConnectProvidersPerAccount", maxOIDCProviders)
		}
		c := new(directory.Change)
		c.Freeze(v, p.Account, directory.KindOIDCProvider) // for the quota's sake
		c.Put(p)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateOpenIDConnectProviderOutput{OpenIDConnectProviderArn: &p.ARN, Tags: showTags(p.Tags)}, nil
}

// GetOpenIDConnectProvider shows a provider. Its lists are there even when they are empty (LSI).
func (s *Service) GetOpenIDConnectProvider(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetOpenIDConnectProviderInput,
) (*api.GetOpenIDConnectProviderOutput, error) {
	p, err := s.oidcProvider(v, req, ask{operation: "GetOpenIDConnectProvider", name: in.OpenIDConnectProviderArn})
	if err != nil {
		return nil, err
	}
	return &api.GetOpenIDConnectProviderOutput{
		Url:            &p.URL,
		ClientIDList:   present(p.ClientIDs),
		ThumbprintList: present(p.Thumbprints),
		CreateDate:     &p.Created,
		Tags:           present(showTags(p.Tags)),
	}, nil
}

// ListOpenIDConnectProviders lists the account's providers by URL, all of them: the operation has no pages.
func (s *Service) ListOpenIDConnectProviders(
	_ context.Context, v *directory.View, req *identity.Request, _ *api.ListOpenIDConnectProvidersInput,
) (*api.ListOpenIDConnectProvidersOutput, error) {
	if err := s.authorize(v, req, ask{operation: "ListOpenIDConnectProviders"}); err != nil {
		return nil, err
	}
	out := &api.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []api.OpenIDConnectProviderListEntry{}}
	for p := range v.OIDCProviders(req.Caller.Account) {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, api.OpenIDConnectProviderListEntry{Arn: &p.ARN})
	}
	return out, nil
}

// DeleteOpenIDConnectProvider removes a provider. Roles that trust it stay as they are, and nobody gets into them by it.
func (s *Service) DeleteOpenIDConnectProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteOpenIDConnectProviderInput,
) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		a := ask{operation: "DeleteOpenIDConnectProvider", name: in.OpenIDConnectProviderArn}
		if err := s.asked(v, req, a, oidcResource); err != nil {
			return nil, err
		}
		p, ok := oidcProviderByARN(v, req.Caller.Account, a.name)
		if !ok {
			return nil, identity.NewFault(identity.NoSuchEntity, "OpenId connect Provider "+a.name+" cannot be found.")
		}
		c := new(directory.Change)
		c.Delete(p)
		return c, nil
	}))
}

// AddClientIDToOpenIDConnectProvider registers a client id. One that is there already is no mistake (API).
func (s *Service) AddClientIDToOpenIDConnectProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.AddClientIDToOpenIDConnectProviderInput,
) (*api.Empty, error) {
	a := ask{operation: "AddClientIDToOpenIDConnectProvider", name: in.OpenIDConnectProviderArn}
	return done(s.changeOIDCProvider(ctx, req, a, func(p *directory.OIDCProvider) error {
		p.ClientIDs = once(append(p.ClientIDs, in.ClientID))
		if len(p.ClientIDs) > maxClientIDs {
			return tooManyClientIDs()
		}
		return nil
	}))
}

// RemoveClientIDFromOpenIDConnectProvider takes a client id away. One that is not there is no mistake (API).
func (s *Service) RemoveClientIDFromOpenIDConnectProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.RemoveClientIDFromOpenIDConnectProviderInput,
) (*api.Empty, error) {
	a := ask{operation: "RemoveClientIDFromOpenIDConnectProvider", name: in.OpenIDConnectProviderArn}
	return done(s.changeOIDCProvider(ctx, req, a, func(p *directory.OIDCProvider) error {
		p.ClientIDs = slices.DeleteFunc(p.ClientIDs, func(id string) bool { return id == in.ClientID })
		return nil
	}))
}

// UpdateOpenIDConnectProviderThumbprint replaces all thumbprints.
func (s *Service) UpdateOpenIDConnectProviderThumbprint(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateOpenIDConnectProviderThumbprintInput,
) (*api.Empty, error) {
	if err := checkThumbprints(in.ThumbprintList); err != nil {
		return nil, err
	}
	a := ask{operation: "UpdateOpenIDConnectProviderThumbprint", name: in.OpenIDConnectProviderArn}
	return done(s.changeOIDCProvider(ctx, req, a, func(p *directory.OIDCProvider) error {
		p.Thumbprints = in.ThumbprintList
		return nil
	}))
}

// TagOpenIDConnectProvider adds tags to a provider.
func (s *Service) TagOpenIDConnectProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.TagOpenIDConnectProviderInput,
) (*api.Empty, error) {
	tags, err := someTags(in.Tags)
	if err != nil {
		return nil, err
	}
	a := ask{operation: "TagOpenIDConnectProvider", name: in.OpenIDConnectProviderArn, tags: tags}
	return done(s.changeOIDCProvider(ctx, req, a, func(p *directory.OIDCProvider) error { return addTags(&p.Tags, tags) }))
}

// UntagOpenIDConnectProvider removes tags from a provider.
func (s *Service) UntagOpenIDConnectProvider(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UntagOpenIDConnectProviderInput,
) (*api.Empty, error) {
	a := ask{operation: "UntagOpenIDConnectProvider", name: in.OpenIDConnectProviderArn, tagKeys: in.TagKeys}
	return done(s.changeOIDCProvider(ctx, req, a, func(p *directory.OIDCProvider) error {
		removeTags(&p.Tags, in.TagKeys)
		return nil
	}))
}

// ListOpenIDConnectProviderTags lists a provider's tags.
func (s *Service) ListOpenIDConnectProviderTags(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListOpenIDConnectProviderTagsInput,
) (*api.ListOpenIDConnectProviderTagsOutput, error) {
	page, err := s.page(v, req, in.Marker, in.MaxItems, "ListOpenIDConnectProviderTags", in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	p, err := s.oidcProvider(v, req, ask{operation: "ListOpenIDConnectProviderTags", name: in.OpenIDConnectProviderArn})
	if err != nil {
		return nil, err
	}
	l, err := list(page, inOrder(p.Tags), tagKey, showTag)
	if err != nil {
		return nil, err
	}
	return &api.ListOpenIDConnectProviderTagsOutput{Tags: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

const oidcResource = "oidc-provider"

// oidcProvider finds a provider of the caller's account, which a.name names by its ARN.
func (s *Service) oidcProvider(v *directory.View, req *identity.Request, a ask) (*directory.OIDCProvider, error) {
	if err := s.asked(v, req, a, oidcResource); err != nil {
		return nil, err
	}
	p, ok := oidcProviderByARN(v, req.Caller.Account, a.name)
	if !ok {
		return nil, identity.NewFault(identity.NoSuchEntity, "OpenIDConnect Provider not found for arn "+a.name)
	}
	return p, nil
}

// asked authorizes what concerns the resource that an ARN names, once the ARN is one of the kind.
func (s *Service) asked(v *directory.View, req *identity.Request, a ask, kind string) error {
	parsed, err := arn.Parse(a.name)
	if err != nil {
		return identity.NewFault(identity.ValidationError, "Invalid ARN:  Could not be parsed!").Because(err)
	}
	if name, ok := strings.CutPrefix(parsed.Resource, kind+"/"); !ok || name == "" || parsed.Service != "iam" || parsed.Region != "" {
		return identity.NewFault(identity.InvalidInput, "ARN "+a.name+" is not valid.")
	}
	return s.authorize(v, req, a)
}

func oidcProviderByARN(v *directory.View, account arn.AccountID, providerARN string) (*directory.OIDCProvider, bool) {
	_, hostPath, _ := strings.Cut(providerARN, ":"+oidcResource+"/")
	p, ok := v.OIDCProvider(account, hostPath)
	if !ok || p.ARN != providerARN {
		return nil, false
	}
	return p, true
}

// changeOIDCProvider alters a copy of the provider that a names and commits it.
func (s *Service) changeOIDCProvider(ctx context.Context, req *identity.Request, a ask, alter func(p *directory.OIDCProvider) error) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.oidcProvider(v, req, a)
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

func checkThumbprints(thumbprints []string) error {
	if len(thumbprints) > maxThumbprints {
		return identity.NewFault(identity.InvalidInput, "Thumbprint list must contain fewer than 5 entries.")
	}
	for _, t := range thumbprints {
		if _, err := hex.DecodeString(t); err != nil { // one that no certificate can have would lock everybody out
			return identity.NewFault(identity.InvalidInput, "Thumbprints must be the SHA-1 digest of a certificate in 40 hexadecimal digits.")
		}
	}
	return nil
}

func tooManyClientIDs() *identity.Fault {
	return quotaExceeded("ClientIdsPerOpenIdConnectProvider", maxClientIDs)
}

// once keeps the first of equal values.
func once(values []string) []string {
	var out []string
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
