package session

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
)

var messagePurposes = []Purpose{AuthorizationMessage, ContextAssertion, PaginationMarker, ExchangeToken, DeletionTask, SigninToken, ConsoleSession, SignInStep}

// Advisory 34 (SeaweedFS #11383): a text sealed for one purpose is nothing in any other place.
func TestPurposesAreSeparate(t *testing.T) {
	t.Parallel()
	v, s := viewOf(newKey(t, 1, noon)), NewSealer(rand.Reader, at(noon))
	sess := testSession()
	token, err := s.Seal(v, sess)
	if err != nil {
		t.Fatal(err)
	}
	for _, sealed := range messagePurposes {
		text, err := s.SealMessage(v, sealed, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		for _, opened := range append(messagePurposes, 0, sessionToken, 99) {
			plain, err := s.OpenMessage(v, opened, text)
			if opened == sealed && (err != nil || string(plain) != "hello") {
				t.Errorf("purpose %d: %q, %v", sealed, plain, err)
			}
			if opened != sealed && !errors.Is(err, ErrInvalid) {
				t.Errorf("sealed for %d, opened for %d: %v", sealed, opened, err)
			}
		}
		for _, id := range []string{"", sess.AccessKeyID} {
			if _, err := s.Open(v, id, text); !errors.Is(err, ErrInvalid) {
				t.Errorf("a message of purpose %d as a session token: %v", sealed, err)
			}
		}
		if _, err := s.OpenMessage(v, sealed, token); !errors.Is(err, ErrInvalid) {
			t.Errorf("a session token as a message of purpose %d: %v", sealed, err)
		}
	}
	unbound, err := s.seal(v, sessionToken, "", make([]byte, frontSize+10))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenMessage(v, sessionToken, unbound); !errors.Is(err, ErrInvalid) {
		t.Errorf("the inside of a session token as a message: %v", err)
	}
	for _, p := range []Purpose{0, sessionToken, 99} {
		if _, err := s.SealMessage(v, p, []byte("hello")); err == nil {
			t.Errorf("sealed a message for purpose %d", p)
		}
	}
}

func TestMessageLimits(t *testing.T) {
	t.Parallel()
	v, s := viewOf(newKey(t, 1, noon)), NewSealer(rand.Reader, at(noon))
	for _, p := range messagePurposes {
		most := p.limit()/4*3 - frontSize - tagSize
		text, err := s.SealMessage(v, p, bytes.Repeat([]byte{'x'}, most))
		if err != nil || len(text) > p.limit() {
			t.Errorf("purpose %d: %d bytes became %d characters, %v", p, most, len(text), err)
		}
		if plain, err := s.OpenMessage(v, p, text); err != nil || len(plain) != most {
			t.Errorf("purpose %d: opened %d bytes, %v", p, len(plain), err)
		}
		if _, err := s.SealMessage(v, p, make([]byte, most+3)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("purpose %d, %d bytes: %v", p, most+3, err)
		}
	}
}

// Advisory 138 (CVE-2026-33505): a marker that was tampered with is none.
func TestSpoiledMessages(t *testing.T) {
	t.Parallel()
	v, s := viewOf(newKey(t, 1, noon)), NewSealer(rand.Reader, at(noon))
	text, err := s.SealMessage(v, PaginationMarker, []byte("alice"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		mutant := []byte(text)
		mutant[i] ^= 2
		for _, m := range []string{string(mutant), text[:i], text[i:] + "A", text[:i] + "\n" + text[i:]} {
			if _, err := s.OpenMessage(v, PaginationMarker, m); !errors.Is(err, ErrInvalid) {
				t.Fatalf("mutant %q: %v", m, err)
			}
		}
	}
	if _, err := s.OpenMessage(v, PaginationMarker, text); err != nil {
		t.Errorf("positive control: %v", err)
	}
}
