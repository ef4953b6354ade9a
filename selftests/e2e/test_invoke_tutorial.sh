#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Functions as a tutorial has them, unmodified: on the shims in microVMs without a network device, and on the genuine SDK
# in a guest with one. Both answer the same and leave the same behind, to the byte.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
. "$top/selftests/e2e/functions.sh"
. "$top/selftests/e2e/python.sh"

# each NAME: all of its events, one after the other; prints the statuses.
each() {
	local event
	for event in $state/nexus-"$1"-*.json; do invoke "$1" "$event" "${event%.json}.answer"; done >"$state/$1.status"
}

host_start
python_configure
# A page of this run's own: an earlier one may have died half-way.
sed -i "s|\"/start\"|\"/start-$(date +%s%N)\"|" $state/*-counter-*.json
for name in thumbnail convert counter orders; do python_function $name $name.handler; done
python_program prices "/usr/bin/python3 /var/task/prices.py"
echo 'grpc_services = shop.Prices' >>$state/config/functions.d/prices.conf
backend_start
tap_ok $? "the daemon starts"
for name in thumbnail convert counter; do
	each $name &
	calls[${#calls[@]}]=$!
done
wait "${calls[@]}"
tap_is "$(cat $state/thumbnail.status $state/convert.status $state/counter.status)" 200200200200200 \
	"without a network device: three functions answer five events"
each orders
tap_is "$(cat $state/orders.status)" 200 "and a chain of two, by gRPC"
tap_has "$(cat $state/nexus-orders-*.answer)" 'my price number 7' "with streams both ways"
tap_is "$(running prices)" 1 "whose second microVM was started by the first one's call"
tap_is "$(cat /proc/"$(instance counter pid)"/cmdline | tr '\0' ' ' | grep -cE -e '-netdev|virtio-net')" 0 "there is none"
backend_stop
backend=

# A guest with a network device: a bridge makes it a neighbour of the virtual host.
modprobe -a bridge tun && ip link add br0 type bridge && ip link set eth0 master br0 && ip address flush dev eth0 &&
	ip address add 10.0.2.15/24 dev br0 && ip link set br0 up && ip tuntap add tap0 mode tap &&
	ip link set tap0 master br0 up
tap_ok $? "a bridge with a tap"
plain=$state/plain
mkdir -p $plain/tutorial $plain/etc $plain/modules
cp $state/*.answer $state/plain-*.json $plain/tutorial/
for module in virtio_pci virtio_net; do
	modprobe --show-depends -S "$(uname -r)" $module | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$1]++' | while read -r file; do
	cp "$file" $plain/modules/
	echo "/modules/${file##*/}"
done >$plain/modules/list
printf '%s\n' --uid 0 -- /bin/sh /job.sh >$plain/etc/nexus-init.args
cat >$plain/job.sh <<END
for m in \$(cat /modules/list); do insmod \$m; done
ip link set eth0 up
ip address add 10.0.2.16/24 dev eth0
export S3_URL=http://10.0.2.2:$NEXUS_S3_PORT DYNAMODB_URL=http://10.0.2.2:$NEXUS_DYNAMODB_PORT FUNCTIONS=/var/task
export AWS_ACCESS_KEY_ID=$NEXUS_AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=$NEXUS_AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION=us-east-1
ip link set lo up
export PYTHONPATH=/usr/lib/python3/dist-packages PRICES=127.0.0.1:50051
python3 -S /var/task/prices.py \$PRICES /prices.port &
until [ -e /prices.port ]; do sleep 0.2; done
exec python3 -S /tests/tutorial.py judge /tutorial
END
(cd $plain && find . -mindepth 1 | cpio --quiet -o -H newc) >$plain.cpio
"$vhost/guest" start --name plain --kernel $series --mem 512 --initrd "$images/genuine.image:$plain.cpio" -- \
	-netdev tap,id=net,ifname=tap0,script=no,downscript=no -device virtio-net-pci,netdev=net,romfile=,mac=52:54:00:12:34:57 >/dev/null
guest_wait plain --timeout 600
tap_ok $? "a guest with a network device, on the genuine SDK"
guest_tap plain
ip link delete tap0
ip link delete br0
ip address add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
python_explain
[ "$tap_failures" -eq 0 ] || guest_log plain | tail -n 40 | sed 's/^/# /'
host_stop
tap_done
