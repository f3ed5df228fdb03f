package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/sigv4"
)

// ask makes a signed request to one of Stint's own paths and returns its status and answer.
func (w *whole) ask(c sigv4.Credentials, address, path string, in any) (int, string) {
	w.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	response := w.send(c, http.MethodPost, address+path, body, nil)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func (w *whole) send(c sigv4.Credentials, method, address string, body []byte, change func(*http.Request)) *http.Response {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := (sigv4.Signer{Credentials: c, Region: defaultRegion, Service: "stint"}).Sign(r, body, time.Now()); err != nil {
		w.t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return response
}

// assume begins a session of a role that the administrator may assume.
func (w *whole) assume(role, name string) sigv4.Credentials {
	w.t.Helper()
	answer := w.must("sts", "AssumeRole", "RoleArn", role, "RoleSessionName", name)
	return sigv4.NewCredentials(element(w.t, answer, "AccessKeyId"), element(w.t, answer, "SecretAccessKey"), element(w.t, answer, "SessionToken"))
}

func (w *whole) role(name string) string {
	w.t.Helper()
	return element(w.t, w.must("iam", "CreateRole", "RoleName", name, "AssumeRolePolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`), "Arn")
}

func keyInput(c sigv4.Credentials) gateapi.SigningKeyInput {
	return gateapi.SigningKeyInput{
		AccessKeyID: c.AccessKeyID, SessionToken: c.SessionToken, Algorithm: string(sigv4.HMAC), Date: time.Now().UTC().Format("20060102"),
		Region: defaultRegion, Service: "s3", Policies: true,
	}
}

// advisory 128: of all that relying services are given and send, neither the audit log nor the server's log, however much it tells,
// has a signing key, a session token or a signature. Why a caller was refused stands in the audit log, and nowhere in an answer.
func TestRelyingServicesLeaveNoSecretBehind(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	data := t.TempDir()
	w := begunWith(t, data, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	s := httptest.NewServer(w.handler)
	role := w.role("target")
	session := w.assume(role, "s1")
	status, answer := w.ask(w.admin, s.URL, gateapi.SigningKeyPath, keyInput(session))
	var given gateapi.SigningKeyOutput
	if err := json.Unmarshal([]byte(answer), &given); err != nil || status != http.StatusOK || len(given.SigningKey) != 32 {
		t.Fatalf("%d %s", status, answer)
	}
	off := sigv4.NewCredentials("AKIAQQQQQQQQQQQQQQQQ", "x", "")
	if status, answer := w.ask(w.admin, s.URL, gateapi.SigningKeyPath, keyInput(off)); status != http.StatusOK || !strings.HasPrefix(answer, `{"refusal":{"code":"SignatureDoesNotMatch"`) ||
		strings.Contains(answer, "no such access key") {
		t.Errorf("%d %s", status, answer)
	}
	r := httptest.NewRequest(http.MethodGet, "http://s3.example/b/k", nil)
	if err := (sigv4.Signer{Credentials: session, Region: defaultRegion, Service: "s3", Path: sigv4.PathS3, SendContentHash: true}).Sign(r, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	received := gateapi.Request{Method: r.Method, Target: r.URL.RequestURI(), Headers: []gateapi.Header{{Name: "Host", Value: r.Host}}}
	for name, values := range r.Header {
		received.Headers = append(received.Headers, gateapi.Header{Name: name, Value: values[0]})
	}
	if status, answer := w.ask(w.admin, s.URL, gateapi.AuthenticatePath, gateapi.AuthenticateInput{Request: received, Region: defaultRegion, Service: "s3"}); status != http.StatusOK ||
		!strings.Contains(answer, "assumed-role/target/s1") {
		t.Errorf("%d %s", status, answer)
	}
	question := gateapi.AuthorizeInput{Request: received, Region: defaultRegion, Service: "s3", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
	status, answer = w.ask(w.admin, s.URL, gateapi.AuthorizePath, question)
	var decided gateapi.AuthorizeOutput
	if err := json.Unmarshal([]byte(answer), &decided); err != nil || status != http.StatusOK || decided.Allowed || decided.EncodedMessage == "" {
		t.Errorf("%d %s", status, answer)
	}
	w.must("sts", "DecodeAuthorizationMessage", "EncodedMessage", decided.EncodedMessage)
	// What is refused, with the same inside.
	question.Action = "iam:CreateUser"
	if status, answer := w.ask(w.admin, s.URL, gateapi.AuthorizePath, question); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, answer)
	}
	wrong := sigv4.NewCredentials(w.admin.AccessKeyID, "wrong", "")
	if status, answer := w.ask(wrong, s.URL, gateapi.SigningKeyPath, keyInput(session)); status != http.StatusForbidden {
		t.Errorf("%d %s", status, answer)
	}
	s.Close()
	w.end()

	audit, err := os.ReadFile(filepath.Join(data, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, told := range []string{
		`"eventName":"GetSigningKey"`, `"responseElements":{"caller":"arn:aws:sts::111122223333:assumed-role/target/s1"}`,
		`"responseElements":{"refusal":"SignatureDoesNotMatch"}`, "no such access key", `"allowed":false`, `"eventName":"Authorize"`, `"accessKeyId":"` + session.AccessKeyID,
	} {
		if !bytes.Contains(audit, []byte(told)) {
			t.Errorf("control: the audit log has no %s", told)
		}
	}
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	for name, canary := range map[string]string{
		"signing key": base64.StdEncoding.EncodeToString(given.SigningKey), "signing key in hex": hex.EncodeToString(given.SigningKey),
		"signing key as it is": string(given.SigningKey), "session token": session.SessionToken, "signature": signature,
		"the token's beginning": session.SessionToken[40:80],
	} {
		if bytes.Contains(audit, []byte(canary)) {
			t.Errorf("the audit log has the %s", name)
		}
		if strings.Contains(log.String(), canary) {
			t.Errorf("the log has the %s", name)
		}
	}
	if log.Len() == 0 {
		t.Error("control: nothing was logged")
	}
}

// advisory 130: nobody without credentials gets a key, an answer or the stream, nor anybody by a request of another kind.
func TestRelyingServicesAreAuthenticated(t *testing.T) {
	t.Parallel()
	w := begun(t, t.TempDir())
	s := httptest.NewServer(w.handler)
	defer func() {
		w.feed.Close()
		s.Close()
		w.end()
	}()
	for _, path := range []string{gateapi.SigningKeyPath, gateapi.AuthenticatePath, gateapi.AuthorizePath, gateapi.ChangesPath, gate.RevokeSessionsPath} {
		method, other := http.MethodPost, http.MethodGet
		if path == gateapi.ChangesPath {
			method, other = other, method
		}
		for name, tt := range map[string]struct {
			method string
			change func(*http.Request)
			status int
			want   string
		}{
			"unsigned":         {method, func(r *http.Request) { r.Header.Del("Authorization") }, http.StatusForbidden, "MissingAuthenticationToken"},
			"wrongly signed":   {method, func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")+"0") }, http.StatusForbidden, "SignatureDoesNotMatch"},
			"unsigned header":  {method, func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }, http.StatusForbidden, "SignatureDoesNotMatch"},
			"the other method": {other, nil, http.StatusBadRequest, "ValidationError"},
		} {
			response := w.send(w.admin, tt.method, s.URL+path, nil, tt.change)
			answer, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != tt.status || !strings.Contains(string(answer), tt.want) {
				t.Errorf("%s, %s: %d %s", path, name, response.StatusCode, answer)
			}
		}
	}
	for name, response := range map[string]*http.Response{
		"with parameters":         w.send(w.admin, http.MethodGet, s.URL+gateapi.ChangesPath+"?since=1", nil, nil),
		"with a body":             w.send(w.admin, http.MethodGet, s.URL+gateapi.ChangesPath, []byte("{}"), nil),
		"with two Last-Event-IDs": w.send(w.admin, http.MethodGet, s.URL+gateapi.ChangesPath, nil, func(r *http.Request) { r.Header["Last-Event-Id"] = []string{"1", "2"} }),
		"with no Last-Event-ID":   w.send(w.admin, http.MethodGet, s.URL+gateapi.ChangesPath, nil, func(r *http.Request) { r.Header["Last-Event-Id"] = []string{"x"} }),
	} {
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("the stream %s: %d", name, response.StatusCode)
		}
	}
}

// The stream tells a revocation to who watches, a client that comes back what it missed, and ends with the server.
func TestChangesAreStreamed(t *testing.T) {
	t.Parallel()
	w := begun(t, t.TempDir())
	s := httptest.NewServer(w.handler)
	role := w.role("target")
	session := w.assume(role, "s1")
	event := func(lines *bufio.Reader) (c gateapi.Change) {
		t.Helper()
		id, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		data, _ := lines.ReadString('\n')
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(data, "data: ")
		if err := json.Unmarshal([]byte(text), &c); !ok || err != nil || !strings.HasPrefix(id, "id: ") {
			t.Fatalf("%q %q", id, data)
		}
		return c
	}
	watch := func(last string) *bufio.Reader {
		response := w.send(w.admin, http.MethodGet, s.URL+gateapi.ChangesPath, nil, func(r *http.Request) {
			if last != "" {
				r.Header.Set("Last-Event-ID", last)
			}
		})
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" || response.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v", response.StatusCode, response.Header)
		}
		t.Cleanup(func() { response.Body.Close() })
		return bufio.NewReader(response.Body)
	}
	stream := watch("")
	if first := event(stream); !first.All || first.Revision != w.store.View().Revision() {
		t.Errorf("the first event is %+v", first)
	}
	status, answer := w.ask(w.admin, s.URL, gate.RevokeSessionsPath, gate.RevokeSessionsInput{Role: "target"})
	var revoked gate.RevokeSessionsOutput
	if err := json.Unmarshal([]byte(answer), &revoked); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer := w.ask(w.admin, s.URL, gateapi.SigningKeyPath, keyInput(session)); status != http.StatusOK || !strings.Contains(answer, `"InvalidToken"`) {
		t.Errorf("after the revocation: %d %s", status, answer)
	}
	if status, answer := w.call(session, "sts", "GetCallerIdentity"); status != http.StatusForbidden || !strings.Contains(answer, "InvalidClientTokenId") {
		t.Errorf("after the revocation: %d %s", status, answer)
	}
	told := event(stream)
	if told.Revision != revoked.Revision || len(told.Void) != 1 || told.Void[0] != (gateapi.Void{Account: "111122223333", Principal: revoked.Target}) {
		t.Errorf("the revocation is told as %+v", told)
	}
	back := watch("1")
	if first := event(back); !first.All { // from before this node began
		t.Errorf("the first event of one who was long away is %+v", first)
	}
	w.feed.Close()
	for _, lines := range []*bufio.Reader{stream, back} {
		if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
			t.Errorf("at the end: %q, %v", rest, err)
		}
	}
	s.Close()
	w.end()
}
