#!/bin/sh
# Installs, through the system's package manager, what the tests need and the machine lacks. Does nothing when all of
# it is there.
set -eu

missing=""
need() { # need COMMAND PACKAGE...
	command -v "$1" >/dev/null 2>&1 || { shift; missing="$missing $*"; }
}
need gcc gcc libc6-dev # the race detector links with cgo
need curl curl
need git git
need redis-server redis-server # the tests run servers of their own
/usr/bin/python3 -c 'import requests' >/dev/null 2>&1 || missing="$missing python3 python3-requests"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "the tests need:$missing (install them with your package manager)" >&2
	exit 1
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
echo "installing:$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of package names
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
