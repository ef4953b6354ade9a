// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "ingress_tls.h"
#include "log.h"

#define CHAIN_MAX	16	/* certificates */
#define KEY_ID_MAX	64	/* bytes of a key's digest */

struct generation {
	struct generation *older;	/* kept to the end: a handshake may still be at it */
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned int length;
	gnutls_privkey_t key;
};

static struct {
	const char *certificate, *key;
	struct timespec changed;	/* the certificate file, when it was read */
	struct timespec wrong;		/* and when that was logged to have failed */
	struct generation *newest;
} tls;

static void generation_free(struct generation *generation)
{
	for (unsigned int i = 0; i < generation->length; i++)
		gnutls_pcert_deinit(&generation->chain[i]);
	if (generation->key)
		gnutls_privkey_deinit(generation->key);
	free(generation);
}

static int chain_read(struct generation *generation)
{
	unsigned int length = CHAIN_MAX;
	int ret = gnutls_pcert_list_import_x509_file(generation->chain, &length, tls.certificate, GNUTLS_X509_FMT_PEM, NULL,
						     NULL, 0);

	if (!ret)
		generation->length = length;
	return ret;
}

static int key_read(struct generation *generation)
{
	gnutls_datum_t text;
	int ret = gnutls_load_file(tls.key, &text);

	if (ret)
		return ret;
	ret = gnutls_privkey_init(&generation->key);
	if (!ret)
		ret = gnutls_privkey_import_x509_raw(generation->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	explicit_bzero(text.data, text.size);
	gnutls_free(text.data);
	return ret;
}

/* Is the key the certificate's? */
static int key_check(const struct generation *generation)
{
	unsigned char of_key[KEY_ID_MAX], of_certificate[KEY_ID_MAX];
	size_t key_len = sizeof(of_key), certificate_len = sizeof(of_certificate);
	gnutls_pubkey_t public;
	int ret = gnutls_pubkey_init(&public);

	if (ret)
		return ret;
	ret = gnutls_pubkey_import_privkey(public, generation->key, 0, 0);
	if (!ret)
		ret = gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, of_key, &key_len);
	gnutls_pubkey_deinit(public);
	if (!ret)
		ret = gnutls_pubkey_get_key_id(generation->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_certificate,
					       &certificate_len);
	if (!ret && (key_len != certificate_len || memcmp(of_key, of_certificate, key_len)))
		ret = GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
	return ret;
}

/* NULL after it was logged, if it is to be. */
static struct generation *generation_read(bool quiet)
{
	struct generation *generation = calloc(1, sizeof(*generation));
	const char *path = tls.certificate;
	int ret = generation ? chain_read(generation) : GNUTLS_E_MEMORY_ERROR;

	if (!ret) {
		path = tls.key;
		ret = key_read(generation);
	}
	if (!ret)
		ret = key_check(generation);
	if (!ret)
		return generation;
	if (!quiet)
		log_error("[ingress] %s: %s", path, gnutls_strerror(ret));
	if (generation)
		generation_free(generation);
	return NULL;
}

/* When the certificate file was last changed; zero: it is not there. */
static struct timespec certificate_changed(void)
{
	struct stat st;

	return stat(tls.certificate, &st) ? (struct timespec){ 0 } : st.st_mtim;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool ingress_tls_start(const char *certificate, const char *key)
{
	tls.certificate = certificate;
	tls.key = key;
	tls.changed = certificate_changed();
	tls.newest = generation_read(false);
	return tls.newest;
}

void ingress_tls_stop(void)
{
	struct generation *generation;

	while ((generation = tls.newest)) {
		tls.newest = generation->older;
		generation_free(generation);
	}
}

static void tls_renew(void)
{
	struct timespec changed = certificate_changed();
	struct generation *fresh;

	if (!changed.tv_sec || same_time(changed, tls.changed))
		return;
	fresh = generation_read(same_time(changed, tls.wrong));
	if (!fresh) {
		tls.wrong = changed;	/* its key may come a moment later: the next connection tries again */
		return;
	}
	fresh->older = tls.newest;
	tls.newest = fresh;
	tls.changed = changed;
	log_info("[ingress] %s was read again", tls.certificate);
}

int ingress_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *names, int nr_names,
			 const gnutls_pk_algorithm_t *algorithms, int nr_algorithms, gnutls_pcert_st **chain,
			 unsigned int *length, gnutls_privkey_t *key)
{
	(void)session;
	(void)names;
	(void)nr_names;
	(void)algorithms;
	(void)nr_algorithms;
	tls_renew();
	*chain = tls.newest->chain;
	*length = tls.newest->length;
	*key = tls.newest->key;
	return 0;
}
