// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Bodies of S3's uploads, plain or in the framing of SDKs, aws-chunked, whose checksums and signatures end here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "gateway_s3.h"

/* A line of the framing; without its end. */
static int frame_line(struct http_call *call, char *line, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1) {
		got = http_read(call, line + n, 1);
		if (got <= 0)
			return got ? got : -EPROTO;
		if (line[n] == '\n') {
			line[n && line[n - 1] == '\r' ? n - 1 : n] = '\0';
			return 0;
		}
		n++;
	}
	return -EPROTO;
}

/* The head of the next piece; the last one is followed by trailers. */
static int frame_next(struct s3 *s3)
{
	char line[512], *end;
	int ret = frame_line(s3->call, line, sizeof(line));

	if (ret)
		return ret;
	s3->frame_left = strtoull(line, &end, 16);
	if (end == line || (*end && *end != ';'))
		return -EPROTO;
	if (s3->frame_left)
		return 0;
	s3->framed_end = true;
	do
		ret = frame_line(s3->call, line, sizeof(line));
	while (!ret && *line);
	return ret == -EPROTO && s3->call->complete ? 0 : ret;
}

/* Plain bytes. */
static ssize_t s3_read(struct s3 *s3, void *data, size_t n)
{
	char line[8];
	int ret;

	if (!s3->framed)
		return http_read(s3->call, data, n);
	if (!s3->frame_left && !s3->framed_end) {
		ret = frame_next(s3);
		if (ret)
			return ret;
	}
	if (s3->framed_end)
		return 0;
	ret = http_read(s3->call, data, n < s3->frame_left ? n : s3->frame_left);
	if (ret <= 0)
		return ret ? ret : -EPROTO;
	s3->frame_left -= ret;
	if (!s3->frame_left) {
		int end = frame_line(s3->call, line, sizeof(line));

		if (end || *line)
			return end ? end : -EPROTO;
	}
	return ret;
}

/* Straight into the arena; ends with nexus_finish(). */
int s3_upload(struct s3 *s3, struct nexus_op *op)
{
	uint64_t left = s3->length;
	ssize_t n;

	while (left && nexus_op_status(op) == -EINPROGRESS) {
		size_t cap;
		void *data;
		int ret = nexus_write_window(op, &data, &cap);

		if (ret)
			break;		/* nexus_finish() tells why */
		n = s3_read(s3, data, cap < left ? cap : left);
		if (n <= 0)
			return n ? n : -EPROTO;
		left -= n;
		nexus_write_commit(op, n);
	}
	if (s3->framed && !left && !s3->framed_end && s3_read(s3, &(char){ 0 }, 1))
		return -EPROTO;
	return nexus_finish(op);
}

bool s3_length(struct s3 *s3)
{
	const char *hash = http_field(s3->call, "x-amz-content-sha256");
	const char *plain = http_field(s3->call, "x-amz-decoded-content-length");
	const char *encoding = http_field(s3->call, "Content-Encoding");
	char *end;

	s3->framed = (hash && !strncmp(hash, "STREAMING-", 10)) || (encoding && strstr(encoding, "aws-chunked"));
	s3->length = s3->call->length;
	if (!s3->framed)
		return s3->length != UINT64_MAX;
	s3->length = plain ? strtoull(plain, &end, 10) : 0;
	return plain && *plain >= '0' && *plain <= '9' && !*end;
}
