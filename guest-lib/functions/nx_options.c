// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nx.h"

static const char usage_text[] =
	"usage: nx [OPTION...] get BUCKET KEY [FILE|-]\n"
	"       nx [OPTION...] put BUCKET KEY FILE|-\n"
	"       nx [OPTION...] put BUCKET KEY --size N --pattern SEED\n"
	"       nx [OPTION...] head BUCKET KEY\n"
	"       nx [OPTION...] delete BUCKET KEY\n"
	"       nx [OPTION...] delete-many BUCKET KEY...\n"
	"       nx [OPTION...] copy BUCKET KEY SOURCE-BUCKET SOURCE-KEY\n"
	"       nx [OPTION...] list BUCKET [PREFIX]\n"
	"       nx [OPTION...] multipart create BUCKET KEY\n"
	"       nx [OPTION...] multipart part BUCKET KEY UPLOAD NUMBER FILE|-\n"
	"       nx [OPTION...] multipart complete BUCKET KEY UPLOAD NUMBER=ETAG...\n"
	"       nx [OPTION...] multipart abort BUCKET KEY UPLOAD\n"
	"       nx [OPTION...] http METHOD URL [FILE|-]\n"
	"       nx [OPTION...] aws SERVICE METHOD PATH[?QUERY] [FILE|-]\n"
	"       nx [OPTION...] flush\n"
	"       nx [OPTION...] null\n"
	"       nx [OPTION...] probe\n"
	"       nx [OPTION...] bench get BUCKET KEY N\n"
	"\n"
	"  --target T      kvm: or unix:SOCKET (default: $NEXUS_TARGET, or kvm:)\n"
	"  --sum           print a checksum and the number of bytes, not the data\n"
	"  --key-hex       KEY is written in hexadecimal digits\n"
	"  --window N      bytes that a stream moves at once\n"
	"  --timeout MS    limit of one operation (default: the tenant's)\n"
	"  --range R       get, head, copy of a part: bytes=FIRST-LAST\n"
	"  --if-match TAG  get, head: only if the object has this entity tag\n"
	"  --if-none-match TAG, --if-modified-since DATE, --if-unmodified-since DATE\n"
	"                  get, head: other conditions\n"
	"  --version-id V  get, head, delete, copy: this version\n"
	"  --type T        put, multipart create, copy: the object's content type\n"
	"  --meta NAME=VALUE  likewise: metadata; may be repeated\n"
	"  --header NAME:VALUE  a header of the request; may be repeated\n"
	"  --include       get, head, http, aws: print the answer's headers first\n"
	"  --replace       copy: with this type and metadata, not the source's\n"
	"  --upload U, --part N  copy: into part N of this multipart upload\n"
	"  --delimiter D, --max-keys N, --start-after KEY, --token T, --owner, --v1\n"
	"                  list: as in S3; --all: every page\n"
	"  --quiet         delete-many: print the failures only\n"
	"  --redirects N   http: follow so many\n"
	"  --chunked       http: send the body without telling its length\n"
	"  --size N        put: length of generated content, in bytes\n"
	"  --pattern SEED  put: which content to generate\n"
	"  --write-mode M  put: through, deferred or journaled\n"
	"  --flush         put: then wait for what was deferred\n"
	"  --stats         afterwards, print the channel's counters\n"
	"  --help\n"
	"\n"
	"Exit status: 0; 1 the operation failed; 2 wrong usage.\n";

enum {
	OPT_TARGET = 256, OPT_SUM, OPT_KEY_HEX, OPT_TIMEOUT, OPT_RANGE, OPT_IF_MATCH, OPT_VERSION_ID, OPT_TYPE,
	OPT_META, OPT_SIZE, OPT_PATTERN, OPT_WRITE_MODE, OPT_FLUSH, OPT_STATS, OPT_HELP,
	OPT_IF_NONE_MATCH, OPT_IF_MODIFIED, OPT_IF_UNMODIFIED, OPT_HEADER, OPT_INCLUDE, OPT_REPLACE, OPT_UPLOAD, OPT_PART,
	OPT_DELIMITER, OPT_MAX_KEYS, OPT_START_AFTER, OPT_TOKEN, OPT_OWNER, OPT_V1, OPT_ALL, OPT_QUIET, OPT_REDIRECTS,
	OPT_CHUNKED, OPT_WINDOW,
};

