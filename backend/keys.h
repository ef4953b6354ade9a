/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps the tenants' credentials valid while the daemon runs: files that change
 * are read again, keys of metadata services are refreshed before they expire.
 * The main thread's; workers see new keys at their next look (tenant.h).
 */
#ifndef NEXUS_KEYS_H
#define NEXUS_KEYS_H

struct config;
struct loop;
struct tenant;

/*
 * Begin, and run the loop until every metadata service was asked once, at most
 * KEYS_FIRST_MS, so that no operation meets a tenant without keys for no other
 * reason. 0 or -ENOMEM.
 */
int keys_start(struct loop *loop, struct config *config);
void keys_stop(void);
#define KEYS_FIRST_MS 3000

/* Ask at once: the tenant's source may be another one. */
void keys_again(struct tenant *tenant);

#endif
