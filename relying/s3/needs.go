package s3

import (
	"maps"
	"strings"

	"github.com/stint-sts/stint/policy"
)

// need is a permission: an action on a resource, under condition keys beyond those of every request.
type need struct {
	action, resource string
	keys             conditions
}

// needs lists what the call needs permission for.
func (c *Call) needs() ([]need, error) {
	var all []need
	if o := c.operation; o.action != "" {
		n := need{action: "s3:" + o.action, resource: c.resource(), keys: c.own}
		if c.VersionID != "" {
			if o.version != "" {
				n.action = "s3:" + o.version
			}
			n.keys = with(n.keys, "s3:versionid", c.VersionID)
		}
		all = append(all, n)
	}
	if c.operation.also == nil {
		return all, nil
	}
	more, err := c.operation.also(c)
	return append(all, more...), err
}

func with(keys conditions, key, value string) conditions {
	all := make(conditions, len(keys)+1)
	maps.Copy(all, keys)
	all[key] = policy.One(value)
	return all
}

// resource is the ARN of what the path names.
func (c *Call) resource() string {
	if c.Bucket == "" {
		return "*"
	}
	return c.mapper.arn(c.Object)
}

func (m *Mapper) arn(o Object) string {
	arn := "arn:" + m.config.Partition + ":s3:::" + o.Bucket
	if o.Key != "" {
		arn += "/" + o.Key
	}
	return arn
}

// onIt is a further permission on what the path names, under the same keys.
func (c *Call) onIt(action string) need {
	return need{action: "s3:" + action, resource: c.resource(), keys: c.own}
}

// onVersion is a permission on an object: plain, or version if it is a version of one.
func (m *Mapper) onVersion(o Object, plain, version string) need {
	if o.VersionID == "" {
		return need{action: "s3:" + plain, resource: m.arn(o)}
	}
	return need{action: "s3:" + version, resource: m.arn(o), keys: conditions{"s3:versionid": policy.One(o.VersionID)}}
}

// directoryBuckets is what listing directory buckets needs more than listing buckets.
func directoryBuckets(c *Call) ([]need, error) {
	if c.Operation != "ListDirectoryBuckets" {
		return nil, nil
	}
	return []need{{action: "s3express:ListAllMyDirectoryBuckets", resource: "*"}}, nil
}

// createSession needs the permission on the directory bucket, in the mode that it asks for.
func createSession(c *Call) ([]need, error) {
	g := &c.mapper.config
	if g.Region == "" || g.Account == "" {
		return nil, refuse("CreateSession without a configured region and account")
	}
	mode, err := c.value("x-amz-create-session-mode")
	switch {
	case err != nil:
		return nil, err
	case mode == "":
		mode = "ReadWrite"
	case mode != "ReadWrite" && mode != "ReadOnly":
		return nil, refuse("the session mode %q", mode)
	}
	arn := "arn:" + g.Partition + ":s3express:" + g.Region + ":" + g.Account + ":bucket/" + c.Bucket
	return []need{{action: "s3express:CreateSession", resource: arn, keys: conditions{"s3express:sessionmode": policy.One(mode)}}}, nil
}

func writeResponse(*Call) ([]need, error) {
	return []need{{action: "s3-object-lambda:WriteGetObjectResponse", resource: "*"}}, nil
}

// hasAny reports whether the request has one of the headers.
func (c *Call) hasAny(names ...string) (bool, error) {
	for _, n := range names {
		v, err := c.value(n)
		if err != nil || v != "" {
			return v != "", err
		}
	}
	return false, nil
}

// forHeaders are the permissions that headers ask for.
type forHeaders []struct {
	headers []string
	action  string
}

func (f forHeaders) needs(c *Call) ([]need, error) {
	var all []need
	for _, h := range f {
		there, err := c.hasAny(h.headers...)
		if err != nil {
			return nil, err
		}
		if there {
			all = append(all, c.onIt(h.action))
		}
	}
	return all, nil
}