static const struct option long_options[] = {
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "sum", no_argument, NULL, OPT_SUM },
	{ "key-hex", no_argument, NULL, OPT_KEY_HEX },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "range", required_argument, NULL, OPT_RANGE },
	{ "if-match", required_argument, NULL, OPT_IF_MATCH },
	{ "version-id", required_argument, NULL, OPT_VERSION_ID },
	{ "type", required_argument, NULL, OPT_TYPE },
	{ "meta", required_argument, NULL, OPT_META },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "pattern", required_argument, NULL, OPT_PATTERN },
	{ "write-mode", required_argument, NULL, OPT_WRITE_MODE },
	{ "flush", no_argument, NULL, OPT_FLUSH },
	{ "if-none-match", required_argument, NULL, OPT_IF_NONE_MATCH },
	{ "if-modified-since", required_argument, NULL, OPT_IF_MODIFIED },
	{ "if-unmodified-since", required_argument, NULL, OPT_IF_UNMODIFIED },
	{ "header", required_argument, NULL, OPT_HEADER },
	{ "include", no_argument, NULL, OPT_INCLUDE },
	{ "replace", no_argument, NULL, OPT_REPLACE },
	{ "upload", required_argument, NULL, OPT_UPLOAD },
	{ "part", required_argument, NULL, OPT_PART },
	{ "delimiter", required_argument, NULL, OPT_DELIMITER },
	{ "max-keys", required_argument, NULL, OPT_MAX_KEYS },
	{ "start-after", required_argument, NULL, OPT_START_AFTER },
	{ "token", required_argument, NULL, OPT_TOKEN },
	{ "owner", no_argument, NULL, OPT_OWNER },
	{ "v1", no_argument, NULL, OPT_V1 },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "redirects", required_argument, NULL, OPT_REDIRECTS },
	{ "chunked", no_argument, NULL, OPT_CHUNKED },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

int nx_key(struct nx *nx, const char *text)
{
	size_t n = strlen(text);

	if (!nx->key_hex) {
		if (n >= sizeof(nx->key))
			return -ENAMETOOLONG;
		strcpy(nx->key, text);
		return 0;
	}
	if (n % 2 || n / 2 >= sizeof(nx->key))
		return -EINVAL;
	for (size_t i = 0; i < n / 2; i++) {
		unsigned int byte;
		int used = 0;

		if (sscanf(text + 2 * i, "%2x%n", &byte, &used) != 1 || used != 2 || !byte)
			return -EINVAL;
		nx->key[i] = byte;
	}
	return 0;
}

int nx_number(const char *text, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	return errno || *end || end == text || *text == '-' ? -EINVAL : 0;
}

static int nx_meta(struct nx *nx, char *text)
{
	char *value = strchr(text, '=');

	if (!value || nx->options.nr_metadata == MAX_META)
		return -EINVAL;
	*value++ = '\0';
	nx->meta[nx->options.nr_metadata++] = (struct nexus_field){ text, value };
	nx->options.metadata = nx->meta;
	return 0;
}

static int nx_header(struct nx *nx, char *text)
{
	char *value = strchr(text, ':');

	if (!value || nx->options.nr_headers == MAX_META)
		return -EINVAL;
	*value++ = '\0';
	value += strspn(value, " ");
	nx->headers[nx->options.nr_headers++] = (struct nexus_field){ text, value };
	nx->options.headers = nx->headers;
	return 0;
}

