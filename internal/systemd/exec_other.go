//go:build !unix

package systemd

func closeOnExec(int) {}
