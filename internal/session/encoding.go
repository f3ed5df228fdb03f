package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

// MaxLifetime is the longest that a session lasts: GetSessionToken and GetFederationToken of a user (STS model).
const MaxLifetime = 129600 * time.Second

// The limits of a session's parts, in bytes or entries; each is held on both ways. Names are the longest of the STS and IAM
// models in UTF-8; what has no limit in the models is limited by the length of the token.
const (
	maxID         = 128
	maxSecret     = 128
	maxName       = 512
	maxSource     = 1024
	maxARNs       = 10
	maxTags       = 100 // 50 of the request and, at most, as many inherited
	maxAttributes = 256
	maxValues     = 256
	maxText       = 8192
	maxTime       = 1 << 38 // seconds since 1970
)

// What may be set in the flags.
const (
	flagChained = 1 << iota
	flagMFA
	flagsKnown = flagChained | flagMFA
)

var errEncoding = errors.New("the encoding of the session is not canonical")

// appendSession appends the one encoding of a session:
//
//	kind | flags | account (5) | secret | principal id | name | source identity
//	issued | lifetime | revision | time of MFA, if flagged
//	number of policy ARNs | number of tags | transitive tags, a bit each | length of the packed section
//	packed section: policy ARNs | keys and values of tags | policy (the rest of the section)
//	number of attributes | of each: key | number of values | values
//
// Numbers are the shortest varints; texts have their length in front. The access key id is associated data of the token.
func appendSession(b []byte, s *identity.Session) ([]byte, error) {
	if err := check(s); err != nil {
		return nil, err
	}
	account, err := accountNumber(s.Account)
	if err != nil {
		return nil, err
	}
	b = append(b, byte(s.Kind), flags(s), byte(account>>32), byte(account>>24), byte(account>>16), byte(account>>8), byte(account))
	for _, text := range []string{s.Secret.RevealString(), s.PrincipalID, s.Name, s.SourceIdentity} {
		b = appendText(b, text)
	}
	b = appendNumber(b, s.Issued.Unix())
	b = appendNumber(b, s.Expires.Unix()-s.Issued.Unix())
	b = appendNumber(b, s.Revision)
	if !s.MFATime.IsZero() {
		b = appendNumber(b, s.MFATime.Unix())
	}
	return appendAttributes(appendPacked(b, s), s.Attributes), nil
}

func appendPacked(b []byte, s *identity.Session) []byte {
	b = append(b, byte(len(s.PolicyARNs)), byte(len(s.Tags)))
	bitmap := len(b)
	b = append(b, make([]byte, (len(s.Tags)+7)/8)...)
	for i, t := range s.Tags {
		if t.Transitive {
			b[bitmap+i/8] |= 1 << (i % 8)
		}
	}
	size := Packed(s.Policy, s.PolicyARNs, s.Tags)
	b = appendNumber(b, int64(size.policies+size.tags))
	for _, a := range s.PolicyARNs {
		b = appendText(b, a)
	}
	for _, t := range s.Tags {
		b = appendText(appendText(b, t.Key), t.Value)
	}
	return append(b, s.Policy...)
}

func appendAttributes(b []byte, attributes []identity.Attribute) []byte {
	b = appendNumber(b, int64(len(attributes)))
	for _, a := range attributes {
		b = appendText(b, a.Key)
		b = appendNumber(b, int64(len(a.Values)))
		for _, v := range a.Values {
			b = appendText(b, v)
		}
	}
	return b
}

// check refuses what decoding would refuse or alter.
func check(s *identity.Session) error {
	switch lifetime := s.Expires.Sub(s.Issued); {
	case !knownKind(s.Kind):
		return fmt.Errorf("unknown kind of session %d", s.Kind)
	case s.AccessKeyID == "":
		return errors.New("the session has no access key id")
	case s.Secret.IsZero():
		return errors.New("the session has no secret")
	case !wholeSeconds(s.Issued) || !wholeSeconds(s.Expires) || !s.MFATime.IsZero() && !wholeSeconds(s.MFATime):
		return errors.New("the session's times must be whole seconds after 1970")
	case lifetime < 0 || lifetime == 0 && s.Kind != identity.AssumedRootSession || lifetime > MaxLifetime: // AssumeRoot gives 0 seconds to whoever asks
		return fmt.Errorf("a session lasts from 1 second to %s, not %s", MaxLifetime, lifetime)
	case s.Revision < 0:
		return fmt.Errorf("negative revision %d", s.Revision)
	case len(s.AccessKeyID) > maxID || len(s.Secret.RevealString()) > maxSecret || len(s.PrincipalID) > maxID ||
		len(s.Name) > maxName || len(s.SourceIdentity) > maxSource || len(s.PolicyARNs) > maxARNs || len(s.Tags) > maxTags ||
		Packed(s.Policy, s.PolicyARNs, s.Tags).Fault() != nil || len(s.Attributes) > maxAttributes:
		return ErrTooLarge
	}
	for _, a := range s.Attributes {
		if len(a.Values) > maxValues {
			return ErrTooLarge
		}
	}
	return nil
}

