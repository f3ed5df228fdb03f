package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/relying"
)

// MaxBody is the most bytes of a body that are read: a thousand keys of DeleteObjects, all of their bytes escaped.
const MaxBody = 2 << 20

const (
	maxElements = 10_000
	maxDepth    = 16
	maxDeleted  = 1000 // the model's
	namespace   = "http://s3.amazonaws.com/doc/2006-03-01/"
)

// readBody takes from the body what permissions depend on.
func (m *Mapper) readBody(c *Call, r *http.Request) error {
	o := c.operation
	if o.read == nil {
		return nil
	}
	if m.config.NoBody {
		if hash, ok := c.common["s3:x-amz-content-sha256"]; ok && o.noBody {
			empty := sha256.Sum256(nil)
			if s, _ := hash.Single(); s == hex.EncodeToString(empty[:]) {
				return nil
			}
		}
		return refuse("%s depends on the body, which did not come along", o.name)
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, MaxBody+1)); err != nil {
			return err
		}
		if len(body) > MaxBody {
			return refuse("a body of more than %d bytes", MaxBody)
		}
		r.Body = &readAgain{*bytes.NewReader(body), r.Body}
	}
	if len(body) == 0 {
		if o.noBody {
			return nil
		}
		return refuse("%s without a body", o.name)
	}
	root, err := parseXML(body)
	if err != nil {
		return err
	}
	return o.read(c, root)
}

// readAgain is a body that was read, to be read once more.
type readAgain struct {
	bytes.Reader
	io.Closer
}

// element is an XML element with children or with text.
type element struct {
	name     string
	text     string
	children []*element
}

// parseXML reads the XML that S3 clients write: UTF-8, elements in S3's namespace or in none, with children or text. It refuses
// what parsers differ in: declarations of types, processing instructions, comments, CDATA, attributes, text between elements.
func parseXML(body []byte) (*element, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if bytes.Contains(body, []byte("<!")) {
		return nil, refuse("XML with a comment, CDATA or a declaration of types")
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = true
	var root *element
	var open []*element
	for count := 0; ; count++ {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, refuse("XML: %v", err)
		}
		if count > maxElements*3 {
			return nil, refuse("XML of more than %d elements", maxElements)
		}
		switch t := token.(type) {
		case xml.ProcInst:
			if count != 0 || t.Target != "xml" {
				return nil, refuse("XML with a processing instruction")
			}
		case xml.StartElement:
			e, err := begin(t, root == nil)
			if err != nil {
				return nil, err
			}
			switch {
			case root == nil:
				root = e
			case len(open) == 0:
				return nil, refuse("XML with two roots")
			case len(open) >= maxDepth:
				return nil, refuse("XML deeper than %d", maxDepth)
			default:
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			}
			open = append(open, e)
		case xml.EndElement:
			last := open[len(open)-1]
			if len(last.children) > 0 {
				if strings.Trim(last.text, " \t\r\n") != "" {
					return nil, refuse("XML with text beside elements, in %s", last.name)
				}
				last.text = ""
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			} else if strings.Trim(string(t), " \t\r\n") != "" {
				return nil, refuse("XML with text outside its root")
			}
		default:
			return nil, refuse("XML with a %T", token)
		}
	}
	if root == nil {
		return nil, refuse("XML without an element")
	}
	return root, nil
}

// begin takes a start tag: no attributes but the namespace's, and that on the root, where xsi's may stand beside it.
func begin(t xml.StartElement, isRoot bool) (*element, error) {
	if t.Name.Space != "" && t.Name.Space != namespace {
		return nil, refuse("the XML element %s of another namespace", t.Name.Local)
	}
	for _, a := range t.Attr {
		if !isRoot || a.Name.Space != "" || a.Name.Local != "xmlns" {
			return nil, refuse("the XML attribute %s", a.Name.Local)
		}
	}
	return &element{name: t.Name.Local}, nil
}

// fields takes an element's children by name, each once at most, and no others.
func (e *element) fields(names ...string) (map[string]*element, error) {
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n] = true
	}
	all := make(map[string]*element)
	for _, c := range e.children {
		if !known[c.name] {
			return nil, refuse("%s has no %s", e.name, c.name)
		}
		if all[c.name] != nil {
			return nil, refuse("%s has two of %s", e.name, c.name)
		}
		all[c.name] = c
	}
	return all, nil
}

// leaf gives an element's text; empty without it.
func leaf(e *element) (string, error) {
	if e == nil {
		return "", nil
	}
	if len(e.children) > 0 {
		return "", refuse("%s has elements", e.name)
	}
	return e.text, nil
}

func (e *element) is(name string) error {
	if e.name != name {
		return refuse("a body of %s where %s belongs", e.name, name)
	}
	return nil
}

