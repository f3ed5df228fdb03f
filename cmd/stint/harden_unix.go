//go:build unix

package main

import (
	"context"
	"syscall"
)

// before is what the process was started with.
type before struct {
	umask int
	core  syscall.Rlimit
}

type beforeKey struct{}

// harden keeps secrets from leaving by the side: no core dumps (docs/security-model.md, Keys), and no file that others can read
// (advisory 127, CVE-2021-38553). A limit that cannot be set was lower already. What it returns remembers what was before, for
// [soften].
func harden(ctx context.Context) context.Context {
	var b before
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &b.core) == nil {
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Max: b.core.Max})
	}
	b.umask = syscall.Umask(0o077)
	return context.WithValue(ctx, beforeKey{}, b)
}

// soften undoes harden, for a process that is about to become or begin another program: this one's rules are not that one's.
func soften(ctx context.Context) {
	if b, ok := ctx.Value(beforeKey{}).(before); ok {
		syscall.Umask(b.umask)
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &b.core)
	}
}
