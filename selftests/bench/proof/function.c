// SPDX-License-Identifier: GPL-2.0-only
/* Without a library, so that it is the same in a module of WebAssembly: gets an object, works on it, puts the result. */
#include <stdbool.h>
#include "function.h"

static bool begins(const char *text, size_t len, const char *what)
{
	size_t i;

	for (i = 0; what[i]; i++)
		if (i == len || text[i] != what[i])
			return false;
	return true;
}

/* The text of a field that has no escapes: "" if there is none. name: with its quotes. */
static void field(const char *event, size_t len, const char *name, char *out)
{
	size_t i = 0, n = 0;

	while (i < len && !begins(event + i, len - i, name))
		i++;
	while (i < len && event[i] != ':')
		i++;
	while (i < len && event[i] != '"')
		i++;
	for (i++; i < len && event[i] != '"' && n + 1 < NAME_SIZE; i++)
		out[n++] = event[i];
	out[n] = '\0';
}

/* Copies a text of JSON, without its quotes: only these two characters need more in our tables. */
static size_t quoted(char *out, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			out[n++] = '\\';
		out[n++] = text[i];
	}
	return n;
}

static size_t until(const char *text, size_t len, char end)
{
	size_t i = 0;

	while (i < len && text[i] != end)
		i++;
	return i;
}

/* Rows of a table without quotes to JSON objects, a line each, named by the first row. Returns the bytes written. */
static size_t csv_to_json(const char *table, size_t len, char *out, size_t cap)
{
	const char *names = table, *end = table + len;
	size_t names_len = until(table, len, '\n'), n = 0;

	for (const char *row = table + names_len + 1; row < end;) {
		size_t row_len = until(row, end - row, '\n'), name_at = 0, at = 0;

		/* Each character doubled, and what stands around it. */
		if (cap - n < 2 * (row_len + names_len) + 8 * names_len)
			break;
		out[n++] = '{';
		while (name_at < names_len) {
			size_t name_len = until(names + name_at, names_len - name_at, ',');
			size_t cell_len = until(row + at, row_len - at, ',');

			out[n++] = '"';
			n += quoted(out + n, names + name_at, name_len);
			out[n++] = '"';
			out[n++] = ':';
			out[n++] = ' ';
			out[n++] = '"';
			n += quoted(out + n, row + at, cell_len);
			out[n++] = '"';
			name_at += name_len + 1;
			at += cell_len + (at + cell_len < row_len);
			if (name_at < names_len) {
				out[n++] = ',';
				out[n++] = ' ';
			}
		}
		out[n++] = '}';
		row += row_len + 1;
		if (row < end)
			out[n++] = '\n';
	}
	return n;
}

static size_t append(char *out, size_t n, const char *text)
{
	while (*text)
		out[n++] = *text++;
	out[n] = '\0';
	return n;
}

/* Puts the object, and has another function copy it. */
static void chain(const char *bucket, const char *out, size_t len)
{
	char between[NAME_SIZE + 8], event[4 * NAME_SIZE], answer[NAME_SIZE];
	size_t n;

	append(between, append(between, 0, "between-"), out);
	fabric_put(bucket, between, fabric_buffer(OBJECT_IN), len);
	n = append(event, 0, "{\"bucket\":\"");
	n = append(event, n, bucket);
	n = append(event, n, "\",\"key\":\"");
	n = append(event, n, between);
	n = append(event, n, "\",\"out\":\"");
	n = append(event, n, out);
	n = append(event, n, "\",\"work\":\"copy\"}");
	fabric_respond(answer, fabric_call("g", event, n, answer, sizeof(answer)));
}

void handle(const char *event, size_t len)
{
	char bucket[NAME_SIZE], key[NAME_SIZE], out[NAME_SIZE], work[NAME_SIZE];
	size_t n;

	field(event, len, "\"work\"", work);
	if (begins(work, NAME_SIZE, "none")) {
		fabric_respond("{}", 2);
		return;
	}
	field(event, len, "\"bucket\"", bucket);
	field(event, len, "\"key\"", key);
	field(event, len, "\"out\"", out);
	n = fabric_get(bucket, key, fabric_buffer(OBJECT_IN));
	if (begins(work, NAME_SIZE, "chain")) {
		chain(bucket, out, n);
		return;
	}
	if (begins(work, NAME_SIZE, "copy")) {
		fabric_put(bucket, out, fabric_buffer(OBJECT_IN), n);
	} else {
		char *result = fabric_buffer(OBJECT_OUT);

		if (begins(work, NAME_SIZE, "csv"))
			n = csv_to_json(fabric_buffer(OBJECT_IN), n, result, RESULT_MAX);
		else if (begins(work, NAME_SIZE, "thumbnail"))
			n = function_thumbnail(fabric_buffer(OBJECT_IN), n, result, RESULT_MAX);
		else
			n = function_gzip(fabric_buffer(OBJECT_IN), n, result, RESULT_MAX);
		fabric_put(bucket, out, result, n);
	}
	fabric_respond("{\"ok\": 1}", 9);
}
