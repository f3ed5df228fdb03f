// Command stint issues temporary, AWS-compatible credentials for systems that are not AWS.
//
// It is the one place that knows every package: each subcommand has a file of its own, node.go puts a server together, and
// operations.go lists which handler performs which operation.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

func main() {
	headroom := tune()
	ctx, stop := signal.NotifyContext(harden(context.Background()), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	runtime.KeepAlive(headroom)
	os.Exit(status)
}

// tune lets the heap grow to three times what lives before it is collected, where Go's default is twice: the directory lives
// long and requests leave little. What it returns counts as living and is never touched, so that it takes no memory: without it
// the heap of a small directory would be collected every thousand requests. GOGC overrides both.
func tune() (headroom []byte) {
	const percent, floor = 200, 8 << 20
	if os.Getenv("GOGC") != "" {
		return nil
	}
	debug.SetGCPercent(percent)
	return make([]byte, floor)
}

// run performs one command line and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		return report(stderr, err)
	}
	return 0
}
