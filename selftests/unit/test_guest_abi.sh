#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The symbol map, nexus.h, and the manual of libnexus-guest name the same functions; --help and the
# manual the same options.
set -u
cd "$(dirname "$0")/../.." || exit 1
. selftests/tap.sh

man=Documentation/man
build=${NEXUS_BUILD:-build}/guest-lib

map=$(sed -n '/global:/,/local:/s/^\t\(nexus_[a-z0-9_]*\);$/\1/p' guest-lib/libnexus-guest.map | sort)
header=$(grep -o '\bnexus_[a-z0-9_]*(' guest-lib/nexus.h | tr -d '(' | sort -u)
# The header's comments name pages, as in nexus_open(3).
tap_is "$(comm -23 <(echo "$map") <(echo "$header"))" "" "each function of the map is in nexus.h"
tap_is "$(comm -13 <(echo "$map") <(echo "$header"))" "" "each function of nexus.h is in the map"

missing= wrong=
for f in $map; do
	page=$man/$f.3
	[ -f "$page" ] || { missing+="$f "; continue; }
	if link=$(sed -n 's/^\.so man3\///p' "$page") && [ -n "$link" ]; then page=$man/$link; fi
	grep -q "\b$f\b.*(" "$page" 2>/dev/null || wrong+="$f "
	sed -n '/^\.SH NAME/,/^\.SH SYN/p' "$page" | grep -q "\b$f\b" || wrong+="$f(NAME) "
done
tap_is "$missing" "" "each function has a manual page"
tap_is "$wrong" "" "which describes it"
stray=
for page in "$man"/nexus_*.3; do
	f=$(basename "$page" .3)
	grep -qx "$f" <<<"$map" || stray+="$f "
done
tap_is "$stray" "" "no manual page of a function that does not exist"

options() { grep -o -- '--[a-z][a-z-]*' | sort -u; }
if [ -x "$build/nexus-init" ]; then
	tap_is "$("$build/nexus-init" --help | options)" "$(sed 's/\\-/-/g' $man/nexus-init.8 | options)" \
		"nexus-init --help and nexus-init(8) name the same options"
	tap_is "$("$build/nexus-runtime" --help | options)" "$(sed 's/\\-/-/g' $man/nexus-runtime.8 | options)" \
		"nexus-runtime --help and nexus-runtime(8) name the same options"
	tap_is "$(nm -D --defined-only --without-symbol-versions "$build/libnexus-guest.so.1" | awk '$2 == "T" { print $3 }' | sort)" \
		"$map" "the library exports what the map says"
	tap_is "$(readelf -d "$build/libnexus-guest.so.1" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" libnexus-guest.so.1 "its soname"
else
	tap_ok 1 "the library is built in $build"
fi
if command -v man >/dev/null; then
	warnings=
	for page in "$man"/nexus_*.3 "$man"/libnexus-guest.7 "$man"/nexus-init.8 "$man"/nexus-runtime.8; do
		grep -q '^\.so ' "$page" || warnings+=$(man --warnings -l "$page" 2>&1 >/dev/null)
	done
	tap_is "$warnings" "" "the pages are clean"
fi
tap_done
