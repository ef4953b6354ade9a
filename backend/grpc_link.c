// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "grpc_link.h"
#include "h2.h"
#include "loop.h"
#include "worker.h"

struct grpc_link *grpc_link_new(struct loop *ingress)
{
	struct grpc_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->refs = 1;
	link->ingress = ingress;
	link->encoding = link->tx_encoding = "";
	pthread_mutex_init(&link->lock, NULL);
	return link;
}

struct grpc_link *grpc_link_get(struct grpc_link *link)
{
	__atomic_add_fetch(&link->refs, 1, __ATOMIC_RELAXED);
	return link;
}

void grpc_link_put(struct grpc_link *link)
{
	if (!link || __atomic_sub_fetch(&link->refs, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_mutex_destroy(&link->lock);
	grpc_metadata_clear(&link->metadata);
	grpc_metadata_clear(&link->headers);
	grpc_metadata_clear(&link->trailing);
	free(link->method);
	free(link->authority);
	free(link->accept_encoding);
	free(link->peer);
	free(link->details);
	free(link->rx.data);
	free(link->tx.data);
	free(link);
}

uint32_t grpc_bytes_add(struct grpc_bytes *bytes, const void *data, uint32_t len)
{
	uint32_t cap;
	char *grown;

	if (len > H2_WINDOW - bytes->len)
		len = H2_WINDOW - bytes->len;
	if (!len)
		return 0;
	if (bytes->len + len > bytes->cap) {
		cap = bytes->len + len < 4096 ? 4096 : H2_WINDOW;
		grown = realloc(bytes->data, cap);
		if (!grown)
			return 0;
		bytes->data = grown;
		bytes->cap = cap;
	}
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
	return len;
}

void grpc_bytes_drop(struct grpc_bytes *bytes, uint32_t len)
{
	bytes->len -= len;
	memmove(bytes->data, bytes->data + len, bytes->len);
}

static void link_post(struct grpc_link *link, struct loop *loop, bool *posted, void (*look)(void *))
{
	if (!loop || *posted)
		return;
	*posted = true;
	if (loop_post(loop, look, grpc_link_get(link)))
		abort();	/* a few bytes; the call would wait for ever */
}

void grpc_link_post_ingress(struct grpc_link *link)
{
	link_post(link, link->ingress, &link->ingress_posted, grpc_ingress_look);
}

void grpc_link_post_worker(struct grpc_link *link)
{
	link_post(link, link->worker ? link->worker->loop : NULL, &link->worker_posted, grpc_served_look);
}
