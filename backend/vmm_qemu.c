// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stock QEMU (7.2 and later) as a VMM: spoken to by QMP, its state moved as a
 * migration to and from a file. RAM is a file of its own: written by the
 * template (share=on), mapped privately by clones (share=off), and left out of
 * the migration (x-ignore-shared). It runs in QEMU's own sandbox; files other than the
 * RAM reach it as open descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "cleanup.h"
#include "container.h"
#include "loop.h"
#include "qmp.h"
#include "vmm.h"

#define STEP_MS		60000	/* the most that one step of QEMU may take; far beyond what it does */
#define QMP_FD		3	/* in QEMU */
#define ARGS_MAX	64
/* What a guest may write to its console: more makes it wait. */
#define CONSOLE_TURN	16384U	/* bytes */
#define CONSOLE_REST_MS	10

enum qemu_step {
	QEMU_STARTING,
	QEMU_READY,		/* stopped before its first instruction, or before it has its state */
	QEMU_LOADING,
	QEMU_LOADED,
	QEMU_CONTINUING,
	QEMU_RUNNING,
	QEMU_STOPPED,
	QEMU_SAVING,
	QEMU_SAVED,
};

struct qemu {
	struct vmm vmm;
	struct loop *loop;
	const struct vmm_spec *spec;
	const struct vmm_handler *handler;
	void *arg;
	bool restore;
	enum qemu_step step;
	struct qmp *qmp;
	struct loop_timer timer;
	int pidfd, console;
	int state;		/* the file it is restored from, as it was when QEMU was started */
	struct loop_poll pid_poll, console_poll;
	struct loop_timer console_rest;
	char reason[256];	/* why it was killed; else what it said last */
	bool killed;
	size_t len;		/* of line */
	char line[VMM_LINE_MAX];
};

static struct qemu *to_qemu(struct vmm *vmm)
{
	return container_of(vmm, struct qemu, vmm);
}

static void qemu_signal(struct qemu *qemu)
{
	if (qemu->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, qemu->pidfd, SIGKILL, NULL, 0);
}

static void __attribute__((format(printf, 2, 3))) qemu_fail(struct qemu *qemu, const char *fmt, ...)
{
	va_list args;

	if (qemu->killed)
		return;
	qemu->killed = true;
	va_start(args, fmt);
	vsnprintf(qemu->reason, sizeof(qemu->reason), fmt, args);
	va_end(args);
	loop_timer_stop(qemu->loop, &qemu->timer);
	qemu_signal(qemu);
}

static void qemu_expired(struct loop_timer *timer)
{
	static const char *const what[] = {
		[QEMU_STARTING] = "start", [QEMU_LOADING] = "load its state", [QEMU_CONTINUING] = "run",
		[QEMU_RUNNING] = "stop", [QEMU_SAVING] = "save its state",
	};
	struct qemu *qemu = container_of(timer, struct qemu, timer);

	qemu_fail(qemu, "QEMU did not %s within %d s", what[qemu->step] ? what[qemu->step] : "answer", STEP_MS / 1000);
}

static void qemu_set_step(struct qemu *qemu, enum qemu_step step, bool timed)
{
	qemu->step = step;
	if (timed)
		loop_timer_start(qemu->loop, &qemu->timer, STEP_MS);
	else
		loop_timer_stop(qemu->loop, &qemu->timer);
}

/* ---- commands ---- */

static void qemu_send(struct qemu *qemu, const char *command, json_t *arguments, int fd, qmp_done *done)
{
	int ret = qmp_send(qemu->qmp, command, arguments, fd, done);

	if (ret)
		qemu_fail(qemu, "cannot send %s to QEMU: %s", command, strerror(-ret));
}

/* For commands whose success says nothing. */
static void qemu_done(void *arg, const json_t *result, const char *error)
{
	(void)result;
	if (error)
		qemu_fail(arg, "QEMU: %s", error);
}

