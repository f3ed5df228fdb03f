package conformance

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

var identity = []harness.Field{{Name: "Action", Value: "GetCallerIdentity"}, {Name: "Version", Value: "2011-06-15"}}

func (h *house) send(r *harness.Request) *harness.Response {
	h.t.Helper()
	answer, err := h.Send(r)
	if err != nil {
		h.t.Fatalf("%s: %v", harness.Cut(string(r.Bytes(h.Address)), 300), err)
	}
	return answer
}

// advisory 4: whatever the content type, an unsigned POST gets nowhere, and only a form is read.
func TestContentTypes(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	types := map[string][]string{
		"multipart": {"multipart/form-data; boundary=b"}, "JSON": {"application/json"}, "text": {"text/plain"},
		"none": nil, "two": {"text/plain", harness.FormType}, "two the other way": {harness.FormType, "text/plain"},
		"nonsense": {";;;"}, "longer": {harness.FormType + "2"},
	}
	for name, values := range types {
		request := harness.NewPost(identity...)
		request.Drop("Content-Type")
		for _, value := range values {
			request.Header = append(request.Header, harness.Field{Name: "Content-Type", Value: value})
		}
		if answer := h.send(request); answer.Status != http.StatusFound && answer.Status != http.StatusForbidden && answer.Status != http.StatusBadRequest {
			t.Errorf("%s, unsigned: %s", name, answer)
		}
	}
	unsigned := h.send(harness.NewPost(identity...))
	h.refused("a form, unsigned", unsigned, "MissingAuthenticationToken")
	h.must(h.ops, "sts", "GetCallerIdentity")
}

// advisory 5 and advisory 15: headers that are not signed, or spelt with underscores, have no say.
func TestUnsignedHeadersHaveNoSay(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	for _, name := range []string{"X-Amz-Target", "X-Amz-Date", "x-amz-meta-user", "X-AMZ-SECURITY-TOKEN"} {
		request := harness.NewPost(identity...)
		harness.Sign(request, h.Signing(h.ops, "sts"))
		request.Header = append(request.Header, harness.Field{Name: name, Value: "x"})
		if answer := h.send(request); answer.Status != 403 && answer.Status != 400 {
			t.Errorf("%s added after signing: %s", name, answer)
		}
	}

	request := harness.NewPost(identity...)
	harness.Sign(request, h.Signing(h.ops, "sts"))
	date, _ := request.Get("X-Amz-Date")
	request.Drop("X-Amz-Date")
	request.Header = append(request.Header, harness.Field{Name: "X_Amz_Date", Value: date})
	if answer := h.send(request); answer.Status == 200 {
		t.Errorf("a date in X_Amz_Date was taken: %s", answer)
	}

	other := h.assume(h.ops)
	for _, field := range []harness.Field{
		{Name: "X_Amz_Security_Token", Value: other.SessionToken},
		{Name: "X-Forwarded-For", Value: "127.0.0.1"},
		{Name: "X-Forwarded-Host", Value: "sts.amazonaws.com"}, // advisory 8
		{Name: "X_Forwarded_User", Value: "root"},
	} {
		request := harness.NewPost(identity...)
		harness.Sign(request, h.Signing(h.ops, "sts"))
		request.Header = append(request.Header, field)
		if answer := h.send(request); answer.Status == 200 && answer.Value("Arn") != "arn:aws:iam::111122223333:user/ops" {
			t.Errorf("%s changed the caller: %s", field.Name, answer)
		}
	}
}

// advisory 9: the body that is parsed is the body that was signed.
func TestOtherBodyThanSigned(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	request := harness.NewPost(identity...)
	harness.Sign(request, h.Signing(h.ops, "sts"))
	request.Body = []byte(harness.Encode([]harness.Field{
		{Name: "Action", Value: "GetSessionToken"}, {Name: "Version", Value: "2011-06-15"}}))
	h.refused("another body", h.send(request), "SignatureDoesNotMatch")

	request = harness.NewGet(identity...)
	harness.Sign(request, h.Signing(h.ops, "sts"))
	request.Method, request.Body = http.MethodPost, []byte(request.Query)
	request.Header = append(request.Header, harness.Field{Name: "Content-Type", Value: harness.FormType})
	h.refused("a GET made a POST", h.send(request), "SignatureDoesNotMatch")
}

