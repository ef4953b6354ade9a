// SPDX-License-Identifier: GPL-2.0-only
#include <jansson.h>
#include <stdio.h>
#include <time.h>
#include "config.h"
#include "event_record.h"
#include "function.h"

static json_t *record_time(void)
{
	struct timespec now;
	char text[32];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%03ldZ", text, now.tv_nsec / 1000000);
}

/* As it is; what is no JSON, as a string, or as null. */
static json_t *record_payload(const char *data, size_t len)
{
	json_t *json = json_loadb(data, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	if (!json)
		json = json_stringn(data, len);
	return json ? json : json_null();
}

char *event_record_text(const struct event_record *record)
{
	const struct invocation *model = record->model;
	json_t *json = json_pack("{s:s, s:o, s:{s:s, s:o, s:s, s:i}, s:o}", "version", "1.0", "timestamp", record_time(),
				 "requestContext", "requestId", model->id, "functionArn",
				 json_sprintf("arn:aws:lambda:%s:%s:function:%s:$LATEST", record->region, FUNCTION_ACCOUNT,
					      model->function->config->name),
				 "condition", record->condition, "approximateInvokeCount", (int)record->tries,
				 "requestPayload", record_payload(model->event, model->event_len));
	char *text;

	if (record->answer) {
		json_object_set_new(json, "responseContext", json_pack("{s:i, s:s, s:s}", "statusCode", 200, "executedVersion",
								       "$LATEST", "functionError", "Unhandled"));
		json_object_set_new(json, "responsePayload", record_payload(record->answer, record->answer_len));
	}
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}
