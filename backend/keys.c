// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "config.h"
#include "container.h"
#include "credentials.h"
#include "curlio.h"
#include "keys.h"
#include "log.h"
#include "loop.h"
#include "metadata.h"
#include "report.h"
#include "workers.h"

#define FILE_LOOK_MS	2000
#define EARLY_S		300		/* before they expire, keys that live long are refreshed */
#define RETRY_MIN_MS	500
#define RETRY_MAX_MS	60000

/* One tenant's. */
struct keys {
	struct keys *next;
	struct tenant *tenant;
	struct loop_timer timer;	/* the next look */
	struct metadata *asking;
	unsigned int failures;		/* since the last success */
	bool asked;			/* there was an answer, or none came */
	struct stat seen;		/* the file, when it was read last */
};

static struct loop *main_loop;
static struct curlio *io;
static struct keys *all;
static struct loop_timer first_timer;
static bool first;			/* keys_start() waits */

static void credentials_release(void *credentials)
{
	credentials_free(credentials);
}

/* From now on; workers may still use the old ones in this turn of theirs. */
static void keys_set(struct keys *keys, struct credentials *credentials)
{
	const struct credentials *old;

	old = __atomic_exchange_n(&keys->tenant->credentials, credentials, __ATOMIC_ACQ_REL);
	if (old)
		workers_retire((void *)old, credentials_release);
}

/* ---- files ---- */

static bool file_is_seen(const struct keys *keys, const struct stat *st)
{
	return st->st_ino == keys->seen.st_ino && st->st_dev == keys->seen.st_dev && st->st_size == keys->seen.st_size &&
	       st->st_mtim.tv_sec == keys->seen.st_mtim.tv_sec && st->st_mtim.tv_nsec == keys->seen.st_mtim.tv_nsec &&
	       st->st_mode == keys->seen.st_mode;
}

static void file_look(struct keys *keys)
{
	const struct key_source *source = &keys->tenant->key_source;
	struct credentials *credentials;
	struct report report = { 0 };
	struct stat st;

	loop_timer_start(main_loop, &keys->timer, FILE_LOOK_MS);
	if (stat(source->where, &st) || file_is_seen(keys, &st))
		return;
	keys->seen = st;
	if (credentials_read(&credentials, source, &report)) {
		log_warning("tenant %s: the old credentials stay: %s", keys->tenant->name, report.text ? report.text : "");
	} else {
		keys_set(keys, credentials);
		log_info("tenant %s: new credentials from %s", keys->tenant->name, source->where);
	}
	free(report.text);
}

/* ---- metadata services ---- */

static void keys_check_first(void)
{
	for (const struct keys *keys = all; keys; keys = keys->next) {
		if (!keys->asked)
			return;
	}
	if (first)
		loop_stop(main_loop);
}

static uint64_t retry_ms(const struct keys *keys)
{
	uint64_t most = RETRY_MAX_MS;

	if (keys->failures < 8 && (uint64_t)RETRY_MIN_MS << keys->failures < most)
		most = (uint64_t)RETRY_MIN_MS << keys->failures;
	return RETRY_MIN_MS + random() % most;
}

/* Half of the time, or EARLY_S before the end; not all daemons of a site at once. */
static uint64_t refresh_ms(time_t expires)
{
	int64_t life = expires - time(NULL);

	if (life <= 1)
		return RETRY_MIN_MS;
	return life > 2 * EARLY_S ? (life - EARLY_S - random() % 60) * 1000 : life * 500;
}

static void keys_failed(struct keys *keys, const char *error)
{
	const struct credentials *old = keys->tenant->credentials;
	time_t now = time(NULL), end = old ? old->expires : 0;
	uint64_t delay = retry_ms(keys);

	keys->failures++;
	if (end && end <= now) {
		keys_set(keys, NULL);
		log_error("tenant %s: its credentials have expired, and there are no new ones: %s", keys->tenant->name, error);
	} else if (keys->failures == 1) {
		log_warning("tenant %s: no new credentials (it tries again): %s", keys->tenant->name, error);
	}
	if (end > now && delay > (uint64_t)(end - now) * 1000)
		delay = (end - now) * 1000;
	loop_timer_start(main_loop, &keys->timer, delay);
}

