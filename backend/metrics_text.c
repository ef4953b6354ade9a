// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names and units as Prometheus' conventions have them. Tenants and functions are
 * labels, VMs are not: they come and go, and nexusctl vm list tells of each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "breaker.h"
#include "cleanup.h"
#include "config.h"
#include "function.h"
#include "grpc_ingress.h"
#include "journal.h"
#include "metrics.h"
#include "microvm.h"
#include "nexus_hypercall.h"
#include "transport_unix.h"
#include "version.h"
#include "vmstats.h"
#include "worker.h"
#include "workers.h"

static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP nexus_%s %s\n# TYPE nexus_%s %s\n", name, help, name, type);
}

static void gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
	family(out, name, "gauge", help);
	fprintf(out, "nexus_%s %" PRIu64 "\n", name, value);
}

static void counter(FILE *out, const char *name, const char *help, uint64_t value)
{
	char full[64];

	snprintf(full, sizeof(full), "%s_total", name);
	family(out, full, "counter", help);
	fprintf(out, "nexus_%s %" PRIu64 "\n", full, value);
}

static void write_workers(FILE *out)
{
	uint64_t sum;

	for (size_t field = 0; field < NR_COUNTERS; field++) {
		sum = 0;
		for (uint32_t i = 0; i < workers_count(); i++)
			sum += counter_read(&workers_get(i)->counters, field);
		counter(out, counter_fields[field].name, counter_fields[field].help, sum);
	}
	gauge(out, "workers", "threads that serve guests", workers_count());
	gauge(out, "unix_connections", "connections to unix sockets", unix_connections());
}

static void write_journal(FILE *out)
{
#define STAT(name) __atomic_load_n(&journal_stats.name, __ATOMIC_RELAXED)
	gauge(out, "journal_records", "acknowledged writes that are not in the store", STAT(records));
	gauge(out, "journal_bytes", "disk that the journal takes", STAT(bytes));
	gauge(out, "journal_orphaned_records", "records of tenants that are not configured", STAT(orphaned));
	gauge(out, "journal_refused_records", "records that the store refused for good", STAT(refused));
	counter(out, "journal_retries", "uploads from the journal that failed, and are tried again", STAT(retries));
	counter(out, "journal_damaged_records", "records that the disk has lost", STAT(damaged));
#undef STAT
}

static void write_grpc_ingress(FILE *out)
{
	gauge(out, "grpc_caller_connections", "connections of gRPC callers", grpc_ingress_counted(GRPC_INGRESS_CONNECTIONS));
	counter(out, "grpc_caller_calls", "calls of gRPC callers", grpc_ingress_counted(GRPC_INGRESS_CALLS));
	counter(out, "grpc_caller_failures", "those among them that ended with another status than OK",
		grpc_ingress_counted(GRPC_INGRESS_FAILED));
	counter(out, "grpc_caller_unauthenticated", "those that nobody knew the caller of",
		grpc_ingress_counted(GRPC_INGRESS_UNAUTHENTICATED));
}

static void breaker_count(const struct breaker *breaker, void *arg)
{
	*(uint64_t *)arg += breaker->state != BREAKER_CLOSED;
}

/* Without the module there are no VMs, and no numbers of them. */
static void write_vms(FILE *out)
{
	auto_free struct vmstats *vms = NULL;
	int count = vmstats_dump(&vms);
	uint64_t pages = 0;

	if (count < 0)
		return;
	for (int i = 0; i < count; i++)
		pages += vms[i].pinned_pages;
	gauge(out, "vms", "VMs that the module holds", count);
	gauge(out, "pinned_bytes", "memory of VMs that is pinned", pages * NEXUS_PAGE_SIZE);
}

/* ---- functions ---- */

