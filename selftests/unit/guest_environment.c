// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A function's environment, out of the kernel's command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../guest-lib/init/environment.h"
#include "../tap.h"

static size_t take(const char *line)
{
	char path[] = "/tmp/nexus-environment-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	size_t n;

	fputs(line, file);
	fclose(file);
	n = environment_read(path);
	unlink(path);
	return n;
}

static bool has(const char *name, const char *value)
{
	const char *got = getenv(name);

	return got && !strcmp(got, value);
}

int main(void)
{
	char lone[64];

	setenv("COLOUR", "from the image", 1);
	tap_is(take("console=ttyS0 quiet nexus.env=COLOUR=blue nexus.env=_HANDLER=app.handler nexus.env=TEXT=a%20b%22%3D%C3%BC%25%0A "
		    "nexus.env=EMPTY= nexus.env=EQUAL=a=b panic=-1\n"), 5, "five variables among other words");
	tap_ok(has("COLOUR", "blue"), "one takes the place of the image's");
	tap_ok(has("_HANDLER", "app.handler") && has("EMPTY", "") && has("EQUAL", "a=b"), "plain ones");
	tap_ok(has("TEXT", "a b\"=\xc3\xbc%\n"), "any bytes");
	tap_is(take("nexus.env=BAD=%zz nexus.env=BAD=%2 nexus.env=BAD=% nexus.env=BAD=a%00b nexus.env=BAD nexus.env==x nexus.env= xnexus.env=BAD=1"),
	       0, "what is malformed is left out");
	tap_ok(!getenv("BAD"), "all of it");
	/* One percent sign is the last byte that is there. */
	strcpy(lone, "nexus.env=BAD=aaaaaaaa%");
	tap_is(take(lone), 0, "nor is read beyond the end");
	tap_is(take(""), 0, "an empty line");
	tap_is(environment_read("/nonexistent/cmdline"), 0, "a file that is not there");
	return tap_done();
}
