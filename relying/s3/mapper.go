package s3

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/relying"
	"github.com/stint-sts/stint/sigv4"
)

// Config says how the service is reached and what it does. The zero value is a path-style service whose keys are paths.
type Config struct {
	// Domains are the host names under which the service serves, without port: a request to one of them is path style, one to a
	// name below it is virtual-host style. Other hosts are refused. Without any, every request is path style whatever its host:
	// then the service must not know a domain either.
	Domains []string
	// Partition is the first part of ARNs; aws if empty.
	Partition string
	// Region and Account are in the ARNs of directory buckets (CreateSession), which are refused without them. Account is
	// s3:ResourceAccount as well.
	Region, Account string
	// ExactKeys says that the service takes keys for bytes and never for paths. Then dot segments, empty segments, encoded slashes
	// and plus signs are part of a key; otherwise they are refused, because a service that cleans a path uses another key than
	// the one that was authorized.
	ExactKeys bool
	// NoTags says that objects of this service have no tags, so that copying one does not need the permissions to read and write
	// them.
	NoTags bool
	// NoBody says that requests come without their body, as a proxy asks. What depends on the body is refused then, unless
	// the signed hash says that there is none.
	NoBody bool
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Mapper reads requests.
type Mapper struct {
	config Config
	rows   map[row][]*operation
	subs   map[string]bool
}

// row is what operations are looked up by.
type row struct {
	method string
	level  level
	sub    string
}

// New makes a Mapper.
func New(config Config) (*Mapper, error) {
	m := &Mapper{config: config, rows: make(map[row][]*operation), subs: make(map[string]bool)}
	m.config.Domains = nil
	for _, d := range config.Domains {
		if !hostname(d) {
			return nil, fmt.Errorf("making an S3 mapper: %q is not a host name in lower case", d)
		}
		m.config.Domains = append(m.config.Domains, d)
	}
	if m.config.Partition == "" {
		m.config.Partition = "aws"
	}
	if m.config.Now == nil {
		m.config.Now = time.Now //nolint:forbidigo // the clock of who gives none
	}
	for i := range operations {
		o := &operations[i]
		m.rows[row{o.method, o.level, o.sub}] = append(m.rows[row{o.method, o.level, o.sub}], o)
		if o.sub != "" {
			m.subs[o.sub] = true
		}
	}
	return m, nil
}

// Object names an object, or a version of it.
type Object struct {
	Bucket, Key, VersionID string
}

// Call is a request as it was read. Bucket, keys and versions are decoded.
type Call struct {
	// Operation is S3's name: GetObject, CopyObject, ….
	Operation string
	Object
	// Source is what CopyObject and UploadPartCopy copy and RenameObject renames.
	Source Object
	// Deleted are the objects of DeleteObjects. They are in Bucket.
	Deleted []Object

	mapper    *Mapper
	operation *operation
	query     query
	header    http.Header
	common    conditions    // of every request
	own       conditions    // of the operation's own action
	tags      []relying.Tag // aws:RequestTag
}

// refusal is why there is no Call.
type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// Read reads a request. If it reads the body, the request has the same body again afterwards. The error says what cannot be
// mapped; it is for the log.
func (m *Mapper) Read(r *http.Request) (*Call, error) {
	c, err := m.read(r)
	if err != nil {
		return nil, fmt.Errorf("reading an S3 request: %w", err)
	}
	return c, nil
}

func (m *Mapper) read(r *http.Request) (*Call, error) {
	wire := sigv4.FromHTTP(r)
	q, err := parseQuery(wire.RawQuery)
	if err != nil {
		return nil, err
	}
	if err := unambiguous(r.Header); err != nil {
		return nil, err
	}
	c := &Call{mapper: m, query: q, header: r.Header}
	where, err := m.target(c, wire.Host, wire.Path)
	if err != nil {
		return nil, err
	}
	if err := m.find(c, r.Method, where); err != nil {
		return nil, err
	}
	if err := c.readVersion(); err != nil {
		return nil, err
	}
	if err := c.readSource(); err != nil {
		return nil, err
	}
	if err := c.readConditions(r); err != nil {
		return nil, err
	}
	return c, m.readBody(c, r)
}

// find picks the operation, and holds that the request has no parameter that the operation does not know.
func (m *Mapper) find(c *Call, method string, where level) error {
	sub := ""
	for _, p := range c.query {
		if !m.subs[p.name] {
			continue
		}
		if sub != "" {
			return refuse("two sub-resources: %s and %s", sub, p.name)
		}
		sub = p.name
	}
	candidates := m.rows[row{method, where, sub}]
	if len(candidates) == 0 {
		return refuse("there is no operation of method %q and sub-resource %q here", method, sub)
	}
	// The one with more needs is the closer one.
	var found *operation
	for _, o := range candidates {
		if has(c.query, o.needs) && (found == nil || len(o.needs) > len(found.needs)) {
			found = o
		}
	}
	if found == nil {
		return refuse("%s needs the parameters %s", candidates[0].name, strings.Join(candidates[0].needs, ", "))
	}
	c.operation, c.Operation = found, found.name
	for _, p := range c.query {
		known := p.name == sub || slices.Contains(found.needs, p.name) || slices.Contains(found.takes, p.name)
		switch {
		case p.name == found.sub && !slices.Contains(found.needs, p.name) && p.value != "":
			return refuse("the sub-resource %s has a value", p.name)
		case p.name == "list-type" && p.value != "2", p.name == "select-type" && p.value != "2":
			return refuse("%s is not 2", p.name)
		case !known && p.name != "x-id" && !amz(p.name):
			return refuse("%s has no parameter %q", found.name, p.name)
		}
	}
	return nil
}

func has(q query, names []string) bool {
	for _, n := range names {
		if v, ok := q.get(n); !ok || v == "" {
			return false
		}
	}
	return true
}

// readVersion takes the version that the request names.
func (c *Call) readVersion() error {
	v, ok := c.query.get("versionId")
	if !ok {
		return nil
	}
	if err := plain("versionId", v); err != nil {
		return err
	}
	c.VersionID = v
	return nil
}

// readSource takes what is copied or renamed, and gives CopyObject and UploadPartCopy, which are told by a header, their names.
func (c *Call) readSource() error {
	names := map[string]string{"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}
	copied, err := c.value("x-amz-copy-source")
	if err != nil {
		return err
	}
	renamed, err := c.value("x-amz-rename-source")
	if err != nil {
		return err
	}
	rename := c.Operation == "RenameObject"
	switch name, copies := names[c.Operation]; {
	case copied != "" && !copies:
		return refuse("%s has no copy source", c.Operation)
	case rename != (renamed != ""):
		return refuse("a rename source without RenameObject, or the reverse")
	case copied != "":
		c.Operation = name
		c.Source, err = c.mapper.source(copied)
	case rename:
		c.Source, err = c.mapper.source(renamed)
		if err == nil && (c.Source.Bucket != c.Bucket || c.Source.VersionID != "") {
			err = refuse("a rename source in another bucket or of a version")
		}
	}
	if err != nil {
		return err
	}
	// x-id is the SDKs' remark on what they mean. It decides nothing, but it must not be another thing.
	if id, ok := c.query.get("x-id"); ok && id != c.Operation {
		return refuse("x-id is %q in a request of %s", id, c.Operation)
	}
	return nil
}
