/* SPDX-License-Identifier: GPL-2.0-only */
/* S3 requests whose body is a document that we write. */
#ifndef NEXUS_S3_POST_H
#define NEXUS_S3_POST_H

#include "collect.h"
#include "s3.h"

/* The state: first the guest's message is gathered, then the call begins. */
struct s3_post {
	struct s3_call call;
	struct collect collect;
	bool started;
	/* Turn what was gathered into the request's body, and start: s3_post_send(). 0, or -errno after op_error(). */
	int (*gathered)(struct s3_post *post);
};

/* op_type.start's end and op_type.window. */
int s3_post_gather(struct s3_post *post);
void s3_post_window(struct op *op);

/* Memory for a document; it is full when its overflow is set. Lives as long as the operation. */
struct text s3_post_document(struct s3_post *post, size_t cap);

/* Hash and send the document. 0, or -errno after op_error(). */
int s3_post_send(struct s3_post *post, const struct text *document);

#endif