static void qemu_set_capabilities(struct qemu *qemu)
{
	json_t *list = json_pack("{s:[{s:s, s:b}, {s:s, s:b}]}", "capabilities",
				 "capability", "x-ignore-shared", "state", 1,
				 "capability", "events", "state", 1);

	qemu_send(qemu, "migrate-set-capabilities", list, -1, qemu_done);
}

/* migrate or migrate-incoming, over the state's file. */
static void qemu_migrate(struct qemu *qemu, const char *command, int fd)
{
	qemu_send(qemu, "getfd", json_pack("{s:s}", "fdname", "state"), fd, qemu_done);
	qemu_send(qemu, command, json_pack("{s:s}", "uri", "fd:state"), -1, qemu_done);
}

static void qemu_continued(void *arg, const json_t *result, const char *error)
{
	struct qemu *qemu = arg;

	(void)result;
	if (error) {
		qemu_fail(qemu, "QEMU: %s", error);
		return;
	}
	qemu_set_step(qemu, QEMU_RUNNING, false);
	qemu->handler->running(qemu->arg);
}

static void qemu_stopped(void *arg, const json_t *result, const char *error)
{
	struct qemu *qemu = arg;

	(void)result;
	if (error) {
		qemu_fail(qemu, "QEMU: %s", error);
		return;
	}
	qemu_set_step(qemu, QEMU_STOPPED, false);
	qemu->handler->stopped(qemu->arg);
}

static void qemu_load(struct vmm *vmm)
{
	struct qemu *qemu = to_qemu(vmm);

	qemu_set_step(qemu, QEMU_LOADING, true);
	qemu_migrate(qemu, "migrate-incoming", qemu->state);
}

static void qemu_let_run(struct vmm *vmm)
{
	struct qemu *qemu = to_qemu(vmm);

	qemu_set_step(qemu, QEMU_CONTINUING, true);
	qemu_send(qemu, "cont", NULL, -1, qemu_continued);
}

static void qemu_save(struct vmm *vmm)
{
	struct qemu *qemu = to_qemu(vmm);

	qemu_set_step(qemu, QEMU_RUNNING, true);
	qemu_send(qemu, "stop", NULL, -1, qemu_stopped);
}

static void qemu_save_state(struct vmm *vmm)
{
	struct qemu *qemu = to_qemu(vmm);
	auto_close int fd = open(qemu->spec->state_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0) {
		qemu_fail(qemu, "%s: %s", qemu->spec->state_path, strerror(errno));
		return;
	}
	qemu_set_step(qemu, QEMU_SAVING, true);
	qemu_set_capabilities(qemu);
	qemu_migrate(qemu, "migrate", fd);
}

static void qemu_kill(struct vmm *vmm)
{
	qemu_fail(to_qemu(vmm), "killed");
}

/* ---- what QEMU says ---- */

static void qemu_ready(void *arg)
{
	struct qemu *qemu = arg;

	if (qemu->restore)
		qemu_set_capabilities(qemu);
	qemu_set_step(qemu, QEMU_READY, false);
	qemu->handler->ready(qemu->arg);
}

static void qemu_migrated(struct qemu *qemu)
{
	if (qemu->step == QEMU_LOADING) {
		qemu_set_step(qemu, QEMU_LOADED, false);
		qemu->handler->loaded(qemu->arg);
	} else if (qemu->step == QEMU_SAVING) {
		qemu_set_step(qemu, QEMU_SAVED, false);
		qemu->handler->saved(qemu->arg);
	}
}

static void qemu_event(void *arg, const char *name, const json_t *data)
{
	const char *status = json_string_value(json_object_get(data, "status"));
	struct qemu *qemu = arg;

	if (strcmp(name, "MIGRATION") || !status)
		return;
	if (!strcmp(status, "completed"))
		qemu_migrated(qemu);
	else if (!strcmp(status, "failed"))
		qemu_fail(qemu, "QEMU could not %s its state: %.160s",
			  qemu->step == QEMU_SAVING ? "save" : "load", qemu->line);
}

