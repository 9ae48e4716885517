#!/bin/sh
# Lints the OpenAPI documents with Redocly's linter, which npm fetches at a fixed version.
set -eu
cd "$(dirname "$0")/../openapi"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
npx --yes @redocly/cli@2.77.0 lint --config redocly.yaml openapi.json openapi.yaml openapi-3.0.json
