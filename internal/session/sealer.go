package session

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// ErrInvalid is the one answer to every text that does not open: whatever is wrong with it, the caller learns nothing more.
var ErrInvalid = errors.New("session: the token is invalid")

// ErrTooLarge is returned for what does not fit into the longest text of its purpose.
var ErrTooLarge = errors.New("session: too large to be sealed")

// Purpose says what a sealed text is for. Their numbers are sealed into texts: never renumber them.
type Purpose byte

// The purposes of [Sealer.SealMessage].
const (
	sessionToken Purpose = 1
	// AuthorizationMessage is what DecodeAuthorizationMessage decodes: at most 10,240 characters (STS model).
	AuthorizationMessage Purpose = 2
	// ContextAssertion is an element of ProvidedContexts: at most 2,048 characters (STS model).
	ContextAssertion Purpose = 3
	// PaginationMarker is the Marker of the IAM lists: at most 320 characters (IAM model), which leaves 194 bytes.
	PaginationMarker Purpose = 4
	// ExchangeToken is what GetDelegatedAccessToken trades in (TradeInToken). The STS model does not limit it.
	ExchangeToken Purpose = 7

	// DeletionTask is the end of a DeletionTaskId, which has at most 1,000 characters (IAM model) and names a role besides.
	DeletionTask Purpose = 9

	// SigninToken is what the console federation endpoint trades a session for. It stands in a URL.
	SigninToken Purpose = 10
	// ConsoleSession is the cookie of who has signed in: a session with its token.
	ConsoleSession Purpose = 11
	// SignInStep is what the sign-in pages hand themselves by way of the browser: where to go on, or what was begun.
	SignInStep Purpose = 13
)

// limit is the greatest length of a sealed text in characters; 0 for what is no purpose.
func (p Purpose) limit() int {
	switch p {
	case sessionToken:
		return 8192 // half of what AWS lets a request's head have (docs/wire-compatibility.md §12)
	case AuthorizationMessage:
		return 10240
	case ContextAssertion:
		return 2048
	case PaginationMarker:
		return 320
	case ExchangeToken:
		return 512
	case DeletionTask:
		return 640
	case SigninToken:
		return 12 << 10 // a session token with what is around it; the query of a request has 15,844
	case ConsoleSession:
		return 9 << 10 // three cookies (RFC 6265, 6.1)
	case SignInStep:
		return 48 << 10
	default:
		return 0
	}
}

const (
	tokenVersion = 1
	headerSize   = 1 + 1 + 4
	frontSize    = headerSize + nonceSize
)

// Sealer seals and opens tokens. It is safe for concurrent use.
type Sealer struct {
	random  io.Reader
	now     func() time.Time
	current atomic.Pointer[ring]
}

// NewSealer returns a Sealer that takes its nonces from random, which must be cryptographically secure and safe for
// concurrent use. The clock only says which keys have settled.
func NewSealer(random io.Reader, now func() time.Time) *Sealer {
	return &Sealer{random: random, now: now}
}

// Seal returns the session's token. The session's times are whole seconds, and it lasts at most [MaxLifetime].
func (s *Sealer) Seal(v *directory.View, sess *identity.Session) (string, error) {
	buffer := buffers.Get().(*[]byte)
	defer release(buffer)
	plain, err := appendSession((*buffer)[:frontSize], sess)
	if err != nil {
		return "", fmt.Errorf("sealing a session: %w", err)
	}
	*buffer = plain
	token, err := s.seal(v, sessionToken, sess.AccessKeyID, plain)
	if err != nil {
		return "", fmt.Errorf("sealing a session: %w", err)
	}
	return token, nil
}

// buffers holds memory to seal in.
var buffers = sync.Pool{New: func() any { return new(make([]byte, frontSize, 2048)) }}

// release keeps the memory for the next session, without this one's secret in it, unless an unusual one made it large.
func release(buffer *[]byte) {
	if cap(*buffer) <= 8<<10 {
		clear((*buffer)[:cap(*buffer)])
		buffers.Put(buffer)
	}
}

