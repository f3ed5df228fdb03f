#!/bin/sh
# Installs what the client tests need and Go cannot fetch: Debian's AWS CLI, boto3, nginx, Chromium and, where they are
# missing, Node.js and npm. Running it again changes nothing. It fails when a program is still missing at its end.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

missing=''
[ -x /usr/bin/aws ] || missing="$missing awscli"
/usr/bin/python3 -c 'import boto3' 2>/dev/null || missing="$missing python3-boto3"
[ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"

if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "test/install.sh: missing:$missing, and there is no apt-get to install them with" >&2
		exit 1
	fi
	sudo=''
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null 2>&1; then
			echo "test/install.sh: missing:$missing; run this script as root, or install sudo" >&2
			exit 1
		fi
		sudo='sudo'
	fi
	$sudo apt-get update
	# shellcheck disable=SC2086 # a list of package names, split on purpose
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
fi

(cd "$here/clients/js" && npm ci --no-audit --no-fund --loglevel=error)

/usr/bin/aws --version
/usr/bin/python3 -c 'import boto3; print("boto3", boto3.__version__)'
/usr/sbin/nginx -v
node --version
