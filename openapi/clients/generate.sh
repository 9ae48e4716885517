#!/bin/sh
# Generates the clients from the committed documents. With -check it writes nothing, and fails when what is committed is
# not what would be written.
set -eu
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 \
	-config openapi/clients/go/generate.yaml -o "$out/client.gen.go" openapi/openapi-3.0.json

# The generator's own version is in the lock file; it is installed beside, so that the source tree stays clean.
typescript=openapi/clients/typescript
cp $typescript/package.json $typescript/package-lock.json $typescript/.npmrc "$out"
npm ci --prefix "$out" --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error >"$out/npm.log" || {
	cat "$out/npm.log" >&2
	exit 1
}
"$out/node_modules/.bin/openapi-typescript" openapi/openapi.json \
	--root-types --root-types-no-schema-prefix --output "$out/schema.ts" >"$out/schema.log" 2>&1 || {
	cat "$out/schema.log" >&2
	exit 1
}

deliver() { # deliver GENERATED COMMITTED
	if [ "${check:-}" = "" ]; then
		cp "$1" "$2"
	elif ! cmp -s "$1" "$2"; then
		echo "$2 is stale: run make clients" >&2
		exit 1
	fi
}
[ "${1:-}" != -check ] || check=yes
deliver "$out/client.gen.go" openapi/clients/go/client.gen.go
deliver "$out/schema.ts" $typescript/src/schema.ts
