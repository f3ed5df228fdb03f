package sigv4

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// mutant is a request that was spoiled after signing.
type mutant struct {
	how  string
	req  *Request
	body string
}

// TestMutants spoils every request of the suite in every place that its signature covers. All are refused by an error of
// this package; the untouched request is accepted in the same run.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, suite := range []struct {
		version string
		floor   int // of mutants
	}{{"v4", 6000}, {"v4a", 5000}} {
		t.Run(suite.version, func(t *testing.T) {
			t.Parallel()
			cases := loadSuite(t, suite.version, 76)
			refusedBy, untouched, count := map[string]int{}, 0, 0
			cache := NewKeyCache(256)
			for _, c := range cases {
				if c.raw == nil {
					continue
				}
				if err := mutantVerdict(c, cache, cloneRequest(t, c)); err != nil {
					t.Fatalf("%s/%s untouched: %v", c.name, c.form, err)
				}
				untouched++
				for _, m := range mutants(t, c) {
					count++
					err := mutantVerdict(c, cache, m)
					var e *Error
					if errors.As(err, &e) {
						refusedBy[e.Code]++
					} else {
						t.Errorf("%s/%s with %s: %v, want it refused", c.name, c.form, m.how, err)
					}
				}
			}
			t.Logf("%s: %d untouched accepted, %d mutants refused %v", suite.version, untouched, count, refusedBy)
			if len(cases) > 0 && (untouched != 76 || count < suite.floor) {
				t.Errorf("%d untouched and %d mutants, want 76 and at least %d", untouched, count, suite.floor)
			}
		})
	}
}

// The same mutants of this project's own requests, so that they exist without the suite.
func TestOwnMutants(t *testing.T) {
	t.Parallel()
	cache, count := NewKeyCache(256), 0
	for form, r := range map[string]*http.Request{"header": signedPOST(t), "query": presignedGET(t)} {
		c := &suiteCase{name: "own", form: form}
		c.context.Credentials.ID, c.context.Credentials.Secret = testID, testSecret
		c.context.Region, c.context.Service, c.context.Timestamp, c.context.Normalize = "us-east-1", "sts", testTime, true
		body := ""
		if form == "header" {
			body = testBody
		}
		req := FromHTTP(r)
		untouched := mutant{req: &req, body: body}
		accepted(t, form, mutantVerdict(c, cache, untouched))
		for _, m := range mutantsOf(t, c, func() mutant { return cloneMutant(untouched) }) {
			count++
			if e := new(Error); !errors.As(mutantVerdict(c, cache, m), &e) {
				t.Errorf("%s with %s is not refused", form, m.how)
			}
		}
	}
	if count < 180 {
		t.Errorf("%d mutants, want at least 180", count)
	}
}

func mutantVerdict(c *suiteCase, cache *KeyCache, m mutant) error {
	s, err := Parse(m.req)
	if err != nil {
		return err
	}
	if err := s.Check(c.options()); err != nil {
		return err
	}
	key := cache.Unknown(s)
	if s.AccessKeyID == c.context.Credentials.ID {
		key = cache.Key(s, c.context.Credentials.Secret)
	}
	return s.Verify(key, sha256.Sum256([]byte(m.body)))
}

func cloneMutant(m mutant) mutant {
	clone := *m.req
	clone.Header = clone.Header.Clone()
	return mutant{req: &clone, body: m.body}
}

func cloneRequest(t *testing.T, c *suiteCase) mutant {
	req, body := rawRequest(t, c.raw)
	return mutant{req: req, body: string(body)}
}

func mutants(t *testing.T, c *suiteCase) []mutant {
	return mutantsOf(t, c, func() mutant { return cloneRequest(t, c) })
}

func mutantsOf(t *testing.T, c *suiteCase, fresh func() mutant) (all []mutant) {
	add := func(how string, spoil func(m *mutant)) {
		m := fresh()
		m.how = how
		spoil(&m)
		all = append(all, m)
	}
	m := fresh()
	s, err := Parse(m.req)
	if err != nil {
		t.Fatal(err)
	}
	add("another method", func(m *mutant) { m.req.Method = "PUT" })
	add("a lower-case method", func(m *mutant) { m.req.Method = strings.ToLower(m.req.Method) })
	add("a longer path", func(m *mutant) { m.req.Path += "x" })
	add("a path below", func(m *mutant) { m.req.Path = "/x" + m.req.Path })
	add("a longer body", func(m *mutant) { m.body += "&" })
	add("another host", func(m *mutant) { m.req.Host = otherByte(m.req.Host) })
	add("one more parameter", func(m *mutant) { m.req.RawQuery = strings.TrimPrefix(m.req.RawQuery+"&x=", "&") })
	add("one more X-Amz header", func(m *mutant) { m.req.Header.Set("X-Amz-Meta-Extra", "1") })
	add("a second Authorization header", func(m *mutant) { m.req.Header["Authorization"] = append(m.req.Header["Authorization"], "x", "y") })
	if m.body != "" {
		add("another body", func(m *mutant) { m.body = otherByte(m.body) })
		add("no body", func(m *mutant) { m.body = "" })
	}
	for name := range strings.SplitSeq(s.SignedHeaders, ";") {
		if name == "host" {
			continue
		}
		key := http.CanonicalHeaderKey(name)
		add("no "+name, func(m *mutant) { m.req.Header.Del(key); m.req.ContentLength = -1 })
		add("two of "+name, func(m *mutant) { m.req.Header[key] = append(m.req.Header[key], m.req.Header[key]...) })
		add("another "+name, func(m *mutant) { m.req.Header[key][0] = otherByte(m.req.Header[key][0]) })
		if len(m.req.Header[key]) > 1 {
			add("reordered "+name, func(m *mutant) {
				if slices.Reverse(m.req.Header[key]); m.req.Header[key][0] == m.req.Header[key][len(m.req.Header[key])-1] {
					m.req.Header[key][0] += "x"
				}
			})
		}
	}
	addQueryMutants(c, m.req, add)
	if c.form == "header" {
		addHeaderMutants(s, add)
	} else {
		for i := range s.signature {
			add("another digit of the signature", func(m *mutant) {
				m.req.RawQuery = strings.Replace(m.req.RawQuery, s.signature, s.signature[:i]+otherByte(s.signature[i:i+1])+s.signature[i+1:], 1)
			})
		}
		add("an Authorization header too", func(m *mutant) { m.req.Header.Set("Authorization", "AWS4-HMAC-SHA256 x=y") })
	}
	return all
}

