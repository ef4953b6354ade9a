/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef INTERFACES_H
#define INTERFACES_H

#include <stdio.h>

/* Write the names of this machine's network interfaces, as a JSON array. 0 or a negative errno. */
int interfaces_print(FILE *f);

#endif
