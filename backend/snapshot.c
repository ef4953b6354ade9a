// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "cleanup.h"
#include "snapshot.h"

#define FAIL(status, ...) (snprintf(error, size, __VA_ARGS__), (status))

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

#define auto_json __attribute__((cleanup(cleanup_json)))

void snapshot_clear(struct snapshot *snapshot)
{
	for (uint32_t i = 0; i < snapshot->nr_channels; i++) {
		free(snapshot->channels[i].grants);
		free(snapshot->channels[i].frames);
	}
	snapshot->nr_channels = 0;
}

/* The VM is stopped: neither list changes between the calls. */
int snapshot_add(struct snapshot *snapshot, int handle, uint32_t number)
{
	struct snapshot_channel *channel = &snapshot->channels[snapshot->nr_channels];
	struct nexus_grants grants = { .channel = number };
	struct nexus_frames frames = { .channel = number };

	if (ioctl(handle, NEXUS_IOC_GRANTS, &grants) || ioctl(handle, NEXUS_IOC_FRAMES, &frames))
		return -errno;
	*channel = (struct snapshot_channel){
		.number = number, .nr_grants = grants.count, .nr_frames = frames.count,
		.grants = calloc(grants.count, sizeof(*channel->grants)),
		.frames = calloc(frames.count, sizeof(*channel->frames)),
	};
	snapshot->nr_channels++;
	if (!channel->grants || !channel->frames)
		return -ENOMEM;
	grants.capacity = grants.count;
	grants.grants = (uintptr_t)channel->grants;
	frames.capacity = frames.count;
	frames.frames = (uintptr_t)channel->frames;
	if (ioctl(handle, NEXUS_IOC_GRANTS, &grants) || ioctl(handle, NEXUS_IOC_FRAMES, &frames))
		return -errno;
	return grants.count == channel->nr_grants && frames.count == channel->nr_frames ? 0 : -EAGAIN;
}

int snapshot_restore(const struct snapshot *snapshot, int handle, char *error, size_t size)
{
	for (uint32_t i = 0; i < snapshot->nr_channels; i++) {
		const struct snapshot_channel *channel = &snapshot->channels[i];
		struct nexus_restore restore = {
			.channel = channel->number, .count = channel->nr_grants,
			.grants = (uintptr_t)channel->grants, .frames = (uintptr_t)channel->frames,
		};

		if (ioctl(handle, NEXUS_IOC_RESTORE, &restore))
			return FAIL(-errno, "cannot restore channel %u of %u pages: %s%s", channel->number,
				    channel->nr_frames, strerror(errno),
				    errno == ENOSPC ? ": is max_pinned of the tenant smaller than when the snapshot was taken?" :
				    errno == EFAULT ? ": the VM has another memory layout than the snapshot's" : "");
	}
	return 0;
}

/* ---- the file ---- */

static json_t *channel_to_json(const struct snapshot_channel *channel)
{
	json_t *grants = json_array(), *frames = json_array();

	for (uint32_t i = 0; i < channel->nr_grants; i++)
		json_array_append_new(grants, json_integer(channel->grants[i].pages));
	for (uint32_t i = 0; i < channel->nr_frames; i++)
		json_array_append_new(frames, json_integer(channel->frames[i]));
	return json_pack("{s:I, s:o, s:o}", "number", (json_int_t)channel->number, "grants", grants, "frames", frames);
}

int snapshot_save(const struct snapshot *snapshot, const char *path, char *error, size_t size)
{
	json_t *channels = json_array();
	auto_json json_t *root = json_pack("{s:I, s:s, s:s, s:o}", "abi", (json_int_t)NEXUS_ABI_VERSION,
					   "tenant", snapshot->tenant, "function", snapshot->function,
					   "channels", channels);
	auto_free char *text = NULL, *temporary = NULL;
	auto_close int fd = -1;
	size_t len;

	for (uint32_t i = 0; root && i < snapshot->nr_channels; i++)
		json_array_append_new(channels, channel_to_json(&snapshot->channels[i]));
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	if (!text || asprintf(&temporary, "%s.new", path) < 0)
		return FAIL(-ENOMEM, "%s: out of memory", path);
	len = strlen(text);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || fsync(fd) || rename(temporary, path))
		return FAIL(errno ? -errno : -EIO, "cannot write %s: %s", path, strerror(errno ? errno : EIO));
	return 0;
}

static int channel_from_json(struct snapshot_channel *channel, json_t *json)
{
	json_t *grants, *frames, *value;
	json_int_t number;
	uint32_t first = 0;
	size_t i;

	if (json_unpack(json, "{s:I, s:o, s:o}", "number", &number, "grants", &grants, "frames", &frames) ||
	    number < 0 || number >= NEXUS_MAX_CHANNELS || !json_is_array(grants) || !json_is_array(frames) ||
	    json_array_size(frames) > NEXUS_ARENA_MAX_PAGES || json_array_size(grants) > json_array_size(frames))
		return -EINVAL;
	*channel = (struct snapshot_channel){
		.number = number, .nr_grants = json_array_size(grants), .nr_frames = json_array_size(frames),
		.grants = calloc(json_array_size(grants) + 1, sizeof(*channel->grants)),
		.frames = calloc(json_array_size(frames) + 1, sizeof(*channel->frames)),
	};
	if (!channel->grants || !channel->frames)
		return -ENOMEM;
	json_array_foreach(grants, i, value) {
		json_int_t pages = json_integer_value(value);

		if (pages < 1 || pages > channel->nr_frames - first)
			return -EINVAL;
		channel->grants[i] = (struct nexus_grant){ first, pages };
		first += pages;
	}
	json_array_foreach(frames, i, value)
		channel->frames[i] = json_integer_value(value);
	return first == channel->nr_frames ? 0 : -EINVAL;
}

static int snapshot_read(struct snapshot *snapshot, json_t *root)
{
	const char *tenant, *function;
	json_t *channels, *value;
	json_int_t abi;
	size_t i;
	int ret;

	if (json_unpack(root, "{s:I, s:s, s:s, s:o}", "abi", &abi, "tenant", &tenant, "function", &function,
			"channels", &channels) || json_array_size(channels) > NEXUS_MAX_CHANNELS)
		return -EINVAL;
	if (NEXUS_ABI_MAJOR_OF(abi) != NEXUS_ABI_MAJOR)
		return -EPROTONOSUPPORT;
	snprintf(snapshot->tenant, sizeof(snapshot->tenant), "%s", tenant);
	snprintf(snapshot->function, sizeof(snapshot->function), "%s", function);
	json_array_foreach(channels, i, value) {
		ret = channel_from_json(&snapshot->channels[snapshot->nr_channels++], value);
		if (ret)
			return ret;
	}
	return 0;
}

int snapshot_load(struct snapshot *snapshot, const char *path, char *error, size_t size)
{
	json_error_t where;
	auto_json json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	int ret;

	*snapshot = (struct snapshot){ .nr_channels = 0 };
	if (!root)
		return FAIL(access(path, R_OK) ? -errno : -EINVAL, "%s: %s", path, where.text);
	ret = snapshot_read(snapshot, root);
	if (!ret)
		return 0;
	snapshot_clear(snapshot);
	if (ret == -EPROTONOSUPPORT)
		return FAIL(ret, "%s: taken with another ABI: take the snapshot again", path);
	return FAIL(ret, "%s: not a snapshot's sidecar: take the snapshot again", path);
}
