// SPDX-License-Identifier: GPL-2.0-only
#include <nghttp2/nghttp2.h>
#include <string.h>
#include "h2_screen.h"

void h2_screen_init(struct h2_screen *screen)
{
	*screen = (struct h2_screen){ .left = H2_MAGIC };
}

/* The head is complete. */
static void screen_frame(struct h2_screen *screen)
{
	const uint8_t *head = screen->head;
	uint32_t id = (head[5] & 0x7fU) << 24 | head[6] << 16 | head[7] << 8 | head[8];

	screen->left = head[0] << 16 | head[1] << 8 | head[2];
	screen->have = 0;
	if (head[3] == NGHTTP2_HEADERS && id > screen->opened)
		screen->opened = id;
	screen->drops = head[3] == NGHTTP2_RST_STREAM && screen->left == 4 && id % 2 && id > screen->opened;
}

bool h2_screen_data(struct h2_screen *screen, const uint8_t *data, size_t len,
		    bool (*pass)(void *arg, const uint8_t *data, size_t len), void *arg)
{
	size_t n;

	while (len) {
		if (screen->left) {
			n = len < screen->left ? len : screen->left;
			if (!screen->drops && !pass(arg, data, n))
				return false;
			screen->left -= n;
		} else {
			n = len < (size_t)H2_HEAD - screen->have ? len : (size_t)H2_HEAD - screen->have;
			memcpy(screen->head + screen->have, data, n);
			screen->have += n;
			if (screen->have == H2_HEAD) {
				screen_frame(screen);
				if (!screen->drops && !pass(arg, screen->head, H2_HEAD))
					return false;
			}
		}
		data += n;
		len -= n;
	}
	return true;
}
