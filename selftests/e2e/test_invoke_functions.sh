#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Functions whose microVMs the daemon starts itself: booted, and ended.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
. "$top/selftests/e2e/functions.sh"

none_left() { [ "$(nexusctl function show "$1" | grep -c '"pid"')" = 0 ]; }

host_start
functions_configure 2
function_config hello "$(function_image hello <<<'nx null && echo "adopted before it ran"; sleep 60')" 'memory = 96M'
function_config short "$(function_image short <<<'echo "going down"')" 'memory = 96M'
function_config broken $state/no-such-image
backend_start
tap_ok $? "the daemon starts"

nexusctl function start hello >/dev/null
tap_ok $? "function start"
until_true 60 logged "adopted before it ran"
tap_ok $? "the guest of the new instance uses Nexus; its console is in the log"
tap_is "$(instance hello state)" running "the instance runs"
tap_is "$(instance hello restored)" false "and was not restored"
vmm=$(instance hello pid)
tap_has "$(tr '\0' ' ' </proc/"$vmm"/cmdline)" "-sandbox on" "its VMM is in a sandbox"
tap_is "$(ls -l /proc/"$vmm"/fd | grep -c nexus)" 0 "and holds no descriptor of the daemon's"
error=$(nexusctl function start broken 2>&1)
tap_is $? 1 "a function without its image: exit status 1"
tap_has "$error" no-such-image "which names it"
error=$(nexusctl function start nobody 2>&1)
tap_has "$error" "no function nobody is configured" "an unknown function"
nexusctl function start short >/dev/null
error=$(nexusctl function start short 2>&1)
tap_has "$error" max_instances "one instance too many"
until_true 60 logged "is gone: the guest ended"
tap_ok $? "a guest that powers off ends its instance"
nexusctl function stop hello >/dev/null
until_true 10 none_left hello
tap_ok $? "function stop ends an instance"
until_true 10 logged "stopped by the operator"
tap_ok $? "and the log says why"
[ ! -d /proc/"$vmm" ]
tap_ok $? "its VMM is gone"

nexusctl function start hello >/dev/null
vmm=$(instance hello pid)
backend_stop
[ ! -d /proc/"$vmm" ]
tap_ok $? "the daemon's end is the end of its VMMs"
backend=
host_stop
tap_done
