//go:build !unix

package store

// restrictFileModes does nothing where files have no mode: the data directory's access list protects them.
func restrictFileModes() {}
