package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// operations writes a typed descriptor per operation, and the list of all.
func (g *generator) operations() ([]byte, error) {
	var w source
	w.start("wire", "github.com/stint-sts/stint/internal/api")
	for _, s := range g.services {
		w.line("// The operations of the %s API.", g.title(s))
		w.line("var (")
		for _, op := range s.operations {
			in, decode, encodeIn := "api.Empty", "decodeEmpty", "encodeEmpty"
			if op.input != nil {
				name := g.names[op.input]
				in, decode, encodeIn = "api."+name, g.decoder(op.input), "encode"+name
			}
			out, encodeOut := "api.Empty", "encodeEmpty"
			if op.output != nil {
				out, encodeOut = "api."+g.names[op.output], "encode"+g.names[op.output]
			}
			w.line("%s = Op[%s, %s]{", op.goName, in, out)
			w.line("Operation: &Operation{Service: %q, Name: %q, Version: %q, Action: %q, Signed: %t, namespace: %q, result: %t},",
				s.id, op.name, s.version, s.id+":"+op.name, op.signed, s.namespace, op.output != nil)
			field := "decode"
			if s.target != "" {
				field, decode = "decodeObject", strings.Replace(decode, "decodeEmpty", "decodeEmptyObject", 1)
			}
			w.line("%s: %s,\nencodeInput: %s,\nencodeOutput: %s,", field, decode, encodeIn, encodeOut)
			w.line("}")
		}
		w.line(")\n")
	}
	w.line("// operations are all of all services, those of the query protocol first.")
	w.line("var operations = []*Operation{")
	for _, s := range g.services {
		for _, op := range s.operations {
			w.line("%s.Operation,", op.goName)
		}
	}
	w.line("}\n")
	w.line("// targetOf returns the service that the front part of an X-Amz-Target names.")
	w.line("func targetOf(prefix string) (service string, ok bool) {")
	w.line("switch prefix {")
	for _, s := range g.services {
		if s.target != "" {
			w.line("case %q:\nreturn %q, true", s.target, s.id)
		}
	}
	w.line("}\nreturn \"\", false\n}\n")
	w.line("func namespaceOf(service string) string {")
	w.line("switch service {")
	for _, s := range g.services {
		if s.namespace != "" {
			w.line("case %q:\nreturn %q", s.id, s.namespace)
		}
	}
	w.line("}\nreturn \"\"\n}")
	return w.Bytes(), nil
}

// operationTests writes the lists of typed descriptors that the tests of package wire walk, by protocol.
func (g *generator) operationTests() ([]byte, error) {
	var w source
	w.start("wire")
	for _, list := range []struct {
		name, of string
		targets  bool
	}{{"typedOperations", "typedOperation", false}, {"typedTargets", "typedTarget", true}} {
		w.line("var %s = []%s{", list.name, list.of)
		for _, s := range g.services {
			for _, op := range s.operations {
				if (s.target != "") == list.targets {
					w.line("%s,", op.goName)
				}
			}
		}
		w.line("}\n")
	}
	return w.Bytes(), nil
}

// operationNames writes the actions that policies may name.
func (g *generator) operationNames() ([]byte, error) {
	var w source
	w.start("lint")
	w.line("// operations are the actions that are operations of an API.")
	w.line("var operations = [...]string{")
	for _, s := range g.services {
		for _, op := range s.operations {
			w.line("%q,", s.id+":"+op.name)
		}
	}
	w.line("}")
	return w.Bytes(), nil
}

// statuses writes the HTTP status of every error code in the models.
func (g *generator) statuses() ([]byte, error) {
	status := map[string]int{}
	for _, s := range g.services {
		for _, sh := range s.shapes {
			if !sh.Exception {
				continue
			}
			// Exceptions without an error trait go by their shape's name and are the sender's, as in Smithy's default.
			code, st := sh.name, 400
			if sh.Error != nil {
				code, st = sh.Error.Code, sh.Error.Status
			}
			if other, ok := status[code]; ok && other != st {
				return nil, fmt.Errorf("error %s has statuses %d and %d", code, other, st)
			}
			status[code] = st
		}
	}
	var w source
	w.start("wire", "github.com/stint-sts/stint/internal/identity")
	w.line("// modelled holds the HTTP statuses of the error codes that the models list.")
	w.line("var modelled = map[identity.Code]int{")
	for _, code := range slices.Sorted(maps.Keys(status)) {
		w.line("%q: %d,", code, status[code])
	}
	w.line("}")
	return w.Bytes(), nil
}

// constraints writes the limits of every shape that a request can hold, and the patterns they share.
func (g *generator) constraints() ([]byte, error) {
	limits, patterns := map[string]string{}, map[string]bool{}
	add := func(name string, sh *shape) error {
		v := g.constraint(name, sh)
		text := g.constraintValue(name, sh)
		if other, ok := limits[v]; ok && other != text {
			return fmt.Errorf("constraint %s is defined twice", v)
		}
		limits[v] = text
		if sh.Pattern != "" {
			patterns[sh.Pattern] = true
		}
		return nil
	}
	for _, sh := range g.inputs {
		for _, m := range sh.Members {
			t := g.of(sh, m)
			if t.Type == "structure" || t.Type == "boolean" || t.Type == "timestamp" {
				continue
			}
			if err := add(m.name, t); err != nil {
				return nil, err
			}
			if t.Type != "list" || g.element(t).Type != "string" {
				continue
			}
			if err := add(m.name, g.element(t)); err != nil {
				return nil, err
			}
		}
	}
	ordered := slices.Sorted(maps.Keys(patterns))
	var w source
	w.start("wire", "regexp", "unicode")
	w.line("// The patterns of the models, printed in refusals exactly as they stand there.")
	w.line("var (")
	for i, p := range ordered {
		text, err := g.pattern(p)
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", p, err)
		}
		w.line("pattern%d = pattern{%s}", i+1, text)
	}
	w.line(")\n")
	w.line("// The limits of the models' shapes.")
	w.line("var (")
	for _, v := range slices.Sorted(maps.Keys(limits)) {
		text := limits[v]
		for i, p := range ordered {
			text = strings.ReplaceAll(text, fmt.Sprintf("pattern: %q", p), fmt.Sprintf("pattern: &pattern%d", i+1))
		}
		w.line("%s = constraint{%s}", v, text)
	}
	w.line(")")
	return w.Bytes(), nil
}

func (g *generator) constraintValue(name string, sh *shape) string {
	var parts []string
	if sh.Min != nil {
		parts = append(parts, fmt.Sprintf("hasMin: true, min: %d", *sh.Min))
	}
	if sh.Max != nil {
		parts = append(parts, fmt.Sprintf("hasMax: true, max: %d", *sh.Max))
	}
	if sh.Pattern != "" {
		parts = append(parts, fmt.Sprintf("pattern: %q", sh.Pattern))
	}
	if len(sh.Enum) > 0 {
		parts = append(parts, fmt.Sprintf("enum: %#v", sh.Enum))
	}
	for _, s := range g.rules.Sentences {
		if s.Service == sh.service.id && s.Pattern == sh.Pattern {
			parts = append(parts, fmt.Sprintf("sentence: %q", s.Sentence))
		}
	}
	if g.rules.silent(name, sh) {
		parts = append(parts, "silent: true")
	}
	return strings.Join(parts, ", ")
}
