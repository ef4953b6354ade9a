// SPDX-License-Identifier: GPL-2.0-only
/* Fair shares and quotas: the order in which operations start, and the bytes that move, with a real loop. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include "../tap.h"
#include "container.h"
#include "gate.h"
#include "op_core.h"
#include "op_memory.h"
#include "store_harness.h"
#include "store_server.h"
#include "tenant.h"

#define TENANTS	3
#define OPS	3000
#define NS_PER_S 1000000000ULL

static struct harness harness;
static struct rules rules[TENANTS];
static struct usage usage[TENANTS];
static struct tenant tenants[TENANTS] = {
	{ .name = "a", .rules = &rules[0], .usage = &usage[0] },
	{ .name = "b", .rules = &rules[1], .usage = &usage[1] },
	{ .name = "c", .rules = &rules[2], .usage = &usage[2] },
};

static const struct op_type type = { .name = "test" };
static struct op_core *cores;
static unsigned int nr_cores;
static unsigned int started[TENANTS], running[TENANTS], running_most[TENANTS];
static unsigned int before_b;		/* of a's, when b's first one started */
static unsigned int at_900[TENANTS];	/* when b's 900th started */
static bool keep;			/* started operations do not end by themselves */
static char last_error[256];

/* op_error() of the harness wants a call. */
static struct call errors = { .finished = true };

static unsigned int tenant_of(const struct op *op)
{
	return op->tenant - tenants;
}

static void end(void *arg)
{
	struct op *op = arg;

	running[tenant_of(op)]--;
	share_gate.leave(op);
}

static void start(struct op *op)
{
	unsigned int t = tenant_of(op);

	started[t]++;
	if (++running[t] > running_most[t])
		running_most[t] = running[t];
	if (t == 1 && started[1] == 1)
		before_b = started[0];
	if (t == 1 && started[1] == 900)
		memcpy(at_900, started, sizeof(started));
	if (!keep)
		loop_post(harness.worker.loop, end, op);
}

void gate_open(struct op *op)
{
	start(op);
}

static void begin(unsigned int weight_a, unsigned int weight_b, unsigned int weight_c)
{
	/* No debts of the test before. */
	share_free(harness.worker.share);
	harness.worker.share = share_new(&harness.worker);
	nr_cores = 0;
	memset(started, 0, sizeof(started));
	memset(running, 0, sizeof(running));
	memset(running_most, 0, sizeof(running_most));
	memset(usage, 0, sizeof(usage));
	keep = false;
	rules[0] = (struct rules){ .weight = weight_a };
	rules[1] = (struct rules){ .weight = weight_b };
	rules[2] = (struct rules){ .weight = weight_c };
}

/* What the gate said. */
static int submit(unsigned int t, unsigned int timeout_ms)
{
	struct op_core *core = &cores[nr_cores++];
	int ret;

	memset(core, 0, offsetof(struct op_core, memory));
	core->op.type = &type;
	core->op.worker = &harness.worker;
	core->op.tenant = &tenants[t];
	core->op.core = core;
	core->timeout_ms = timeout_ms;
	if (timeout_ms < 1000) {	/* it may be refused */
		call_free(&errors);
		errors.finished = true;
		errors.op.type = &type;
		errors.op.worker = &harness.worker;
		errors.op.tenant = &tenants[t];
		errors.op.core = core;
		ret = share_gate.enter(&errors.op);
		snprintf(last_error, sizeof(last_error), "%s: %s", call_code(&errors), call_message(&errors));
		errors.op.response.error = NULL;
		op_memory_reset(core);
		return ret;
	}
	ret = share_gate.enter(&core->op);
	if (!ret)
		start(&core->op);
	return ret;
}

static bool run_until(unsigned int *count, unsigned int want, unsigned int limit_ms)
{
	for (unsigned int ms = 0; __atomic_load_n(count, __ATOMIC_RELAXED) < want && ms < limit_ms; ms++)
		harness_run_ms(&harness, 1);
	return *count >= want;
}

static bool share_is(unsigned long long got, unsigned long long all, unsigned int part)
{
	double percent = 100.0 * got / all;

	printf("#   %.1f %% of %llu, want %u %%\n", percent, all, part);
	return percent > part * 0.9 && percent < part * 1.1;
}

