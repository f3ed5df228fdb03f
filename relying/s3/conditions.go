package s3

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/relying"
	"github.com/stint-sts/stint/sigv4"
)

// conditions are condition keys in lower case.
type conditions = policy.Keys

// conditionKey is a key of an operation's action and where its value is: in a header, a query parameter, or fixed.
type conditionKey struct{ key, header, parameter, fixed string }

var (
	listing = []conditionKey{
		{key: "s3:prefix", parameter: "prefix"},
		{key: "s3:delimiter", parameter: "delimiter"},
		{key: "s3:max-keys", parameter: "max-keys"},
	}
	grants = []conditionKey{
		{key: "s3:x-amz-acl", header: "x-amz-acl"},
		{key: "s3:x-amz-grant-full-control", header: "x-amz-grant-full-control"},
		{key: "s3:x-amz-grant-read", header: "x-amz-grant-read"},
		{key: "s3:x-amz-grant-read-acp", header: "x-amz-grant-read-acp"},
		{key: "s3:x-amz-grant-write", header: "x-amz-grant-write"},
		{key: "s3:x-amz-grant-write-acp", header: "x-amz-grant-write-acp"},
	}
	objectGrants = append([]conditionKey{{key: "s3:x-amz-storage-class", header: "x-amz-storage-class"}}, grants...)
	stored       = append([]conditionKey{
		{key: "s3:x-amz-copy-source", header: "x-amz-copy-source"},
		{key: "s3:x-amz-metadata-directive", header: "x-amz-metadata-directive"},
		{key: "s3:x-amz-server-side-encryption", header: "x-amz-server-side-encryption"},
		{key: "s3:x-amz-server-side-encryption-aws-kms-key-id", header: "x-amz-server-side-encryption-aws-kms-key-id"},
		{key: "s3:x-amz-server-side-encryption-customer-algorithm", header: "x-amz-server-side-encryption-customer-algorithm"},
		{key: "s3:x-amz-website-redirect-location", header: "x-amz-website-redirect-location"},
		{key: "s3:object-lock-mode", header: "x-amz-object-lock-mode"},
		{key: "s3:object-lock-retain-until-date", header: "x-amz-object-lock-retain-until-date"},
		{key: "s3:object-lock-legal-hold", header: "x-amz-object-lock-legal-hold"},
		{key: "s3:if-match", header: "if-match"},
		{key: "s3:if-none-match", header: "if-none-match"},
	}, objectGrants...)
	// An object comes into being with PutObject, CopyObject and CompleteMultipartUpload, not with the beginning and the parts of an upload.
	creation     = append([]conditionKey{{key: "s3:objectcreationoperation", fixed: "true"}}, stored...)
	creationPart = append([]conditionKey{{key: "s3:objectcreationoperation", fixed: "false"}}, stored...)
	deletion     = []conditionKey{{key: "s3:if-match", header: "if-match"}}

	bucketCreation = append([]conditionKey{
		{key: "s3:x-amz-object-ownership", header: "x-amz-object-ownership"},
		{key: "s3:x-amz-bucket-namespace", header: "x-amz-bucket-namespace"},
	}, grants...)
)

// readConditions takes the condition keys that line and headers have.
func (c *Call) readConditions(r *http.Request) error {
	c.common, c.own = make(conditions), make(conditions)
	if err := c.readSignature(); err != nil {
		return err
	}
	if r.TLS != nil {
		if name, ok := strings.CutPrefix(tls.VersionName(r.TLS.Version), "TLS "); ok {
			c.common["s3:tlsversion"] = policy.One(name)
		}
	}
	if a := c.mapper.config.Account; a != "" {
		c.common["s3:resourceaccount"] = policy.One(a)
	}
	for _, k := range c.operation.keys {
		value, given := k.fixed, k.fixed != ""
		var err error
		switch {
		case k.parameter != "":
			value, given = c.query.get(k.parameter)
		case k.header != "":
			value, err = c.value(k.header)
			given = value != ""
		}
		if err != nil {
			return err
		}
		if given {
			c.own[k.key] = policy.One(value)
		}
	}
	if v, ok := c.own["s3:max-keys"]; ok {
		if s, _ := v.Single(); s == "" || len(s) > 10 || strings.Trim(s, "0123456789") != "" {
			return refuse("max-keys is not a number")
		}
	}
	if err := c.retention(); err != nil {
		return err
	}
	tags, err := c.tagsHeader()
	if err != nil {
		return err
	}
	if len(tags) > 0 && !slices.Contains([]string{"PutObject", "CopyObject", "CreateMultipartUpload"}, c.Operation) {
		return refuse("%s has no tags in a header", c.Operation)
	}
	c.objectTags(tags)
	return nil
}

// readSignature gives the keys of how the request is signed. That it is, and in one place, was verified before.
func (c *Call) readSignature() error {
	payload, err := c.value("x-amz-content-sha256")
	if err != nil {
		return err
	}
	algorithm, presigned := "", false
	for _, p := range c.query {
		if strings.EqualFold(p.name, "x-amz-algorithm") {
			algorithm, presigned = p.value, true
		}
	}
	authorization := c.header.Values("Authorization")
	switch {
	case presigned && len(authorization) > 0 || len(authorization) > 1:
		return refuse("two signatures")
	case presigned:
		c.common["s3:authtype"] = policy.One("REST-QUERY-STRING")
		date, err := c.value("x-amz-date")
		if err != nil {
			return err
		}
		at, err := time.Parse("20060102T150405Z", date)
		if err != nil {
			return refuse("X-Amz-Date is not a time")
		}
		age := max(c.mapper.config.Now().Sub(at).Milliseconds(), 0)
		c.common["s3:signatureage"] = policy.One(strconv.FormatInt(age, 10))
		if payload == "" {
			payload = "UNSIGNED-PAYLOAD" // which is what the signature of such a URL is over
		}
	case len(authorization) == 1:
		c.common["s3:authtype"] = policy.One("REST-HEADER")
		algorithm, _, _ = strings.Cut(authorization[0], " ")
	}
	if algorithm == string(sigv4.HMAC) || algorithm == string(sigv4.ECDSA) {
		c.common["s3:signatureversion"] = policy.One(algorithm)
	}
	if payload != "" {
		c.common["s3:x-amz-content-sha256"] = policy.One(payload)
	}
	return nil
}

// retention adds the days that an object would stay locked.
func (c *Call) retention() error {
	v, ok := c.own["s3:object-lock-retain-until-date"]
	if !ok {
		return nil
	}
	date, _ := v.Single()
	until, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return refuse("the date until which to retain is not a time")
	}
	// Days that have begun count, so that a limit of ten days is not passed by an hour.
	days := (until.Sub(c.mapper.config.Now()) + 24*time.Hour - 1) / (24 * time.Hour)
	c.own["s3:object-lock-remaining-retention-days"] = policy.One(strconv.FormatInt(int64(max(days, 0)), 10))
	return nil
}

// objectTags gives the keys of tags that the request sets on an object.
func (c *Call) objectTags(tags []relying.Tag) {
	if len(tags) == 0 {
		return
	}
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.Key
		c.own["s3:requestobjecttag/"+strings.ToLower(t.Key)] = policy.One(t.Value)
	}
	c.own["s3:requestobjecttagkeys"] = policy.Many(names)
}
