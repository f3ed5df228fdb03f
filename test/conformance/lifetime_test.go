package conformance

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

func decodeSeed(t *testing.T, text string) string {
	t.Helper()
	seed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("the seed %q: %v", text, err)
	}
	return string(seed)
}

// A server started again on the same data is as it was: administrator, keys, sessions, permissions.
func TestRestart(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	session := h.assume(h.ops)
	user := h.must(h.ops, "sts", "GetSessionToken").Credentials()
	identity := h.must(session, "sts", "GetCallerIdentity").Value("UserId")

	used := h.must(h.Admin, "iam", "GetAccessKeyLastUsed", "AccessKeyId", h.ops.AccessKeyID)
	if got := used.Value("UserName") + " " + used.Value("AccessKeyLastUsed.ServiceName"); got != "ops sts" {
		t.Errorf("the key was last used as %q", got)
	}

	after := h.again(harness.Options{})
	still := after.must(after.Admin, "iam", "GetAccessKeyLastUsed", "AccessKeyId", h.ops.AccessKeyID)
	if got, want := still.Value("AccessKeyLastUsed.LastUsedDate"), used.Value("AccessKeyLastUsed.LastUsedDate"); got != want || want == "" {
		t.Errorf("the key was last used at %q, and was at %q", got, want)
	}
	if role := after.must(after.Admin, "iam", "GetRole", "RoleName", "worker"); role.Value("Role.RoleLastUsed.LastUsedDate") == "" {
		t.Error("nobody knows that the role was used")
	}
	if after.Admin != h.Admin || after.Account != h.Account {
		t.Errorf("the administrator is %s in %s, and was %s in %s",
			after.Admin.AccessKeyID, after.Account, h.Admin.AccessKeyID, h.Account)
	}
	for name, credentials := range map[string]harness.Credentials{
		"administrator": h.Admin, "user": h.ops, "role session": session, "user session": user,
	} {
		after.must(credentials, "sts", "GetCallerIdentity")
		t.Logf("the %s goes on", name)
	}
	if now := after.must(session, "sts", "GetCallerIdentity").Value("UserId"); now != identity {
		t.Errorf("the session is %s, and was %s", now, identity)
	}
	after.must(session, "iam", "ListUsers")

	// A server whose process was killed has forgotten nothing that it had answered.
	late := after.must(after.ops, "iam", "CreateUser", "UserName", "late").Value("User.UserId")
	if err := after.Kill(); err != nil {
		t.Fatal(err)
	}
	last := &house{Server: harness.Start(t, harness.Options{Data: h.Data}), t: t, ops: h.ops}
	if got := last.must(session, "iam", "GetUser", "UserName", "late").Value("User.UserId"); got != late {
		t.Errorf("the user made last is %q, want %q", got, late)
	}
}

// The env file appears when the server answers, never before, and an older one does not count.
func TestEnvFileMeansReady(t *testing.T) {
	t.Parallel()
	h := &house{Server: harness.Start(t, harness.Options{}), t: t}
	h.must(h.Admin, "sts", "GetCallerIdentity")
	if h.Account != mainAccount {
		t.Errorf("the account is %s", h.Account)
	}
	t.Logf("ready after %v", h.Started.Round(time.Millisecond))
}

// SIGTERM ends the server in time though connections are open: idle ones, and one in the middle of a request.
func TestStopsInTime(t *testing.T) {
	t.Parallel()
	h := &house{Server: harness.Start(t, harness.Options{}), t: t}
	for _, begun := range []string{"", "POST / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nAct"} {
		conn, err := net.Dial("tcp", h.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte(begun)); err != nil {
			t.Fatal(err)
		}
	}
	h.must(h.Admin, "sts", "GetCallerIdentity")
	begun := time.Now()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("ended after %v", time.Since(begun).Round(time.Millisecond))
}

// Of 200 parallel uses of one code exactly one succeeds, and none after a restart.
// advisory 111 (CVE-2025-6015), advisory 112 (CVE-2015-7225)
func TestCodeIsSpentOnce(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	serial, code := h.device()
	var succeeded, refused atomic.Int32
	var uses sync.WaitGroup
	for range 200 {
		uses.Go(func() {
			answer, err := h.Call(h.ops, "sts", "GetSessionToken",
				harness.Field{Name: "SerialNumber", Value: serial}, harness.Field{Name: "TokenCode", Value: code})
			switch {
			case err != nil:
				t.Error(err)
			case answer.Status == 200:
				succeeded.Add(1)
			case answer.Code() == "AccessDenied":
				refused.Add(1)
			default:
				t.Errorf("a use answered %s", answer)
			}
		})
	}
	uses.Wait()
	if succeeded.Load() != 1 || refused.Load() != 199 {
		t.Errorf("%d uses succeeded and %d were refused", succeeded.Load(), refused.Load())
	}
	after := h.again(harness.Options{})
	after.refused("a spent code after a restart",
		after.call(h.ops, "sts", "GetSessionToken", "SerialNumber", serial, "TokenCode", code), "AccessDenied")
	// The failures of MFA do not keep the user from calls without it (advisory 114).
	after.must(h.ops, "sts", "GetSessionToken")
}

// noise is 64 characters that hardly compress.
func noise(seed int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(seed)))
	return hex.EncodeToString(sum[:])
}

// What is refused by 101 percent is accepted at 100, the size never falls as the policy grows, and transitive keys do not
// count.
func TestPackedPolicySize(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	size := func(texts ...string) (string, *harness.Response) {
		answer := h.call(h.ops, "sts", "AssumeRole",
			append([]string{"RoleArn", workerARN, "RoleSessionName", "shift"}, texts...)...)
		return answer.Value("PackedPolicySize"), answer
	}
	last, full := 0, false
	for tags := 1; tags <= 40; tags++ {
		var texts []string
		for i := range tags {
			texts = append(texts, fmt.Sprintf("Tags.member.%d.Key", i+1), fmt.Sprintf("k%d", i),
				fmt.Sprintf("Tags.member.%d.Value", i+1), noise(i))
		}
		text, answer := size(texts...)
		if answer.Status != 200 {
			full = true
			h.refused("tags that do not pack", answer, "PackedPolicyTooLarge")
			continue
		}
		var percent int
		if _, err := fmt.Sscan(text, &percent); err != nil || percent < last || percent > 100 || full {
			t.Errorf("%d tags: size %q after %d, full before: %v", tags, text, last, full)
		}
		last = percent
		if transitive, _ := size(append(texts, "TransitiveTagKeys.member.1", "k0")...); transitive != text {
			t.Errorf("%d tags: %s with a transitive key, %s without", tags, transitive, text)
		}
	}
	if last == 0 {
		t.Error("no size was reported")
	}
}
