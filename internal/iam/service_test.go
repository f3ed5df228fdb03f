package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/store"
)

// failing is the shared directory with a way to write that fails, as that of a store does which has lost its quorum.
type failing struct {
	*store.Store
	err     error
	commits int
}

func (f *failing) Commit(context.Context, *directory.Change) error {
	f.commits++
	return fmt.Errorf("committing: %w", f.err)
}

func TestChangesThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	disk := errors.New("disk on fire")
	for _, tt := range []struct {
		err     error
		commits int
		code    identity.Code // empty: the error itself
		message string
	}{
		{store.ErrConflict, maxAttempts, identity.ConcurrentModification, "The request was rejected because multiple requests to change " +
			"this object were submitted simultaneously. Wait a few minutes and submit your request again."},
		{store.ErrUnavailable, 1, identity.ServiceUnavailable, "The request has failed due to a temporary failure of the server."},
		{disk, 1, "", ""},
	} {
		d := &failing{Store: shared, err: tt.err}
		service := s.over(d)
		_, err := service.CreateUser(t.Context(), s.view(), s.as("caller"), &api.CreateUserInput{UserName: "new"})
		equal(t, "attempts", d.commits, tt.commits)
		if tt.code == "" {
			equal(t, "cause", errors.Is(err, disk), true)
			continue
		}
		refused(t, err, tt.code, tt.message)
		if _, err := service.GetUser(t.Context(), s.view(), s.as("caller"), &api.GetUserInput{}); err != nil {
			t.Errorf("reading goes on: %v", err)
		}
	}
}

