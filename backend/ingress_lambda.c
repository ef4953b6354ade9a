// SPDX-License-Identifier: GPL-2.0-only
/* AWS's Lambda Invoke API. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "caller.h"
#include "cleanup.h"
#include "config.h"
#include "event.h"
#include "function.h"
#include "function_name.h"
#include "ingress.h"
#include "ingress_lambda.h"

#define CONTEXT_MAX	3583	/* bytes of X-Amz-Client-Context, as AWS has it */
#define JSON_TYPE	"application/json"

/* {"Type":TYPE,"message":MESSAGE}, and the name of the error in its header. */
void lambda_error(struct request *request, unsigned int status, const char *error, const char *fmt, ...)
{
	auto_free char *message = NULL, *text = NULL;
	json_t *json;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	json = json_pack("{s:s, s:s, s:s}", "Type", status < 500 ? "User" : "Server", "Message", message ? message : "",
			 "message", message ? message : "");
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	request_answer(request, status, JSON_TYPE, text ? text : "{}", text ? strlen(text) : 2);
	request_answer_header(request, "x-amzn-ErrorType", error);
	request_answer_header(request, "x-amzn-RequestId", request->id);
}

/* ---- who, and what ---- */

static bool lambda_streams(const struct request *request)
{
	return request->route == &lambda_stream_route;
}

static bool lambda_is_event(const struct request *request)
{
	const char *type = request_header(request, "X-Amz-Invocation-Type");

	return type && !strcmp(type, "Event");
}

size_t lambda_limit(struct request *request)
{
	return lambda_is_event(request) ? INVOCATION_EVENT_MAX : INVOCATION_PAYLOAD_MAX;
}

/* Of the query; decoded into a copy. NULL: none. */
static char *query_qualifier(const char *query)
{
	const char *found = !strncmp(query, "Qualifier=", 10) ? query : strstr(query, "&Qualifier=");
	char *value;

	if (!found)
		return NULL;
	found = strchr(found, '=') + 1;
	value = strndup(found, strcspn(found, "&"));
	if (value)
		MHD_http_unescape(value);
	return value;
}

/* The function, or NULL after an answer. */
static struct function *lambda_function(struct request *request, const struct tenant *tenant)
{
	const char *region = ingress_config()->ingress.region;
	auto_free char *queried = query_qualifier(request->query);
	char *qualifier, *name = function_name(request->name, &qualifier);
	struct function *function = function_find(name);

	if (queried && qualifier && strcmp(queried, qualifier)) {
		lambda_error(request, MHD_HTTP_BAD_REQUEST, "InvalidParameterValueException",
			     "The derived qualifier from the function name does not match the specified qualifier.");
		return NULL;
	}
	if (queried)
		qualifier = queried;
	/* Another tenant's function is none at all. */
	if (function && tenant && function->config->tenant != tenant)
		function = NULL;
	if (function && (!qualifier || !*qualifier || !strcmp(qualifier, "$LATEST")))
		return function;
	lambda_error(request, MHD_HTTP_NOT_FOUND, "ResourceNotFoundException",
		     "Function not found: arn:aws:lambda:%s:%s:function:%s%s%s", region ? region : "us-east-1",
		     FUNCTION_ACCOUNT, name, qualifier ? ":" : "", qualifier ? qualifier : "");
	return NULL;
}

static bool lambda_caller(struct request *request, const struct tenant **tenant)
{
	enum caller_verdict verdict = caller_check(ingress_config(), request, tenant);
	const char *message, *error;

	if (verdict == CALLER_FINE)
		return true;
	error = caller_error(verdict, &message);
	lambda_error(request, verdict == CALLER_BROKEN ? MHD_HTTP_INTERNAL_SERVER_ERROR : MHD_HTTP_FORBIDDEN, error,
		     "%s", message);
	return false;
}

static bool lambda_body_fits(struct request *request)
{
	size_t limit = lambda_limit(request);

	if (request->sent <= limit)
		return true;
	lambda_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "RequestTooLargeException",
		     "%" PRIu64 " byte payload is too large for the %s invocation type (limit %zu bytes)", request->sent,
		     lambda_is_event(request) ? "Event" : "RequestResponse", limit);
	return false;
}

