#!/bin/sh
# Runs every fuzz target of the module for the given time each. A run that ends with nothing but "context deadline exceeded" did
# not fail: Go's fuzzer says so when a worker is busy at the very end (golang/go#75804), and is asked again.
set -eu
time=${1:?usage: scripts/fuzz.sh TIME}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
fuzz() { # package target
	for try in 1 2 3; do
		status=0
		go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 5x "./$1" >"$log" 2>&1 || status=$?
		cat "$log"
		if [ "$status" = 0 ]; then return 0; fi
		if grep -q 'Failing input\|panic' "$log" || ! grep -q 'context deadline exceeded' "$log"; then return 1; fi
		echo "fuzz: $1 $2: the fuzzer itself ran out of time (try $try)"
	done
	return 1
}
targets=0
for package in $(grep -rlE --include='*_test.go' '^func Fuzz' arn sigv4 policy relying internal cmd | xargs -n1 dirname | sort -u); do
	for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed 's/^func //' | sort -u); do
		echo "fuzz: $package $target for $time"
		fuzz "$package" "$target" || { echo "fuzz: $package $target failed" >&2; exit 1; }
		targets=$((targets + 1))
	done
done
echo "fuzz: $targets targets, clean"
[ "$targets" -ge 5 ] || { echo "fuzz: fewer targets than there should be" >&2; exit 1; }
