// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "cleanup.h"
#include "config.h"
#include "function.h"
#include "ingress.h"
#include "log.h"
#include "tcp_listen.h"

#define MAX_CONNECTIONS		256
#define IDLE_S			75	/* a connection without a request */
#define CONNECTION_MEMORY	(64U << 10)	/* for a request's head */
#define BODY_MAX		(64ULL << 20)	/* larger ones are not even read to their end */

static struct {
	const struct config *config;
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;		/* of the list */
	struct request *requests;
	bool stopping;
} ingress = { .lock = PTHREAD_MUTEX_INITIALIZER };

const struct config *ingress_config(void)
{
	return ingress.config;
}

const char *request_header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* ---- answers ---- */

void request_respond(struct request *request, unsigned int status, struct MHD_Response *response)
{
	if (request->response)
		MHD_destroy_response(request->response);
	request->response = response;
	request->status = status;
}

void request_answer(struct request *request, unsigned int status, const char *content_type, const char *text,
		    size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, (void *)text, MHD_RESPMEM_MUST_COPY);

	if (response && *content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	request_respond(request, status, response);
}

void request_answer_header(struct request *request, const char *name, const char *value)
{
	if (request->response)
		MHD_add_response_header(request->response, name, value);
}

/* ---- invocations ---- */

/* inv->lock held. */
static void request_news(struct invocation *inv)
{
	struct request *request = inv->caller;

	if (!request->suspended)
		return;
	request->suspended = false;
	MHD_resume_connection(request->connection);
}

/* inv->lock held. The answer is not there: MHD is to ask again after request_news(). */
static void request_sleep(struct request *request)
{
	request->suspended = true;
	MHD_suspend_connection(request->connection);
}

static char *header_copy(const struct request *request, const char *name)
{
	const char *value = request_header(request, name);

	return value ? strdup(value) : NULL;
}

static enum MHD_Result collect_hints(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	if (value && !strcasecmp(name, "Nexus-Prefetch"))
		hints_from_header(arg, value);
	return MHD_YES;
}

int request_invoke(struct request *request, struct function *function, char *context,
		   enum invocation_streams streams)
{
	struct invocation *inv = invocation_new(function);
	const char *log = request_header(request, "X-Amz-Log-Type");
	int ret;

	if (!inv) {
		free(context);
		return -ENOMEM;
	}
	inv->client_context = context;
	strcpy(inv->id, request->id);
	inv->event = take_ptr(request->body);
	inv->event_len = request->len;
	inv->content_type = header_copy(request, MHD_HTTP_HEADER_CONTENT_TYPE);
	inv->trace_id = header_copy(request, "X-Amzn-Trace-Id");
	inv->streams = streams;
	inv->log_wanted = log && !strcasecmp(log, "Tail");
	inv->news = request_news;
	inv->caller = request;
	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, collect_hints, &inv->hints);
	hints_from_event(&inv->hints, inv->event ? inv->event : "", inv->event_len, function->config->prefetch);
	request->inv = invocation_get(inv);
	ret = function_submit(inv, false);
	if (ret) {
		request->inv = NULL;
		invocation_put(inv);
		invocation_put(inv);
	}
	return ret;
}

ssize_t request_stream(struct request *request, char *data, size_t max)
{
	struct invocation *inv = request->inv;
	struct answer *answer = &inv->answer;
	bool was_full;
	ssize_t n = 0;

	pthread_mutex_lock(&inv->lock);
	was_full = answer->len == INVOCATION_STREAM_ROOM && !answer->end;
	if (answer->len)
		n = invocation_read(inv, data, max);
	else if (answer->end)
		n = answer->broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
	else
		request_sleep(request);
	pthread_mutex_unlock(&inv->lock);
	if (was_full)
		invocation_drained(inv);
	return n;
}