/* What a type says that nobody chose is nothing: curl's own for any data, botocore's for bytes. */
static bool type_may_be_json(const char *type)
{
	static const char *const open[] = { "application/octet-stream", "application/x-www-form-urlencoded" };
	size_t len = strcspn(type, "; \t");

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (len == strlen(open[i]) && !strncasecmp(type, open[i], len))
			return true;
	/* application/json, text/json, application/x-amz-json-1.1, application/cloudevents+json */
	for (size_t i = 0; i + 4 <= len; i++)
		if (i && strchr("/+-", type[i - 1]) && !strncasecmp(type + i, "json", 4))
			return true;
	return false;
}

static bool lambda_body_is_of_type(struct request *request)
{
	const char *type = request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE);
	const char *encoding = request_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING);
	bool encoded = encoding && *encoding && strcasecmp(encoding, "identity");

	if (!encoded && (!type || !*type || type_may_be_json(type)))
		return true;
	lambda_error(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaTypeException",
		     "The content type of the request body is %.128s: it has to be JSON", encoded ? encoding : type);
	return false;
}

/* An event is JSON; none at all stands for {}. */
static bool lambda_body_is_json(struct request *request)
{
	json_error_t error;
	json_t *json;

	if (!request->len) {
		free(request->body);
		request->body = strdup("{}");
		request->len = request->body ? 2 : 0;
		return true;
	}
	json = json_loadb(request->body, request->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!json)
		lambda_error(request, MHD_HTTP_BAD_REQUEST, "InvalidRequestContentException",
			     "Could not parse request body into json: %s, line %d, column %d", error.text, error.line,
			     error.column);
	json_decref(json);
	return json;
}

/* Decoded; NULL: none, or (false) after an answer. */
static bool lambda_context(struct request *request, char **context)
{
	const char *header = request_header(request, "X-Amz-Client-Context");
	size_t len = header ? strlen(header) : 0;
	json_t *json;
	int n = -1;

	*context = NULL;
	if (!len)
		return true;
	*context = len <= CONTEXT_MAX && len % 4 == 0 ? calloc(1, len) : NULL;
	if (*context)
		n = EVP_DecodeBlock((unsigned char *)*context, (const unsigned char *)header, len);
	/* The padding comes out as NULs. */
	json = n > 0 ? json_loads(*context, JSON_DECODE_ANY, NULL) : NULL;
	json_decref(json);
	if (json)
		return true;
	free(take_ptr(*context));
	lambda_error(request, MHD_HTTP_BAD_REQUEST, "InvalidRequestContentException",
		     "Client context must be a valid Base64-encoded JSON object of at most %d bytes", CONTEXT_MAX);
	return false;
}

/* ---- the three kinds ---- */

static void lambda_throttled(struct request *request, const char *reason)
{
	lambda_error(request, MHD_HTTP_TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.");
	request_answer_header(request, "Retry-After", "1");
	request_answer_header(request, "x-amzn-Reason", reason);
}

static void lambda_stopping(struct request *request)
{
	lambda_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "ServiceException", "this node stops: try another one, or later");
}

void lambda_refused(struct request *request, int ret)
{
	if (ret == -EBUSY)
		lambda_throttled(request, "ReservedFunctionConcurrentInvocationLimitExceeded");
	else if (ret == -EDQUOT)
		lambda_throttled(request, "ConcurrentInvocationLimitExceeded");
	else if (ret == -ENOMEM)
		lambda_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "ServiceException", "the host has not enough memory");
	else
		lambda_stopping(request);
}

static void lambda_event(struct request *request, struct function *function, char *context)
{
	struct invocation *inv = invocation_new(function);
	int ret;

	if (!inv) {
		free(context);
		lambda_refused(request, -ENOMEM);
		return;
	}
	strcpy(inv->id, request->id);
	inv->event = take_ptr(request->body);
	inv->event_len = request->len;
	inv->content_type = strdup(JSON_TYPE);
	inv->client_context = context;
	inv->trace_id = request_trace_id(request);
	ret = event_submit(inv);
	if (ret) {
		invocation_put(inv);
		lambda_refused(request, ret);
		return;
	}
	request_answer(request, MHD_HTTP_ACCEPTED, "", "", 0);
	request_answer_header(request, "x-amzn-RequestId", request->id);
}

