// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMM killed, the daemon killed, or both, before each step of a channel's
 * life and within it, while the other goes on. Afterwards every page is
 * unpinned, no VM is left, and nothing holds the module.
 */
#include <errno.h>
#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "hostile.h"
#include "nexus.h"
#include "vmm.h"

#define LIMIT 256U
#define REST 0xffffU	/* the command: all your steps from here on */

enum { VMM, DAEMON, ACTORS };

static const char *const names[] = { "VMM", "daemon", "both" };

/* One of the two processes, and its end of the wire. */
struct actor {
	pid_t pid;
	int wire;
};

struct command {
	unsigned int step, last;
	pid_t vmm_pid;
	int vm_fd;	/* the VMM's number for it */
};

/* What the actors remember between their steps. */
static struct vmm vmm;
static int handle = -1;
static uint32_t id;
static void *maps[2];
static pid_t vmm_pid;
static int vm_fd;

static void vmm_start(void)
{
	vmm_open(&vmm, 1, MAP_SHARED);
	vm_fd = vmm.vm;
}

static void guest_open(void)
{
	vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
}

static void guest_share(void)
{
	vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 4);
}

static void guest_share_more(void)
{
	vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA + 0x10000, 64);
}

static void guest_kick(void)
{
	vmm_call(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0);
}

static void guest_wait(void)
{
	vmm_call(&vmm, 0, NEXUS_HC_WAIT, 0, 0, 0);
}

static void guest_unshare(void)
{
	vmm_call(&vmm, 0, NEXUS_HC_UNSHARE, 0, 4, 0);
}

static void guest_close(void)
{
	vmm_call(&vmm, 0, NEXUS_HC_CLOSE, 0, 0, 0);
}

static void vmm_end(void)
{
	vmm_close(&vmm);
}

static void daemon_adopt(void)
{
	int device = open(NEXUS_DEV_PATH, O_RDWR | O_CLOEXEC);
	int pidfd = syscall(SYS_pidfd_open, vmm_pid, 0);
	int vm = syscall(SYS_pidfd_getfd, pidfd, vm_fd, 0);

	handle = nexus_adopt(device, vm, LIMIT, &id);
	close(vm);
	close(pidfd);
	close(device);
}

static void daemon_map(void)
{
	maps[0] = nexus_map(handle, 0, 0, 4);
}

static void daemon_map_more(void)
{
	maps[1] = nexus_map(handle, 0, 4, 64);
	if (maps[1])
		memset(maps[1], 0x55, 64 * NEXUS_PAGE_SIZE);
}

static void daemon_read(void)
{
	nexus_events(handle, 0);
}

static void daemon_notify(void)
{
	if (handle >= 0)
		nexus_counter_wait(id, NEXUS_A_VM_HALTS, 1);
	if (maps[0])
		__atomic_fetch_add(&((struct nexus_ring_header *)maps[0])->cq_tail, 1, __ATOMIC_SEQ_CST);
	ioctl(handle, NEXUS_IOC_NOTIFY, 0);
}

static void daemon_unmap_more(void)
{
	if (maps[1])
		munmap(maps[1], 64 * NEXUS_PAGE_SIZE);
}

static void daemon_free(void)
{
	if (maps[0])
		munmap(maps[0], 4 * NEXUS_PAGE_SIZE);
	ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, 0);
}

static void daemon_release(void)
{
	ioctl(handle, NEXUS_IOC_RELEASE);
}

static void daemon_end(void)
{
	close(handle);
}

static const struct step {
	int actor;
	void (*run)(void);
} steps[] = {
	{ VMM, vmm_start },
	{ DAEMON, daemon_adopt },
	{ VMM, guest_open },
	{ VMM, guest_share },
	{ VMM, guest_share_more },
	{ DAEMON, daemon_map },
	{ DAEMON, daemon_map_more },
	{ VMM, guest_kick },
	{ DAEMON, daemon_read },
	{ VMM, guest_wait },		/* ends with the next step */
	{ DAEMON, daemon_notify },
	{ VMM, guest_unshare },
	{ DAEMON, daemon_unmap_more },
	{ VMM, guest_close },
	{ DAEMON, daemon_free },
	{ VMM, guest_open },
	{ VMM, guest_share },
	{ DAEMON, daemon_release },
	{ DAEMON, daemon_end },
	{ VMM, vmm_end },
};

/* A process that does its steps as it is told, and answers each. */
static void actor_run(int actor, int wire)
{
	struct command command;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(wire, &command, sizeof(command)) == sizeof(command)) {
		vmm_pid = command.vmm_pid;
		if (actor == DAEMON)
			vm_fd = command.vm_fd;
		for (unsigned int i = command.step; i <= command.last && i < ARRAY_SIZE(steps); i++) {
			/* Alone, nobody would end the WAIT, or halt. */
			bool alone = command.last == REST && (steps[i].run == guest_wait ||
							      steps[i].run == daemon_notify);

			if (steps[i].actor == actor && !alone)
				steps[i].run();
		}
		command.vm_fd = vm_fd;
		if (write(wire, &command, sizeof(command)) != sizeof(command))
			break;
	}
	_exit(0);
}

static void actor_start(struct actor *actor, int which)
{
	int wires[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, wires))
		tap_bail("socketpair");
	actor->pid = fork();
	if (!actor->pid) {
		close(wires[0]);
		actor_run(which, wires[1]);
	}
	close(wires[1]);
	actor->wire = wires[0];
}

