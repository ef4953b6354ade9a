// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <http_parser.h>
#include <string.h>
#include <strings.h>
#include "http_head.h"

size_t http_head_find(const char *data, size_t len, size_t from)
{
	const char *end = data + len, *p = data + from;

	/* From line to line, for memmem() takes several times as long. */
	while (p < end && (p = memchr(p, '\n', end - p))) {
		p++;
		if (p - data >= 4 && !memcmp(p - 4, "\r\n\r\n", 4))
			return p - data;
	}
	return 0;
}

size_t http_head_need(const char *data, size_t len)
{
	if (len >= 3 && !memcmp(data + len - 3, "\r\n\r", 3))
		return 1;
	if (len >= 2 && !memcmp(data + len - 2, "\r\n", 2))
		return 2;
	if (len >= 1 && data[len - 1] == '\r')
		return 3;
	return 4;
}

/* What the parser's callbacks share. */
struct head_parse {
	struct http_head *head;
	bool complete;
	const char *reason;
};

static int head_refuse(struct head_parse *parse, const char *reason)
{
	parse->reason = reason;
	return 1;
}

static int head_on_field(http_parser *parser, const char *at, size_t len)
{
	struct head_parse *parse = parser->data;
	struct http_head *head = parse->head;

	if (head->field_count == HTTP_FIELDS_MAX)
		return head_refuse(parse, "more header fields than 128");
	/* The parser takes it for a part of the name, others for none: RFC 9112, 5.1. */
	if (memchr(at, ' ', len))
		return head_refuse(parse, "a space in a header's name");
	/* It lies in what http_head_parse() was given to write. */
	for (char *p = (char *)at; p < at + len; p++)
		*p = tolower((unsigned char)*p);
	head->fields[head->field_count++] = (struct http_field){ .name = at, .name_len = len };
	return 0;
}

/* The whole head is there at once, so a second piece of a value is a folded line. */
static int head_on_value(http_parser *parser, const char *at, size_t len)
{
	struct head_parse *parse = parser->data;
	struct http_field *field = &parse->head->fields[parse->head->field_count - 1];

	if (field->value)
		return head_refuse(parse, "a folded header line");
	while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	field->value = at;
	field->value_len = len;
	return 0;
}

static int head_on_complete(http_parser *parser)
{
	struct head_parse *parse = parser->data;

	parse->complete = true;
	parse->head->status = parser->status_code;
	parse->head->keep_alive = parser->http_major == 1 && parser->http_minor == 1;
	return 1;	/* the body is not the parser's */
}

static bool field_is(const struct http_field *field, const char *name)
{
	return field->name_len == strlen(name) && !memcmp(field->name, name, field->name_len);
}

static bool value_is(const struct http_field *field, const char *value)
{
	return field->value_len == strlen(value) && !strncasecmp(field->value, value, field->value_len);
}

bool http_field_lists(const struct http_field *field, const char *token, size_t len)
{
	const char *p = field->value, *end = p + field->value_len;
	size_t n;

	while (p < end) {
		const char *comma = memchr(p, ',', end - p);
		const char *next = comma ? comma : end;

		while (p < next && (*p == ' ' || *p == '\t'))
			p++;
		for (n = next - p; n && (p[n - 1] == ' ' || p[n - 1] == '\t'); n--)
			;
		if (n == len && !strncasecmp(p, token, len))
			return true;
		p = next + 1;
	}
	return false;
}

static int parse_length(const struct http_field *field, uint64_t *length)
{
	uint64_t n = 0;

	if (!field->value_len || field->value_len > 19)
		return -EBADMSG;
	for (uint32_t i = 0; i < field->value_len; i++) {
		if (field->value[i] < '0' || field->value[i] > '9')
			return -EBADMSG;
		n = n * 10 + (field->value[i] - '0');
	}
	*length = n;
	return 0;
}

/* RFC 9112, 6.3, and no mercy: a length twice, or beside chunked, is refused. */
static const char *head_framing(struct http_head *head, bool no_body)
{
	const struct http_field *length = NULL, *coding = NULL;

	for (unsigned int i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		if (field_is(field, "content-length")) {
			if (length)
				return "Content-Length twice";
			length = field;
		} else if (field_is(field, "transfer-encoding")) {
			if (coding)
				return "Transfer-Encoding twice";
			coding = field;
		} else if (field_is(field, "connection") && http_field_lists(field, "close", 5)) {
			head->keep_alive = false;
		}
	}
	if (length && coding)
		return "both Content-Length and Transfer-Encoding";
	if (length && parse_length(length, &head->content_length))
		return "a Content-Length that is no number";
	if (coding && !value_is(coding, "chunked"))
		return "a Transfer-Encoding other than chunked";
	if (head->status == 204)
		head->content_length = 0;	/* whatever it says */
	if (no_body || head->status < 200 || head->status == 204 || head->status == 304) {
		head->framing = HTTP_NO_BODY;
	} else if (coding) {
		head->framing = HTTP_CHUNKED;
	} else if (length) {
		head->framing = head->content_length ? HTTP_LENGTH : HTTP_NO_BODY;
	} else {
		head->framing = HTTP_UNTIL_CLOSE;
		head->keep_alive = false;
	}
	return NULL;
}

