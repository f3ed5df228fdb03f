package forward

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/relying"
	"github.com/stint-sts/stint/sigv4"
)

// The callers that stint knows. What each may is in its policy.
const (
	aliceKey, aliceSecret = "AKIAAAAAAAAAAAAAAAAA", "alice-secret"
	bobKey, bobSecret     = "AKIABBBBBBBBBBBBBBBB", "bob-secret"
	ownKey, ownSecret     = "AKIACCCCCCCCCCCCCCCC", "gate-secret"
	account               = "111122223333"
)

// stint speaks Stint's protocol for relying services to a gate: two users, and a stream of changes that tells of none.
type stint struct {
	policies map[string]string // of callers by access key id
	down     bool
	mu       sync.Mutex
}

func (s *stint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	switch r.URL.Path {
	case gateapi.SigningKeyPath:
		var in gateapi.SigningKeyInput
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.key(&in))
	case gateapi.ChangesPath:
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			fmt.Fprint(w, "id: 1\nevent: change\ndata: {\"revision\":1}\n\n")
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(gateapi.Heartbeat / 2):
			}
		}
	default:
		http.NotFound(w, r)
	}
}

func (s *stint) key(in *gateapi.SigningKeyInput) *gateapi.SigningKeyOutput {
	secrets := map[string]string{aliceKey: aliceSecret, bobKey: bobSecret}
	names := map[string]string{aliceKey: "alice", bobKey: "bob"}
	secret, known := secrets[in.AccessKeyID]
	if !known {
		return &gateapi.SigningKeyOutput{Refusal: &gateapi.Refusal{Code: sigv4.ErrMismatch.Code, Message: sigv4.ErrMismatch.Message}}
	}
	key := []byte("AWS4" + secret)
	for _, part := range []string{in.Date, in.Region, in.Service, "aws4_request"} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	name := names[in.AccessKeyID]
	return &gateapi.SigningKeyOutput{
		SigningKey: key,
		Caller: &gateapi.Caller{
			Principal: gateapi.Principal{Kind: "IAMUser", Account: account, ARN: "arn:aws:iam::" + account + ":user/" + name, ID: "AIDA" + strings.ToUpper(name)},
			UserID:    "AIDA" + strings.ToUpper(name), AccessKeyID: in.AccessKeyID,
		},
		Policies:  &gateapi.Policies{Identity: []gateapi.Document{{Name: "p", Text: s.policies[in.AccessKeyID]}}},
		Partition: "aws", ServiceAccount: account, Revision: 1,
	}
}

// allow is a policy.
func allow(action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}]}`
}

// scene is a gate with a Stint behind it.
type scene struct {
	gate  *Gate
	stint *stint
	log   *lockedBuffer
}

// open makes a gate with rules. alice may read below a/ of bucket and reports of blue; bob may nothing.
func open(t *testing.T, service, rules string) *scene {
	t.Helper()
	s := &scene{log: &lockedBuffer{}, stint: &stint{policies: map[string]string{
		aliceKey: `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::bucket/a/*"},
			{"Effect":"Allow","Action":"reports:GetReport","Resource":"arn:aws:reports:::blue/*"},
			{"Effect":"Allow","Action":"net:Get","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"},"Bool":{"aws:SecureTransport":"true"}}}]}`,
		bobKey: allow("other:*", "*"),
	}}}
	server := httptest.NewServer(s.stint)
	t.Cleanup(server.Close)
	c, err := config.ParseGate([]byte("stint: {endpoint: '" + server.URL + "', service: " + service + "}\nrules:\n" + rules))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := relying.New(relying.Config{
		Endpoint: server.URL, Region: c.Stint.Region, Service: service, HTTP: server.Client(), Now: now, WithoutBody: true,
		Credentials: relying.Static(sigv4.NewCredentials(ownKey, ownSecret, "")),
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.gate, err = New(c, verifier, now, slog.New(slog.NewTextHandler(s.log, nil))); err != nil {
		t.Fatal(err)
	}
	return s
}

// signed is a request that a client sent.
func signed(t *testing.T, key, secret, method, url, body, service string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	signer := sigv4.Signer{Credentials: sigv4.NewCredentials(key, secret, ""), Region: "us-east-1", Service: service, SendContentHash: true}
	if service == "s3" {
		signer.Path = sigv4.PathS3
	}
	if r.Header.Get("X-Amz-Content-Sha256") == "UNSIGNED-PAYLOAD" {
		signer.UnsignedPayload = true
	}
	if err := signer.Sign(r, []byte(body), now()); err != nil {
		t.Fatal(err)
	}
	return r
}

// lockedBuffer is a log.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var _ io.Writer = (*lockedBuffer)(nil)
