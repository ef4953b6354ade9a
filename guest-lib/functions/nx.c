// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* nx: objects from the command line, through libnexus-guest. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../cleanup.h"
#include "nx.h"
#include "sum.h"

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

int nx_usage(const char *fmt, const char *value)
{
	fprintf(stderr, "nx: ");
	fprintf(stderr, fmt, value);
	fprintf(stderr, "; see nx --help\n");
	return EXIT_USAGE;
}

int nx_fail(const char *code, const char *message, int err)
{
	const char *name = strerrorname_np(-err);

	fprintf(stderr, "nx: %s: %s (%s)\n", code, message, name ? name : "?");
	return EXIT_FAILURE;
}

int nx_result(struct nexus_op *op, int status)
{
	int ret = EXIT_SUCCESS;

	if (status < 0)
		ret = op ? nx_fail(nexus_op_error_code(op), nexus_op_error_message(op), status)
			 : nx_fail("NexusInternal", strerror(-status), status);
	nexus_op_free(op);
	return ret;
}

void nx_print(const char *name, const char *value)
{
	if (*value)
		printf("%s: %s\n", name, value);
}

void nx_print_headers(const struct nexus_op *op)
{
	const char *name, *value;

	printf("status: %u\n", nexus_op_http_status(op));
	nx_print("request-id", nexus_op_request_id(op));
	nx_print("url", nexus_op_url(op));
	for (size_t i = 0; !nexus_op_header_at(op, i, &name, &value); i++)
		printf("header-%s: %s\n", name, value);
}

static void nx_print_object(const struct nexus_op *op)
{
	const char *name, *value;

	printf("content-length: %llu\n", (unsigned long long)nexus_op_content_length(op));
	nx_print("content-type", nexus_op_content_type(op));
	nx_print("etag", nexus_op_etag(op));
	nx_print("last-modified", nexus_op_last_modified(op));
	nx_print("version-id", nexus_op_version_id(op));
	for (size_t i = 0; !nexus_op_metadata_at(op, i, &name, &value); i++)
		printf("meta-%s: %s\n", name, value);
}

int nx_write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t done = write(fd, data, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			data += done;
			n -= done;
		}
	}
	return 0;
}

static int nx_get(struct nx *nx, int argc, char **argv)
{
	const char *file = argc ? argv[0] : "-";
	autoclose int fd = -1;
	struct sum sum = { 0 };
	struct nexus_op *op;
	const void *data;
	ssize_t n;

	if (!nx->sum && strcmp(file, "-")) {
		fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0)
			return nx_fail("File", file, -errno);
	}
	op = nexus_get_stream(nx->nexus, nx->bucket, nx->key, &nx->options);
	if (!op)
		return nx_result(NULL, -ENOMEM);
	while ((n = nexus_read_window(op, &data)) > 0) {
		int ret = 0;

		sum_add(&sum, data, n);
		if (!nx->sum)
			ret = nx_write_all(fd < 0 ? STDOUT_FILENO : fd, data, n);
		if (ret) {
			nexus_op_free(op);
			return nx_fail("File", file, ret);
		}
	}
	if (!n && nx->sum)
		sum_print(&sum);
	return nx_result(op, n);
}

ssize_t nx_fill(const struct nx *nx, int fd, uint64_t done, void *data, size_t cap)
{
	size_t have = 0;

	if (fd < 0) {
		/* Whole words but for the end, as the pattern wants them. */
		if (cap > 8)
			cap &= ~7UL;
		sum_pattern(data, cap, nx->seed, done);
		return cap;
	}
	while (have < cap) {
		ssize_t n = read(fd, (char *)data + have, cap - have);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return -ENODATA;	/* the file shrank */
		if (n > 0)
			have += n;
	}
	return have;
}

int nx_open(const char *file, int *fd, uint64_t *len)
{
	struct stat st;

	*fd = !strcmp(file, "-") ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &st))
		return nx_fail("File", file, -errno);
	if (!S_ISREG(st.st_mode))
		return nx_usage("'%s' is not a regular file: its length must be known", file);
	*len = st.st_size;
	return 0;
}

