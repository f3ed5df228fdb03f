package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// maxProblems bounds what is told about one file.
	maxProblems = 20
	// maxAliases bounds the work that a small file can ask for by aliases of aliases.
	maxAliases = 10_000
)

// place is where in the file something is said.
type place struct {
	line int
	path string
}

// problems gathers what is wrong with a file.
type problems struct {
	file string
	list []error
	more int
}

func (p *problems) add(at place, format string, args ...any) {
	if len(p.list) == maxProblems {
		p.more++
		return
	}
	p.list = append(p.list, fmt.Errorf("%s:%d: %s: "+format, append([]any{p.file, at.line, at.path}, args...)...))
}

func (p *problems) err() error {
	if p.more > 0 {
		return errors.Join(append(p.list, fmt.Errorf("%s: and %d more", p.file, p.more))...)
	}
	return errors.Join(p.list...)
}

// reader is what the values of one file share.
type reader struct {
	problems
	aliases int
}

// value is a node of the file with its path.
type value struct {
	reader *reader
	node   *yaml.Node
	place
}

// readYAML reads the one document of a file.
func readYAML(name string, data []byte) (value, error) {
	r := &reader{problems: problems{file: name}}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return value{}, fmt.Errorf("%s: the file is empty", name)
	case err != nil:
		return value{}, fmt.Errorf("%s: %w", name, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return value{}, fmt.Errorf("%s: want one YAML document, and nothing behind it", name)
	}
	return r.value(document.Content[0], ""), nil
}

// value follows aliases.
func (r *reader) value(n *yaml.Node, path string) value {
	at := place{n.Line, path}
	for n.Kind == yaml.AliasNode {
		if r.aliases++; r.aliases > maxAliases {
			if r.aliases == maxAliases+1 {
				r.add(at, "more than %d aliases", maxAliases)
			}
			return value{r, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}, at}
		}
		n = n.Alias
	}
	return value{r, n, at}
}

func (v value) problem(format string, args ...any) { v.reader.add(v.place, format, args...) }

func (v value) null() bool { return v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null" }

// pairs yields the members of a mapping; an empty value is an empty mapping.
func (v value) pairs(yield func(name string, member value)) {
	if v.null() {
		return
	}
	if v.node.Kind != yaml.MappingNode || v.node.ShortTag() != "!!map" {
		v.problem("want a mapping")
		return
	}
	seen := make(map[string]bool, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.reader.value(v.node.Content[i], v.path)
		name, ok := key.scalar()
		if !ok {
			continue
		}
		path := name
		if v.path != "" {
			path = v.path + "." + name
		}
		if seen[name] {
			v.reader.add(place{key.line, path}, "is given twice")
			continue
		}
		seen[name] = true
		member := v.reader.value(v.node.Content[i+1], path)
		member.line = key.line
		yield(name, member)
	}
}

// fields hands the members of a mapping to those who know them.
func (v value) fields(known map[string]func(value)) {
	v.pairs(func(name string, member value) {
		if take, ok := known[name]; ok {
			take(member)
			return
		}
		member.problem("unknown field")
	})
}

// items yields the elements of a list; an empty value is an empty list.
func (v value) items(yield func(item value)) {
	if v.null() {
		return
	}
	if v.node.Kind != yaml.SequenceNode {
		v.problem("want a list")
		return
	}
	for i, n := range v.node.Content {
		yield(v.reader.value(n, v.path+"["+strconv.Itoa(i)+"]"))
	}
}

// scalar returns the text of a string, number, boolean or date just as it is written, so that 111122223333 and 2012-10-17
// need no quotes.
func (v value) scalar() (string, bool) {
	if v.node.Kind == yaml.ScalarNode {
		switch v.node.ShortTag() {
		case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
			return v.node.Value, true
		}
	}
	v.problem("want a string")
	return "", false
}

func (v value) text() string {
	s, _ := v.scalar()
	return s
}

func (v value) texts() []reference {
	list := []reference{}
	v.items(func(item value) {
		if s, ok := item.scalar(); ok {
			list = append(list, reference{item.place, s})
		}
	})
	return list
}

func (v value) number() int32 {
	if v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!int" {
		if n, err := strconv.ParseInt(v.node.Value, 10, 32); err == nil {
			return int32(n)
		}
	}
	v.problem("want a whole number")
	return 0
}

func (v value) boolean() bool {
	var b bool
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!bool" || v.node.Decode(&b) != nil {
		v.problem("want true or false")
	}
	return b
}

// uniqueNames returns a check that a name was not given before in another case.
func uniqueNames() func(name string, at value) bool {
	seen := make(map[string]string)
	return func(name string, at value) bool {
		folded := strings.ToLower(name)
		if other, ok := seen[folded]; ok {
			at.problem("is %s in another case, and names are unique without regard to case", other)
			return false
		}
		seen[folded] = name
		return true
	}
}
