#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nexusctl image build: directories and an OCI image layout become an initramfs.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
image() { "$build/backend/nexusctl" image build --output "$work/out.image" "$@"; }
entries() { cpio --quiet -itv <"$work/out.image" 2>/dev/null; }
content() { cpio --quiet -i --to-stdout "$1" <"$work/out.image" 2>/dev/null; }

mkdir -p "$work/base/usr/bin" "$work/base/etc" "$work/over/etc"
printf '#!/bin/sh\necho hello\n' >"$work/base/usr/bin/hello"
chmod 755 "$work/base/usr/bin/hello"
echo one >"$work/base/etc/file"
echo two >"$work/over/etc/file"
ln -s usr/bin "$work/base/bin"

out=$(image "$work/base" "$work/over" -- /bin/hello --json 'a b')
tap_ok $? "an image of two directories"
tap_has "$out" " entries" "says how many entries it has"
tap_has "$(entries)" "bin -> usr/bin" "it holds a link"
tap_has "$(entries)" "-rwxr-xr-x   1 root     root" "a program, owned by root"
tap_is "$(entries | grep -c ' init$')" 1 "and nexus-init as /init"
tap_is "$(content etc/file | tail -n 1)" two "what a later directory has comes later"
tap_is "$(content etc/nexus-init.args)" $'--\n/bin/hello\n--json\na b' "the command is nexus-init's arguments"
mkdir "$work/bare"
image "$work/bare" -- /bin/hello >/dev/null
tap_is "$(entries | grep -Eo ' etc(/.*)?$' | tr -d '\n')" " etc etc/nexus-init.args" "which have a directory, whatever the sources have"
image "$work/base" "$work/over" -- /bin/hello --json 'a b' >/dev/null
before=$(cksum <"$work/out.image")
touch "$work/base/etc/file"
image "$work/base" "$work/over" -- /bin/hello --json 'a b' >/dev/null
tap_is "$(cksum <"$work/out.image")" "$before" "the same sources give the same bytes"
tap_has "$(image --json "$work/base")" '"bytes": ' "--json"

error=$(image "$work/nowhere" 2>&1)
tap_is $? 1 "a directory that is not there: exit status 1"
tap_has "$error" "$work/nowhere" "which is named"
error=$(image 2>&1)
tap_is $? 2 "no source: exit status 2"
error=$(image --init "$work/no-init" "$work/base" 2>&1)
tap_has "$error" "$work/no-init" "an init that is not there is named"
[ ! -e "$work/out.image.part" ]
tap_ok $? "what failed leaves nothing behind"

# Python: the recipe's root, the function, packages.
mkdir "$work/task"
echo 'def handler(event, context): return event' >"$work/task/app.py"
said=$(image --json --python "$work/task" --package python3-requests --env COLOUR=red -- /usr/bin/nexus-python app.handler 2>"$work/size")
tap_ok $? "an image for a function in Python"
bytes=$(sed -n 's/.*"bytes": \([0-9]*\).*/\1/p' <<<"$said")
[ "${bytes:-0}" -gt 1000000 ] && [ "$bytes" -lt $((36 << 20)) ]
tap_ok $? "of at most 36 MiB ($(<"$work/size"))"
for name in usr/bin/python3 usr/bin/nexus-python usr/lib/nexus/python/boto3/__init__.pyc usr/lib/libnexus-guest.so.1 \
	var/task/app.py init; do
	tap_is "$(entries | sed 's/ -> .*//' | grep -c " $name$")" 1 "it has $name"
done
tap_is "$(entries | grep -c nexus-runtime)" 0 "and no nexus-runtime"
tap_is "$(content etc/nexus-init.args)" \
	$'--chdir\n/var/task\n--env\nLAMBDA_TASK_ROOT=/var/task\n--env\nCOLOUR=red\n--\n/usr/bin/nexus-python\napp.handler' \
	"the command has the function's directory and its environment"
before=$(cksum <"$work/out.image")
image --python "$work/task" --package python3-requests --env COLOUR=red -- /usr/bin/nexus-python app.handler >/dev/null 2>&1
tap_is "$(cksum <"$work/out.image")" "$before" "built again it is the same"
tap_is "$(entries | grep -cE 'dist-packages/(requests|urllib3)/__init__.pyc$')" 2 "a package comes with those it depends on"
error=$(image --python "$work/task" --package no-such-package 2>&1)
tap_is $? 1 "a package that is not installed: exit status 1"
tap_has "$error" "apt-get install no-such-package" "and the remedy"
error=$(image --python "$work/nowhere" 2>&1)
tap_has "$error" "$work/nowhere is not a directory" "a function that is not there is named"
error=$(image --package python3-requests "$work/base" 2>&1)
tap_is $? 2 "--package without --python: exit status 2"

umoci init --layout "$work/oci" && umoci new --image "$work/oci:v1" &&
	umoci insert --rootless --image "$work/oci:v1" "$work/base/usr/bin/hello" /usr/bin/hello &&
	umoci config --image "$work/oci:v1" --config.cmd /usr/bin/hello --config.cmd world --config.env COLOUR=blue \
		--config.workingdir /usr --config.user 1234:5678
tap_ok $? "umoci makes an OCI image"
image "$work/oci:v1" >/dev/null
tap_ok $? "an image of it"
tap_is "$(content usr/bin/hello | tail -n 1)" "echo hello" "holds its files"
arguments=$(content etc/nexus-init.args)
tap_has "$arguments" $'--\n/usr/bin/hello\nworld' "its command"
tap_has "$arguments" $'--env\nCOLOUR=blue' "its environment"
tap_has "$arguments" $'--chdir\n/usr' "its directory"
tap_has "$arguments" $'--uid\n1234\n--gid\n5678' "and its user"
error=$(image "$work/oci:v2" 2>&1)
tap_is $? 1 "a tag that is not there: exit status 1"
tap_done
