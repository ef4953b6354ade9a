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
invoke_limit=900	# seconds: ten of them take their time in an emulated host

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
sed -i 's/^timeout = .*/timeout = 900s/; s/^start_timeout = .*/start_timeout = 900s/' $state/config/functions.d/clone.conf
backend_start
tap_ok $? "the daemon starts"
clones_snapshot clone
tap_ok $? "function snapshot"
before=$(cksum <$state/snapshots/clone/ram)
key=stay/$(date +%s).$$
earliest=$(date +%s%3N)
for i in $(seq $count); do
	(invoke clone seed/mebibyte "\"stay\":\"$key\"," >"$state/clone.$i") &
	callers[i]=$!
done
until_true $invoke_limit all_there
tap_ok $? "$count clones at once"
echo now >$state/now
NEXUS_S3_URL=http://$host:$NEXUS_S3_PORT /usr/bin/python3 "$top/selftests/store/judge.py" put "$key" $state/now
wait "${callers[@]}"
tap_is "$(instances clone)" $count "each answered one caller"
latest=$(date +%s%3N)
weigh >$state/weights
sed 's/^/# /' "$state"/clone.[0-9]*
sed 's/^/# private, anonymous, resident, proportional kB: /' $state/weights
tap_is "$(cat $state/clone.[0-9]* | grep -c "\"n\":$size,")" $count "each read its object"
tap_is "$(distinct sum)" 1 "and gives the same answer to the same input"
tap_is "$(cat $state/clone.[0-9]* | grep -c '"hits":1,')" $count "which was in its memory before it asked"
tap_is "$(distinct generation)" $count "each knows that it is another one"
tap_is "$(distinct kernel)" $count "each kernel draws random numbers of its own"
tap_is "$(distinct process)" $count "and so does each process"
for i in $(seq $count); do field clock <"$state/clone.$i"; done >$state/clocks
echo "# the host's time: $earliest to $latest; theirs: $(xargs <$state/clocks)"
tap_is "$(awk -v from="$earliest" -v to="$latest" '$1 >= from && $1 <= to' $state/clocks | grep -c .)" $count \
	"each has the host's time, not the snapshot's"
# A guest that booted has touched all of its kernel's memory by itself: over 100 MB of 256, or 40 of these 96.
tap_is "$(awk '$2 > 40000' $state/weights | grep -c .)" 0 "none has more than 40 MB of memory of its own"
tap_is "$(cksum <$state/snapshots/clone/ram)" "$before" "the snapshot is unchanged"
host_stop
tap_done