// Open returns the session that was sealed into the token for the access key id, or [ErrInvalid]. Whether it has expired or
// was revoked is for the caller to check.
func (s *Sealer) Open(v *directory.View, accessKeyID, token string) (*identity.Session, error) {
	plain, err := s.open(v, sessionToken, accessKeyID, token)
	if err != nil {
		return nil, err
	}
	sess, err := decodeSession(string(plain))
	if err != nil {
		return nil, ErrInvalid
	}
	sess.AccessKeyID = accessKeyID
	return sess, nil
}

// SealMessage returns plain sealed for a purpose, or an error that Is [ErrTooLarge].
func (s *Sealer) SealMessage(v *directory.View, purpose Purpose, plain []byte) (string, error) {
	if purpose == sessionToken || purpose.limit() == 0 {
		return "", fmt.Errorf("sealing a message: %d is not the purpose of a message", purpose)
	}
	text, err := s.seal(v, purpose, "", append(make([]byte, frontSize, frontSize+len(plain)+tagSize), plain...))
	if err != nil {
		return "", fmt.Errorf("sealing a message: %w", err)
	}
	return text, nil
}

// OpenMessage returns what was sealed for the purpose, or [ErrInvalid].
func (s *Sealer) OpenMessage(v *directory.View, purpose Purpose, text string) ([]byte, error) {
	if purpose == sessionToken {
		return nil, ErrInvalid
	}
	return s.open(v, purpose, "", text)
}

// seal seals in place what follows the first frontSize bytes of b, which it fills.
func (s *Sealer) seal(v *directory.View, purpose Purpose, bound string, b []byte) (string, error) {
	if base64.StdEncoding.EncodedLen(len(b)+tagSize) > purpose.limit() {
		return "", ErrTooLarge
	}
	key, err := s.ring(v).sealer(s.now())
	if err != nil {
		return "", err
	}
	b[0], b[1] = tokenVersion, byte(purpose)
	binary.BigEndian.PutUint32(b[2:], key.id)
	nonce := b[headerSize:frontSize]
	if _, err := io.ReadFull(s.random, nonce); err != nil {
		return "", fmt.Errorf("reading randomness: %w", err)
	}
	aead, rest, err := key.aead(nonce)
	if err != nil {
		return "", err
	}
	sealed := aead.Seal(b[:frontSize], rest, b[frontSize:], associated(b, bound))
	text := base64.StdEncoding.AppendEncode(sealed, sealed) // behind what it is of
	return string(text[len(sealed):]), nil
}

func (s *Sealer) open(v *directory.View, purpose Purpose, bound, text string) ([]byte, error) {
	if len(text) > purpose.limit() || len(bound) > maxID || hasLineEnd(text) {
		return nil, ErrInvalid
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < frontSize+tagSize || b[0] != tokenVersion || b[1] != byte(purpose) {
		return nil, ErrInvalid
	}
	key, ok := s.ring(v).byID[binary.BigEndian.Uint32(b[2:])]
	if !ok {
		return nil, ErrInvalid
	}
	aead, rest, err := key.aead(b[headerSize:frontSize])
	if err != nil {
		return nil, ErrInvalid
	}
	plain, err := aead.Open(b[frontSize:frontSize], rest, b[frontSize:], associated(b, bound))
	if err != nil {
		return nil, ErrInvalid
	}
	return plain, nil
}

// hasLineEnd finds what the base64 decoder skips: it would give a token many spellings.
func hasLineEnd(s string) bool {
	return strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0
}

// associated returns the header and what the text is bound to. The header has one length, so the two cannot be shifted.
func associated(b []byte, bound string) []byte {
	return append(append(make([]byte, 0, headerSize+32), b[:headerSize]...), bound...)
}

// ring returns the keys of the View. Requests with an older View may make the ring of that one anew; either is right for
// its request.
func (s *Sealer) ring(v *directory.View) *ring {
	if r := s.current.Load(); r != nil && r.view == v {
		return r
	}
	r := newRing(v)
	s.current.Store(r)
	return r
}
