// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "op.h"
#include "origin.h"

/* As an [endpoint] without these keys. */
#define CONNECT_TIMEOUT_MS	5000
#define STALL_TIMEOUT_MS	30000
#define IDLE_TIMEOUT_MS		60000
#define MAX_CONNECTIONS		16

static char *origin_part(struct op *op, CURLU *url, CURLUPart part, unsigned int flags)
{
	char *text = NULL, *copy = NULL;

	if (!curl_url_get(url, part, &text, flags))
		copy = op_strdup(op, text);
	curl_free(text);
	return copy;
}

/* In lower case, without the dot of an absolute name. */
static bool host_normalize(char *host)
{
	size_t len = strlen(host);

	for (char *p = host; *p; p++)
		*p = tolower((unsigned char)*p);
	if (len && host[len - 1] == '.')
		host[--len] = '\0';
	if (*host == '[')
		return len > 2 && host[len - 1] == ']' && strspn(host + 1, "0123456789abcdef:.") == len - 2;
	return len && strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	}
	return true;
}

static char *origin_print(struct op *op, const char *a, const char *between, const char *b)
{
	char *text = op_alloc(op, strlen(a) + strlen(between) + strlen(b) + 1);

	return strcat(strcat(strcpy(text, a), between), b);
}

static const char *origin_fill(struct op *op, CURLU *url, struct origin *origin)
{
	char *scheme = origin_part(op, url, CURLUPART_SCHEME, 0);
	char *host = origin_part(op, url, CURLUPART_HOST, 0);
	char *port = origin_part(op, url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	char *path = origin_part(op, url, CURLUPART_PATH, 0);
	char *query = origin_part(op, url, CURLUPART_QUERY, 0);
	struct endpoint *endpoint = &origin->endpoint;

	if (!scheme || !host || !port || !path || (strcmp(scheme, "http") && strcmp(scheme, "https")))
		return "write an absolute URL of http or https";
	if (!host_normalize(host))
		return "the host's name has other characters than a-z 0-9 - _ . (write it in punycode)";
	if (!is_plain(path) || (query && !is_plain(query)))
		return "percent-encode characters that are not printable ASCII";
	*endpoint = (struct endpoint){
		.name = "http", .service = "http", .region = "", .path_style = true, .filtered = true,
		.tls = !strcmp(scheme, "https"), .port = atoi(port),
		.connect_timeout_ms = CONNECT_TIMEOUT_MS, .stall_timeout_ms = STALL_TIMEOUT_MS,
		.idle_timeout_ms = IDLE_TIMEOUT_MS, .max_connections = MAX_CONNECTIONS,
	};
	if (!endpoint->port)
		return "there is no port 0";
	endpoint->host = *host == '[' ? op_strndup(op, host + 1, strlen(host) - 2) : host;
	endpoint->authority = endpoint->port == (endpoint->tls ? 443 : 80) ? host : origin_print(op, host, ":", port);
	endpoint->url = origin_print(op, scheme, "://", endpoint->authority);
	origin->target = query ? origin_print(op, path, "?", query) : path;
	origin->url = origin_print(op, endpoint->url, "", origin->target);
	return NULL;
}

int origin_parse(struct op *op, const char *base, const char *text, struct origin *origin)
{
	const char *wrong = NULL;
	CURLUcode code = CURLUE_OK;
	CURLU *url = curl_url();

	if (!url)
		return op_error(op, -ENOMEM, "NexusInternal", "out of memory");
	if (base)
		code = curl_url_set(url, CURLUPART_URL, base, 0);
	if (!code)
		code = curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
	wrong = code ? curl_url_strerror(code) : origin_fill(op, url, origin);
	curl_url_cleanup(url);
	if (wrong)
		return op_error(op, -EINVAL, "NexusBadRequest", "the URL \"%.200s\": %s", text, wrong);
	return 0;
}

/* A URL says the same, and is checked and normalized as one. */
int origin_grpc(struct op *op, const Nexus__V1__GrpcStart *start, struct origin *origin)
{
	static const char *const schemes[] = { "dns:///", "dns:", "ipv4:", "ipv6:", NULL };
	const char *target = start ? start->target : "", *method = start ? start->method : "";
	char *url;

	for (const char *const *scheme = schemes; *scheme; scheme++) {
		if (!strncmp(target, *scheme, strlen(*scheme))) {
			target += strlen(*scheme);
			break;
		}
	}
	if (!*target || strpbrk(target, "/?#@\\"))
		return op_error(op, -EINVAL, "NexusBadRequest", "the target \"%.200s\": write HOST:PORT, dns:///HOST:PORT, "
				"ipv4:ADDRESS:PORT or ipv6:[ADDRESS]:PORT", start ? start->target : "");
	if (*method != '/' || !method[1] || !strchr(method + 1, '/') || strpbrk(method, "?#%"))
		return op_error(op, -EINVAL, "NexusBadRequest", "the method \"%.200s\": write /PACKAGE.SERVICE/METHOD", method);
	url = op_alloc(op, strlen(target) + strlen(method) + 16);
	sprintf(url, "%s://%s%s", start->tls ? "https" : "http", target, method);
	if (origin_parse(op, NULL, url, origin))
		return -EINVAL;
	origin->endpoint.h2 = true;
	return 0;
}

int origin_grpc_authority(struct op *op, const Nexus__V1__GrpcStart *start, struct origin *origin)
{
	char *url;

	if (strpbrk(start->authority, "/?#@\\"))
		return op_error(op, -EINVAL, "NexusBadRequest", "the authority \"%.200s\": write HOST or HOST:PORT",
				start->authority);
	url = op_alloc(op, strlen(start->authority) + 16);
	sprintf(url, "%s://%s/", start->tls ? "https" : "http", start->authority);
	return origin_parse(op, NULL, url, origin);
}
