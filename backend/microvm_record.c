// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the next daemon has to know of our VMMs, if we crash: a file for each, named by its
 * process number (".running" behind it once its vCPUs run), in a directory beside the control
 * socket, which only one daemon owns. It holds when the process was started, so that another
 * process with its number is not taken for it, and the function.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "microvm_core.h"

#define NAME_SIZE	32
#define RUNNING		".running"

static char *directory;

/* In clock ticks since the machine's boot; 0: no such process. */
static uint64_t process_started(pid_t pid)
{
	auto_fclose FILE *file = NULL;
	char path[NAME_SIZE], text[1024];
	uint64_t ticks = 0;
	const char *at;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[n] = '\0';
	/* The name, in brackets, may hold anything. The time is the 20th field behind it. */
	at = strrchr(text, ')');
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	if (at)
		sscanf(at, " %" SCNu64, &ticks);
	return ticks;
}

static char *record_path(pid_t pid, bool running)
{
	char *path;

	if (asprintf(&path, "%s/%d%s", directory, pid, running ? RUNNING : "") < 0)
		abort();	/* a few bytes */
	return path;
}

void record_add(pid_t pid, const struct function_config *function, bool restored)
{
	auto_free char *path = record_path(pid, false);
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || dprintf(fd, "%" PRIu64 " %s %d\n", process_started(pid), function->name, restored) < 0)
		log_warning("%s: %s: if the daemon crashes, this VMM will not be known", path, strerror(errno));
}

void record_running(pid_t pid)
{
	auto_free char *from = record_path(pid, false), *to = record_path(pid, true);

	rename(from, to);
}

void record_remove(pid_t pid)
{
	auto_free char *started = record_path(pid, false), *running = record_path(pid, true);

	unlink(started);
	unlink(running);
}

/* A line of one that still is the process that it was. Returns its pidfd, or -1. */
static int record_read(const char *name, pid_t pid, char *function, bool *restored)
{
	auto_free char *path = NULL;
	auto_fclose FILE *file = NULL;
	auto_close int pidfd = -1;
	uint64_t started = 0;
	int clone = 0;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		abort();	/* a few bytes */
	file = fopen(path, "re");
	if (!file || fscanf(file, "%" SCNu64 " %63s %d", &started, function, &clone) != 3 || !started)
		return -1;
	*restored = clone;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	return pidfd >= 0 && process_started(pid) == started ? take_fd(&pidfd) : -1;
}

_Static_assert(NEXUS_NAME_MAX == 64, "%63s");

void records_each(record_found *found, void *arg)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char function[NEXUS_NAME_MAX], *end;
		pid_t pid = strtol(entry->d_name, &end, 10);
		bool restored, running = !strcmp(end, RUNNING);
		int pidfd;

		if (pid <= 0)
			continue;
		pidfd = record_read(entry->d_name, pid, function, &restored);
		if (pidfd >= 0)
			found(arg, pid, pidfd, function, restored, running);
		else
			record_remove(pid);
	}
	if (dir)
		closedir(dir);
}

void records_open(const char *control_path)
{
	if (asprintf(&directory, "%s.vmms", control_path) < 0)
		abort();	/* a few bytes */
	if (mkdir(directory, 0700) && errno != EEXIST)
		log_warning("cannot make %s: %s: if the daemon crashes, its VMMs will not be known", directory,
			    strerror(errno));
}

void records_close(void)
{
	rmdir(directory);
	free(take_ptr(directory));
}
