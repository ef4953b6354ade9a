// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "s3.h"
#include "s3_document.h"
#include "xml.h"

#define DOCUMENT_MAX	(16U << 20)	/* bytes: 1000 elements are 4 MiB at most */
#define DEPTH_MAX	8
#define ERROR_TEXT_MAX	383	/* bytes, as in s3_error.c */

enum {
	ERROR_CODE, ERROR_MESSAGE, ERROR_REQUEST_ID,
};

static const char *const error_paths[] = {
	[ERROR_CODE] = "Code",
	[ERROR_MESSAGE] = "Message",
	[ERROR_REQUEST_ID] = "RequestId",
	NULL,
};

static void document_fail(struct s3_document *document, const char *fault)
{
	if (!document->fault)
		document->fault = fault;
	XML_StopParser(document->parser, XML_FALSE);
}

/* ---- the parser's handlers ---- */

/* path becomes "Contents/Key": names below the root. */
static void path_push(struct s3_document *document, const char *name)
{
	size_t len = strlen(name), slash = document->path_depth > 0;

	if (document->depth - 2 != document->path_depth || document->path_len + slash + len >= DOCUMENT_PATH_MAX)
		return;		/* below what is of no interest */
	if (slash)
		document->path[document->path_len++] = '/';
	memcpy(document->path + document->path_len, name, len + 1);
	document->path_len += len;
	document->path_depth++;
}

static void path_pop(struct s3_document *document)
{
	char *slash;

	if (document->depth - 1 != document->path_depth)
		return;
	slash = strrchr(document->path, '/');
	document->path_len = slash ? slash - document->path : 0;
	document->path[document->path_len] = '\0';
	document->path_depth--;
}

static bool text_room(struct s3_document *document, size_t len)
{
	if (len <= sizeof(document->text) - document->text_len)
		return true;
	document_fail(document, "an element of more than 8 KiB");
	return false;
}

static void document_open(void *parser, const XML_Char *name, const XML_Char **attributes)
{
	struct s3_document *document = XML_GetUserData(parser);
	const char *const *paths;

	(void)attributes;
	document->current = -1;
	if (++document->depth > DEPTH_MAX) {
		document_fail(document, "elements nested deeper than 8");
		return;
	}
	if (document->depth == 1) {
		document->error = !strcmp(name, "Error");
		if (!document->error && strcmp(name, document->type->root))
			document_fail(document, "another document");
		return;
	}
	path_push(document, name);
	if (document->path_depth != document->depth - 1)
		return;
	paths = document->error ? error_paths : document->type->paths;
	for (int i = 0; paths[i]; i++) {
		if (strcmp(document->path, paths[i]) || !text_room(document, 1))
			continue;
		document->current = i;
		document->values[i] = document->text + document->text_len;
	}
}

static void document_text(void *parser, const XML_Char *text, int len)
{
	struct s3_document *document = XML_GetUserData(parser);

	/* One byte stays for the NUL. */
	if (document->current < 0 || !text_room(document, len + 1))
		return;
	memcpy(document->text + document->text_len, text, len);
	document->text_len += len;
}

static void document_close(void *parser, const XML_Char *name)
{
	struct s3_document *document = XML_GetUserData(parser);

	if (document->current >= 0 && text_room(document, 1))
		document->text[document->text_len++] = '\0';
	document->current = -1;
	if (document->depth == 2 && !document->fault && !document->error) {
		if (!document->type->element(document, name, document->values))
			document_fail(document, "more text than it is long");
		document->text_len = 0;
		memset(document->values, 0, sizeof(document->values));
	}
	if (document->depth > 1)
		path_pop(document);
	document->closed = !--document->depth;
}

bool s3_document_append(struct s3_document *document, const ProtobufCMessage *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);

	if (len > sizeof(document->packed) - document->packed_len)
		return false;
	document->packed_len += protobuf_c_message_pack(message, document->packed + document->packed_len);
	return true;
}

/* ---- from the store to the windows ---- */

/* What is packed goes to the guest. 0, or HTTP_WAIT. */
static int document_flush(struct s3_document *document)
{
	int ret = http_deliver(document->http, document->packed, document->packed_len, &document->packed_sent);

	if (!ret)
		document->packed_len = document->packed_sent = 0;
	return ret;
}

static int document_refuse(struct s3_document *document)
{
	return op_error(document->http->op, -EPROTO, "NexusConnectionLost", "%s answered with no document <%s>: %s",
			conn_pool_url(document->http->pool), document->type->root, document->fault);
}

int s3_document_body(struct s3_document *document, const char *data, size_t len)
{
	/* The parser may hold a token back, as long as more may come (expat's deferral of parsing). */
	bool end = document->http->body_end && !document->ended;

	document->size += len;
	document->ended |= end;
	if (!document->parser) {
		document->parser = xml_parser_new(document, document_open, document_close, document_text);
		document->current = -1;
	}
	if (!document->parser)
		return op_error(document->http->op, -ENOMEM, "NexusInternal", "out of memory");
	if (document->size > DOCUMENT_MAX)
		document->fault = "more than 16 MiB";
	/* That it ends early is s3_document_complete()'s to say. */
	if (!document->fault && (len || end) && XML_Parse(document->parser, data, len, end) != XML_STATUS_OK &&
	    !document->fault && !end)
		document->fault = XML_ErrorString(XML_GetErrorCode(document->parser));
	return document->fault ? document_refuse(document) : document_flush(document);
}

/* What an answer has room for. */
static char *error_text(const struct s3_document *document, int i)
{
	char *text = document_value(document->values[i]);

	if (strlen(text) > ERROR_TEXT_MAX)
		text[ERROR_TEXT_MAX] = '\0';
	return text;
}

int s3_document_complete(struct s3_document *document, struct s3_call *call)
{
	if (document->closed && document->error)
		return s3_error_late(call, error_text(document, ERROR_CODE), error_text(document, ERROR_MESSAGE),
				     error_text(document, ERROR_REQUEST_ID));
	if (document->closed)
		return 0;
	document->fault = "it ends early";
	return document_refuse(document);
}

void s3_document_end(struct s3_document *document)
{
	if (document->parser)
		XML_ParserFree(document->parser);
	document->parser = NULL;
}
