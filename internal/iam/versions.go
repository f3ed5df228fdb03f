package iam

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// maxVersions is how many versions a managed policy can have (UG quotas).
const maxVersions = 5

// CreatePolicyVersion adds a version to a managed policy, and puts it in force if SetAsDefault asks for it.
func (s *Service) CreatePolicyVersion(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreatePolicyVersionInput,
) (*api.CreatePolicyVersionOutput, error) {
	var answer api.PolicyVersion
	err := s.changePolicy(ctx, req, ask{operation: "CreatePolicyVersion", name: in.PolicyArn}, func(p *directory.ManagedPolicy) error {
		document, err := managedDocument(req, in.PolicyDocument)
		if err != nil {
			return err
		}
		if len(p.Versions) >= maxVersions {
			return identity.NewFault(identity.LimitExceeded, fmt.Sprintf("A managed policy can have up to %d versions. Before you "+
				"create a new version, you must delete an existing version.", maxVersions))
		}
		created := addVersion(p, document, now(req))
		if in.SetAsDefault != nil && *in.SetAsDefault {
			p.DefaultVersion = created.ID
		}
		p.Updated = now(req)
		answer = showVersion(p, created)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreatePolicyVersionOutput{PolicyVersion: &answer}, nil
}

// addVersion gives a document the next number, which no other version ever had.
func addVersion(p *directory.ManagedPolicy, document *directory.Document, created time.Time) directory.PolicyVersion {
	p.NextVersion = max(p.NextVersion, 1)
	version := directory.PolicyVersion{ID: "v" + strconv.Itoa(p.NextVersion), Document: document, Created: created}
	p.NextVersion++
	p.Versions = append(p.Versions, version)
	return version
}

// GetPolicyVersion shows a version with its document.
func (s *Service) GetPolicyVersion(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetPolicyVersionInput,
) (*api.GetPolicyVersionOutput, error) {
	p, err := s.managed(v, req, ask{operation: "GetPolicyVersion", name: in.PolicyArn})
	if err != nil {
		return nil, err
	}
	i := versionIndex(p, in.VersionId)
	if i < 0 {
		return nil, noVersion(in.PolicyArn, in.VersionId)
	}
	out := showVersion(p, p.Versions[i])
	out.Document = new(encoded(p.Versions[i].Document.Text()))
	return &api.GetPolicyVersionOutput{PolicyVersion: &out}, nil
}

// DeletePolicyVersion removes a version that is not in force.
func (s *Service) DeletePolicyVersion(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeletePolicyVersionInput,
) (*api.Empty, error) {
	return done(s.changePolicy(ctx, req, ask{operation: "DeletePolicyVersion", name: in.PolicyArn}, func(p *directory.ManagedPolicy) error {
		i := versionIndex(p, in.VersionId)
		switch {
		case i < 0:
			return noVersion(in.PolicyArn, in.VersionId)
		case in.VersionId == p.DefaultVersion:
			return identity.NewFault(identity.DeleteConflict, "Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		p.Updated = now(req)
		return nil
	}))
}

// ListPolicyVersions lists a policy's versions, the newest first, without their documents (API).
func (s *Service) ListPolicyVersions(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListPolicyVersionsInput,
) (*api.ListPolicyVersionsOutput, error) {
	page, err := s.page(v, req, in.Marker, in.MaxItems, "ListPolicyVersions", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	p, err := s.managed(v, req, ask{operation: "ListPolicyVersions", name: in.PolicyArn})
	if err != nil {
		return nil, err
	}
	l, err := list(page, sorted(p.Versions, newestFirst), newestFirst, func(v directory.PolicyVersion) api.PolicyVersion {
		return showVersion(p, v)
	})
	if err != nil {
		return nil, err
	}
	return &api.ListPolicyVersionsOutput{Versions: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// newestFirst is a key that descends with the version's number.
func newestFirst(v directory.PolicyVersion) string {
	number, err := strconv.ParseUint(v.ID[1:], 10, 32)
	if err != nil {
		number = 0
	}
	return fmt.Sprintf("%010d", uint64(1)<<32-number)
}

// SetDefaultPolicyVersion puts a version in force.
func (s *Service) SetDefaultPolicyVersion(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.SetDefaultPolicyVersionInput,
) (*api.Empty, error) {
	return done(s.changePolicy(ctx, req, ask{operation: "SetDefaultPolicyVersion", name: in.PolicyArn}, func(p *directory.ManagedPolicy) error {
		if versionIndex(p, in.VersionId) < 0 {
			return noVersion(in.PolicyArn, in.VersionId)
		}
		p.DefaultVersion = in.VersionId
		p.Updated = now(req)
		return nil
	}))
}

func versionIndex(p *directory.ManagedPolicy, id string) int {
	return slices.IndexFunc(p.Versions, func(v directory.PolicyVersion) bool { return v.ID == id })
}

func noVersion(policyARN, id string) *identity.Fault {
	return identity.NewFault(identity.NoSuchEntity, "Policy "+policyARN+" version "+id+" does not exist or is not attachable.")
}

func showVersion(p *directory.ManagedPolicy, v directory.PolicyVersion) api.PolicyVersion {
	return api.PolicyVersion{VersionId: &v.ID, IsDefaultVersion: new(v.ID == p.DefaultVersion), CreateDate: &v.Created}
}
