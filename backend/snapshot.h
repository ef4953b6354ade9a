/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot's sidecar: what of a VM is not in the VMM's own files, that is
 * where the arenas of its channels lie in its memory. A JSON file:
 *
 *	{ "abi": 65536, "tenant": "t", "function": "f",
 *	  "channels": [ { "number": 0, "grants": [16, 64], "frames": [4711, ...] } ] }
 *
 * grants: pages of each, in order; frames: guest frame numbers, one a page.
 */
#ifndef NEXUS_SNAPSHOT_H
#define NEXUS_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>
#include "nexus_dev.h"
#include "nexus_hypercall.h"

struct snapshot_channel {
	uint32_t number;
	uint32_t nr_grants;
	uint32_t nr_frames;		/* pages of all grants */
	struct nexus_grant *grants;
	uint64_t *frames;
};

struct snapshot {
	char tenant[NEXUS_NAME_MAX], function[NEXUS_NAME_MAX];
	uint32_t nr_channels;
	struct snapshot_channel channels[NEXUS_MAX_CHANNELS];
};

/* Ask the module for channel number of the VM behind handle. 0 or -errno. */
int snapshot_add(struct snapshot *snapshot, int handle, uint32_t number);

/* Make the channels anew in the VM behind handle. 0 or -errno, with a message for the operator. */
int snapshot_restore(const struct snapshot *snapshot, int handle, char *error, size_t size);

/* Both: 0 or -errno with a message that names the file. Saving replaces the file at once, or not at all. */
int snapshot_save(const struct snapshot *snapshot, const char *path, char *error, size_t size);
int snapshot_load(struct snapshot *snapshot, const char *path, char *error, size_t size);

void snapshot_clear(struct snapshot *snapshot);

#endif
