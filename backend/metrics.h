/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `metrics_listen` serves: GET /metrics, in Prometheus' text format
 * (version 0.0.4). In the main thread, which owns most of what is told.
 */
#ifndef NEXUS_METRICS_H
#define NEXUS_METRICS_H

struct config;
struct loop;

/* Listen, if it is configured. 0, or -errno after it logged why. */
int metrics_start(struct loop *loop, const struct config *config);
void metrics_stop(void);

/* All metrics of now; the caller frees. NULL: no memory. For metrics.c's server. */
char *metrics_text(const struct config *config);

#endif