static void qemu_lost(void *arg, const char *reason)
{
	struct qemu *qemu = arg;
	char said[160];

	/* Its end comes by the pidfd; one that lives on without QMP cannot be used. */
	if (qemu->step == QEMU_RUNNING)
		return;
	/* What qemu_fail() writes over. */
	snprintf(said, sizeof(said), "%s%.150s", *qemu->reason ? ": " : "", qemu->reason);
	qemu_fail(qemu, "QEMU: %s%s", reason, said);
}

static const struct qmp_handler qemu_qmp_handler = {
	.ready = qemu_ready,
	.event = qemu_event,
	.lost = qemu_lost,
};

/* ---- the console, and QEMU's own complaints ---- */

static void qemu_line(struct qemu *qemu)
{
	size_t len = qemu->len;

	while (len && qemu->line[len - 1] == '\r')
		len--;
	if (len && !qemu->killed)
		snprintf(qemu->reason, sizeof(qemu->reason), "%.*s", (int)len, qemu->line);
	if (len && qemu->handler->console)
		qemu->handler->console(qemu->arg, qemu->line, len);
	qemu->len = 0;
}

static void qemu_text(struct qemu *qemu, const char *text, size_t n)
{
	for (; n; n--, text++) {
		if (*text == '\n')
			qemu_line(qemu);
		else if (qemu->len < VMM_LINE_MAX)
			qemu->line[qemu->len++] = *text;
	}
}

