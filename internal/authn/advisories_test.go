package authn_test

import (
	"crypto/sha256"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

// advisory 18: a captured request can be replayed for 15 minutes and not a second longer, in either form, as with AWS; not at
// all once its key is gone; and the security model says so, so that nobody takes a request for a proof of freshness.
func TestReplayEndsWithTheWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice")
	v := w.View()
	key := long(u.AccessKeys[0])
	signer := sigv4.Signer{Credentials: sigv4.NewCredentials(key.id, key.secret, ""), Region: "us-east-1", Service: "sts"}
	header, err := http.NewRequest(http.MethodPost, "http://sts.example/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	header.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := signer.Sign(header, []byte(body), now); err != nil {
		t.Fatal(err)
	}
	presigned, err := http.NewRequest(http.MethodGet, "http://sts.example/?"+body, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.Presign(presigned, nil, now, sigv4.MaxExpires); err != nil { // seven days are asked for, in vain
		t.Fatal(err)
	}
	for name, captured := range map[string]struct {
		r    *http.Request
		body string
	}{"header": {header, body}, "presigned": {presigned, ""}} {
		replay := func(after time.Duration) error {
			r := sigv4.FromHTTP(captured.r)
			_, _, err := w.authn.Authenticate(v, &r, sha256.Sum256([]byte(captured.body)), "sts", now.Add(after))
			return err
		}
		for _, after := range []time.Duration{0, 0, time.Minute, 15 * time.Minute} {
			if err := replay(after); err != nil {
				t.Errorf("%s, replayed after %v: %v", name, after, err)
			}
		}
		for _, after := range []time.Duration{15*time.Minute + time.Second, time.Hour, 24 * time.Hour, -15*time.Minute - time.Second} {
			if err := replay(after); err == nil || !strings.Contains(err.Error(), "Signature") {
				t.Errorf("%s, replayed after %v: %v", name, after, err)
			}
		}
	}
	u.AccessKeys = nil
	w.Put(u)
	r := sigv4.FromHTTP(header)
	_, _, err = w.authn.Authenticate(w.View(), &r, sha256.Sum256([]byte(body)), "sts", now)
	wantFault(t, err, identity.InvalidClientTokenID, invalid)

	model, err := os.ReadFile("../../docs/security-model.md")
	if err != nil {
		t.Fatal(err)
	}
	_, limits, found := strings.Cut(string(model), "\n## Not protected\n")
	limits, _, _ = strings.Cut(limits, "\n## ")
	if !found || !regexp.MustCompile(`(?i)\*\*Replay\*\* of a signed request within 15 minutes`).MatchString(limits) {
		t.Error("docs/security-model.md does not say under Not protected that a signed request can be replayed for 15 minutes")
	}
}
