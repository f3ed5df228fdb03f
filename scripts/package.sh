#!/bin/sh
# Builds the release files of one platform into bin/release: the binary, man pages, completions, the Debian package and the RPM.
# The same commit gives the same bytes: paths are trimmed, and every date is the commit's.
#
#   VERSION=v1.2.3 GOARCH=arm64 scripts/package.sh
set -eu
cd "$(dirname -- "$0")/.."

out=bin/release
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo v0.0.0)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
ARCH=${GOARCH:-$(go env GOARCH)}
VERSION=$(printf %s "$version" | sed -e 's/^v//' -e 's/^[^0-9]/0.0.0~&/' -e 's/^\([0-9a-f]\{7,\}\)/0.0.0~\1/')
export ARCH VERSION

rm -rf "$out"
mkdir -p "$out/man" "$out/completion"
flags="-s -w -buildid= -X main.version=$version"
CGO_ENABLED=0 GOOS=linux GOARCH=$ARCH go build -trimpath -ldflags "$flags" -o "$out/stint" ./cmd/stint

# What documents itself is run on the machine that builds.
go build -trimpath -o "$out/native" ./cmd/stint
"$out/native" manual "$out/man"
gzip -9 --no-name "$out"/man/*.1
for shell in bash zsh fish; do "$out/native" completion "$shell" >"$out/completion/stint.$shell"; done
rm "$out/native"

for format in deb rpm; do
	go tool -modfile=packaging/go.mod nfpm package --config packaging/nfpm.yaml --packager $format --target "$out/"
done
(cd "$out" && sha256sum stint ./*.deb ./*.rpm >SHA256SUMS)
ls -l "$out"
