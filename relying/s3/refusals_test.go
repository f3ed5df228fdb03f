package s3

import (
	"net/http"
	"strings"
	"testing"
)

// TestRefusals holds that what is unknown or could be read in two ways is refused, each beside what is taken.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		line    string
		headers []string
		body    string
		reason  string // none: it is taken
	}{
		{name: "control", line: "GET /b-1/a/b.txt"},
		{name: "unknown sub-resource", line: "GET /b-1/k?legalhold", reason: `GetObject has no parameter "legalhold"`},
		{name: "sub-resource in another case", line: "GET /b-1/k?ACL", reason: `GetObject has no parameter "ACL"`},
		{name: "sub-resource of another level", line: "GET /b-1/k?policy", reason: `no operation of method "GET" and sub-resource "policy"`},
		{name: "encoded sub-resource", line: "GET /b-1/k?%61cl&tagging", reason: "two sub-resources"},
		{name: "two sub-resources", line: "GET /b-1/k?acl&tagging", reason: "two sub-resources"},
		{name: "sub-resource with a value", line: "GET /b-1/k?acl=x", reason: "has a value"},
		{name: "parameter of another operation", line: "GET /b-1/k?uploadId=u&versionId=v", reason: `ListParts has no parameter "versionId"`},
		{name: "part without upload", line: "PUT /b-1/k?partNumber=1", reason: `PutObject has no parameter "partNumber"`},
		{name: "upload without part", line: "PUT /b-1/k?uploadId=u", reason: "UploadPart needs the parameters uploadId, partNumber"},
		{name: "empty upload", line: "GET /b-1/k?uploadId=", reason: "ListParts needs"},
		{name: "other list type", line: "GET /b-1?list-type=3", reason: "list-type is not 2"},
		{name: "other select type", line: "POST /b-1/k?select&select-type=1", reason: "select-type is not 2"},
		{name: "configuration without id", line: "PUT /b-1?metrics", reason: "needs the parameters id"},
		{name: "other method", line: "PATCH /b-1/k", reason: `no operation of method "PATCH"`},
		{name: "preflight", line: "OPTIONS /b-1/k", reason: `no operation of method "OPTIONS"`},
		{name: "method in lower case", line: "get /b-1/k", reason: `no operation of method "get"`},
		{name: "browser upload", line: "POST /b-1", headers: []string{"Content-Type: multipart/form-data; boundary=x"}, reason: `no operation of method "POST"`},
		{name: "x-id of another operation", line: "GET /b-1/k?x-id=HeadObject", reason: `x-id is "HeadObject" in a request of GetObject`},
		{name: "reading where responses are written", line: "GET /WriteGetObjectResponse", reason: "no operation"},

		{name: "version twice", line: "GET /b-1/k?versionId=1&versionId=2", reason: "twice"},
		{name: "version twice in two cases", line: "GET /b-1/k?versionId=1&versionid=2", reason: "twice"},
		{name: "empty version", line: "GET /b-1/k?versionId=", reason: "versionId is empty"},
		{name: "version with a space", line: "GET /b-1/k?versionId=a%20b", reason: "versionId has the byte 0x20"},
		{name: "semicolon", line: "GET /b-1/k?versionId=1;acl", reason: "semicolon"},
		{name: "bad escape in the query", line: "GET /b-1?prefix=%zz", reason: "the escape"},
		{name: "escape cut off", line: "GET /b-1?prefix=a%2", reason: "cut off"},
		{name: "plus sign in a prefix", line: "GET /b-1?prefix=a+b", reason: "plus sign"},
		{name: "encoded plus sign in a prefix", line: "GET /b-1?prefix=a%2Bb"},
		{name: "max-keys that is no number", line: "GET /b-1?max-keys=0x10", reason: "max-keys is not a number"},
		{name: "too many parameters", line: "GET /b-1?a" + strings.Repeat("&", maxParameters), reason: "more than 64"},

		{name: "dot segments", line: "GET /b-1/a/../c", reason: `the segment ".."`},
		{name: "encoded dot segments", line: "GET /b-1/a/%2e%2E/c", reason: `the segment ".."`},
		{name: "dot segment at the end", line: "GET /b-1/a/..", reason: `the segment ".."`},
		{name: "one dot", line: "GET /b-1/./a", reason: `the segment "."`},
		{name: "dots in a name", line: "GET /b-1/..a/b..c/.d"},
		{name: "encoded slash", line: "GET /b-1/a%2Fb", reason: "encoded slash"},
		{name: "encoded percent sign", line: "GET /b-1/a%252Fb"},
		{name: "double slash", line: "GET /b-1/a//b", reason: `the segment ""`},
		{name: "leading slash", line: "GET /b-1//a", reason: `the segment ""`},
		{name: "slashes before the bucket", line: "GET //b-1/a", reason: "not the name of a bucket"},
		{name: "trailing slash", line: "GET /b-1/a/"},
		{name: "NUL", line: "GET /b-1/a%00b", reason: "NUL"},
		{name: "backslash", line: "GET /b-1/a%5c..%5cb", reason: "backslash"},
		{name: "plus sign", line: "GET /b-1/a+b", reason: "plus sign"},
		{name: "encoded plus sign", line: "GET /b-1/a%2Bb"},
		{name: "not UTF-8", line: "GET /b-1/%ff", reason: "not UTF-8"},
		{name: "long key", line: "GET /b-1/" + strings.Repeat("a", maxKey+1), reason: "more than 1024 bytes"},
		{name: "bucket in upper case", line: "GET /B-1/a", reason: "not the name of a bucket"},
		{name: "bucket of dots", line: "GET /../a", reason: "not the name of a bucket"},
		{name: "encoded bucket", line: "GET /b%2d1/a", reason: "not the name of a bucket"},
		{name: "other host", line: "GET /b-1/a", headers: []string{"Host: other.example.com"}, reason: "none of this service's"},
		{name: "host with a bad port", line: "GET /b-1/a", headers: []string{"Host: s3.example.com:x"}, reason: "not a number"},
		{name: "host with a bad bucket", line: "GET /b-1/a", headers: []string{"Host: a..b.s3.example.com"}, reason: "not the name of a bucket"},
		{name: "host that only ends alike", line: "GET /b-1/a", headers: []string{"Host: evils3.example.com"}, reason: "none of this service's"},

		{name: "copy with another operation", line: "PUT /b-1/k?acl", headers: []string{"x-amz-copy-source: b-1/a"}, reason: "has no copy source"},
		{name: "copy in a GET", line: "GET /b-1/k", headers: []string{"x-amz-copy-source: b-1/a"}, reason: "has no copy source"},
		{name: "two copy sources", line: "PUT /b-1/k", headers: []string{"x-amz-copy-source: b-1/a", "x-amz-copy-source: b-1/c"}, reason: "2 times"},
		{name: "copy source in header and query", line: "PUT /b-1/k?X-Amz-Copy-Source=b-1/a", headers: []string{"x-amz-copy-source: b-1/c"}, reason: "2 times"},
		{name: "copy source with dots", line: "PUT /b-1/k", headers: []string{"x-amz-copy-source: b-1/a/%2e%2e/c"}, reason: `the segment ".."`},
		{name: "copy source without key", line: "PUT /b-1/k", headers: []string{"x-amz-copy-source: b-1"}, reason: "empty key"},
		{name: "copy source of an access point", line: "PUT /b-1/k", headers: []string{"x-amz-copy-source: arn:aws:s3:eu-1:1:accesspoint/p/object/k"}, reason: "access point"},
		{name: "copy source with other parameters", line: "PUT /b-1/k", headers: []string{"x-amz-copy-source: b-1/a?acl"}, reason: "other than a versionId"},
		{name: "copy source with a hidden version", line: "PUT /b-1/k", headers: []string{"x-amz-copy-source: b-1/a%3FversionId%3Dv"}, reason: "versionId in it"},
		{name: "copy source with two versions", line: "PUT /b-1/k", headers: []string{"x-amz-copy-source: b-1/a?versionId=v?versionId=w"}, reason: "other than a versionId"},
		{name: "other tagging directive", line: "PUT /b-1/k", headers: []string{"x-amz-copy-source: b-1/a", "x-amz-tagging-directive: copy"}, reason: "tagging directive"},
		{name: "rename without source", line: "PUT /b-1/k?renameObject", reason: "rename source"},
		{name: "rename source without rename", line: "PUT /b-1/k", headers: []string{"x-amz-rename-source: b-1/a"}, reason: "rename source"},
		{name: "rename across buckets", line: "PUT /b-1/k?renameObject", headers: []string{"x-amz-rename-source: b-2/a"}, reason: "another bucket"},
		{name: "other session mode", line: "GET /b-1?session", headers: []string{"x-amz-create-session-mode: All"}, reason: "session mode"},

		{name: "header with underscores", line: "PUT /b-1/k", headers: []string{"X_Amz_Copy_Source: b-1/a"}, reason: "underscore"},
		{name: "metadata with underscores", line: "PUT /b-1/k", headers: []string{"x-amz-meta-a_b: c"}},
		{name: "snowball", line: "PUT /b-1/k", headers: []string{"X-Amz-Meta-Snowball-Auto-Extract: true"}, reason: "extension"},
		{name: "delete by prefix", line: "DELETE /b-1/k", headers: []string{"X-Minio-Force-Delete: true"}, reason: "extension"},
		{name: "method override", line: "GET /b-1/k", headers: []string{"X-HTTP-Method-Override: DELETE"}, reason: "another method"},
		{name: "two signatures", line: "GET /b-1/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261124T120000Z", reason: "two signatures"},
		{name: "tags in a part", line: "PUT /b-1/k?uploadId=u&partNumber=1", headers: []string{"x-amz-tagging: a=b"}, reason: "no tags in a header"},
		{name: "tag twice", line: "PUT /b-1/k", headers: []string{"x-amz-tagging: a=b&A=c"}, reason: "twice"},
		{name: "bad tag", line: "PUT /b-1/k", headers: []string{"x-amz-tagging: a=%"}, reason: "x-amz-tagging"},
		{name: "tag without key", line: "PUT /b-1/k", headers: []string{"x-amz-tagging: =c"}, reason: "without a key"},
		{name: "bad date", line: "PUT /b-1/k", headers: []string{"x-amz-object-lock-retain-until-date: soon"}, reason: "not a time"},

		{name: "DeleteObjects without body", line: "POST /b-1?delete", reason: "without a body"},
		{name: "DeleteObjects of nothing", line: "POST /b-1?delete", body: "<Delete></Delete>", reason: "0 objects"},
		{name: "DeleteObjects of dots", line: "POST /b-1?delete", body: "<Delete><Object><Key>a/../b</Key></Object></Delete>", reason: `the segment ".."`},
		{name: "DeleteObjects with an empty key", line: "POST /b-1?delete", body: "<Delete><Object/></Delete>", reason: "empty key"},
		{name: "DeleteObjects with two keys in one", line: "POST /b-1?delete", body: "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>", reason: "two of Key"},
		{name: "DeleteObjects with another element", line: "POST /b-1?delete", body: "<Delete><Prefix>a</Prefix></Delete>", reason: "has no Prefix"},
		{name: "DeleteObjects with an element inside", line: "POST /b-1?delete", body: "<Delete><Object><Key>a<b/></Key></Object></Delete>", reason: "text beside elements"},
		{name: "comment in a key", line: "POST /b-1?delete", body: "<Delete><Object><Key>a<!-- -->b</Key></Object></Delete>", reason: "comment"},
		{name: "CDATA", line: "POST /b-1?delete", body: "<Delete><Object><Key><![CDATA[a]]></Key></Object></Delete>", reason: "CDATA"},
		{name: "entities", line: "POST /b-1?delete", body: `<!DOCTYPE a [<!ENTITY e "x">]><Delete><Object><Key>&e;</Key></Object></Delete>`, reason: "declaration of types"},
		{name: "processing instruction", line: "POST /b-1?delete", body: "<?xml version='1.0'?><?a b?><Delete><Object><Key>a</Key></Object></Delete>", reason: "processing instruction"},
		{name: "other namespace", line: "POST /b-1?delete", body: `<Delete xmlns="urn:x"><Object><Key>a</Key></Object></Delete>`, reason: "another namespace"},
		{name: "attribute", line: "POST /b-1?delete", body: `<Delete><Object a="b"><Key>a</Key></Object></Delete>`, reason: "attribute a"},
		{name: "two roots", line: "POST /b-1?delete", body: "<Delete><Object><Key>a</Key></Object></Delete><Delete/>", reason: "two roots"},
		{name: "text after the root", line: "POST /b-1?delete", body: "<Delete><Object><Key>a</Key></Object></Delete>x", reason: "outside its root"},
		{name: "other encoding", line: "POST /b-1?delete", body: `<?xml version="1.0" encoding="UTF-16"?><Delete><Object><Key>a</Key></Object></Delete>`, reason: "XML:"},
		{name: "cut off", line: "POST /b-1?delete", body: "<Delete><Object><Key>a</Key>", reason: "XML:"},
		{name: "deep", line: "POST /b-1?delete", body: strings.Repeat("<Delete>", maxDepth+2), reason: "deeper than"},
		{name: "too many objects", line: "POST /b-1?delete", body: "<Delete>" + strings.Repeat("<Object><Key>a</Key></Object>", maxDeleted+1) + "</Delete>", reason: "1001 objects"},
		{name: "large body", line: "POST /b-1?delete", body: strings.Repeat(" ", MaxBody+1), reason: "more than 2097152 bytes"},
		{name: "another body", line: "PUT /b-1/k?tagging", body: "<Delete/>", reason: "where Tagging belongs"},
		{name: "Tagging without a set", line: "PUT /b-1/k?tagging", body: "<Tagging/>", reason: "without TagSet"},
		{name: "other legal hold", line: "PUT /b-1/k?legal-hold", body: "<LegalHold><Status>on</Status></LegalHold>", reason: "legal hold"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			method, target, _ := strings.Cut(tt.line, " ")
			r := request(method, target, tt.body)
			for _, h := range tt.headers {
				name, value, _ := strings.Cut(h, ": ")
				if name == "Host" {
					r.Host = value
				} else {
					r.Header[http.CanonicalHeaderKey(name)] = append(r.Header.Values(name), value)
				}
			}
			_, err := mapper(t, nil).Map(r)
			switch {
			case tt.reason == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.reason != "" && (err == nil || !strings.Contains(err.Error(), tt.reason)):
				t.Errorf("error %v, without %q", err, tt.reason)
			}
		})
	}
}

