package organizations

import (
	"context"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// Quotas (UG, quotas).
const (
	maxDepth = 5
	maxUnits = 2000
)

// CreateOrganizationalUnit makes a unit under the root or a unit.
func (s *Service) CreateOrganizationalUnit(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateOrganizationalUnitInput,
) (*api.CreateOrganizationalUnitOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	var answer api.OrganizationalUnit
	a := ask{operation: "CreateOrganizationalUnit", ids: []string{in.ParentId}, tags: tags}
	err = s.change(ctx, req, a, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		parent, ok := parentOf(v, o, in.ParentId)
		if !ok {
			return parentNotFound
		}
		id, err := o.NewUnitID(s.Random)
		if err != nil {
			return err
		}
		u := &directory.Unit{ID: id, Name: in.Name, Parent: in.ParentId, Node: directory.Node{Tags: tags}}
		if err := fits(v, u); err != nil {
			return err
		}
		parent.rely(c)
		c.Freeze(v, directory.Global, directory.KindUnit) // the names beside it, and how many there are
		c.Put(u)
		answer = showUnit(v, o, u)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateOrganizationalUnitOutput{OrganizationalUnit: &answer}, nil
}

// fits holds the quotas and the names beside a new unit.
func fits(v *directory.View, u *directory.Unit) error {
	n := 0
	for other := range v.Units() {
		n++
		if other.Parent == u.Parent && other.Name == u.Name {
			return duplicateUnit
		}
	}
	switch {
	case n >= maxUnits:
		return unitLimit
	case depth(v, u.Parent) >= maxDepth:
		return depthLimit
	}
	return nil
}

// DescribeOrganizationalUnit shows a unit.
func (s *Service) DescribeOrganizationalUnit(
	_ context.Context, v *directory.View, req *identity.Request, in *api.DescribeOrganizationalUnitInput,
) (*api.DescribeOrganizationalUnitOutput, error) {
	o, err := s.enter(v, req, ask{operation: "DescribeOrganizationalUnit", ids: []string{in.OrganizationalUnitId}})
	if err != nil {
		return nil, err
	}
	u, ok := v.Unit(in.OrganizationalUnitId)
	if !ok {
		return nil, unitNotFound
	}
	return &api.DescribeOrganizationalUnitOutput{OrganizationalUnit: new(showUnit(v, o, u))}, nil
}

// UpdateOrganizationalUnit renames a unit.
func (s *Service) UpdateOrganizationalUnit(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateOrganizationalUnitInput,
) (*api.UpdateOrganizationalUnitOutput, error) {
	var answer api.OrganizationalUnit
	a := ask{operation: "UpdateOrganizationalUnit", ids: []string{in.OrganizationalUnitId}}
	err := s.change(ctx, req, a, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		u, ok := v.Unit(in.OrganizationalUnitId)
		if !ok {
			return unitNotFound
		}
		next := u.Clone()
		if in.Name != nil && *in.Name != u.Name {
			next.Name = *in.Name
			for other := range v.Units() {
				if other.ID != u.ID && other.Parent == u.Parent && other.Name == next.Name {
					return duplicateUnit
				}
			}
			c.Freeze(v, directory.Global, directory.KindUnit)
			c.Put(next)
		}
		answer = showUnit(v, o, next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateOrganizationalUnitOutput{OrganizationalUnit: &answer}, nil
}

// DeleteOrganizationalUnit deletes a unit with nothing below it.
func (s *Service) DeleteOrganizationalUnit(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteOrganizationalUnitInput,
) (*api.Empty, error) {
	a := ask{operation: "DeleteOrganizationalUnit", ids: []string{in.OrganizationalUnitId}}
	return done(s.change(ctx, req, a, func(v *directory.View, _ *directory.Organization, c *directory.Change) error {
		u, ok := v.Unit(in.OrganizationalUnitId)
		if !ok {
			return unitNotFound
		}
		for other := range v.Units() {
			if other.Parent == u.ID {
				return unitNotEmpty
			}
		}
		for m := range v.OrganizationMembers() {
			if m.Parent == u.ID {
				return unitNotEmpty
			}
		}
		c.Freeze(v, directory.Global, directory.KindUnit, directory.KindMember)
		c.Delete(u)
		return nil
	}))
}

// ListOrganizationalUnitsForParent lists the units directly under the root or a unit.
func (s *Service) ListOrganizationalUnitsForParent(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListOrganizationalUnitsForParentInput,
) (*api.ListOrganizationalUnitsForParentOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListOrganizationalUnitsForParent", in.ParentId)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListOrganizationalUnitsForParent", ids: []string{in.ParentId}})
	if err != nil {
		return nil, err
	}
	if _, ok := parentOf(v, o, in.ParentId); !ok {
		return nil, parentNotFound
	}
	units, next, err := list(p, unitsUnder(v, in.ParentId), unitID, func(u *directory.Unit) api.OrganizationalUnit { return showUnit(v, o, u) })
	if err != nil {
		return nil, err
	}
	return &api.ListOrganizationalUnitsForParentOutput{OrganizationalUnits: units, NextToken: next}, nil
}

func unitID(u *directory.Unit) string { return u.ID }

func showUnit(v *directory.View, o *directory.Organization, u *directory.Unit) api.OrganizationalUnit {
	return api.OrganizationalUnit{Id: &u.ID, Arn: new(o.ARN(v.Partition(), "ou", u.ID)), Name: &u.Name, Path: new(pathOf(v, o, u.Parent) + u.ID + "/")}
}

// pathOf is the path down to the root or a unit, as condition keys have it.
func pathOf(v *directory.View, o *directory.Organization, id string) string {
	path := ""
	for u, ok := v.Unit(id); ok; u, ok = v.Unit(u.Parent) {
		path = u.ID + "/" + path
	}
	return o.ID + "/" + o.RootID + "/" + path
}
