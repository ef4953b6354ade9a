// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "cleanup.h"
#include "config.h"
#include "function.h"
#include "ingress.h"
#include "ingress_peer.h"
#include "ingress_tls.h"
#include "log.h"
#include "tcp_listen.h"

#define MAX_CONNECTIONS		256
#define TLS			"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"	/* to GnuTLS */
#define LAST_ANSWERS_S		3	/* at the end, answers that are there may take so long to leave */
#define CONNECTION_MEMORY	(64U << 10)	/* for a request's head */
#define BODY_MAX		(64ULL << 20)	/* larger ones are not even read to their end */

static struct {
	const struct config *config;
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t fewer;		/* in work */
	struct request *requests;
	unsigned int in_work;		/* those that are there whole, and not answered to the last byte */
	bool stopping;
} ingress = { .lock = PTHREAD_MUTEX_INITIALIZER, .fewer = PTHREAD_COND_INITIALIZER };

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

/* Root=1-TIME-RANDOM: the second part of 24 hexadecimal digits; nobody samples here. */
char *request_trace_id(const struct request *request)
{
	char *trace = header_copy(request, "X-Amzn-Trace-Id"), id[INVOCATION_ID_SIZE];

	if (trace)
		return trace;
	invocation_uuid(id);
	if (asprintf(&trace, "Root=1-%08lx-%.8s%.4s%.12s;Sampled=0", (unsigned long)time(NULL), id, id + 9, id + 24) < 0)
		return NULL;
	return trace;
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
	inv->trace_id = request_trace_id(request);
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
	(void)why;
	if (!request)
		return;
	peer_answered(connection);
	pthread_mutex_lock(&ingress.lock);
	*request->prev = request->next;
	if (request->next)
		request->next->prev = request->prev;
	ingress.in_work -= request->complete;
	pthread_cond_signal(&ingress.fewer);
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

static void request_in_work(struct request *request)
{
	pthread_mutex_lock(&ingress.lock);
	request->complete = true;
	ingress.in_work++;
	pthread_mutex_unlock(&ingress.lock);
}

static enum MHD_Result count_framing(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	(void)value;
	*(unsigned int *)arg += !strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) ||
				!strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING);
	return MHD_YES;
}

/* Where a body ends is said once, or a proxy in front of us might see another request behind it than we do. */
static bool request_is_framed_once(const struct request *request)
{
	unsigned int count = 0;

	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_framing, &count);
	return count <= 1;
}

static enum MHD_Result request_step(void *arg, struct MHD_Connection *connection, const char *url,
				    const char *method, const char *version, const char *data, size_t *len,
				    void **state)
{
	static const char not_found[] = "no such path; there are /2015-03-31/functions/NAME/invocations, "
					"/2021-11-15/functions/NAME/response-streaming-invocations, "
					"/function/NAME, /healthz and /readyz\n";
	static const char framed[] = "the request says more than once how long it is\n";
	struct request *request = *state;

	(void)arg;
	(void)url;
	(void)version;
	if (!request || !request->target)
		return MHD_NO;
	if (!request->begun) {
		request->begun = true;
		peer_head(connection);
		request->method = method;
		request->route = request_route(request);
		if (request_is_framed_once(request))
			return MHD_YES;
		request_answer(request, MHD_HTTP_BAD_REQUEST, "text/plain", framed, strlen(framed));
		request_answer_header(request, MHD_HTTP_HEADER_CONNECTION, "close");
		return request_send(request);
	}
	if (*len) {
		size_t n = *len;

		*len = 0;
		peer_body(connection, n);
		return request_body(request, data, n) ? MHD_YES : MHD_NO;
	}
	if (!request->complete) {
		request_in_work(request);
		peer_complete(connection);
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

static bool server_start(const struct ingress_config *ic, int fd)
{
	const struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } }, tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)ingress_tls_retrieve },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, TLS }, { MHD_OPTION_END, 0, NULL },
	};

	ingress.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
					  MHD_USE_ERROR_LOG | (ic->certificate ? MHD_USE_TLS : 0), 0, NULL, NULL, request_step, NULL,
					  MHD_OPTION_EXTERNAL_LOGGER, ingress_log, NULL,
					  MHD_OPTION_LISTEN_SOCKET, fd,
					  MHD_OPTION_CONNECTION_LIMIT, ic->max_connections ? ic->max_connections : MAX_CONNECTIONS,
					  MHD_OPTION_CONNECTION_TIMEOUT, (ic->idle_timeout_ms + 999) / 1000,
					  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
					  MHD_OPTION_STRICT_FOR_CLIENT, 1,
					  MHD_OPTION_URI_LOG_CALLBACK, request_new, NULL,
					  MHD_OPTION_NOTIFY_COMPLETED, request_free, NULL,
					  MHD_OPTION_NOTIFY_CONNECTION, peer_notify, NULL,
					  MHD_OPTION_ARRAY, ic->certificate ? tls : plain,
					  MHD_OPTION_END);
	return ingress.daemon;
}

int ingress_start(struct loop *loop, const struct config *config)
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
	if ((ic->certificate && !ingress_tls_start(ic->certificate, ic->key)) || !server_start(ic, fd)) {
		ingress_tls_stop();
		log_error("[ingress] listen = %s: the HTTP server does not start", ic->listen);
		return -EIO;
	}
	take_fd(&fd);
	peers_start(loop, ic->idle_timeout_ms);
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

/* Every invocation has ended by now, so that no connection is suspended: answers are on their way out. */
void ingress_stop(void)
{
	struct timespec end;

	if (!ingress.daemon)
		return;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += LAST_ANSWERS_S;
	pthread_mutex_lock(&ingress.lock);
	while (ingress.in_work && !pthread_cond_timedwait(&ingress.fewer, &ingress.lock, &end))
		;
	pthread_mutex_unlock(&ingress.lock);
	peers_stop();
	MHD_stop_daemon(ingress.daemon);
	ingress.daemon = NULL;
	ingress_tls_stop();
}