static void keys_answered(void *arg, struct credentials *credentials, const char *error)
{
	struct keys *keys = arg;

	keys->asking = NULL;
	keys->asked = true;
	if (credentials && credentials->expires <= time(NULL)) {
		credentials_free(credentials);
		credentials = NULL;
		error = "the credentials of the answer have expired already";
	}
	if (credentials) {
		if (keys->failures || !keys->tenant->credentials)
			log_info("tenant %s: credentials from %s", keys->tenant->name, keys->tenant->key_source.where);
		keys->failures = 0;
		loop_timer_start(main_loop, &keys->timer, refresh_ms(credentials->expires));
		keys_set(keys, credentials);
	} else {
		keys_failed(keys, error);
	}
	keys_check_first();
}

static void keys_ask(struct keys *keys)
{
	keys->asking = metadata_ask(io, &keys->tenant->key_source, keys_answered, keys);
	if (!keys->asking) {
		keys->asked = true;
		keys_failed(keys, "cannot ask: out of memory, or the token's file cannot be read");
	}
}

/* ---- life ---- */

static void keys_look(struct loop_timer *timer)
{
	struct keys *keys = container_of(timer, struct keys, timer);

	switch (keys->tenant->key_source.kind) {
	case KEYS_FILE:
		file_look(keys);
		break;
	case KEYS_IMDS:
	case KEYS_CONTAINER:
		keys_ask(keys);
		break;
	default:
		break;
	}
}

static void keys_begin(struct keys *keys)
{
	struct key_source *source = &keys->tenant->key_source;

	metadata_abort(keys->asking);
	keys->asking = NULL;
	keys->failures = 0;
	keys->asked = source->kind != KEYS_IMDS && source->kind != KEYS_CONTAINER;
	loop_timer_stop(main_loop, &keys->timer);
	if (source->kind == KEYS_FILE) {
		/* Just read, with the configuration. */
		if (stat(source->where, &keys->seen))
			keys->seen = (struct stat){ 0 };
		loop_timer_start(main_loop, &keys->timer, FILE_LOOK_MS);
	} else {
		keys_look(&keys->timer);
	}
}

static void first_expired(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(main_loop);
}

int keys_start(struct loop *loop, struct config *config)
{
	struct keys *keys, **tail = &all;
	int ret = 0;

	main_loop = loop;
	srandom(time(NULL) ^ getpid());
	io = curlio_new(loop, metadata_done);
	if (!io)
		return -ENOMEM;
	first = false;
	for (struct tenant *tenant = config->tenants; tenant; tenant = tenant->next) {
		keys = calloc(1, sizeof(*keys));
		if (!keys)
			return -ENOMEM;
		keys->tenant = tenant;
		keys->timer.expired = keys_look;
		*tail = keys;
		tail = &keys->next;
		keys_begin(keys);
		first |= !keys->asked;
	}
	if (first) {
		first_timer.expired = first_expired;
		loop_timer_start(loop, &first_timer, KEYS_FIRST_MS);
		ret = loop_run(loop);
		loop_timer_stop(loop, &first_timer);
		first = false;
	}
	return ret;
}

void keys_stop(void)
{
	struct keys *keys;

	while ((keys = all)) {
		all = keys->next;
		loop_timer_stop(main_loop, &keys->timer);
		metadata_abort(keys->asking);
		free(keys);
	}
	curlio_free(io);
	io = NULL;
}

void keys_again(struct tenant *tenant)
{
	for (struct keys *keys = all; keys; keys = keys->next) {
		if (keys->tenant == tenant)
			keys_begin(keys);
	}
}