/* Is there an answer now? Else MHD asks again. */
static bool request_is_answered(struct request *request)
{
	struct invocation *inv = request->inv;
	bool answered;

	if (!inv || request->answered)
		return true;
	pthread_mutex_lock(&inv->lock);
	answered = request->route->answer(request);
	if (!answered)
		request_sleep(request);
	pthread_mutex_unlock(&inv->lock);
	return answered;
}

/* ---- requests ---- */

static void *request_new(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct request *request = calloc(1, sizeof(*request));

	(void)arg;
	if (!request)
		return NULL;
	request->connection = connection;
	request->target = strdup(uri);
	invocation_uuid(request->id);
	pthread_mutex_lock(&ingress.lock);
	request->next = ingress.requests;
	request->prev = &ingress.requests;
	if (request->next)
		request->next->prev = &request->next;
	ingress.requests = request;
	pthread_mutex_unlock(&ingress.lock);
	return request;
}

static void request_free(void *arg, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct request *request = *state;

	(void)arg;
	(void)connection;
	(void)why;
	if (!request)
		return;
	pthread_mutex_lock(&ingress.lock);
	*request->prev = request->next;
	if (request->next)
		request->next->prev = request->prev;
	pthread_mutex_unlock(&ingress.lock);
	if (request->inv) {
		invocation_abandon(request->inv);
		invocation_put(request->inv);
	}
	if (request->response)
		MHD_destroy_response(request->response);
	free(request->frames);
	free(request->target);
	free(request->name);
	free(request->body);
	free(request);
	*state = NULL;
}

static char *name_decode(const char *text, size_t len)
{
	char *name = strndup(text, len);

	if (name)
		name[MHD_http_unescape(name)] = '\0';
	return name;
}

/* Paths with a function's name in them. */
static const struct {
	const char *prefix, *suffix;
	const struct route *route;
} named_routes[] = {
	{ "/2015-03-31/functions/", "/invocations", &lambda_route },
	{ "/2021-11-15/functions/", "/response-streaming-invocations", &lambda_stream_route },
	{ "/function/", "", &function_route },
};

static const struct route *request_route(struct request *request)
{
	const char *path = request->target;
	size_t len = strcspn(path, "?");

	request->query = path[len] ? path + len + 1 : "";
	for (size_t i = 0; i < sizeof(named_routes) / sizeof(named_routes[0]); i++) {
		size_t before = strlen(named_routes[i].prefix), after = strlen(named_routes[i].suffix);

		if (len <= before + after || strncmp(path, named_routes[i].prefix, before) ||
		    strncmp(path + len - after, named_routes[i].suffix, after))
			continue;
		request->name = name_decode(path + before, len - before - after);
		return request->name ? named_routes[i].route : NULL;
	}
	if (len == 8 && !strncmp(path, "/healthz", 8))
		return &health_route;
	if (len == 7 && !strncmp(path, "/readyz", 7))
		return &ready_route;
	return NULL;
}

/* False: no memory. What is beyond the route's limit is counted and dropped. */
static bool request_body(struct request *request, const char *data, size_t len)
{
	size_t limit = request->route ? request->route->limit(request) : 0, cap;
	char *grown;

	request->sent += len;
	if (request->sent > limit) {
		free(take_ptr(request->body));
		request->len = request->cap = 0;
		return request->sent <= BODY_MAX;
	}
	if (request->len + len > request->cap) {
		cap = request->cap ? 2 * request->cap : 16384;
		while (cap < request->len + len)
			cap *= 2;
		grown = realloc(request->body, cap < limit ? cap : limit);
		if (!grown)
			return false;
		request->body = grown;
		request->cap = cap < limit ? cap : limit;
	}
	memcpy(request->body + request->len, data, len);
	request->len += len;
	return true;
}

static enum MHD_Result request_send(struct request *request)
{
	enum MHD_Result ret;

	if (!request->response)
		return MHD_NO;
	ret = MHD_queue_response(request->connection, request->status, request->response);
	MHD_destroy_response(take_ptr(request->response));
	return ret;
}

