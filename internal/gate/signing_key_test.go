package gate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

// The key that is given verifies what the caller signs for this scope and nothing else, and no answer holds the secret.
func TestSigningKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, target := w.User(dt.A, "alice", dt.AllowAll), w.Role(dt.A, "target", anyone, dt.AllowAll)
	v := w.refresh()
	for name, c := range map[string]credential{
		"user":          long(alice.AccessKeys[0]),
		"role session":  w.begin(v, identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1"}),
		"user session":  w.begin(v, identity.Session{Kind: identity.UserSession, Account: dt.A, PrincipalID: alice.ID, MFATime: now.Add(-time.Minute)}),
		"federated":     w.begin(v, identity.Session{Kind: identity.FederationSession, Account: dt.A, PrincipalID: alice.ID, Name: "bob"}),
		"root session":  w.begin(v, identity.Session{Kind: identity.RootSession, Account: dt.A, PrincipalID: string(dt.A)}),
		"assumed root":  w.begin(v, identity.Session{Kind: identity.AssumedRootSession, Account: dt.A, PrincipalID: string(dt.A)}),
		"with a policy": w.begin(v, identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s2", Policy: dt.AllowAll}),
	} {
		out, err := w.key(v, as(w.relying), c, nil)
		if err != nil || out.Refusal != nil || out.Revision != v.Revision() || out.Partition != "aws" || out.ServiceAccount != string(dt.A) {
			t.Fatalf("%s: %+v, %v", name, out, err)
		}
		key, err := sigv4.HMACKey(out.SigningKey)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range []sigv4.Signer{{}, {Region: "eu-west-1", Service: "s3"}, {Region: "us-east-1", Service: "kms"}} {
			verified := verifies(t, w.received(c, g, http.MethodGet, "/b/k", "", nil), key)
			if right := g.Service == ""; verified != right {
				t.Errorf("%s: the key verifies what is signed for %s in %s: %v", name, g.Service, g.Region, verified)
			}
		}
		answer := asJSON(t, out)
		if strings.Contains(answer, c.secret) || strings.Contains(asJSON(t, out.Audited()), asJSON(t, out.SigningKey)) {
			t.Errorf("%s: a secret is told", name)
		}
		var back gateapi.SigningKeyOutput
		if err := json.Unmarshal([]byte(answer), &back); err != nil || !bytes.Equal(back.SigningKey, out.SigningKey) || back.Caller.AccessKeyID != c.id {
			t.Errorf("%s: %v %s", name, err, answer)
		}
	}
}

// verifies reports whether a request is verified by a key, whatever its scope.
func verifies(t *testing.T, r gateapi.Request, key sigv4.SigningKey) bool {
	t.Helper()
	out := sigv4.Request{Method: r.Method, Path: "/b/k", Header: make(http.Header), ContentLength: -1}
	for _, h := range r.Headers {
		if h.Name == "Host" {
			out.Host = h.Value
		} else {
			out.Header.Add(h.Name, h.Value)
		}
	}
	sig, err := sigv4.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	o := sigv4.Options{Now: now, Service: sig.Service}
	if sig.Service == "s3" {
		o.Path = sigv4.PathS3
	}
	if err := sig.Check(o); err != nil {
		t.Fatal(err)
	}
	return sig.Verify(key, sha256.Sum256(nil)) == nil
}

// Of Signature Version 4A only the public key is given.
func TestSigningKeyOfECDSA(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.User(dt.A, "alice")
	v := w.refresh()
	c := long(alice.AccessKeys[0])
	out, err := w.key(v, as(w.relying), c, func(in *gate.SigningKeyInput) { in.Algorithm = string(sigv4.ECDSA) })
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(out.SigningKey)
	if err != nil {
		t.Fatal(err)
	}
	request := w.received(c, sigv4.Signer{Algorithm: sigv4.ECDSA}, http.MethodGet, "/b/k", "", nil)
	if !verifies(t, request, sigv4.PublicKey(public.(*ecdsa.PublicKey))) {
		t.Error("the public key does not verify what the caller signs")
	}
}

// What concerns the caller is a refusal: one for all that is wrong with a long-term key, and no hint at which it was.
func TestSigningKeyRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, off, other := w.User(dt.A, "alice"), w.User(dt.A, "off"), w.User(dt.B, "other")
	off.AccessKeys[0].Status = directory.Inactive
	target, gone := w.Role(dt.A, "target", anyone), w.Role(dt.A, "gone", anyone)
	v := w.refresh()
	session := identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s"}
	orphan, expired := session, session
	orphan.PrincipalID = gone.ID
	expired.Issued, expired.Expires = now.Add(-time.Hour), now
	spoiled, exchanged := w.begin(v, session), w.begin(v, session)
	spoiled.token = "AAAA" + spoiled.token[4:]
	exchanged.id = w.begin(v, session).id
	orphaned := w.begin(v, orphan)
	ended := w.begin(v, expired)
	revoked := w.begin(v, session)
	w.Remove(gone.Key())
	v = w.refresh()
	noToken := w.begin(v, session)
	noToken.token = ""
	withToken := long(alice.AccessKeys[0])
	withToken.token = spoiled.token
	const (
		invalid = "The provided token is malformed or otherwise invalid."
		late    = "The provided token has expired."
	)
	for name, tt := range map[string]struct {
		c                     credential
		code, message, reason string
	}{
		"unknown":                 {credential{id: "AKIAQQQQQQQQQQQQQQQQ"}, "SignatureDoesNotMatch", mismatch, "no such access key"},
		"inactive":                {long(off.AccessKeys[0]), "SignatureDoesNotMatch", mismatch, "inactive"},
		"another account's":       {long(other.AccessKeys[0]), "SignatureDoesNotMatch", mismatch, "relying.accounts"},
		"a session without token": {noToken, "SignatureDoesNotMatch", mismatch, "no such access key"},
		"spoiled token":           {spoiled, "InvalidToken", invalid, "token"},
		"another's token":         {exchanged, "InvalidToken", invalid, "token"},
		"token with a user's key": {withToken, "InvalidToken", invalid, "token"},
		"role is gone":            {orphaned, "InvalidToken", invalid, "principal is not there"},
		"expired":                 {ended, "ExpiredToken", late, ""},
		"nothing":                 {credential{}, "SignatureDoesNotMatch", mismatch, "no such access key"},
	} {
		out, err := w.key(v, as(w.relying), tt.c, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantRefusal(t, name, out.Refusal, out.Reason, tt.code, tt.message, tt.reason)
		if out.SigningKey != nil || out.Caller != nil || out.Policies != nil || out.Revision != 0 {
			t.Errorf("%s: a refusal tells more: %+v", name, out)
		}
	}
	// Controls: the live session, and the other account's once it is trusted.
	if out, err := w.key(v, as(w.relying), revoked, nil); err != nil || out.Refusal != nil {
		t.Errorf("a live session: %+v, %v", out, err)
	}
	w.service.Trusted = gate.Trusted{Accounts: []arn.AccountID{dt.A}}
	if out, err := w.key(v, as(w.relying), long(other.AccessKeys[0]), nil); err != nil || out.Refusal != nil || out.Caller.Principal.Account != string(dt.B) {
		t.Errorf("of a trusted account: %+v, %v", out, err)
	}
	w.service.Trusted = gate.Trusted{Accounts: []arn.AccountID{dt.B}}
	if out, err := w.key(v, as(w.relying), long(other.AccessKeys[0]), nil); err != nil || out.Refusal == nil {
		t.Errorf("another account is trusted: %+v, %v", out, err)
	}
}

// What concerns the relying service is a fault: a permission that it lacks, or what is no scope.
func TestSigningKeyFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.User(dt.A, "alice")
	allow := func(actions, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"` + resource + `"}]}`
	}
	const own = "arn:aws:stint:us-east-1:111122223333:service/s3"
	both := w.User(dt.A, "both", allow(`["stint:GetSigningKey","stint:GetCallerPolicies"]`, own))
	keys := w.User(dt.A, "keys", allow(`"stint:GetSigningKey"`, own))
	none := w.User(dt.A, "none", allow(`"s3:*"`, "*"))
	v := w.refresh()
	c := long(alice.AccessKeys[0])
	for name, tt := range map[string]struct {
		as      *directory.User
		change  func(*gate.SigningKeyInput)
		code    identity.Code // empty: given
		message string
	}{
		"its own":           {both, nil, "", ""},
		"its own, no more":  {keys, func(in *gate.SigningKeyInput) { in.Policies = false }, "", ""},
		"yesterday":         {both, func(in *gate.SigningKeyInput) { in.Date = "20260505" }, "", ""},
		"a week ago":        {both, func(in *gate.SigningKeyInput) { in.Date = "20260429" }, "", ""},
		"policies":          {keys, nil, identity.AccessDenied, "stint:GetCallerPolicies on resource: " + own},
		"nothing":           {none, nil, identity.AccessDenied, "stint:GetSigningKey on resource: " + own},
		"another region":    {both, func(in *gate.SigningKeyInput) { in.Region = "eu-west-1" }, identity.AccessDenied, "stint:GetSigningKey"},
		"another service":   {both, func(in *gate.SigningKeyInput) { in.Service = "kms" }, identity.AccessDenied, "stint:GetSigningKey"},
		"region no name":    {both, func(in *gate.SigningKeyInput) { in.Region = "us-*" }, identity.ValidationError, "region"},
		"service no name":   {both, func(in *gate.SigningKeyInput) { in.Service = "S3" }, identity.ValidationError, "service"},
		"no region":         {both, func(in *gate.SigningKeyInput) { in.Region = "" }, identity.ValidationError, "region"},
		"algorithm":         {both, func(in *gate.SigningKeyInput) { in.Algorithm = "AWS4-HMAC-SHA1" }, identity.ValidationError, "algorithm"},
		"tomorrow":          {both, func(in *gate.SigningKeyInput) { in.Date = "20260507" }, identity.ValidationError, "date"},
		"long ago":          {both, func(in *gate.SigningKeyInput) { in.Date = "20260428" }, identity.ValidationError, "date"},
		"no day":            {both, func(in *gate.SigningKeyInput) { in.Date = "20260532" }, identity.ValidationError, "date"},
		"day with a slash":  {both, func(in *gate.SigningKeyInput) { in.Date = "20260506/" }, identity.ValidationError, "date"},
		"for sts":           {w.relying, func(in *gate.SigningKeyInput) { in.Service = "sts" }, identity.AccessDenied, "the service sts"},
		"for iam":           {w.relying, func(in *gate.SigningKeyInput) { in.Service = "iam" }, identity.AccessDenied, "the service iam"},
		"for organizations": {w.relying, func(in *gate.SigningKeyInput) { in.Service = "organizations" }, identity.AccessDenied, "organizations"},
		"for stint":         {w.relying, func(in *gate.SigningKeyInput) { in.Service = "stint" }, identity.AccessDenied, "the service stint"},
		"for sign-in":       {w.relying, func(in *gate.SigningKeyInput) { in.Service = "signin" }, identity.AccessDenied, "the service signin"},
	} {
		out, err := w.key(v, as(tt.as), c, tt.change)
		if tt.code != "" {
			wantFault(t, name, err, tt.code, tt.message)
			continue
		}
		if err != nil || out.Refusal != nil || out.SigningKey == nil {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}

// The audit log is told neither a token nor what was put in the place of an access key id by mistake.
func TestSigningKeyAudit(t *testing.T) {
	t.Parallel()
	in := &gate.SigningKeyInput{
		AccessKeyID: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SessionToken: "token-that-nobody-sees", Algorithm: "canary-algorithm",
		Date: "canary-date", Region: "Canary Region", Service: "canary/service",
	}
	if got := asJSON(t, in.Audited()); got != "{}" {
		t.Errorf("the audit log is told %s", got)
	}
	in = &gate.SigningKeyInput{AccessKeyID: "AKIAQQQQQQQQQQQQQQQQ", SessionToken: "t", Algorithm: string(sigv4.HMAC), Date: today, Region: "r", Service: "s3"}
	if got := asJSON(t, in.Audited()); got != `{"accessKeyId":"AKIAQQQQQQQQQQQQQQQQ","algorithm":"AWS4-HMAC-SHA256","date":"20260506","region":"r","service":"s3"}` {
		t.Errorf("the audit log is told %s", got)
	}
}
