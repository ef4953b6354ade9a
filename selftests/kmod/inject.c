// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "../tap.h"
#include "inject.h"

#define MAX_SITES 64

static int nth_fd, kmsg;

static char sites[MAX_SITES][64];
static int nr_sites;

static void set(const char *path, const char *value)
{
	char full[128];
	int fd;

	snprintf(full, sizeof(full), "/sys/kernel/debug/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		tap_bail(full);
	close(fd);
}

static void console_on(void)
{
	klogctl(7, NULL, 0);
}

void inject_set_up(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0 || access("/sys/kernel/debug/failslab", F_OK) ||
	    access("/sys/kernel/debug/fail_page_alloc", F_OK) || access("/sys/kernel/debug/fail_usercopy", F_OK))
		tap_skip_all("this kernel injects no faults; make test-debug runs one that does");
	set("failslab/ignore-gfp-wait", "N");
	set("fail_page_alloc/ignore-gfp-wait", "N");
	set("fail_page_alloc/ignore-gfp-highmem", "N");
	set("fail_page_alloc/min-order", "0");
	set("failslab/verbose", "2");
	set("fail_page_alloc/verbose", "2");
	set("fail_usercopy/verbose", "2");
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0)
		tap_bail("/dev/kmsg");
	/* The traces are for us, not for a slow serial line. */
	klogctl(6, NULL, 0);
	atexit(console_on);
}

bool inject_hit(const char *site)
{
	for (int i = 0; i < nr_sites; i++)
		if (!strcmp(sites[i], site))
			return true;
	return false;
}

static void remember_site(const char *site)
{
	if (!inject_hit(site) && nr_sites < MAX_SITES)
		strcpy(sites[nr_sites++], site);
}

/* " nexus_vm_adopt+0x5c/0x2a0 [nexus_kvm]"; a "?" marks what is no frame. */
static void parse_line(const char *line, struct fault *fault)
{
	const char *at;

	at = strstr(line, "name fail");
	if (at)
		sscanf(at, "name %31[a-z_],", fault->kind);
	if (strstr(line, " do_one_initcall+"))
		fault->init = true;
	at = strstr(line, " nexus_");
	if (at && strstr(at, "[nexus_kvm]") && !strstr(line, "? ") && !fault->site[0])
		sscanf(at, " %63[a-z0-9_]", fault->site);
}

void inject_read_fault(struct fault *fault)
{
	char line[4096];
	ssize_t n;

	memset(fault, 0, sizeof(*fault));
	while ((n = read(kmsg, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		line[n] = 0;
		parse_line(line, fault);
	}
	if (fault->site[0])
		remember_site(fault->site);
}

void inject_disarm(void)
{
	/* This write may meet the armed fault itself. */
	while (pwrite(nth_fd, "0", 1, 0) != 1)
		;
}

int inject(int nth, int64_t (*call)(void), int64_t *result)
{
	char text[16] = "";
	int left;

	lseek(kmsg, 0, SEEK_END);
	snprintf(text, sizeof(text), "%d", nth);
	if (pwrite(nth_fd, text, strlen(text), 0) < 0)
		tap_bail("fail-nth");
	*result = call();
	/* So may this read; then what is left is one, and nothing failed in the call. */
	left = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 ? atoi(text) : 1;
	inject_disarm();
	return left;
}

void inject_print_sites(void)
{
	for (int i = 0; i < nr_sites; i++)
		printf("# failed in %s()\n", sites[i]);
}
