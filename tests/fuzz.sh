#!/bin/sh
# Fuzzes every fuzz target of the module for a time each: fuzz.sh 10s
set -eu
cd "$(dirname "$0")/.."
time=${1:-30s}
count=0
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "-- $package $target"
		go test -run='^$' -fuzz="^$target\$" -fuzztime="$time" "$package"
		count=$((count + 1))
	done
done
echo "$count fuzz targets ran $time each"
