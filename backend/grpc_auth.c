// SPDX-License-Identifier: GPL-2.0-only
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "config.h"
#include "grpc_auth.h"
#include "grpc_session.h"
#include "grpc_wire.h"

#define SCHEME	"Bearer "

static const struct caller *caller_of_token(const char *token, size_t len)
{
	const struct caller *caller = grpc_ingress.config->callers;

	while (caller && !(caller->token && strlen(caller->token) == len && !CRYPTO_memcmp(caller->token, token, len)))
		caller = caller->next;
	return caller;
}

/* The caller of the first token among the metadata that is one of ours; the field goes. */
static const struct caller *caller_of_metadata(struct grpc_metadata *metadata)
{
	const struct caller *caller;

	for (size_t i = 0; i < metadata->nr; i++) {
		struct grpc_field *field = &metadata->fields[i];

		if (strcmp(field->name, "authorization") || strncasecmp(field->value, SCHEME, strlen(SCHEME)))
			continue;
		caller = caller_of_token(field->value + strlen(SCHEME), field->len - strlen(SCHEME));
		if (!caller)
			continue;
		free(field->name);
		memmove(field, field + 1, (--metadata->nr - i) * sizeof(*field));
		return caller;
	}
	return NULL;
}

bool grpc_auth(const struct grpc_session *session, struct grpc_metadata *metadata, const struct tenant **tenant)
{
	const struct config *config = grpc_ingress.config;
	const struct caller *caller = session->caller;

	*tenant = NULL;
	if (!config->callers)
		return !config->ingress.grpc_client_ca || session->certified;
	if (!caller)
		caller = caller_of_metadata(metadata);
	if (caller)
		*tenant = caller->tenant;
	return caller;
}