func TestAbandonedRequestsEnd(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	service := s.over(&failing{Store: shared, err: store.ErrConflict})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := service.CreateUser(ctx, s.view(), s.as("caller"), &api.CreateUserInput{UserName: "new"})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

// Those who change one entity at once all succeed, and nothing of what they wrote is lost.
func TestConcurrentChanges(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	r := s.as("caller")
	var wg sync.WaitGroup
	errs := make([]error, 100)
	for i := range errs {
		wg.Go(func() {
			in := &api.TagRoleInput{RoleName: "bare", Tags: []api.Tag{{Key: fmt.Sprint(i % maxTags), Value: fmt.Sprint(i)}}}
			_, errs[i] = s.TagRole(t.Context(), s.view(), r, in)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	bare, _ := s.view().Role(s.account, "bare")
	equal(t, "tags", len(bare.Tags), maxTags)
}

// contended is the shared directory in which another node changes a role before each of the first few commits.
type contended struct {
	*store.Store
	t    *testing.T
	left int
	role directory.Key
}

func (d *contended) Commit(ctx context.Context, c *directory.Change) error {
	if d.left > 0 {
		d.left--
		found, _ := d.View().Get(d.role)
		other := new(directory.Change)
		r := found.(*directory.Role).Clone()
		r.MaxSessionSeconds++
		other.Put(r)
		if err := d.Store.Commit(ctx, other); err != nil {
			d.t.Error(err)
		}
	}
	return d.Store.Commit(ctx, c)
}

// Other nodes know nothing of this one's turns: against them it is the compare-and-swap that loses nothing.
func TestChangesOfOtherNodes(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	bare, _ := s.view().Role(s.account, "bare")
	service := s.over(&contended{Store: shared, t: t, left: 3, role: bare.Key()})
	ok2(service.TagRole(t.Context(), s.view(), s.as("caller"), &api.TagRoleInput{RoleName: "bare", Tags: tagged}))(t)
	bare, _ = s.view().Role(s.account, "bare")
	equal(t, "changes of the other node", bare.MaxSessionSeconds, 3603)
	equal(t, "tags", len(bare.Tags), 1)
}

// A turn ends with its change, whatever comes of that, and whoever waits for one gives up with its request.
func TestTurns(t *testing.T) {
	t.Parallel()
	var turns turns
	end, err := turns.take(t.Context(), "111122223333")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.take(ctx, "111122223333"); !errors.Is(err, context.Canceled) {
		t.Fatalf("took another's turn: %v", err)
	}
	end()
	if end, err = turns.take(t.Context(), "111122223333"); err != nil {
		t.Fatal(err)
	}
	end()
}

// Of the quota's last place exactly as many take it as there is room.
func TestQuotasHoldUnderConcurrency(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	r := s.as("caller")
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = s.CreateAccessKey(t.Context(), s.view(), r, &api.CreateAccessKeyInput{UserName: new("plain")})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		refused(t, err, identity.LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2")
	}
	equal(t, "keys made", made, maxKeys)
	equal(t, "keys", len(s.mustUser("plain").AccessKeys), maxKeys)
}

// A deletion and a reference to what is deleted, at the same moment: one of them loses, and nothing dangles.
func TestDeletionsLeaveNothingDangling(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	r := s.as("caller")
	ctx := t.Context()
	races := map[string]struct{ remove, refer func() error }{
		"policy": {
			func() error {
				_, err := s.DeletePolicy(ctx, s.view(), r, &api.DeletePolicyInput{PolicyArn: free(s)})
				return err
			},
			func() error {
				_, err := s.AttachUserPolicy(ctx, s.view(), r, &api.AttachUserPolicyInput{UserName: "bob", PolicyArn: free(s)})
				return err
			},
		},
		"group": {
			func() error {
				_, err := s.DeleteGroup(ctx, s.view(), r, &api.DeleteGroupInput{GroupName: "empty"})
				return err
			},
			func() error {
				_, err := s.AddUserToGroup(ctx, s.view(), r, &api.AddUserToGroupInput{GroupName: "empty", UserName: "bob"})
				return err
			},
		},
		"user": {
			func() error {
				_, err := s.DeleteUser(ctx, s.view(), r, &api.DeleteUserInput{UserName: "plain"})
				return err
			},
			func() error { return s.enable("plain", "loose", 0) },
		},
	}
	for name, race := range races {
		for range 10 {
			again := newStage(t, allowAll)
			*s = *again
			r = s.as("caller")
			var wg sync.WaitGroup
			var removed, referred error
			wg.Go(func() { removed = race.remove() })
			wg.Go(func() { referred = race.refer() })
			wg.Wait()
			if (removed == nil) == (referred == nil) {
				t.Fatalf("%s: removed: %v, referred: %v", name, removed, referred)
			}
			loser := removed
			if loser == nil {
				loser = referred
			}
			f, isFault := errors.AsType[*identity.Fault](loser)
			if !isFault || f.Code != identity.DeleteConflict && f.Code != identity.NoSuchEntity {
				t.Fatalf("%s: the loser got %v", name, loser)
			}
		}
	}
}

// What the answer says is true of the next request: the View shows it when the call returns.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	r := s.as("caller")
	for i := range 20 {
		name := fmt.Sprint("u", i)
		ok2(s.CreateUser(t.Context(), s.view(), r, &api.CreateUserInput{UserName: name}))(t)
		ok2(s.GetUser(t.Context(), s.view(), r, &api.GetUserInput{UserName: &name}))(t)
	}
}

// Secrets are in no error and in no record: only the answers that exist for it show them.
func TestSecretsStayOutOfErrors(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	code1, code2 := s.codes(5) // too early to be right
	_, err := s.EnableMFADevice(t.Context(), s.view(), s.as("caller"), &api.EnableMFADeviceInput{
		UserName: "plain", SerialNumber: s.arn("mfa/loose"), AuthenticationCode1: code1, AuthenticationCode2: code2,
	})
	refused(t, err, identity.InvalidAuthenticationCode, "Authentication code for device is not valid.")
	for _, hidden := range []string{seed, code1, code2} {
		if strings.Contains(fmt.Sprintf("%+v %+v", err, errors.Unwrap(err)), hidden) {
			t.Errorf("the error shows %q", hidden)
		}
	}
}