static void lambda_call(struct request *request, struct function *function, char *context)
{
	int ret = request_invoke(request, function, context, lambda_streams(request) ? INVOCATION_STREAMS_ALL : INVOCATION_WHOLE);

	if (ret)
		lambda_refused(request, ret);
}

void lambda_run(struct request *request)
{
	const char *type = request_header(request, "X-Amz-Invocation-Type");
	struct function *function;
	const struct tenant *tenant;
	char *context;

	if (strcmp(request->method, "POST")) {
		lambda_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "MethodNotAllowedException", "the method is POST");
		request_answer_header(request, "Allow", "POST");
		return;
	}
	if (!lambda_body_fits(request) || !lambda_body_is_of_type(request) || !lambda_caller(request, &tenant))
		return;
	function = lambda_function(request, tenant);
	if (!function)
		return;
	if (type && strcmp(type, "RequestResponse") && strcmp(type, "DryRun") &&
	    (strcmp(type, "Event") || lambda_streams(request))) {
		lambda_error(request, MHD_HTTP_BAD_REQUEST, "InvalidParameterValueException",
			     "invocation type %.32s: known are RequestResponse, %sDryRun", type,
			     lambda_streams(request) ? "" : "Event, ");
		return;
	}
	if (!lambda_body_is_json(request) || !lambda_context(request, &context))
		return;
	if (type && !strcmp(type, "DryRun")) {
		free(context);
		request_answer(request, MHD_HTTP_NO_CONTENT, "", "", 0);
		request_answer_header(request, "x-amzn-RequestId", request->id);
	} else if (type && !strcmp(type, "Event")) {
		lambda_event(request, function, context);
	} else {
		lambda_call(request, function, context);
	}
}

/* ---- the answer ---- */

char *lambda_log_result(const struct invocation *inv)
{
	char tail[INVOCATION_LOG_TAIL], *text;
	size_t len = invocation_log_tail(inv, tail);

	if (!inv->log_wanted)
		return NULL;
	text = malloc(INVOCATION_LOG_TAIL * 4 / 3 + 8);
	if (text)
		EVP_EncodeBlock((unsigned char *)text, (unsigned char *)tail, len);
	return text;
}

bool lambda_no_answer(struct request *request)
{
	struct invocation *inv = request->inv;
	enum invocation_end end = inv->answer.end;

	if (end == INVOCATION_NO_INSTANCE)
		lambda_error(request, MHD_HTTP_BAD_GATEWAY, "ResourceNotReadyException",
			     "no instance of function %s took the event within %u ms (start_timeout)",
			     inv->function->config->name, inv->function->config->start_timeout_ms);
	else if (end == INVOCATION_STOPPED)
		lambda_stopping(request);
	return end == INVOCATION_NO_INSTANCE || end == INVOCATION_STOPPED;
}

void lambda_answer_headers(struct request *request)
{
	struct invocation *inv = request->inv;

	request_answer_header(request, "x-amzn-RequestId", inv->id);
	request_answer_header(request, "X-Amz-Executed-Version", "$LATEST");
	if (inv->trace_id)
		request_answer_header(request, "X-Amzn-Trace-Id", inv->trace_id);
}

static bool lambda_answer(struct request *request)
{
	struct invocation *inv = request->inv;
	struct answer *answer = &inv->answer;
	struct MHD_Response *response;
	auto_free char *log = NULL;
	size_t len;

	if (answer->end == INVOCATION_OPEN)
		return false;
	if (lambda_no_answer(request))
		return true;
	len = answer->len;
	response = MHD_create_response_from_buffer(len, take_ptr(answer->data), MHD_RESPMEM_MUST_FREE);
	answer->len = answer->cap = 0;
	request_respond(request, MHD_HTTP_OK, response);
	request_answer_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, JSON_TYPE);
	lambda_answer_headers(request);
	if (answer->end == INVOCATION_FUNCTION_ERROR)
		request_answer_header(request, "X-Amz-Function-Error", "Unhandled");
	log = lambda_log_result(inv);
	if (log)
		request_answer_header(request, "X-Amz-Log-Result", log);
	return true;
}

const struct route lambda_route = { lambda_limit, lambda_run, lambda_answer };
