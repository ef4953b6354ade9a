// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "op.h"
#include "uri_parse.h"

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower(c) - 'a' + 10 : -1;
}

char *uri_decode(struct op *op, const char *from, const char *end, bool plus)
{
	char *text = op_alloc(op, end - from + 1), *to = text;

	for (; from < end; from++) {
		if (*from != '%') {
			*to++ = plus && *from == '+' ? ' ' : *from;
			continue;
		}
		if (end - from < 3 || hex_digit(from[1]) < 0 || hex_digit(from[2]) < 0)
			return NULL;
		*to = hex_digit(from[1]) << 4 | hex_digit(from[2]);
		if (!*to++)
			return NULL;
		from += 2;
	}
	*to = '\0';
	return text;
}

int uri_parse(struct op *op, const char *query, struct uri_param params[URI_PARAMS_MAX], size_t *count)
{
	const char *equals;
	size_t len;

	for (*count = 0; *query; query += len + (query[len] == '&')) {
		struct uri_param *param = &params[*count];

		len = strcspn(query, "&");
		if (!len)
			continue;
		if (*count == URI_PARAMS_MAX)
			return op_error(op, -EINVAL, "NexusLimitExceeded", "more than %d parameters in the query", URI_PARAMS_MAX);
		equals = memchr(query, '=', len);
		param->name = uri_decode(op, query, equals ? equals : query + len, true);
		param->value = equals ? uri_decode(op, equals + 1, query + len, true) : "";
		if (!param->name || !param->value)
			return op_error(op, -EINVAL, "NexusBadRequest", "the query is not percent-encoded: \"%.64s\"", query);
		(*count)++;
	}
	return 0;
}
