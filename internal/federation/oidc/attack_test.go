package oidc

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/oidc/oidctest"
	"github.com/stint-sts/stint/internal/identity"
)

// attack is a token with exactly one fault.
type attack struct {
	name            string
	token           string
	message, reason string
	code            identity.Code // InvalidIdentityToken if empty
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// TestAttacks refuses each token for its own fault and for no other: beside them stand tokens that are good in every way, which
// are taken. The rows hold advisories 56, 59 to 62, 68 to 70, 73 and 80, and the classes of OpenID's conformance suite for clients
// (advisory 81).
func TestAttacks(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.provide(dt.B, "https://only-in-b.example.com", nil)
	var all []attack
	for _, set := range [][]attack{
		s.formAttacks(), s.headerAttacks(), s.algorithmAttacks(), s.signatureAttacks(), s.issuerAttacks(), s.audienceAttacks(),
		s.subjectAttacks(), s.timeAttacks(), s.sessionAttacks(),
	} {
		all = append(all, set...)
	}
	seen := make(map[string]bool)
	for _, a := range all {
		if seen[a.name] {
			t.Errorf("%s is there twice", a.name)
		}
		seen[a.name] = true
		t.Run(a.name, func(t *testing.T) {
			code := a.code
			if code == "" {
				code = identity.InvalidIdentityToken
			}
			got, err := s.verify(a.token)
			if err == nil {
				t.Fatalf("taken for %+v", got)
			}
			wantRefused(t, err, code, a.message, a.reason)
		})
	}
	if len(all) < 120 {
		t.Errorf("%d tokens, want at least 120", len(all))
	}
}

// TestGoodTokens is the control of TestAttacks.
func TestGoodTokens(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, token := range map[string]string{
		"RSA":                          s.rsa.Token(claimed(nil)),
		"EC":                           s.ec.Token(claimed(nil)),
		"newline at the end":           s.rsa.Token(claimed(nil)) + "\n",
		"carriage return and newline":  s.rsa.Token(claimed(nil)) + "\r\n",
		"without kid":                  s.rsa.Sign(merged(s.rsa.Header(), map[string]any{"kid": gone{}}), oidctest.JSON(claimed(nil))),
		"without typ":                  s.rsa.Sign(merged(s.rsa.Header(), map[string]any{"typ": gone{}}), oidctest.JSON(claimed(nil))),
		"typ in lower case":            s.rsa.Sign(merged(s.rsa.Header(), map[string]any{"typ": "jwt"}), oidctest.JSON(claimed(nil))),
		"access token":                 s.rsa.Sign(merged(s.rsa.Header(), map[string]any{"typ": "at+jwt"}), oidctest.JSON(claimed(nil))),
		"header with a thumbprint":     s.rsa.Sign(merged(s.rsa.Header(), map[string]any{"x5t": "AAAA"}), oidctest.JSON(claimed(nil))),
		"white space in the JSON":      s.rsa.Sign(" "+oidctest.JSON(s.rsa.Header())+"\n", "\t"+oidctest.JSON(claimed(nil))+" "),
		"aud of one":                   s.rsa.Token(claimed(map[string]any{"aud": []string{"client-2"}})),
		"several audiences and azp":    s.rsa.Token(claimed(map[string]any{"aud": []string{"other", "client-1"}, "azp": "client-2"})),
		"azp beside another aud":       s.rsa.Token(claimed(map[string]any{"aud": "other", "azp": "client-1"})),
		"exp within the leeway":        s.rsa.Token(claimed(map[string]any{"exp": now.Add(-59 * time.Second).Unix()})),
		"iat within the leeway":        s.rsa.Token(claimed(map[string]any{"iat": now.Add(time.Minute).Unix()})),
		"nbf within the leeway":        s.rsa.Token(claimed(map[string]any{"nbf": now.Add(time.Minute).Unix()})),
		"nbf":                          s.rsa.Token(claimed(map[string]any{"nbf": now.Unix()})),
		"subject of one character":     s.rsa.Token(claimed(map[string]any{"sub": "a"})),
		"subject of 1024 bytes":        s.rsa.Token(claimed(map[string]any{"sub": strings.Repeat("a", 1024)})),
		"claims that mean nothing":     s.rsa.Token(claimed(map[string]any{"nonce": "n", "nested": map[string]any{"sub": "other"}})),
		"null roles":                   s.rsa.Token(claimed(map[string]any{rolesClaim: nil})),
		"roles with the role":          s.rsa.Token(claimed(map[string]any{rolesClaim: []any{1, "x", " " + roleARN + " "}})),
		"roles with semicolons":        s.rsa.Token(claimed(map[string]any{rolesClaim: "arn:aws:iam::111122223333:role/a;" + roleARN})),
		"nested tags":                  s.rsa.Token(claimed(map[string]any{tagsClaim: map[string]any{"principal_tags": map[string]any{"A": []string{"b"}}}})),
		"tags claim without tags":      s.rsa.Token(claimed(map[string]any{tagsClaim: map[string]any{}})),
		"source identity of 64":        s.rsa.Token(claimed(map[string]any{sourceIdentityClaim: strings.Repeat("a", 64)})),
		"an issuer that spells itself": s.rsa.Token(claimed(map[string]any{"iss": issuer})),
	} {
		if _, err := s.verify(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func (s *stage) formAttacks() []attack {
	good := s.rsa.Token(claimed(nil))
	parts := strings.Split(good, ".")
	join := func(parts ...string) string { return strings.Join(parts, ".") }
	payload := func(text string) string { return s.rsa.Sign(oidctest.JSON(s.rsa.Header()), text) }
	head := func(text string) string { return s.rsa.Sign(text, oidctest.JSON(claimed(nil))) }
	plain := oidctest.JSON(claimed(nil))
	// A last character with bits that count for nothing set.
	spelled := func(part string) string { return part[:len(part)-1] + string(part[len(part)-1]+1) }
	rows := []attack{
		{name: "text", token: "not-a-jwt-at-all", reason: "the token has not three parts"},
		{name: "one dot", token: join(parts[0], parts[1]), reason: "the token has not three parts"},
		{name: "four parts", token: good + "." + parts[2], reason: "the token has not three parts"},
		{name: "JWE", token: join(parts[0], "", parts[1], parts[1], parts[2]), reason: "the token has not three parts"},
		{name: "dot at the end", token: good + ".", reason: "the token has not three parts"},
		{name: "general serialization", token: oidctest.JSON(map[string]any{"payload": parts[1], "signatures": []any{
			map[string]any{"protected": parts[0], "signature": parts[2]}}}), reason: "the token has not three parts"},
		{name: "flattened serialization", token: oidctest.JSON(map[string]any{"payload": parts[1], "protected": parts[0], "signature": parts[2]}),
			reason: "the token has not three parts"},
		{name: "no header", token: join("", parts[1], parts[2]), reason: "the header is not base64url"},
		{name: "no payload", token: join(parts[0], "", parts[2]), reason: "the payload is not base64url"},
		{name: "detached payload", token: join(parts[0], "", base64.RawURLEncoding.EncodeToString(s.rsa.Signature(parts[0]+"."+plain))),
			reason: "the payload is not base64url"},
		{name: "no signature", token: join(parts[0], parts[1], ""), reason: "the signature is not base64url"},
		{name: "space in front", token: " " + good, reason: "the header is not base64url"},
		{name: "space behind", token: good + " ", reason: "the signature is not base64url"},
		{name: "two newlines", token: good + "\n\n", reason: "the signature is not base64url"},
		{name: "newline in the header", token: join(parts[0][:8]+"\n"+parts[0][8:], parts[1], parts[2]), reason: "the header is not base64url"},
		{name: "newline in the payload", token: join(parts[0], parts[1][:8]+"\n"+parts[1][8:], parts[2]), reason: "the payload is not base64url"},
		{name: "newline in the signature", token: join(parts[0], parts[1], parts[2][:8]+"\r\n"+parts[2][8:]), reason: "the signature is not base64url"},
		{name: "padded header", token: join(parts[0]+"==", parts[1], parts[2]), reason: "the header is not base64url"},
		{name: "padded payload", token: join(parts[0], parts[1]+"=", parts[2]), reason: "the payload is not base64url"},
		{name: "padded signature", token: join(parts[0], parts[1], parts[2]+"=="), reason: "the signature is not base64url"},
		{name: "signature of the standard alphabet", token: join(parts[0], parts[1], "+/"+parts[2][2:]), reason: "the signature is not base64url"},
		{name: "another spelling of the signature", token: join(parts[0], parts[1], spelled(parts[2])), reason: "the signature is not base64url"},
		{name: "Bearer", token: "Bearer " + good, reason: "the header is not base64url"},
		{name: "quoted", token: `"` + good + `"`, reason: "the header is not base64url"},
		{name: "token too long", token: payload(oidctest.JSON(claimed(map[string]any{"x": strings.Repeat("a", 15_000)}))), reason: "the token is too long"},
		{name: "header too long", token: head(merged(s.rsa.Header(), map[string]any{"x": strings.Repeat("a", 3100)})), reason: "the header is too long"},
		{name: "header an array", token: head(`["RS256"]`), reason: "the header is not an object"},
		{name: "header null", token: head(`null`), reason: "the header is not an object"},
		{name: "header of nothing", token: head(` `), reason: "the header is not strict JSON"},
		{name: "header with alg twice", token: head(`{"alg":"RS256","alg":"RS256","kid":"rsa"}`), reason: "the header is not strict JSON"},
		{name: "header with Alg beside alg", token: head(`{"alg":"RS256","Alg":"none","kid":"rsa"}`), reason: "the header is not strict JSON"},
		{name: "text after the header", token: head(`{"alg":"RS256","kid":"rsa"}{}`), reason: "the header is not strict JSON"},
		{name: "deep header", token: head(`{"alg":"RS256","kid":"rsa","x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`),
			reason: "the header is not strict JSON"},
		{name: "header of many members", token: head(`{"alg":"RS256","kid":"rsa","x":[` + strings.Repeat("1,", 70) + `1]}`),
			reason: "the header is not strict JSON"},
		{name: "payload an array", token: payload(`[` + plain + `]`), reason: "the payload is not an object"},
		{name: "payload a text", token: payload(`"` + issuer + `"`), reason: "the payload is not an object"},
		{name: "payload cut off", token: payload(plain[:len(plain)-1]), reason: "the payload is not strict JSON"},
		{name: "text after the payload", token: payload(plain + "x"), reason: "the payload is not strict JSON"},
		{name: "two payloads", token: payload(plain + plain), reason: "the payload is not strict JSON"},
		{name: "byte order mark", token: payload("\xef\xbb\xbf" + plain), reason: "the payload is not strict JSON"},
		{name: "payload of UTF-16", token: payload(strings.Join(strings.Split(plain, ""), "\x00")), reason: "the payload is not strict JSON"},
		{name: "invalid UTF-8", token: payload(strings.Replace(plain, "subject-1", "subject-\xff", 1)), reason: "the payload is not strict JSON"},
		{name: "lone surrogate", token: payload(strings.Replace(plain, "subject-1", `\ud800`, 1)), reason: "the payload is not strict JSON"},
		{name: "sub twice", token: payload(plain[:len(plain)-1] + `,"sub":"admin"}`), reason: "the payload is not strict JSON"},
		{name: "the same claim twice", token: payload(plain[:len(plain)-1] + `,"aud":"client-1"}`), reason: "the payload is not strict JSON"},
		{name: "Sub beside sub", token: payload(plain[:len(plain)-1] + `,"Sub":"admin"}`), reason: "the payload is not strict JSON"},
		{name: "long s in sub", token: payload(plain[:len(plain)-1] + `,"ſub":"admin"}`), reason: "the payload is not strict JSON"},
		{name: "duplicate far below", token: payload(plain[:len(plain)-1] + `,"x":{"a":1,"a":2}}`), reason: "the payload is not strict JSON"},
		{name: "comment", token: payload(`/**/` + plain), reason: "the payload is not strict JSON"},
		{name: "comma at the end", token: payload(plain[:len(plain)-1] + `,}`), reason: "the payload is not strict JSON"},
		{name: "NaN", token: payload(strings.Replace(plain, `"exp":`, `"exp":NaN,"x":`, 1)), reason: "the payload is not strict JSON"},
		{name: "deep payload", token: payload(plain[:len(plain)-1] + `,"x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`),
			reason: "the payload is not strict JSON"},
		{name: "payload of many members", token: payload(plain[:len(plain)-1] + `,"x":[` + strings.Repeat("1,", 4100) + `1]}`),
			reason: "the payload is not strict JSON"},
	}
	return told(notJWT, rows)
}

// told sets the message of rows that have none.
func told(message string, rows []attack) []attack {
	for i := range rows {
		if rows[i].message == "" {
			rows[i].message = message
		}
	}
	return rows
}

func (s *stage) headerAttacks() []attack {
	var rows []attack
	with := func(changes map[string]any) string {
		return s.rsa.Sign(merged(s.rsa.Header(), changes), oidctest.JSON(claimed(nil)))
	}
	for name, value := range map[string]any{
		"crit": []string{"exp"}, "b64": true, "jku": "https://evil.example.com/keys", "jwk": s.rsa.JWK(), "x5u": "https://evil.example.com/x",
		"zip": "DEF", "enc": "A128GCM", "cty": "JWT",
	} {
		rows = append(rows, attack{name: "header with " + name, token: with(map[string]any{name: value}), reason: "the header has " + name})
	}
	for _, typ := range []any{"logout+jwt", "secevent+jwt", "dpop+jwt", "JWE", "", 1, nil, []string{"JWT"}} {
		rows = append(rows, attack{name: fmt.Sprintf("typ %v", typ), token: with(map[string]any{"typ": typ}),
			reason: "typ is not a type of token to sign in with"})
	}
	for name, kid := range map[string]any{"number": 1, "null": nil, "empty": "", "list": []string{"rsa"}, "long": strings.Repeat("k", 1025)} {
		rows = append(rows, attack{name: "kid " + name, token: with(map[string]any{"kid": kid}), reason: "kid is not a text of a key id's length"})
	}
	for _, kid := range []string{"other", "RSA", "rsa ", "../../../dev/null", "' OR '1'='1", "http://evil.example.com"} {
		rows = append(rows, attack{name: "unknown kid " + kid, token: with(map[string]any{"kid": kid}), message: noKey,
			reason: "the key set has no key for the token's kid and alg"})
	}
	return told(notJWT, rows)
}

func (s *stage) algorithmAttacks() []attack {
	plain := oidctest.JSON(claimed(nil))
	with := func(k *oidctest.Key, changes map[string]any) string {
		return k.Sign(merged(k.Header(), changes), plain)
	}
	unsigned := func(alg string) string {
		return b64(oidctest.JSON(map[string]any{"alg": alg, "kid": "rsa"})) + "." + b64(plain) + "."
	}
	der, err := x509.MarshalPKIXPublicKey(s.rsa.Public())
	if err != nil {
		s.t.Fatal(err)
	}
	pemText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	modulus, _ := base64.RawURLEncoding.DecodeString(s.rsa.JWK()["n"].(string))
	const notAccepted = "alg is not an algorithm that is accepted"
	rows := []attack{
		{name: "no alg", token: with(s.rsa, map[string]any{"alg": gone{}}), reason: "the header has no alg"},
		{name: "alg a number", token: with(s.rsa, map[string]any{"alg": 256}), reason: "the header has no alg"},
		{name: "alg null", token: with(s.rsa, map[string]any{"alg": nil}), reason: "the header has no alg"},
		{name: "alg a list", token: with(s.rsa, map[string]any{"alg": []string{"RS256"}}), reason: "the header has no alg"},
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE"} {
		rows = append(rows, attack{name: "alg " + alg + " without signature", token: unsigned(alg), reason: notAccepted},
			attack{name: "alg " + alg + " with a signature", token: with(s.rsa, map[string]any{"alg": alg}), reason: notAccepted})
	}
	for _, alg := range []string{"", "rs256", "RS1", "ES256K", "HS1", "RSA-OAEP", "dir", "A128KW", "PBES2-HS256+A128KW"} {
		rows = append(rows, attack{name: "alg " + alg, token: with(s.rsa, map[string]any{"alg": alg}), reason: notAccepted})
	}
	for name, secret := range map[string][]byte{
		"PEM": pemText, "DER": der, "modulus": modulus, "JWK": []byte(oidctest.JSON(s.rsa.JWK())), "empty key": {}, "kid": []byte("rsa"),
	} {
		if name == "empty key" {
			secret = []byte{0}[:0:1]
		}
		for _, alg := range []string{"HS256", "HS384", "HS512"} {
			rows = append(rows, attack{name: alg + " under the " + name, token: oidctest.Symmetric("rsa", alg, secret).Token(claimed(nil)), reason: notAccepted})
		}
	}
	for _, alg := range []string{"PS256", "PS384", "PS512", "EdDSA"} { // AWS takes none of them
		rows = append(rows, attack{name: alg + ", which is off", token: oidctest.NewKey(s.t, "rsa", alg).Token(claimed(nil)), reason: notAccepted})
	}
	const noFit = "the key set has no key for the token's kid and alg"
	return told(notJWT, append(rows,
		attack{name: "RS256 with the kid of the EC key", token: with(s.rsa, map[string]any{"kid": "ec"}), message: noKey, reason: noFit},
		attack{name: "ES256 with the kid of the RSA key", token: with(s.ec, map[string]any{"kid": "rsa"}), message: noKey, reason: noFit},
		attack{name: "RS384 by a key for RS256", token: oidctest.NewKey(s.t, "rsa", "RS384").Token(claimed(nil)), message: noKey, reason: noFit},
		attack{name: "RS512 by a key for RS256", token: oidctest.NewKey(s.t, "rsa", "RS512").Token(claimed(nil)), message: noKey, reason: noFit},
		attack{name: "ES384 by another curve", token: oidctest.NewKey(s.t, "ec", "ES384").Token(claimed(nil)), message: noKey, reason: noFit},
	))
}

func (s *stage) signatureAttacks() []attack {
	good, ec := strings.Split(s.rsa.Token(claimed(nil)), "."), strings.Split(s.ec.Token(claimed(nil)), ".")
	raw := func(part string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			s.t.Fatal(err)
		}
		return b
	}
	signed := func(parts []string, signature []byte) string {
		return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	flipped := raw(good[2])
	flipped[len(flipped)/2] ^= 1
	order := s.ec.Private().(*ecdsa.PrivateKey).Params().N
	pair := func(r, sig *big.Int) []byte {
		return append(r.FillBytes(make([]byte, 32)), sig.FillBytes(make([]byte, 32))...)
	}
	r, sig := new(big.Int).SetBytes(raw(ec[2])[:32]), new(big.Int).SetBytes(raw(ec[2])[32:])
	zero, one := new(big.Int), big.NewInt(1)
	admin := b64(oidctest.JSON(claimed(map[string]any{"sub": "admin"})))
	ps := oidctest.NewKey(s.t, "rsa", "PS256")
	es384 := b64(oidctest.JSON(map[string]any{"alg": "RS384", "kid": "rsa"}))
	return told(notValid, []attack{
		{name: "bit flipped", token: signed(good, flipped), reason: "the signature is wrong"},
		{name: "signature cut off", token: signed(good, raw(good[2])[:255]), reason: "the signature is wrong"},
		{name: "signature extended", token: signed(good, append(raw(good[2]), 0)), reason: "the signature is wrong"},
		{name: "zeros", token: signed(good, make([]byte, 256)), reason: "the signature is wrong"},
		{name: "one byte", token: signed(good, []byte{0}), reason: "the signature is wrong"},
		{name: "payload exchanged", token: good[0] + "." + admin + "." + good[2], reason: "the signature is wrong"},
		{name: "signature of another token", token: good[0] + "." + good[1] + "." + strings.Split(s.rsa.Token(claimed(map[string]any{"sub": "x"})), ".")[2],
			reason: "the signature is wrong"},
		{name: "another RSA key with the kid", token: oidctest.NewRSA("rsa", "RS256", 2048).Token(claimed(nil)), reason: "the signature is wrong"},
		{name: "another EC key with the kid", token: oidctest.NewKey(s.t, "ec", "ES256").Token(claimed(nil)), reason: "the signature is wrong"},
		{name: "another key without kid", token: oidctest.NewRSA("", "RS256", 2048).Token(claimed(nil)), reason: "the signature is wrong"},
		{name: "PSS under RS256", token: signed(good, ps.Signature(good[0]+"."+good[1])), reason: "the signature is wrong"},
		{name: "header exchanged", token: es384 + "." + good[1] + "." + good[2], message: noKey, reason: "the key set has no key for the token's kid and alg"},
		{name: "r and s zero", token: signed(ec, pair(zero, zero)), reason: "the signature is wrong"},
		{name: "r zero", token: signed(ec, pair(zero, sig)), reason: "the signature is wrong"},
		{name: "s zero", token: signed(ec, pair(r, zero)), reason: "the signature is wrong"},
		{name: "r the order", token: signed(ec, pair(order, sig)), reason: "the signature is wrong"},
		{name: "s the order", token: signed(ec, pair(r, order)), reason: "the signature is wrong"},
		{name: "r and s one", token: signed(ec, pair(one, one)), reason: "the signature is wrong"},
		{name: "r and s exchanged", token: signed(ec, pair(sig, r)), reason: "the signature is wrong"},
		{name: "ASN.1", token: signed(ec, asn1Signature(r, sig)), reason: "the signature is wrong"},
		{name: "leading zeros in r and s", token: signed(ec, append(r.FillBytes(make([]byte, 48)), sig.FillBytes(make([]byte, 48))...)),
			reason: "the signature is wrong"},
		{name: "EC signature of nothing", token: signed(ec, make([]byte, 64)[:1]), reason: "the signature is wrong"},
	})
}

func asn1Signature(r, s *big.Int) []byte {
	b, err := asn1.Marshal([]*big.Int{r, s})
	if err != nil {
		panic(err)
	}
	return b
}

func (s *stage) issuerAttacks() []attack {
	rows := []attack{
		{name: "no iss", token: s.rsa.Token(claimed(map[string]any{"iss": gone{}})), message: missingClaim + "iss", reason: "the token has no iss"},
		{name: "iss null", token: s.rsa.Token(claimed(map[string]any{"iss": nil})), message: notValid, reason: "iss is not a text"},
		{name: "iss a number", token: s.rsa.Token(claimed(map[string]any{"iss": 1})), message: notValid, reason: "iss is not a text"},
		{name: "iss a list", token: s.rsa.Token(claimed(map[string]any{"iss": []string{issuer}})), message: notValid, reason: "iss is not a text"},
		{name: "own issuer", token: s.rsa.Token(claimed(map[string]any{"iss": "https://own.example.com/x"})), message: notValid,
			reason: "the token was issued by this server"},
	}
	for _, iss := range []string{"", "http://idp.example.com/tenant", "idp.example.com/tenant", "HTTPS://idp.example.com/tenant", "//idp.example.com/tenant"} {
		rows = append(rows, attack{name: "iss " + iss, token: s.rsa.Token(claimed(map[string]any{"iss": iss})), message: noProvider + iss,
			reason: "the issuer is no URL of https"})
	}
	for _, iss := range []string{
		"https://IDP.example.com/tenant", "https://idp.example.com/Tenant", "https://idp.example.com/tenant/", "https://idp.example.com",
		"https://idp.example.com/", "https://idp.example.com:443/tenant", "https://idp.example.com/tenant?", "https://idp.example.com/tenant#",
		"https://idp.example.com/tenant/../tenant", "https://idp.example.com//tenant", "https://idp.example.com/%74enant",
		"https://user@idp.example.com/tenant", "https://idp.example.com.evil.example/tenant", "https://evil.example/idp.example.com/tenant",
		"https://idp.example.com/tenant ", " https://idp.example.com/tenant"[1:] + "\n", "https://only-in-b.example.com", "https://",
		"https://idp.example.com./tenant",
	} {
		rows = append(rows, attack{name: fmt.Sprintf("iss %q", iss), token: s.rsa.Token(claimed(map[string]any{"iss": iss})),
			message: noProvider + iss, reason: "the account has no provider for the issuer"})
	}
	return rows
}

func (s *stage) audienceAttacks() []attack {
	rows := []attack{
		{name: "no aud", token: s.rsa.Token(claimed(map[string]any{"aud": gone{}})), message: missingClaim + "aud", reason: "the token has no aud"},
		{name: "aud an empty list", token: s.rsa.Token(claimed(map[string]any{"aud": []string{}})), message: emptyClaim + "aud", reason: "aud is an empty list"},
		{name: "aud empty", token: s.rsa.Token(claimed(map[string]any{"aud": ""})), message: notValid, reason: "aud is empty"},
	}
	for name, aud := range map[string]any{
		"null": nil, "a number": 1, "an object": map[string]any{"client-1": true}, "a list in a list": []any{[]string{"client-1"}},
		"a list with a number": []any{"client-1", 1}, "true": true, "a list with null": []any{nil},
	} {
		rows = append(rows, attack{name: "aud " + name, token: s.rsa.Token(claimed(map[string]any{"aud": aud})), message: notValid,
			reason: "aud is neither a text nor a list of texts"})
	}
	for _, aud := range []any{"other", "Client-1", "client-1 ", "client-", "client-11", "*", "client-*", "client-1,client-2", []string{"other"}} {
		rows = append(rows, attack{name: fmt.Sprintf("aud %q", aud), token: s.rsa.Token(claimed(map[string]any{"aud": aud})), message: wrongAudience,
			reason: "the audience is not registered with the provider"})
	}
	for _, aud := range [][]string{{"client-1", "other"}, {"other", "client-1"}, {"client-1", "client-2"}, {"client-1", "client-1"}} {
		rows = append(rows, attack{name: fmt.Sprintf("audiences %q", aud), token: s.rsa.Token(claimed(map[string]any{"aud": aud})),
			message: manyAudiences, reason: "there are several audiences and no azp"})
	}
	for name, azp := range map[string]any{"null": nil, "empty": "", "a number": 1, "a list": []string{"client-1"}} {
		rows = append(rows, attack{name: "azp " + name, token: s.rsa.Token(claimed(map[string]any{"azp": azp})), message: notValid,
			reason: "azp is not a text"})
	}
	return append(rows, attack{name: "azp unregistered beside a registered aud", token: s.rsa.Token(claimed(map[string]any{"azp": "other"})),
		message: wrongAudience, reason: "the audience is not registered with the provider"})
}

func (s *stage) subjectAttacks() []attack {
	rows := []attack{{name: "no sub", token: s.rsa.Token(claimed(map[string]any{"sub": gone{}})), message: missingClaim + "sub", reason: "the token has no sub"}}
	for name, sub := range map[string]any{
		"null": nil, "empty": "", "a number": 123, "a list": []string{"subject-1"}, "true": true, "an object": map[string]any{}, "too long": strings.Repeat("a", 1025),
		"with a newline": "subject-1\nadmin", "with a zero byte": "subject-1\x00", "with an escape": "\x1b[2J", "with C1": "a\u0085b",
	} {
		rows = append(rows, attack{name: "sub " + name, token: s.rsa.Token(claimed(map[string]any{"sub": sub})), message: notValid,
			reason: "sub is not a text of a subject's length without control characters"})
	}
	return rows
}

func (s *stage) timeAttacks() []attack {
	var rows []attack
	for _, name := range []string{"iat", "exp"} {
		rows = append(rows, attack{name: "no " + name, token: s.rsa.Token(claimed(map[string]any{name: gone{}})), message: missingClaim + name,
			reason: "the token has no " + name})
	}
	later := now.Add(time.Hour).Unix()
	for _, name := range []string{"iat", "exp", "nbf"} {
		for what, raw := range map[string]string{
			"null": "null", "a text": fmt.Sprintf("%q", fmt.Sprint(now.Unix())), "true": "true", "a list": fmt.Sprintf("[%d]", later), "a fraction": fmt.Sprintf("%d.5", later),
			"with an exponent": "1.9e9", "negative": "-1", "beyond all": "9223372036854775808", "far beyond": "1e400", "an object": "{}", "too late": "274877906945",
		} {
			payload := oidctest.JSON(claimed(map[string]any{name: gone{}}))
			payload = payload[:len(payload)-1] + fmt.Sprintf(",%q:%s}", name, raw)
			rows = append(rows, attack{name: name + " " + what, token: s.rsa.Sign(oidctest.JSON(s.rsa.Header()), payload), message: badTimestamp,
				reason: "iat, exp or nbf is no whole number of seconds since 1970"})
		}
	}
	early, late := now.Add(-leeway).Unix(), now.Add(leeway).Unix()
	for _, exp := range []int64{0, 1, now.Add(-24 * time.Hour).Unix(), early - 1, early} {
		rows = append(rows, attack{name: fmt.Sprintf("exp %d", exp), token: s.rsa.Token(claimed(map[string]any{"exp": exp})), code: identity.ExpiredTokenException,
			message: fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", early, exp), reason: "exp is over"})
	}
	for _, future := range []int64{late + 1, later} {
		rows = append(rows,
			attack{name: fmt.Sprintf("iat %d", future), token: s.rsa.Token(claimed(map[string]any{"iat": future})),
				message: fmt.Sprintf("Token issued in the future: %d", future), reason: "iat is in the future"},
			attack{name: fmt.Sprintf("nbf %d", future), token: s.rsa.Token(claimed(map[string]any{"nbf": future})),
				message: fmt.Sprintf("Token not yet valid: current date/time %d must be after or equal to the not-before date/time %d", late, future),
				reason:  "nbf is in the future"})
	}
	return rows
}

func (s *stage) sessionAttacks() []attack {
	nested := func(tags any, transitive ...any) string {
		c := map[string]any{"principal_tags": tags}
		if transitive != nil {
			c["transitive_tag_keys"] = transitive
		}
		return s.rsa.Token(claimed(map[string]any{tagsClaim: c}))
	}
	flat := func(changes map[string]any) string { return s.rsa.Token(claimed(changes)) }
	many := make(map[string]any)
	for i := range 51 {
		many[fmt.Sprintf("k%d", i)] = []string{"v"}
	}
	one := map[string]any{"A": []string{"b"}}
	const form = "the tags claim is not of the documented form"
	rows := told(badTags, []attack{
		{name: "tags a text", token: flat(map[string]any{tagsClaim: "a"}), reason: form},
		{name: "tags null", token: flat(map[string]any{tagsClaim: nil}), reason: form},
		{name: "principal tags a list", token: nested([]string{"a"}), reason: form},
		{name: "tag a text", token: nested(map[string]any{"A": "b"}), reason: form},
		{name: "tag of two values", token: nested(map[string]any{"A": []string{"b", "c"}}), reason: form},
		{name: "tag of no value", token: nested(map[string]any{"A": []string{}}), reason: form},
		{name: "tag a number", token: nested(map[string]any{"A": []int{1}}), reason: form},
		{name: "transitive keys not texts", token: nested(one, 1), reason: form},
		{name: "51 tags", token: nested(many), reason: "more than 50 session tags"},
		{name: "empty tag key", token: nested(map[string]any{"": []string{"b"}}), reason: "the key of a session tag is not 1 to 128 of the allowed characters"},
		{name: "long tag key", token: nested(map[string]any{strings.Repeat("k", 129): []string{"b"}}),
			reason: "the key of a session tag is not 1 to 128 of the allowed characters"},
		{name: "tag key with a character", token: nested(map[string]any{"a*": []string{"b"}}),
			reason: "the key of a session tag is not 1 to 128 of the allowed characters"},
		{name: "long tag value", token: nested(map[string]any{"A": []string{strings.Repeat("v", 257)}}),
			reason: "the value of a session tag is not up to 256 of the allowed characters"},
		{name: "tag value with a character", token: nested(map[string]any{"A": []string{"b;c"}}),
			reason: "the value of a session tag is not up to 256 of the allowed characters"},
		{name: "tag of AWS", token: nested(map[string]any{"AWS:x": []string{"b"}}), reason: "the key of a session tag begins with aws:"},
		{name: "transitive key without tag", token: nested(one, "B"), reason: "a transitive tag key is not among the session tags"},
		{name: "the same tag in both forms", token: flat(map[string]any{tagsClaim: map[string]any{"principal_tags": one}, flatTag + "a": "c"}),
			reason: "two session tags have the same key, compared without case"},
		{name: "flat tag a list", token: flat(map[string]any{flatTag + "A": []string{"b"}}), reason: "a flattened tag is not a text"},
		{name: "flat transitive key a text", token: flat(map[string]any{flatTag + "A": "b", flatTransitive: "A"}),
			reason: "the flattened transitive keys are not a list of texts"},
		{name: "flat transitive key without tag", token: flat(map[string]any{flatTransitive: []string{"A"}}), reason: "a transitive tag key is not among the session tags"},
	})
	for name, value := range map[string]any{"a number": 1, "null": nil, "too short": "a", "too long": strings.Repeat("a", 65), "of AWS": "aws:x", "with a space": "a b", "empty": ""} {
		rows = append(rows, attack{name: "source identity " + name, token: flat(map[string]any{sourceIdentityClaim: value}),
			message: `Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`, reason: "the source identity claim is not of the documented form"})
	}
	for name, value := range map[string]any{
		"another role": []string{"arn:aws:iam::111122223333:role/other"}, "nothing": []string{}, "an empty text": "", "wildcard": "arn:aws:iam::111122223333:role/*",
		"upper case": strings.ToUpper(roleARN), "commas": "arn:aws:iam::111122223333:role/a," + roleARN, "a list in a list": []any{[]string{roleARN}},
	} {
		rows = append(rows, attack{name: "roles " + name, token: flat(map[string]any{rolesClaim: value}),
			message: "The target role ARN is not present in the roles claim of the identity token", reason: "the roles claim does not name the role"})
	}
	for name, value := range map[string]any{"a number": 1, "true": true, "an object": map[string]any{"role": roleARN}} {
		rows = append(rows, attack{name: "roles " + name, token: flat(map[string]any{rolesClaim: value}),
			message: "The roles claim is not in a supported format", reason: "the roles claim is neither a text nor a list"})
	}
	return rows
}
