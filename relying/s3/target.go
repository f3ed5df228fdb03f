package s3

import (
	"net"
	"strings"
	"unicode/utf8"
)

// maxKey is the longest key in bytes.
const maxKey = 1024

// target takes bucket and key from host and path.
func (m *Mapper) target(c *Call, host, path string) (level, error) {
	name, virtual, err := m.virtualBucket(host)
	if err != nil {
		return 0, err
	}
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return 0, refuse("the path %q is not absolute", path)
	}
	if !virtual {
		if rest == "" {
			return service, nil
		}
		if rest == "WriteGetObjectResponse" {
			return lambda, nil
		}
		name, rest, _ = strings.Cut(rest, "/")
	}
	if !bucketName(name) {
		return 0, refuse("%q is not the name of a bucket", name)
	}
	c.Bucket = name
	if rest == "" {
		return bucket, nil
	}
	c.Key, err = m.key(rest)
	return object, err
}

// virtualBucket is the bucket in the host name, if there is one.
func (m *Mapper) virtualBucket(host string) (name string, virtual bool, err error) {
	if len(m.config.Domains) == 0 {
		return "", false, nil
	}
	bare := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return "", false, refuse("the port of the host %q is not a number", host)
		}
		bare = h
	}
	bare = strings.ToLower(bare)
	// The longest domain, so that s3.example.com beside example.com is a domain and not the bucket s3.
	best := ""
	for _, d := range m.config.Domains {
		if len(d) > len(best) && (bare == d || strings.HasSuffix(bare, "."+d)) {
			best = d
		}
	}
	switch {
	case best == "":
		return "", false, refuse("the host %q is none of this service's", host)
	case bare == best:
		return "", false, nil
	default:
		return strings.TrimSuffix(bare, "."+best), true, nil
	}
}

// bucketName holds S3's rules for general purpose buckets, which those of directory buckets keep too.
func bucketName(s string) bool {
	if len(s) < 3 || len(s) > 63 || strings.Contains(s, "..") {
		return false
	}
	alphanumeric := func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '-' && c != '.' {
			return false
		}
	}
	return alphanumeric(s[0]) && alphanumeric(s[len(s)-1])
}

// hostname holds for names that a Host header can have, in lower case.
func hostname(s string) bool {
	for _, label := range strings.Split(s, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return len(s) <= 253
}

// key decodes a key from a path, and refuses those that a service could take for another (advisory 12).
func (m *Mapper) key(raw string) (string, error) {
	if !m.config.ExactKeys {
		// S3 takes a plus sign in a path for a space; others take it for itself.
		if i := strings.IndexByte(raw, '+'); i >= 0 {
			return "", refuse("a key with a plus sign that is not encoded")
		}
		if strings.Contains(strings.ToLower(raw), "%2f") {
			return "", refuse("a key with an encoded slash")
		}
	}
	key, err := unescape(raw)
	if err != nil {
		return "", err
	}
	return key, m.checkKey(key)
}

// checkKey holds for every key, however it came.
func (m *Mapper) checkKey(key string) error {
	switch {
	case key == "":
		return refuse("an empty key")
	case len(key) > maxKey:
		return refuse("a key of more than %d bytes", maxKey)
	case !utf8.ValidString(key):
		return refuse("a key that is not UTF-8")
	case strings.ContainsRune(key, 0):
		return refuse("a key with NUL")
	case m.config.ExactKeys:
		return nil
	case strings.ContainsRune(key, '\\'):
		return refuse("a key with a backslash")
	}
	segments := strings.Split(key, "/")
	for i, s := range segments {
		if s == "." || s == ".." || s == "" && i < len(segments)-1 {
			return refuse("a key with the segment %q", s)
		}
	}
	return nil
}

// source reads the value of x-amz-copy-source or x-amz-rename-source: a path of bucket and key, encoded, with a versionId at most.
func (m *Mapper) source(value string) (Object, error) {
	if strings.HasPrefix(value, "arn:") {
		return Object{}, refuse("a source that is an access point")
	}
	path, parameters, versioned := strings.Cut(strings.TrimPrefix(value, "/"), "?")
	var o Object
	if versioned {
		v, ok := strings.CutPrefix(parameters, "versionId=")
		if !ok || v == "" || strings.ContainsAny(v, "&;=") {
			return o, refuse("a source with parameters other than a versionId")
		}
		var err error
		if o.VersionID, err = unescape(v); err != nil {
			return o, err
		}
		if err := plain("versionId of the source", o.VersionID); err != nil {
			return o, err
		}
	}
	name, raw, _ := strings.Cut(path, "/")
	if !bucketName(name) {
		return o, refuse("the source's %q is not the name of a bucket", name)
	}
	o.Bucket = name
	var err error
	if o.Key, err = m.key(raw); err != nil {
		return o, err
	}
	// Who decodes before looking for the version finds one here.
	if strings.Contains(o.Key, "?versionId=") {
		return o, refuse("a source whose key has a versionId in it")
	}
	return o, nil
}