// addQueryMutants spoils each parameter, of the request or of the signature.
func addQueryMutants(c *suiteCase, req *Request, add func(string, func(*mutant))) {
	if req.RawQuery == "" {
		return
	}
	parts := strings.Split(req.RawQuery, "&")
	for i, part := range parts {
		key, value, _ := strings.Cut(part, "=")
		if key == "X-Amz-Security-Token" && c.context.OmitToken {
			continue // such a service does not sign it
		}
		replace := func(parts ...string) func(*mutant) {
			return func(m *mutant) { m.req.RawQuery = strings.Join(parts, "&") }
		}
		add("no "+key, replace(slices.Delete(slices.Clone(parts), i, i+1)...))
		add("two of "+key, replace(slices.Insert(slices.Clone(parts), i, part)...))
		for how, changed := range map[string]string{
			"another value of ": key + "=" + otherByte(value), "a longer value of ": part + "0", "a longer name of ": key + "x=" + value,
		} {
			add(how+key, replace(slices.Replace(slices.Clone(parts), i, i+1, changed)...))
		}
	}
}

func addHeaderMutants(s *Signature, add func(string, func(*mutant))) {
	edit := func(how, old, new string) {
		add(how, func(m *mutant) {
			m.req.Header.Set("Authorization", strings.Replace(m.req.Header.Get("Authorization"), old, new, 1))
		})
	}
	for i := range s.signature {
		edit("another digit of the signature", s.signature, s.signature[:i]+otherByte(s.signature[i:i+1])+s.signature[i+1:])
	}
	edit("a short signature", s.signature, s.signature[:len(s.signature)-1])
	edit("a long signature", s.signature, s.signature+"0")
	edit("an empty signature", s.signature, "")
	edit("an upper-case signature", s.signature, strings.ToUpper(s.signature))
	edit("a wrong last Signature", s.signature, s.signature+", Signature="+otherByte(s.signature))
	edit("the other algorithm", string(s.Algorithm), map[Algorithm]string{HMAC: string(ECDSA), ECDSA: string(HMAC)}[s.Algorithm])
	edit("an unknown algorithm", string(s.Algorithm), "AWS5-HMAC-SHA256")
	for i, part := range strings.Split(s.credential, "/") {
		parts := strings.Split(s.credential, "/")
		parts[i] = otherByte(part)
		edit("another scope", s.credential, strings.Join(parts, "/"))
		edit("a shorter scope", s.credential, strings.Join(slices.Delete(slices.Clone(parts), i, i+1), "/"))
	}
	edit("a longer scope", s.credential, s.credential+"/x")
	names := strings.Split(s.SignedHeaders, ";")
	for i, name := range names {
		fewer := strings.Join(slices.Delete(slices.Clone(names), i, i+1), ";")
		edit("unsigned "+name, "SignedHeaders="+s.SignedHeaders, "SignedHeaders="+fewer)
		edit("twice signed "+name, s.SignedHeaders, strings.Join(slices.Insert(slices.Clone(names), i, name), ";"))
		edit("upper-case "+name, s.SignedHeaders, strings.Replace(s.SignedHeaders, name, strings.ToUpper(name), 1))
	}
	slices.Reverse(names)
	edit("reordered signed headers", s.SignedHeaders, strings.Join(names, ";"))
	edit("an empty signed header", s.SignedHeaders, s.SignedHeaders+";")
	edit("one more signed header", s.SignedHeaders, s.SignedHeaders+";zz-absent")
	add("a signature in the query string too", func(m *mutant) {
		m.req.RawQuery = strings.TrimPrefix(m.req.RawQuery+"&X-Amz-Algorithm=AWS4-HMAC-SHA256", "&")
	})
}

// otherByte changes the last byte of s, so that an escape stays an escape.
func otherByte(s string) string {
	if s == "" {
		return "0"
	}
	last := "0"
	if s[len(s)-1] == '0' {
		last = "1"
	}
	return s[:len(s)-1] + last
}
