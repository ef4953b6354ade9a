/* SPDX-License-Identifier: GPL-2.0-only */
/* Verbs about functions and the microVMs that run them; rows of control_verbs[]. */
#ifndef NEXUS_CONTROL_FUNCTIONS_H
#define NEXUS_CONTROL_FUNCTIONS_H

#include "control.h"

struct config;

void control_functions_start(const struct config *config);

void verb_function_list(struct control_call *call, const json_t *arguments);
void verb_function_start(struct control_call *call, const json_t *arguments);
void verb_function_stop(struct control_call *call, const json_t *arguments);
void verb_function_snapshot(struct control_call *call, const json_t *arguments);
void verb_function_timeline(struct control_call *call, const json_t *arguments);
void verb_function_remove(struct control_call *call, const json_t *arguments);

#endif
