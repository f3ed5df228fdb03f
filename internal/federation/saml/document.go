package saml

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
	validator "github.com/mattermost/xml-roundtrip-validator"
)

// The limits of a document. Real ones have a twentieth of them.
const (
	maxEncoded    = 100_000 // characters, the STS model's
	maxDepth      = 64
	maxElements   = 4096
	maxAttributes = 64 // of an element
	maxNamespaces = 64 // declarations in a document
)

var (
	errBase64     = errors.New("the response is not base64")
	errSize       = errors.New("the response is too long")
	errMarkup     = errors.New("the document has a document type, a comment or a CDATA section")
	errPI         = errors.New("the document has a processing instruction, or declares another encoding than UTF-8")
	errXML        = errors.New("the document is not well-formed XML in UTF-8 with one root")
	errRoundTrip  = errors.New("the document does not survive being written and read again")
	errDepth      = errors.New("the document is too deep")
	errElements   = errors.New("the document has too many elements")
	errAttributes = errors.New("an element has too many attributes")
	errNamespaces = errors.New("the document has too many namespace declarations")
	errTwice      = errors.New("an element has an attribute twice")
	errColon      = errors.New("a name has a colon with nothing before or behind it")
	errPrefix     = errors.New("a namespace prefix is not declared, or is declared in a way that is reserved")
	errNamespace  = errors.New("a namespace is not an absolute URI")
	errID         = errors.New("an ID is not a name, or is there twice")
)

// decode takes the base64 off. Line ends within are allowed, as the POST binding has them.
func decode(encoded string) ([]byte, error) {
	if len(encoded) > maxEncoded {
		return nil, errSize
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) == 0 {
		return nil, errBase64
	}
	return raw, nil
}

// parse reads a document of which nothing is ambiguous.
func parse(raw []byte) (*etree.Element, error) {
	// In XML without these, < never comes before ! (advisories 82, 87, 89): they are refused before any parser sees them.
	if bytes.Contains(raw, []byte("<!")) {
		return nil, errMarkup
	}
	body, err := skipDeclaration(raw)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return nil, errXML
	}
	if err := measure(body); err != nil {
		return nil, err
	}
	document := etree.NewDocument()
	document.ReadSettings = etree.ReadSettings{MaxDepth: maxDepth, PreserveDuplicateAttrs: true}
	if err := document.ReadFromBytes(body); err != nil || document.Root() == nil {
		return nil, errXML
	}
	root := document.Root()
	return root, newNames().check(root)
}

// skipDeclaration takes the XML declaration off, if there is one, and refuses every other processing instruction.
func skipDeclaration(raw []byte) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(raw, []byte("<?xml ")); ok {
		declaration, body, closed := bytes.Cut(rest, []byte("?>"))
		_, encoding, named := strings.Cut(strings.ToLower(string(declaration)), "encoding=")
		if !closed || len(declaration) > 100 || named && !strings.HasPrefix(strings.Trim(encoding, `"'`), "utf-8") {
			return nil, errPI
		}
		raw = body
	}
	if bytes.Contains(raw, []byte("<?")) {
		return nil, errPI
	}
	return raw, nil
}

// measure counts with its own counters while it reads the tokens (advisories 102, 103), so that nothing deep or wide is built. Each
// token must be the same after it was written and read again; of an end, its start was.
func measure(body []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var open []xml.Name
	roots, elements, namespaces := 0, 0, 0
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errXML
		}
		if _, ends := token.(xml.EndElement); !ends && validator.CheckToken(token) != nil {
			return errRoundTrip
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(open) == 0 {
				roots++
			}
			open = append(open, token.Name)
			elements++
			for _, a := range token.Attr {
				if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
					namespaces++
				}
			}
			switch {
			case len(open) > maxDepth:
				return errDepth
			case elements > maxElements:
				return errElements
			case len(token.Attr) > maxAttributes:
				return errAttributes
			case namespaces > maxNamespaces:
				return errNamespaces
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != token.Name {
				return errXML
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 && len(bytes.TrimSpace(token)) > 0 {
				return errXML
			}
		default:
			return errMarkup
		}
	}
	if roots != 1 || len(open) > 0 {
		return errXML
	}
	return nil
}

