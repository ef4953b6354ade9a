/* SPDX-License-Identifier: GPL-2.0-only */
/* Small XML documents: what S3 answers with, and what it wants to be asked with. */
#ifndef NEXUS_XML_H
#define NEXUS_XML_H

#include <expat.h>
#include <stdbool.h>
#include <stddef.h>
#include "text.h"

/*
 * A parser of UTF-8, whatever the document says of itself, that stops at a
 * document type: no answer needs one, and entities of one's own are an attack.
 * Its handlers get the parser as their argument; data is XML_GetUserData() of
 * that. NULL: no memory.
 */
XML_Parser xml_parser_new(void *data, XML_StartElementHandler open, XML_EndElementHandler close,
			  XML_CharacterDataHandler text);

/* A child of the root, and where its text goes: cut at size - 1 bytes, "" when absent. */
struct xml_want {
	const char *name;
	char *to;
	size_t size;
};

/*
 * Read a whole document: the root's name into root.to, and its children's
 * texts. false: it is not well-formed; what stands before the fault is there.
 */
bool xml_read(const char *data, size_t len, const struct xml_want *root,
	      const struct xml_want *wants, size_t count);

/* Can XML 1.0 carry it: UTF-8, and no control characters but tab and line ends? */
bool xml_can_carry(const char *s);

/* Write s so that a parser reads exactly s. */
void xml_escape(struct text *out, const char *s);

#endif