/* ---- starts ---- */

static void test_backlog(void)
{
	begin(100, 100, 100);
	for (int i = 0; i < OPS - 1; i++)
		submit(0, 60000);
	submit(1, 60000);
	tap_ok(run_until(&started[1], 1, 1000) && before_b <= SHARE_ALONE * SHARE_QUANTUM / SHARE_START,
	       "an operation starts after %u of the %u that another tenant submitted before", before_b, OPS - 1);
	tap_ok(run_until(&started[0], OPS - 1, 5000), "which all start in the end");
	harness_run_ms(&harness, 2);
	tap_is(usage[0].operations + usage[1].operations, 0, "and end");
}

/* How many of 100 start in their tenant's first turn; a turn's credit is for operations that have nothing else. */
static unsigned int first_turn(void)
{
	unsigned int at_once;

	started[0] = 0;
	for (int i = 0; i < 100; i++)
		submit(0, 60000);
	at_once = started[0];
	run_until(&started[0], 100, 5000);
	harness_run_ms(&harness, 2);
	return at_once;
}

static void test_visitor(void)
{
	begin(100, 100, 100);
	tap_is(first_turn(), SHARE_ALONE * SHARE_QUANTUM / SHARE_START, "the only tenant has long turns");
	submit(0, 60000);
	submit(1, 60000);
	tap_ok(run_until(&started[1], 1, 5000), "another one comes");
	harness_run_ms(&harness, 2);
	tap_is(first_turn(), SHARE_QUANTUM / SHARE_START, "and goes: it shall not find a long one when it comes back");
}

static void test_weights(void)
{
	unsigned int all;

	begin(100, 300, 200);
	for (int i = 0; i < OPS / 3; i++) {
		for (unsigned int t = 0; t < TENANTS; t++)
			submit(t, 60000);
	}
	tap_ok(run_until(&started[1], 900, 5000), "three tenants with a backlog");
	all = at_900[0] + at_900[1] + at_900[2];	/* all have one still */
	tap_ok(share_is(at_900[0], all, 17), "of weights 100, 300, 200 the first starts a sixth");
	tap_ok(share_is(at_900[1], all, 50), "the second half");
	tap_ok(share_is(at_900[2], all, 33), "the third a third");
	for (unsigned int t = 0; t < TENANTS; t++)
		run_until(&started[t], OPS / 3, 5000);
	harness_run_ms(&harness, 2);
}

/* ---- bytes ---- */

struct mover {
	struct share_turn turn;
	struct op op;
	uint32_t chunk;			/* moved at a time, at most */
	uint64_t moved;
	bool stop, posted;
};

static uint64_t moved_all;

static void mover_post(struct mover *mover);

static void mover_run(void *arg)
{
	struct mover *mover = arg;
	uint32_t limit, moved = 0;

	mover->posted = false;
	if (mover->stop)
		return;
	limit = share_take(&mover->turn);
	if (!limit)
		return;
	while (moved < limit && moved < 1 << 20)
		moved += mover->chunk;
	share_moved(&mover->turn, moved);
	mover->moved += moved;
	moved_all += moved;
	mover_post(mover);
}

static void mover_post(struct mover *mover)
{
	mover->posted = true;
	loop_post(harness.worker.loop, mover_run, mover);
}

static void mover_resume(struct share_turn *turn)
{
	mover_run(container_of(turn, struct mover, turn));
}

static void test_bytes(void)
{
	/* Many of the first tenant's, one of the others'; the last moves little at a time. */
	static struct mover movers[20];
	uint64_t sum[TENANTS] = { 0 };

	begin(100, 300, 100);
	moved_all = 0;
	for (int i = 0; i < 20; i++) {
		unsigned int t = i < 18 ? 0 : i - 17;

		movers[i] = (struct mover){ .chunk = t == 2 ? 1000 : 500000 };
		movers[i].op = (struct op){ .worker = &harness.worker, .tenant = &tenants[t] };
		movers[i].turn = (struct share_turn){ .op = &movers[i].op, .resume = mover_resume };
		mover_post(&movers[i]);
	}
	while (moved_all < 2ULL << 30)
		harness_run_ms(&harness, 1);
	for (int i = 0; i < 20; i++) {
		sum[i < 18 ? 0 : i - 17] += movers[i].moved;
		movers[i].stop = true;
		share_leave(&movers[i].turn);
	}
	tap_ok(share_is(sum[0], moved_all, 20), "18 exchanges of weight 100 move a fifth");
	tap_ok(share_is(sum[1], moved_all, 60), "one of weight 300 three fifths");
	tap_ok(share_is(sum[2], moved_all, 20), "one of weight 100 a fifth, in small pieces");
	for (int i = 0; i < 20; i++) {
		while (movers[i].posted)
			harness_run_ms(&harness, 1);
	}
}

