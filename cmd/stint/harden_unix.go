//go:build unix

package main

import "syscall"

// harden keeps secrets from leaving by the side: no core dumps (docs/security-model.md, Keys), and no file that others can read
// (advisory 127, CVE-2021-38553). A limit that cannot be set was lower already.
func harden() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	syscall.Umask(0o077)
}
