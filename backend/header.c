// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "header.h"
#include "op.h"

bool header_name_is_token(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name))
			return false;
	}
	return true;
}

static bool is_in(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (!strcmp(name, *names))
			return true;
	}
	return false;
}

bool header_is_hop_by_hop(const char *name)
{
	static const char *const names[] = {
		"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
		"te", "trailer", "transfer-encoding", "upgrade", NULL,
	};

	/* Few headers begin like one of them, and every answer's are looked at. */
	switch (*name) {
	case 'c': case 'k': case 'p': case 't': case 'u':
		return is_in(name, names);
	default:
		return false;
	}
}

char *header_lower(struct op *op, const char *prefix, const char *name)
{
	size_t prefix_len = strlen(prefix), len = strlen(name);
	char *copy = op_alloc(op, prefix_len + len + 1);

	memcpy(copy, prefix, prefix_len);
	for (size_t i = 0; i <= len; i++)
		copy[prefix_len + i] = tolower((unsigned char)name[i]);
	return copy;
}

/* The first control character; the end, if there is none. */
static const char *header_control(const char *value)
{
	while (*value && !(((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f))
		value++;
	return value;
}

bool header_value_is_line(const char *value)
{
	return !*header_control(value);
}

int header_check_value(struct op *op, const char *name, const char *value)
{
	const char *control = header_control(value);

	if (!*control)
		return 0;
	return op_error(op, -EINVAL, "NexusBadRequest", "the value of %.64s holds the control character 0x%02x", name,
			(unsigned char)*control);
}

int header_check(struct op *op, Nexus__V1__Field *const *fields, size_t count, const char *const *owned)
{
	static const char *const framing[] = { "content-length", "expect", "host", NULL };
	const char *name;
	int ret = 0;

	if (count > HEADERS_MAX)
		return op_error(op, -EINVAL, "NexusLimitExceeded", "%zu headers; the limit is %d", count, HEADERS_MAX);
	for (size_t i = 0; !ret && i < count; i++) {
		if (!header_name_is_token(fields[i]->name))
			return op_error(op, -EINVAL, "NexusBadRequest", "the header name \"%.64s\" is no HTTP token",
					fields[i]->name);
		name = header_lower(op, "", fields[i]->name);
		if (header_is_hop_by_hop(name) || is_in(name, framing) || is_in(name, owned))
			return op_error(op, -EINVAL, "NexusBadRequest",
					"the header %s is written by the daemon, or is about its own connections: leave it out",
					name);
		ret = header_check_value(op, name, fields[i]->value);
	}
	return ret;
}

void header_write(struct text *out, const char *name, const char *value)
{
	text_puts(out, name);
	text_puts(out, ": ");
	text_puts(out, value);
	text_puts(out, "\r\n");
}
