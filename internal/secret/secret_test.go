package secret_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/secret"
)

const material = "wJalrXUtnFEMI/K7MDENG"

type nested struct {
	inner  secret.Key
	ptr    *secret.Key
	list   []secret.Key
	byName map[string]secret.Key
	any    any
}

// shows reports whether text holds a recognisable part of the material, in the clear or encoded.
func shows(text string) bool {
	for _, spelling := range []string{
		material[:6], hex.EncodeToString([]byte(material[:6])), strings.ToUpper(hex.EncodeToString([]byte(material[:6]))),
		base64.StdEncoding.EncodeToString([]byte(material[:6])), fmt.Sprint([]byte(material[:6]))[1:20],
	} {
		if strings.Contains(text, spelling) {
			return true
		}
	}
	return false
}

// advisory 129: no printer, logger or marshaller shows a key.
func TestKeyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	k := secret.FromString(material)
	holder := nested{inner: k, ptr: &k, list: []secret.Key{k}, byName: map[string]secret.Key{"k": k}, any: k}
	exported := struct{ Key secret.Key }{k}
	if !shows(fmt.Sprintf("%x %v", []byte(material), material)) || !shows(fmt.Sprint([]byte(material))) {
		t.Fatal("the check itself does not see what is shown")
	}
	for _, v := range []any{k, &k, holder, &holder, exported, []any{k}, map[string]any{"k": k}, fmt.Errorf("x: %v", k)} {
		for _, verb := range strings.Split("v +v #v s q x X d t b o U e p T c +q #x 10s -20v 08x", " ") {
			text := fmt.Sprintf("%"+verb, v)
			if shows(text) {
				t.Errorf("%%%s of %T shows the key: %s", verb, v, text)
			}
			if _, plain := v.(secret.Key); plain && verb != "T" && verb != "p" && text != secret.Redaction {
				t.Errorf("%%%s prints %q", verb, text)
			}
		}
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(h).Info("m", "k", v, slog.Group("g", "k", v))
		}
		if shows(log.String()) {
			t.Errorf("the log of %T shows the key: %s", v, log.String())
		}
	}
	if k.String() != secret.Redaction || k.GoString() != secret.Redaction || k.LogValue().String() != secret.Redaction {
		t.Error("String, GoString and LogValue must redact")
	}
}

func TestKeyIsNeverMarshalled(t *testing.T) {
	t.Parallel()
	exported := struct{ Key secret.Key }{secret.FromString(material)}
	if b, err := json.Marshal(exported); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("json: %s, %v", b, err)
	}
	if b, err := json.Marshal(map[string]any{"k": exported.Key}); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("json in a map: %s, %v", b, err)
	}
	if b, err := xml.Marshal(exported.Key); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("xml: %s, %v", b, err)
	}
	if err := gob.NewEncoder(new(bytes.Buffer)).Encode(exported); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("gob: %v", err)
	}
	if _, err := exported.Key.MarshalBinary(); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("binary: %v", err)
	}
	//nolint:staticcheck // that nothing is exported is the point
	if b, err := json.Marshal(nested{inner: exported.Key}); err != nil || string(b) != "{}" {
		t.Errorf("unexported fields: %s, %v", b, err)
	}
}

func TestAccessKey(t *testing.T) {
	t.Parallel()
	k, err := secret.AccessKey(strings.NewReader("012345678901234567890123456789more"))
	if err != nil || k.RevealString() != "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5" {
		t.Errorf("made a key of %d characters, %v", len(k.RevealString()), err)
	}
	if _, err := secret.AccessKey(strings.NewReader("01234567890123456789012345678")); err == nil {
		t.Error("made a key of too little randomness")
	}
}

func TestKeyIsNotComparable(t *testing.T) {
	t.Parallel()
	if reflect.TypeFor[secret.Key]().Comparable() {
		t.Error("== on keys would leak timing")
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	k := secret.FromString(material)
	if !k.Equal(secret.New([]byte(material))) {
		t.Error("equal keys differ")
	}
	for _, other := range []secret.Key{{}, secret.FromString(material[1:]), secret.FromString(material + "x"), secret.FromString("x")} {
		if k.Equal(other) || other.Equal(k) {
			t.Error("different keys are equal")
		}
	}
	if (secret.Key{}).Equal(secret.Key{}) {
		t.Error("a key that was never set must not open anything")
	}
}

func TestReveal(t *testing.T) {
	t.Parallel()
	source := []byte(material)
	k := secret.New(source)
	source[0] = 'X'
	k.Reveal()[1] = 'X'
	if k.RevealString() != material || string(k.Reveal()) != material {
		t.Errorf("the key changed: %q", k.RevealString())
	}
	var zero secret.Key
	if !zero.IsZero() || k.IsZero() || zero.RevealString() != "" || !secret.New(nil).IsZero() {
		t.Error("the zero Key holds nothing")
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	a, err := secret.Random(32, rand.Reader)
	if err != nil || len(a.Reveal()) != 32 {
		t.Fatalf("got %d bytes, %v", len(a.Reveal()), err)
	}
	if b, _ := secret.Random(32, rand.Reader); a.Equal(b) {
		t.Error("two random keys are equal")
	}
	if k, err := secret.Random(32, bytes.NewReader([]byte("short"))); err == nil || !k.IsZero() {
		t.Error("a short read must give no key")
	}
}