// TestExactKeys holds that a service whose keys are bytes is given them byte by byte.
func TestExactKeys(t *testing.T) {
	t.Parallel()
	m := mapper(t, func(c *Config) { c.ExactKeys = true })
	for target, key := range map[string]string{
		"/b-1/a/../c": "a/../c", "/b-1//a": "/a", "/b-1/a%2Fb": "a/b", "/b-1/a+b": "a+b", "/b-1/a%5Cb": `a\b`, "/b-1/%252e": "%2e",
	} {
		if got, want := needed(t, m, request("GET", target, "")), "s3:GetObject "+on+"/"+key; len(got) != 1 || got[0] != want {
			t.Errorf("GET %s needs %q, not %q", target, got, want)
		}
	}
	for _, target := range []string{"/b-1/a%00", "/b-1/%ff", "/b-1/%"} {
		if got, err := m.Map(request("GET", target, "")); err == nil {
			t.Errorf("GET %s needs %v", target, got)
		}
	}
}

// TestHosts holds where the bucket is.
func TestHosts(t *testing.T) {
	t.Parallel()
	two := func(c *Config) { c.Domains = []string{"example.com", "s3.example.com"} }
	for _, tt := range []struct {
		host, target string
		change       func(*Config)
		want         string
	}{
		{"s3.example.com", "/b-1/k", nil, on + "/k"},
		{"S3.Example.COM:9000", "/b-1/k", nil, on + "/k"},
		{"b-1.s3.example.com", "/k", nil, on + "/k"},
		{"b-1.s3.example.com:443", "/k/l", nil, on + "/k/l"},
		{"a.b-1.s3.example.com", "/k", nil, "arn:aws:s3:::a.b-1/k"},
		{"b-1.s3.example.com", "/b-2/k", nil, on + "/b-2/k"},
		{"b-1.s3.example.com", "/WriteGetObjectResponse", nil, on + "/WriteGetObjectResponse"},
		{"s3.example.com", "/b-1/k", two, on + "/k"},
		{"b-1.example.com", "/k", two, on + "/k"},
		{"anything", "/b-1/k", func(c *Config) { c.Domains = nil }, on + "/k"},
		{"b-1.s3.example.com", "/b-2/k", func(c *Config) { c.Domains = nil }, "arn:aws:s3:::b-2/k"},
		{"s3.example.com", "/b-1/k", func(c *Config) { c.Partition = "aws-cn" }, "arn:aws-cn:s3:::b-1/k"},
	} {
		got := needed(t, mapper(t, tt.change), request("GET", tt.target, "", "Host: "+tt.host))
		if len(got) != 1 || got[0] != "s3:GetObject "+tt.want {
			t.Errorf("%s %s needs %q, not %s", tt.host, tt.target, got, tt.want)
		}
	}
	for _, d := range []string{"", "S3.example.com", "a..b", "s3.example.com:80", "a b"} {
		if _, err := New(Config{Domains: []string{d}}); err == nil {
			t.Errorf("the domain %q is taken", d)
		}
	}
}

