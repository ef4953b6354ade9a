// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../uapi/nexus_hypercall.h"
#include "memory.h"

#define SPACE	(NEXUS_ARENA_MAX_PAGES * NEXUS_PAGE_SIZE)

/* mlock holds pages in memory, but not in place: migration may still move them. */
static void memory_warn(int err)
{
	static bool warned;

	if (!warned)
		fprintf(stderr, "nexus-init: warning: io_uring cannot pin pages (%s): only locking them; set kernel.io_uring_disabled=0, and vm.compact_unevictable_allowed=0 as long as it is not\n",
			strerror(-err));
	warned = true;
}

static void memory_ring(struct memory *m)
{
	int ret = io_uring_queue_init(1, &m->ring, 0);

	if (!ret) {
		ret = io_uring_register_buffers_sparse(&m->ring, MEMORY_PIECES);
		if (!ret) {
			m->pinned = true;
			return;
		}
		io_uring_queue_exit(&m->ring);
	}
	memory_warn(ret);
}

int memory_open(struct memory *m)
{
	int ret;

	*m = (struct memory){ .memfd = -1 };
	m->base = MAP_FAILED;
	m->memfd = memfd_create("nexus-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (m->memfd >= 0 && !fcntl(m->memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		m->base = mmap(NULL, SPACE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->memfd, 0);
	if (m->base == MAP_FAILED) {
		ret = -errno;
		memory_close(m);
		return ret;
	}
	memory_ring(m);
	return 0;
}

static void memory_punch(struct memory *m, size_t from, size_t to)
{
	fallocate(m->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from);
}

int memory_add(struct memory *m, size_t bytes)
{
	char *start = m->base + m->size;
	struct iovec iov = { start, bytes };
	__u64 tag = 0;
	int ret;

	if (m->nr_pieces == MEMORY_PIECES || bytes > SPACE - m->size)
		return -ENOSPC;
	if (m->size + bytes > m->length) {
		if (ftruncate(m->memfd, m->size + bytes))
			return -errno;
		m->length = m->size + bytes;
	}
	/* Allocates, where a write to the mapping would raise SIGBUS for want of memory. */
	if (fallocate(m->memfd, 0, m->size, bytes))
		return -errno;
	if (m->pinned)
		ret = io_uring_register_buffers_update_tag(&m->ring, m->nr_pieces, &iov, &tag, 1);
	else
		ret = mlock(start, bytes) ? -errno : 0;
	if (ret < 0) {
		memory_punch(m, m->size, m->size + bytes);
		return ret;
	}
	m->size += bytes;
	m->pieces[m->nr_pieces++] = m->size;
	return 0;
}

void memory_drop(struct memory *m)
{
	size_t end = m->pieces[--m->nr_pieces];
	size_t start = m->nr_pieces ? m->pieces[m->nr_pieces - 1] : 0;
	struct iovec none = { 0 };
	__u64 tag = 0;

	if (m->pinned)
		io_uring_register_buffers_update_tag(&m->ring, m->nr_pieces, &none, &tag, 1);
	else
		munlock(m->base + start, end - start);
	memory_punch(m, start, end);
	m->size = start;
}

void memory_close(struct memory *m)
{
	if (m->pinned)
		io_uring_queue_exit(&m->ring);
	if (m->base != MAP_FAILED)
		munmap(m->base, SPACE);
	if (m->memfd >= 0)
		close(m->memfd);
}
