/* SPDX-License-Identifier: GPL-2.0-only */
/* The certificate that the ingress shows its callers, and its key. After the start only the ingress' own thread uses it. */
#ifndef NEXUS_INGRESS_TLS_H
#define NEXUS_INGRESS_TLS_H

#include <gnutls/abstract.h>
#include <stdbool.h>

/* Read both from these files of PEM, whose names outlive it. False after the fault was logged. */
bool ingress_tls_start(const char *certificate, const char *key);
void ingress_tls_stop(void);	/* once nobody calls any more; fine without a start */

/*
 * For MHD_OPTION_HTTPS_CERT_CALLBACK: what to show on a new connection. A certificate file that has changed is read again
 * before; if it is wrong, or the key is not its own, that is logged, once, and the one before stays.
 */
int ingress_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *names, int nr_names,
			 const gnutls_pk_algorithm_t *algorithms, int nr_algorithms, gnutls_pcert_st **chain,
			 unsigned int *length, gnutls_privkey_t *key);

#endif
