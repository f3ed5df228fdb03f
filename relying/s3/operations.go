package s3

import "net/http"

// level is what a path names.
type level int

const (
	service level = iota
	bucket
	object
	lambda // /WriteGetObjectResponse, which no bucket can be named
)

// operation is a row of the table. Method, level, sub-resource and needed parameters tell it from the others.
type operation struct {
	name   string
	method string
	level  level
	sub    string   // the sub-resource: the query parameter that makes it this operation
	needs  []string // parameters that must be there, with a value
	takes  []string // parameters that may be there

	action  string // the permission on what the path names, without s3:
	version string // the permission in its place if a versionId is given
	keys    []conditionKey
	also    func(*Call) ([]need, error) // what else it needs
	read    func(*Call, *element) error // takes from the body what permissions depend on
	noBody  bool                        // the body that read wants may be empty
}

var (
	versioned     = []string{"versionId"}
	responses     = []string{"response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type", "response-expires"}
	getObject     = append([]string{"versionId", "partNumber"}, responses...)
	listKeys      = []string{"delimiter", "encoding-type", "max-keys", "prefix"}
	listObjects   = append([]string{"marker"}, listKeys...)
	listObjectsV2 = append([]string{"list-type", "continuation-token", "fetch-owner", "start-after"}, listKeys...)
	listVersions  = append([]string{"key-marker", "version-id-marker"}, listKeys...)
	listUploads   = []string{"delimiter", "encoding-type", "key-marker", "max-uploads", "prefix", "upload-id-marker"}
	page          = []string{"continuation-token"}
	id            = []string{"id"}
	upload        = []string{"uploadId"}
	part          = []string{"uploadId", "partNumber"}
	annotation    = []string{"annotationName"}
)

