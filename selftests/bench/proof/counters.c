// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "counters.h"

static void add(struct counters *counters, const char *kind, const char *name, int64_t value)
{
	char full[COUNTER_NAME];
	unsigned int i;

	snprintf(full, sizeof(full), "%s%s%s", kind, *kind ? " " : "", name);
	for (i = 0; i < counters->nr && strcmp(counters->list[i].name, full); i++)
		;
	if (i == COUNTERS_MAX) {
		fprintf(stderr, "counters: more than %d of them\n", COUNTERS_MAX);
		exit(1);
	}
	if (i == counters->nr) {
		strcpy(counters->list[i].name, full);
		counters->list[i].value = 0;
		counters->nr++;
	}
	counters->list[i].value += value;
}

/* Calls visit for each entry of a directory; a process may end meanwhile. */
static void each(const char *path, void (*visit)(struct counters *, const char *path, const char *name, void *arg),
		 struct counters *counters, void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			visit(counters, path, entry->d_name, arg);
	if (dir)
		closedir(dir);
}

static size_t read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n = 0;

	if (file) {
		n = fread(text, 1, size - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return n;
}

static void thread(struct counters *counters, const char *path, const char *name, void *process)
{
	unsigned long long ran, waited, turns;
	char file[512], text[256];

	snprintf(file, sizeof(file), "%.400s/%.60s/schedstat", path, name);
	read_file(file, text, sizeof(text));
	if (sscanf(text, "%llu %llu %llu", &ran, &waited, &turns) != 3)
		return;
	add(counters, "cpu", process, ran);
	add(counters, "turns", process, turns);
}

/* A process is known by its program: kernel threads of one kind ("vhost-123", "kworker/0:1") are one, too. */
static bool program(const char *path, const char *name, char comm[32])
{
	char file[512];

	if (!isdigit(name[0]))
		return false;
	snprintf(file, sizeof(file), "%.400s/%.60s/comm", path, name);
	if (!read_file(file, comm, 32))
		return false;
	comm[strcspn(comm, "\n/0123456789")] = '\0';
	return true;
}

static void process(struct counters *counters, const char *path, const char *name, void *arg)
{
	char file[512], comm[32];

	(void)arg;
	if (!program(path, name, comm))
		return;
	snprintf(file, sizeof(file), "%.400s/%.60s/task", path, name);
	each(file, thread, counters, comm);
}

static void statistic(struct counters *counters, const char *path, const char *name, void *arg)
{
	char file[512], text[64];

	(void)arg;
	snprintf(file, sizeof(file), "%.400s/%.60s", path, name);
	if (read_file(file, text, sizeof(text)) && (isdigit(text[0]) || text[0] == '-'))
		add(counters, "kvm", name, atoll(text));
}

static void vm(struct counters *counters, const char *path, const char *name, void *arg)
{
	char file[512];

	(void)arg;
	snprintf(file, sizeof(file), "%.400s/%.60s", path, name);
	each(file, statistic, counters, NULL);
}

void counters_read(struct counters *counters)
{
	char text[8192], *at;
	unsigned long long value;

	counters->nr = 0;
	each("/proc", process, counters, NULL);
	each("/sys/kernel/debug/kvm", vm, counters, NULL);
	read_file("/proc/stat", text, sizeof(text));
	at = strstr(text, "\nctxt ");
	if (at && sscanf(at, "\nctxt %llu", &value) == 1)
		add(counters, "", "context_switches", value);
	if (sscanf(text, "cpu %*u %*u %*u %llu", &value) == 1)
		add(counters, "", "idle_ticks", value);
}

void counters_print(const struct counters *before, const struct counters *after)
{
	const char *comma = "";

	for (unsigned int i = 0; i < after->nr; i++) {
		int64_t value = after->list[i].value;

		for (unsigned int k = 0; k < before->nr; k++)
			if (!strcmp(before->list[k].name, after->list[i].name))
				value -= before->list[k].value;
		if (!value)
			continue;
		printf("%s\"%s\": %lld", comma, after->list[i].name, (long long)value);
		comma = ", ";
	}
}

/* The number behind a label of a file like /proc/meminfo; 0 if it has none. */
static int64_t labelled(const char *text, const char *label)
{
	const char *at = strstr(text, label);

	return at ? atoll(at + strlen(label)) : 0;
}

static void occupied(struct counters *counters, const char *path, const char *name, void *arg)
{
	char file[512], comm[32], text[8192];

	(void)arg;
	if (!program(path, name, comm))
		return;
	snprintf(file, sizeof(file), "%.400s/%.60s/smaps_rollup", path, name);
	if (!read_file(file, text, sizeof(text)))
		return;
	add(counters, "own", comm, labelled(text, "\nPss_Anon:"));
	add(counters, "shared", comm, labelled(text, "\nPss_File:") + labelled(text, "\nPss_Shmem:"));
	snprintf(file, sizeof(file), "%.400s/%.60s/status", path, name);
	read_file(file, text, sizeof(text));
	add(counters, "page_tables", comm, labelled(text, "\nVmPTE:"));
}

int64_t counters_own(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int64_t counters_available(void)
{
	char text[8192];

	read_file("/proc/meminfo", text, sizeof(text));
	return labelled(text, "\nMemAvailable:");
}

void counters_print_memory(void)
{
	static const char *const parts[] = { "Slab:", "KernelStack:", "PageTables:", "SecPageTables:", "Percpu:" };
	static struct counters counters, none;
	char text[8192];

	counters.nr = 0;
	each("/proc", occupied, &counters, NULL);
	read_file("/proc/meminfo", text, sizeof(text));
	for (unsigned int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char label[32];

		snprintf(label, sizeof(label), "\n%s", parts[i]);
		add(&counters, "kernel", parts[i], labelled(text, label));
	}
	counters_print(&none, &counters);
}
