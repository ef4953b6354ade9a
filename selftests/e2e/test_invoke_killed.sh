#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Invocations whose microVMs are killed at random: 16 of them, with FULL=1 1,000, those in QEMU's small build, which
# starts in less of an emulated host's time. The function is native; its input is on its way to it as it starts.
. "$(dirname "$0")/invoke/lib.sh"
. "$top/selftests/e2e/clones.sh"

descriptors() { ls /proc/$backend/fd | wc -l; }
as_before() { [ "$(descriptors)" -le "$before" ]; }

invoke_start 8
clones_configure shaky $((2 << 20)) 'keep_alive = 60s' 'concurrency = 4' 'prefetch = nexus-test /key' ${FULL:+'machine = microvm'}
# What idles is closed soon: descriptors are counted below.
sed -i '/^\[endpoint store\]/a idle_timeout = 5s' $state/config/nexus.conf
sed -i "s/^\(start_\)\?timeout = .*/\1timeout = ${limit}s/" $state/config/functions.d/shaky.conf
if [ "${FULL:-}" ]; then
	sed 's/qemu-system-x86_64/&-microvm/' $state/vmm >$state/vmm-microvm
	chmod 755 $state/vmm-microvm
	sed -i "s|^vmm = .*|vmm = $state/vmm-microvm|" $state/config/nexus.conf
fi
backend_start
tap_ok $? "the daemon starts"
snapshot shaky
before=$(descriptors)
sum=$(cksum <$state/snapshots/shaky/ram)
tap_relay callers < <(PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$top/selftests/e2e/invoke/killed.py" $url \
	"$build/backend/nexusctl" --control $state/control.sock 2>&1)
nexusctl function stop shaky >/dev/null
until_true 60 none_left shaky
until_true 60 as_before
tap_ok $? "the daemon holds as many descriptors as before ($before, $(descriptors))"
[ "$tap_failures" -eq 0 ] || ls -l /proc/$backend/fd | sed 's/^/# /'
tap_is "$(cksum <$state/snapshots/shaky/ram)" "$sum" "the snapshot is unchanged"
invoke_stop shaky
