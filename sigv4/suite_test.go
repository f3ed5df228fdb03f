package sigv4

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The public test suite of AWS (aws-c-auth) is not part of this project; these tests read it from beside it.
const suiteDir = "../../shared/sigv4"

type suiteCase struct {
	name, form string // form is header or query
	raw        []byte // the signed request; two of the v4a directories have none
	context    struct {
		Credentials struct {
			ID     string `json:"access_key_id"`
			Secret string `json:"secret_access_key"`
			Token  string `json:"token"`
		} `json:"credentials"`
		Expiration int       `json:"expiration_in_seconds"`
		Normalize  bool      `json:"normalize"`
		Region     string    `json:"region"`
		Service    string    `json:"service"`
		SignBody   bool      `json:"sign_body"`
		OmitToken  bool      `json:"omit_session_token"`
		Timestamp  time.Time `json:"timestamp"`
	}
	dir string
}

func (c *suiteCase) file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (c *suiteCase) options() Options {
	o := Options{
		Now: c.context.Timestamp, Service: c.context.Service, Regions: []string{c.context.Region},
		TokenAfterSigning: c.context.OmitToken,
	}
	if !c.context.Normalize {
		o.Path = PathS3
	}
	return o
}

// loadSuite reads one half of the suite. With CI=true the suite must be there; elsewhere the project's own vectors have
// to do, and the log says so.
func loadSuite(t testing.TB, version string, floor int) []*suiteCase {
	t.Helper()
	dirs, _ := filepath.Glob(filepath.Join(suiteDir, version, "*", "context.json"))
	if len(dirs) == 0 && os.Getenv("CI") != "true" {
		t.Logf("the suite is not at %s: only the project's own vectors are tested", suiteDir)
		return nil
	}
	var cases []*suiteCase
	for _, path := range dirs {
		for _, form := range []string{"header", "query"} {
			c := &suiteCase{dir: filepath.Dir(path), name: filepath.Base(filepath.Dir(path)), form: form}
			if err := json.Unmarshal(c.file(t, "context.json"), &c.context); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(c.dir, form+"-signed-request.txt")); err == nil {
				c.raw = c.file(t, form+"-signed-request.txt")
			}
			cases = append(cases, c)
		}
	}
	if len(cases) < floor {
		t.Fatalf("%d signed requests in the suite, want at least %d", len(cases), floor)
	}
	return cases
}

// rawRequest reads what net/http would not: line feeds alone, folded headers, raw spaces and UTF-8 in the target.
func rawRequest(t testing.TB, raw []byte) (*Request, []byte) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(raw))
	line, _ := r.ReadString('\n')
	line = strings.TrimSuffix(strings.TrimSpace(line), " HTTP/1.1")
	method, target, _ := strings.Cut(line, " ")
	path, query, _ := strings.Cut(target, "?")
	req := &Request{Method: method, Path: path, RawQuery: query, Header: http.Header{}, ContentLength: -1}
	var last string
	for {
		line, err := r.ReadString('\n')
		text := strings.TrimRight(line, "\r\n")
		if text == "" {
			break
		}
		if text[0] == ' ' || text[0] == '\t' {
			v := req.Header[last]
			v[len(v)-1] += " " + strings.TrimSpace(text)
		} else {
			name, value, _ := strings.Cut(text, ":")
			last = http.CanonicalHeaderKey(name)
			req.Header[last] = append(req.Header[last], strings.TrimSpace(value))
		}
		if err != nil {
			break
		}
	}
	req.Host = req.Header.Get("Host")
	req.Header.Del("Host")
	var body bytes.Buffer
	_, _ = body.ReadFrom(r)
	return req, body.Bytes()
}

