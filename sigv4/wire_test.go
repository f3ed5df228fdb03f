package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// verifyingServer answers 200 to what verifies, and the error with 403 to what does not.
func verifyingServer(t *testing.T, o Options, secret string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
			req := FromHTTP(r)
			if err := verifyRequest(&req, string(body), o, secret); err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
			}
		}),
	}
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { _ = server.Close(); done.Wait() })
	return listener.Addr().String()
}

// exchange writes raw bytes and returns status and body of the answer.
func exchange(t *testing.T, address string, raw []byte) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err == nil && response.StatusCode == http.StatusContinue {
		response, err = http.ReadResponse(reader, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

// onWire is a request of the suite as a client would send it.
func onWire(raw []byte) []byte {
	head, body, _ := strings.Cut(strings.TrimRight(string(raw), "\n")+"\n", "\n\n")
	if !bytes.Contains(raw, []byte("\n\n")) {
		body = ""
	}
	body = strings.TrimSuffix(body, "\n")
	head = strings.TrimRight(head, "\n")
	if !strings.Contains(strings.ToLower(head), "\ncontent-length:") {
		head += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	head += "\nConnection: close"
	return []byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)
}

// advisory 13. 72 of the 76 verify over a raw socket. The other four have a space in the request line, which net/http
// refuses by itself, as it must: they are tested at the canonicaliser, in TestSuiteV4.
func TestSuiteV4OverTheWire(t *testing.T) {
	t.Parallel()
	cases := loadSuite(t, "v4", 76)
	verified, spaces := 0, 0
	for _, c := range cases {
		t.Run(c.name+"/"+c.form, func(t *testing.T) {
			address := verifyingServer(t, c.options(), c.context.Credentials.Secret)
			status, body := exchange(t, address, onWire(c.raw))
			if strings.HasPrefix(c.name, "get-space-") {
				if status != http.StatusBadRequest {
					t.Errorf("status %d, want net/http's own 400", status)
				}
				spaces++
				return
			}
			if status != http.StatusOK {
				t.Fatalf("status %d: %s", status, body)
			}
			verified++
		})
	}
	if len(cases) > 0 && (verified != 72 || spaces != 4) {
		t.Errorf("%d verify and %d are refused for the space, want 72 and 4", verified, spaces)
	}
}

// advisory 10: any header may be signed, also those that SDKs leave out and those that net/http takes out of its map.
// Advisory 15: a header with underscores is another header.
func TestAnyHeaderOverTheWire(t *testing.T) {
	t.Parallel()
	address := verifyingServer(t, testOptions(), testSecret)
	send := func(names string, headers map[string]string, extra string) (int, string) {
		r := map[string][]string{}
		req := Request{Method: "POST", Path: "/", Host: "sts.example", Header: r, ContentLength: int64(len(testBody))}
		head := "POST / HTTP/1.1\r\nHost: sts.example\r\n"
		for name, value := range headers {
			r[http.CanonicalHeaderKey(name)] = []string{value}
			head += name + ": " + value + "\r\n"
		}
		g := testSigner()
		s := g.begin(testTime)
		s.req, s.SignedHeaders = &req, names
		key, _ := s.DeriveKey(testSecret)
		var w scratch
		text, missing := s.appendCanonical(&w, nil, g.payload([]byte(testBody)))
		if missing != "" {
			t.Fatalf("test error: %s is not sent", missing)
		}
		signature, _ := key.sign(HMAC, s.appendStringToSign(nil, hexSum(text)))
		head += "Authorization: AWS4-HMAC-SHA256 Credential=" + s.credential + ", SignedHeaders=" + names + ", Signature=" + signature + "\r\n"
		return exchange(t, address, []byte(head+extra+"\r\n"+testBody))
	}
	length := fmt.Sprint(len(testBody))
	all := map[string]string{
		"Connection": "close", "Content-Length": length, "User-Agent": "agent/1", "X-Amz-Date": "20150830T123600Z",
		"x-k8s-aws-id": "cluster-1", "X_Custom": "1", "Accept": "application/json", "Expect": "100-continue",
		"Amz-Sdk-Request": "attempt=1", "X-Long-Header-Name-Long-Header-Name-Long-Header-Name-Long-Header-Name-Long": "1",
	}
	names := "accept;amz-sdk-request;connection;content-length;expect;host;user-agent;x-amz-date;x-k8s-aws-id;" +
		"x-long-header-name-long-header-name-long-header-name-long-header-name-long;x_custom"
	status, body := send(names, all, "")
	if status != http.StatusOK {
		t.Errorf("every header signed: %d %s", status, body)
	}
	plain := map[string]string{"Connection": "close", "Content-Length": length, "X-Amz-Date": "20150830T123600Z"}
	for what, extra := range map[string]string{
		"no more headers":                   "",
		"X_Amz_Date is not a second date":   "X_Amz_Date: 20300101T000000Z\r\n",
		"an unsigned header of a proxy":     "X-Amzn-Trace-Id: Root=1\r\n",
		"unsigned Authorization look-alike": "X_Authorization: AWS4-HMAC-SHA256\r\n",
	} {
		if status, body := send("host;x-amz-date", plain, extra); status != http.StatusOK {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
	for extra, reason := range map[string]string{
		"X-Amz-Target: A\r\n":                 "header x-amz-target is not signed",
		"x-AMZ-meta-x: A\r\n":                 "header x-amz-meta-x is not signed",
		"X-Amz-Date: 20150830T123600Z\r\n":    "Date must be in ISO-8601",
		"Authorization: AWS4-HMAC-SHA256\r\n": "more than one Authorization header",
	} {
		if status, body := send("host;x-amz-date", plain, extra); status != http.StatusForbidden || !strings.Contains(body, reason) {
			t.Errorf("%q: %d %s, want a refusal for %q", extra, status, body, reason)
		}
	}
	noDate := map[string]string{"Connection": "close", "Content-Length": length, "X_Amz_Date": "20150830T123600Z"}
	if status, body := send("host;x_amz_date", noDate, ""); status != http.StatusForbidden || !strings.Contains(body, "requires existence of either") {
		t.Errorf("X_Amz_Date alone: %d %s", status, body)
	}
}

func hexSum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return fmt.Appendf(nil, "%x", sum)
}