// readDelete takes the objects of DeleteObjects.
func readDelete(c *Call, root *element) error {
	if err := root.is("Delete"); err != nil {
		return err
	}
	for _, e := range root.children {
		switch e.name {
		case "Quiet":
			continue
		case "Object":
		default:
			return refuse("Delete has no %s", e.name)
		}
		f, err := e.fields("Key", "VersionId", "ETag", "LastModifiedTime", "Size")
		if err != nil {
			return err
		}
		o := Object{Bucket: c.Bucket}
		if o.Key, err = leaf(f["Key"]); err != nil {
			return err
		}
		if err := c.mapper.checkKey(o.Key); err != nil {
			return err
		}
		if o.VersionID, err = leaf(f["VersionId"]); err != nil {
			return err
		}
		if f["VersionId"] != nil {
			if err := plain("VersionId", o.VersionID); err != nil {
				return err
			}
		}
		c.Deleted = append(c.Deleted, o)
	}
	if n := len(c.Deleted); n == 0 || n > maxDeleted {
		return refuse("DeleteObjects with %d objects", n)
	}
	return nil
}

// readTagging takes the tags of a Tagging.
func readTagging(root *element) ([]relying.Tag, error) {
	if err := root.is("Tagging"); err != nil {
		return nil, err
	}
	f, err := root.fields("TagSet")
	if err != nil || f["TagSet"] == nil {
		return nil, errors.Join(err, refuseIf(f["TagSet"] == nil, "a Tagging without TagSet"))
	}
	return readTags(f["TagSet"])
}

func refuseIf(yes bool, reason string) error {
	if !yes {
		return nil
	}
	return refuse("%s", reason)
}

func readTags(set *element) ([]relying.Tag, error) {
	var tags []relying.Tag
	for _, e := range set.children {
		if err := e.is("Tag"); err != nil {
			return nil, err
		}
		f, err := e.fields("Key", "Value")
		if err != nil {
			return nil, err
		}
		key, err := leaf(f["Key"])
		if err != nil {
			return nil, err
		}
		value, err := leaf(f["Value"])
		if err != nil {
			return nil, err
		}
		tags = append(tags, relying.Tag{Key: key, Value: value})
	}
	return tags, checkTags(tags)
}

func readObjectTags(c *Call, root *element) error {
	tags, err := readTagging(root)
	if err != nil {
		return err
	}
	c.objectTags(tags)
	return nil
}

func readBucketTags(c *Call, root *element) (err error) {
	c.tags, err = readTagging(root)
	return err
}

// readCreateBucket takes the location and the tags of a new bucket.
func readCreateBucket(c *Call, root *element) error {
	if err := root.is("CreateBucketConfiguration"); err != nil {
		return err
	}
	f, err := root.fields("LocationConstraint", "Location", "Bucket", "Tags")
	if err != nil {
		return err
	}
	location, err := leaf(f["LocationConstraint"])
	if err != nil {
		return err
	}
	if location != "" {
		c.own["s3:locationconstraint"] = policy.One(location)
	}
	if f["Tags"] != nil {
		c.tags, err = readTags(f["Tags"])
	}
	return err
}

// readRetention takes mode and date of PutObjectRetention; an empty one takes the retention away.
func readRetention(c *Call, root *element) error {
	if err := root.is("Retention"); err != nil {
		return err
	}
	f, err := root.fields("Mode", "RetainUntilDate")
	if err != nil {
		return err
	}
	for name, key := range map[string]string{"Mode": "s3:object-lock-mode", "RetainUntilDate": "s3:object-lock-retain-until-date"} {
		v, err := leaf(f[name])
		if err != nil {
			return err
		}
		if v != "" {
			c.own[key] = policy.One(v)
		}
	}
	return c.retention()
}

func readLegalHold(c *Call, root *element) error {
	if err := root.is("LegalHold"); err != nil {
		return err
	}
	f, err := root.fields("Status")
	if err != nil {
		return err
	}
	status, err := leaf(f["Status"])
	if err != nil {
		return err
	}
	if status != "ON" && status != "OFF" {
		return refuse("the legal hold %q", status)
	}
	c.own["s3:object-lock-legal-hold"] = policy.One(status)
	return nil
}

// readInventory takes the optional fields of an inventory.
func readInventory(c *Call, root *element) error {
	if err := root.is("InventoryConfiguration"); err != nil {
		return err
	}
	var fields []string
	seen := false
	for _, e := range root.children {
		if e.name != "OptionalFields" {
			continue
		}
		if seen {
			return refuse("an inventory with two OptionalFields")
		}
		seen = true
		for _, f := range e.children {
			if err := f.is("Field"); err != nil {
				return err
			}
			v, err := leaf(f)
			if err != nil {
				return err
			}
			fields = append(fields, v)
		}
	}
	if len(fields) > 0 {
		c.own["s3:inventoryaccessibleoptionalfields"] = policy.Many(fields)
	}
	return nil
}
