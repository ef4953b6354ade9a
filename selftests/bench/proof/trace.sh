# SPDX-License-Identifier: GPL-2.0-only
# Part of host.sh: events of several functions, /bench/trace (trace.h).
trace() {
	read -r case warm single batches event </bench/cases
	if [ $KIND = offloaded ]; then
		# All of them are of one image: so is their snapshot.
		kill $backend; wait $backend
		for k in $(seq @FUNCTIONS@); do
			same_snapshot f$k
			sed "s/^\[function f\]/[function f$k]/; s/^keep_alive.*/keep_alive = @KEEP_ALIVE@s/" /run/function >>/bench/function.conf
		done
		daemon || return
	fi
	tries invoke --trace /bench/trace trace $target "$event"
}
