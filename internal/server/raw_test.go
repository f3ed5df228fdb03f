package server

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// advisory 21 (CVE-2025-22871, CVE-2022-1705, CVE-2019-16276) and the oddities of AWS: what is not plainly one request with one
// length is a bare 400, and the connection ends, so that nothing after it can be taken for another request.
func TestBareRefusals(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil)
	const host = "Host: a\r\n"
	smuggled := "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, request := range map[string]string{
		"bad escape in the path":        "GET /%zz HTTP/1.1\r\n" + host + "\r\n",
		"cut escape in the path":        "GET /%2 HTTP/1.1\r\n" + host + "\r\n",
		"unknown method":                "PROPFIND / HTTP/1.1\r\n" + host + "\r\n",
		"lower-case method":             "get / HTTP/1.1\r\n" + host + "\r\n",
		"CONNECT":                       "CONNECT a:1 HTTP/1.1\r\n" + host + "\r\n",
		"TRACE":                         "TRACE / HTTP/1.1\r\n" + host + "\r\n",
		"no method":                     " / HTTP/1.1\r\n" + host + "\r\n",
		"no HTTP":                       "hello\r\n\r\n",
		"HTTP/9":                        "GET / HTTP/9.9\r\n" + host + "\r\n",
		"HTTP/2 preface":                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"no host":                       "GET / HTTP/1.1\r\n\r\n",
		"two hosts":                     "GET / HTTP/1.1\r\n" + host + host + "\r\n",
		"a space in the host":           "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
		"absolute form":                 "GET http://a/ HTTP/1.1\r\n" + host + "\r\n",
		"absolute form, another host":   "GET http://b/ HTTP/1.1\r\n" + host + "\r\n",
		"OPTIONS *":                     "OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
		"a space in the target":         "GET /a b HTTP/1.1\r\n" + host + "\r\n",
		"long query":                    "GET /?" + strings.Repeat("a", maxQueryBytes+1) + " HTTP/1.1\r\n" + host + "\r\n",
		"many headers":                  "GET / HTTP/1.1\r\n" + host + strings.Repeat("A: b\r\n", maxHeaders+1) + "\r\n",
		"many names":                    "GET / HTTP/1.1\r\n" + host + numbered(maxHeaders+1) + "\r\n",
		"long headers":                  "GET / HTTP/1.1\r\n" + host + "A: " + strings.Repeat("a", maxHeaderBytes+8<<10) + "\r\n\r\n",
		"long target":                   "GET /" + strings.Repeat("a", maxHeaderBytes+8<<10) + " HTTP/1.1\r\n" + host + "\r\n",
		"chunked":                       "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n" + smuggled,
		"chunked with a length":         "POST / HTTP/1.1\r\n" + host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled,
		"chunked, then a length":        "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + smuggled,
		"chunked twice":                 "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled,
		"chunked in a list":             "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n" + smuggled,
		"identity":                      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n",
		"xchunked":                      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n" + smuggled,
		"space before the colon":        "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n" + smuggled,
		"space before a length's colon": "POST / HTTP/1.1\r\n" + host + "Content-Length : 4\r\n\r\n" + smuggled,
		"folded line":                   "GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\nTransfer-Encoding:\r\n chunked\r\n\r\n" + smuggled,
		"header without a colon":        "GET / HTTP/1.1\r\n" + host + "A\r\n\r\n",
		"header with a space":           "GET / HTTP/1.1\r\n" + host + "A B: c\r\n\r\n",
		"NUL in a header":               "GET / HTTP/1.1\r\n" + host + "A: \x00\r\n\r\n",
		"CR in a header":                "GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n",
		"two lengths":                   "POST / HTTP/1.1\r\n" + host + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
		"a list of lengths":             "POST / HTTP/1.1\r\n" + host + "Content-Length: 4, 5\r\n\r\nabcd",
		"negative length":               "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
		"signed length":                 "POST / HTTP/1.1\r\n" + host + "Content-Length: +4\r\n\r\nabcd",
		"length beyond an integer":      "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
		"hexadecimal length":            "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x4\r\n\r\nabcd",
	} {
		a := send(t, address, request)
		a.isBare(t, name, http.StatusBadRequest)
		if !a.Close {
			t.Errorf("%s: the connection stays open", name)
		}
	}
	for name, request := range map[string]string{
		"longest query":           "GET /?" + strings.Repeat("a", maxQueryBytes) + " HTTP/1.1\r\n" + host + "\r\n",
		"as many headers as go":   "GET / HTTP/1.1\r\n" + host + numbered(maxHeaders) + "\r\n",
		"a session token of 4 KB": "GET / HTTP/1.1\r\n" + host + "X-Amz-Security-Token: " + strings.Repeat("a", 4<<10) + "\r\n\r\n",
		"HTTP/1.0":                "GET / HTTP/1.0\r\n" + host + "\r\n",
	} {
		if a := send(t, address, request); a.StatusCode != http.StatusFound {
			t.Errorf("%s: %d %q, want 302", name, a.StatusCode, a.body)
		}
	}
	if a := send(t, address, s.raw(t, "/", identityForm, nil)); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if n := s.auditLines(t); n != 1 {
		t.Errorf("%d operations were entered, want 1", n)
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "A%d: b\r\n", i)
	}
	return b.String()
}

