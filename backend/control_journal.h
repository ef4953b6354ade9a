/* SPDX-License-Identifier: GPL-2.0-only */
/* Verbs about journaled writes that the store refused; control.h says how they answer. */
#ifndef NEXUS_CONTROL_JOURNAL_H
#define NEXUS_CONTROL_JOURNAL_H

#include "control.h"

void verb_journal_list(struct control_call *call, const json_t *arguments);
void verb_journal_retry(struct control_call *call, const json_t *arguments);
void verb_journal_drop(struct control_call *call, const json_t *arguments);

#endif
