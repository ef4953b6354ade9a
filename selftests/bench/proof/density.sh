# SPDX-License-Identifier: GPL-2.0-only
# Part of host.sh: instances are added until the memory is full, or one does not answer.
ROOM=$((@ROOM@ * 1024)) RESERVE=32768	# KiB
PATIENCE=60	# s: of many on one processor

available() { while read -r name value unit; do [ $name != MemAvailable: ] || echo $value; done </proc/meminfo; }

# All of the first N answer, COUNT times.
all_answer() {
	if [ $KIND = offloaded ]; then
		for round in $(seq $2); do invoke --patience $PATIENCE --parallel $1 all $target "$event" || return; done
		return
	fi
	for k in $(seq $1); do invoke --patience $PATIENCE --device vrf$k --warm $(($2 - 1)) all $target "$event" || return; done
}

# one_more N: the Nth instance; it works a little.
one_more() {
	if [ $KIND = offloaded ]; then
		# One instance might take all events in turn: it is started, and asks for its first one, before.
		[ $(vms) -ge $1 ] || control function start f >/dev/null
		sleep 1
		all_answer $1 5 && [ $(vms) -ge $1 ]
		return
	fi
	end_clone $1 2>/dev/null
	clone $1 &
	invoke --patience $PATIENCE --device vrf$1 --warm 9 one $target "$event"
}

density() {
	read -r case warm single batches event </bench/cases
	# What they have in common is in memory before.
	tries one_more 1 || return
	end_instance || return
	sleep 3
	echo $((($(available) - ROOM) / 2048)) >/proc/sys/vm/nr_hugepages
	sleep 1
	begin=$(available) n=0 end="the memory was full"
	while [ $(available) -gt $RESERVE ] && [ $n -lt 200 ]; do
		tries one_more $((n + 1)) || { end="one did not answer"; break; }
		n=$(vms)
		say "$n instances, $(available) KiB available"
	done
	left=$(available)
	tries all_answer $n 1 || end="one did not answer any more"
	[ $KIND != offloaded ] || control vm list
	[ $n -gt 0 ] && echo "DENSITY {\"memory\": $((begin - RESERVE)), \"instances\": $n, \"each\": $(((begin - left) / n)), \"end\": \"$end\"}"
}