// readAll returns everything that comes until the server ends the connection.
func readAll(t *testing.T, name string, c net.Conn) string {
	t.Helper()
	all, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("%s: the connection does not end: %v", name, err)
	}
	return string(all)
}

// advisory 21 (CVE-2025-22871, CVE-2022-1705): what follows a refusal on the same connection is never answered, however whole
// the refused request was: a proxy that counts otherwise took it for a part of that one.
func TestNothingAfterARefusal(t *testing.T) {
	t.Parallel()
	s := newService(t, "a", "sts.example.com")
	address := s.start(t, nil)
	second := s.raw(t, "/", identityForm, nil)
	const chunked = "Transfer-Encoding: chunked\r\n"
	for name, first := range map[string]string{
		"chunked with a length":      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n" + chunked + "\r\n5\r\n",
		"whole chunks with a length": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n" + chunked + "\r\n0\r\n\r\n",
		"length after whole chunks":  "POST / HTTP/1.1\r\nHost: a\r\n" + chunked + "Content-Length: 4\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"whole chunks":               "POST / HTTP/1.1\r\nHost: a\r\n" + chunked + "\r\n0\r\n\r\n",
		"whole chunks with a GET":    "GET / HTTP/1.1\r\nHost: a\r\n" + chunked + "\r\n0\r\n\r\n",
		"whole chunks, unknown path": "POST /x HTTP/1.1\r\nHost: a\r\n" + chunked + "\r\n0\r\n\r\n",
		"whole chunks, own path":     "POST " + contextPath + " HTTP/1.1\r\nHost: a\r\n" + chunked + "\r\n0\r\n\r\n",
		"too large":                  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000001\r\n\r\n",
		"folded":                     "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\nX : y\r\n\r\n",
		"unknown host":               "GET / HTTP/1.1\r\nHost: b\r\n\r\n",
		"unknown host with a body":   "POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc",
		"unknown method":             "PROPFIND / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
		"long query":                 "GET /?" + strings.Repeat("a", maxQueryBytes+1) + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"many headers":               "GET / HTTP/1.1\r\nHost: a\r\n" + numbered(maxHeaders+1) + "\r\n",
		"absolute form":              "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"OPTIONS *":                  "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"chunks in HTTP/1.0":         "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n",
		"chunks in HTTP/1.0 to none": "POST /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n",
	} {
		c := dial(t, address)
		go func() { _, _ = c.Write([]byte(first + second)) }()
		all := readAll(t, name, c)
		if n := strings.Count(all, "HTTP/1."); n != 1 || strings.Contains(all, "GetCallerIdentity") || !strings.Contains(all, "\r\nConnection: close\r\n") {
			t.Errorf("%s: %d answers: %q", name, n, all)
		}
	}
	// Two good ones in one piece are both answered.
	c := dial(t, address)
	_, _ = c.Write([]byte(second + strings.Replace(second, "\r\n", "\r\nConnection: close\r\n", 1)))
	if all := readAll(t, "good ones", c); strings.Count(all, "HTTP/1.1 200 OK") != 2 {
		t.Errorf("good ones: %s", all)
	}
	if n := s.auditLines(t); n != 2 {
		t.Errorf("%d operations were entered, want 2", n)
	}
}

