package sts_test

import (
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/api"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
)

// A session that is continued is the same in all but its keys, and lasts no longer.
func TestContinue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", dt.AllowAll)
	r := w.Role(dt.A, "target", trust(u.ID, "sts:AssumeRole", "sts:TagSession"))
	v := w.View()
	out, err := w.assume(v, user(u), api.AssumeRoleInput{
		RoleArn: r.ARN, Tags: tags("team", "blue"), Policy: pointer(dt.AllowAll), DurationSeconds: pointer(int32(1800)),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := w.as(v, out.Credentials)
	before := *c.Session
	later := w.request(c)
	later.Time = now.Add(10 * time.Minute)
	for _, tt := range []struct {
		name    string
		asked   *int32
		expires time.Time
		message string
	}{
		{"as long as it lasts", nil, before.Expires, ""},
		{"shorter", pointer(int32(900)), later.Time.Add(15 * time.Minute), ""},
		{"to the end", pointer(int32(1200)), before.Expires, ""},
		{"a second longer", pointer(int32(1201)), time.Time{}, "The requested DurationSeconds exceeds the 1200 seconds that are left of the session."},
		{"longer than the role has it", pointer(int32(3601)), time.Time{}, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
	} {
		got, err := w.service.Continue(v, later, tt.asked)
		if tt.message != "" {
			wantFault(t, err, identity.ValidationError, tt.message)
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		s := w.as(v, got).Session
		if !s.Expires.Equal(tt.expires) || s.AccessKeyID == before.AccessKeyID || s.Secret.Equal(before.Secret) {
			t.Errorf("%s: until %v with key %s", tt.name, s.Expires, s.AccessKeyID)
		}
		if !s.Issued.Equal(before.Issued) || s.Revision != before.Revision || s.Chained != before.Chained || s.Policy != before.Policy || s.Name != before.Name ||
			s.PrincipalID != before.PrincipalID || len(s.Tags) != 1 || s.Tags[0] != before.Tags[0] {
			t.Errorf("%s: %+v is not %+v", tt.name, s, before)
		}
	}
	later.Time = before.Expires
	_, err = w.service.Continue(v, later, nil)
	wantFault(t, err, identity.ExpiredToken, "The security token included in the request is expired")
	_, err = w.service.Continue(v, w.request(user(u)), nil)
	wantFault(t, err, identity.AccessDenied, "Only a session can be continued.")
}

func pointer[T any](v T) *T { return &v }
