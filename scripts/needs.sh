#!/bin/sh
# Makes sure that programs are installed: scripts/needs.sh postgres chromium node
#
# What is missing is installed: with apt-get on Debian and Ubuntu when we are root or sudo asks for
# no password, with Homebrew on macOS. Elsewhere it says what to install.
set -eu

has() { command -v "$1" >/dev/null 2>&1; }

# The places are those that internal/database/pgserver searches.
has_postgres() {
	for dir in "${PG_BIN_DIR:-}" "$(dirname "$(command -v initdb || echo /nowhere/initdb)")" \
		/usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
		/opt/homebrew/opt/postgresql/bin /usr/local/opt/postgresql/bin \
		/Applications/Postgres.app/Contents/Versions/*/bin; do
		[ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && return 0
	done
	return 1
}

# The names are those that web/browsertest searches.
has_chromium() {
	[ -n "${CHROMIUM:-}" ] && return 0
	for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
		has "$name" && return 0
	done
	[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] ||
		[ -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ]
}

has_node() {
	has npm && has node && [ "$(node -p '[a, b] = process.versions.node.split("."), a > 20 || a == 20 && b >= 19')" = true ]
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }

apt_updated=
apt() {
	[ -n "$apt_updated" ] || as_root apt-get update -q
	apt_updated=yes
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# Debian's package starts a server of its own; only the programs are wanted.
apt_postgres() {
	conf=/etc/postgresql-common/createcluster.d/fairnotice.conf
	as_root mkdir -p "$(dirname $conf)"
	echo "create_main_cluster = false" | as_root tee $conf >/dev/null
	code=0
	apt postgresql || code=$?
	as_root rm -f $conf
	return $code
}

install() {
	echo "$1 is missing; installing it" >&2
	if has apt-get && can_be_root; then
		case $1 in
		postgres) apt_postgres ;;
		chromium) apt chromium ;;
		node) apt nodejs npm ;;
		esac
	elif has brew; then
		case $1 in
		postgres) brew install postgresql@17 ;;
		chromium) brew install --cask chromium ;;
		node) brew install node ;;
		esac
	fi
}

for need in "$@"; do
	case $need in postgres | chromium | node) ;; *) echo "needs.sh: unknown: $need" >&2; exit 2 ;; esac
	"has_$need" && continue
	install "$need" >&2 || true
	"has_$need" && continue
	case $need in
	postgres) echo "PostgreSQL's server programs (14 or newer) are missing: install them (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17), or set PG_BIN_DIR to their folder." ;;
	chromium) echo "Chromium or Chrome is missing: install it (Debian, Ubuntu: apt-get install chromium; macOS: brew install --cask chromium), or set CHROMIUM to its path." ;;
	node) echo "Node.js 20.19 or newer and npm are missing: install them (Debian 13, Ubuntu 26.04: apt-get install nodejs npm; macOS: brew install node; elsewhere: nodejs.org)." ;;
	esac >&2
	exit 1
done
