#!/bin/sh
# Checks the API's OpenAPI document with Redocly's linter, at the version in scripts/openapi/package-lock.json.
set -eu
cd "$(dirname "$0")/.."

sh scripts/needs.sh node
mkdir -p bin
PUBLIC_URL=https://trust.nordlicht.example go run ./cmd/api openapi >bin/openapi.json

cd scripts/openapi
if ! cmp -s package-lock.json node_modules/.installed-from; then
	npm ci --ignore-scripts >&2 || { echo "npm ci in scripts/openapi failed: it needs npm's registry once" >&2; exit 1; }
	cp package-lock.json node_modules/.installed-from
fi
# Node's age and the linter's own news are no findings: what it says is shown only when it finds something.
report=$(REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
	node node_modules/@redocly/cli/bin/cli.js lint ../../bin/openapi.json 2>&1) || { echo "$report" >&2; exit 1; }
echo "the OpenAPI document lints clean"