static enum MHD_Result request_step(void *arg, struct MHD_Connection *connection, const char *url,
				    const char *method, const char *version, const char *data, size_t *len,
				    void **state)
{
	static const char not_found[] = "no such path; there are /2015-03-31/functions/NAME/invocations, "
					"/2021-11-15/functions/NAME/response-streaming-invocations, "
					"/function/NAME, /healthz and /readyz\n";
	struct request *request = *state;

	(void)arg;
	(void)connection;
	(void)url;
	(void)version;
	if (!request || !request->target)
		return MHD_NO;
	if (!request->begun) {
		request->begun = true;
		request->method = method;
		request->route = request_route(request);
		return MHD_YES;
	}
	if (*len) {
		size_t n = *len;

		*len = 0;
		return request_body(request, data, n) ? MHD_YES : MHD_NO;
	}
	if (!request->complete) {
		request->complete = true;
		if (request->route)
			request->route->run(request);
		else
			request_answer(request, MHD_HTTP_NOT_FOUND, "text/plain", not_found, strlen(not_found));
		request->answered = request->response;
	}
	if (!request->answered)
		request->answered = request_is_answered(request);
	return request->answered ? request_send(request) : MHD_YES;
}

/* ---- health ---- */

static size_t no_body(struct request *request)
{
	(void)request;
	return 0;
}

static void health_run(struct request *request)
{
	request_answer(request, MHD_HTTP_OK, "text/plain", "ok\n", 3);
}

static void ready_run(struct request *request)
{
	bool stopping;

	pthread_mutex_lock(&ingress.lock);
	stopping = ingress.stopping;
	pthread_mutex_unlock(&ingress.lock);
	if (stopping)
		request_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain", "stopping\n", 9);
	else
		request_answer(request, MHD_HTTP_OK, "text/plain", "ready\n", 6);
}

const struct route health_route = { no_body, health_run, NULL };
const struct route ready_route = { no_body, ready_run, NULL };

/* ---- life ---- */

static void ingress_log(void *arg, const char *fmt, va_list args)
{
	char line[512];

	(void)arg;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_notice("ingress: %s", line);
}

int ingress_start(const struct config *config)
{
	const struct ingress_config *ic = &config->ingress;
	auto_close int fd = -1;

	ingress.config = config;
	if (!ic->listen)
		return 0;
	fd = tcp_listen(ic->listen);
	if (fd < 0) {
		log_error("[ingress] listen = %s: %s", ic->listen, strerror(-fd));
		return fd;
	}
	if (!config->callers && !tcp_address_is_loopback(ic->listen))
		log_warning("[ingress] listen = %s: whoever reaches this address may call every function: "
			    "add a [caller NAME] section", ic->listen);
	ingress.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
					  MHD_USE_ERROR_LOG, 0, NULL, NULL, request_step, NULL,
					  MHD_OPTION_EXTERNAL_LOGGER, ingress_log, NULL,
					  MHD_OPTION_LISTEN_SOCKET, fd,
					  MHD_OPTION_CONNECTION_LIMIT, ic->max_connections ? ic->max_connections : MAX_CONNECTIONS,
					  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
					  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
					  MHD_OPTION_URI_LOG_CALLBACK, request_new, NULL,
					  MHD_OPTION_NOTIFY_COMPLETED, request_free, NULL,
					  MHD_OPTION_END);
	if (!ingress.daemon) {
		log_error("[ingress] listen = %s: the HTTP server does not start", ic->listen);
		return -EIO;
	}
	take_fd(&fd);
	return 0;
}

void ingress_quiesce(void)
{
	MHD_socket fd;

	pthread_mutex_lock(&ingress.lock);
	ingress.stopping = true;
	pthread_mutex_unlock(&ingress.lock);
	if (!ingress.daemon)
		return;
	fd = MHD_quiesce_daemon(ingress.daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

/* Every invocation has ended by now, so that no connection is suspended. */
void ingress_stop(void)
{
	if (ingress.daemon)
		MHD_stop_daemon(ingress.daemon);
	ingress.daemon = NULL;
}
