// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "cleanup.h"
#include "runqueue.h"

bool runqueue_is_ours(void)
{
	autoclose int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	char text[128];
	unsigned int ready;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* Three averages, then RUNNING/ALL. */
	return sscanf(text, "%*s %*s %*s %u/", &ready) == 1 && ready == 1;
}