// No input is answered with a 5xx, and none makes the server panic (advisory 11).
func TestMutants(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil, func(h *http.Server) { h.ReadTimeout = 50 * time.Millisecond })
	requests := []string{
		s.raw(t, "/", identityForm, nil),
		s.raw(t, "/", s.assumeForm()+"&Policy=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D&Tags.member.1.Key=a&Tags.member.1.Value=b&DurationSeconds=900", nil),
		s.raw(t, contextPath, `{"providerArn":"arn:aws:iam::111122223333:contextProvider/x","context":{"a":"b"}}`, http.Header{"Content-Type": {"application/json"}}),
		"GET /?" + identityForm + "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb%2Fc%2Fd%2Fe&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00 HTTP/1.1\r\nHost: a\r\n\r\n",
	}
	random := rand.New(rand.NewPCG(1, 2))
	statuses := make(map[int]int)
	const mutants = 1200
	for i := range mutants {
		request := mutate(random, requests[i%len(requests)], requests)
		status, ok := statusOf(t, address, request)
		if !ok {
			statuses[0]++ // cut without an answer: what came was no whole request
			continue
		}
		statuses[status]++
		if status >= 500 {
			t.Errorf("%d for %q", status, request)
		}
	}
	if log := s.log.String(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the server's log: %s", log)
	}
	if statuses[400] < 100 || statuses[403] < 100 || len(statuses) < 5 || statuses[0] > mutants/4 {
		t.Errorf("answers %v: the mutants do not reach every part", statuses)
	}
	if a := send(t, address, s.raw(t, "/", identityForm, nil)); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// statusOf sends what may be no request at all. It closes its half, so that nobody waits for the rest.
func statusOf(t *testing.T, address, request string) (int, bool) {
	t.Helper()
	c := dial(t, address)
	defer c.Close()
	go func() { _, _ = c.Write([]byte(request)) }()
	buffer := make([]byte, 64)
	n, _ := c.Read(buffer)
	var status int
	if _, err := fmt.Sscanf(string(buffer[:n]), "HTTP/1.1 %d", &status); err != nil {
		return 0, false
	}
	return status, true
}

// mutate spoils a request in one to three places: bytes flipped, removed, doubled, exchanged for odd ones, pieces of others.
func mutate(random *rand.Rand, request string, others []string) string {
	b := []byte(request)
	odd := []string{"\r\n", "\n", "\x00", "%", "%00", "&", "=", ";", ",", "/", " ", "\xff", "Transfer-Encoding: chunked\r\n", "Content-Length: 7\r\n", "X-Amz-Date: x\r\n", strings.Repeat("A", 5000), "\u2028", "{", "[[[["}
	for range 1 + random.IntN(3) {
		at := random.IntN(len(b))
		length := min(random.IntN(20), len(b)-at)
		switch random.IntN(7) {
		case 0:
			b[at] ^= 1 << random.IntN(8)
		case 1:
			b = append(b[:at:at], b[at+length:]...)
		case 2:
			b = append(b[:at:at], append([]byte(string(b[at:at+length])), b[at:]...)...)
		case 3:
			b = append(b[:at:at], append([]byte(odd[random.IntN(len(odd))]), b[at:]...)...)
		case 4:
			b[at] = byte(random.IntN(256))
		case 5:
			other := others[random.IntN(len(others))]
			from := random.IntN(len(other))
			b = append(b[:at:at], other[from:]...)
		case 6:
			digit := strings.IndexAny(string(b[at:]), "0123456789")
			if digit >= 0 {
				b[at+digit] = byte('0' + random.IntN(10))
			}
		}
		if len(b) == 0 {
			b = []byte("x")
		}
	}
	return string(b)
}
