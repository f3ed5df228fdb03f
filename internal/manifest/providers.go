package manifest

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/strictjson"
)

var errNoEntity = errors.New("the metadata is no SAML EntityDescriptor")

func (p *parser) oidcProviders(a *account, v value) {
	seen := make(map[string]bool)
	v.items(func(v value) {
		o := &oidcProvider{place: v.place}
		v.fields(map[string]func(value){
			"url": func(v value) {
				var ok bool
				if o.url, ok = directory.IssuerHostPath(v.text()); !ok {
					v.problem("want the issuer's URL: https://, a host, maybe a port and a path, at most 255 characters")
				}
				if seen[o.url] {
					v.problem("the issuer is given twice")
				}
				seen[o.url] = true
			},
			"client_ids":  func(v value) { o.clientIDs = names(listed(v, maxClientIDs, "client ids")) },
			"thumbprints": func(v value) { o.thumbprints = p.thumbprints(v) },
			"jwks":        func(v value) { o.jwks = keySet(v) },
		})
		if o.url == "" {
			v.problem("want a url")
		}
		a.oidc = append(a.oidc, o)
	})
	if len(a.oidc) > maxProviders {
		v.problem("more than %d OIDC providers", maxProviders)
	}
}

func (p *parser) thumbprints(v value) []string {
	list := listed(v, maxThumbprints, "thumbprints")
	for _, r := range list {
		p.thumb.check(value{v.reader, v.node, r.place}, r.name)
	}
	return names(list)
}

// keySet reads a pinned JSON Web Key Set. The keys themselves are checked where tokens are verified.
func keySet(v value) *string {
	text, ok := v.json()
	if !ok {
		return nil
	}
	set, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	if err != nil {
		v.problem("%s", err)
		return nil
	}
	if keys, ok := set.Get("keys"); !ok || keys.Kind != strictjson.Array || len(keys.Elements) == 0 {
		v.problem("a key set has a list of keys")
		return nil
	}
	return &text
}

func (p *parser) samlProviders(a *account, v value) {
	p.named(p.saml, v, func(name string, v value) {
		s := &samlProvider{place: v.place, name: name}
		given := 0
		take := func(text string, v value) {
			given++
			if s.metadata = text; text == "" {
				return
			}
			if err := checkMetadata(text); err != nil {
				v.problem("%s", err)
			}
		}
		v.fields(map[string]func(value){
			"metadata":      func(v value) { take(v.text(), v) },
			"metadata_file": func(v value) { take(readBeside(p.file.name, v), v) },
		})
		if given != 1 {
			v.problem("want either metadata or metadata_file")
		}
		a.saml = append(a.saml, s)
	})
	if len(a.saml) > maxProviders {
		v.problem("more than %d SAML providers", maxProviders)
	}
}

// readBeside reads a file that is named relative to the directory file.
func readBeside(file string, v value) string {
	path := v.text()
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	f, err := os.Open(path)
	if err != nil {
		v.problem("%s", err)
		return ""
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxMetadata+1))
	if err != nil {
		v.problem("%s", err)
	}
	return string(b)
}

// checkMetadata holds only that it is XML of the right kind: what it says is read where assertions are verified.
func checkMetadata(text string) error {
	if len(text) > maxMetadata {
		return errors.New("the metadata has more than 10,000,000 characters")
	}
	d := xml.NewDecoder(strings.NewReader(text))
	depth, root := 0, ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errNoEntity
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth == 0 && root == "" {
				root = token.Name.Local
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if root != "EntityDescriptor" {
		return errNoEntity
	}
	return nil
}

func names(list []reference) []string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.name
	}
	return out
}
