// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "../tap.h"
#include "host.h"

char *read_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 1 << 16, used = 0;
	char *data = malloc(room);
	ssize_t n;

	if (fd < 0 || !data)
		tap_bail(path);
	while ((n = read(fd, data + used, room - used - 1)) > 0) {
		used += n;
		if (room - used < 4096)
			data = realloc(data, room *= 2);
		if (!data)
			tap_bail(path);
	}
	close(fd);
	data[used] = 0;
	if (size)
		*size = used;
	return data;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	int err = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

bool log_says(const char *text)
{
	static char log[1 << 18];
	int n = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof(log) - 1);
	char *mark = NULL;

	if (n < 0)
		tap_bail("the kernel's log");
	log[n] = 0;
	for (char *at = log; (at = strstr(at, "nexus_test mark")); at++)
		mark = at;
	return mark && strstr(mark, text);
}

void mark_log(void)
{
	if (write_file("/dev/kmsg", "nexus_test mark\n"))
		tap_bail("/dev/kmsg");
}
