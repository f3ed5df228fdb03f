package relying_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	dt "github.com/stint-sts/stint/internal/directory/directorytest"
)

// chunking writes a body in aws-chunked form, straight from S3's documentation: nothing of it is shared with the decoder.
type chunking struct {
	form    string
	trailer string // name of the checksum
	value   string // of the checksum; computed if empty
	lf      bool   // a trailer ends in LF CR LF
}

const (
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	signedChunks    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
)

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func checksumOf(name, body string) string {
	var h hash.Hash
	switch name {
	case "x-amz-checksum-crc32":
		h = crc32.NewIEEE()
	case "x-amz-checksum-crc32c":
		h = crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "x-amz-checksum-crc64nvme":
		h = crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5))
	case "x-amz-checksum-sha1":
		h = sha1.New()
	default:
		h = sha256.New()
	}
	h.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// chunked is a request with a body of these chunks.
func (s *stage) chunked(c credential, k chunking, chunks ...string) *http.Request {
	s.t.Helper()
	whole := strings.Join(chunks, "")
	r := incoming(http.MethodPut, "/b/k", "x")
	r.Header.Set("Content-Encoding", "aws-chunked,gzip")
	r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(len(whole)))
	if k.trailer != "" {
		r.Header.Set("X-Amz-Trailer", k.trailer)
	}
	s.signAs(r, c, k.form)
	_, previous, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	day := s.now().Format("20060102")
	stamp, scope := r.Header.Get("X-Amz-Date"), day+"/"+region+"/s3/aws4_request"
	key := mac(mac(mac(mac([]byte("AWS4"+c.secret), day), region), "s3"), "aws4_request")
	var b strings.Builder
	for _, data := range append(chunks, "") {
		fmt.Fprintf(&b, "%x", len(data))
		if k.form != unsignedTrailer {
			previous = hex.EncodeToString(mac(key, strings.Join([]string{
				"AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, previous, hexHash(""), hexHash(data),
			}, "\n")))
			b.WriteString(";chunk-signature=" + previous)
		}
		b.WriteString("\r\n")
		if data != "" {
			b.WriteString(data + "\r\n")
		}
	}
	if k.trailer != "" {
		if k.value == "" {
			k.value = checksumOf(k.trailer, whole)
		}
		b.WriteString(k.trailer + ":" + k.value)
		if k.lf {
			b.WriteString("\n")
		}
		b.WriteString("\r\n")
	}
	if k.form == signedTrailer {
		text := ""
		if k.trailer != "" {
			text = k.trailer + ":" + k.value + "\n"
		}
		b.WriteString("x-amz-trailer-signature:" + hex.EncodeToString(mac(key, strings.Join([]string{
			"AWS4-HMAC-SHA256-TRAILER", stamp, scope, previous, hexHash(text),
		}, "\n"))) + "\r\n")
	}
	b.WriteString("\r\n")
	setBody(r, b.String())
	return r
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// signAs signs r with a literal as its payload hash: the canonical request is written out here.
func (s *stage) signAs(r *http.Request, c credential, literal string) {
	r.Header.Set("X-Amz-Content-Sha256", literal)
	r.Header.Set("X-Amz-Date", s.now().Format("20060102T150405Z"))
	names := []string{"content-encoding", "host"}
	for _, name := range []string{"x-amz-content-sha256", "x-amz-date", "x-amz-decoded-content-length", "x-amz-security-token", "x-amz-trailer"} {
		if name == "x-amz-security-token" && c.token != "" {
			r.Header.Set(name, c.token)
		}
		if r.Header.Get(name) != "" {
			names = append(names, name)
		}
	}
	var headers strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		headers.WriteString(name + ":" + value + "\n")
	}
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), "", headers.String(), strings.Join(names, ";"), literal}, "\n")
	day := s.now().Format("20060102")
	scope := day + "/" + region + "/s3/aws4_request"
	key := mac(mac(mac(mac([]byte("AWS4"+c.secret), day), region), "s3"), "aws4_request")
	signature := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+r.Header.Get("X-Amz-Date")+"\n"+scope+"\n"+hexHash(canonical)))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+c.id+"/"+scope+", SignedHeaders="+strings.Join(names, ";")+", Signature="+signature)
}

