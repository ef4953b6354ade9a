# SPDX-License-Identifier: GPL-2.0-only
# Test Anything Protocol, for the test programs in shell. The exit status is kselftest's:
# 0 passed, 1 failed, 4 skipped.

tap_count=0
tap_failures=0

# tap_ok STATUS DESCRIPTION: one test, passed if STATUS is 0.
tap_ok() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failures=$((tap_failures + 1))
		echo "not ok $tap_count - $2"
	fi
}

# tap_is GOT WANT DESCRIPTION: equal strings.
tap_is() {
	if [ "$1" = "$2" ]; then
		tap_ok 0 "$3"
	else
		tap_ok 1 "$3"
		echo "#   got  '$1'"
		echo "#   want '$2'"
	fi
}

# tap_has TEXT PART DESCRIPTION: PART (a fixed string) occurs in TEXT.
tap_has() {
	case $1 in
	*"$2"*) tap_ok 0 "$3" ;;
	*)
		tap_ok 1 "$3"
		echo "#   '$2' is not in:"
		echo "$1" | sed 's/^/#     /'
		;;
	esac
}

# tap_relay WHO: the tests in standard input, from another program, become ours.
tap_relay() {
	tap_planned=
	while IFS= read -r tap_line; do
		case $tap_line in
		'ok '*) tap_ok 0 "$1: ${tap_line#* - }" ;;
		'not ok '*) tap_ok 1 "$1: ${tap_line#* - }" ;;
		'#'*) echo "$tap_line" ;;
		1..*) tap_planned=1 ;;
		esac
	done
	[ "$tap_planned" ] || tap_ok 1 "$1: it ran to its end"
}

tap_skip_all() {
	echo "1..0 # SKIP $1"
	exit 4
}

# Last: the plan, and the exit status.
tap_done() {
	echo "1..$tap_count"
	[ "$tap_failures" -eq 0 ]
	exit
}
