package outbound

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
)

var start = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

const (
	issuerID = "11111111-2222-4333-8444-555555555555"
	hostForm = "https://{id}.tokens.example.com"
	pathForm = "https://sts.example.com/issuers/{id}"
)

func made(t *testing.T) *directory.OutboundIssuer {
	t.Helper()
	o := &directory.OutboundIssuer{ID: issuerID, Enabled: true}
	if err := Renew(o, start); err != nil {
		t.Fatal(err)
	}
	return o
}

func ids(o *directory.OutboundIssuer, algorithm string) []string {
	var out []string
	for _, k := range keysFor(o, algorithm) {
		out = append(out, k.ID)
	}
	return out
}

// TestRotation: a key is published a day before it signs, and the one before it a day after that.
func TestRotation(t *testing.T) {
	t.Parallel()
	o := made(t)
	if len(o.Keys) != 2 || Due(o, start) || Due(o, start.Add(life-time.Second)) || !Due(o, start.Add(life)) {
		t.Fatalf("%d keys", len(o.Keys))
	}
	first := ids(o, ES384)[0]
	turn := start.Add(life)
	if err := Renew(o, turn); err != nil {
		t.Fatal(err)
	}
	keys := ids(o, ES384)
	if len(keys) != 2 || keys[0] != first || len(o.Keys) != 4 {
		t.Fatalf("keys %v after %s", keys, first)
	}
	for _, row := range []struct {
		after   time.Duration
		signs   string
		renewal bool
	}{
		{0, keys[0], false}, {lead - time.Second, keys[0], false}, {lead, keys[1], false},
		{lead + rest - time.Second, keys[1], false}, {lead + rest, keys[1], true},
	} {
		k, ok := signing(o, ES384, turn.Add(row.after))
		if !ok || k.ID != row.signs || Due(o, turn.Add(row.after)) != row.renewal {
			t.Errorf("after %v: %v signs", row.after, k)
		}
	}
	if err := Renew(o, turn.Add(lead+rest)); err != nil {
		t.Fatal(err)
	}
	if now := ids(o, ES384); len(now) != 1 || now[0] != keys[1] || len(o.Keys) != 2 {
		t.Errorf("keys %v in the end", now)
	}
}

func view(t *testing.T, o *directory.OutboundIssuer) *directory.View {
	t.Helper()
	b := dt.New(t, nil)
	b.Put(&directory.Account{ID: dt.A, Outbound: o})
	return b.View()
}

// TestTokens: what is published verifies what is signed, before and after the keys are renewed.
func TestTokens(t *testing.T) {
	t.Parallel()
	o := made(t)
	claims := &Claims{Audience: Audience{"a"}, Subject: "arn:aws:iam::111122223333:role/r", Issuer: "https://i", Expires: 2, Issued: 1, ID: "j"}
	site := NewSite(func(id string) string { return strings.ReplaceAll(hostForm, "{id}", id) })
	for _, algorithm := range []string{RS256, ES384} {
		token, err := Sign(o, algorithm, start, claims)
		if err != nil {
			t.Fatal(err)
		}
		renewed := *o
		if err := Renew(&renewed, start.Add(life)); err != nil {
			t.Fatal(err)
		}
		for _, issuer := range []*directory.OutboundIssuer{o, &renewed} {
			text, ok := site.Document(view(t, issuer), issuerID+".tokens.example.com", keySetPath)
			if !ok {
				t.Fatal("no key set")
			}
			var set jose.JSONWebKeySet
			if err := json.Unmarshal(text, &set); err != nil {
				t.Fatal(err)
			}
			for _, k := range set.Keys {
				if !k.Valid() || !k.IsPublic() || k.Use != "sig" {
					t.Errorf("key %+v is published", k)
				}
			}
			signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
			if err != nil {
				t.Fatal(err)
			}
			payload, err := signed.Verify(set.Key(signed.Signatures[0].Header.KeyID)[0])
			if err != nil || !strings.HasPrefix(string(payload), `{"aud":"a","sub":"arn:aws:iam::111122223333:role/r",`) {
				t.Errorf("%s: %s, %v", algorithm, payload, err)
			}
		}
	}
	claims.Audience = Audience{"a", "b"}
	if text, err := json.Marshal(claims); err != nil || !strings.HasPrefix(string(text), `{"aud":["a","b"],`) {
		t.Errorf("two audiences: %s, %v", text, err)
	}
	claims.Subject = strings.Repeat("x", maxPayload)
	if _, err := Sign(o, ES384, start, claims); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large claims: %v", err)
	}
	if _, err := Sign(&directory.OutboundIssuer{}, ES384, start, &Claims{}); err == nil {
		t.Error("an issuer without keys signs")
	}
}

func TestSite(t *testing.T) {
	t.Parallel()
	v := view(t, &directory.OutboundIssuer{ID: issuerID})
	const own = issuerID + ".tokens.example.com"
	tests := []struct {
		form, host, path string
		there            bool
	}{
		{hostForm, own, discoveryPath, true},
		{hostForm, own + ":8443", keySetPath, true},
		{hostForm, strings.ToUpper(own), keySetPath, true},
		{hostForm, own, "/x" + keySetPath, false},
		{hostForm, own, "/.well-known/other", false},
		{hostForm, "sts.example.com", keySetPath, false},
		{hostForm, "99999999-2222-4333-8444-555555555555.tokens.example.com", keySetPath, false},
		{hostForm, ".tokens.example.com", keySetPath, false},
		{"https://{id}.example.com:8443", issuerID + ".example.com:8443", keySetPath, true},
		{"https://{id}.example.com:8443", issuerID + ".example.com", keySetPath, false},
		{pathForm, "whatever", "/issuers/" + issuerID + discoveryPath, true},
		{pathForm, "sts.example.com", "/issuers/" + issuerID + keySetPath, true},
		{pathForm, "sts.example.com", keySetPath, false},
		{pathForm, "sts.example.com", "/issuers/" + keySetPath, false},
		{pathForm, own, "/other/" + issuerID + keySetPath, false},
		{"https://{id}.example.com/v1", issuerID + ".example.com", "/v1" + keySetPath, true},
		{"https://{id}.example.com/v1", issuerID + ".example.com", keySetPath, false},
	}
	for _, tt := range tests {
		site := NewSite(func(id string) string { return strings.ReplaceAll(tt.form, "{id}", id) })
		text, ok := site.Document(v, tt.host, tt.path)
		if ok != tt.there {
			t.Errorf("%s at %s%s: %s, %v", tt.form, tt.host, tt.path, text, ok)
		}
		issuer := strings.ReplaceAll(tt.form, "{id}", issuerID)
		if ok && strings.HasSuffix(tt.path, discoveryPath) && !strings.Contains(string(text), `"issuer":"`+issuer+`","jwks_uri":"`+issuer+keySetPath+`"`) {
			t.Errorf("%s: %s", tt.form, text)
		}
		if !site.Own(v, issuer) || site.Own(v, issuer+"x") || site.Own(v, strings.ReplaceAll(tt.form, "{id}", "other")) {
			t.Errorf("%s: its own issuers", tt.form)
		}
	}
}
