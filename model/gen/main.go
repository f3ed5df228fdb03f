// Command gen writes the Go code that follows from the models in package model.
//
// Usage, from the model directory: go run ./gen ROOT. ROOT is the project's root; the files written are
// internal/api/*.gen.go (shapes) and internal/wire/*.gen.go (codecs, constraints, operations, error statuses), with the list
// of operations that wire's tests walk, and policy/lint/operations.gen.go (the names of the operations).
// The output depends on the models alone: same input, same bytes.
package main

import (
	"fmt"
	"go/format"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen ROOT")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := generate(filepath.Join(root, "model"))
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root, name), content, 0o644); err != nil {
			return fmt.Errorf("writing generated code: %w", err)
		}
	}
	return nil
}

// generate returns the content of every generated file by its path from the project's root.
func generate(modelDir string) (map[string][]byte, error) {
	services, rules, err := load(modelDir)
	if err != nil {
		return nil, err
	}
	g, err := newGenerator(services, rules)
	if err != nil {
		return nil, err
	}
	sources := map[string]func() ([]byte, error){
		"internal/wire/operations.gen.go":      g.operations,
		"internal/wire/operations.gen_test.go": g.operationTests,
		"internal/wire/constraints.gen.go":     g.constraints,
		"internal/wire/decode.gen.go":          g.decoders,
		"internal/wire/encode.gen.go":          g.encoders,
		"internal/wire/statuses.gen.go":        g.statuses,
		"policy/lint/operations.gen.go":        g.operationNames,
	}
	for _, s := range services {
		sources["internal/api/"+s.id+".gen.go"] = func() ([]byte, error) { return g.shapes(s) }
	}
	files := make(map[string][]byte, len(sources))
	for name, source := range sources {
		text, err := source()
		if err != nil {
			return nil, fmt.Errorf("generating %s: %w", name, err)
		}
		if files[name], err = format.Source(text); err != nil {
			return nil, fmt.Errorf("formatting %s: %w\n%s", name, err, text)
		}
	}
	return files, nil
}
