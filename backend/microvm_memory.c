// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has a microVM the memory to boot? Its kernel lies there, the image as it was loaded, and, while that is unpacked, the
 * files in it a second time. A guest that has too little panics long before anything of ours runs.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "microvm_core.h"

#define HEADERS_MAX	16
#define BZIMAGE_MAGIC	0x202	/* "HdrS" */
#define BZIMAGE_INIT_SIZE 0x260	/* bytes that it takes unpacked, from protocol 2.10 on */
#define MIB(bytes)	(uintmax_t)(((bytes) + (1U << 20) - 1) >> 20)
#define STEP		(8U << 20)
/* What Debian's kernels take beside themselves until the first process runs: a little less has been seen to fail. */
#define BOOT		(18U << 20)

/* Of a vmlinux: from the first to the last byte that it has in memory. */
static uint64_t elf_size(int fd, const Elf64_Ehdr *header)
{
	Elf64_Phdr phdr[HEADERS_MAX];
	uint64_t first = UINT64_MAX, last = 0;
	size_t count = header->e_phnum < HEADERS_MAX ? header->e_phnum : HEADERS_MAX;

	if (header->e_phentsize != sizeof(*phdr) ||
	    pread(fd, phdr, count * sizeof(*phdr), header->e_phoff) != (ssize_t)(count * sizeof(*phdr)))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (phdr[i].p_type != PT_LOAD || !phdr[i].p_memsz)
			continue;
		first = phdr[i].p_paddr < first ? phdr[i].p_paddr : first;
		if (phdr[i].p_paddr + phdr[i].p_memsz > last)
			last = phdr[i].p_paddr + phdr[i].p_memsz;
	}
	return last > first ? last - first : 0;
}

/* Bytes of a kernel in memory; 0: it cannot be told. */
static uint64_t kernel_size(const char *path)
{
	union {
		Elf64_Ehdr elf;
		unsigned char bytes[BZIMAGE_INIT_SIZE + 4];
	} head = { 0 };
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint32_t size;

	if (fd < 0 || pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return 0;
	if (!memcmp(head.elf.e_ident, ELFMAG, SELFMAG) && head.elf.e_ident[EI_CLASS] == ELFCLASS64)
		return elf_size(fd, &head.elf);
	if (memcmp(head.bytes + BZIMAGE_MAGIC, "HdrS", 4))
		return 0;
	memcpy(&size, head.bytes + BZIMAGE_INIT_SIZE, sizeof(size));
	return size;
}

int microvm_check_memory(const struct function_config *function, char *error, size_t size)
{
	bool tmpfs = function->append && !strstr(function->append, "rootfstype=ramfs");
	uint64_t kernel, need;
	struct stat st;

	if (!function->kernel || !function->image || stat(function->image, &st))
		return 0;	/* others tell what is missing */
	kernel = kernel_size(function->kernel);
	/* A compressed image is larger in files than it is itself: this is the least. */
	need = kernel + 2 * st.st_size + BOOT;
	/* Of what the kernel and the image leave, the files may take half. */
	if (tmpfs && need < kernel + 3 * st.st_size)
		need = kernel + 3 * st.st_size;
	if (function->memory >= need)
		return 0;
	snprintf(error, size, "function %s: memory = %juM is too little to boot: its image takes %ju MiB, as much again or "
		 "more while it is unpacked, and its kernel %ju MiB: set memory = %juM or more in [function %s]%s, or make "
		 "the image smaller", function->name, MIB(function->memory), MIB((uint64_t)st.st_size), MIB(kernel),
		 MIB((need + STEP - 1) / STEP * STEP), function->name,
		 tmpfs ? " (less with rootfstype=ramfs in its append)" : "");
	return -ENOMEM;
}
