#!/bin/sh
# Runs all tests, on one PostgreSQL for the run: scripts/test.sh [flags of go test]
#
# Packages whose heart is concurrency run under the race detector, which needs a C compiler; the
# rest run plain, since the detector takes twice the time. Each package runs once.
set -eu
cd "$(dirname "$0")/.."

sh scripts/needs.sh postgres chromium node
mkdir -p bin
go build -o bin/withpg ./internal/database/databasetest/withpg

raced='^fairnotice/internal/(accounts|changes|database|jobs|ledger|notify(/.*)?|database/databasetest)$'
if [ "$(go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null 2>&1; then
	race=-race
else
	race=
	echo "no C compiler: tests run without the race detector" >&2
fi

# shellcheck disable=SC2016 # the inner shell expands these
exec bin/withpg -- sh -c '
	raced=$1 race=$2
	shift 2
	code=0
	go test $race "$@" $(go list -e ./... | grep -E "$raced") || code=$?
	go test "$@" $(go list -e ./... | grep -vE "$raced") || code=$?
	exit $code
' test "$raced" "$race" "$@"
