// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "environment.h"
#include "text.h"
#include "uri.h"

#define NAMES	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

const char *environment_parse(void *field, const char *value)
{
	char ***list = field, **grown;
	size_t len = strspn(value, NAMES), count = 0;

	if (!len || value[len] != '=' || (*value >= '0' && *value <= '9'))
		return "write NAME=VALUE, NAME of A-Z a-z 0-9 _";
	for (; *list && (*list)[count]; count++)
		if (!strncmp((*list)[count], value, len + 1))
			return "this name has a value already: keep one of them";
	grown = realloc(*list, (count + 2) * sizeof(*grown));
	if (!grown)
		return "not enough memory";
	*list = grown;
	grown[count] = strdup(value);
	grown[count + 1] = NULL;
	return grown[count] ? NULL : "not enough memory";
}

static void variable_add(struct text *out, const char *name, size_t len, const char *value)
{
	text_puts(out, "nexus.env=");
	text_add(out, name, len);
	text_putc(out, '=');
	uri_encode(out, value, strlen(value), '/');
	text_putc(out, ' ');
}

char *environment_command_line(const struct function_config *function)
{
	char line[COMMAND_LINE_MAX + 1], memory[24];
	struct text out = { .data = line, .cap = COMMAND_LINE_MAX };

	snprintf(memory, sizeof(memory), "%llu", (unsigned long long)function->memory >> 20);
	variable_add(&out, "AWS_LAMBDA_FUNCTION_NAME", 24, function->name);
	variable_add(&out, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 31, memory);
	if (function->handler)
		variable_add(&out, "_HANDLER", 8, function->handler);
	for (char **item = function->environment; item && *item; item++) {
		size_t len = strcspn(*item, "=");

		variable_add(&out, *item, len, *item + len + 1);
	}
	/* Last: what follows a -- in it is for the first process. */
	text_puts(&out, function->append);
	line[out.len] = '\0';
	return out.overflow ? NULL : strdup(line);
}
