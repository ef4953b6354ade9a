#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Python function in microVMs without a network device: cold, from a snapshot taken after its imports, and warm; clones
# whose random generators differ; what a client weighs, the shim and the genuine SDK in one guest.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
. "$top/selftests/e2e/functions.sh"
. "$top/selftests/e2e/python.sh"

drawn() { sed 's/.*"drawn": \(\[[^]]*\]\).*/\1/' "$1"; }
# generators FILE KIND: the values of the answer's object of that name, a line each.
generators() { sed "s/.*\"$2\": {\([^}]*\)}.*/\1/" "$1" | sed 's/, "/\n"/g' | sort; }

host_start
python_configure
python_function thumbnail thumbnail.handler
python_function dice handler.dice
python_function calls handler.calls
backend_start
tap_ok $? "the daemon starts"

python_snapshot thumbnail & first=$!
python_snapshot dice & second=$!
wait $first $second
has_snapshot thumbnail
tap_ok $? "a snapshot of a Python function, its imports done"
has_snapshot dice
tap_ok $? "and of another"
ls -s --block-size=K $state/snapshots/thumbnail | sed 's/^/# /'

tap_is "$(invoke thumbnail $state/nexus-thumbnail-0.json $state/answer)" 200 "an invocation clones it"
tap_has "$(cat $state/answer)" '"width": 64' "and is answered"
tap_is "$(instance thumbnail restored)" true "its instance was restored"
echo "# ms since it was asked for: VM $(($(instance thumbnail ready_ms) - $(instance thumbnail start_ms)))," \
	"running $(($(instance thumbnail running_ms) - $(instance thumbnail start_ms)))"
vmm=$(instance thumbnail pid)
tap_is "$(counter prefetch_hits)" 1 "the event's picture was in its memory"
tap_is "$(invoke thumbnail $state/nexus-thumbnail-1.json $state/answer)" 200 "another event"
tap_is "$(running thumbnail) $(instance thumbnail pid)" "1 $vmm" "finds it warm"
tap_is "$(counter prefetch_hits)" 2 "and its picture there, too"
tap_has "$(cat $state/backend.log)" "a thumbnail of 64x40" "what it prints is in the daemon's log"

for i in 1 2; do
	tap_is "$(invoke dice $state/empty.json $state/dice.$i)" 200 "clone $i of a snapshot rolls the dice"
	nexusctl function stop dice >/dev/null
	until_true 60 none_left dice
	tap_ok $? "and is ended"
done
tap_is "$(drawn $state/dice.1)" "$(drawn $state/dice.2)" "both have what was drawn before the snapshot"
for whose in library kernel; do
	for i in 1 2; do generators $state/dice.$i $whose >$state/rolled.$i; done
	[ "$(wc -l <$state/rolled.1)" -ge 4 ]
	tap_ok $? "generators of the $whose: $(sed 's/":.*//; s/"//' $state/rolled.1 | tr '\n' ' ')"
	tap_is "$(comm -12 $state/rolled.1 $state/rolled.2)" "" "none gives both clones the same"
done
tap_is "$(invoke calls $state/empty.json $state/answer)" 200 "a guest opens gRPC calls on three channels"
tap_is "$(cat $state/answer)" '{"open": 256, "refused": 44, "again": 12}' "256 are its limit, whichever the channel; and closed ones do not count"
backend_stop
backend=

"$vhost/guest" start --name weigh --kernel $series --mem 384 \
	--initrd "$images/genuine.image:$(guest_script weigh <<<'python3 -S /tests/weigh /usr/lib/nexus/python /usr/lib/python3/dist-packages 1 boto3')" >/dev/null
guest_wait weigh --timeout 500
tap_ok $? "a guest with the shims and the genuine SDK"
guest_log weigh | sed -n '/import, ms/,/ratio/p' >$state/weight
sed 's/^/# /' $state/weight
awk '$2 == "ratio" { found = 1; good = $3 + 0 <= 0.1 } END { exit !(found && good) }' $state/weight
tap_ok $? "there a client takes a tenth of the genuine SDK's time at most"
awk '$2 == "shim" { found = 1; good = $4 + 0 <= 3072 } END { exit !(found && good) }' $state/weight
tap_ok $? "and 3 MiB of memory at most"
python_explain
host_stop
tap_done
