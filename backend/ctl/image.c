// SPDX-License-Identifier: GPL-2.0-only
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cleanup.h"
#include "image.h"
#include "nexus_hypercall.h"

struct image {
	struct archive *archive;
	char *path, *part;
	uint64_t entries, unpacked;
	int64_t inode;
};

static int image_fail(const char *what, const char *reason)
{
	fprintf(stderr, "nexusctl: %s: %s\n", what, reason);
	return -1;
}

struct image *image_new(const char *path)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image || asprintf(&image->part, "%s.part", path) < 0)
		abort();
	image->path = strdup(path);
	image->archive = archive_write_new();
	if (archive_write_set_format_cpio_newc(image->archive) || archive_write_add_filter_none(image->archive) ||
	    archive_write_open_filename(image->archive, image->part)) {
		image_fail(image->part, archive_error_string(image->archive));
		image_close(image, 0, NULL);
		return NULL;
	}
	return image;
}

static int image_data(struct image *image, int fd, const char *name, uint64_t size)
{
	char buffer[65536];
	uint64_t sum = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		sum += n;
		if (archive_write_data(image->archive, buffer, n) != n)
			return image_fail(image->part, archive_error_string(image->archive));
	}
	if (n < 0)
		return image_fail(name, strerror(errno));
	return sum == size ? 0 : image_fail(name, "it changed while it was read: build again");
}

static int image_entry(struct image *image, const char *name, const struct stat *st, const char *target)
{
	struct archive_entry *entry = archive_entry_new();
	int ret;

	archive_entry_copy_pathname(entry, name);
	archive_entry_set_mode(entry, st->st_mode);
	archive_entry_set_size(entry, S_ISREG(st->st_mode) ? st->st_size : 0);
	archive_entry_set_rdev(entry, S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ? st->st_rdev : 0);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_ino64(entry, ++image->inode);
	archive_entry_set_nlink(entry, 1);
	if (target)
		archive_entry_copy_symlink(entry, target);
	ret = archive_write_header(image->archive, entry);
	archive_entry_free(entry);
	image->entries++;
	if (S_ISREG(st->st_mode))
		image->unpacked += (st->st_size + NEXUS_PAGE_SIZE - 1) / NEXUS_PAGE_SIZE * NEXUS_PAGE_SIZE;
	return ret ? image_fail(name, archive_error_string(image->archive)) : 0;
}

static int image_add_regular(struct image *image, const char *source, const char *name, const struct stat *st)
{
	auto_close int fd = open(source, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return image_fail(source, strerror(errno));
	return image_entry(image, name, st, NULL) ? -1 : image_data(image, fd, source, st->st_size);
}

int image_add_file(struct image *image, const char *source, const char *name, unsigned int mode)
{
	struct stat st;

	if (stat(source, &st))
		return image_fail(source, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return image_fail(source, "not a file");
	st.st_mode = S_IFREG | mode;
	return image_add_regular(image, source, name, &st);
}

int image_add_text(struct image *image, const char *name, const char *text)
{
	struct stat st = { .st_mode = S_IFREG | 0644, .st_size = strlen(text) };

	if (image_entry(image, name, &st, NULL))
		return -1;
	return archive_write_data(image->archive, text, st.st_size) == st.st_size ? 0 :
	       image_fail(image->part, archive_error_string(image->archive));
}

int image_add_directory(struct image *image, const char *name)
{
	const struct stat st = { .st_mode = S_IFDIR | 0755 };

	return image_entry(image, name, &st, NULL);
}

static int image_add_found(struct image *image, const FTSENT *found, const char *name)
{
	char target[4096];
	ssize_t len;

	switch (found->fts_info) {
	case FTS_D:
	case FTS_DEFAULT:	/* devices, pipes: their names only */
		return image_entry(image, name, found->fts_statp, NULL);
	case FTS_F:
		return image_add_regular(image, found->fts_accpath, name, found->fts_statp);
	case FTS_SL:
	case FTS_SLNONE:
		len = readlink(found->fts_accpath, target, sizeof(target) - 1);
		if (len < 0)
			return image_fail(found->fts_path, strerror(errno));
		target[len] = '\0';
		return image_entry(image, name, found->fts_statp, target);
	case FTS_DP:
		return 0;
	default:
		return image_fail(found->fts_path, strerror(found->fts_errno));
	}
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int image_add_tree(struct image *image, const char *directory)
{
	char *paths[] = { (char *)directory, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	size_t skip = strlen(directory);
	FTSENT *found;
	int ret = 0;

	if (!tree)
		return image_fail(directory, strerror(errno));
	while (!ret && (found = fts_read(tree))) {
		if (found->fts_level > 0)
			ret = image_add_found(image, found, found->fts_path + skip + strspn(found->fts_path + skip, "/"));
		else if (found->fts_info != FTS_D && found->fts_info != FTS_DP)
			ret = image_fail(directory, "not a directory");
	}
	fts_close(tree);
	return ret;
}

int image_close(struct image *image, int keep, struct image_size *written)
{
	int ret = 0;

	if (keep && archive_write_close(image->archive))
		ret = image_fail(image->part, archive_error_string(image->archive));
	if (keep && !ret) {
		*written = (struct image_size){ archive_filter_bytes(image->archive, -1), image->entries, image->unpacked };
		if (rename(image->part, image->path))
			ret = image_fail(image->path, strerror(errno));
	}
	archive_write_free(image->archive);
	if (!keep || ret)
		unlink(image->part);
	free(image->path);
	free(image->part);
	free(image);
	return ret;
}