static const struct {
	const char *name, *type, *help;
	size_t offset;	/* of a uint64_t or, for a gauge, a uint32_t in struct function_counts */
} function_fields[] = {
#define TOTAL(name, help) { #name "_total", "counter", help, offsetof(struct function_counts, totals.name) }
#define NOW(name, field, help) { name, "gauge", help, offsetof(struct function_counts, field) }
	TOTAL(invocations, "invocations that callers asked for"),
	TOTAL(errors, "those that the function failed"),
	TOTAL(timeouts, "those that passed their deadline"),
	TOTAL(throttles, "those refused for the function's concurrency"),
	TOTAL(no_instance, "those that no instance took in time"),
	TOTAL(retries, "asynchronous events tried again"),
	TOTAL(given_up, "asynchronous events given up: they failed too often, or were too old"),
	NOW("running", running, "invocations that an instance has taken"),
	NOW("waiting", queued, "invocations that wait for an instance"),
	NOW("idle_instances", idle, "instances that wait for an event"),
	NOW("events", events, "asynchronous events that were accepted and have not ended"),
#undef TOTAL
#undef NOW
};

static uint64_t function_value(const struct function_counts *counts, size_t field)
{
	const char *at = (const char *)counts + function_fields[field].offset;

	return function_fields[field].type[0] == 'c' ? *(const uint64_t *)at : *(const uint32_t *)at;
}

static void write_starts(FILE *out)
{
	struct microvm_starts starts;

	microvm_starts(&starts);
	gauge(out, "vmms_starting", "VMMs that start now; max_starts limits them", starts.starting);
	gauge(out, "vmm_starts_waiting", "microVMs that wait for their turn to start", starts.waiting);
	counter(out, "vmm_starts", "VMMs that were started", starts.total);
}

/* Those that wait in the pool, or the others. */
static uint32_t function_microvms(const struct function_config *function, bool pooled)
{
	uint32_t count = 0;

	for (const struct microvm *i = microvm_first(); i; i = i->next)
		count += i->function == function && i->pooled == pooled;
	return count;
}

/* Samples of a family must stand together: one pass over the functions for each. */
static void write_functions(FILE *out, const struct config *config)
{
	struct function_counts counts;
	struct function *function;
	char name[64];

	for (size_t field = 0; field < sizeof(function_fields) / sizeof(function_fields[0]); field++) {
		snprintf(name, sizeof(name), "function_%s", function_fields[field].name);
		family(out, name, function_fields[field].type, function_fields[field].help);
		for (const struct function_config *f = config->functions; f; f = f->next) {
			function = function_find(f->name);
			if (!function)
				continue;
			function_count_all(function, &counts);
			fprintf(out, "nexus_%s{function=\"%s\",tenant=\"%s\"} %" PRIu64 "\n", name, f->name,
				f->tenant->name, function_value(&counts, field));
		}
	}
	family(out, "function_microvms", "gauge", "microVMs that the daemon runs");
	for (const struct function_config *f = config->functions; f; f = f->next)
		fprintf(out, "nexus_function_microvms{function=\"%s\",tenant=\"%s\"} %u\n", f->name, f->tenant->name,
			function_microvms(f, false));
	family(out, "function_started_vmms", "gauge", "VMMs that wait for the next microVM");
	for (const struct function_config *f = config->functions; f; f = f->next)
		fprintf(out, "nexus_function_started_vmms{function=\"%s\",tenant=\"%s\"} %u\n", f->name, f->tenant->name,
			function_microvms(f, true));
}

char *metrics_text(const struct config *config)
{
	char *text = NULL;
	uint64_t open = 0;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	family(out, "build_info", "gauge", "always 1");
	fprintf(out, "nexus_build_info{version=\"%s\",abi=\"%s\"} 1\n", NEXUS_VERSION, NEXUS_ABI_TEXT);
	write_workers(out);
	write_journal(out);
	write_grpc_ingress(out);
	breaker_each(breaker_count, &open);
	gauge(out, "breakers_open", "endpoints of tenants that are not asked for now: they failed too often", open);
	write_vms(out);
	write_starts(out);
	write_functions(out, config);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
