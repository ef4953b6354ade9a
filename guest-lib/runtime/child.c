// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime.h"

#define LINES		16384	/* a line longer than this is sent in pieces */
#define PAUSE_MIN_MS	100	/* before a process that failed at its start is started again */
#define PAUSE_MAX_MS	5000

static struct {
	pthread_mutex_t lock;	/* of the pipe's reading end, and of what was read */
	struct nexus *nx;
	int fd;
	char text[LINES];
	size_t len;
} out = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

/* Whole lines, or all of it; lock held. */
static void out_send(bool all)
{
	char *end = all ? out.text + out.len : memrchr(out.text, '\n', out.len);
	char id[64];
	size_t n;

	if (!end && out.len == sizeof(out.text))
		end = out.text + out.len;
	n = !end ? 0 : all || *end != '\n' ? (size_t)(end - out.text) : (size_t)(end - out.text) + 1;
	if (!n)
		return;
	turn_id(id);
	nexus_log(out.nx, id, out.text, n);
	memmove(out.text, out.text + n, out.len - n);
	out.len -= n;
}

/* Read what is there; lock held. */
static void out_read(void)
{
	ssize_t n;

	while ((n = read(out.fd, out.text + out.len, sizeof(out.text) - out.len)) > 0) {
		/* The operator of the guest sees it too. */
		fwrite(out.text + out.len, 1, n, stderr);
		out.len += n;
		out_send(false);
	}
}

void child_flush(void)
{
	pthread_mutex_lock(&out.lock);
	out_read();
	out_send(true);
	pthread_mutex_unlock(&out.lock);
}

static void *out_main(void *arg)
{
	struct pollfd p = { out.fd, POLLIN, 0 };

	(void)arg;
	for (;;) {
		poll(&p, 1, -1);
		pthread_mutex_lock(&out.lock);
		out_read();
		pthread_mutex_unlock(&out.lock);
	}
	return NULL;
}

/* The writing end stays open here, so that the reading end never ends. */
static int out_open(struct nexus *nx)
{
	pthread_t thread;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	out.nx = nx;
	out.fd = fds[0];
	return pthread_create(&thread, NULL, out_main, NULL) ? -EAGAIN : fds[1];
}

static pid_t child_start(char **argv, int fd)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "nexus-runtime: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void child_reason(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "Runtime exited with error: signal: %s", strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		snprintf(text, size, "Runtime exited with error: exit status %d", WEXITSTATUS(status));
	else
		snprintf(text, size, "Runtime exited without providing a reason");
}

void child_supervise(struct nexus *nx, char **argv)
{
	unsigned int pause_ms = PAUSE_MIN_MS;
	int fd = out_open(nx);

	if (fd < 0) {
		fprintf(stderr, "nexus-runtime: no pipe for the function's output: %s\n", strerror(-fd));
		exit(1);
	}
	for (;;) {
		char reason[128];
		int status;
		pid_t pid = child_start(argv, fd), ended;

		if (pid < 0) {
			fprintf(stderr, "nexus-runtime: fork: %s\n", strerror(errno));
			exit(1);
		}
		/* As the first process of a container it may have orphans to bury. */
		while ((ended = wait(&status)) != pid)
			if (ended < 0 && errno == ECHILD)
				break;
		child_reason(status, reason, sizeof(reason));
		child_flush();
		if (turn_exit(nx, reason)) {
			pause_ms = PAUSE_MIN_MS;
			continue;
		}
		usleep(pause_ms * 1000);
		pause_ms = 2 * pause_ms < PAUSE_MAX_MS ? 2 * pause_ms : PAUSE_MAX_MS;
	}
}
