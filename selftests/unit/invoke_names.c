// SPDX-License-Identifier: GPL-2.0-only
/* What is read out of events, headers and paths: names of objects, and of functions. */
#include <stdlib.h>
#include <string.h>
#include "../tap.h"
#include "function_name.h"
#include "hints.h"

static struct hints hints;

static void event(const char *json, const struct hint_rule *rules)
{
	/* Not NUL-terminated, as events are. */
	char *copy = memcpy(malloc(strlen(json) + 1), json, strlen(json));

	hints_clear(&hints);
	hints_from_event(&hints, copy, strlen(json), rules);
	free(copy);
}

static void header(const char *value)
{
	hints_clear(&hints);
	hints_from_header(&hints, value);
}

static bool hint_is(unsigned int i, const char *bucket, const char *key, const char *if_match, const char *version)
{
	const struct hint *h = &hints.list[i];

	return i < hints.count && !strcmp(h->bucket, bucket) && !strcmp(h->key, key) &&
	       !strcmp(h->if_match ? h->if_match : "", if_match) && !strcmp(h->version_id ? h->version_id : "", version);
}

#define RECORD(name, bucket, object) \
	"{\"eventName\":\"" name "\",\"s3\":{\"bucket\":{\"name\":\"" bucket "\"},\"object\":{" object "}}}"

static void test_notifications(void)
{
	char many[4096] = "{\"Records\":[";

	event("{\"Records\":[" RECORD("ObjectCreated:Put", "b", "\"key\":\"a+b%2Bc%C3%A4/d\",\"eTag\":\"0123\",\"versionId\":\"v\"")
	      "]}", NULL);
	tap_ok(hints.count == 1 && hint_is(0, "b", "a b+c\xc3\xa4/d", "\"0123\"", "v"), "a notification of S3");
	event("{\"Records\":[" RECORD("ObjectRemoved:Delete", "b", "\"key\":\"k\"") "," RECORD("ObjectCreated:Copy", "b",
	      "\"key\":\"k\"") "," RECORD("ObjectCreated:Put", "b", "\"key\":\"k\"") "]}", NULL);
	tap_ok(hints.count == 1 && hint_is(0, "b", "k", "", ""), "what was removed is not fetched, and nothing twice");
	event("{\"Records\":[" RECORD("ObjectCreated:Put", "b", "\"key\":\"%zz\"") "," RECORD("ObjectCreated:Put", "b", "\"key\":\"%00\"")
	      "," RECORD("ObjectCreated:Put", "", "\"key\":\"k\"") "," RECORD("ObjectCreated:Put", "b", "\"key\":7") ",7,{\"s3\":[]}]}", NULL);
	tap_is(hints.count, 0, "records that make no sense");
	event("{\"Records\":{\"s3\":1}}", NULL);
	tap_is(hints.count, 0, "records that are none");
	event("{\"Records\":[\"s3\"", NULL);
	tap_is(hints.count, 0, "an event that is no JSON");
	event("", NULL);
	tap_is(hints.count, 0, "no event");
	for (char c = 'a'; c < 'a' + 12; c++)
		sprintf(many + strlen(many), "%s" RECORD("ObjectCreated:Put", "b", "\"key\":\"%c\""), c > 'a' ? "," : "", c);
	strcat(many, "]}");
	event(many, NULL);
	tap_ok(hints.count == HINTS_MAX && hint_is(7, "b", "h", "", ""), "the first eight of many");
}

static void test_rules(void)
{
	struct hint_rule rules[] = {
		{ rules + 1, "/where", "/in/0/a~1b~0c" }, { rules + 2, "fixed", "/key" }, { rules + 3, "/in/key", "/key" },
		{ rules + 4, "/where", "/in/9" }, { NULL, "/where", "/in/x/y" },
	};

	event("{\"where\":\"w\",\"in\":[{\"a/b~c\":\"deep\"}],\"key\":\"k\"}", rules);
	tap_ok(hints.count == 2 && hint_is(0, "w", "deep", "", "") && hint_is(1, "fixed", "k", "", ""),
	       "JSON pointers, escapes, a fixed bucket; rules that lead nowhere");
	event("[1,2]", rules);
	tap_is(hints.count, 0, "an event of another form");
	event("\"text\"", rules);
	tap_is(hints.count, 0, "one that is only a string");
}

static void test_header(void)
{
	header("s3://bucket/a/b%20c , s3://other/k,s3://bucket/a/b%20c");
	tap_ok(hints.count == 2 && hint_is(0, "bucket", "a/b c", "", "") && hint_is(1, "other", "k", "", ""), "URLs in a header");
	header("s3://bucket, s3:///key, http://a/b, s3://b/%, , s3://b/");
	tap_is(hints.count, 0, "what are none");
	hints_clear(&hints);
}

static bool name_is(const char *text, const char *name, const char *qualifier)
{
	char copy[128], *q, *got;

	strcpy(copy, text);
	got = function_name(copy, &q);
	return !strcmp(got, name) && (q ? qualifier && !strcmp(q, qualifier) : !qualifier);
}

static void test_names(void)
{
	tap_ok(name_is("f", "f", NULL), "a name");
	tap_ok(name_is("f:7", "f", "7") && name_is("f:", "f", ""), "with a qualifier");
	tap_ok(name_is("function:f", "f", NULL) && name_is("123:function:f:$LATEST", "f", "$LATEST"), "with an account");
	tap_ok(name_is("arn:aws:lambda:us-east-1:123:function:f", "f", NULL) &&
	       name_is("arn:aws:lambda:us-east-1:123:function:f:q", "f", "q"), "an ARN");
	tap_ok(name_is("", "", NULL) && name_is(":function:", "", NULL) && name_is("a:b:c", "a", "b:c"), "what is no name at all");
}

int main(void)
{
	test_notifications();
	test_rules();
	test_header();
	test_names();
	return tap_done();
}
