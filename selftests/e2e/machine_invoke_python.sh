#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# On the machine, for test_invoke_python.sh: the same.
exec "$(dirname "$0")/machine_invoke_tutorial.sh"
