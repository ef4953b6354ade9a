# SPDX-License-Identifier: GPL-2.0-only
# Part of host.sh: events of several functions, /bench/trace (trace.h).
trace() {
	read -r case warm single batches event </bench/cases
	if [ $KIND = offloaded ]; then
		# All of them are of one image: so is their snapshot.
		kill $backend; wait $backend
		for k in $(seq @FUNCTIONS@); do
			cp -rl /run/nexus/snapshots/f /run/nexus/snapshots/f$k
			sed -n "/^\[function f\]/,\$p" /bench/function.conf | sed "s/^\[function f\]/[function f$k]/; s/^keep_alive.*/keep_alive = @KEEP_ALIVE@s/" >>/bench/function.conf.more
		done
		cat /bench/function.conf.more >>/bench/function.conf
		daemon "max_instances = 1000" || return
	fi
	tries invoke --trace /bench/trace trace $target "$event"
}
