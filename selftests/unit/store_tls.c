// SPDX-License-Identifier: GPL-2.0-only
/* TLS: certificates are verified, and payload of many records arrives whole in windows of any size. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
static SSL_CTX *context, *expired;
static char body[BODY], uploaded[BODY];
static char ca_file[] = "/tmp/nexus-store-tls-XXXXXX", other_file[] = "/tmp/nexus-store-tls-XXXXXX",
	    expired_file[] = "/tmp/nexus-store-tls-XXXXXX";
static unsigned int accepted, reused;	/* connections with a request, and those of them that resumed a session */
static char offered[64];		/* ALPN's protocols, as sent last */

static void make_certificate(char *path, long seconds)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	FILE *file = fdopen(mkstemp(path), "w");

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
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

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
			   unsigned int in_len, void *arg)
{
	(void)ssl;
	(void)arg;
	snprintf(offered, sizeof(offered), "%.*s", (int)in_len, (const char *)in);
	*out = in + 1;
	*out_len = *in;
	return SSL_TLSEXT_ERR_OK;
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
		if (SSL_accept(ssl) == 1 && !read_head(ssl, head, sizeof(head))) {
			/* Before the answer, so that who got it sees the count; a client that refuses us sends no request. */
			accepted++;
			reused += SSL_session_reused(ssl);
			do {
				answer(ssl, head);
			} while (!read_head(ssl, head, sizeof(head)));
		}
		SSL_shutdown(ssl);	/* or OpenSSL forgets the session */
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

/* One get over a connection of its own: the one before is idle for too long by now. */
static bool get_anew(void)
{
	bool ok;

	harness_run_ms(&harness, 100);
	get(BODY);
	ok = call.finished && !call.status;
	call_free(&call);
	return ok;
}

static void open_anew(void)
{
	harness_close(&harness);
	open_tls();
	harness.endpoint.ca_file = ca_file;
	harness.endpoint.idle_timeout_ms = 30;
	accepted = reused = 0;
}

static void test_sessions(void)
{
	struct tenant other;
	bool ok;

	open_anew();
	ok = get_anew() && get_anew() && get_anew();
	tap_ok(ok && accepted == 3 && reused == 2,
	       "of %u connections all but the first resume the session (%u)", accepted, reused);
	other = harness.tenant;
	other.name = "other";
	harness.as = &other;
	tap_ok(get_anew() && accepted == 4 && reused == 2, "another tenant's first one does not");
	tap_ok(get_anew() && accepted == 5 && reused == 3, "its second one does");
	tap_ok(!strcmp(offered, "\x08http/1.1"), "no other protocol than HTTP/1.1 is offered");
}

/* TLS 1.2 resumes in another way: by a ticket, or by an identifier that the server knows again. */
static void test_sessions_1_2(bool tickets)
{
	static const unsigned char id[] = "store";
	bool ok;

	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_session_id_context(context, id, sizeof(id));
	if (!tickets)
		SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	open_anew();
	ok = get_anew() && get_anew() && get_anew();
	tap_ok(ok && accepted == 3 && reused == 2, "TLS 1.2, a server %s tickets: of %u connections all but the first resume (%u)",
	       tickets ? "with" : "without", accepted, reused);
	SSL_CTX_set_max_proto_version(context, 0);
	SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
}

static void test_tenants_ca(void)
{
	open_anew();
	harness.endpoint.ca_file = other_file;
	harness.tenant.ca_file = ca_file;
	tap_ok(get_anew(), "a tenant's certificates count, not the endpoint's");
	open_anew();
	harness.tenant.ca_file = other_file;
	fails("also where only the endpoint's would fit");
}

/* One that is trusted, but over. */
static void test_expired(void)
{
	SSL_CTX *good = context;

	open_anew();
	context = expired;
	harness.endpoint.ca_file = expired_file;
	get(64);
	tap_ok(call.finished && call.status == -EPROTO && strstr(call_message(&call), "expired"),
	       "an expired certificate is refused: %s", call_message(&call));
	call_free(&call);
	context = good;
}

/*
 * The descriptors of the socket that leads to the server, libcurl's and ours: its keep-alive, and how long a
 * silent peer is waited for.
 */
static void test_sockets(void)
{
	unsigned int found = 0, alive = 0, limited = 0, value;
	struct sockaddr_in peer;
	socklen_t len;

	open_anew();
	get(BODY);
	call_free(&call);
	for (int fd = 3; fd < 256; fd++) {
		len = sizeof(peer);
		if (getpeername(fd, (struct sockaddr *)&peer, &len) || peer.sin_family != AF_INET ||
		    ntohs(peer.sin_port) != server.port)
			continue;
		found++;
		len = sizeof(value);
		alive += !getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len) && value;
		limited += !getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &len) &&
			   value == harness.endpoint.stall_timeout_ms;
	}
	tap_is(found, 2, "a connection stays");
	tap_is(alive, 2, "its peer is probed");
	tap_is(limited, 2, "and given up after stall_timeout");
}

int main(void)
{
	static const uint32_t windows[] = { BODY, 2 * BODY, 65536, 16384, 1000, 33333 };

	/* The server's side writes to connections that the client has closed. */
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < BODY; i++)
		body[i] = (i * 2654435761u) >> 11;
	make_certificate(other_file, 3600);
	SSL_CTX_free(context);
	make_certificate(expired_file, -60);
	expired = context;
	make_certificate(ca_file, 3600);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
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
	test_sessions();
	test_sessions_1_2(true);
	test_sessions_1_2(false);
	test_tenants_ca();
	test_expired();
	test_sockets();
	harness_close(&harness);
	server_stop(&server);
	SSL_CTX_free(context);
	SSL_CTX_free(expired);
	unlink(ca_file);
	unlink(other_file);
	unlink(expired_file);
	return tap_done();
}