// The aws-chunked forms reach the handler decoded, however the bytes arrive.
func TestChunked(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice := s.User(dt.A, "alice")
	s.refresh()
	c := long(alice.AccessKeys[0])
	chunks := []string{strings.Repeat("a", 70000), strings.Repeat("b", 70000), "the end"}
	forms := []chunking{
		{form: signedChunks}, {form: signedTrailer}, {form: unsignedTrailer},
		{form: signedTrailer, trailer: "x-amz-checksum-crc32c", lf: true},
	}
	for _, name := range []string{"crc32", "crc32c", "crc64nvme", "sha1", "sha256"} {
		forms = append(forms, chunking{form: signedTrailer, trailer: "x-amz-checksum-" + name}, chunking{form: unsignedTrailer, trailer: "x-amz-checksum-" + name})
	}
	for _, k := range forms {
		for _, parts := range [][]string{chunks, {"one"}, nil} {
			r := s.chunked(c, k, parts...)
			wire, _ := io.ReadAll(r.Body)
			for name, from := range map[string]io.Reader{
				"at once": strings.NewReader(string(wire)), "in halves": iotest.HalfReader(strings.NewReader(string(wire))),
				"with the end": iotest.DataErrReader(strings.NewReader(string(wire))),
			} {
				r := r.Clone(t.Context())
				r.Body = io.NopCloser(from)
				if _, err := s.verifier.Authenticate(r); err != nil {
					t.Fatalf("%+v, %s: %v", k, name, err)
				}
				got, err := io.ReadAll(r.Body)
				if want := strings.Join(parts, ""); err != nil || string(got) != want || r.ContentLength != int64(len(want)) || r.Header.Get("Content-Encoding") != "gzip" {
					t.Fatalf("%+v, %s: %d bytes, %v, %v", k, name, len(got), r.Header, err)
				}
				if want := checksumOf(k.trailer, string(got)); k.trailer != "" && r.Trailer.Get(k.trailer) != want {
					t.Errorf("%+v: the trailer is %v, want %s", k, r.Trailer, want)
				}
			}
		}
	}
}

// CRC-64/NVME's check value (CRC catalogue) holds the polynomial of decoder and test to the standard.
func TestCRC64NVME(t *testing.T) {
	t.Parallel()
	if got := crc64.Checksum([]byte("123456789"), crc64.MakeTable(0x9a6c9329ac4bc9b5)); got != 0xae8b14860a799888 {
		t.Errorf("%x", got)
	}
}

