/* SPDX-License-Identifier: GPL-2.0-only */
/* What a tenant may do: asked before an operation starts, so before any I/O. */
#ifndef NEXUS_POLICY_H
#define NEXUS_POLICY_H

struct op;

/*
 * 0, or the status of op_error(): -EACCES NexusPolicyDenied a bucket outside
 * the allow-list; -EINVAL NexusBadRequest no object name, or a bucket's name
 * that is not one.
 */
int policy_check(struct op *op);

#endif
