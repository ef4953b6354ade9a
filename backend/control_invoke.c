// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cleanup.h"
#include "config.h"
#include "control_invoke.h"
#include "event.h"
#include "function.h"

/* An invocation that has not ended. The main thread's. */
struct control_invoke {
	struct control_invoke *next;
	struct control_call *call;
	struct invocation *inv;
	int fd;			/* the answer goes there */
};

static struct control_invoke *invokes;

static void invoke_free(struct control_invoke *invoke)
{
	struct control_invoke **p = &invokes;

	while (*p != invoke)
		p = &(*p)->next;
	*p = invoke->next;
	close(invoke->fd);
	invocation_put(invoke->inv);
	free(invoke);
}

/* ---- the answer ---- */

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= n;
		}
	}
	return 0;
}

static void invoke_answer(struct control_invoke *invoke)
{
	const struct invocation *inv = invoke->inv;
	const struct answer *answer = &inv->answer;
	char tail[INVOCATION_LOG_TAIL];
	size_t log = inv->log_wanted ? invocation_log_tail(inv, tail) : 0;
	int ret = write_all(invoke->fd, answer->data, answer->len);

	if (!ret)
		ret = write_all(invoke->fd, tail, log);
	if (ret)
		control_fail(invoke->call, "the answer to request %s cannot be stored: %s", inv->id, strerror(-ret));
	else
		control_reply(invoke->call, json_pack("{s:s, s:b, s:I, s:I}", "request_id", inv->id, "error",
						      answer->end == INVOCATION_FUNCTION_ERROR,
						      "answer_bytes", (json_int_t)answer->len,
						      "log_bytes", (json_int_t)log));
}

/* It has ended: nobody else changes the answer. */
static void invoke_ended(void *arg)
{
	struct control_invoke *invoke = arg;
	const struct function_config *config = invoke->inv->function->config;
	enum invocation_end end;

	pthread_mutex_lock(&invoke->inv->lock);
	end = invoke->inv->answer.end;
	pthread_mutex_unlock(&invoke->inv->lock);
	if (end == INVOCATION_NO_INSTANCE)
		control_fail(invoke->call, "no instance of function %s took the event within %u ms (start_timeout)",
			     config->name, config->start_timeout_ms);
	else if (end == INVOCATION_STOPPED)
		control_fail(invoke->call, "the daemon stops");
	else
		invoke_answer(invoke);
	invoke_free(invoke);
}

/* Lock held; any thread. */
static void invoke_news(struct invocation *inv)
{
	if (inv->answer.end && loop_post(inv->function->loop, invoke_ended, inv->caller))
		abort();	/* a few bytes; the caller would wait for ever */
}

/* ---- the call ---- */

/* The file's content becomes the event; {} if it is empty. 0 or -errno. */
static int invoke_payload(struct invocation *inv, int fd, size_t limit)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > limit)
		return -EMSGSIZE;
	inv->event = malloc(st.st_size + 3);
	if (!inv->event)
		return -ENOMEM;
	while (inv->event_len < (size_t)st.st_size) {
		n = pread(fd, inv->event + inv->event_len, st.st_size - inv->event_len, inv->event_len);
		if (n <= 0)
			return n ? -errno : -EIO;
		inv->event_len += n;
	}
	if (!inv->event_len) {
		strcpy(inv->event, "{}");
		inv->event_len = 2;
	}
	inv->content_type = strdup("application/json");
	return 0;
}

/* Takes the invocation over. */
static void invoke_event(struct control_call *call, struct invocation *inv)
{
	char id[INVOCATION_ID_SIZE];

	strcpy(id, inv->id);
	if (!event_submit(inv)) {
		control_reply(call, json_pack("{s:s, s:b, s:i, s:i}", "request_id", id, "error", 0, "answer_bytes", 0,
					      "log_bytes", 0));
		return;
	}
	control_fail(call, "function %s has as many asynchronous events as it may (max_events = %u)",
		     inv->function->config->name, inv->function->config->max_events);
	invocation_put(inv);
}

/* Takes the invocation and the descriptor over. */
static void invoke_wait(struct control_call *call, struct invocation *inv, int fd)
{
	struct control_invoke *invoke = calloc(1, sizeof(*invoke));
	int ret;

	if (!invoke) {
		control_fail(call, "%s", strerror(ENOMEM));
		invocation_put(inv);
		close(fd);
		return;
	}
	*invoke = (struct control_invoke){ .next = invokes, .call = call, .inv = invocation_get(inv), .fd = fd };
	invokes = invoke;
	inv->news = invoke_news;
	inv->caller = invoke;
	hints_from_event(&inv->hints, inv->event, inv->event_len, inv->function->config->prefetch);
	ret = function_submit(inv, false);
	if (!ret)
		return;
	if (ret == -EBUSY)
		control_fail(call, "function %s has as many invocations as it may (concurrency = %u)",
			     inv->function->config->name, inv->function->config->concurrency);
	else if (ret == -EDQUOT)
		control_fail(call, "as many invocations of all functions are under way as may be: see max_invocations in [backend]");
	else
		control_fail(call, "the daemon stops");
	invocation_put(inv);
	invoke_free(invoke);
}

void verb_function_invoke(struct control_call *call, const json_t *arguments)
{
	const char *name = json_string_value(json_object_get(arguments, "function"));
	bool async = json_is_true(json_object_get(arguments, "async"));
	struct function *function = name ? function_find(name) : NULL;
	auto_close int payload = control_take_fd(call), answer = control_take_fd(call);
	struct invocation *inv = function && answer >= 0 ? invocation_new(function) : NULL;
	size_t limit = async ? INVOCATION_EVENT_MAX : INVOCATION_PAYLOAD_MAX;
	int ret = inv ? invoke_payload(inv, payload, limit) : 0;

	if (!function) {
		control_fail(call, "no function %.64s is configured: see nexusctl function list", name ? name : "(none)");
	} else if (answer < 0) {
		control_fail(call, "function-invoke wants two files: the payload, and one for the answer");
	} else if (!inv || ret) {
		control_fail(call, "the payload: %s", !inv ? strerror(ENOMEM) : ret == -EMSGSIZE ? async ?
			     "an asynchronous one has at most 1 MiB" : "it has at most 6 MiB" : strerror(-ret));
		if (inv)
			invocation_put(inv);
	} else if (async) {
		invoke_event(call, inv);
	} else {
		inv->log_wanted = json_is_true(json_object_get(arguments, "log"));
		invoke_wait(call, inv, take_fd(&answer));
	}
}

void control_invoke_stop(void)
{
	while (invokes)
		invoke_free(invokes);
}