// Whatever is spoiled is an error before the last bytes are given, and never a panic (advisory 11).
func TestSpoiledChunks(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice := s.User(dt.A, "alice")
	s.refresh()
	c := long(alice.AccessKeys[0])
	crc := chunking{form: unsignedTrailer, trailer: "x-amz-checksum-crc32"}
	signed := chunking{form: signedChunks}
	both := chunking{form: signedTrailer, trailer: "x-amz-checksum-crc32"}
	zero := strings.Repeat("0", 64)
	replace := func(from, to string) func(string) string {
		return func(b string) string { return strings.Replace(b, from, to, 1) }
	}
	for name, tt := range map[string]struct {
		k            chunking
		spoil        func(string) string
		code, reason string
	}{
		"data of a chunk":             {signed, replace("hello", "hullo"), "SignatureDoesNotMatch", "chunk differs"},
		"data of the last":            {signed, replace("world", "w0rld"), "SignatureDoesNotMatch", "chunk differs"},
		"signature of a chunk":        {signed, func(b string) string { i := strings.Index(b, "=") + 1; return b[:i] + zero + b[i+64:] }, "SignatureDoesNotMatch", "chunk differs"},
		"no signature":                {signed, func(b string) string { i := strings.Index(b, ";"); return b[:i] + b[i+81:] }, "InvalidRequest", "is signed and should not be"},
		"chunks exchanged":            {signed, swapChunks, "SignatureDoesNotMatch", "chunk differs"},
		"the last chunk is not there": {signed, func(b string) string { return b[:strings.LastIndex(b, "0;chunk")] }, "IncompleteBody", ""},
		"cut in a chunk":              {signed, func(b string) string { return b[:100] }, "IncompleteBody", ""},
		"more after the end":          {signed, func(b string) string { return b + "x" }, "InvalidRequest", "after the last chunk"},
		"a trailer":                   {signed, func(b string) string { return b[:len(b)-2] + "x-amz-checksum-crc32:AAAAAA==\r\n\r\n" }, "InvalidRequest", "trailer too many"},
		"signature of the trailers":   {both, func(b string) string { i := strings.Index(b, "ture:") + 5; return b[:i] + zero + b[i+64:] }, "SignatureDoesNotMatch", "chunk differs"},
		"trailers without signature":  {both, func(b string) string { return b[:strings.Index(b, "x-amz-trailer-s")] + "\r\n" }, "SignatureDoesNotMatch", "chunk differs"},
		"wrong checksum":              {crc, replace("hello", "hullo"), "BadDigest", ""},
		"checksum is not there":       {crc, func(b string) string { return b[:strings.Index(b, "x-amz")] + "\r\n" }, "InvalidRequest", "trailer is missing"},
		"checksum twice":              {crc, func(b string) string { i := strings.Index(b, "x-amz"); return b[:len(b)-2] + b[i:] }, "InvalidRequest", "does not announce"},
		"another checksum":            {crc, replace("crc32", "crc32c"), "InvalidRequest", "does not announce"},
		"size with a sign":            {crc, replace("6\r\n", "+6\r\n"), "InvalidRequest", "the size"},
		"size with a space":           {crc, replace("6\r\n", " 6\r\n"), "InvalidRequest", "the size"},
		"size beyond 64 bits":         {crc, replace("6\r\n", "10000000000000006\r\n"), "InvalidRequest", "the size"},
		"size beyond the rest":        {crc, replace("6\r\n", "7fffffffffffffff\r\n"), "IncompleteBody", "more than"},
		"size negative":               {crc, replace("6\r\n", "ffffffffffffffff\r\n"), "InvalidRequest", "the size"},
		"no size":                     {crc, replace("6\r\n", "\r\n"), "InvalidRequest", "the size"},
		"an extension":                {crc, replace("6\r\n", "6;a=b\r\n"), "InvalidRequest", "is signed and should not be"},
		"line feed alone":             {crc, replace("6\r\n", "6\n"), "InvalidRequest", "line feed"},
		"a long line":                 {crc, replace("6\r\n", strings.Repeat("0", 300)+"\r\n"), "InvalidRequest", "too long"},
		"a long trailer":              {crc, replace("x-amz-", strings.Repeat("x", 2000)), "InvalidRequest", "too long"},
		"an early end":                {crc, func(b string) string { return "0\r\n\r\n" }, "IncompleteBody", "before"},
		"chunk longer than it says":   {crc, replace("hello ", "hello you "), "InvalidRequest", "no line break"},
		"a control character":         {crc, replace("crc32:", "crc32:\x00"), "InvalidRequest", "control"},
	} {
		r := s.chunked(c, tt.k, "hello ", "world")
		wire, _ := io.ReadAll(r.Body)
		if tt.spoil(string(wire)) == string(wire) {
			t.Errorf("%s: nothing is spoiled", name)
		}
		setBody(r, tt.spoil(string(wire)))
		if _, err := s.verifier.Authenticate(r); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := io.ReadAll(r.Body)
		wantError(t, name, err, tt.code, "", tt.reason)
		if len(got) >= len("hello world") {
			t.Errorf("%s: all was given: %q", name, got)
		}
		if n, again := r.Body.Read(make([]byte, 10)); n != 0 || !errors.Is(again, err) {
			t.Errorf("%s: read again: %d, %v", name, n, again)
		}
	}
}

