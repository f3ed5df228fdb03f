package iam

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

// maxServiceCredentials is how many credentials a user can have for one service (API, CreateServiceSpecificCredential).
const maxServiceCredentials = 2

// credentialServices are the services that have credentials of their own; true for those whose credential is an API key, which
// can expire, and not a user name with a password.
var credentialServices = map[string]bool{
	"bedrock.amazonaws.com":    true,
	"cassandra.amazonaws.com":  false,
	"codecommit.amazonaws.com": false,
}

// CreateServiceSpecificCredential makes a user's credential for one service. The secret is shown here and never again.
func (s *Service) CreateServiceSpecificCredential(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateServiceSpecificCredentialInput,
) (*api.CreateServiceSpecificCredentialOutput, error) {
	a := ask{operation: "CreateServiceSpecificCredential", name: in.UserName, credentialService: in.ServiceName, credentialDays: numberOf(in.CredentialAgeDays)}
	var answer api.ServiceSpecificCredential
	_, err := s.changeUser(ctx, req, a, func(u *directory.User) error {
		apiKey, known := credentialServices[in.ServiceName]
		if !known {
			return noSuchService(in.ServiceName)
		}
		if in.CredentialAgeDays != nil && !apiKey {
			return identity.NewFault(identity.ValidationError, "CredentialAgeDays is not supported for "+in.ServiceName)
		}
		if len(credentialsFor(u, in.ServiceName)) >= maxServiceCredentials {
			return quotaExceeded("ServiceSpecificCredentialsPerUser", maxServiceCredentials)
		}
		k := directory.ServiceCredential{
			Service: in.ServiceName,
			Name:    credentialName(u, in.ServiceName),
			Status:  directory.Active,
			Created: now(req),
		}
		if in.CredentialAgeDays != nil {
			k.Expires = k.Created.AddDate(0, 0, int(*in.CredentialAgeDays))
		}
		var err error
		if k.ID, err = s.newID(s.Directory.View(), arn.ServiceCredentialID, u.Account); err != nil {
			return err
		}
		if err := s.renewSecret(&k); err != nil {
			return err
		}
		u.ServiceCredentials = append(u.ServiceCredentials, k)
		answer = showNewCredential(u, &k, req.Time)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateServiceSpecificCredentialOutput{ServiceSpecificCredential: &answer}, nil
}

// ListServiceSpecificCredentials lists the credentials of a user, without their secrets; without a name, of the caller; or of all
// users of the account.
func (s *Service) ListServiceSpecificCredentials(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListServiceSpecificCredentialsInput,
) (*api.ListServiceSpecificCredentialsOutput, error) {
	service, everyone := valueOf(in.ServiceName), isTrue(in.AllUsers)
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListServiceSpecificCredentials", req.Caller.PrincipalID, valueOf(in.UserName), service,
		strconv.FormatBool(everyone))
	if err != nil {
		return nil, err
	}
	users, err := s.credentialOwners(v, req, in.UserName, everyone)
	if err != nil {
		return nil, err
	}
	if _, known := credentialServices[service]; !known && in.ServiceName != nil {
		return nil, noSuchService(service)
	}
	l, err := list(p, ownedCredentials(users, service), ownedCredential.key, func(o ownedCredential) api.ServiceSpecificCredentialMetadata {
		return showCredential(o.user, o.credential, req.Time)
	})
	if err != nil {
		return nil, err
	}
	return &api.ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// credentialOwners authorizes and finds the users whose credentials are to be listed. Those of all users need permission on
// all users.
func (s *Service) credentialOwners(v *directory.View, req *identity.Request, userName *string, everyone bool) (iter.Seq[*directory.User], error) {
	const operation = "ListServiceSpecificCredentials"
	if !everyone {
		u, err := s.ownUser(v, req, ask{operation: operation}, userName)
		return slices.Values([]*directory.User{u}), err
	}
	if userName != nil {
		return nil, identity.NewFault(identity.ValidationError, "UserName and AllUsers cannot be used together.")
	}
	if err := s.authorize(v, req, ask{operation: operation, name: "*", path: "/"}); err != nil {
		return nil, err
	}
	return v.Users(req.Caller.Account), nil
}

// ResetServiceSpecificCredential gives a credential a new secret; the old one is void. The new one is shown here and never again.
func (s *Service) ResetServiceSpecificCredential(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.ResetServiceSpecificCredentialInput,
) (*api.ResetServiceSpecificCredentialOutput, error) {
	var answer api.ServiceSpecificCredential
	err := s.changeCredential(ctx, req, "ResetServiceSpecificCredential", in.UserName, in.ServiceSpecificCredentialId,
		func(u *directory.User, i int) error {
			if err := s.renewSecret(&u.ServiceCredentials[i]); err != nil {
				return err
			}
			answer = showNewCredential(u, &u.ServiceCredentials[i], req.Time)
			return nil
		})
	if err != nil {
		return nil, err
	}
	return &api.ResetServiceSpecificCredentialOutput{ServiceSpecificCredential: &answer}, nil
}

// UpdateServiceSpecificCredential makes a credential active or inactive. One that has expired stays so.
func (s *Service) UpdateServiceSpecificCredential(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateServiceSpecificCredentialInput,
) (*api.Empty, error) {
	status, err := newStatus(in.Status)
	if err != nil {
		return nil, err
	}
	return done(s.changeCredential(ctx, req, "UpdateServiceSpecificCredential", in.UserName, in.ServiceSpecificCredentialId,
		func(u *directory.User, i int) error {
			k := &u.ServiceCredentials[i]
			if statusOf(k, req.Time) == statusExpired {
				return identity.NewFault(identity.ValidationError, "The credential "+k.ID+" has expired.")
			}
			k.Status = status
			return nil
		}))
}

// DeleteServiceSpecificCredential removes a credential.
func (s *Service) DeleteServiceSpecificCredential(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteServiceSpecificCredentialInput,
) (*api.Empty, error) {
	return done(s.changeCredential(ctx, req, "DeleteServiceSpecificCredential", in.UserName, in.ServiceSpecificCredentialId,
		func(u *directory.User, i int) error {
			u.ServiceCredentials = slices.Delete(u.ServiceCredentials, i, i+1)
			return nil
		}))
}

// changeCredential alters a copy of the user that has the credential and commits it. Policies may ask what service it is for.
func (s *Service) changeCredential(
	ctx context.Context, req *identity.Request, operation string, userName *string, id string, alter func(u *directory.User, i int) error,
) error {
	index := func(u *directory.User) int {
		return slices.IndexFunc(u.ServiceCredentials, func(k directory.ServiceCredential) bool { return k.ID == id })
	}
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		a := ask{operation: operation}
		name, err := implied(v, &req.Caller, userName)
		if err != nil {
			return nil, err
		}
		if u, ok := v.User(req.Caller.Account, name); ok {
			if i := index(u); i >= 0 {
				a.credentialService = u.ServiceCredentials[i].Service
			}
		}
		found, err := s.ownUser(v, req, a, &name)
		if err != nil {
			return nil, err
		}
		i := index(found)
		if i < 0 {
			return nil, identity.NewFault(identity.NoSuchEntity, "No such credential "+id+" exists")
		}
		u, c := found.Clone(), new(directory.Change)
		if err := alter(u, i); err != nil {
			return nil, err
		}
		c.Put(u)
		return c, nil
	})
}

