// Package model holds the facts of the AWS APIs that Stint speaks, and generates Go from them.
//
// sts.json, iam.json and organizations.json are the services' own models: operations, shapes, limits, patterns and error codes,
// without prose.
// overrides.json lists where the services differ from their models, each entry with its source. The generator in gen turns
// them into internal/api (the shapes) and into the codecs and tables of internal/wire, in files named *.gen.go.
//
// The package has no code of its own.
package model

//go:generate go run ./gen ..
