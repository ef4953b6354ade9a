#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Clones of one snapshot at the same time: what memory each has of its own, that none draws
# another's random numbers, and that all give the same answer. Ten with FULL=1, else three.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
. "$top/selftests/e2e/functions.sh"
. "$top/selftests/e2e/clones.sh"

count=${FULL:+10}
count=${count:-3}
size=$((1 << 20))

# weigh: a line for each clone: kB of its own, resident, and its share of all.
weigh() {
	for pid in $(members clone instances pid); do
		awk '{ kb[$1] += $2 } END { print kb["Private_Dirty:"], kb["Anonymous:"], kb["Rss:"], kb["Pss:"] }' \
			"/proc/$pid/smaps_rollup"
	done
}
# distinct FIELD: of the answers.
distinct() { for i in $(seq $count); do field "$1" <"$state/clone.$i"; done | sort -u | grep -c .; }
all_there() { [ "$(members clone instances state | grep -c running)" = $count ]; }

host_start
functions_configure $count
clones_configure clone $((2 * size)) "concurrency = $count" 'keep_alive = 10m'
backend_start
tap_ok $? "the daemon starts"
clones_snapshot clone
tap_ok $? "function snapshot"
before=$(cksum <$state/snapshots/clone/ram)
for i in $(seq $count); do
	(invoke clone seed/mebibyte '"stay":1,' >"$state/clone.$i") &
	callers[i]=$!
done
until_true 250 all_there
tap_ok $? "$count clones at once"
wait "${callers[@]}"
tap_is "$(instances clone)" $count "each answered one caller"
weigh >$state/weights
sed 's/^/# /' "$state"/clone.[0-9]*
sed 's/^/# private, anonymous, resident, proportional kB: /' $state/weights
tap_is "$(cat $state/clone.[0-9]* | grep -c "\"n\":$size,")" $count "each read its object"
tap_is "$(distinct sum)" 1 "and gives the same answer to the same input"
tap_is "$(cat $state/clone.[0-9]* | grep -c '"hits":1,')" $count "which was in its memory before it asked"
tap_is "$(distinct generation)" $count "each knows that it is another one"
tap_is "$(distinct kernel)" $count "each kernel draws random numbers of its own"
tap_is "$(distinct process)" $count "and so does each process"
# A guest that booted has touched all of its kernel's memory by itself: over 100 MB of 256, or 40 of these 96.
tap_is "$(awk '$2 > 40000' $state/weights | grep -c .)" 0 "none has more than 40 MB of memory of its own"
tap_is "$(cksum <$state/snapshots/clone/ram)" "$before" "the snapshot is unchanged"
host_stop
tap_done
