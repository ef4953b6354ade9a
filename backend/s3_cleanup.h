/* SPDX-License-Identifier: GPL-2.0-only */
/* Uploads that were begun and will not be completed are aborted in the background, after their operation's end. */
#ifndef NEXUS_S3_CLEANUP_H
#define NEXUS_S3_CLEANUP_H

struct op;

/*
 * Ask the store to forget an upload of op's tenant. Nobody hears how that
 * ends: a few tries, within a minute, while the daemon runs; of many at a time
 * some are left to the bucket's lifecycle rules. op may end meanwhile.
 */
void s3_cleanup(const struct op *op, const char *bucket, const char *key, const char *upload_id);

#endif