func swapChunks(b string) string {
	line := strings.Index(b, "\r\n") + 2
	first := b[:line+6+2]
	rest := b[len(first):]
	second := rest[:strings.Index(rest, "\r\n")+2+5+2]
	return second + first + rest[len(second):]
}

// What the headers say of the form is refused before a byte is read.
func TestChunkedHeaders(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice := s.User(dt.A, "alice")
	s.refresh()
	c := long(alice.AccessKeys[0])
	for name, tt := range map[string]struct {
		form   string
		change func(http.Header)
		code   string
	}{
		"no decoded length":   {signedChunks, func(h http.Header) { h.Del("X-Amz-Decoded-Content-Length") }, "MissingContentLength"},
		"negative":            {signedChunks, func(h http.Header) { h.Set("X-Amz-Decoded-Content-Length", "-1") }, "InvalidArgument"},
		"huge":                {signedChunks, func(h http.Header) { h.Set("X-Amz-Decoded-Content-Length", "9223372036854775807") }, "InvalidArgument"},
		"with zeros":          {signedChunks, func(h http.Header) { h.Set("X-Amz-Decoded-Content-Length", "05") }, "InvalidArgument"},
		"unknown trailer":     {signedTrailer, func(h http.Header) { h.Set("X-Amz-Trailer", "x-amz-meta-a") }, "InvalidRequest"},
		"two trailers":        {signedTrailer, func(h http.Header) { h.Set("X-Amz-Trailer", "x-amz-checksum-crc32,x-amz-checksum-sha1") }, "InvalidRequest"},
		"trailer of no form":  {signedChunks, func(h http.Header) { h.Set("X-Amz-Trailer", "x-amz-checksum-crc32") }, "InvalidRequest"},
		"SigV4A, signed by 4": {"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", func(http.Header) {}, "NotImplemented"},
		"unknown form":        {"STREAMING-AWS4-HMAC-SHA256-EVENTS", func(http.Header) {}, "SignatureDoesNotMatch"},
	} {
		r := incoming(http.MethodPut, "/b/k", "5\r\nhello\r\n0\r\n\r\n")
		r.Header.Set("Content-Encoding", "aws-chunked")
		r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		tt.change(r.Header)
		s.signAs(r, c, tt.form)
		_, err := s.verifier.Authenticate(r)
		wantError(t, name, err, tt.code, "", "")
	}
}

// Signatures stand in the corpus as {0}, {1}, …: the key is another one in every process.
func FuzzChunked(f *testing.F) {
	s := newStage(f, nil)
	alice := s.User(dt.A, "alice")
	s.refresh()
	c := long(alice.AccessKeys[0])
	forms := []chunking{
		{form: signedChunks}, {form: unsignedTrailer, trailer: "x-amz-checksum-crc32"}, {form: signedTrailer, trailer: "x-amz-checksum-sha256"}, {form: unsignedTrailer},
	}
	requests := make([]*http.Request, len(forms))
	signatures := make([]*strings.Replacer, len(forms))
	for i, k := range forms {
		requests[i] = s.chunked(c, k, "hello ", "world")
		wire, _ := io.ReadAll(requests[i].Body)
		var back, forth []string
		for n, signature := range regexp.MustCompile("[0-9a-f]{64}").FindAllString(string(wire), -1) {
			place := "{" + strconv.Itoa(n) + "}"
			back, forth = append(back, signature, place), append(forth, place, signature)
		}
		signatures[i] = strings.NewReplacer(forth...)
		f.Add(uint8(i), strings.NewReplacer(back...).Replace(string(wire)))
	}
	f.Fuzz(func(t *testing.T, form uint8, wire string) {
		i := int(form) % len(forms)
		r := requests[i].Clone(t.Context())
		setBody(r, signatures[i].Replace(wire))
		if _, err := s.verifier.Authenticate(r); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		if err == nil && len(got) != len("hello world") {
			t.Errorf("%q was accepted as %q", wire, got)
		}
		if err == nil && forms[i].form != unsignedTrailer && string(got) != "hello world" {
			t.Errorf("%q, which was not signed, was accepted as %q", wire, got)
		}
	})
}
