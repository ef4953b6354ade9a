// SPDX-License-Identifier: GPL-2.0-only
/* Percent-encoding, queries and normalised paths. */
#include <string.h>
#include "../tap.h"
#include "uri.h"

static void encodes(const char *plain, char keep, const char *want)
{
	char data[256];
	struct text text = { .data = data, .cap = sizeof(data) };

	uri_encode(&text, plain, strlen(plain), keep);
	tap_ok(!text.overflow && text.len == strlen(want) && !memcmp(data, want, text.len),
	       "\"%s\" is encoded as %s", plain, want);
}

static void normalizes(const char *path, const char *want)
{
	char data[256];
	struct text text = { .data = data, .cap = strlen(path) + 1 };

	uri_normalize(&text, path, strlen(path));
	if (!tap_ok(!text.overflow && text.len == strlen(want) && !memcmp(data, want, text.len),
		    "%s is normalised to %s", path, want))
		printf("#   got %.*s\n", (int)text.len, data);
}

static void test_query(void)
{
	static const struct uri_param params[] = {
		{ "b", "2" }, { "a b", "x/y" }, { "b", "1" }, { "a", "" }, { "A", "~" },
	};
	static const char want[] = "A=~&a=&a%20b=x%2Fy&b=1&b=2";
	char data[256];
	struct text text = { .data = data, .cap = sizeof(data) };
	int ret = uri_query(&text, params, 5);

	tap_ok(!ret && text.len == strlen(want) && !memcmp(data, want, text.len),
	       "a query is encoded and sorted: %s", want);
	tap_ok(uri_query(&text, params, URI_PARAMS_MAX + 1) < 0, "too many parameters are refused");
}

static void test_overflow(void)
{
	char data[4];
	struct text text = { .data = data, .cap = sizeof(data) };

	uri_encode(&text, "ab  ", 4, 0);
	tap_ok(text.overflow && text.len <= sizeof(data), "running out of room is remembered");
}

int main(void)
{
	encodes("azAZ09-._~", 0, "azAZ09-._~");
	encodes("a b+c=d*e", '/', "a%20b%2Bc%3Dd%2Ae");
	encodes("50%2Foff/x", '/', "50%252Foff/x");
	encodes("a/b", 0, "a%2Fb");
	encodes("../a/./b//c", '/', "../a/./b//c");
	encodes("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", '/', "%C3%A9%E2%82%AC%F0%9F%98%80");
	encodes("!\"#$&'(),:;<>?@[\\]^`{|}", '/',
		"%21%22%23%24%26%27%28%29%2C%3A%3B%3C%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D");
	encodes("\x01\x1f\x7f\xff", '/', "%01%1F%7F%FF");
	normalizes("/", "/");
	normalizes("", "/");
	normalizes("//", "/");
	normalizes("/./", "/");
	normalizes("/example/..", "/");
	normalizes("/example1/example2/../..", "/");
	normalizes("//example//", "/example/");
	normalizes("/./example", "/example");
	normalizes("/a/b/../c/", "/a/c/");
	normalizes("/../../a", "/a");
	test_query();
	test_overflow();
	return tap_done();
}
