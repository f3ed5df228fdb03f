package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/sigv4"
)

// loginHosts are what the programs below take for AWS.
var loginHosts = []string{"sts.amazonaws.com", "sts.us-east-1.amazonaws.com"}

// login is a signed GetCallerIdentity whose bytes one program makes and another one sends, to find out who made them.
type login struct {
	method, target, host, body string
	header                     http.Header
	presigned                  bool
	age                        time.Duration
}

// raw signs a login as it goes over the socket. What is edited after that was not signed.
func (l login) raw(t *testing.T, s *service, edits ...func(*http.Request)) string {
	t.Helper()
	r, err := http.NewRequest(l.method, "https://"+l.host+l.target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range l.header {
		r.Header[name] = values
	}
	k, at := s.alice.AccessKeys[0], time.Now().Add(-l.age)
	signer := sigv4.Signer{Credentials: sigv4.NewCredentials(k.ID, k.Secret.Key.RevealString(), ""), Region: "us-east-1", Service: "sts"}
	if l.presigned {
		err = signer.Presign(r, nil, at, time.Minute)
	} else {
		err = signer.Sign(r, []byte(l.body), at)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		edit(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", l.method, r.URL.RequestURI(), r.Host)
	if l.method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(l.body))
	}
	if err := r.Header.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\r\n" + l.body
}

// without is an edit that takes a header away.
func without(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }

// with is an edit that gives a header another value.
func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// doubled is an edit that has the path begin with another slash.
func doubled(r *http.Request) { r.URL.Path = "/" + r.URL.Path }

// Vault's aws auth (iam) sends what the client signed for / on to its endpoint with a slash behind it, POST //, and demands an
// answer of exactly text/xml. The client signs the server that it means to log in at.
func TestLoginOfVault(t *testing.T) {
	t.Parallel()
	s := newService(t, loginHosts...)
	address := s.start(t, nil)
	const server = "X-Vault-Aws-Iam-Server-Id"
	for _, host := range append(loginHosts, "sts.us-east-1.amazonaws.com:443") {
		l := login{method: "POST", target: "/", host: host, body: "Action=GetCallerIdentity&Version=2011-06-15",
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}, server: {"vault.example.com"}, "User-Agent": {"Go-http-client/1.1"}}}
		a := send(t, address, l.raw(t, s, doubled))
		if a.StatusCode != http.StatusOK || len(a.Header["Content-Type"]) != 1 || a.Header["Content-Type"][0] != "text/xml" ||
			!strings.Contains(a.body, "<Arn>"+s.alice.ARN+"</Arn>") {
			t.Errorf("%s: %d %v %s", host, a.StatusCode, a.Header, a.body)
		}
		for name, edit := range map[string]func(*http.Request){"another server": with(server, "other.example.com"), "no server": without(server)} {
			if a := send(t, address, l.raw(t, s, doubled, edit)); a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "<Code>SignatureDoesNotMatch</Code>") {
				t.Errorf("%s, %s: %d %s", host, name, a.StatusCode, a.body)
			}
		}
	}
	// Signed for one alias and sent to another.
	l := login{method: "POST", target: "/", host: loginHosts[0], body: identityForm, header: http.Header{"Content-Type": {formType}}}
	if a := send(t, address, l.raw(t, s, doubled, func(r *http.Request) { r.Host = loginHosts[1] })); a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "<Code>SignatureDoesNotMatch</Code>") {
		t.Errorf("another alias: %d %s", a.StatusCode, a.body)
	}
	if a := send(t, address, l.raw(t, s, doubled, func(r *http.Request) { r.Host = "sts.example.net" })); a.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown host: %d %s", a.StatusCode, a.body)
	}
}

// identityJSON is what Teleport and aws-iam-authenticator read.
type identityJSON struct {
	GetCallerIdentityResponse struct {
		GetCallerIdentityResult struct{ Account, Arn, UserId string }
		ResponseMetadata        struct{ RequestId string }
	}
}

func (a answer) isAlice(t *testing.T, name string, s *service) {
	t.Helper()
	var got identityJSON
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: %d %v %s: %v", name, a.StatusCode, a.Header, a.body, err)
		return
	}
	if r := got.GetCallerIdentityResponse; r.GetCallerIdentityResult.Arn != s.alice.ARN || r.GetCallerIdentityResult.Account != string(s.alice.Account) ||
		r.GetCallerIdentityResult.UserId != s.alice.ID || r.ResponseMetadata.RequestId != a.Header.Get("X-Amzn-Requestid") {
		t.Errorf("%s: %+v", name, got)
	}
}

// Teleport's IAM join: the node signs the auth server's challenge, the auth server sends the request on and reads JSON.
func TestLoginOfTeleport(t *testing.T) {
	t.Parallel()
	s := newService(t, loginHosts...)
	address := s.start(t, nil)
	const challenge = "X-Teleport-Challenge"
	l := login{method: "POST", target: "/", host: loginHosts[1], body: "Action=GetCallerIdentity&Version=2011-06-15", header: http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}, challenge: {"RGFyZSB0byBrbm93"}}}
	send(t, address, l.raw(t, s)).isAlice(t, "signed", s)
	for name, edit := range map[string]func(*http.Request){"another challenge": with(challenge, "RGFyZSB0byBrbm93Lg"), "no challenge": without(challenge)} {
		a := send(t, address, l.raw(t, s, edit))
		if a.StatusCode != http.StatusForbidden || a.Header.Get("Content-Type") != "application/json" || !strings.Contains(a.body, `"Code":"SignatureDoesNotMatch"`) {
			t.Errorf("%s: %d %v %s", name, a.StatusCode, a.Header, a.body)
		}
	}
}

// aws-iam-authenticator presigns a GET with its cluster's name in a signed header. X-Amz-Expires is AWS's to ignore: the request is
// good for 15 minutes.
func TestLoginOfAuthenticator(t *testing.T) {
	t.Parallel()
	s := newService(t, loginHosts...)
	address := s.start(t, nil)
	const cluster = "X-K8s-Aws-Id"
	l := login{method: "GET", target: "/?Action=GetCallerIdentity&Version=2011-06-15", host: loginHosts[1], presigned: true, header: http.Header{cluster: {"blue"}}}
	asked := with("Accept", "application/json")
	send(t, address, l.raw(t, s, asked)).isAlice(t, "fresh", s)
	l.age = 14 * time.Minute
	send(t, address, l.raw(t, s, asked)).isAlice(t, "14 minutes old", s)
	for name, edit := range map[string]func(*http.Request){"another cluster": with(cluster, "green"), "no cluster": without(cluster)} {
		if a := send(t, address, l.raw(t, s, asked, edit)); a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, `"Code":"SignatureDoesNotMatch"`) {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	l.age = 16 * time.Minute
	if a := send(t, address, l.raw(t, s, asked)); a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, `"Code":"SignatureDoesNotMatch"`) ||
		!strings.Contains(a.body, "Signature expired") {
		t.Errorf("16 minutes old: %d %s", a.StatusCode, a.body)
	}
}