/* ---- quotas ---- */

static void test_rate(void)
{
	struct rate_limit limit = { .per_second = 100, .burst = 5 };
	uint64_t now = 7 * NS_PER_S;
	struct rate rate = { 0 };
	int taken = 0;

	while (rate_take(&rate, &limit, now, 1))
		taken++;
	tap_is(taken, 5, "a full bucket holds its burst");
	tap_is(rate_wait_ns(&rate, &limit, now, 1), NS_PER_S / 100, "the next token comes at the rate");
	tap_is(rate_wait_ns(&rate, &limit, now, 3), 3 * NS_PER_S / 100, "three come after three times as long");
	tap_ok(rate_wait_ns(&rate, &limit, now, 6) == RATE_NEVER, "more than the burst never come at once");
	now += NS_PER_S / 100;
	tap_ok(rate_take(&rate, &limit, now, 1) && !rate_take(&rate, &limit, now, 1), "it is one token");
	now += 10 * NS_PER_S;
	for (taken = 0; rate_take(&rate, &limit, now, 1); taken++)
		;
	tap_is(taken, 5, "no more than the burst gathers");
	rate_charge(&rate, &limit, now, 100);
	tap_is(rate_wait_ns(&rate, &limit, now, 1), 101 * NS_PER_S / 100, "a debt is waited for");
	limit = (struct rate_limit){ .per_second = 10 };
	rate = (struct rate){ 0 };
	for (taken = 0; rate_take(&rate, &limit, now, 1); taken++)
		;
	tap_is(taken, 10, "without a burst of its own it is a second's");
	limit.per_second = 0;
	tap_ok(rate_take(&rate, &limit, now, 1 << 30) && !rate_wait_ns(&rate, &limit, now, 1), "0 is no limit");
}

static struct rate both;
static struct rate_limit both_limit = { .per_second = 1, .burst = 100000 };

static void *take_all(void *arg)
{
	unsigned long *taken = arg;

	while (rate_take(&both, &both_limit, NS_PER_S, 1))
		(*taken)++;
	return NULL;
}

