/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration read again while the daemon runs: tenants' rules, quotas
 * and credentials take effect at once; everything else waits for a restart.
 */
#ifndef NEXUS_RELOAD_H
#define NEXUS_RELOAD_H

struct config;

/* What is reloaded, and from where. Both stay. */
void reload_start(struct config *config, const char *dir);

/* 0; or -EINVAL: nothing changed, and *error (the caller frees it) says what is wrong. In the main thread. */
int reload(char **error);

#endif
