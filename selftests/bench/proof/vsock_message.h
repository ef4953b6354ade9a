/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between a guest and the proxy on the host, over one virtio-vsock stream: each message is this head and
 * `len` bytes. The guest asks, the proxy answers with the same op.
 */
#ifndef VSOCK_MESSAGE_H
#define VSOCK_MESSAGE_H

#include <stdint.h>

#define VSOCK_PORT	1024	/* of the guest with VSOCK_CID; the next one's is the next */
#define VSOCK_CID	3

enum vsock_op {
	VSOCK_NEXT = 1,		/* answered with an event */
	VSOCK_GET,		/* answered with the object */
	VSOCK_PUT,		/* `len` bytes follow; answered when the store has them */
	VSOCK_RESPOND,		/* `len` bytes follow; not answered */
	VSOCK_CALL,		/* `len` bytes follow, for the function `key`; answered with its answer */
};

struct vsock_message {
	uint32_t op;
	uint32_t reserved;
	uint64_t len;
	char bucket[64], key[176];	/* with their NULs; of GET and PUT */
};

#endif