/* ---- a head as nearly every server writes it ---- */

#define BYTES(c)	(0x0101010101010101ULL * (c))
#define HIGH_BITS	BYTES(0x80)

/* The high bit of each of the eight bytes that is below ' ', or DEL. Of those beside the lowest it may be wrong. */
static uint64_t control_bits(uint64_t bytes)
{
	uint64_t del = bytes ^ BYTES(0x7f);

	return (((bytes - BYTES(' ')) & ~bytes) | ((del - BYTES(1)) & ~del)) & HIGH_BITS;
}

/* The first control character from p on, which in a plain head is a line's CR; or the end. */
static char *find_control(char *p, const char *end)
{
	uint64_t bytes, found;

	for (; end - p >= (ptrdiff_t)sizeof(bytes); p += sizeof(bytes)) {
		memcpy(&bytes, p, sizeof(bytes));
		found = control_bits(bytes);
		if (found)
			return p + __builtin_ctzll(found) / 8;
	}
	while (p < end && (unsigned char)*p >= ' ' && *p != 0x7f)
		p++;
	return p;
}

static bool plain_status(struct http_head *head, char *line, size_t len)
{
	if (len < 12 || memcmp(line, "HTTP/1.1 ", 9) || (len > 12 && line[12] != ' ') || line[9] < '1' || line[9] > '5')
		return false;
	if ((unsigned char)(line[10] - '0') > 9 || (unsigned char)(line[11] - '0') > 9)
		return false;
	head->status = 100 * (line[9] - '0') + 10 * (line[10] - '0') + (line[11] - '0');
	head->keep_alive = true;
	return true;
}

/* A control character follows the line, so a name ends within. */
static bool plain_field(struct http_head *head, char *line, size_t len)
{
	static const bool is_name_char[256] = {
		['-'] = true, ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
	};
	struct http_field *field = &head->fields[head->field_count];
	char *p = line, *end = line + len;

	/* The bit makes letters small, and is set in the others. */
	while (is_name_char[(unsigned char)*p])
		*p++ |= 'a' - 'A';
	if (p == line || *p != ':' || head->field_count++ == HTTP_FIELDS_MAX)
		return false;
	field->name = line;
	field->name_len = p - line;
	for (p++; p < end && *p == ' '; p++)
		;
	while (end > p && end[-1] == ' ')
		end--;
	field->value = p;
	field->value_len = end - p;
	return true;
}

/* HTTP/1.1, lines that end in CR LF, names of letters, no tab: anything else is left to the parser, errors too. */
static bool head_parse_plain(struct http_head *head, char *data, size_t len)
{
	char *p = data, *end = data + len, *eol;

	for (;; p = eol + 2) {
		eol = find_control(p, end);
		if (end - eol < 2 || eol[0] != '\r' || eol[1] != '\n')
			return false;
		if (eol == p)
			return p != data && eol + 2 == end;
		if (!(p == data ? plain_status : plain_field)(head, p, eol - p))
			return false;
	}
}

/* ---- any head ---- */

static int head_parse(struct http_head *head, char *data, size_t len, const char **reason)
{
	static const http_parser_settings settings = {
		.on_header_field = head_on_field,
		.on_header_value = head_on_value,
		.on_headers_complete = head_on_complete,
	};
	struct head_parse parse = { .head = head };
	http_parser parser;
	size_t n;

	head->field_count = 0;
	http_parser_init(&parser, HTTP_RESPONSE);
	parser.data = &parse;
	n = http_parser_execute(&parser, &settings, data, len);
	if (HTTP_PARSER_ERRNO(&parser) != HPE_OK || n != len || !parse.complete || http_head_find(data, len, 0) != len) {
		*reason = parse.reason ? parse.reason : http_errno_description(HTTP_PARSER_ERRNO(&parser));
		if (HTTP_PARSER_ERRNO(&parser) == HPE_OK)
			*reason = "a head that ends early";
		return -EBADMSG;
	}
	return 0;
}

int http_head_parse(struct http_head *head, char *data, size_t len, bool no_body, const char **reason)
{
	head->field_count = 0;
	head->content_length = 0;
	if (!head_parse_plain(head, data, len) && head_parse(head, data, len, reason))
		return -EBADMSG;
	if (head->status < 100)
		*reason = "a status below 100";
	else if (head->status == 101)
		*reason = "a switch of protocols that nobody asked for";
	else
		*reason = head_framing(head, no_body);
	return *reason ? -EBADMSG : 0;
}

const struct http_field *http_head_field(const struct http_head *head, const char *name)
{
	for (unsigned int i = 0; i < head->field_count; i++) {
		if (field_is(&head->fields[i], name))
			return &head->fields[i];
	}
	return NULL;
}
