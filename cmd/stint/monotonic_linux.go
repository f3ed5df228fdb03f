package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is the system's clock that never jumps, which the service manager tells the order of reloads by; 0 if it cannot be read.
func monotonic() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
