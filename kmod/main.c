// SPDX-License-Identifier: GPL-2.0-only
/* nexus_kvm.ko: the order of start, and its mirror. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "device.h"
#include "hook.h"
#include "kvm.h"
#include "netlink.h"
#include "nexus_hypercall.h"
#include "vm.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init nexus_init(void)
{
	int err;

	err = nexus_kvm_init();
	if (err)
		return err;
	err = nexus_vm_init();
	if (err)
		return err;
	err = nexus_netlink_init();
	if (err)
		goto exit_vm;
	/* The device after what it leads to; the hook last: it lets guests in. */
	err = nexus_device_init();
	if (err)
		goto exit_netlink;
	err = nexus_hook_register();
	if (err)
		goto exit_device;
	pr_info("ABI %u.%u\n", NEXUS_ABI_MAJOR, NEXUS_ABI_MINOR);
	return 0;

exit_device:
	nexus_device_exit();
exit_netlink:
	nexus_netlink_exit();
exit_vm:
	nexus_vm_exit();
	return err;
}

static void __exit nexus_exit(void)
{
	nexus_hook_unregister();
	nexus_device_exit();
	nexus_netlink_exit();
	nexus_vm_exit();
}

module_init(nexus_init);
module_exit(nexus_exit);
MODULE_DESCRIPTION("Nexus: I/O of KVM guests by hypercall and shared pages");
MODULE_AUTHOR("The Nexus developers");
MODULE_LICENSE("GPL");
