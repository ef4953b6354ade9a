#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What goes wrong in a microVM, seen by its caller: a time-out, crashes of the handler and of the guest's kernel,
# memory that runs out, payloads at the limit and a byte beyond. After each the next invocation is answered.
. "$(dirname "$0")/invoke/lib.sh"

invoke_start 8
invoke_function faulty root 'memory = 192M' 'concurrency = 1'
invoke_function hasty root 'memory = 192M' 'concurrency = 1'
sed -i 's/^timeout = .*/timeout = 30s/' $state/config/functions.d/hasty.conf
backend_start
tap_ok $? "the daemon starts"
snapshot_shared faulty hasty
invoke_callers boto3 faults.py "$build/backend/nexusctl" --control $state/control.sock
logged "passed the deadline"
tap_ok $? "the log says of the instance whose time was out why it was ended"
logged "sysrq triggered crash"
tap_ok $? "and what the guest's kernel said at its end"
grep -q "Out of memory: Killed process" $state/backend.log
tap_ok $? "and when memory ran out"
invoke_stop faulty hasty