// operations are those of S3's model (aws-sdk-go-v2 service/s3 1.114.10), in the order of levels and sub-resources.
// For each, the Service Authorization Reference names the action.
var operations = []operation{
	{name: "ListBuckets", method: http.MethodGet, level: service, takes: []string{"bucket-region", "continuation-token", "max-buckets", "prefix"}, action: "ListAllMyBuckets", also: directoryBuckets},
	// AWS tells it by its host alone. Where there is one host for everything, a server that does not know it lists all buckets.
	{name: "ListDirectoryBuckets", method: http.MethodGet, level: service, needs: []string{"max-directory-buckets"}, takes: page, action: "ListAllMyBuckets", also: directoryBuckets},

	{name: "ListObjects", method: http.MethodGet, level: bucket, takes: listObjects, action: "ListBucket", keys: listing},
	{name: "ListObjectsV2", method: http.MethodGet, level: bucket, needs: []string{"list-type"}, takes: listObjectsV2, action: "ListBucket", keys: listing},
	{name: "HeadBucket", method: http.MethodHead, level: bucket, action: "ListBucket"},
	{name: "CreateBucket", method: http.MethodPut, level: bucket, action: "CreateBucket", keys: bucketCreation, also: createBucket, read: readCreateBucket, noBody: true},
	{name: "DeleteBucket", method: http.MethodDelete, level: bucket, action: "DeleteBucket"},
	{name: "DeleteObjects", method: http.MethodPost, level: bucket, sub: "delete", also: deleteObjects, read: readDelete},

	{name: "GetBucketAbac", method: http.MethodGet, level: bucket, sub: "abac", action: "GetBucketAbac"},
	{name: "PutBucketAbac", method: http.MethodPut, level: bucket, sub: "abac", action: "PutBucketAbac"},
	{name: "GetBucketAccelerateConfiguration", method: http.MethodGet, level: bucket, sub: "accelerate", action: "GetAccelerateConfiguration"},
	{name: "PutBucketAccelerateConfiguration", method: http.MethodPut, level: bucket, sub: "accelerate", action: "PutAccelerateConfiguration"},
	{name: "GetBucketAcl", method: http.MethodGet, level: bucket, sub: "acl", action: "GetBucketAcl"},
	{name: "PutBucketAcl", method: http.MethodPut, level: bucket, sub: "acl", action: "PutBucketAcl", keys: grants},
	{name: "GetBucketAnalyticsConfiguration", method: http.MethodGet, level: bucket, sub: "analytics", needs: id, action: "GetAnalyticsConfiguration"},
	{name: "ListBucketAnalyticsConfigurations", method: http.MethodGet, level: bucket, sub: "analytics", takes: page, action: "GetAnalyticsConfiguration"},
	{name: "PutBucketAnalyticsConfiguration", method: http.MethodPut, level: bucket, sub: "analytics", needs: id, action: "PutAnalyticsConfiguration"},
	{name: "DeleteBucketAnalyticsConfiguration", method: http.MethodDelete, level: bucket, sub: "analytics", needs: id, action: "PutAnalyticsConfiguration"},
	{name: "GetBucketCors", method: http.MethodGet, level: bucket, sub: "cors", action: "GetBucketCORS"},
	{name: "PutBucketCors", method: http.MethodPut, level: bucket, sub: "cors", action: "PutBucketCORS"},
	{name: "DeleteBucketCors", method: http.MethodDelete, level: bucket, sub: "cors", action: "PutBucketCORS"},
	{name: "GetBucketEncryption", method: http.MethodGet, level: bucket, sub: "encryption", action: "GetEncryptionConfiguration"},
	{name: "PutBucketEncryption", method: http.MethodPut, level: bucket, sub: "encryption", action: "PutEncryptionConfiguration"},
	{name: "DeleteBucketEncryption", method: http.MethodDelete, level: bucket, sub: "encryption", action: "PutEncryptionConfiguration"},
	{name: "GetBucketIntelligentTieringConfiguration", method: http.MethodGet, level: bucket, sub: "intelligent-tiering", needs: id, action: "GetIntelligentTieringConfiguration"},
	{name: "ListBucketIntelligentTieringConfigurations", method: http.MethodGet, level: bucket, sub: "intelligent-tiering", takes: page, action: "GetIntelligentTieringConfiguration"},
	{name: "PutBucketIntelligentTieringConfiguration", method: http.MethodPut, level: bucket, sub: "intelligent-tiering", needs: id, action: "PutIntelligentTieringConfiguration"},
	{name: "DeleteBucketIntelligentTieringConfiguration", method: http.MethodDelete, level: bucket, sub: "intelligent-tiering", needs: id, action: "PutIntelligentTieringConfiguration"},
	{name: "GetBucketInventoryConfiguration", method: http.MethodGet, level: bucket, sub: "inventory", needs: id, action: "GetInventoryConfiguration"},
	{name: "ListBucketInventoryConfigurations", method: http.MethodGet, level: bucket, sub: "inventory", takes: page, action: "GetInventoryConfiguration"},
	{name: "PutBucketInventoryConfiguration", method: http.MethodPut, level: bucket, sub: "inventory", needs: id, action: "PutInventoryConfiguration", read: readInventory},
	{name: "DeleteBucketInventoryConfiguration", method: http.MethodDelete, level: bucket, sub: "inventory", needs: id, action: "PutInventoryConfiguration"},
	{name: "GetBucketLifecycleConfiguration", method: http.MethodGet, level: bucket, sub: "lifecycle", action: "GetLifecycleConfiguration"},
	{name: "PutBucketLifecycleConfiguration", method: http.MethodPut, level: bucket, sub: "lifecycle", action: "PutLifecycleConfiguration"},
	{name: "DeleteBucketLifecycle", method: http.MethodDelete, level: bucket, sub: "lifecycle", action: "PutLifecycleConfiguration"},
	{name: "GetBucketLocation", method: http.MethodGet, level: bucket, sub: "location", action: "GetBucketLocation"},
	{name: "GetBucketLogging", method: http.MethodGet, level: bucket, sub: "logging", action: "GetBucketLogging"},
	{name: "PutBucketLogging", method: http.MethodPut, level: bucket, sub: "logging", action: "PutBucketLogging"},
	{name: "UpdateBucketMetadataAnnotationTableConfiguration", method: http.MethodPut, level: bucket, sub: "metadataAnnotationTable", action: "UpdateBucketMetadataAnnotationTableConfiguration"},
	{name: "CreateBucketMetadataConfiguration", method: http.MethodPost, level: bucket, sub: "metadataConfiguration", action: "CreateBucketMetadataTableConfiguration"},
	{name: "GetBucketMetadataConfiguration", method: http.MethodGet, level: bucket, sub: "metadataConfiguration", action: "GetBucketMetadataTableConfiguration"},
	{name: "DeleteBucketMetadataConfiguration", method: http.MethodDelete, level: bucket, sub: "metadataConfiguration", action: "DeleteBucketMetadataTableConfiguration"},
	{name: "UpdateBucketMetadataInventoryTableConfiguration", method: http.MethodPut, level: bucket, sub: "metadataInventoryTable", action: "UpdateBucketMetadataInventoryTableConfiguration"},
	{name: "UpdateBucketMetadataJournalTableConfiguration", method: http.MethodPut, level: bucket, sub: "metadataJournalTable", action: "UpdateBucketMetadataJournalTableConfiguration"},
	{name: "CreateBucketMetadataTableConfiguration", method: http.MethodPost, level: bucket, sub: "metadataTable", action: "CreateBucketMetadataTableConfiguration"},
	{name: "GetBucketMetadataTableConfiguration", method: http.MethodGet, level: bucket, sub: "metadataTable", action: "GetBucketMetadataTableConfiguration"},
	{name: "DeleteBucketMetadataTableConfiguration", method: http.MethodDelete, level: bucket, sub: "metadataTable", action: "DeleteBucketMetadataTableConfiguration"},
	{name: "GetBucketMetricsConfiguration", method: http.MethodGet, level: bucket, sub: "metrics", needs: id, action: "GetMetricsConfiguration"},
	{name: "ListBucketMetricsConfigurations", method: http.MethodGet, level: bucket, sub: "metrics", takes: page, action: "GetMetricsConfiguration"},
	{name: "PutBucketMetricsConfiguration", method: http.MethodPut, level: bucket, sub: "metrics", needs: id, action: "PutMetricsConfiguration"},
	{name: "DeleteBucketMetricsConfiguration", method: http.MethodDelete, level: bucket, sub: "metrics", needs: id, action: "PutMetricsConfiguration"},
	{name: "GetBucketNotificationConfiguration", method: http.MethodGet, level: bucket, sub: "notification", action: "GetBucketNotification"},
	{name: "PutBucketNotificationConfiguration", method: http.MethodPut, level: bucket, sub: "notification", action: "PutBucketNotification"},
	{name: "GetObjectLockConfiguration", method: http.MethodGet, level: bucket, sub: "object-lock", action: "GetBucketObjectLockConfiguration"},
	{name: "PutObjectLockConfiguration", method: http.MethodPut, level: bucket, sub: "object-lock", action: "PutBucketObjectLockConfiguration"},
	{name: "GetBucketOwnershipControls", method: http.MethodGet, level: bucket, sub: "ownershipControls", action: "GetBucketOwnershipControls"},
	{name: "PutBucketOwnershipControls", method: http.MethodPut, level: bucket, sub: "ownershipControls", action: "PutBucketOwnershipControls"},
	{name: "DeleteBucketOwnershipControls", method: http.MethodDelete, level: bucket, sub: "ownershipControls", action: "PutBucketOwnershipControls"},
	{name: "GetBucketPolicy", method: http.MethodGet, level: bucket, sub: "policy", action: "GetBucketPolicy"},
	{name: "PutBucketPolicy", method: http.MethodPut, level: bucket, sub: "policy", action: "PutBucketPolicy"},
	{name: "DeleteBucketPolicy", method: http.MethodDelete, level: bucket, sub: "policy", action: "DeleteBucketPolicy"},
	{name: "GetBucketPolicyStatus", method: http.MethodGet, level: bucket, sub: "policyStatus", action: "GetBucketPolicyStatus"},
	{name: "GetPublicAccessBlock", method: http.MethodGet, level: bucket, sub: "publicAccessBlock", action: "GetBucketPublicAccessBlock"},
	{name: "PutPublicAccessBlock", method: http.MethodPut, level: bucket, sub: "publicAccessBlock", action: "PutBucketPublicAccessBlock"},
	{name: "DeletePublicAccessBlock", method: http.MethodDelete, level: bucket, sub: "publicAccessBlock", action: "PutBucketPublicAccessBlock"},
	{name: "GetBucketReplication", method: http.MethodGet, level: bucket, sub: "replication", action: "GetReplicationConfiguration"},
	{name: "PutBucketReplication", method: http.MethodPut, level: bucket, sub: "replication", action: "PutReplicationConfiguration"},
	{name: "DeleteBucketReplication", method: http.MethodDelete, level: bucket, sub: "replication", action: "PutReplicationConfiguration"},
	{name: "GetBucketRequestPayment", method: http.MethodGet, level: bucket, sub: "requestPayment", action: "GetBucketRequestPayment"},
	{name: "PutBucketRequestPayment", method: http.MethodPut, level: bucket, sub: "requestPayment", action: "PutBucketRequestPayment"},
	{name: "CreateSession", method: http.MethodGet, level: bucket, sub: "session", also: createSession},
	{name: "GetBucketTagging", method: http.MethodGet, level: bucket, sub: "tagging", action: "GetBucketTagging"},
	{name: "PutBucketTagging", method: http.MethodPut, level: bucket, sub: "tagging", action: "PutBucketTagging", read: readBucketTags},
	{name: "DeleteBucketTagging", method: http.MethodDelete, level: bucket, sub: "tagging", action: "PutBucketTagging"},
	{name: "ListMultipartUploads", method: http.MethodGet, level: bucket, sub: "uploads", takes: listUploads, action: "ListBucketMultipartUploads"},
	{name: "GetBucketVersioning", method: http.MethodGet, level: bucket, sub: "versioning", action: "GetBucketVersioning"},
	{name: "PutBucketVersioning", method: http.MethodPut, level: bucket, sub: "versioning", action: "PutBucketVersioning"},
	{name: "ListObjectVersions", method: http.MethodGet, level: bucket, sub: "versions", takes: listVersions, action: "ListBucketVersions", keys: listing},
	{name: "GetBucketWebsite", method: http.MethodGet, level: bucket, sub: "website", action: "GetBucketWebsite"},
	{name: "PutBucketWebsite", method: http.MethodPut, level: bucket, sub: "website", action: "PutBucketWebsite"},
	{name: "DeleteBucketWebsite", method: http.MethodDelete, level: bucket, sub: "website", action: "DeleteBucketWebsite"},

	{name: "GetObject", method: http.MethodGet, level: object, takes: getObject, action: "GetObject", version: "GetObjectVersion"},
	{name: "HeadObject", method: http.MethodHead, level: object, takes: getObject, action: "GetObject", version: "GetObjectVersion"},
	{name: "PutObject", method: http.MethodPut, level: object, action: "PutObject", keys: creation, also: putObject},
	{name: "DeleteObject", method: http.MethodDelete, level: object, takes: versioned, action: "DeleteObject", version: "DeleteObjectVersion", keys: deletion, also: bypassGovernance},
	{name: "GetObjectAcl", method: http.MethodGet, level: object, sub: "acl", takes: versioned, action: "GetObjectAcl", version: "GetObjectVersionAcl"},
	{name: "PutObjectAcl", method: http.MethodPut, level: object, sub: "acl", takes: versioned, action: "PutObjectAcl", version: "PutObjectVersionAcl", keys: objectGrants},
	{name: "GetObjectAnnotation", method: http.MethodGet, level: object, sub: "annotation", needs: annotation, takes: versioned, action: "GetObjectAnnotation", version: "GetObjectVersionAnnotation"},
	{name: "ListObjectAnnotations", method: http.MethodGet, level: object, sub: "annotation", takes: []string{"annotation-prefix", "continuation-token", "max-annotation-results", "versionId"}, action: "ListObjectAnnotations", version: "ListObjectVersionAnnotations"},
	{name: "PutObjectAnnotation", method: http.MethodPut, level: object, sub: "annotation", needs: annotation, takes: versioned, action: "PutObjectAnnotation", version: "PutObjectVersionAnnotation"},
	{name: "DeleteObjectAnnotation", method: http.MethodDelete, level: object, sub: "annotation", needs: annotation, takes: versioned, action: "DeleteObjectAnnotation", version: "DeleteObjectVersionAnnotation", also: bypassGovernance},
	{name: "GetObjectAttributes", method: http.MethodGet, level: object, sub: "attributes", takes: versioned, action: "GetObjectAttributes", version: "GetObjectVersionAttributes", also: getAttributes},
	{name: "UpdateObjectEncryption", method: http.MethodPut, level: object, sub: "encryption", takes: versioned, action: "UpdateObjectEncryption"},
	{name: "GetObjectLegalHold", method: http.MethodGet, level: object, sub: "legal-hold", takes: versioned, action: "GetObjectLegalHold"},
	{name: "PutObjectLegalHold", method: http.MethodPut, level: object, sub: "legal-hold", takes: versioned, action: "PutObjectLegalHold", read: readLegalHold},
	{name: "RenameObject", method: http.MethodPut, level: object, sub: "renameObject", action: "PutObject", keys: creation, also: renameObject},
	{name: "RestoreObject", method: http.MethodPost, level: object, sub: "restore", takes: versioned, action: "RestoreObject"},
	{name: "GetObjectRetention", method: http.MethodGet, level: object, sub: "retention", takes: versioned, action: "GetObjectRetention"},
	{name: "PutObjectRetention", method: http.MethodPut, level: object, sub: "retention", takes: versioned, action: "PutObjectRetention", also: bypassGovernance, read: readRetention},
	{name: "SelectObjectContent", method: http.MethodPost, level: object, sub: "select", needs: []string{"select-type"}, action: "GetObject"},
	{name: "GetObjectTagging", method: http.MethodGet, level: object, sub: "tagging", takes: versioned, action: "GetObjectTagging", version: "GetObjectVersionTagging"},
	{name: "PutObjectTagging", method: http.MethodPut, level: object, sub: "tagging", takes: versioned, action: "PutObjectTagging", version: "PutObjectVersionTagging", read: readObjectTags},
	{name: "DeleteObjectTagging", method: http.MethodDelete, level: object, sub: "tagging", takes: versioned, action: "DeleteObjectTagging", version: "DeleteObjectVersionTagging"},
	{name: "GetObjectTorrent", method: http.MethodGet, level: object, sub: "torrent", takes: versioned, action: "GetObjectTorrent", version: "GetObjectVersionTorrent"},
	{name: "ListParts", method: http.MethodGet, level: object, sub: "uploadId", needs: upload, takes: []string{"max-parts", "part-number-marker"}, action: "ListMultipartUploadParts"},
	{name: "UploadPart", method: http.MethodPut, level: object, sub: "uploadId", needs: part, action: "PutObject", keys: creationPart, also: copySource},
	{name: "CompleteMultipartUpload", method: http.MethodPost, level: object, sub: "uploadId", needs: upload, action: "PutObject", keys: creation},
	{name: "AbortMultipartUpload", method: http.MethodDelete, level: object, sub: "uploadId", needs: upload, action: "AbortMultipartUpload"},
	{name: "CreateMultipartUpload", method: http.MethodPost, level: object, sub: "uploads", action: "PutObject", keys: creationPart, also: putObject},

	{name: "WriteGetObjectResponse", method: http.MethodPost, level: lambda, also: writeResponse},
}
