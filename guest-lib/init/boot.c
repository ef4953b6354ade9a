// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "../cleanup.h"
#include "boot.h"

#define MAX_ARGUMENTS	256

static const struct {
	const char *type, *dir, *options;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/dev", NULL, MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV },
};

static void boot_loopback(void)
{
	autoclose int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &ifr))
		fprintf(stderr, "nexus-init: warning: no loopback interface: %m\n");
}

void boot_prepare(void)
{
	int console;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].dir, 0755);
		/* EBUSY: an initramfs may have it mounted already. */
		if (mount(mounts[i].type, mounts[i].dir, mounts[i].type, mounts[i].flags, mounts[i].options) &&
		    errno != EBUSY)
			fprintf(stderr, "nexus-init: warning: cannot mount %s: %m\n", mounts[i].dir);
	}
	console = open("/dev/console", O_RDWR | O_NOCTTY);
	if (console >= 0) {
		for (int fd = 0; fd < 3; fd++)
			dup2(console, fd);
		if (console > 2)
			close(console);
	}
	boot_loopback();
}

char **boot_read_arguments(const char *path, char *argv0, int *argc)
{
	FILE *f = fopen(path, "re");
	char **argv = f ? calloc(MAX_ARGUMENTS + 2, sizeof(*argv)) : NULL;
	size_t size = 0;
	ssize_t n;

	if (!argv) {
		if (f)
			fclose(f);
		return NULL;
	}
	argv[0] = argv0;
	*argc = 1;
	while (*argc <= MAX_ARGUMENTS && (n = getline(&argv[*argc], &size, f)) >= 0) {
		if (n && argv[*argc][n - 1] == '\n')
			argv[*argc][n - 1] = '\0';
		++*argc;
		size = 0;
	}
	argv[*argc] = NULL;
	fclose(f);
	return argv;
}

static void boot_exec(const struct command *cmd) __attribute__((noreturn));
static void boot_exec(const struct command *cmd)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || setgroups(0, NULL) || setgid(cmd->gid) || setuid(cmd->uid) ||
	    chdir(cmd->dir)) {
		fprintf(stderr, "nexus-init: cannot become uid %u, gid %u in %s: %m\n", cmd->uid, cmd->gid, cmd->dir);
		_exit(126);
	}
	execvp(cmd->argv[0], cmd->argv);
	fprintf(stderr, "nexus-init: cannot run %s: %m\n", cmd->argv[0]);
	_exit(127);
}

pid_t boot_start(const struct command *cmd)
{
	pid_t pid = fork();

	if (!pid)
		boot_exec(cmd);
	return pid < 0 ? -errno : pid;
}

int boot_reap(pid_t pid, int *status)
{
	int found = 0, raw;
	pid_t child;

	while ((child = waitpid(-1, &raw, WNOHANG)) > 0) {
		if (child != pid)
			continue;
		*status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
		found = 1;
	}
	return found;
}

void boot_power_off(void)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	sync();
	reboot(RB_POWER_OFF);
	/* No way to switch off: the first process must not end. */
	for (;;)
		pause();
}
