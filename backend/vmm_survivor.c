// SPDX-License-Identifier: GPL-2.0-only
/* A VMM of an earlier daemon: no child of ours, and what spoke with it has died with that. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cleanup.h"
#include "container.h"
#include "loop.h"
#include "vmm.h"

#define END_MS	5000	/* a killed process may take so long; far beyond what it does */

struct survivor {
	struct vmm vmm;
	struct loop *loop;
	const struct vmm_handler *handler;
	void *arg;
	int pidfd;
	struct loop_poll poll;
};

static const struct vmm_type survivor_type;

static void survivor_kill(struct vmm *vmm)
{
	struct survivor *survivor = container_of(vmm, struct survivor, vmm);

	if (survivor->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, survivor->pidfd, SIGKILL, NULL, 0);
}

static void survivor_ended(struct loop_poll *poll, unsigned int revents)
{
	struct survivor *survivor = container_of(poll, struct survivor, poll);

	(void)revents;
	survivor->vmm.pid = 0;
	close(take_fd(&survivor->pidfd));
	survivor->handler->ended(survivor->arg, "its VMM has ended");
}

static void survivor_free(struct vmm *vmm)
{
	struct survivor *survivor = container_of(vmm, struct survivor, vmm);
	struct pollfd end = { .fd = survivor->pidfd, .events = POLLIN };

	if (survivor->pidfd >= 0) {
		survivor_kill(vmm);
		loop_poll_stop(survivor->loop, &survivor->poll);
		poll(&end, 1, END_MS);
		close(survivor->pidfd);
	}
	free(survivor);
}

struct vmm *vmm_survivor(struct loop *loop, pid_t pid, int pidfd, const struct vmm_handler *handler, void *arg)
{
	auto_close int owned = pidfd;
	struct survivor *survivor = calloc(1, sizeof(*survivor));
	int ret;

	if (!survivor)
		return NULL;
	*survivor = (struct survivor){
		.vmm = { &survivor_type, pid }, .loop = loop, .handler = handler, .arg = arg, .pidfd = pidfd,
		.poll.ready = survivor_ended,
	};
	ret = loop_poll_start(loop, &survivor->poll, pidfd, POLLIN);
	if (ret) {
		free(survivor);
		errno = -ret;
		return NULL;
	}
	take_fd(&owned);
	return &survivor->vmm;
}

/* Of a VMM that runs nothing else is asked. */
static const struct vmm_type survivor_type = {
	.name = "survivor",
	.kill = survivor_kill,
	.free = survivor_free,
};
