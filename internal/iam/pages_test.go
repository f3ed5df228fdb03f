package iam

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
)

// every collects a list page by page.
func every[Out any](t *testing.T, page func(marker *string) (items []Out, truncated *bool, next *string, err error)) (all []Out, pages int) {
	t.Helper()
	var marker *string
	for pages < 100 {
		items, truncated, next, err := page(marker)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		all = append(all, items...)
		if *truncated != (next != nil) {
			t.Fatalf("IsTruncated is %v, Marker %v", *truncated, next)
		}
		if marker = next; next == nil {
			return all, pages
		}
		if len(*next) > 320 {
			t.Fatalf("the marker has %d characters", len(*next))
		}
	}
	t.Fatal("the list does not end")
	return nil, 0
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	var want []string
	for i := range 7 {
		u := s.newUser("/many/", fmt.Sprintf("U%d%s", i, strings.Repeat("x", 60*(i%2))))
		want = append(want, u.Name)
		s.put(u)
	}
	for _, size := range []int32{1, 2, 3, 6, 7, 8, 1000} {
		got, pages := every(t, func(marker *string) ([]api.User, *bool, *string, error) {
			out, err := s.ListUsers(t.Context(), s.view(), s.as("caller"), &api.ListUsersInput{PathPrefix: new("/many/"), Marker: marker, MaxItems: &size})
			if err != nil {
				return nil, nil, nil, err
			}
			return out.Users, out.IsTruncated, out.Marker, nil
		})
		names := make([]string, len(got))
		for i, u := range got {
			names[i] = u.UserName
		}
		equal(t, "users", strings.Join(names, " "), strings.Join(want, " "))
		equal(t, "pages", pages, (len(want)+int(size)-1)/int(size))
	}
}

// Keys that are too long for a marker, and that begin alike, are listed all and once.
func TestPagesOfLongKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	u := s.mustUser("plain").Clone()
	for i := range 9 {
		u.Tags = append(u.Tags, directory.Tag{Key: strings.Repeat("é", 120) + fmt.Sprint(i)})
	}
	s.put(u)
	got, pages := every(t, func(marker *string) ([]api.Tag, *bool, *string, error) {
		out, err := s.ListUserTags(t.Context(), s.view(), s.as("caller"), &api.ListUserTagsInput{UserName: "plain", Marker: marker, MaxItems: new(int32(2))})
		if err != nil {
			return nil, nil, nil, err
		}
		return out.Tags, out.IsTruncated, out.Marker, nil
	})
	equal(t, "pages", pages, 5)
	keys := make([]string, len(got))
	for i, tag := range got {
		keys[i] = tag.Key
	}
	slices.Sort(keys)
	equal(t, "tags", len(slices.Compact(keys)), 9)
}

func TestPagesAcrossKindsOfEntity(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	got, pages := every(t, func(marker *string) ([]string, *bool, *string, error) {
		out, err := s.ListEntitiesForPolicy(t.Context(), s.view(), s.as("caller"),
			&api.ListEntitiesForPolicyInput{PolicyArn: p1(s), Marker: marker, MaxItems: new(int32(1))})
		if err != nil {
			return nil, nil, nil, err
		}
		var names []string
		for _, g := range out.PolicyGroups {
			names = append(names, *g.GroupName)
		}
		for _, r := range out.PolicyRoles {
			names = append(names, *r.RoleName)
		}
		for _, u := range out.PolicyUsers {
			names = append(names, *u.UserName)
		}
		return names, out.IsTruncated, out.Marker, nil
	})
	equal(t, "entities", strings.Join(got, " "), "devs r1 bob")
	equal(t, "pages", pages, 3)
}

// advisory 138 (CVE-2026-33505): a marker is one that this deployment gave for this very list.
func TestMarkersAreAuthenticated(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	ctx, r, one := t.Context(), s.as("caller"), new(int32(1))
	users := func(marker string) error {
		_, err := s.ListUsers(ctx, s.view(), r, &api.ListUsersInput{Marker: &marker, MaxItems: one})
		return err
	}
	marker := *ok2(s.ListUsers(ctx, s.view(), r, &api.ListUsersInput{MaxItems: one}))(t).Marker
	if err := users(marker); err != nil {
		t.Fatalf("the marker that was given: %v", err)
	}
	raw := ok2(base64.StdEncoding.DecodeString(marker))(t)
	spoiled := map[string]string{
		"nonsense":        "x",
		"SQL":             "' OR 1=1 --",
		"cut":             marker[:len(marker)-4],
		"longer":          marker + "AAAA",
		"another purpose": ok2(s.Sealer.SealMessage(s.view(), session.AuthorizationMessage, []byte("0123456789abcdefbob")))(t),
		"no key":          ok2(s.Sealer.SealMessage(s.view(), session.PaginationMarker, binding(r, []string{"ListUsers", "/"})))(t),
		"another list":    *ok2(s.ListRoles(ctx, s.view(), r, &api.ListRolesInput{MaxItems: one}))(t).Marker,
		"another account": *ok2(other.ListUsers(ctx, s.view(), other.as("caller"), &api.ListUsersInput{MaxItems: one}))(t).Marker,
	}
	for i := range raw {
		b := slices.Clone(raw)
		b[i] ^= 1
		spoiled[fmt.Sprint("byte ", i)] = base64.StdEncoding.EncodeToString(b)
	}
	for name, m := range spoiled {
		t.Run(name, func(t *testing.T) { refused(t, users(m), identity.ValidationError, "Invalid Marker.") })
	}
	_, err := s.ListUsers(ctx, s.view(), r, &api.ListUsersInput{Marker: &marker, PathPrefix: new("/px/")})
	refused(t, err, identity.ValidationError, "Invalid Marker.")
}