// TestNoBody holds that without the body nothing is guessed that is in it.
func TestNoBody(t *testing.T) {
	t.Parallel()
	m := mapper(t, func(c *Config) { c.NoBody = true })
	const empty = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	needed(t, m, request("PUT", "/b-1", "", empty))
	needed(t, m, request("PUT", "/b-1/k", "", "x-amz-content-sha256: UNSIGNED-PAYLOAD"))
	for _, r := range []*http.Request{
		request("PUT", "/b-1", ""),
		request("PUT", "/b-1", "", "x-amz-content-sha256: UNSIGNED-PAYLOAD"),
		request("POST", "/b-1?delete", "", empty),
		request("PUT", "/b-1/k?tagging", "", "x-amz-content-sha256: "+strings.Repeat("0", 64)),
	} {
		if got, err := m.Map(r); err == nil || !strings.Contains(err.Error(), "did not come along") {
			t.Errorf("%s %s: %v, %v", r.Method, r.RequestURI, got, err)
		}
	}
}

// TestNoTags holds that copies in a service without tags need no permission for them.
func TestNoTags(t *testing.T) {
	t.Parallel()
	m := mapper(t, func(c *Config) { c.NoTags = true })
	if got := needed(t, m, request("PUT", "/b-1/k", "", "x-amz-copy-source: src/a")); len(got) != 2 {
		t.Errorf("needs %q", got)
	}
}
