/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef JSON_H
#define JSON_H

#include <stdio.h>

/* Write s as a JSON string, with its quotes. */
void json_string(FILE *f, const char *s);

#endif