// renewSecret makes a new secret for a credential: of an API key the key whole, with its public part inside.
func (s *Service) renewSecret(k *directory.ServiceCredential) error {
	var b [33]byte
	if _, err := io.ReadFull(s.Random, b[:]); err != nil {
		return fmt.Errorf("making a service-specific credential: %w", err)
	}
	text := base64.StdEncoding.EncodeToString(b[:])
	if credentialServices[k.Service] {
		text = "ABSK" + base64.StdEncoding.EncodeToString([]byte(k.Name+":"+text))
	}
	k.Secret = directory.Protected{Key: secret.FromString(text)}
	return nil
}

// ownedCredential is a credential with its user.
type ownedCredential struct {
	user       *directory.User
	credential *directory.ServiceCredential
}

func (o ownedCredential) key() string {
	return directory.FoldName(o.user.Name) + "\x00" + o.credential.ID
}

// ownedCredentials yields the credentials of users, who come by name, for a service or all.
func ownedCredentials(users iter.Seq[*directory.User], service string) iter.Seq[ownedCredential] {
	return func(yield func(ownedCredential) bool) {
		for u := range users {
			for k := range sorted(credentialsFor(u, service), func(k *directory.ServiceCredential) string { return k.ID }) {
				if !yield(ownedCredential{u, k}) {
					return
				}
			}
		}
	}
}

// credentialsFor are a user's credentials for a service; all without one.
func credentialsFor(u *directory.User, service string) (out []*directory.ServiceCredential) {
	for i := range u.ServiceCredentials {
		if k := &u.ServiceCredentials[i]; service == "" || k.Service == service {
			out = append(out, k)
		}
	}
	return out
}

// credentialName is the first free of name-at-account, name+1-at-account … for the service (UG, Git credentials).
func credentialName(u *directory.User, service string) string {
	for n := 0; ; n++ {
		name := u.Name
		if n > 0 {
			name += "+" + strconv.Itoa(n)
		}
		name += "-at-" + string(u.Account)
		if !slices.ContainsFunc(credentialsFor(u, service), func(k *directory.ServiceCredential) bool { return k.Name == name }) {
			return name
		}
	}
}

const statusExpired = "Expired"

func statusOf(k *directory.ServiceCredential, at time.Time) string {
	if !k.Expires.IsZero() && !at.Before(k.Expires) {
		return statusExpired
	}
	return string(k.Status)
}

func noSuchService(service string) *identity.Fault {
	return identity.NewFault(identity.NoSuchEntity, "No such service "+service+" is supported for Service Specific Credentials")
}

func showCredential(u *directory.User, k *directory.ServiceCredential, at time.Time) api.ServiceSpecificCredentialMetadata {
	out := api.ServiceSpecificCredentialMetadata{
		UserName:                    u.Name,
		Status:                      statusOf(k, at),
		CreateDate:                  k.Created,
		ServiceSpecificCredentialId: k.ID,
		ServiceName:                 k.Service,
	}
	if credentialServices[k.Service] {
		out.ServiceCredentialAlias = &k.Name
	} else {
		out.ServiceUserName = &k.Name
	}
	if !k.Expires.IsZero() {
		out.ExpirationDate = &k.Expires
	}
	return out
}

// showNewCredential shows a credential with its secret.
func showNewCredential(u *directory.User, k *directory.ServiceCredential, at time.Time) api.ServiceSpecificCredential {
	m := showCredential(u, k, at)
	out := api.ServiceSpecificCredential{
		CreateDate:                  m.CreateDate,
		ExpirationDate:              m.ExpirationDate,
		ServiceName:                 m.ServiceName,
		ServiceUserName:             m.ServiceUserName,
		ServiceCredentialAlias:      m.ServiceCredentialAlias,
		ServiceSpecificCredentialId: m.ServiceSpecificCredentialId,
		UserName:                    m.UserName,
		Status:                      m.Status,
	}
	shown := k.Secret.Key.RevealString()
	if credentialServices[k.Service] {
		out.ServiceCredentialSecret = &shown
	} else {
		out.ServicePassword = &shown
	}
	return out
}