func want(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if string(got) != strings.TrimRight(string(want), "\n") {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

// checkCanonical compares the canonical request and the string to sign of an accepted signature byte for byte.
func checkCanonical(t *testing.T, c *suiteCase, s *Signature, body []byte) (stringToSign []byte) {
	t.Helper()
	var w scratch
	hash := sha256.Sum256(body)
	text, missing := s.appendCanonical(&w, nil, hex.AppendEncode(nil, hash[:]))
	if missing != "" {
		t.Errorf("signed header %s is absent", missing)
	}
	want(t, "canonical request", text, c.file(t, c.form+"-canonical-request.txt"))
	hash = sha256.Sum256(text)
	stringToSign = s.appendStringToSign(nil, hex.AppendEncode(nil, hash[:]))
	want(t, "string to sign", stringToSign, c.file(t, c.form+"-string-to-sign.txt"))
	return stringToSign
}

func TestSuiteV4(t *testing.T) {
	t.Parallel()
	cases := loadSuite(t, "v4", 76)
	passed := 0
	for _, c := range cases {
		t.Run(c.name+"/"+c.form, func(t *testing.T) {
			req, body := rawRequest(t, c.raw)
			s, err := Parse(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Check(c.options()); err != nil {
				t.Fatal(err)
			}
			text := checkCanonical(t, c, s, body)
			key := DeriveKey(c.context.Credentials.Secret, s.Date, s.Region, s.Service)
			signature, err := key.sign(HMAC, text)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "signature", []byte(signature), c.file(t, c.form+"-signature.txt"))
			if err := s.Verify(key, sha256.Sum256(body)); err != nil {
				t.Error(err)
			}
			if s.AccessKeyID != c.context.Credentials.ID || s.SessionToken != c.context.Credentials.Token ||
				s.Presigned != (c.form == "query") || !s.Time.Equal(c.context.Timestamp) {
				t.Errorf("parsed %+v", *s)
			}
			if !t.Failed() {
				passed++
			}
		})
	}
	if len(cases) > 0 && passed != 76 {
		t.Errorf("%d of 76 pass", passed)
	}
}

// signCase signs the unsigned request of a case, and returns it with the place that carries the signature.
func signCase(t *testing.T, c *suiteCase, algorithm Algorithm) (r *http.Request, body []byte, carrier string) {
	t.Helper()
	req, body := rawRequest(t, c.file(t, "request.txt"))
	r = &http.Request{Method: req.Method, RequestURI: req.Path, Header: req.Header, Host: req.Host, URL: mustURL(t, "/")}
	if req.RawQuery != "" {
		r.RequestURI += "?" + req.RawQuery
	}
	r.URL.RawQuery = req.RawQuery
	credentials := c.context.Credentials
	g := Signer{
		Credentials: NewCredentials(credentials.ID, credentials.Secret, credentials.Token), Algorithm: algorithm,
		Region: c.context.Region, Service: c.context.Service, Path: c.options().Path, SendContentHash: c.context.SignBody,
	}
	if c.form == "header" {
		if err := g.Sign(r, body, c.context.Timestamp); err != nil {
			t.Fatal(err)
		}
		return r, body, r.Header.Get("Authorization")
	}
	if err := g.Presign(r, body, c.context.Timestamp, time.Duration(c.context.Expiration)*time.Second); err != nil {
		t.Fatal(err)
	}
	r.RequestURI = req.Path + "?" + r.URL.RawQuery
	return r, body, r.URL.RawQuery
}

// The signer makes the suite's v4 signatures from its unsigned requests.
func TestSuiteV4Signer(t *testing.T) {
	t.Parallel()
	for _, c := range loadSuite(t, "v4", 76) {
		t.Run(c.name+"/"+c.form, func(t *testing.T) {
			if c.context.OmitToken {
				return // the signer always signs the token
			}
			_, _, got := signCase(t, c, HMAC)
			if signature := strings.TrimSpace(string(c.file(t, c.form+"-signature.txt"))); !strings.HasSuffix(got, signature) {
				t.Errorf("got %s, want the signature %s", got, signature)
			}
		})
	}
}

// Version 4A: ECDSA signatures are not deterministic, so those of the suite are verified, with its public key and with
// the key pair derived from the secret, which must have that public key. Two of the 40 directories hold only a request:
// they are signed and verified here.
func TestSuiteV4A(t *testing.T) {
	t.Parallel()
	cases := loadSuite(t, "v4a", 80)
	passed, own := 0, 0
	for _, c := range cases {
		t.Run(c.name+"/"+c.form, func(t *testing.T) {
			if c.raw == nil {
				r, body, _ := signCase(t, c, ECDSA)
				req := FromHTTP(r)
				if err := verifyRequest(&req, string(body), c.options(), c.context.Credentials.Secret); err != nil {
					t.Fatal(err)
				}
				own++
				return
			}
			req, body := rawRequest(t, c.raw)
			s, err := Parse(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Check(c.options()); err != nil {
				t.Fatal(err)
			}
			text := checkCanonical(t, c, s, body)
			public := suitePublicKey(t, c)
			derived, err := s.DeriveKey(c.context.Credentials.Secret)
			if err != nil || !derived.public.Equal(public) {
				t.Errorf("the derived key pair has another public key, %v", err)
			}
			for _, key := range []SigningKey{PublicKey(public), derived} {
				if err := s.Verify(key, sha256.Sum256(body)); err != nil {
					t.Error(err)
				}
			}
			hash := sha256.Sum256(text)
			loose, err := hex.DecodeString(strings.TrimSpace(string(c.file(t, c.form+"-signature.txt"))))
			if err != nil || !ecdsa.VerifyASN1(public, hash[:], loose) {
				t.Errorf("the signature in its own file does not verify, %v", err)
			}
			if !t.Failed() {
				passed++
			}
		})
	}
	if len(cases) > 0 && (passed != 76 || own != 4) {
		t.Errorf("%d of the 76 signed requests and %d of the 4 unsigned ones pass", passed, own)
	}
}

func suitePublicKey(t *testing.T, c *suiteCase) *ecdsa.PublicKey {
	t.Helper()
	var point struct{ X, Y string }
	if err := json.Unmarshal(c.file(t, "public-key.json"), &point); err != nil {
		t.Fatal(err)
	}
	number := func(s string) []byte {
		n, ok := new(big.Int).SetString(s, 16)
		if !ok {
			t.Fatalf("bad coordinate %q", s)
		}
		return n.FillBytes(make([]byte, 32))
	}
	encoded := append(append([]byte{4}, number(point.X)...), number(point.Y)...)
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), encoded)
	if err != nil {
		t.Fatal(err)
	}
	return public
}