// advisory 14 (CVE-2022-2385) and advisory 2 (CVE-2026-41145): what is there twice, or in two places, does not choose the
// caller.
func TestTwiceDoesNotChoose(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	mine := "arn:aws:iam::111122223333:user/ops"

	request := harness.NewPost(append(identity, harness.Field{Name: "action", Value: "GetSessionToken"})...)
	harness.Sign(request, h.Signing(h.ops, "sts"))
	if answer := h.send(request); answer.Status == 200 && answer.Value("Arn") != mine {
		t.Errorf("an action in lower case: %s", answer)
	}

	for _, first := range []bool{true, false} {
		request := harness.NewGet(identity...)
		extra := harness.Encode([]harness.Field{{Name: "X-Amz-Credential", Value: h.Admin.AccessKeyID + "/20260101/us-east-1/sts/aws4_request"}})
		if first {
			request.Query = extra + "&" + request.Query
		}
		signing := h.Signing(h.ops, "sts")
		signing.Expires = 60
		harness.Presign(request, signing)
		if !first {
			request.Query += "&" + extra
		}
		if answer := h.send(request); answer.Status == 200 && answer.Value("Arn") != mine {
			t.Errorf("X-Amz-Credential twice, first %v: %s", first, answer)
		}
	}

	request = harness.NewGet(identity...)
	signing := h.Signing(h.ops, "sts")
	signing.Expires = 60
	harness.Presign(request, signing)
	request.Header = append(request.Header, harness.Field{Name: "Authorization", Value: "garbage"})
	h.refused("query and header", h.send(request), "SignatureDoesNotMatch")
}

// advisory 22 (CVE-2025-61726): floods of parameters are refused, and what they cost is given back.
func TestParameterFloods(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	h.must(h.ops, "sts", "GetCallerIdentity")
	before := resident(t, h.PID())
	pair := "a=b&"
	floods := map[string][]byte{
		"many parameters": []byte(strings.Repeat(pair, 1_000_000)),
		"many separators": bytes.Repeat([]byte("&"), 4_000_000),
		"many members":    []byte(manyMembers(200_000)),
		"one long name":   bytes.Repeat([]byte("n"), 4_000_000),
		"a far member":    []byte("Action=AssumeRole&Version=2011-06-15&Tags.member.2147483647.Key=a&Tags.member.99999999999999999999.Key=b"),
		"deep names":      []byte("Action=AssumeRole&Version=2011-06-15&" + strings.Repeat("Tags.member.1.", 100_000) + "Key=a"),
	}
	for name, body := range floods {
		for _, signed := range []bool{false, true} {
			request := harness.NewPost()
			request.Body = body
			if signed {
				harness.Sign(request, h.Signing(h.ops, "sts"))
			}
			if answer := h.send(request); answer.Status < 300 || answer.Status >= 500 {
				t.Errorf("%s, signed %v: %s", name, signed, answer)
			}
		}
	}
	h.must(h.ops, "sts", "GetCallerIdentity")
	if grown := resident(t, h.PID()) - before; grown > 128<<20 {
		t.Errorf("the server grew by %d MiB", grown>>20)
	}
}

func manyMembers(count int) string {
	var b strings.Builder
	b.WriteString("Action=AssumeRole&Version=2011-06-15&RoleArn=" + workerARN + "&RoleSessionName=shift")
	for i := range count {
		fmt.Fprintf(&b, "&Tags.member.%d.Key=k%d", i+1, i)
	}
	return b.String()
}

// resident is the memory that a process holds, in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Logf("memory is not measured here: %v", err)
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	var kilobytes int
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		t.Fatalf("reading VmRSS: %v", err)
	}
	return kilobytes << 10
}

// advisory 35, advisory 36 (CVE-2026-27840): a token is void when any character of it is changed, missing or added.
func TestSpoiledTokens(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	session, other := h.assume(h.ops), h.assume(h.ops)
	h.must(session, "sts", "GetCallerIdentity")
	token := session.SessionToken
	spoiled := map[string]string{
		"none": "", "another session's": other.SessionToken, "twice": token + token,
		"without padding": strings.TrimRight(token, "="), "with padding": token + "=",
		"URL alphabet": strings.NewReplacer("+", "-", "/", "_").Replace(token),
		"a space":      token[:20] + " " + token[20:], "upper case": strings.ToUpper(token),
	}
	random := rand.New(rand.NewPCG(36, 27840))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for range 120 {
		at := random.IntN(len(token))
		spoiled[fmt.Sprintf("changed at %d", at)] = token[:at] + string(alphabet[random.IntN(len(alphabet))]) + token[at+1:]
		spoiled[fmt.Sprintf("cut at %d", at)] = token[:at]
		spoiled[fmt.Sprintf("from %d", at)] = token[at:]
		spoiled[fmt.Sprintf("more at %d", at)] = token[:at] + string(alphabet[random.IntN(len(alphabet))]) + token[at:]
	}
	tried := 0
	for name, value := range spoiled {
		if value == token {
			continue
		}
		tried++
		made := session
		made.SessionToken = value
		if answer := h.call(made, "sts", "GetCallerIdentity"); answer.Code() != "InvalidClientTokenId" {
			t.Errorf("a token %s: %s", name, answer)
		}
	}
	if tried < 300 {
		t.Errorf("only %d tokens were tried", tried)
	}
	h.must(session, "sts", "GetCallerIdentity")
}

