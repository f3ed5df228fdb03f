package forward

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/stint-sts/stint/relying"
)

// header is a header that tells the service who calls.
type header struct {
	name  string
	value func(*relying.Caller) string
}

// identity are the headers of every allowed request. All are set, if need be empty, so that none of a client's survives.
var identity = []header{
	{"X-Stint-Arn", func(c *relying.Caller) string { return c.Principal.ARN }},
	{"X-Stint-Account", func(c *relying.Caller) string { return c.Principal.Account }},
	{"X-Stint-User-Id", func(c *relying.Caller) string { return c.UserID }},
	{"X-Stint-Access-Key-Id", func(c *relying.Caller) string { return c.AccessKeyID }},
	{"X-Stint-Session-Name", func(c *relying.Caller) string { return c.SessionName }},
	{"X-Stint-Source-Identity", func(c *relying.Caller) string { return c.SourceIdentity }},
}

// errorHeader has the code of a denial.
const errorHeader = "X-Stint-Error"

// identityHeaders gives names and values. What cannot be in a header is left out; AWS's names cannot have it.
func identityHeaders(c *relying.Caller) [][2]string {
	all := make([][2]string, len(identity))
	for i, h := range identity {
		all[i][0] = h.name
		if v := h.value(c); !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			all[i][1] = v
		}
	}
	return all
}

// write answers over HTTP.
func (v *verdict) write(w http.ResponseWriter, head bool) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if v.allowed {
		for _, pair := range identityHeaders(&v.caller) {
			h.Set(pair[0], pair[1])
		}
		w.WriteHeader(http.StatusOK)
		return
	}
	body, kind := v.body()
	h.Set(errorHeader, v.code) // for nginx, which has no use for the body
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(v.status)
	if !head {
		_, _ = w.Write(body) // a proxy that is gone does not read the answer
	}
}

// body is the denial that proxies other than nginx hand to the client: S3's, or JSON.
func (v *verdict) body() (text []byte, kind string) {
	if !v.xml {
		text, err := json.Marshal(map[string]any{"Error": map[string]string{"Code": v.code, "Message": v.message, "Type": "Sender"}})
		if err != nil {
			return nil, "application/json"
		}
		return text, "application/json"
	}
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error><Code>")
	_ = xml.EscapeText(&b, []byte(v.code)) // a buffer takes everything
	b.WriteString("</Code><Message>")
	_ = xml.EscapeText(&b, []byte(v.message))
	b.WriteString("</Message></Error>")
	return b.Bytes(), "application/xml"
}
