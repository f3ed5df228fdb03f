package conformance

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

// advisory 55: what was taken away is gone when the answer that took it away is there, though others ask all the time.
func TestTakenAwayAtOnce(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	for round := range 15 {
		name := fmt.Sprintf("temp-%d", round)
		h.must(h.Admin, "iam", "CreateUser", "UserName", name)
		h.must(h.Admin, "iam", "PutUserPolicy", "UserName", name, "PolicyName", "all", "PolicyDocument", allowAll)
		made := h.must(h.Admin, "iam", "CreateAccessKey", "UserName", name)
		key := harness.Credentials{AccessKeyID: made.Value("AccessKey.AccessKeyId"), SecretAccessKey: made.Value("AccessKey.SecretAccessKey")}
		h.must(key, "iam", "ListUsers")
		session := h.must(key, "sts", "GetSessionToken").Credentials()

		var gone atomic.Bool
		var askers sync.WaitGroup
		for range 2 {
			askers.Go(func() {
				for range 20 {
					after := gone.Load()
					answer, err := h.Call(key, "sts", "GetCallerIdentity")
					if err == nil && answer.Status == 200 && after {
						t.Error("a deleted key was taken")
					}
				}
			})
		}
		h.must(h.Admin, "iam", "DeleteUserPolicy", "UserName", name, "PolicyName", "all")
		h.refused("a policy taken away", h.call(key, "iam", "ListUsers"), "AccessDenied")
		h.must(h.Admin, "iam", "UpdateAccessKey", "UserName", name, "AccessKeyId", key.AccessKeyID, "Status", "Inactive")
		gone.Store(true)
		h.refused("an inactive key", h.call(key, "sts", "GetCallerIdentity"), "InvalidClientTokenId")
		askers.Wait()
		h.must(h.Admin, "iam", "UpdateAccessKey", "UserName", name, "AccessKeyId", key.AccessKeyID, "Status", "Active")
		h.must(key, "sts", "GetCallerIdentity")
		h.must(h.Admin, "iam", "DeleteAccessKey", "UserName", name, "AccessKeyId", key.AccessKeyID)
		h.refused("a deleted key", h.call(key, "sts", "GetCallerIdentity"), "InvalidClientTokenId")
		h.must(h.Admin, "iam", "DeleteUser", "UserName", name)
		h.refused("a session of a deleted user", h.call(session, "sts", "GetCallerIdentity"), "InvalidClientTokenId")
	}
}

// advisory 132 (CVE-2026-42186): what is made again under an old name has nothing of the old.
func TestMadeAgainIsNew(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	serial, code := h.device()
	first := h.must(h.ops, "iam", "GetUser").Value("User.UserId")
	h.must(h.Admin, "iam", "CreateGroup", "GroupName", "team")
	h.must(h.Admin, "iam", "AddUserToGroup", "GroupName", "team", "UserName", "ops")
	h.refused("a user with a key", h.call(h.Admin, "iam", "DeleteUser", "UserName", "ops"), "DeleteConflict")

	h.must(h.Admin, "iam", "RemoveUserFromGroup", "GroupName", "team", "UserName", "ops")
	h.must(h.Admin, "iam", "DeactivateMFADevice", "UserName", "ops", "SerialNumber", serial)
	h.refused("a code of a deactivated device", // advisory 116
		h.call(h.ops, "sts", "GetSessionToken", "SerialNumber", serial, "TokenCode", code), "AccessDenied")
	h.must(h.Admin, "iam", "DeleteUserPolicy", "UserName", "ops", "PolicyName", "all")
	h.must(h.Admin, "iam", "DeleteAccessKey", "UserName", "ops", "AccessKeyId", h.ops.AccessKeyID)
	h.must(h.Admin, "iam", "DeleteUser", "UserName", "ops")

	again := h.must(h.Admin, "iam", "CreateUser", "UserName", "ops").Value("User.UserId")
	if again == first || again == "" {
		t.Errorf("the user made again has the id %q, and had %q", again, first)
	}
	h.refused("the old key", h.call(h.ops, "sts", "GetCallerIdentity"), "InvalidClientTokenId")
	for _, list := range []string{"ListUserPolicies", "ListAccessKeys", "ListMFADevices", "ListGroupsForUser", "ListAttachedUserPolicies"} {
		answer := h.must(h.Admin, "iam", list, "UserName", "ops")
		root, err := harness.ParseXML(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if member := root.Find("member"); member != nil {
			t.Errorf("%s of the user made again: %s", list, answer)
		}
	}
}

// advisory 138 (CVE-2026-33505): a marker that this server did not write is refused.
func TestMarkers(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	page := h.must(h.Admin, "iam", "ListUsers", "MaxItems", "1")
	marker := page.Value("Marker")
	if page.Value("IsTruncated") != "true" || marker == "" {
		t.Fatalf("the first page: %s", page)
	}
	next := h.must(h.Admin, "iam", "ListUsers", "MaxItems", "1", "Marker", marker)
	if first, second := page.Value("Users.0.UserName"), next.Value("Users.0.UserName"); first == second || second == "" {
		t.Errorf("the pages have %q and %q", first, second)
	}
	for _, spoiled := range []string{"x", marker[:len(marker)-1], marker + "A", "' OR 1=1 --", "../../etc"} {
		if answer := h.call(h.Admin, "iam", "ListUsers", "MaxItems", "1", "Marker", spoiled); answer.Status != 400 {
			t.Errorf("marker %q: %s", spoiled, answer)
		}
	}
	if answer := h.call(h.Admin, "iam", "ListRoles", "MaxItems", "1", "Marker", marker); answer.Status != 400 {
		t.Errorf("a marker of another list: %s", answer)
	}
}
