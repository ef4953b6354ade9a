/* SPDX-License-Identifier: GPL-2.0-only */
/* What a tenant may do: asked before an operation starts, so before any I/O. */
#ifndef NEXUS_POLICY_H
#define NEXUS_POLICY_H

/*
 * Refuses with -EACCES NexusPolicyDenied a bucket outside the allow-list; with
 * -EINVAL NexusBadRequest no object name, or a bucket's name that is not one.
 */
extern const struct gate policy_gate;

#endif