// advisory 34: a token is good for signing beside its key, and in no other place.
func TestTokenInOtherPlaces(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	token := h.assume(h.ops).SessionToken
	for _, field := range []harness.Field{
		{Name: "Authorization", Value: "Bearer " + token}, {Name: "Authorization", Value: token},
		{Name: "Cookie", Value: "session=" + token}, {Name: "X-Amz-Security-Token", Value: token},
	} {
		request := harness.NewPost(identity...)
		request.Header = append(request.Header, field)
		if answer := h.send(request); answer.Status != 400 && answer.Status != 403 {
			t.Errorf("%s: %s", field.Name, answer)
		}
	}
}

// advisory 130 and advisory 131: without a signature there is nothing but refusals on the API listener, on every path.
func TestUnsignedRoutes(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/metrics", "/admin", "/healthz", "/health", "/.well-known/jwks.json",
		"/stint/", "/stint/signing-key", "/private/derive-signing-key", "/v2/keys", "/etcdserverpb.KV/Range", "/..", "/./", "/%2e%2e/", "/a/../"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			request := &harness.Request{Method: method, Path: path}
			if answer := h.send(request); answer.Status < 300 || answer.Status >= 500 {
				t.Errorf("%s %s: %s", method, path, answer)
			}
		}
	}
	operations := map[string][]string{
		"sts": {"AssumeRole", "GetCallerIdentity", "GetSessionToken", "GetFederationToken", "GetAccessKeyInfo", "DecodeAuthorizationMessage", "AssumeRoot", "GetWebIdentityToken", "GetDelegatedAccessToken"},
		"iam": {"CreateUser", "ListUsers", "CreateAccessKey", "DeleteUser", "CreateRole", "CreateVirtualMFADevice", "GetAccountSummary"},
	}
	for service, names := range operations {
		for _, name := range names {
			request := harness.NewPost(harness.Field{Name: "Action", Value: name},
				harness.Field{Name: "Version", Value: harness.Version(service)})
			h.refused(name+", unsigned", h.send(request), "MissingAuthenticationToken")
		}
	}
}

// advisory 7: a list of signed headers that is not clean, or names what is not there, is refused, though the signature fits.
func TestSignedHeadersList(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	clean := []string{"content-type", "host", "x-amz-date"}
	many := append([]string{"content-type", "host"}, make([]string, 0, 5000)...)
	for i := range 5000 {
		many = append(many, fmt.Sprintf("x-%04d", i))
	}
	lists := map[string][]string{
		"an empty element":    {"content-type", "host", "", "x-amz-date"},
		"an empty end":        {"content-type", "host", "x-amz-date", ""},
		"a name twice":        {"content-type", "host", "host", "x-amz-date"},
		"upper case":          {"Content-Type", "host", "x-amz-date"},
		"not sorted":          {"x-amz-date", "host", "content-type"},
		"what is not there":   {"content-type", "host", "x-amz-date", "x-ghost"},
		"no host":             {"content-type", "x-amz-date"},
		"nothing":             {""},
		"thousands":           many,
		"a space in a name":   {"content-type", "host", "x-amz-date", "x a"},
		"the date left out":   {"content-type", "host"},
		"a name with a colon": {"content-type", "host", "x-amz-date:", "x-amz-date"},
	}
	for name, list := range lists {
		request := harness.NewPost(identity...)
		signing := h.Signing(h.ops, "sts")
		signing.SignedHeaders = list
		harness.Sign(request, signing)
		if answer := h.send(request); answer.Status != 400 && answer.Status != 403 {
			t.Errorf("%s: %s", name, answer)
		}
	}
	request := harness.NewPost(identity...)
	signing := h.Signing(h.ops, "sts")
	signing.SignedHeaders = clean
	harness.Sign(request, signing)
	if answer := h.send(request); answer.Status != 200 {
		t.Errorf("a clean list: %s", answer)
	}
}

// advisory 110 (CVE-2025-6014): a code is six ASCII digits, and no other spelling of them.
func TestSpellingsOfACode(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	serial, code := h.device()
	wide := strings.Map(func(digit rune) rune { return digit - '0' + '０' }, code)
	for _, spelling := range []string{" " + code, code + " ", "+" + code[1:], "0" + code, wide, code[:3] + " " + code[3:], code + "\n", ""} {
		answer := h.call(h.ops, "sts", "GetSessionToken", "SerialNumber", serial, "TokenCode", spelling)
		if answer.Status != 400 && answer.Status != 403 {
			t.Errorf("code %q: %s", spelling, answer)
		}
	}
	for _, spelling := range []string{strings.ToUpper(serial), serial + " ", strings.Replace(serial, "phone", "Phone", 1)} {
		answer := h.call(h.ops, "sts", "GetSessionToken", "SerialNumber", spelling, "TokenCode", code)
		if answer.Status != 400 && answer.Status != 403 {
			t.Errorf("serial number %q: %s", spelling, answer)
		}
	}
	h.must(h.ops, "sts", "GetSessionToken", "SerialNumber", serial, "TokenCode", code)
}
