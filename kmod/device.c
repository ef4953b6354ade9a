// SPDX-License-Identifier: GPL-2.0-only
/* /dev/nexus: adoption, and attaching to what an earlier daemon left. */
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "device.h"
#include "handle.h"
#include "vm.h"

static long nexus_device_version(u32 __user *arg)
{
	return put_user((u32)NEXUS_ABI_VERSION, arg);
}

static long nexus_device_adopt(struct nexus_adopt __user *arg)
{
	struct nexus_adopt adopt;
	struct nexus_vm *vm;
	struct file *file;
	int fd;

	if (copy_from_user(&adopt, arg, sizeof(adopt)))
		return -EFAULT;
	file = fget(adopt.vm_fd);
	if (!file)
		return -EBADF;
	vm = nexus_vm_adopt(file, &adopt);
	fput(file);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	if (put_user(adopt.vm_id, &arg->vm_id))
		fd = -EFAULT;
	else
		fd = nexus_handle_open(vm);
	if (fd < 0) {
		nexus_vm_release(vm);
		nexus_vm_put(vm);
	}
	return fd;
}

static long nexus_device_attach(struct nexus_attach __user *arg)
{
	struct nexus_attach attach;
	struct nexus_vm *vm;
	int fd;

	if (copy_from_user(&attach, arg, sizeof(attach)))
		return -EFAULT;
	if (attach.flags)
		return -EINVAL;
	vm = nexus_vm_attach(attach.vm_id);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = nexus_handle_open(vm);
	if (fd < 0) {
		nexus_vm_detach(vm);
		nexus_vm_put(vm);
	}
	return fd;
}

static long nexus_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case NEXUS_IOC_VERSION:
		return nexus_device_version(p);
	case NEXUS_IOC_ADOPT:
		return nexus_device_adopt(p);
	case NEXUS_IOC_ATTACH:
		return nexus_device_attach(p);
	}
	return -ENOTTY;
}

static const struct file_operations nexus_device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = nexus_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice nexus_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "nexus",
	.fops = &nexus_device_fops,
	.mode = 0600,
};

int nexus_device_init(void)
{
	return misc_register(&nexus_device);
}

void nexus_device_exit(void)
{
	misc_deregister(&nexus_device);
}
