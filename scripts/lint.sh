#!/bin/sh
# Runs golangci-lint at the version named here; installs it into bin/ when it isn't there.
set -eu
cd "$(dirname "$0")/.."

version=2.15.0
if ! bin/golangci-lint version 2>/dev/null | grep -q "version $version "; then
	echo "installing golangci-lint $version into bin/ (takes some minutes, once)" >&2
	GOBIN="$PWD/bin" go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$version"
fi
exec bin/golangci-lint run "$@"
