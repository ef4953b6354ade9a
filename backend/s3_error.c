// SPDX-License-Identifier: GPL-2.0-only
/* S3's error document: <Error><Code>..</Code><Message>..</Message><RequestId>..</RequestId>...</Error> */
#include <errno.h>
#include <expat.h>
#include <string.h>
#include "config.h"
#include "s3.h"

#define TEXT_SIZE	384	/* bytes kept of an element */

struct error_text {
	char text[TEXT_SIZE];
	size_t len;
};

struct error_parse {
	XML_Parser parser;
	unsigned int depth;
	struct error_text code, message, request_id;
	struct error_text *current;	/* whose element is open, or NULL */
};

static void error_open(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct error_parse *parse = data;

	(void)attributes;
	parse->current = NULL;
	if (++parse->depth != 2)
		return;
	if (!strcmp(name, "Code"))
		parse->current = &parse->code;
	else if (!strcmp(name, "Message"))
		parse->current = &parse->message;
	else if (!strcmp(name, "RequestId"))
		parse->current = &parse->request_id;
}

static void error_close(void *data, const XML_Char *name)
{
	struct error_parse *parse = data;

	(void)name;
	parse->depth--;
	parse->current = NULL;
}

static void error_text(void *data, const XML_Char *text, int len)
{
	struct error_parse *parse = data;
	struct error_text *to = parse->current;
	size_t room;

	if (!to)
		return;
	room = TEXT_SIZE - 1 - to->len;
	if ((size_t)len < room)
		room = len;
	memcpy(to->text + to->len, text, room);
	to->len += room;
}

/* An error needs no document type; entities of one's own are an attack. */
static void error_doctype(void *data, const XML_Char *name, const XML_Char *system, const XML_Char *public, int subset)
{
	struct error_parse *parse = data;

	(void)name, (void)system, (void)public, (void)subset;
	XML_StopParser(parse->parser, XML_FALSE);
}

/* What stands before a syntax error, or the end of a cut body, is kept. */
static void error_read(struct error_parse *parse, const char *body, size_t len)
{
	parse->parser = XML_ParserCreate(NULL);
	if (!parse->parser)
		return;
	XML_SetUserData(parse->parser, parse);
	XML_SetElementHandler(parse->parser, error_open, error_close);
	XML_SetCharacterDataHandler(parse->parser, error_text);
	XML_SetStartDoctypeDeclHandler(parse->parser, error_doctype);
	XML_Parse(parse->parser, body, len, XML_TRUE);
	XML_ParserFree(parse->parser);
}

/* A response without a document, as to HEAD, has S3's usual code for its status. */
static const char *error_default_code(unsigned int status)
{
	switch (status) {
	case 301:
		return "PermanentRedirect";
	case 307:
		return "TemporaryRedirect";
	case 400:
		return "BadRequest";
	case 403:
		return "Forbidden";
	case 404:
		return "NotFound";
	case 405:
		return "MethodNotAllowed";
	case 409:
		return "Conflict";
	case 412:
		return "PreconditionFailed";
	case 416:
		return "InvalidRange";
	case 500:
		return "InternalError";
	case 503:
		return "ServiceUnavailable";
	default:
		return "UnexpectedStatus";
	}
}

static const char *error_remedy(const char *code, unsigned int status)
{
	if (!strcmp(code, "SignatureDoesNotMatch") || !strcmp(code, "InvalidAccessKeyId"))
		return "; check the tenant's access_key_id and secret_access_key";
	if (status / 100 == 3 || !strcmp(code, "AuthorizationHeaderMalformed"))
		return "; check the endpoint's url and region";
	return "";
}

int s3_error(struct s3_call *call, const char *body, size_t len)
{
	struct error_parse parse = { 0 };
	struct op *op = call->http.op;
	unsigned int http_status = call->http.status;
	int status = s3_status(http_status);
	const char *code;

	if (len)
		error_read(&parse, body, len);
	code = parse.code.len ? parse.code.text : error_default_code(http_status);
	op_error(op, status, code, "%s%sHTTP %u for %s s3://%s/%s, tenant %s%s", parse.message.text,
		 parse.message.len ? " - " : "", http_status, call->method, call->object->bucket, call->object->key,
		 op->tenant->name, error_remedy(code, http_status));
	if (parse.request_id.len)
		op->response.error->request_id = op_strdup(op, parse.request_id.text);
	else
		op->response.error->request_id = op->response.request_id;
	return status;
}
