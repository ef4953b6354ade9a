// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include "s3_post.h"
#include "worker.h"

int s3_post_gather(struct s3_post *post)
{
	int ret = collect_windows(&post->collect);

	if (ret == COLLECT_MORE)
		return 0;
	return ret ? ret : post->gathered(post);
}

void s3_post_window(struct op *op)
{
	struct s3_post *post = op->state;
	int ret;

	if (post->started) {
		http_window(&post->call.http);
		return;
	}
	ret = s3_post_gather(post);
	if (ret)
		op_finish(op, ret);
}

struct text s3_post_document(struct s3_post *post, size_t cap)
{
	return (struct text){ .data = op_alloc(post->call.http.op, cap), .cap = cap };
}

/* S3 wants some checksum of a list of keys to delete, besides the signed one: this is the one that every store knows. */
static int post_md5(struct s3_call *call, const struct text *document)
{
	unsigned char md5[EVP_MAX_MD_SIZE];
	unsigned char base64[2 * EVP_MAX_MD_SIZE];
	unsigned int len;

	if (!EVP_Digest(document->data, document->len, md5, &len, EVP_md5(), NULL))
		return -EIO;
	EVP_EncodeBlock(base64, md5, len);
	return s3_call_header(call, "content-md5", op_strdup(call->http.op, (char *)base64));
}

int s3_post_send(struct s3_post *post, const struct text *document)
{
	struct s3_call *call = &post->call;
	struct op *op = call->http.op;
	int ret;

	if (document->overflow)
		return op_error(op, -EINVAL, "NexusLimitExceeded",
				"the request is longer than %zu bytes as XML: split it", document->cap);
	sigv4_hash(document->data, document->len, call->payload_hash);
	ret = post_md5(call, document);
	if (!ret)
		ret = s3_call_header(call, "content-type", "application/xml");
	if (ret)
		return op_error(op, ret, "NexusInternal", "cannot hash the request: %s", strerror(-ret));
	call->http.own_body = document->data;
	call->http.own_body_len = document->len;
	post->started = true;
	return s3_call_start(call);
}
