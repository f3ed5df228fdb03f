#!/bin/sh
# Runs every fuzz target of the module for the given time each.
set -eu
time=${1:?usage: scripts/fuzz.sh TIME}
targets=0
for package in $(grep -rlE --include='*_test.go' '^func Fuzz' arn sigv4 policy internal cmd | xargs -n1 dirname | sort -u); do
	for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed 's/^func //' | sort -u); do
		echo "fuzz: $package $target for $time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 5x "./$package"
		targets=$((targets + 1))
	done
done
echo "fuzz: $targets targets, clean"
[ "$targets" -ge 5 ] || { echo "fuzz: fewer targets than there should be" >&2; exit 1; }