func knownKind(k identity.SessionKind) bool {
	return k >= identity.RoleSession && k <= identity.AssumedRootSession
}

func wholeSeconds(t time.Time) bool {
	return t.Nanosecond() == 0 && t.Unix() >= 0 && t.Unix() <= maxTime
}

func flags(s *identity.Session) byte {
	var f byte
	if s.Chained {
		f |= flagChained
	}
	if !s.MFATime.IsZero() {
		f |= flagMFA
	}
	return f
}

func accountNumber(account arn.AccountID) (uint64, error) {
	if _, err := arn.ParseAccountID(string(account)); err != nil {
		return 0, err
	}
	return strconv.ParseUint(string(account), 10, 40)
}

func appendNumber(b []byte, n int64) []byte { return binary.AppendUvarint(b, uint64(n)) }

func appendText(b []byte, s string) []byte { return append(appendNumber(b, int64(len(s))), s...) }

// decodeSession is the inverse of appendSession: it refuses every text that appendSession cannot have written. The parts of
// the session share the memory of encoded.
func decodeSession(encoded string) (*identity.Session, error) {
	r := &reader{rest: encoded}
	s := &identity.Session{Kind: identity.SessionKind(r.byte())}
	set := r.byte()
	s.Account = r.account()
	s.Secret = secret.FromString(r.text(maxSecret))
	s.PrincipalID, s.Name, s.SourceIdentity = r.text(maxID), r.text(maxName), r.text(maxSource)
	issued := r.number(maxTime)
	expires := issued + r.number(uint64(MaxLifetime/time.Second))
	s.Issued, s.Expires = time.Unix(issued, 0).UTC(), time.Unix(expires, 0).UTC()
	s.Revision = r.number(math.MaxInt64)
	s.Chained = set&flagChained != 0
	if set&flagMFA != 0 {
		s.MFATime = time.Unix(r.number(maxTime), 0).UTC()
	}
	r.packed(s)
	s.Attributes = r.attributes()
	valid := knownKind(s.Kind) && set&^flagsKnown == 0 && !s.Secret.IsZero() && expires > issued && expires <= maxTime
	if r.bad || r.rest != "" || !valid {
		return nil, errEncoding
	}
	return s, nil
}

func (r *reader) packed(s *identity.Session) {
	arns, tags := int(r.byte()), int(r.byte())
	if arns > maxARNs || tags > maxTags {
		r.bad = true
		return
	}
	bitmap := r.take((tags + 7) / 8)
	section := reader{rest: r.text(Allotment)}
	if r.bad || tags%8 != 0 && bitmap[tags/8]>>(tags%8) != 0 {
		r.bad = true
		return
	}
	if arns > 0 {
		s.PolicyARNs = make([]string, arns)
	}
	for i := range s.PolicyARNs {
		s.PolicyARNs[i] = section.text(Allotment)
	}
	if tags > 0 {
		s.Tags = make([]identity.SessionTag, tags)
	}
	for i := range s.Tags {
		s.Tags[i] = identity.SessionTag{
			Key: section.text(Allotment), Value: section.text(Allotment), Transitive: bitmap[i/8]>>(i%8)&1 == 1,
		}
	}
	s.Policy = section.rest
	r.bad = section.bad
}

func (r *reader) attributes() []identity.Attribute {
	n := r.count(maxAttributes)
	if n == 0 {
		return nil
	}
	attributes := make([]identity.Attribute, n)
	for i := range attributes {
		attributes[i].Key = r.text(maxText)
		if values := r.count(maxValues); values > 0 {
			attributes[i].Values = make([]string, values)
		}
		for j := range attributes[i].Values {
			attributes[i].Values[j] = r.text(maxText)
		}
	}
	return attributes
}

// reader takes an encoding apart. After the first fault it is bad, and gives zero values.
type reader struct {
	rest string
	bad  bool
}

func (r *reader) take(n int) string {
	if r.bad || n > len(r.rest) {
		r.bad = true
		return ""
	}
	head := r.rest[:n]
	r.rest = r.rest[n:]
	return head
}

func (r *reader) byte() byte {
	if b := r.take(1); b != "" {
		return b[0]
	}
	return 0
}

// number reads a varint, which must be the shortest of its value.
func (r *reader) number(limit uint64) int64 {
	var n uint64
	for shift := 0; shift <= 63; shift += 7 {
		b := r.byte()
		if r.bad || b == 0 && shift > 0 || shift == 63 && b > 1 {
			break
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			r.bad = n > limit
			if r.bad {
				return 0
			}
			return int64(n)
		}
	}
	r.bad = true
	return 0
}

func (r *reader) text(limit uint64) string { return r.take(int(r.number(limit))) }

// count reads the number of entries that follow, each of which takes at least a byte.
func (r *reader) count(limit uint64) int { return int(r.number(min(limit, uint64(len(r.rest))))) }

func (r *reader) account() arn.AccountID {
	var n uint64
	for range 5 {
		n = n<<8 | uint64(r.byte())
	}
	const accounts = 1_000_000_000_000
	if n >= accounts {
		r.bad = true
		return ""
	}
	return arn.AccountID(strconv.FormatUint(accounts+n, 10)[1:])
}