/* What waits, at most a turn's worth. Returns false at the end. */
static bool qemu_read_console(struct qemu *qemu)
{
	char text[CONSOLE_TURN];
	ssize_t n = read(qemu->console, text, sizeof(text));

	if (n > 0)
		qemu_text(qemu, text, n);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void qemu_console_ready(struct loop_poll *poll, unsigned int revents)
{
	struct qemu *qemu = container_of(poll, struct qemu, console_poll);

	(void)revents;
	if (qemu_read_console(qemu))
		loop_timer_start(qemu->loop, &qemu->console_rest, CONSOLE_REST_MS);
}

static void qemu_console_rested(struct loop_timer *timer)
{
	struct qemu *qemu = container_of(timer, struct qemu, console_rest);

	loop_poll_start(qemu->loop, &qemu->console_poll, qemu->console, POLLIN);
}

/* ---- life ---- */

static void qemu_exited(struct loop_poll *poll, unsigned int revents)
{
	struct qemu *qemu = container_of(poll, struct qemu, pid_poll);
	char reason[sizeof(qemu->reason)];
	siginfo_t info = { 0 };

	(void)revents;
	waitid(P_PIDFD, qemu->pidfd, &info, WEXITED | WNOHANG);
	loop_timer_stop(qemu->loop, &qemu->timer);
	/* Its last words, which may tell why. */
	qemu_read_console(qemu);
	qemu_line(qemu);
	if (qemu->killed)
		snprintf(reason, sizeof(reason), "%s", qemu->reason);
	else if (info.si_code == CLD_EXITED && !info.si_status)
		snprintf(reason, sizeof(reason), "the guest ended: %.200s", qemu->reason);
	else
		snprintf(reason, sizeof(reason), "QEMU ended with %s %d: %.200s",
			 info.si_code == CLD_EXITED ? "status" : "signal", info.si_status, qemu->reason);
	qemu->vmm.pid = 0;
	close(take_fd(&qemu->pidfd));
	qemu->handler->ended(qemu->arg, reason);
}

static void qemu_free(struct vmm *vmm)
{
	struct qemu *qemu = to_qemu(vmm);

	loop_timer_stop(qemu->loop, &qemu->timer);
	loop_timer_stop(qemu->loop, &qemu->console_rest);
	if (qemu->pidfd >= 0) {
		qemu_signal(qemu);
		loop_poll_stop(qemu->loop, &qemu->pid_poll);
		waitid(P_PIDFD, qemu->pidfd, NULL, WEXITED);
		close(qemu->pidfd);
	}
	if (qemu->console >= 0) {
		loop_poll_stop(qemu->loop, &qemu->console_poll);
		close(qemu->console);
	}
	if (qemu->state >= 0)
		close(qemu->state);
	qmp_free(qemu->qmp);
	free(qemu);
}

/* Arguments in one block; the strings live as long as it. */
struct qemu_args {
	const char *argv[ARGS_MAX];
	unsigned int count;
	char text[4096];
	size_t used;
};

static void args_add(struct qemu_args *args, const char *arg)
{
	args->argv[args->count++] = arg;
}

static void __attribute__((format(printf, 3, 4))) args_print(struct qemu_args *args, const char *option,
							      const char *fmt, ...)
{
	char *at = args->text + args->used;
	size_t room = sizeof(args->text) - args->used;
	va_list list;
	int n;

	va_start(list, fmt);
	n = vsnprintf(at, room, fmt, list);
	va_end(list);
	args->used += (size_t)n < room ? (size_t)n + 1 : room;
	args_add(args, option);
	args_add(args, at);
}

/*
 * microvm: Linux takes its time of day from the RTC, which the other machines have anyway. What ACPI tells is where
 * devices and further processors are; for a guest that has neither its tables are 3 MiB of QEMU's memory for nothing.
 */
static const char *qemu_machine_options(const struct vmm_spec *spec)
{
	if (strcmp(spec->machine, "microvm"))
		return "";
	return spec->vcpus > 1 ? ",rtc=on" : ",rtc=on,acpi=off";
}

/* Debian's small build of QEMU, for microvm and q35: without seccomp, and without default network devices to switch off. */
static bool qemu_is_small(const struct vmm_spec *spec)
{
	static const char suffix[] = "-microvm";
	size_t len = spec->program ? strlen(spec->program) : 0;

	return len >= sizeof(suffix) - 1 && !strcmp(spec->program + len - (sizeof(suffix) - 1), suffix);
}

static void qemu_args(struct qemu_args *args, const struct vmm_spec *spec, bool restore)
{
	args_add(args, "qemu-system-x86_64");
	args_print(args, "-name", "%s,process=nexus-%s", spec->name, spec->name);
	args_add(args, "-nodefaults");
	args_add(args, "-no-user-config");
	args_add(args, "-no-reboot");
	args_add(args, "-S");
	args_print(args, "-display", "none");
	args_print(args, "-nic", "none");
	if (!qemu_is_small(spec))
		args_print(args, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	args_print(args, "-accel", "kvm");
	args_print(args, "-cpu", "host");
	args_print(args, "-smp", "%u", spec->vcpus);
	args_print(args, "-m", "%uM", spec->memory_mib);
	if (spec->ram_path) {
		args_print(args, "-object", "memory-backend-file,id=ram,size=%uM,mem-path=%s,share=%s",
			   spec->memory_mib, spec->ram_path, restore ? "off" : "on");
		args_print(args, "-M", "%s%s,memory-backend=ram", spec->machine, qemu_machine_options(spec));
	} else {
		args_print(args, "-M", "%s%s", spec->machine, qemu_machine_options(spec));
	}
	args_print(args, "-chardev", "stdio,id=console,signal=off");
	args_print(args, "-serial", "chardev:console");
	args_print(args, "-chardev", "socket,id=qmp,fd=%d", QMP_FD);
	args_print(args, "-mon", "chardev=qmp,mode=control");
	if (restore) {
		args_print(args, "-incoming", "defer");
	} else {
		args_print(args, "-kernel", "%s", spec->kernel);
		args_print(args, "-initrd", "%s", spec->initrd);
		args_print(args, "-append", "%s", spec->append);
	}
	args->argv[args->count] = NULL;
}

/*
 * What QEMU needs for its start only, some MiB of buffers, is to go back to the kernel then: those of more than 32 KiB
 * are mapped, and not between others on the heap.
 */
static char **qemu_environment(void)
{
	size_t count = 0;
	char **list;

	while (environ[count])
		count++;
	list = calloc(count + 3, sizeof(*list));
	if (!list)
		return NULL;
	list[0] = "MALLOC_ARENA_MAX=1";
	list[1] = "MALLOC_MMAP_THRESHOLD_=32768";
	memcpy(list + 2, environ, count * sizeof(*list));
	return list;
}

/*
 * A clone's memory are pages that it wrote to, among many that it shares: a huge page would hold few of them. The setting
 * is one of memory, and the child has ours until it becomes QEMU.
 */
static void qemu_huge_pages(bool on)
{
	prctl(PR_SET_THP_DISABLE, !on, 0, 0, 0);
}

/* The daemon's signal mask and its ignored SIGPIPE are not for QEMU. */
static int qemu_spawn(struct qemu *qemu, int console, int qmp)
{
	auto_free char **environment = qemu_environment();
	struct qemu_args args = { .count = 0 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, pipe;
	int ret;

	if (!environment)
		return -ENOMEM;
	qemu_args(&args, qemu->spec, qemu->restore);
	if (args.used == sizeof(args.text))
		return -E2BIG;
	sigemptyset(&none);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, console, 1);
	posix_spawn_file_actions_adddup2(&actions, console, 2);
	posix_spawn_file_actions_adddup2(&actions, qmp, QMP_FD);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &pipe);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	qemu_huge_pages(!qemu->restore);
	ret = -posix_spawnp(&qemu->vmm.pid, qemu->spec->program ? qemu->spec->program : args.argv[0], &actions, &attr,
			    (char *const *)args.argv, environment);
	qemu_huge_pages(true);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

static int qemu_run(struct qemu *qemu)
{
	auto_close int console = -1, qmp = -1, our_qmp = -1;
	int fds[2], ret;

	if (qemu->restore) {
		qemu->state = open(qemu->spec->state_path, O_RDONLY | O_CLOEXEC);
		if (qemu->state < 0)
			return -errno;
	}
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	qemu->console = fds[0];
	console = fds[1];
	fcntl(qemu->console, F_SETFL, O_NONBLOCK);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	our_qmp = fds[0];
	qmp = fds[1];
	ret = qemu_spawn(qemu, console, qmp);
	if (ret)
		return ret;
	qemu->pidfd = syscall(SYS_pidfd_open, qemu->vmm.pid, 0);
	if (qemu->pidfd < 0)
		return -errno;
	qemu->qmp = qmp_new(qemu->loop, take_fd(&our_qmp), &qemu_qmp_handler, qemu);
	if (!qemu->qmp)
		return -errno;
	ret = loop_poll_start(qemu->loop, &qemu->pid_poll, qemu->pidfd, POLLIN);
	if (!ret)
		ret = loop_poll_start(qemu->loop, &qemu->console_poll, qemu->console, POLLIN);
	return ret;
}

static struct vmm *qemu_start(struct loop *loop, const struct vmm_spec *spec, bool restore,
			      const struct vmm_handler *handler, void *arg)
{
	struct qemu *qemu = calloc(1, sizeof(*qemu));
	int ret;

	if (!qemu)
		return NULL;
	*qemu = (struct qemu){
		.vmm.type = &vmm_qemu_type, .loop = loop, .spec = spec, .handler = handler, .arg = arg,
		.restore = restore, .pidfd = -1, .console = -1, .state = -1, .timer.expired = qemu_expired,
		.pid_poll.ready = qemu_exited, .console_poll.ready = qemu_console_ready,
		.console_rest.expired = qemu_console_rested,
	};
	ret = qemu_run(qemu);
	if (ret) {
		qemu_free(&qemu->vmm);
		errno = -ret;
		return NULL;
	}
	qemu_set_step(qemu, QEMU_STARTING, true);
	return &qemu->vmm;
}

const struct vmm_type vmm_qemu_type = {
	.name = "qemu",
	.start = qemu_start,
	.load = qemu_load,
	.run = qemu_let_run,
	.save = qemu_save,
	.save_state = qemu_save_state,
	.kill = qemu_kill,
	.free = qemu_free,
};
