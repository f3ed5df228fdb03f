package conformance

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

// advisory 21 (CVE-2025-22871): requests that two readers could read in two ways are refused, though rightly signed.
func TestAmbiguousRequests(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	request := harness.NewPost(identity...)
	harness.Sign(request, h.Signing(h.ops, "sts"))
	honest := string(request.Bytes(h.Address))
	if answer, err := harness.Exchange(h.Address, "POST", []byte(honest)); err != nil || answer.Status != 200 {
		t.Fatalf("the honest request: %v, %v", answer, err)
	}
	replace := func(old, with string) string {
		if !strings.Contains(honest, old) {
			t.Fatalf("the honest request has no %q", old)
		}
		return strings.Replace(honest, old, with, 1)
	}
	head, body, _ := strings.Cut(honest, "\r\n\r\n")
	chunked := "\r\nTransfer-Encoding: chunked\r\n\r\n2b\r\n" + body + "\r\n0\r\n\r\n"
	ambiguous := map[string]string{
		"length and chunks":         head + chunked,
		"chunks alone":              strings.Replace(head, "Content-Length: 43\r\n", "", 1) + chunked,
		"chunks twice":              strings.Replace(head, "Content-Length: 43\r\n", "", 1) + "\r\nTransfer-Encoding: chunked" + chunked,
		"chunks with a tab":         replace("Content-Length: 43", "Transfer-Encoding:\tchunked, identity"),
		"two lengths":               replace("Content-Length: 43", "Content-Length: 43\r\nContent-Length: 42"),
		"a length with a sign":      replace("Content-Length: 43", "Content-Length: +43"),
		"folded length":             replace("Content-Length: 43", "Content-Length: 4\r\n 3"),
		"space before the colon":    replace("Content-Type:", "Content-Type :"),
		"absolute form, other host": replace("POST / HTTP/1.1", "POST http://other.example/ HTTP/1.1"),
		"two hosts":                 replace("Host: ", "Host: other.example\r\nHost: "),
		"no host":                   replace("Host: "+h.Address+"\r\n", ""),
		"a NUL in a header":         replace("Content-Type: ", "Content-Type: \x00"),
		"a bare CR in a header":     replace("Connection: close", "X-A: b\rX-B: c\r\nConnection: close"),
		"HTTP/2.0":                  replace("HTTP/1.1", "HTTP/2.0"),
		"lower-case protocol":       replace("HTTP/1.1", "http/1.1"),
		"a space in the target":     replace("POST / ", "POST / x "),
	}
	for name, raw := range ambiguous {
		answer, err := harness.Exchange(h.Address, "POST", []byte(raw))
		if errors.Is(err, harness.ErrNoAnswer) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if answer.Status < 300 || answer.Status >= 500 && answer.Status != 501 && answer.Status != 505 {
			t.Errorf("%s: %s", name, answer)
		}
	}
	h.must(h.ops, "sts", "GetCallerIdentity")
}

// advisory 21: a folded line is part of the header before it (RFC 9112, 5.2) or refused, never a header of its own.
func TestFoldedHeader(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	request := harness.NewPost(identity...)
	request.Header = append(request.Header, harness.Field{Name: "X-Folded", Value: "a\r\n X-Amz-Security-Token: b"})
	harness.Sign(request, h.Signing(h.ops, "sts"))
	answer := h.send(request)
	if answer.Status != 400 && answer.Value("Arn") != "arn:aws:iam::111122223333:user/ops" {
		t.Errorf("a folded header: %s", answer)
	}
}

// advisory 25: an expectation that is not 100-continue is not waited for.
func TestUnknownExpectation(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	request := harness.NewPost(identity...)
	request.Header = append(request.Header, harness.Field{Name: "Expect", Value: "200-maybe"})
	harness.Sign(request, h.Signing(h.ops, "sts"))
	if answer := h.send(request); answer.Status != 417 && answer.Status != 400 {
		t.Errorf("an unknown expectation: %s", answer)
	}
}

const slowLimit = 12 * time.Second

// advisory 24 (CVE-2026-56853): a client that does not finish its header is sent away in ten seconds, and others are served.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	beginnings := map[string]string{
		"nothing":             "",
		"one byte":            "P",
		"half a header":       "POST / HTTP/1.1\r\nHost: x\r\nX-",
		"half an h2c preface": "PRI * HTTP/2.0\r\n\r\nSM",
		"an h2c preface":      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	}
	var waits sync.WaitGroup
	for name, beginning := range beginnings {
		for range 20 {
			waits.Go(func() {
				if open, err := openAfter(h.Address, beginning, slowLimit); err != nil || open {
					t.Errorf("%s: still open after %v: %v, %v", name, slowLimit, open, err)
				}
			})
		}
	}
	for range 20 {
		begun := time.Now()
		h.must(h.ops, "sts", "GetCallerIdentity")
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("an honest request took %v", took)
		}
	}
	waits.Wait()
}

// openAfter tells whether the server still keeps the connection open after the limit.
func openAfter(address, beginning string, limit time.Duration) (bool, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(beginning)); err != nil {
		return false, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return false, err
	}
	_, err = io.Copy(io.Discard, conn)
	var failure net.Error
	return errors.As(err, &failure) && failure.Timeout(), nil
}
