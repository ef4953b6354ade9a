// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "container.h"
#include "log.h"
#include "op_core.h"
#include "op_memory.h"
#include "s3.h"
#include "s3_cleanup.h"
#include "worker_core.h"

#define CLEANUPS_MAX	64	/* per worker at a time */
#define CLEANUP_MS	60000

/* An operation without a guest. */
struct cleanup {
	struct worker_client client;
	struct loop_timer timer;
	struct s3_call call;
	Nexus__V1__ObjectName object;
	struct op_core core;	/* last: it is large, and only its beginning is cleared */
};

static void cleanup_free(struct cleanup *cleanup)
{
	struct worker *worker = cleanup->core.op.worker;

	loop_timer_stop(worker->loop, &cleanup->timer);
	worker_remove(&cleanup->client);
	worker->core->cleanups--;
	op_memory_reset(&cleanup->core);
	free(cleanup);
}

static void cleanup_ended(struct http *http, int status)
{
	struct cleanup *cleanup = container_of(http, struct cleanup, call.http);

	if (status < 0)
		log_warning("an upload of s3://%s/%s is left unfinished: %s", cleanup->object.bucket, cleanup->object.key,
			    http->op->response.error->message);
	cleanup_free(cleanup);
}

static int cleanup_complete(struct http *http, const char *body, size_t len)
{
	/* Gone is gone. */
	if (!s3_status(http->status) || http->status == 404)
		return 0;
	return s3_error(container_of(http, struct s3_call, http), body, len);
}

static const struct http_type cleanup_http_type = {
	.request = s3_request,
	.response = s3_response,
	.complete = cleanup_complete,
	.ended = cleanup_ended,
};

static void cleanup_drop(struct cleanup *cleanup)
{
	http_abort(&cleanup->call.http);
	cleanup_free(cleanup);
}

static void cleanup_expired(struct loop_timer *timer)
{
	cleanup_drop(container_of(timer, struct cleanup, timer));
}

static void cleanup_abandon(struct worker_client *client)
{
	cleanup_drop(container_of(client, struct cleanup, client));
}

static int cleanup_start(struct cleanup *cleanup, const char *bucket, const char *key, const char *upload_id)
{
	struct op *op = &cleanup->core.op;
	int ret;

	nexus__v1__object_name__init(&cleanup->object);
	cleanup->object.bucket = op_strdup(op, bucket);
	cleanup->object.key = op_strdup(op, key);
	ret = s3_call_init(op, "DELETE", &cleanup->object);
	if (!ret)
		ret = s3_call_upload(&cleanup->call, op_strdup(op, upload_id), 0);
	cleanup->call.http.type = &cleanup_http_type;
	return ret ? ret : s3_call_start(&cleanup->call);
}

void s3_cleanup(const struct op *op, const char *bucket, const char *key, const char *upload_id)
{
	struct worker *worker = op->worker;
	struct cleanup *cleanup;

	if (worker->core->cleanups >= CLEANUPS_MAX)
		return;
	cleanup = malloc(sizeof(*cleanup));
	if (!cleanup)
		return;
	memset(cleanup, 0, offsetof(struct cleanup, core) + offsetof(struct op_core, memory));
	cleanup->core.op = (struct op){
		.worker = worker,
		.tenant = op->tenant,
		.response = NEXUS__V1__RESPONSE__INIT,
		.state = &cleanup->call,
		.core = &cleanup->core,
	};
	/* What op_time_left_ms() looks at. */
	cleanup->core.timer.deadline_ms = loop_now_ms(worker->loop) + CLEANUP_MS;
	cleanup->timer.expired = cleanup_expired;
	cleanup->client.abandon = cleanup_abandon;
	loop_timer_start(worker->loop, &cleanup->timer, CLEANUP_MS);
	worker_add(worker, &cleanup->client);
	worker->core->cleanups++;
	if (cleanup_start(cleanup, bucket, key, upload_id))
		cleanup_free(cleanup);
}
