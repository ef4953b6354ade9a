// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include "gateway.h"

#define TEXT_MAX	4096	/* bytes of one value */

struct xml {
	XML_Parser parser;
	const char *element;	/* of an item */
	size_t max, nr, cap;
	struct xml_item *items;
	bool inside, quiet;
	char text[TEXT_MAX];
	size_t len;
	int error;
};

static void xml_stop(struct xml *xml, int error)
{
	xml->error = error;
	XML_StopParser(xml->parser, XML_FALSE);
}

static void xml_start(void *arg, const char *name, const char **attributes)
{
	struct xml *xml = arg;
	struct xml_item *grown;

	(void)attributes;
	xml->len = 0;
	if (strcmp(name, xml->element))
		return;
	if (xml->nr == xml->max) {
		xml_stop(xml, -E2BIG);
		return;
	}
	if (xml->nr == xml->cap) {
		xml->cap = xml->cap ? 2 * xml->cap : 16;
		grown = realloc(xml->items, xml->cap * sizeof(*grown));
		if (!grown) {
			xml_stop(xml, -ENOMEM);
			return;
		}
		xml->items = grown;
	}
	xml->items[xml->nr++] = (struct xml_item){ 0 };
	xml->inside = true;
}

static void xml_text(void *arg, const char *text, int len)
{
	struct xml *xml = arg;

	if (xml->len + len >= sizeof(xml->text)) {
		xml_stop(xml, -EINVAL);
		return;
	}
	memcpy(xml->text + xml->len, text, len);
	xml->len += len;
}

static void xml_end(void *arg, const char *name)
{
	struct xml *xml = arg;
	struct xml_item *item = xml->inside ? &xml->items[xml->nr - 1] : NULL;
	char **to = NULL;

	xml->text[xml->len] = '\0';
	if (!strcmp(name, xml->element))
		xml->inside = false;
	else if (!item && !strcmp(name, "Quiet"))
		xml->quiet = !strcmp(xml->text, "true");
	else if (item && !strcmp(name, "PartNumber"))
		item->number = strtoul(xml->text, NULL, 10);
	else if (item && (!strcmp(name, "Key") || !strcmp(name, "ETag")))
		to = &item->key;
	else if (item && !strcmp(name, "VersionId"))
		to = &item->version_id;
	if (!to)
		return;
	free(*to);
	*to = strdup(xml->text);
	if (!*to)
		xml_stop(xml, -ENOMEM);
}

void xml_items_free(struct xml_item *items, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(items[i].key);
		free(items[i].version_id);
	}
	free(items);
}

int xml_items(const char *text, size_t len, const char *element, size_t max, struct xml_item **items, bool *quiet)
{
	struct xml xml = { .parser = XML_ParserCreate(NULL), .element = element, .max = max };
	bool fine;

	if (!xml.parser)
		return -ENOMEM;
	XML_SetUserData(xml.parser, &xml);
	XML_SetElementHandler(xml.parser, xml_start, xml_end);
	XML_SetCharacterDataHandler(xml.parser, xml_text);
	fine = XML_Parse(xml.parser, text, len, 1) == XML_STATUS_OK;
	XML_ParserFree(xml.parser);
	for (size_t i = 0; fine && i < xml.nr; i++)
		fine = xml.items[i].key;
	if (!fine || !xml.nr) {
		xml_items_free(xml.items, xml.nr);
		return xml.error ? xml.error : -EINVAL;
	}
	*items = xml.items;
	*quiet = xml.quiet;
	return xml.nr;
}
