#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# --help, the manual and the configuration's table name the same things.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}/backend
. "$top/selftests/tap.sh"
[ -x "$build/nexus-backend" ] || tap_skip_all "$build/nexus-backend is not built"

options_help() { "$1" --help | grep -oE -- '--[a-z-]+' | sort -u; }
# Options are what a paragraph's tag begins with.
options_manual() {
	grep -A1 -E '^\.T[PQ]' "$1" | sed 's/\\-/-/g' | grep -oE -- '^\.BI? "?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u
}
for program in nexus-backend.8 nexusctl.1; do
	tap_is "$(options_manual "$top/Documentation/man/$program")" "$(options_help "$build/${program%.*}")" \
		"the manual and --help of ${program%.*} name the same options"
done

verbs_help() { "$build/nexusctl" --help | sed -n 's/^  \(\(vm\|function\|image\|journal\) [a-z]*\|[a-z][a-z]*\) .*/\1/p' | sort; }
verbs_manual() {
	sed -n '/^\.SH VERBS/,/^\.SH OPTIONS/p' "$top/Documentation/man/nexusctl.1" | grep -A1 '^\.TP' |
		sed -n 's/^\.BI\? "\?\(\(vm\|function\|image\|journal\) [a-z]*\|[a-z]*\).*/\1/p' | sort
}
tap_is "$(verbs_manual)" "$(verbs_help)" "the manual and --help of nexusctl name the same verbs"

keys_manual() {
	sed -n '/^\.SS/,/^\.SH EXAMPLE/p' "$top/Documentation/man/nexus.conf.5" |
		awk '/^\.SS/ { section = $2; gsub(/[][]/, "", section) }
		     tag && /^\.B / { print section, $2 } { tag = /^\.T[PQ]/ }' | sort
}
keys_table() {
	sed -n '/^const struct config_key config_keys/,/^};/p' "$top/backend/config_key.c" |
		sed -n 's/.*SECTION_\([A-Z]*\), *\(struct [a-z_]*, *\)\?"\?\([a-z_]*\)"\?[,)].*/\1 \3/p' |
		tr '[:upper:]' '[:lower:]' | sort
}
tap_is "$(keys_manual)" "$(keys_table)" "nexus.conf(5) and the daemon know the same keys"
tap_done
