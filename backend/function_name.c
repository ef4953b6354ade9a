// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "function_name.h"

char *function_name(char *text, char **qualifier)
{
	char *name = text, *mark = strstr(text, ":function:");

	*qualifier = NULL;
	if (mark)
		name = mark + strlen(":function:");
	else if (!strncmp(text, "function:", 9))
		name = text + 9;
	*qualifier = strchr(name, ':');
	if (*qualifier)
		*(*qualifier)++ = '\0';
	return name;
}