static int nx_write_mode(struct nx *nx, const char *text)
{
	static const char *const modes[] = {
		[NEXUS_WRITE_THROUGH] = "through",
		[NEXUS_WRITE_DEFERRED] = "deferred",
		[NEXUS_WRITE_JOURNALED] = "journaled",
	};

	for (int mode = NEXUS_WRITE_THROUGH; mode <= NEXUS_WRITE_JOURNALED; mode++) {
		if (!strcmp(text, modes[mode])) {
			nx->options.write_mode = mode;
			return 0;
		}
	}
	return -EINVAL;
}

/* 0, or EXIT_USAGE after a complaint. */
static int nx_option(struct nx *nx, int c)
{
	uint64_t n = 0;
	int ret = 0;

	switch (c) {
	case OPT_TARGET:
		nx->target = optarg;
		break;
	case OPT_SUM:
		nx->sum = true;
		break;
	case OPT_KEY_HEX:
		nx->key_hex = true;
		break;
	case OPT_TIMEOUT:
		ret = nx_number(optarg, &n);
		nx->options.timeout_ms = n;
		break;
	case OPT_WINDOW:
		ret = nx_number(optarg, &n);
		nx->options.window = n;
		break;
	case OPT_RANGE:
		nx->options.range = optarg;
		break;
	case OPT_IF_MATCH:
		nx->options.if_match = optarg;
		break;
	case OPT_IF_NONE_MATCH:
		nx->options.if_none_match = optarg;
		break;
	case OPT_IF_MODIFIED:
		nx->options.if_modified_since = optarg;
		break;
	case OPT_IF_UNMODIFIED:
		nx->options.if_unmodified_since = optarg;
		break;
	case OPT_VERSION_ID:
		nx->options.version_id = optarg;
		break;
	case OPT_HEADER:
		ret = nx_header(nx, optarg);
		break;
	case OPT_INCLUDE:
		nx->include = true;
		break;
	case OPT_REPLACE:
		nx->copy.replace = true;
		break;
	case OPT_UPLOAD:
		nx->copy.upload_id = optarg;
		break;
	case OPT_PART:
		ret = nx_number(optarg, &n);
		nx->copy.part_number = n;
		break;
	case OPT_DELIMITER:
		nx->list.delimiter = optarg;
		break;
	case OPT_MAX_KEYS:
		ret = nx_number(optarg, &n);
		nx->list.max_keys = n;
		break;
	case OPT_START_AFTER:
		nx->list.start_after = optarg;
		break;
	case OPT_TOKEN:
		nx->list.continuation_token = optarg;
		break;
	case OPT_OWNER:
		nx->list.fetch_owner = true;
		break;
	case OPT_V1:
		nx->list.v1 = true;
		break;
	case OPT_ALL:
		nx->all = true;
		break;
	case OPT_QUIET:
		nx->quiet = true;
		break;
	case OPT_REDIRECTS:
		ret = nx_number(optarg, &n);
		nx->http.max_redirects = n;
		break;
	case OPT_CHUNKED:
		nx->http.chunked = true;
		break;
	case OPT_TYPE:
		nx->options.content_type = optarg;
		break;
	case OPT_META:
		ret = nx_meta(nx, optarg);
		break;
	case OPT_SIZE:
		ret = nx_number(optarg, &nx->size);
		nx->generated = true;
		break;
	case OPT_PATTERN:
		ret = nx_number(optarg, &nx->seed);
		nx->generated = true;
		break;
	case OPT_WRITE_MODE:
		ret = nx_write_mode(nx, optarg);
		break;
	case OPT_FLUSH:
		nx->flush = true;
		break;
	case OPT_STATS:
		nx->stats = true;
		break;
	default:
		fprintf(stderr, "see nx --help\n");	/* getopt has complained */
		return EXIT_USAGE;
	}
	return ret ? nx_usage("bad value '%s'", optarg) : 0;
}

int nx_options(struct nx *nx, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == OPT_HELP) {
			fputs(usage_text, stdout);
			return EXIT_SUCCESS;
		}
		c = nx_option(nx, c);
		if (c)
			return c;
	}
	return -1;
}
