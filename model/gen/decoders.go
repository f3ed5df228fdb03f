package main

import "strings"

// decoders writes one function per structure of a request. It reads the members in the model's order and reports every
// constraint that one breaks.
func (g *generator) decoders() ([]byte, error) {
	var w source
	w.start("wire", "github.com/stint-sts/stint/internal/api")
	for _, sh := range g.inputs {
		if len(sh.Members) == 0 {
			w.line("func %s(*decoder, scope, *path, *api.%s) {}\n", g.decoder(sh), g.names[sh])
			continue
		}
		w.line("func %s(d *decoder, s scope, p *path, v *api.%s) {", g.decoder(sh), g.names[sh])
		for _, m := range sh.Members {
			g.decodeMember(&w, sh, m)
		}
		w.line("}\n")
	}
	return w.Bytes(), nil
}

func (g *generator) decodeMember(w *source, sh *shape, m member) {
	t, required, field := g.of(sh, m), sh.required(m.name), "v."+upperFirst(m.name)
	optional := ""
	if !required {
		optional = "Optional"
	}
	switch t.Type {
	case "string":
		w.line("%s = d.text%s(s, p, %q, &%s)", field, optional, m.name, g.constraint(m.name, t))
	case "integer":
		w.line("%s = d.number%s(s, p, %q, &%s)", field, optional, m.name, g.constraint(m.name, t))
	case "boolean":
		w.line("%s = d.flag%s(s, p, %q)", field, optional, m.name)
	case "structure":
		w.line("if sub, ok := d.structure(s, p, %q, %t); ok {", m.name, required)
		into := "&" + field
		if !required {
			w.line("%s = new(api.%s)", field, g.names[t])
			into = field
		}
		w.line("%s(d, sub, &path{up: p, name: %q}, %s)", g.decoder(t), m.name, into)
		w.line("}")
	case "list":
		e := g.element(t)
		if e.Type == "string" {
			w.line("%s = d.texts(s, p, %q, %t, &%s, &%s)", field, m.name, required, g.constraint(m.name, t), g.constraint(m.name, e))
			return
		}
		w.line("if list, ok := d.list(s, p, %q, %t, &%s); ok {", m.name, required, g.constraint(m.name, t))
		w.line("%s = make([]api.%s, len(list))", field, g.names[e])
		w.line("for i := range list {")
		w.line("%s(d, list[i].fields(s.form), &path{up: p, name: %q, index: i + 1}, &%s[i])", g.decoder(e), m.name, field)
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
