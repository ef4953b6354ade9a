// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Documents of S3's answers, errors among them. */
#include <stdlib.h>
#include <string.h>
#include "gateway_s3.h"

#define XML_HEAD	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define XML_TYPE	"Content-Type: application/xml\r\n"

static void xml_escape(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		default:
			if ((unsigned char)*text >= ' ' || *text == '\t')
				fputc(*text, out);
			else
				fprintf(out, "&#%d;", *text);
		}
	}
}

void xml_element(FILE *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "<%s>", name);
	xml_escape(out, text);
	fprintf(out, "</%s>", name);
}

FILE *xml_begin(struct http_call *call, const struct nexus_op *op, int ret, char **text, size_t *len)
{
	FILE *out = ret ? NULL : open_memstream(text, len);

	if (out)
		fputs(XML_HEAD, out);
	else
		s3_failed(call, op, ret);
	return out;
}

void xml_answer(struct http_call *call, unsigned int status, FILE *out, char **text, size_t *len)
{
	if (fclose(out) || !*text)
		http_answer(call, 500, "", "", 0);
	else if (!http_begin(call, status, XML_TYPE, *len))
		http_send(call, *text, *len);
	free(*text);
}

void s3_error(struct http_call *call, unsigned int status, const char *code, const char *message, const char *request_id)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out) {
		http_answer(call, 500, "", "", 0);
		return;
	}
	fputs(XML_HEAD "<Error>", out);
	xml_element(out, "Code", code);
	xml_element(out, "Message", message);
	xml_element(out, "RequestId", request_id);
	fputs("</Error>", out);
	xml_answer(call, status, out, &text, &len);
}

void s3_failed(struct http_call *call, const struct nexus_op *op, int ret)
{
	static const struct {
		const char *code, *s3;
		unsigned int status;
	} codes[] = {
		{ "NexusPolicyDenied", "AccessDenied", 403 }, { "NexusBadRequest", "InvalidRequest", 400 },
		{ "NexusLimitExceeded", "SlowDown", 503 }, { "NexusTimeout", "RequestTimeout", 400 },
		{ "NexusCircuitOpen", "ServiceUnavailable", 503 },
	};
	const char *code = op ? nexus_op_error_code(op) : "";
	unsigned int status = op ? nexus_op_http_status(op) : 0;

	if (!status) {
		status = 500;
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
			if (!strcmp(code, codes[i].code)) {
				status = codes[i].status;
				code = codes[i].s3;
			}
	}
	if (status == 304)
		http_begin(call, 304, "", 0);
	else
		s3_error(call, status < 300 ? 500 : status, *code ? code : "InternalError",
			 op ? nexus_op_error_message(op) : strerrordesc_np(-ret), op ? nexus_op_request_id(op) : "");
}
