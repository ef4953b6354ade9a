/* SPDX-License-Identifier: GPL-2.0-only */
/* Images: initramfs archives (cpio, newc) that microVMs boot from. */
#ifndef NEXUS_CTL_IMAGE_H
#define NEXUS_CTL_IMAGE_H

#include <stdint.h>

struct image;

/* A new archive at path, written beside it until image_close(). NULL after a message. */
struct image *image_new(const char *path);

/* All of these: 0, or -1 after a message. Owners become root, times 0: the same input gives the same bytes. */
int image_add_tree(struct image *image, const char *directory);	/* what is below it */
int image_add_file(struct image *image, const char *source, const char *name, unsigned int mode);
int image_add_text(struct image *image, const char *name, const char *text);

/* Put the archive in its place, or (keep 0) remove it. Frees image. *bytes, *entries: what was written. */
int image_close(struct image *image, int keep, uint64_t *bytes, uint64_t *entries);

/*
 * Unpack an OCI image layout LAYOUT[:TAG] with umoci(1) into directory, a new one.
 * *arguments: nexus-init's, a line each, from the image's configuration (the caller frees them).
 */
int image_unpack_oci(const char *layout, const char *directory, char **arguments);

#endif
