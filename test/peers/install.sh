#!/bin/sh
# Builds the third-party programs of the peer tests at pinned versions into the folder given, and installs Debian's. Running it
# again changes nothing. It fails when a program is still missing at its end.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${1:?usage: test/peers/install.sh FOLDER}
mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)

# build NAME PACKAGE VERSION leaves the program under NAME@VERSION, so that another version is another file.
build() {
	[ -x "$out/$1@$3" ] && return 0
	echo "building $2@$3"
	rm -rf "$out/build"
	(cd / && GOFLAGS='' GOBIN="$out/build" CGO_ENABLED=0 go install "$2@$3")
	mv "$out/build/$(basename "$2")" "$out/$1@$3"
	rm -rf "$out/build"
}

build aws-iam-authenticator sigs.k8s.io/aws-iam-authenticator/cmd/aws-iam-authenticator v0.6.13
build aws-iam-authenticator sigs.k8s.io/aws-iam-authenticator/cmd/aws-iam-authenticator v0.7.18