int nx_send(struct nx *nx, struct nexus_op *op, int fd, uint64_t total, struct sum *sum)
{
	uint64_t done = 0;
	size_t cap;
	void *data;
	ssize_t n;

	while (done < total && !nexus_write_window(op, &data, &cap)) {
		if (cap > total - done)
			cap = total - done;
		n = nx_fill(nx, fd, done, data, cap);
		if (n < 0)
			exit(nx_fail("File", "cannot read it", n));
		sum_add(sum, data, n);
		done += n;
		nexus_write_commit(op, n);
	}
	return nexus_finish(op);
}

static int nx_put(struct nx *nx, int argc, char **argv)
{
	uint64_t total = nx->size;
	struct sum sum = { 0 };
	autoclose int fd = -1;
	struct nexus_op *op;
	int ret;

	if (!nx->generated && !argc)
		return nx_usage("%s", "put wants a FILE, or --size and --pattern");
	ret = nx->generated ? 0 : nx_open(argv[0], &fd, &total);
	if (ret)
		return ret;
	op = nexus_put_stream(nx->nexus, nx->bucket, nx->key, total, &nx->options);
	ret = op ? nx_send(nx, op, fd, total, &sum) : -ENOMEM;
	/* Over a unix socket nobody else could wait for it. */
	if (!ret && nx->flush) {
		nexus_op_free(op);
		ret = nexus_flush(nx->nexus, NULL, &op);
	}
	if (!ret && nx->sum)
		sum_print(&sum);
	else if (!ret)
		nx_print("etag", nexus_op_etag(op));
	return nx_result(op, ret);
}

static int nx_head(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_head(nx->nexus, nx->bucket, nx->key, &nx->options, &op);

	(void)argc;
	(void)argv;
	if (!ret)
		nx_print_object(op);
	if (!ret && nx->include)
		nx_print_headers(op);
	return nx_result(op, ret);
}

static int nx_delete(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_delete(nx->nexus, nx->bucket, nx->key, &nx->options, &op);

	(void)argc;
	(void)argv;
	return nx_result(op, ret);
}

static int nx_flush(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_flush(nx->nexus, NULL, &op);

	(void)argc;
	(void)argv;
	return nx_result(op, ret);
}

static int nx_null(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_null(nx->nexus, &nx->options, &op);

	(void)argc;
	(void)argv;
	return nx_result(op, ret);
}

static uint64_t nx_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Warm synchronous GETs into an arena buffer: what they cost beside the first. */
static int nx_bench(struct nx *nx, int argc, char **argv)
{
	struct nexus_info before = NEXUS_INFO_INIT, after = NEXUS_INFO_INIT;
	uint64_t start, ns, bytes = 0;
	struct nexus_op *op;
	size_t count, cap;
	char *end, *buf;
	ssize_t n;

	count = argc ? strtoul(argv[0], &end, 10) : 0;
	if (!count || *end)
		return nx_usage("bench get wants a number of calls, not '%s'", argc ? argv[0] : "");
	n = nexus_head(nx->nexus, nx->bucket, nx->key, NULL, &op);
	if (n < 0)
		return nx_result(op, n);
	cap = nexus_op_content_length(op);
	nexus_op_free(op);
	buf = nexus_alloc(nx->nexus, cap ? cap : 1);
	if (!buf)
		return nx_fail("NexusGuestArena", "no room for the object", -errno);
	n = nexus_get(nx->nexus, nx->bucket, nx->key, buf, cap, &nx->options, &op);
	if (n < 0)
		return nx_result(op, n);
	nexus_op_free(op);
	nexus_info(nx->nexus, &before);
	start = nx_now();
	for (size_t i = 0; i < count; i++) {
		n = nexus_get(nx->nexus, nx->bucket, nx->key, buf, cap, &nx->options, &op);
		if (n < 0)
			return nx_result(op, n);
		bytes += n;
		nexus_op_free(op);
	}
	ns = nx_now() - start;
	nexus_info(nx->nexus, &after);
	printf("calls=%zu bytes=%llu kicks=%llu waits=%llu copied=%llu ns_per_call=%llu\n", count,
	       (unsigned long long)bytes, (unsigned long long)(after.kicks - before.kicks),
	       (unsigned long long)(after.waits - before.waits),
	       (unsigned long long)(after.copied - before.copied), (unsigned long long)(ns / count));
	nexus_free(nx->nexus, buf);
	return EXIT_SUCCESS;
}