static void actor_tell(const struct actor *actor, const struct command *command)
{
	if (write(actor->wire, command, sizeof(*command)) != sizeof(*command))
		tap_bail("the wire");
}

/* Its answer within a while; false if none comes. */
static bool actor_answer(const struct actor *actor, struct command *command)
{
	struct pollfd pollfd = { .fd = actor->wire, .events = POLLIN };

	return poll(&pollfd, 1, HANG_S * 1000) == 1 &&
	       read(actor->wire, command, sizeof(*command)) == sizeof(*command);
}

static void actor_end(struct actor *actor)
{
	close(actor->wire);
	kill(actor->pid, SIGKILL);
	waitpid(actor->pid, NULL, 0);
}

/*
 * Steps up to `stage`, then the kill; `within`: that step is started first. The
 * survivor does the rest of its own. Returns false if anyone hangs.
 */
static bool run_case(unsigned int stage, int victim, bool within, uint64_t *random)
{
	struct command command = { 0 };
	struct actor actors[ACTORS];
	bool ok = true, waiting = false;

	for (int i = 0; i < ACTORS; i++)
		actor_start(&actors[i], i);
	command.vmm_pid = actors[VMM].pid;
	for (unsigned int i = 0; i < stage + within && i < ARRAY_SIZE(steps) && ok; i++) {
		command.step = command.last = i;
		actor_tell(&actors[steps[i].actor], &command);
		if (i == stage) {
			usleep(random_below(random, 4) * random_below(random, 1000));
		} else if (steps[i].run == guest_wait) {
			waiting = true;
			usleep(5000);
		} else {
			ok = actor_answer(&actors[steps[i].actor], &command);
			if (waiting && ok) {
				ok = actor_answer(&actors[VMM], &command);
				waiting = false;
			}
		}
	}
	for (int i = 0; i < ACTORS; i++)
		if (victim == i || victim == ACTORS)
			kill(actors[i].pid, SIGKILL);
	/* One that stands in WAIT, or started a step, has an answer to give first: not needed. */
	if (victim != ACTORS && !waiting) {
		const struct actor *survivor = &actors[!victim];

		if (within && stage < ARRAY_SIZE(steps) && steps[stage].actor != victim &&
		    steps[stage].run != guest_wait)
			ok &= actor_answer(survivor, &command);
		if (stage >= ARRAY_SIZE(steps) || !within || steps[stage].run != guest_wait ||
		    steps[stage].actor == victim) {
			command.step = stage + within;
			command.last = REST;
			actor_tell(survivor, &command);
			ok &= actor_answer(survivor, &command);
		}
	}
	for (int i = 0; i < ACTORS; i++)
		actor_end(&actors[i]);
	return ok;
}

static int count_vm(struct nl_msg *msg, void *count)
{
	(void)msg;
	++*(int *)count;
	return NL_OK;
}

/* How many VMs the module knows. */
static int vms_left(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc();
	int count = 0;

	if (!sock || !msg || genl_connect(sock))
		tap_bail("netlink");
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, count_vm, &count);
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, genl_ctrl_resolve(sock, NEXUS_GENL_NAME), 0, NLM_F_DUMP,
		    NEXUS_CMD_VM_GET, NEXUS_GENL_VERSION);
	if (nl_send_auto(sock, msg) < 0 || nl_recvmsgs_default(sock) < 0)
		tap_bail("netlink dump");
	nlmsg_free(msg);
	nl_socket_free(sock);
	return count;
}

static int module_references(void)
{
	FILE *f = fopen("/sys/module/nexus_kvm/refcnt", "re");
	int n = -1;

	if (!f || fscanf(f, "%d", &n) != 1)
		tap_bail("refcnt");
	fclose(f);
	return n;
}

/* A value within a while. */
static int settles(int (*value)(void), int want)
{
	int now = value();

	for (int i = 0; i < 1000 && now != want; i++) {
		usleep(10000);
		now = value();
	}
	return now;
}

static void test_victim(int victim, uint64_t *random)
{
	const unsigned int rounds = full_length() ? 20 : 1;
	unsigned int cases = 0, hung = 0;
	char what[64];

	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int stage = 1; stage <= ARRAY_SIZE(steps); stage++) {
			bool within = full_length() ? round % 2 : random_below(random, 2);

			cases++;
			if (run_case(stage, victim, within, random) || hung++)
				continue;
			printf("# hangs: stage %u, %s\n", stage, within ? "within" : "before");
		}
	}
	snprintf(what, sizeof(what), "%s killed in %u cases, the survivor goes on", names[victim], cases);
	tap_is(hung, 0, what);
	tap_is(settles(vms_left, 0), 0, "no VM is left");
	tap_is(settles(module_references, 0), 0, "nothing holds the module");
	tap_ok(all_unpinned(), "every page is unpinned");
}

int main(void)
{
	uint64_t random = random_seed();

	close(nexus_device());
	/* What nobody kills ends by itself, and the same is true of it. */
	tap_ok(run_case(ARRAY_SIZE(steps), ACTORS, false, &random), "the script runs to its end");
	tap_is(vms_left(), 0, "no VM is left");
	for (int victim = 0; victim <= ACTORS; victim++)
		test_victim(victim, &random);
	return tap_done();
}
