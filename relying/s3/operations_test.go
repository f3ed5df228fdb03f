package s3

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

const on = "arn:aws:s3:::b-1" // a bucket; its objects are on/…

// now is the clock of the tests.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func mapper(t testing.TB, change func(*Config)) *Mapper {
	t.Helper()
	c := Config{Domains: []string{"s3.example.com"}, Region: "eu-1", Account: "111122223333", Now: func() time.Time { return now }}
	if change != nil {
		change(&c)
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// request is a request with headers as "Name: value" and a body.
func request(method, target, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "http://s3.example.com/", strings.NewReader(body))
	r.RequestURI = target
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20261124/eu-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	return r
}

// needed renders what a request needs as "action resource", sorted.
func needed(t testing.TB, m *Mapper, r *http.Request) []string {
	t.Helper()
	requests, err := m.Map(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.RequestURI, err)
	}
	var all []string
	for _, q := range requests {
		all = append(all, q.Action+" "+q.Resource)
	}
	slices.Sort(all)
	return all
}

const tagging = "<Tagging><TagSet><Tag><Key>team</Key><Value>blue</Value></Tag></TagSet></Tagging>"

// rows has one for each operation of S3's model, and for its forms that need something else.
var rows = []struct {
	operation string
	line      string // method and target
	headers   string // separated by line breaks
	body      string
	want      string // separated by commas; ^ is the bucket's ARN
}{{"AbortMultipartUpload", "DELETE /b-1/k?uploadId=u&x-id=AbortMultipartUpload", "", "", "AbortMultipartUpload ^/k"},
	{"CompleteMultipartUpload", "POST /b-1/k?uploadId=u", "", "<x/>", "PutObject ^/k"},
	{"CopyObject", "PUT /b-1/k?x-id=CopyObject", "x-amz-copy-source: src/a/b", "", "GetObject arn:aws:s3:::src/a/b, GetObjectTagging arn:aws:s3:::src/a/b, PutObject ^/k, PutObjectTagging ^/k"},
	{"CopyObject", "PUT /b-1/k", "x-amz-copy-source: /src/a?versionId=v1", "", "GetObjectVersion arn:aws:s3:::src/a, GetObjectVersionTagging arn:aws:s3:::src/a, PutObject ^/k, PutObjectTagging ^/k"},
	{"CopyObject", "PUT /b-1/k", "x-amz-copy-source: src/a\nx-amz-tagging-directive: REPLACE", "", "GetObject arn:aws:s3:::src/a, PutObject ^/k"},
	{"CopyObject", "PUT /b-1/k", "x-amz-copy-source: src/a\nx-amz-tagging-directive: REPLACE\nx-amz-tagging: a=b", "", "GetObject arn:aws:s3:::src/a, PutObject ^/k, PutObjectTagging ^/k"},
	{"CreateBucket", "PUT /b-1", "", "", "CreateBucket ^"},
	{"CreateBucket", "PUT /b-1/", "x-amz-acl: private\nx-amz-bucket-object-lock-enabled: true\nx-amz-object-ownership: ObjectWriter", "", "CreateBucket ^, PutBucketAcl ^, PutBucketObjectLockConfiguration ^, PutBucketOwnershipControls ^, PutBucketVersioning ^"},
	{"CreateBucket", "PUT /b-1", "", "<CreateBucketConfiguration><LocationConstraint>eu-1</LocationConstraint><Tags><Tag><Key>team</Key><Value>blue</Value></Tag></Tags></CreateBucketConfiguration>", "CreateBucket ^, TagResource ^"},
	{"CreateBucketMetadataConfiguration", "POST /b-1?metadataConfiguration", "", "<x/>", "CreateBucketMetadataTableConfiguration ^"},
	{"CreateBucketMetadataTableConfiguration", "POST /b-1?metadataTable", "", "<x/>", "CreateBucketMetadataTableConfiguration ^"},
	{"CreateMultipartUpload", "POST /b-1/k?uploads", "", "", "PutObject ^/k"},
	{"CreateMultipartUpload", "POST /b-1/k?uploads=", "x-amz-tagging: a=b\nx-amz-object-lock-legal-hold: ON", "", "PutObject ^/k, PutObjectLegalHold ^/k, PutObjectTagging ^/k"},
	{"CreateSession", "GET /b-1--x-s3?session", "", "", "s3express:CreateSession arn:aws:s3express:eu-1:111122223333:bucket/b-1--x-s3"},
	{"DeleteBucket", "DELETE /b-1", "", "", "DeleteBucket ^"},
	{"DeleteBucketAnalyticsConfiguration", "DELETE /b-1?analytics&id=1", "", "", "PutAnalyticsConfiguration ^"},
	{"DeleteBucketCors", "DELETE /b-1?cors", "", "", "PutBucketCORS ^"},
	{"DeleteBucketEncryption", "DELETE /b-1?encryption", "", "", "PutEncryptionConfiguration ^"},
	{"DeleteBucketIntelligentTieringConfiguration", "DELETE /b-1?intelligent-tiering&id=1", "", "", "PutIntelligentTieringConfiguration ^"},
	{"DeleteBucketInventoryConfiguration", "DELETE /b-1?inventory&id=1", "", "", "PutInventoryConfiguration ^"},
	{"DeleteBucketLifecycle", "DELETE /b-1?lifecycle", "", "", "PutLifecycleConfiguration ^"},
	{"DeleteBucketMetadataConfiguration", "DELETE /b-1?metadataConfiguration", "", "", "DeleteBucketMetadataTableConfiguration ^"},
	{"DeleteBucketMetadataTableConfiguration", "DELETE /b-1?metadataTable", "", "", "DeleteBucketMetadataTableConfiguration ^"},
	{"DeleteBucketMetricsConfiguration", "DELETE /b-1?metrics&id=1", "", "", "PutMetricsConfiguration ^"},
	{"DeleteBucketOwnershipControls", "DELETE /b-1?ownershipControls", "", "", "PutBucketOwnershipControls ^"},
	{"DeleteBucketPolicy", "DELETE /b-1?policy", "", "", "DeleteBucketPolicy ^"},
	{"DeleteBucketReplication", "DELETE /b-1?replication", "", "", "PutReplicationConfiguration ^"},
	{"DeleteBucketTagging", "DELETE /b-1?tagging", "", "", "PutBucketTagging ^"},
	{"DeleteBucketWebsite", "DELETE /b-1?website", "", "", "DeleteBucketWebsite ^"},
	{"DeleteObject", "DELETE /b-1/k?x-id=DeleteObject", "", "", "DeleteObject ^/k"},
	{"DeleteObject", "DELETE /b-1/k?versionId=null", "x-amz-bypass-governance-retention: true", "", "BypassGovernanceRetention ^/k, DeleteObjectVersion ^/k"},
	{"DeleteObjectAnnotation", "DELETE /b-1/k?annotation&annotationName=n", "", "", "DeleteObjectAnnotation ^/k"},
	{"DeleteObjectAnnotation", "DELETE /b-1/k?annotation&annotationName=n&versionId=v", "", "", "DeleteObjectVersionAnnotation ^/k"},
	{"DeleteObjects", "POST /b-1?delete", "", "<Delete><Object><Key>a</Key></Object><Object><Key>b/c</Key><VersionId>v</VersionId></Object><Quiet>true</Quiet></Delete>", "DeleteObject ^/a, DeleteObjectVersion ^/b/c"},
	{"DeleteObjects", "POST /b-1/?delete=", "x-amz-bypass-governance-retention: true", `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a&amp;b</Key></Object></Delete>`, "BypassGovernanceRetention ^/a&b, DeleteObject ^/a&b"},
	{"DeleteObjectTagging", "DELETE /b-1/k?tagging", "", "", "DeleteObjectTagging ^/k"},
	{"DeleteObjectTagging", "DELETE /b-1/k?tagging&versionId=v", "", "", "DeleteObjectVersionTagging ^/k"},
	{"DeletePublicAccessBlock", "DELETE /b-1?publicAccessBlock", "", "", "PutBucketPublicAccessBlock ^"},
	{"GetBucketAbac", "GET /b-1?abac", "", "", "GetBucketAbac ^"},
	{"GetBucketAccelerateConfiguration", "GET /b-1?accelerate", "", "", "GetAccelerateConfiguration ^"},
	{"GetBucketAcl", "GET /b-1?acl", "", "", "GetBucketAcl ^"},
	{"GetBucketAnalyticsConfiguration", "GET /b-1?analytics&id=1&x-id=GetBucketAnalyticsConfiguration", "", "", "GetAnalyticsConfiguration ^"},
	{"GetBucketCors", "GET /b-1?cors", "", "", "GetBucketCORS ^"},
	{"GetBucketEncryption", "GET /b-1?encryption", "", "", "GetEncryptionConfiguration ^"},
	{"GetBucketIntelligentTieringConfiguration", "GET /b-1?intelligent-tiering&id=1", "", "", "GetIntelligentTieringConfiguration ^"},
	{"GetBucketInventoryConfiguration", "GET /b-1?inventory&id=1", "", "", "GetInventoryConfiguration ^"},
	{"GetBucketLifecycleConfiguration", "GET /b-1?lifecycle", "", "", "GetLifecycleConfiguration ^"},
	{"GetBucketLocation", "GET /b-1?location", "", "", "GetBucketLocation ^"},
	{"GetBucketLogging", "GET /b-1?logging", "", "", "GetBucketLogging ^"},
	{"GetBucketMetadataConfiguration", "GET /b-1?metadataConfiguration", "", "", "GetBucketMetadataTableConfiguration ^"},
	{"GetBucketMetadataTableConfiguration", "GET /b-1?metadataTable", "", "", "GetBucketMetadataTableConfiguration ^"},
	{"GetBucketMetricsConfiguration", "GET /b-1?metrics&id=1", "", "", "GetMetricsConfiguration ^"},
	{"GetBucketNotificationConfiguration", "GET /b-1?notification", "", "", "GetBucketNotification ^"},
	{"GetBucketOwnershipControls", "GET /b-1?ownershipControls", "", "", "GetBucketOwnershipControls ^"},
	{"GetBucketPolicy", "GET /b-1?policy", "", "", "GetBucketPolicy ^"},
	{"GetBucketPolicyStatus", "GET /b-1?policyStatus", "", "", "GetBucketPolicyStatus ^"},
	{"GetBucketReplication", "GET /b-1?replication", "", "", "GetReplicationConfiguration ^"},
	{"GetBucketRequestPayment", "GET /b-1?requestPayment", "", "", "GetBucketRequestPayment ^"},
	{"GetBucketTagging", "GET /b-1?tagging", "", "", "GetBucketTagging ^"},
	{"GetBucketVersioning", "GET /b-1?versioning", "", "", "GetBucketVersioning ^"},
	{"GetBucketWebsite", "GET /b-1?website", "", "", "GetBucketWebsite ^"},
	{"GetObject", "GET /b-1/k?x-id=GetObject", "", "", "GetObject ^/k"},
	{"GetObject", "GET /b-1/a/b%20c?partNumber=1&response-content-disposition=attachment%3B+filename", "", "", "GetObject ^/a/b c"},
	{"GetObject", "GET /b-1/k?versionId=v", "", "", "GetObjectVersion ^/k"},
	{"GetObjectAcl", "GET /b-1/k?acl", "", "", "GetObjectAcl ^/k"},
	{"GetObjectAcl", "GET /b-1/k?acl&versionId=v", "", "", "GetObjectVersionAcl ^/k"},
	{"GetObjectAnnotation", "GET /b-1/k?annotation&annotationName=n&x-id=GetObjectAnnotation", "", "", "GetObjectAnnotation ^/k"},
	{"GetObjectAnnotation", "GET /b-1/k?annotation&annotationName=n&versionId=v", "", "", "GetObjectVersionAnnotation ^/k"},
	{"GetObjectAttributes", "GET /b-1/k?attributes", "x-amz-object-attributes: ETag", "", "GetObject ^/k, GetObjectAttributes ^/k"},
	{"GetObjectAttributes", "GET /b-1/k?attributes&versionId=v", "", "", "GetObjectVersion ^/k, GetObjectVersionAttributes ^/k"},
	{"GetObjectLegalHold", "GET /b-1/k?legal-hold", "", "", "GetObjectLegalHold ^/k"},
	{"GetObjectLockConfiguration", "GET /b-1?object-lock", "", "", "GetBucketObjectLockConfiguration ^"},
	{"GetObjectRetention", "GET /b-1/k?retention&versionId=v", "", "", "GetObjectRetention ^/k"},
	{"GetObjectTagging", "GET /b-1/k?tagging", "", "", "GetObjectTagging ^/k"},
	{"GetObjectTagging", "GET /b-1/k?tagging&versionId=v", "", "", "GetObjectVersionTagging ^/k"},
	{"GetObjectTorrent", "GET /b-1/k?torrent", "", "", "GetObjectTorrent ^/k"},
	{"GetObjectTorrent", "GET /b-1/k?torrent&versionId=v", "", "", "GetObjectVersionTorrent ^/k"},
	{"GetPublicAccessBlock", "GET /b-1?publicAccessBlock", "", "", "GetBucketPublicAccessBlock ^"},
	{"HeadBucket", "HEAD /b-1", "", "", "ListBucket ^"},
	{"HeadObject", "HEAD /b-1/k", "", "", "GetObject ^/k"},
	{"HeadObject", "HEAD /b-1/k?versionId=v", "", "", "GetObjectVersion ^/k"},
	{"ListBucketAnalyticsConfigurations", "GET /b-1?analytics&x-id=ListBucketAnalyticsConfigurations", "", "", "GetAnalyticsConfiguration ^"},
	{"ListBucketIntelligentTieringConfigurations", "GET /b-1?intelligent-tiering", "", "", "GetIntelligentTieringConfiguration ^"},
	{"ListBucketInventoryConfigurations", "GET /b-1?inventory&continuation-token=t", "", "", "GetInventoryConfiguration ^"},
	{"ListBucketMetricsConfigurations", "GET /b-1?metrics", "", "", "GetMetricsConfiguration ^"},
	{"ListBuckets", "GET /?x-id=ListBuckets", "", "", "ListAllMyBuckets *"},
	{"ListDirectoryBuckets", "GET /?max-directory-buckets=3&x-id=ListDirectoryBuckets", "", "", "ListAllMyBuckets *, s3express:ListAllMyDirectoryBuckets *"},
	{"ListMultipartUploads", "GET /b-1?uploads&prefix=p", "", "", "ListBucketMultipartUploads ^"},
	{"ListObjectAnnotations", "GET /b-1/k?annotation&annotation-prefix=p", "", "", "ListObjectAnnotations ^/k"},
	{"ListObjectAnnotations", "GET /b-1/k?annotation&versionId=v", "", "", "ListObjectVersionAnnotations ^/k"},
	{"ListObjects", "GET /b-1?prefix=a%2F&marker=m", "", "", "ListBucket ^"},
	{"ListObjectsV2", "GET /b-1?list-type=2&prefix=a%2F&delimiter=%2F&encoding-type=url", "", "", "ListBucket ^"},
	{"ListObjectVersions", "GET /b-1?versions&key-marker=a", "", "", "ListBucketVersions ^"},
	{"ListParts", "GET /b-1/k?uploadId=u&max-parts=3&x-id=ListParts", "", "", "ListMultipartUploadParts ^/k"},
	{"PutBucketAbac", "PUT /b-1?abac", "", "<x/>", "PutBucketAbac ^"},
	{"PutBucketAccelerateConfiguration", "PUT /b-1?accelerate", "", "<x/>", "PutAccelerateConfiguration ^"},
	{"PutBucketAcl", "PUT /b-1?acl", "x-amz-acl: private", "", "PutBucketAcl ^"},
	{"PutBucketAnalyticsConfiguration", "PUT /b-1?analytics&id=1", "", "<x/>", "PutAnalyticsConfiguration ^"},
	{"PutBucketCors", "PUT /b-1?cors", "", "<x/>", "PutBucketCORS ^"},
	{"PutBucketEncryption", "PUT /b-1?encryption", "", "<x/>", "PutEncryptionConfiguration ^"},
	{"PutBucketIntelligentTieringConfiguration", "PUT /b-1?intelligent-tiering&id=1", "", "<x/>", "PutIntelligentTieringConfiguration ^"},
	{"PutBucketInventoryConfiguration", "PUT /b-1?inventory&id=1", "", "<InventoryConfiguration><Id>1</Id><OptionalFields><Field>Size</Field></OptionalFields></InventoryConfiguration>", "PutInventoryConfiguration ^"},
	{"PutBucketLifecycleConfiguration", "PUT /b-1?lifecycle", "", "<x/>", "PutLifecycleConfiguration ^"},
	{"PutBucketLogging", "PUT /b-1?logging", "", "<x/>", "PutBucketLogging ^"},
	{"PutBucketMetricsConfiguration", "PUT /b-1?metrics&id=1", "", "<x/>", "PutMetricsConfiguration ^"},
	{"PutBucketNotificationConfiguration", "PUT /b-1?notification", "", "<x/>", "PutBucketNotification ^"},
	{"PutBucketOwnershipControls", "PUT /b-1?ownershipControls", "", "<x/>", "PutBucketOwnershipControls ^"},
	{"PutBucketPolicy", "PUT /b-1?policy", "", "{}", "PutBucketPolicy ^"},
	{"PutBucketReplication", "PUT /b-1?replication", "", "<x/>", "PutReplicationConfiguration ^"},
	{"PutBucketRequestPayment", "PUT /b-1?requestPayment", "", "<x/>", "PutBucketRequestPayment ^"},
	{"PutBucketTagging", "PUT /b-1?tagging", "", tagging, "PutBucketTagging ^"},
	{"PutBucketVersioning", "PUT /b-1?versioning", "", "<x/>", "PutBucketVersioning ^"},
	{"PutBucketWebsite", "PUT /b-1?website", "", "<x/>", "PutBucketWebsite ^"},
	{"PutObject", "PUT /b-1/k?x-id=PutObject", "", "data", "PutObject ^/k"},
	{"PutObject", "PUT /b-1/dir/", "", "", "PutObject ^/dir/"},
	{"PutObject", "PUT /b-1/k", "x-amz-acl: private\nx-amz-tagging: a=b\nx-amz-object-lock-mode: GOVERNANCE\nx-amz-object-lock-legal-hold: ON", "data", "PutObject ^/k, PutObjectAcl ^/k, PutObjectLegalHold ^/k, PutObjectRetention ^/k, PutObjectTagging ^/k"},
	{"PutObject", "PUT /b-1/k?X-Amz-Acl=public-read&x-amz-tagging=a%3Db", "", "data", "PutObject ^/k, PutObjectAcl ^/k, PutObjectTagging ^/k"},
	{"PutObjectAcl", "PUT /b-1/k?acl", "", "<x/>", "PutObjectAcl ^/k"},
	{"PutObjectAcl", "PUT /b-1/k?acl&versionId=v", "", "<x/>", "PutObjectVersionAcl ^/k"},
	{"PutObjectAnnotation", "PUT /b-1/k?annotation&annotationName=n", "", "text", "PutObjectAnnotation ^/k"},
	{"PutObjectAnnotation", "PUT /b-1/k?annotation&annotationName=n&versionId=v", "", "text", "PutObjectVersionAnnotation ^/k"},
	{"PutObjectLegalHold", "PUT /b-1/k?legal-hold", "", "<LegalHold><Status>ON</Status></LegalHold>", "PutObjectLegalHold ^/k"},
	{"PutObjectLockConfiguration", "PUT /b-1?object-lock", "", "<x/>", "PutBucketObjectLockConfiguration ^"},
	{"PutObjectRetention", "PUT /b-1/k?retention", "", "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2026-12-01T00:00:00Z</RetainUntilDate></Retention>", "PutObjectRetention ^/k"},
	{"PutObjectRetention", "PUT /b-1/k?retention&versionId=v", "x-amz-bypass-governance-retention: true", "<Retention/>", "BypassGovernanceRetention ^/k, PutObjectRetention ^/k"},
	{"PutObjectTagging", "PUT /b-1/k?tagging", "", tagging, "PutObjectTagging ^/k"},
	{"PutObjectTagging", "PUT /b-1/k?tagging&versionId=v", "", tagging, "PutObjectVersionTagging ^/k"},
	{"PutPublicAccessBlock", "PUT /b-1?publicAccessBlock", "", "<x/>", "PutBucketPublicAccessBlock ^"},
	{"RenameObject", "PUT /b-1/k?renameObject", "x-amz-rename-source: /b-1/old", "", "DeleteObject ^/old, GetObject ^/old, PutObject ^/k"},
	{"RestoreObject", "POST /b-1/k?restore&versionId=v", "", "<x/>", "RestoreObject ^/k"},
	{"SelectObjectContent", "POST /b-1/k?select&select-type=2", "", "<x/>", "GetObject ^/k"},
	{"UpdateBucketMetadataAnnotationTableConfiguration", "PUT /b-1?metadataAnnotationTable", "", "<x/>", "UpdateBucketMetadataAnnotationTableConfiguration ^"},
	{"UpdateBucketMetadataInventoryTableConfiguration", "PUT /b-1?metadataInventoryTable", "", "<x/>", "UpdateBucketMetadataInventoryTableConfiguration ^"},
	{"UpdateBucketMetadataJournalTableConfiguration", "PUT /b-1?metadataJournalTable", "", "<x/>", "UpdateBucketMetadataJournalTableConfiguration ^"},
	{"UpdateObjectEncryption", "PUT /b-1/k?encryption", "", "<x/>", "UpdateObjectEncryption ^/k"},
	{"UploadPart", "PUT /b-1/k?partNumber=1&uploadId=u&x-id=UploadPart", "", "data", "PutObject ^/k"},
	{"UploadPartCopy", "PUT /b-1/k?partNumber=1&uploadId=u&x-id=UploadPartCopy", "x-amz-copy-source: src/a", "", "GetObject arn:aws:s3:::src/a, PutObject ^/k"},
	{"WriteGetObjectResponse", "POST /WriteGetObjectResponse", "", "data", "s3-object-lambda:WriteGetObjectResponse *"},
}

