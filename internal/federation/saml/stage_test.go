package saml

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/saml/samltest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

var now = time.Date(2026, 7, 8, 9, 10, 11, 0, time.UTC)

const (
	entity      = "https://idp.example.com/saml"
	roleARN     = "arn:aws:iam::111122223333:role/samlrole"
	providerARN = "arn:aws:iam::111122223333:saml-provider/corp"
	requestID   = "01234567-89ab-cdef-0123-456789abcdef"
)

// keys are made once: RSA keys take long.
var keys = sync.OnceValue(func() (k struct{ idp, next, other, server, weak *samltest.Key }) {
	k.idp, k.next, k.other, k.server, k.weak = samltest.NewKey(2048), samltest.NewKey(2048), samltest.NewKey(2048), samltest.NewKey(2048), samltest.NewKey(1024)
	return k
})

// memory is a ledger of a process.
type memory struct {
	mu    sync.Mutex
	spent map[string]bool // guarded by mu
	fail  error
}

func (m *memory) SpendAssertion(_ context.Context, account arn.AccountID, id string, keep time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if account != dt.A || keep < time.Hour || m.spent[id] {
		return ErrSpent
	}
	m.spent[id] = true
	return nil
}

// stage is an account with a provider of two keys and a private key.
type stage struct {
	builder  *dt.Builder
	ledger   *memory
	verifier *Verifier
	provider *directory.SAMLProvider
}

func newStage(t testing.TB, change func(*directory.SAMLProvider)) *stage {
	k := keys()
	s := &stage{builder: dt.New(t, nil), ledger: &memory{spent: make(map[string]bool)}}
	s.verifier = New(Options{Ledger: s.ledger, Endpoints: []string{"https://sts.example.com/saml"}})
	s.provider = &directory.SAMLProvider{
		Account: dt.A, Name: "corp", ARN: providerARN, Metadata: samltest.Metadata(entity, k.idp, k.next), ValidUntil: now.AddDate(1, 0, 0),
		UUID:        "SAMLSPABCDEFGHIJKLMNOPQRSTUVWX",
		PrivateKeys: []directory.SAMLPrivateKey{{ID: "SAMLPK1", Key: directory.Protected{Key: secret.New(k.other.PKCS8())}}, {ID: "SAMLPK2", Key: directory.Protected{Key: secret.New(k.server.PKCS8())}}},
	}
	if change != nil {
		change(s.provider)
	}
	s.builder.Put(s.provider)
	return s
}

func good() *samltest.Response {
	return samltest.NewResponse(keys().idp, now, entity, roleARN, providerARN)
}

func (s *stage) verify(encoded string) (*Assertion, error) {
	return s.verifier.Verify(s.builder.View(), Presented{Response: encoded, ProviderARN: providerARN, RoleARN: roleARN, RequestID: requestID, Time: now})
}

// wantRefused checks the answer and, beside it, the reason.
func wantRefused(t *testing.T, err error, code identity.Code, message string, reason error) {
	t.Helper()
	f, ok := errors.AsType[*identity.Fault](err)
	if !ok {
		t.Fatalf("got %v, want %s %q", err, code, message)
	}
	if f.Code != code || f.Message != message {
		t.Errorf("got %s %q\nwant %s %q", f.Code, f.Message, code, message)
	}
	if !errors.Is(f.Cause, reason) {
		t.Errorf("got the reason %v\nwant %v", f.Cause, reason)
	}
}

// swap replaces a text that must be there.
func swap(old, replacement string) func(string) string {
	return func(text string) string {
		if !strings.Contains(text, old) {
			panic("there is no " + old)
		}
		return strings.Replace(text, old, replacement, 1)
	}
}
