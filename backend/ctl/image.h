/* SPDX-License-Identifier: GPL-2.0-only */
/* Images: initramfs archives (cpio, newc) that microVMs boot from. */
#ifndef NEXUS_CTL_IMAGE_H
#define NEXUS_CTL_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct image;

/* A new archive at path, written beside it until image_close(). NULL after a message. */
struct image *image_new(const char *path);

/* All of these: 0, or -1 after a message. Owners become root, times 0: the same input gives the same bytes. */
int image_add_tree(struct image *image, const char *directory);	/* what is below it */
int image_add_file(struct image *image, const char *source, const char *name, unsigned int mode);
int image_add_text(struct image *image, const char *name, const char *text);
int image_add_directory(struct image *image, const char *name);

struct image_size {
	uint64_t bytes, entries;
	uint64_t unpacked;	/* bytes of memory that its files take in a guest */
};

/* Put the archive in its place, or (keep 0) remove it. Frees image. *written: with keep. */
int image_close(struct image *image, int keep, struct image_size *written);

/*
 * Unpack an OCI image layout LAYOUT[:TAG] with umoci(1) into directory, a new one.
 * *arguments: nexus-init's, a line each, from the image's configuration (the caller frees them).
 */
int image_unpack_oci(const char *layout, const char *directory, char **arguments);

/*
 * Fill directory, a new one, with a root for Python functions: this machine's python3, the Debian packages
 * and the shims, with what is below task as /var/task. Its size goes to standard error.
 */
int image_unpack_python(const char *task, char *const *packages, size_t nr_packages, const char *directory);

/* Run a program by its name or path; 0, or -1, after a message with the remedy if it cannot be started. */
int image_run_tool(const char *const *argv, const char *remedy);

/* The first of these that can be executed, seen from this program's directory; NULL: none. The caller frees it. */
char *image_find_program(const char *const *places, size_t nr_places);

#endif