func TestEveryOperation(t *testing.T) {
	t.Parallel()
	m := mapper(t, nil)
	for _, tt := range rows {
		t.Run(tt.operation+" "+tt.line, func(t *testing.T) {
			t.Parallel()
			method, target, _ := strings.Cut(tt.line, " ")
			var headers []string
			if tt.headers != "" {
				headers = strings.Split(tt.headers, "\n")
			}
			var want []string
			for w := range strings.SplitSeq(tt.want, ", ") {
				if !strings.HasPrefix(w, "s3") {
					w = "s3:" + w
				}
				want = append(want, strings.Replace(w, "^", on, 1))
			}
			slices.Sort(want)
			if got := needed(t, m, request(method, target, tt.body, headers...)); !slices.Equal(got, want) {
				t.Errorf("needs\n  %s\nnot\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
			r := request(method, target, tt.body, headers...)
			call, err := m.Read(r)
			if err != nil {
				t.Fatal(err)
			}
			if call.Operation != tt.operation {
				t.Errorf("is %s, not %s", call.Operation, tt.operation)
			}
			if body, err := io.ReadAll(r.Body); string(body) != tt.body || err != nil {
				t.Errorf("the body is %q afterwards: %v", body, err)
			}
		})
	}
}

// TestNoOperationIsMissing holds the rows against the table, and the table against the number of the model's operations.
func TestNoOperationIsMissing(t *testing.T) {
	t.Parallel()
	tested := make(map[string]bool)
	for _, r := range rows {
		tested[r.operation] = true
	}
	for _, o := range operations {
		if !tested[o.name] {
			t.Errorf("%s has no row", o.name)
		}
	}
	const model = 112 // aws-sdk-go-v2 service/s3 1.114.10
	if len(tested) != model || len(operations) != model-2 {
		t.Errorf("%d operations are tested, %d in the table; CopyObject and UploadPartCopy are told by a header", len(tested), len(operations))
	}
}
