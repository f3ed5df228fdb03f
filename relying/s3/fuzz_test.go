package s3

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzMap holds that no request crashes the mapper, and that every permission is on a bucket and key that the path, the source or the body
// can be written back to.
func FuzzMap(f *testing.F) {
	for _, r := range rows {
		method, target, _ := strings.Cut(r.line, " ")
		copied := ""
		if after, ok := strings.CutPrefix(r.headers, "x-amz-copy-source: "); ok {
			copied, _, _ = strings.Cut(after, "\n")
		}
		f.Add(method, "s3.example.com", target, copied, r.body)
	}
	f.Add("GET", "b-1.s3.example.com:80", "/a/%2e%2e/b?prefix=+&versionId=;", "b/a%3FversionId=x", "<!")
	m := mapper(f, nil)
	f.Fuzz(func(t *testing.T, method, host, target, copied, body string) {
		r := request(http.MethodGet, "/", body)
		r.Method, r.Host, r.RequestURI = method, host, target
		if copied != "" {
			r.Header.Set("x-amz-copy-source", copied)
		}
		call, err := m.Read(r)
		if err != nil {
			return
		}
		requests, err := call.Requests()
		if err != nil {
			return
		}
		if len(requests) == 0 {
			t.Fatal("no permission is needed")
		}
		for _, o := range append([]Object{call.Object, call.Source}, call.Deleted...) {
			if o.Key != "" && m.checkKey(o.Key) != nil || o.Bucket != "" && !bucketName(o.Bucket) {
				t.Errorf("%q is in %q", o.Key, o.Bucket)
			}
		}
		for _, q := range requests {
			if q.Resource != "*" && !strings.HasPrefix(q.Resource, "arn:aws:s3") {
				t.Errorf("%s on %q", q.Action, q.Resource)
			}
		}
	})
}
