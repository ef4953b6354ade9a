// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "log.h"
#include "tls_server.h"

struct tls_server {
	const char *certificate, *key, *client_ca;
	struct timespec changed;	/* the certificate file, when it was read */
	SSL_CTX *context;
};

static int tls_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
		    unsigned int in_len, void *arg)
{
	static const unsigned char h2[] = { 2, 'h', '2' };

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)out, out_len, h2, sizeof(h2), in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *context_fail(SSL_CTX *context, const char *path)
{
	char text[160];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	log_error("[ingress] %s: %s", path, text);
	ERR_clear_error();
	SSL_CTX_free(context);
	return NULL;
}

/* NULL after it was logged. */
static SSL_CTX *context_new(const struct tls_server *server)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context)
		return context_fail(context, "TLS");
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			 SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(context, tls_alpn, NULL);
	if (SSL_CTX_use_certificate_chain_file(context, server->certificate) != 1)
		return context_fail(context, server->certificate);
	if (SSL_CTX_use_PrivateKey_file(context, server->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return context_fail(context, server->key);
	if (!server->client_ca)
		return context;
	if (SSL_CTX_load_verify_locations(context, server->client_ca, NULL) != 1)
		return context_fail(context, server->client_ca);
	SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(server->client_ca));
	/* Who shows none may have a token: each call is asked. */
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	/* A ticket of another context says nothing of its client. */
	SSL_CTX_set_session_id_context(context, (const unsigned char *)"nexus", 5);
	return context;
}

/* When the certificate file was last changed; zero: it is not there. */
static struct timespec certificate_changed(const struct tls_server *server)
{
	struct stat st;

	return stat(server->certificate, &st) ? (struct timespec){ 0 } : st.st_mtim;
}

struct tls_server *tls_server_new(const char *certificate, const char *key, const char *client_ca)
{
	struct tls_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	*server = (struct tls_server){ .certificate = certificate, .key = key, .client_ca = client_ca };
	server->changed = certificate_changed(server);
	server->context = context_new(server);
	if (server->context)
		return server;
	free(server);
	return NULL;
}

void tls_server_free(struct tls_server *server)
{
	if (server)
		SSL_CTX_free(server->context);
	free(server);
}

static void server_renew(struct tls_server *server)
{
	struct timespec changed = certificate_changed(server);
	SSL_CTX *fresh;

	if (!changed.tv_sec || (changed.tv_sec == server->changed.tv_sec && changed.tv_nsec == server->changed.tv_nsec))
		return;
	fresh = context_new(server);
	if (!fresh)
		return;		/* its key may come a moment later: the next connection tries again */
	server->changed = changed;
	SSL_CTX_free(server->context);
	server->context = fresh;
	log_info("[ingress] %s was read again", server->certificate);
}

SSL *tls_server_connection(struct tls_server *server, int fd)
{
	SSL *ssl;

	server_renew(server);
	ERR_clear_error();
	ssl = SSL_new(server->context);
	if (ssl && SSL_set_fd(ssl, fd) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

bool tls_is_h2(SSL *ssl)
{
	const unsigned char *name;
	unsigned int len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	return len == 2 && !memcmp(name, "h2", 2);
}

static bool string_is(const ASN1_STRING *string, const char *name)
{
	size_t len = strlen(name);

	return (size_t)ASN1_STRING_length(string) == len && !memcmp(ASN1_STRING_get0_data(string), name, len);
}

static bool general_name_is(const GENERAL_NAME *general, const char *name)
{
	return (general->type == GEN_DNS || general->type == GEN_URI || general->type == GEN_EMAIL) &&
	       string_is(general->d.ia5, name);
}

static bool common_name_is(const X509 *certificate, const char *name)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	return at >= 0 && string_is(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), name);
}

bool tls_client_has_certificate(SSL *ssl)
{
	return SSL_get0_peer_certificate(ssl) && SSL_get_verify_result(ssl) == X509_V_OK;
}

bool tls_client_is(SSL *ssl, const char *name)
{
	const X509 *certificate = SSL_get0_peer_certificate(ssl);
	GENERAL_NAMES *names;
	bool found = false;

	if (!tls_client_has_certificate(ssl))
		return false;
	names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	if (!names)
		return common_name_is(certificate, name);
	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
		found = general_name_is(sk_GENERAL_NAME_value(names, i), name);
	GENERAL_NAMES_free(names);
	return found;
}

static ssize_t tls_result(SSL *ssl, int ret)
{
	switch (SSL_get_error(ssl, ret)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return -ECONNRESET;
	}
}

ssize_t tls_write(SSL *ssl, const void *data, size_t len)
{
	size_t n;
	int ret;

	ERR_clear_error();
	ret = SSL_write_ex(ssl, data, len, &n);
	return ret == 1 ? (ssize_t)n : tls_result(ssl, ret);
}

ssize_t tls_read(SSL *ssl, void *data, size_t len)
{
	size_t n;
	int ret;

	ERR_clear_error();
	ret = SSL_read_ex(ssl, data, len, &n);
	return ret == 1 ? (ssize_t)n : tls_result(ssl, ret);
}
