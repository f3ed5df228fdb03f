package main

import (
	"slices"
	"strings"
)

// encoders writes one function per structure, of requests (for the audit log) and of answers.
func (g *generator) encoders() ([]byte, error) {
	var w source
	w.start("wire", "github.com/stint-sts/stint/internal/api")
	written := map[string]bool{}
	all := slices.Concat(g.inputs, g.outputs)
	slices.SortStableFunc(all, func(a, b *shape) int { return strings.Compare(g.names[a], g.names[b]) })
	for _, sh := range all {
		name := g.names[sh]
		if written[name] {
			continue
		}
		written[name] = true
		if len(sh.Members) == 0 {
			w.line("func encode%s(*encoder, *api.%s) {}\n", name, name)
			continue
		}
		g.encoder(&w, sh)
	}
	return w.Bytes(), nil
}

func (g *generator) encoder(w *source, sh *shape) {
	name := g.names[sh]
	alphabetical := slices.SortedFunc(slices.Values(sh.Members), func(a, b member) int { return strings.Compare(a.name, b.name) })
	w.line("func encode%s(e *encoder, v *api.%s) {", name, name)
	// A request is only ever written as JSON, and so is all of a service that speaks it.
	if wire := sh.wireOrder(); sh.service.target == "" && slices.Contains(g.outputs, sh) && !slices.Equal(wire, alphabetical) {
		w.line("if e.format == formatXML {")
		for _, m := range wire {
			g.encodeMember(w, sh, m)
		}
		w.line("return")
		w.line("}")
	}
	for _, m := range alphabetical {
		g.encodeMember(w, sh, m)
	}
	w.line("}\n")
}

func (g *generator) encodeMember(w *source, sh *shape, m member) {
	t, required := g.of(sh, m), sh.required(m.name)
	field, value := "v."+upperFirst(m.name), "v."+upperFirst(m.name)
	if pointer(t, required) && t.Type != "structure" {
		value = "*" + field
	}
	// Required lists and structures get a block too: it keeps their local names apart.
	switch {
	case !required:
		w.line("if %s != nil {", field)
	case t.Type == "list" || t.Type == "structure":
		w.line("{")
	}
	switch t.Type {
	case "string":
		w.line("e.%s(%q, %s)", g.verb("text", m.name, t), m.name, value)
	case "integer":
		w.line("e.number(%q, %s)", m.name, value)
	case "boolean":
		w.line("e.flag(%q, %s)", m.name, value)
	case "timestamp":
		w.line("e.time(%q, %s)", m.name, value)
	case "blob":
		w.line("e.%s(%q, %s)", g.verb("blob", m.name, t), m.name, value)
	case "map":
		w.line("encodeMap(e, %q, %s, (*encoder).%s)", m.name, value, map[string]string{"string": "text", "integer": "number"}[g.element(t).Type])
	case "structure":
		if required {
			value = "&" + field
		}
		w.line("o := e.open(%q)", m.name)
		w.line("encode%s(e, %s)", g.names[t], value)
		w.line("e.close(%q, o)", m.name)
	case "list":
		g.encodeList(w, t, m, value)
	}
	if !required || t.Type == "list" || t.Type == "structure" {
		w.line("}")
	}
}

func (g *generator) encodeList(w *source, t *shape, m member, value string) {
	e := g.element(t)
	if e.Type == "string" {
		w.line("e.texts(%q, %s)", m.name, value)
		return
	}
	w.line("l := e.openList(%q)", m.name)
	w.line("for i := range %s {", value)
	w.line("if !e.room() {\nbreak\n}")
	w.line("o := e.openItem()")
	w.line("encode%s(e, &%s[i])", g.names[e], value)
	w.line("e.closeItem(o)")
	w.line("}")
	w.line("e.closeList(%q, l)", m.name)
}

func (g *generator) verb(plain, name string, sh *shape) string {
	if g.rules.secret(name, sh) {
		return "secret" + upperFirst(plain)
	}
	return plain
}
