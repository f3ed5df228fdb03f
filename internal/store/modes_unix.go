//go:build unix

package store

import "syscall"

// restrictFileModes denies group and others every file that the process creates from now on: etcd writes its snapshots with
// whatever the umask leaves (advisory 127, CVE-2021-38553).
func restrictFileModes() { syscall.Umask(0o077) }
