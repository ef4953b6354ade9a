/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A large answer of S3, an XML document, read as it streams in and given to the
 * guest as a packed message. Each element below the root becomes a fragment of
 * the message (fragments of a protobuf message, one behind the other, are the
 * message), so that no more than one element is in memory, and what the guest
 * has no window for yet.
 */
#ifndef NEXUS_S3_DOCUMENT_H
#define NEXUS_S3_DOCUMENT_H

#include <expat.h>
#include "http.h"

#define DOCUMENT_ELEMENT_MAX	8192	/* bytes of text within one child of the root */
#define DOCUMENT_VALUES_MAX	16
#define DOCUMENT_PATH_MAX	64

struct s3_call;
struct s3_document;

struct s3_document_type {
	const char *root;
	/* Paths below the root whose texts are wanted ("Contents/Key"); ends with NULL. */
	const char *const *paths;
	/*
	 * A child of the root has ended: append its fragment by
	 * s3_document_append(). values: the texts, in the order of paths, NULL
	 * where there is none; may be changed. false: out of room.
	 */
	bool (*element)(struct s3_document *document, const char *name, char **values);
};

struct s3_document {
	const struct s3_document_type *type;
	struct http *http;
	XML_Parser parser;		/* NULL: not begun */
	bool closed;			/* the root is */
	bool ended;			/* the parser knows that nothing follows */
	bool error;			/* it is an <Error>, though the HTTP status was good */
	const char *fault;		/* what is wrong with it, or NULL */
	uint64_t size;			/* bytes so far */
	unsigned int depth;		/* open elements */
	unsigned int path_depth;	/* how many of them are in `path` */
	size_t path_len;
	char path[DOCUMENT_PATH_MAX];
	char *values[DOCUMENT_VALUES_MAX];
	int current;			/* index of the value whose element is open, or -1 */
	uint32_t text_len;
	char text[DOCUMENT_ELEMENT_MAX];
	uint32_t packed_len, packed_sent;
	/* Packed text is never longer than it was in XML. */
	uint8_t packed[DOCUMENT_ELEMENT_MAX + HTTP_PIECE];
};

/* A value for a message's field. */
static inline char *document_value(char *value)
{
	return value ? value : (char *)protobuf_c_empty_string;
}

/* http_type's body(), complete() and end(), for the document's owner. */
int s3_document_body(struct s3_document *document, const char *data, size_t len);
int s3_document_complete(struct s3_document *document, struct s3_call *call);
void s3_document_end(struct s3_document *document);

/* Append the packed message. false: out of room. */
bool s3_document_append(struct s3_document *document, const ProtobufCMessage *message);

#endif