// names checks namespaces, attributes and IDs of a document.
type names struct {
	scope map[string]string // prefix to namespace
	ids   map[string]bool
}

func newNames() *names {
	return &names{scope: map[string]string{"": "", "xml": "http://www.w3.org/XML/1998/namespace"}, ids: make(map[string]bool)}
}

// check walks the element, which is at most maxDepth deep.
func (n *names) check(e *etree.Element) error {
	if strings.Contains(e.Tag, ":") || slices.ContainsFunc(e.Attr, func(a etree.Attr) bool { return strings.Contains(a.Key, ":") }) {
		return errColon // the library takes such a name for one without a prefix
	}
	outer := n.scope
	defer func() { n.scope = outer }()
	if err := n.declare(e); err != nil {
		return err
	}
	if _, ok := n.scope[e.Space]; !ok {
		return errPrefix
	}
	type name struct{ space, local string }
	seen := make(map[name]bool, len(e.Attr))
	for _, a := range e.Attr {
		key := name{"xmlns:", a.Space + ":" + a.Key}
		if !declaration(a) {
			space, ok := n.scope[a.Space]
			if !ok {
				return errPrefix
			}
			if a.Space == "" {
				space = "" // the default namespace is not that of attributes
			}
			key = name{space, a.Key}
		}
		if seen[key] {
			return errTwice
		}
		seen[key] = true
		// Every spelling of ID counts, so that no other reader finds another element by one (advisory 89).
		if strings.EqualFold(a.Key, "id") && !declaration(a) {
			if !isName(a.Value) || n.ids[a.Value] {
				return errID
			}
			n.ids[a.Value] = true
		}
	}
	for _, child := range e.ChildElements() {
		if err := n.check(child); err != nil {
			return err
		}
	}
	return nil
}

func declaration(a etree.Attr) bool { return a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns" }

// declare adds the element's namespaces. Relative ones make other canonicalizers fail (advisory 88).
func (n *names) declare(e *etree.Element) error {
	copied := false
	for _, a := range e.Attr {
		if !declaration(a) {
			continue
		}
		prefix := ""
		if a.Space == "xmlns" {
			prefix = a.Key
		}
		if prefix == "xml" || prefix == "xmlns" || prefix != "" && a.Value == "" {
			return errPrefix
		}
		if a.Value != "" && !strings.Contains(a.Value, ":") || strings.ContainsAny(a.Value, " \t\r\n") {
			return errNamespace
		}
		if !copied {
			inner := make(map[string]string, len(n.scope)+1)
			for p, s := range n.scope {
				inner[p] = s
			}
			n.scope, copied = inner, true
		}
		n.scope[prefix] = a.Value
	}
	return nil
}

// isName reports whether an ID is an NCName of ASCII, as far as the library reads references to it.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '-' && c != '.') {
			return false
		}
	}
	return s != "" && len(s) <= 256
}

// text is the whole text of an element that has nothing else (advisory 84).
func text(e *etree.Element) (string, bool) {
	var b strings.Builder
	for _, child := range e.Child {
		data, ok := child.(*etree.CharData)
		if !ok {
			return "", false
		}
		b.WriteString(data.Data)
	}
	return b.String(), true
}

// is reports whether an element has the name.
func is(e *etree.Element, space, local string) bool {
	return e.Tag == local && e.NamespaceURI() == space
}

// children are the elements below one that has no text of its own between them.
func children(e *etree.Element) ([]*etree.Element, bool) {
	for _, child := range e.Child {
		if data, ok := child.(*etree.CharData); ok && strings.TrimSpace(data.Data) != "" {
			return nil, false
		}
	}
	return e.ChildElements(), true
}

// attribute is the value of an attribute without a namespace.
func attribute(e *etree.Element, name string) (string, bool) {
	for _, a := range e.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value, true
		}
	}
	return "", false
}
