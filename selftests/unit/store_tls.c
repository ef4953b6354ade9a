// SPDX-License-Identifier: GPL-2.0-only
/* TLS: certificates are verified, and payload of many records arrives whole in windows of any size. */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "store_harness.h"
#include "store_server.h"

#define BODY	1000000

static struct harness harness;
static struct server server;
static struct call call;
static SSL_CTX *context;
static char body[BODY], uploaded[BODY];
static char ca_file[] = "/tmp/nexus-store-tls-XXXXXX";

static void make_certificate(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	FILE *file = fdopen(mkstemp(ca_file), "w");

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"store", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	X509_add_ext(certificate, san, -1);
	if (!X509_sign(certificate, key, EVP_sha256()) || !file || !PEM_write_X509(file, certificate))
		tap_bail("certificate");
	fclose(file);
	context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(context, certificate);
	SSL_CTX_use_PrivateKey(context, key);
	X509_EXTENSION_free(san);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static int read_head(SSL *ssl, char *head, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && SSL_read(ssl, head + len, 1) == 1) {
		head[++len] = '\0';
		if (len >= 4 && !memcmp(head + len - 4, "\r\n\r\n", 4))
			return 0;
	}
	return -1;
}

static void answer(SSL *ssl, const char *head)
{
	char line[128];
	size_t done = 0;
	int n;

	if (!strncmp(head, "PUT", 3)) {
		while (done < BODY && (n = SSL_read(ssl, uploaded + done, BODY - done)) > 0)
			done += n;
		SSL_write(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 38);
		return;
	}
	/* Head and payload in one record: what follows the head waits decrypted within libcurl. */
	n = snprintf(line, sizeof(line), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
	memcpy(line + n, body, 20);
	SSL_write(ssl, line, n + 20);
	SSL_write(ssl, body + 20, BODY - 20);
}

static void serve_tls(struct server *s)
{
	char head[8192];
	int fd;
	SSL *ssl;

	while ((fd = server_accept(s)) >= 0) {
		ssl = SSL_new(context);
		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1) {
			while (!read_head(ssl, head, sizeof(head)))
				answer(ssl, head);
		}
		SSL_free(ssl);
		close(fd);
	}
}

static void get(uint32_t window)
{
	call.window_size = window;
	call_start(&harness, &call, &s3_get_type, request_get("data", "key", ""));
	harness_run(&harness, &call, 10000);
}

static void fails(const char *what)
{
	get(64);
	tap_ok(call.finished && call.status == -EPROTO && !strcmp(call_code(&call), "NexusConnectionFailed"), "%s", what);
	printf("#   %s\n", call_message(&call));
	call_free(&call);
}

static void open_tls(void)
{
	harness_open(&harness, server.port);
	harness.endpoint.tls = true;
	snprintf(harness.url, sizeof(harness.url), "https://127.0.0.1:%u", server.port);
}

int main(void)
{
	static const uint32_t windows[] = { BODY, 2 * BODY, 65536, 16384, 1000, 33333 };

	/* The server's side writes to connections that the client has closed. */
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < BODY; i++)
		body[i] = (i * 2654435761u) >> 11;
	make_certificate();
	server_start(&server, serve_tls, NULL);
	open_tls();

	fails("a certificate that the system does not know is refused");
	harness.endpoint.ca_file = ca_file;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		get(windows[i]);
		tap_ok(call.finished && !call.status && call.received_len == BODY && !memcmp(call.received, body, BODY),
		       "get of %d bytes in windows of %u", BODY, windows[i]);
		call_free(&call);
	}
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		memset(uploaded, 0, BODY);
		call.upload = body;
		call.upload_len = BODY;
		call.window_size = windows[i];
		call_start(&harness, &call, &s3_put_type, request_put("data", "key", BODY));
		harness_run(&harness, &call, 10000);
		tap_ok(call.finished && !call.status && !memcmp(uploaded, body, BODY),
		       "put of %d bytes in windows of %u", BODY, windows[i]);
		call_free(&call);
	}
	tap_is(harness_counters(&harness).store_connections, 2, "all over one connection after the refused one");
	harness_close(&harness);
	open_tls();
	harness.endpoint.ca_file = ca_file;
	harness.endpoint.host = "localhost";
	fails("a certificate of another host is refused");
	harness_close(&harness);
	server_stop(&server);
	SSL_CTX_free(context);
	unlink(ca_file);
	return tap_done();
}