var aclHeaders = []string{"x-amz-acl", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp"}

// createBucket needs more for what it sets besides.
func createBucket(c *Call) ([]need, error) {
	all, err := forHeaders{
		{aclHeaders, "PutBucketAcl"},
		{[]string{"x-amz-object-ownership"}, "PutBucketOwnershipControls"},
	}.needs(c)
	if err != nil {
		return nil, err
	}
	lock, err := c.value("x-amz-bucket-object-lock-enabled")
	if err != nil {
		return nil, err
	}
	if lock != "" && !strings.EqualFold(lock, "false") {
		all = append(all, c.onIt("PutBucketObjectLockConfiguration"), c.onIt("PutBucketVersioning"))
	}
	if len(c.tags) > 0 {
		all = append(all, c.onIt("TagResource"))
	}
	return all, nil
}

// putObject needs more for what a new object is given besides, and for its source if it is a copy.
func putObject(c *Call) ([]need, error) {
	all, err := forHeaders{
		{aclHeaders, "PutObjectAcl"},
		{[]string{"x-amz-tagging"}, "PutObjectTagging"},
		{[]string{"x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"}, "PutObjectRetention"},
		{[]string{"x-amz-object-lock-legal-hold"}, "PutObjectLegalHold"},
	}.needs(c)
	if err != nil {
		return nil, err
	}
	from, err := copySource(c)
	if err != nil || len(from) == 0 || c.mapper.config.NoTags {
		return append(all, from...), err
	}
	directive, err := c.value("x-amz-tagging-directive")
	switch {
	case err != nil:
		return nil, err
	case directive == "REPLACE":
	case directive == "" || directive == "COPY":
		from = append(from, c.mapper.onVersion(c.Source, "GetObjectTagging", "GetObjectVersionTagging"))
		if there, err := c.hasAny("x-amz-tagging"); err != nil || !there {
			from = append(from, c.onIt("PutObjectTagging"))
		}
	default:
		return nil, refuse("the tagging directive %q", directive)
	}
	return append(all, from...), nil
}

// copySource is what reading the source of a copy needs.
func copySource(c *Call) ([]need, error) {
	if c.Source.Bucket == "" {
		return nil, nil
	}
	return []need{c.mapper.onVersion(c.Source, "GetObject", "GetObjectVersion")}, nil
}

// renameObject reads the source and takes it away. At AWS a session of a directory bucket allows it; there are none here.
func renameObject(c *Call) ([]need, error) {
	return []need{
		{action: "s3:GetObject", resource: c.mapper.arn(c.Source)},
		{action: "s3:DeleteObject", resource: c.mapper.arn(c.Source)},
	}, nil
}

// getAttributes needs the permission to read the object as well.
func getAttributes(c *Call) ([]need, error) {
	return []need{c.mapper.onVersion(c.Object, "GetObject", "GetObjectVersion")}, nil
}

// bypassGovernance is what going past a retention in governance mode needs more.
func bypassGovernance(c *Call) ([]need, error) {
	asked, err := c.bypasses()
	if err != nil || !asked {
		return nil, err
	}
	return []need{c.onIt("BypassGovernanceRetention")}, nil
}

func (c *Call) bypasses() (bool, error) {
	v, err := c.value("x-amz-bypass-governance-retention")
	return v != "" && !strings.EqualFold(v, "false"), err
}

// deleteObjects needs the permission on each object.
func deleteObjects(c *Call) ([]need, error) {
	bypass, err := c.bypasses()
	if err != nil {
		return nil, err
	}
	var all []need
	for _, o := range c.Deleted {
		all = append(all, c.mapper.onVersion(o, "DeleteObject", "DeleteObjectVersion"))
		if bypass {
			all = append(all, need{action: "s3:BypassGovernanceRetention", resource: c.mapper.arn(o)})
		}
	}
	return all, nil
}
