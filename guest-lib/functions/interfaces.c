// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <net/if.h>
#include "interfaces.h"
#include "json.h"

int interfaces_print(FILE *f)
{
	struct if_nameindex *list = if_nameindex();

	if (!list)
		return -errno;
	fputc('[', f);
	for (struct if_nameindex *i = list; i->if_name; i++) {
		if (i != list)
			fputc(',', f);
		json_string(f, i->if_name);
	}
	fputc(']', f);
	if_freenameindex(list);
	return 0;
}
