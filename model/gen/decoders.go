package main

import (
	"strconv"
	"strings"
)

// decoders writes one function per structure of a request. It reads the members in the model's order and reports every
// constraint that one breaks.
func (g *generator) decoders() ([]byte, error) {
	var w source
	w.start("wire", "github.com/stint-sts/stint/internal/api")
	for _, sh := range g.inputs {
		read := queryReading
		if sh.service.target != "" {
			read = jsonReading
		}
		if len(sh.Members) == 0 {
			w.line("func %s(%s, *api.%s) {}\n", g.decoder(sh), read.types, g.names[sh])
			continue
		}
		w.line("func %s(%s, v *api.%s) {", g.decoder(sh), read.parameters, g.names[sh])
		for _, m := range sh.Members {
			g.decodeMember(&w, read, sh, m)
		}
		w.line("}\n")
	}
	return w.Bytes(), nil
}

// reading is how decoders get at the members of a request. Only the query protocol's refusals tell where a member stands.
type reading struct{ types, parameters, from, element, in, inList string }

var (
	queryReading = reading{
		types: "*decoder, scope, *path", parameters: "d *decoder, s scope, p *path", from: "s, p", element: "list[i].fields(s.form)",
		in: "&path{up: p, name: %q}, ", inList: "&path{up: p, name: %q, index: i + 1}, ",
	}
	jsonReading = reading{
		types: "*jsonDecoder, jsonObject", parameters: "d *jsonDecoder, o jsonObject", from: "o", element: "list[i]",
	}
)

// at is the argument that tells a member's place, if there is one.
func at(format string, m member) string {
	return strings.Replace(format, "%q", strconv.Quote(m.name), 1)
}

func (g *generator) decodeMember(w *source, read reading, sh *shape, m member) {
	t, required, field := g.of(sh, m), sh.required(m.name), "v."+upperFirst(m.name)
	optional := ""
	if !required {
		optional = "Optional"
	}
	switch t.Type {
	case "string":
		w.line("%s = d.text%s(%s, %q, &%s)", field, optional, read.from, m.name, g.constraint(m.name, t))
	case "integer":
		w.line("%s = d.number%s(%s, %q, &%s)", field, optional, read.from, m.name, g.constraint(m.name, t))
	case "boolean":
		w.line("%s = d.flag%s(%s, %q)", field, optional, read.from, m.name)
	case "timestamp":
		w.line("%s = d.time%s(%s, %q)", field, optional, read.from, m.name)
	case "structure":
		w.line("if sub, ok := d.structure(%s, %q, %t); ok {", read.from, m.name, required)
		into := "&" + field
		if !required {
			w.line("%s = new(api.%s)", field, g.names[t])
			into = field
		}
		w.line("%s(d, sub, %s%s)", g.decoder(t), at(read.in, m), into)
		w.line("}")
	case "list":
		e := g.element(t)
		if e.Type == "string" {
			w.line("%s = d.texts(%s, %q, %t, &%s, &%s)", field, read.from, m.name, required, g.constraint(m.name, t), g.constraint(m.name, e))
			return
		}
		w.line("if list, ok := d.list(%s, %q, %t, &%s); ok {", read.from, m.name, required, g.constraint(m.name, t))
		w.line("%s = make([]api.%s, len(list))", field, g.names[e])
		w.line("for i := range list {")
		w.line("%s(d, %s, %s&%s[i])", g.decoder(e), read.element, at(read.inList, m), field)
		w.line("}\n}")
	}
}

// constraint names the variable that holds the limits of a member of the shape.
func (g *generator) constraint(name string, sh *shape) string {
	v := sh.service.id + upperFirst(sh.name)
	if g.rules.silent(name, sh) {
		v += "Silent"
	}
	return strings.ReplaceAll(v, "-", "")
}