static void test_rate_threads(void)
{
	unsigned long taken[2] = { 0 };
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, take_all, &taken[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	tap_is(taken[0] + taken[1], 100000, "two threads take every token once");
}

static uint64_t clock_read(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void test_requests_per_second(void)
{
	uint64_t begin_ns, cpu_ns;

	begin(100, 100, 100);
	rules[0].requests = (struct rate_limit){ .per_second = 100, .burst = 10 };
	for (int i = 0; i < 60; i++)
		submit(0, 60000);
	tap_is(started[0], 10, "of 60 operations the burst of 10 starts at once");
	begin_ns = clock_read(CLOCK_MONOTONIC);
	cpu_ns = clock_read(CLOCK_THREAD_CPUTIME_ID);
	tap_ok(run_until(&started[0], 60, 20000), "the others start");
	tap_ok(clock_read(CLOCK_MONOTONIC) - begin_ns > NS_PER_S * 49 / 100, "at 100 a second");
	tap_ok(clock_read(CLOCK_THREAD_CPUTIME_ID) - cpu_ns < (clock_read(CLOCK_MONOTONIC) - begin_ns) / 2,
	       "without turning in circles");
	harness_run_ms(&harness, 2);
	for (int i = 0; i < 20; i++)
		submit(0, 60000);
	tap_is(submit(0, 50), -EBUSY, "one that would wait longer than it has time is refused");
	tap_ok(!strncmp(last_error, "NexusLimitExceeded: ", 20), "with NexusLimitExceeded");
	printf("#   %s\n", last_error);
	run_until(&started[0], 80, 20000);
	harness_run_ms(&harness, 2);
}

static void test_max_operations(void)
{
	unsigned int ended = 0;

	begin(100, 100, 100);
	keep = true;
	rules[0].max_operations = 7;
	for (int i = 0; i < 50; i++)
		submit(0, 60000);
	submit(1, 60000);
	harness_run_ms(&harness, 20);
	tap_is(started[0], 7, "max_operations start");
	tap_is(started[1], 1, "another tenant is not concerned");
	end(&cores[50].op);
	share_gate.leave(&cores[30].op);	/* cancelled while it waits */
	for (; ended < 50; ended++) {
		if (ended == 30)
			continue;
		while (started[0] <= ended - (ended > 30))
			harness_run_ms(&harness, 1);
		end(&cores[ended].op);
	}
	tap_is(started[0], 49, "all but one that was cancelled start as others end");
	tap_is(running_most[0], 7, "and never more at a time");
	tap_is(usage[0].operations, 0, "nothing is left");
	usage[0].operations = 7;	/* another worker's */
	submit(0, 60000);
	harness_run_ms(&harness, 10);
	tap_is(started[0], 49, "other workers' count as well");
	__atomic_store_n(&usage[0].operations, 6, __ATOMIC_RELAXED);
	tap_ok(run_until(&started[0], 50, 1000), "and their end is noticed");
	end(&cores[nr_cores - 1].op);
}

/* ---- a transfer ---- */

#define BODY	1500000

static struct server server;
static char body[BODY];

static void serve_body(struct server *s, int fd)
{
	char head[80];

	while (!server_read_head(s, fd)) {
		snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
		server_puts(fd, head);
		server_write(fd, body, BODY);
	}
}

static void serve(struct server *s)
{
	server_accept_each(s, serve_body);
}

static void test_bytes_per_second(void)
{
	static struct rules limited;
	static struct call call;
	uint64_t begin_ns, cpu_ns, took_ns;

	server_start(&server, serve, NULL);
	harness_close(&harness);
	harness_open(&harness, server.port);
	limited = *harness.tenant.rules;
	limited.bytes = (struct rate_limit){ .per_second = 1000000, .burst = 65536 };
	harness.tenant.rules = &limited;
	harness.endpoint.stall_timeout_ms = 300;	/* a pause of ours is none of the store's */
	begin_ns = clock_read(CLOCK_MONOTONIC);
	cpu_ns = clock_read(CLOCK_THREAD_CPUTIME_ID);
	call.window_size = 20000;
	call_start(&harness, &call, &s3_get_type, request_get("data", "key", ""));
	harness_run(&harness, &call, 20000);
	took_ns = clock_read(CLOCK_MONOTONIC) - begin_ns;
	tap_ok(call.finished && !call.status && call.received_len == BODY && !memcmp(call.received, body, BODY),
	       "a transfer that is slowed down arrives");
	printf("#   %d bytes in %llu ms, %llu ms of them CPU time\n", BODY, (unsigned long long)took_ns / 1000000,
	       (unsigned long long)(clock_read(CLOCK_THREAD_CPUTIME_ID) - cpu_ns) / 1000000);
	tap_ok(took_ns > NS_PER_S * 13 / 10, "at bytes_per_second");
	tap_ok(clock_read(CLOCK_THREAD_CPUTIME_ID) - cpu_ns < took_ns / 4, "without turning in circles");
	call_free(&call);
	call.window_size = 20000;
	call_start(&harness, &call, &s3_get_type, request_get("data", "key", ""));
	harness_run(&harness, &call, 50);
	call_free(&call);
	harness_run_ms(&harness, 100);
	tap_ok(!share_pending(harness.worker.share), "one that is aborted in a pause leaves nothing");
	server_stop(&server);
}

int main(void)
{
	for (size_t i = 0; i < BODY; i++)
		body[i] = (i * 2654435761u) >> 11;
	cores = malloc(OPS * sizeof(*cores));
	harness_open(&harness, 1);
	test_rate();
	test_rate_threads();
	test_backlog();
	test_visitor();
	test_weights();
	test_bytes();
	test_requests_per_second();
	test_max_operations();
	call_free(&errors);
	test_bytes_per_second();
	harness_close(&harness);
	free(cores);
	return tap_done();
}
