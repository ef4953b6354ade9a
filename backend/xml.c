// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include "xml.h"

static void xml_doctype(void *parser, const XML_Char *name, const XML_Char *system, const XML_Char *public, int subset)
{
	(void)name, (void)system, (void)public, (void)subset;
	XML_StopParser(parser, XML_FALSE);
}

XML_Parser xml_parser_new(void *data, XML_StartElementHandler open, XML_EndElementHandler close,
			  XML_CharacterDataHandler text)
{
	XML_Parser parser = XML_ParserCreate("UTF-8");

	if (!parser)
		return NULL;
	XML_SetUserData(parser, data);
	XML_UseParserAsHandlerArg(parser);
	XML_SetElementHandler(parser, open, close);
	XML_SetCharacterDataHandler(parser, text);
	XML_SetStartDoctypeDeclHandler(parser, xml_doctype);
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 6
	XML_SetReparseDeferralEnabled(parser, XML_FALSE);	/* or it would hold back what it understood */
#endif
	return parser;
}

/* ---- small documents ---- */

struct xml_reader {
	unsigned int depth;
	const struct xml_want *root, *wants;
	size_t count;
	const struct xml_want *current;	/* whose element is open, or NULL */
	size_t len;			/* bytes of its text so far */
};

static void reader_open(void *parser, const XML_Char *name, const XML_Char **attributes)
{
	struct xml_reader *reader = XML_GetUserData(parser);

	(void)attributes;
	reader->current = NULL;
	if (++reader->depth == 1)
		snprintf(reader->root->to, reader->root->size, "%s", name);
	for (size_t i = 0; reader->depth == 2 && i < reader->count; i++) {
		if (!strcmp(name, reader->wants[i].name))
			reader->current = &reader->wants[i];
	}
	reader->len = 0;
}

static void reader_close(void *parser, const XML_Char *name)
{
	struct xml_reader *reader = XML_GetUserData(parser);

	(void)name;
	reader->depth--;
	reader->current = NULL;
}

static void reader_text(void *parser, const XML_Char *text, int len)
{
	struct xml_reader *reader = XML_GetUserData(parser);
	size_t room;

	if (!reader->current)
		return;
	room = reader->current->size - 1 - reader->len;
	if ((size_t)len < room)
		room = len;
	memcpy(reader->current->to + reader->len, text, room);
	reader->len += room;
	reader->current->to[reader->len] = '\0';
}

bool xml_read(const char *data, size_t len, const struct xml_want *root,
	      const struct xml_want *wants, size_t count)
{
	struct xml_reader reader = { .root = root, .wants = wants, .count = count };
	XML_Parser parser;
	bool good;

	*root->to = '\0';
	for (size_t i = 0; i < count; i++)
		*wants[i].to = '\0';
	parser = xml_parser_new(&reader, reader_open, reader_close, reader_text);
	if (!parser)
		return false;
	good = XML_Parse(parser, data, len, XML_TRUE) == XML_STATUS_OK;
	XML_ParserFree(parser);
	return good;
}

/* ---- writing ---- */

/* Length of the UTF-8 sequence at s, which must encode a character that XML 1.0 has; 0: it does not. */
static size_t xml_character(const unsigned char *s)
{
	unsigned int code, len;

	if (s[0] < 0x80)
		return s[0] >= ' ' || s[0] == '\t' || s[0] == '\n' || s[0] == '\r';
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	code = s[0] & (0xff >> (len + 1));
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (unsigned int i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if ((len == 3 && code < 0x800) || (len == 4 && (code < 0x10000 || code > 0x10ffff)) ||
	    (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff)
		return 0;
	return len;
}

bool xml_can_carry(const char *s)
{
	size_t len;

	for (; *s; s += len) {
		len = xml_character((const unsigned char *)s);
		if (!len)
			return false;
	}
	return true;
}

void xml_escape(struct text *out, const char *s)
{
	/* Line ends and tabs would be normalised when read. */
	static const char special[] = "&<>\"'\r\n\t";
	static const char *const written[] = {
		"&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#13;", "&#10;", "&#9;",
	};
	size_t plain;

	for (;;) {
		plain = strcspn(s, special);
		text_add(out, s, plain);
		s += plain;
		if (!*s)
			return;
		text_puts(out, written[strchr(special, *s++) - special]);
	}
}
