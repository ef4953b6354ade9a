/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages for the operator, on standard error, a line each, with the
 * journal's priority prefix (sd-daemon(3)). Each call site may write
 * LOG_BURST lines in LOG_INTERVAL_MS; what it drops it counts and says later.
 * So nothing that a guest does can flood the log. Any thread may call.
 */
#ifndef NEXUS_LOG_H
#define NEXUS_LOG_H

#include <stdint.h>
#include <syslog.h>

#define LOG_BURST	10
#define LOG_INTERVAL_MS	10000

struct log_site {
	uint64_t since_ms;	/* start of the interval */
	uint32_t count;		/* lines wanted in it */
};

void log_write(struct log_site *site, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_at(priority, ...) do {				\
	static struct log_site site_;				\
	log_write(&site_, priority, __VA_ARGS__);		\
} while (0)

#define log_error(...)		log_at(LOG_ERR, __VA_ARGS__)
#define log_warning(...)	log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)		log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)		log_at(LOG_INFO, __VA_ARGS__)

#endif
