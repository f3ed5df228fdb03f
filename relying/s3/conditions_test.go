package s3

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

// TestConditions holds what condition keys the first permission of a request has.
func TestConditions(t *testing.T) {
	t.Parallel()
	const presigned = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c&X-Amz-Date=20261124T115950Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=0"
	for _, tt := range []struct {
		name, line string
		headers    []string
		body       string
		want       string // "key=value" separated by spaces; several values by |
		absent     []string
	}{
		{
			name: "list", line: "GET /b-1?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&max-keys=10",
			want: "s3:prefix=a/b␠c s3:delimiter=/ s3:max-keys=10 s3:authtype=REST-HEADER s3:signatureversion=AWS4-HMAC-SHA256 s3:resourceaccount=111122223333 s3:tlsversion=1.3",
		},
		{name: "list versions", line: "GET /b-1?versions&prefix=a", want: "s3:prefix=a"},
		{name: "list with an empty prefix", line: "GET /b-1?prefix=", want: "s3:prefix="},
		{name: "list without a prefix", line: "GET /b-1", absent: []string{"s3:prefix", "s3:delimiter", "s3:max-keys"}},
		{name: "uploads have no prefix", line: "GET /b-1?uploads&prefix=a", absent: []string{"s3:prefix"}},
		{name: "buckets have no prefix", line: "GET /?prefix=a", absent: []string{"s3:prefix"}},
		{name: "version", line: "GET /b-1/k?versionId=v1", want: "s3:versionid=v1"},
		{name: "no version", line: "GET /b-1/k", absent: []string{"s3:versionid", "s3:x-amz-content-sha256", "s3:signatureage"}},
		{
			name: "put", line: "PUT /b-1/k",
			headers: []string{"x-amz-acl: public-read", "x-amz-grant-read: id=1", "x-amz-server-side-encryption: aws:kms", "x-amz-server-side-encryption-aws-kms-key-id: key",
				"x-amz-storage-class: GLACIER", "x-amz-website-redirect-location: /x", "x-amz-object-lock-mode: GOVERNANCE", "x-amz-object-lock-retain-until-date: 2026-12-01T18:00:00Z",
				"x-amz-object-lock-legal-hold: ON", "if-none-match: *", "x-amz-content-sha256: UNSIGNED-PAYLOAD"},
			want: "s3:x-amz-acl=public-read s3:x-amz-grant-read=id=1 s3:x-amz-server-side-encryption=aws:kms s3:x-amz-server-side-encryption-aws-kms-key-id=key s3:x-amz-storage-class=GLACIER " +
				"s3:x-amz-website-redirect-location=/x s3:object-lock-mode=GOVERNANCE s3:object-lock-retain-until-date=2026-12-01T18:00:00Z s3:object-lock-remaining-retention-days=8 " +
				"s3:object-lock-legal-hold=ON s3:if-none-match=* s3:objectcreationoperation=true s3:x-amz-content-sha256=UNSIGNED-PAYLOAD",
		},
		{name: "headers in the query", line: "PUT /b-1/k?" + presigned + "&X-Amz-Server-Side-Encryption=AES256", want: "s3:x-amz-server-side-encryption=AES256"},
		{name: "reading has no encryption", line: "GET /b-1/k", headers: []string{"x-amz-server-side-encryption: AES256"}, absent: []string{"s3:x-amz-server-side-encryption"}},
		{name: "beginning an upload", line: "POST /b-1/k?uploads", want: "s3:objectcreationoperation=false"},
		{name: "part", line: "PUT /b-1/k?uploadId=u&partNumber=1", want: "s3:objectcreationoperation=false"},
		{name: "completing an upload", line: "POST /b-1/k?uploadId=u", headers: []string{`if-match: "e"`}, want: `s3:objectcreationoperation=true s3:if-match="e"`},
		{name: "tags", line: "PUT /b-1/k", headers: []string{"x-amz-tagging: Team=blue%20x&cost=1+2"}, want: "s3:requestobjecttag/team=blue␠x s3:requestobjecttag/cost=1␠2 s3:requestobjecttagkeys=Team|cost"},
		{name: "tags in the body", line: "PUT /b-1/k?tagging", body: tagging, want: "s3:requestobjecttag/team=blue s3:requestobjecttagkeys=team"},
		{name: "copy", line: "PUT /b-1/k", headers: []string{"x-amz-copy-source: src/a", "x-amz-metadata-directive: REPLACE"}, want: "s3:x-amz-copy-source=src/a s3:x-amz-metadata-directive=REPLACE"},
		{name: "acl of a bucket", line: "PUT /b-1?acl", headers: []string{"x-amz-acl: public-read"}, want: "s3:x-amz-acl=public-read"},
		{name: "new bucket", line: "PUT /b-1", headers: []string{"x-amz-object-ownership: ObjectWriter"}, body: "<CreateBucketConfiguration><LocationConstraint>eu-1</LocationConstraint></CreateBucketConfiguration>", want: "s3:locationconstraint=eu-1 s3:x-amz-object-ownership=ObjectWriter"},
		{name: "retention", line: "PUT /b-1/k?retention", body: "<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2026-11-24T12:00:01Z</RetainUntilDate></Retention>", want: "s3:object-lock-mode=COMPLIANCE s3:object-lock-remaining-retention-days=1"},
		{name: "legal hold", line: "PUT /b-1/k?legal-hold", body: "<LegalHold><Status>OFF</Status></LegalHold>", want: "s3:object-lock-legal-hold=OFF"},
		{name: "inventory", line: "PUT /b-1?inventory&id=1", body: "<InventoryConfiguration><OptionalFields><Field>Size</Field><Field>ETag</Field></OptionalFields></InventoryConfiguration>", want: "s3:inventoryaccessibleoptionalfields=Size|ETag"},
		{name: "conditional delete", line: "DELETE /b-1/k", headers: []string{"if-match: *"}, want: "s3:if-match=*"},
		{name: "session", line: "GET /b-1?session", headers: []string{"x-amz-create-session-mode: ReadOnly"}, want: "s3express:sessionmode=ReadOnly"},
		{name: "presigned", line: "GET /b-1/k?" + presigned, want: "s3:authtype=REST-QUERY-STRING s3:signatureversion=AWS4-HMAC-SHA256 s3:signatureage=10000 s3:x-amz-content-sha256=UNSIGNED-PAYLOAD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			method, target, _ := strings.Cut(tt.line, " ")
			r := request(method, target, tt.body, tt.headers...)
			if strings.Contains(target, "X-Amz-Algorithm") {
				r.Header.Del("Authorization")
			}
			r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13}
			requests, err := mapper(t, nil).Map(r)
			if err != nil {
				t.Fatal(err)
			}
			keys := requests[0].Context
			for pair := range strings.FieldsSeq(tt.want) {
				key, want, _ := strings.Cut(strings.ReplaceAll(pair, "␠", " "), "=")
				v, ok := keys.Lookup(key)
				if got := strings.Join(v.Strings(), "|"); !ok || got != want {
					t.Errorf("%s is %q (%v), not %q", key, got, ok, want)
				}
			}
			for _, key := range tt.absent {
				if v, ok := keys.Lookup(key); ok {
					t.Errorf("%s is %q", key, v.Strings())
				}
			}
		})
	}
}

// TestVersionsOfDeleteObjects holds that each object of DeleteObjects has its own version.
func TestVersionsOfDeleteObjects(t *testing.T) {
	t.Parallel()
	requests, err := mapper(t, nil).Map(request("POST", "/b-1?delete", "<Delete><Object><Key>a</Key><VersionId>v</VersionId></Object><Object><Key>b</Key></Object></Delete>"))
	if err != nil || len(requests) != 2 {
		t.Fatal(requests, err)
	}
	if v, ok := requests[0].Context.Lookup("s3:versionid"); !ok || !slices.Equal(v.Strings(), []string{"v"}) {
		t.Errorf("the first has the version %q", v.Strings())
	}
	if v, ok := requests[1].Context.Lookup("s3:versionid"); ok {
		t.Errorf("the second has the version %q", v.Strings())
	}
}
