package main

import (
	"fmt"
	"slices"
	"strings"
)

// shapes writes the structures of one service. A structure that both services have is written with the first.
func (g *generator) shapes(s *service) ([]byte, error) {
	var all []*shape
	operation := map[*shape]string{}
	for _, op := range s.operations {
		for _, root := range []*shape{op.input, op.output} {
			if root != nil && operation[root] == "" {
				operation[root] = op.name
			}
		}
	}
	for _, sh := range slices.Concat(g.inputs, g.outputs) {
		if sh.service == s && !slices.Contains(all, sh) && !g.elsewhere(sh) {
			all = append(all, sh)
		}
	}
	slices.SortFunc(all, func(a, b *shape) int { return strings.Compare(g.names[a], g.names[b]) })

	var w source
	if slices.ContainsFunc(all, func(sh *shape) bool {
		return slices.ContainsFunc(sh.Members, func(m member) bool { return g.of(sh, m).Type == "timestamp" })
	}) {
		w.start("api", "time")
	} else {
		w.start("api")
	}
	for _, sh := range all {
		g.structure(&w, sh, operation[sh])
	}
	for _, op := range s.operations {
		for _, alias := range []string{op.goName + "Input", op.goName + "Output"} {
			if of, ok := g.aliases[alias]; ok {
				w.line("// %s is what %s answers: the same as another operation's.", alias, op.name)
				w.line("type %s = %s\n", alias, of)
			}
		}
	}
	return w.Bytes(), nil
}

// elsewhere reports whether an earlier service has the structure too.
func (g *generator) elsewhere(sh *shape) bool {
	for _, s := range g.services {
		if s == sh.service {
			return false
		}
		for other, name := range g.names {
			if other.service == s && name == g.names[sh] {
				return true
			}
		}
	}
	return false
}

func (g *generator) structure(w *source, sh *shape, operation string) {
	name := g.names[sh]
	switch {
	case strings.HasSuffix(name, "Input") && operation != "":
		w.line("// %s holds the parameters of %s:%s.", name, sh.service.id, operation)
	case operation != "":
		w.line("// %s is the answer of %s:%s.", name, sh.service.id, operation)
	default:
		w.line("// %s is a structure of the %s API.", name, g.title(sh.service))
	}
	if len(sh.Members) == 0 {
		w.line("type %s struct{}\n", name)
		return
	}
	w.line("type %s struct {", name)
	for _, m := range sh.Members {
		t := g.of(sh, m)
		goType := g.goType(t, "")
		if pointer(t, sh.required(m.name)) {
			goType = "*" + goType
		}
		if note := g.note(m.name, t); note != "" {
			w.line("// %s", note)
		}
		w.line("%s %s", upperFirst(m.name), goType)
	}
	w.line("}\n")
}

// note tells a member's limits and units.
func (g *generator) note(name string, sh *shape) string {
	var parts []string
	if limits := limits(sh, unit(name, sh)); limits != "" {
		parts = append(parts, limits)
	}
	if sh.Pattern != "" {
		parts = append(parts, "pattern "+sh.Pattern)
	}
	if len(sh.Enum) > 0 && len(sh.Enum) <= 12 {
		parts = append(parts, "one of "+strings.Join(sh.Enum, ", "))
	}
	if g.rules.secret(name, sh) {
		parts = append(parts, "never logged")
	}
	return strings.Join(parts, "; ")
}

func limits(sh *shape, unit string) string {
	switch {
	case sh.Min != nil && sh.Max != nil && *sh.Min == *sh.Max:
		return fmt.Sprintf("%d%s", *sh.Min, unit)
	case sh.Min != nil && sh.Max != nil:
		return fmt.Sprintf("%d to %d%s", *sh.Min, *sh.Max, unit)
	case sh.Max != nil:
		return fmt.Sprintf("at most %d%s", *sh.Max, unit)
	case sh.Min != nil:
		return fmt.Sprintf("at least %d%s", *sh.Min, unit)
	case sh.Type == "integer":
		return strings.TrimSpace(unit)
	default:
		return ""
	}
}

func unit(name string, sh *shape) string {
	switch {
	case sh.Type == "string":
		return " code points"
	case sh.Type == "list":
		return " elements"
	case strings.HasSuffix(name, "Duration") || strings.HasSuffix(name, "Seconds"):
		return " seconds"
	case strings.HasSuffix(name, "Age") || strings.HasSuffix(name, "Days"):
		return " days"
	case name == "PackedPolicySize":
		return " percent of the allotted space"
	default:
		return ""
	}
}
