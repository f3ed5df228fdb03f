package session

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"testing"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

// Whatever opens is spelt in the one way in which it was sealed.
func FuzzOpen(f *testing.F) {
	k := &directory.SealingKey{ID: 1, Created: noon}
	k.Secret.Key = secret.New(make([]byte, keySize))
	v, s := viewOf(k), NewSealer(rand.Reader, at(noon))
	sess := testSession()
	token, err := s.Seal(v, sess)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sess.AccessKeyID, token)
	f.Add("", "")
	f.Add("x", "AQEAAAAB====")
	f.Fuzz(func(t *testing.T, accessKeyID, text string) {
		got, err := s.Open(v, accessKeyID, text)
		if err != nil {
			return
		}
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil || base64.StdEncoding.EncodeToString(raw) != text || got.AccessKeyID != accessKeyID {
			t.Errorf("opened %q for %q as %+v", text, accessKeyID, got)
		}
	})
}

// A session has one encoding: what decodes, encodes to the same bytes.
func FuzzDecodeSession(f *testing.F) {
	full := testSession()
	bare := &identity.Session{
		Kind: identity.UserSession, AccessKeyID: "ASIA", Secret: secret.FromString("s"), Account: "000000000000", Issued: noon, Expires: noon.Add(1e9),
	}
	for _, s := range []*identity.Session{full, bare} {
		encoded, err := appendSession(nil, s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s, err := decodeSession(string(encoded))
		if err != nil {
			return
		}
		s.AccessKeyID = full.AccessKeyID
		if again, err := appendSession(nil, s); err != nil || !bytes.Equal(again, encoded) {
			t.Errorf("%x decodes to %+v, which encodes to %x, %v", encoded, s, again, err)
		}
	})
}

// Every encoding that is not the one of its session is refused, for its own reason.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	bare := &identity.Session{
		Kind: identity.UserSession, AccessKeyID: "ASIA", Secret: secret.FromString("s"), Account: "000000000000", Issued: noon, Expires: noon.Add(1e9),
	}
	good, err := appendSession(nil, bare)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeSession(string(good)); err != nil {
		t.Fatalf("positive control: %v", err)
	}
	const kind, flagByte, account, secretLength, principalLength, lifetime, arns, tags = 0, 1, 2, 7, 9, 17, 19, 20
	put := func(at int, replace int, with ...byte) string {
		return string(good[:at]) + string(with) + string(good[at+replace:])
	}
	tests := map[string]string{
		"empty":                   "",
		"trailing byte":           string(good) + "\x00",
		"kind 0":                  put(kind, 1, 0),
		"kind 6":                  put(kind, 1, 6),
		"unknown flag":            put(flagByte, 1, 4),
		"account of 13 digits":    put(account, 5, 0xff, 0xff, 0xff, 0xff, 0xff),
		"no secret":               put(secretLength, 2, 0),
		"over-long varint":        put(principalLength, 1, 0x80, 0),
		"varint beyond 64 bits":   put(principalLength, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2),
		"length beyond the limit": put(principalLength, 1, 0xff, 0x7f),
		"no lifetime":             put(lifetime, 1, 0), // advisory 35
		"lifetime over a maximum": put(lifetime, 1, 0xc1, 0xf4, 0x07),
		"ARNs that are not there": put(arns, 1, 2),
		"too many ARNs":           put(arns, 1, 200),
		"too many tags":           put(tags, 1, 200),
		"bit of a tag too many":   put(tags, 2, 1, 2, 2, 0, 0),
		"attributes not there":    put(len(good)-1, 1, 100),
	}
	for name, encoded := range tests {
		if s, err := decodeSession(encoded); err == nil {
			t.Errorf("%s: decoded %+v", name, s)
		}
	}
	if s, err := decodeSession(put(lifetime, 1, 0xc0, 0xf4, 0x07)); err != nil || s.Expires.Sub(s.Issued) != MaxLifetime {
		t.Errorf("positive control of the lifetime: %+v, %v", s, err)
	}
	if s, err := decodeSession(put(tags, 2, 1, 1, 2, 0, 0)); err != nil || len(s.Tags) != 1 || !s.Tags[0].Transitive {
		t.Errorf("positive control of the tags: %+v, %v", s, err)
	}
	for i := range good {
		if _, err := decodeSession(string(good[:i])); err == nil {
			t.Errorf("decoded the first %d of %d bytes", i, len(good))
		}
	}
}