static int nx_probe(void)
{
	uint32_t version;
	int ret = nexus_probe(&version);

	if (ret == -ENXIO)
		return nx_fail("NexusNoHost", "not a KVM guest", ret);
	if (ret)
		return nx_fail("NexusNoHost", "no Nexus host: this KVM host does not have nexus_kvm loaded", ret);
	printf("abi=%u.%u\n", version >> 16, version & 0xffff);
	return EXIT_SUCCESS;
}

static const struct verb {
	const char *name;
	int min, max;		/* arguments behind the verb */
	bool object;		/* the first two are BUCKET and KEY */
	int (*run)(struct nx *nx, int argc, char **argv);
} verbs[] = {
	{ "get", 2, 3, true, nx_get },
	{ "put", 2, 3, true, nx_put },
	{ "head", 2, 2, true, nx_head },
	{ "delete", 2, 2, true, nx_delete },
	{ "delete-many", 2, 1001, false, nx_delete_many },
	{ "copy", 4, 4, true, nx_copy },
	{ "list", 1, 2, false, nx_list },
	{ "multipart", 3, 10004, false, nx_multipart },
	{ "http", 2, 3, false, nx_http },
	{ "aws", 3, 4, false, nx_aws },
	{ "flush", 0, 0, false, nx_flush },
	{ "null", 0, 0, false, nx_null },
	{ "bench", 4, 4, true, nx_bench },
};

static int nx_key(struct nx *nx, const char *text)
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

static void nx_print_stats(struct nexus *nexus)
{
	struct nexus_info i = NEXUS_INFO_INIT;

	nexus_info(nexus, &i);
	fprintf(stderr, "transport=%s host=%u.%u slots=%u arena=%llu requests=%llu kicks=%llu waits=%llu resizes=%llu copied=%llu\n",
		i.transport, i.host_version >> 16, i.host_version & 0xffff, i.slots, (unsigned long long)i.arena_size,
		(unsigned long long)i.requests, (unsigned long long)i.kicks, (unsigned long long)i.waits,
		(unsigned long long)i.resizes, (unsigned long long)i.copied);
}

static int nx_run(struct nx *nx, const struct verb *verb, int argc, char **argv)
{
	int ret;

	if (verb->object) {
		nx->bucket = argv[0];
		if (nx_key(nx, argv[1]))
			return nx_usage("bad key '%s'", argv[1]);
		argc -= 2;
		argv += 2;
	}
	ret = nexus_open(&nx->nexus, nx->target);
	if (ret)
		return nx_fail("NexusNoHost", nexus_open_error(), ret);
	ret = verb->run(nx, argc, argv);
	if (nx->stats)
		nx_print_stats(nx->nexus);
	nexus_close(nx->nexus);
	return ret;
}

int main(int argc, char **argv)
{
	struct nx nx = {
		.options = NEXUS_OPTIONS_INIT, .list = NEXUS_LIST_OPTIONS_INIT, .copy = NEXUS_COPY_INIT,
		.http = NEXUS_HTTP_INIT,
	};
	const char *name;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == OPT_HELP) {
			fputs(usage_text, stdout);
			return EXIT_SUCCESS;
		}
		c = nx_option(&nx, c);
		if (c)
			return c;
	}
	argc -= optind;
	argv += optind;
	if (!argc)
		return nx_usage("%s", "what is to be done?");
	name = argv[0];
	if (!strcmp(name, "probe") && argc == 1)
		return nx_probe();
	for (const struct verb *v = verbs; v < verbs + sizeof(verbs) / sizeof(verbs[0]); v++) {
		if (strcmp(name, v->name))
			continue;
		if (argc - 1 < v->min || argc - 1 > v->max)
			return nx_usage("wrong number of arguments for %s", name);
		if (v->run == nx_bench) {
			if (strcmp(argv[1], "get"))
				return nx_usage("bench knows 'get', not '%s'", argv[1]);
			argc--;
			argv++;
		}
		return nx_run(&nx, v, argc - 1, argv + 1);
	}
	return nx_usage("there is no '%s'", name);
}
