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
build caddy github.com/caddyserver/caddy/v2/cmd/caddy v2.11.9
build versitygw github.com/versity/versitygw/cmd/versitygw v1.8.0

# pinned NAME PACKAGE VERSION FOLDER is build for a program whose go.mod has replace directives, which go install does not take:
# the module in the folder pins it and all that it needs.
pinned() {
	[ -x "$out/$1@$3" ] && return 0
	echo "building $2@$3"
	(cd "$here/$4" && GOFLAGS='' CGO_ENABLED=0 go build -o "$out/$1@$3" "$2")
}

pinned aws-iam-authenticator sigs.k8s.io/aws-iam-authenticator/cmd/aws-iam-authenticator v0.7.18 authenticator
pinned dex github.com/dexidp/dex/cmd/dex v0.0.0-20260303133905-11d2eeb52b42 dex

missing=''
[ -x /usr/bin/aws ] || missing="$missing awscli"
/usr/bin/python3 -c 'import boto3' 2>/dev/null || missing="$missing python3-boto3"
[ -d /usr/share/simplesamlphp/www ] || missing="$missing simplesamlphp"
php -r 'exit(extension_loaded("dom") && extension_loaded("mbstring") && extension_loaded("curl") && extension_loaded("pdo_sqlite") ? 0 : 1);' 2>/dev/null ||
	missing="$missing php-cli php-xml php-mbstring php-curl php-sqlite3"
command -v rclone >/dev/null 2>&1 || missing="$missing rclone"
command -v s3cmd >/dev/null 2>&1 || missing="$missing s3cmd"

if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "test/peers/install.sh: missing:$missing, and there is no apt-get to install them with" >&2
		exit 1
	fi
	sudo=''
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null 2>&1; then
			echo "test/peers/install.sh: missing:$missing; run this script as root, or install sudo" >&2
			exit 1
		fi
		sudo='sudo'
	fi
	$sudo apt-get update
	# shellcheck disable=SC2086 # a list of package names, split on purpose
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
fi

/usr/bin/aws --version
/usr/bin/python3 -c 'import boto3; print("boto3", boto3.__version__)'
php --version | head -n 1
rclone version | head -n 1
s3cmd --version
