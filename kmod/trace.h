/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: /sys/kernel/tracing/events/nexus/. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nexus

#if !defined(_NEXUS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NEXUS_TRACE_H

#include <linux/tracepoint.h>

#include "kvm.h"

TRACE_EVENT(nexus_hypercall,
	TP_PROTO(const struct kvm *kvm, const struct nexus_kvm_call *call, s64 ret),
	TP_ARGS(kvm, call, ret),
	TP_STRUCT__entry(
		__field(const void *, kvm)
		__field(u64, nr)
		__field(u64, a0)
		__field(u64, a1)
		__field(u64, a2)
		__field(s64, ret)
	),
	TP_fast_assign(
		__entry->kvm = kvm;
		__entry->nr = call->nr;
		__entry->a0 = call->args[0];
		__entry->a1 = call->args[1];
		__entry->a2 = call->args[2];
		__entry->ret = ret;
	),
	TP_printk("kvm=%p nr=0x%llx a0=0x%llx a1=0x%llx a2=0x%llx ret=%lld", __entry->kvm,
		  __entry->nr, __entry->a0, __entry->a1, __entry->a2, __entry->ret)
);

TRACE_EVENT(nexus_share,
	TP_PROTO(u32 vm, u64 channel, u64 address, u64 pages, s64 ret),
	TP_ARGS(vm, channel, address, pages, ret),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u64, channel)
		__field(u64, address)
		__field(u64, pages)
		__field(s64, ret)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->channel = channel;
		__entry->address = address;
		__entry->pages = pages;
		__entry->ret = ret;
	),
	TP_printk("vm=%u channel=%llu address=0x%llx pages=%llu ret=%lld", __entry->vm,
		  __entry->channel, __entry->address, __entry->pages, __entry->ret)
);

TRACE_EVENT(nexus_kick,
	TP_PROTO(u32 vm, u64 channel),
	TP_ARGS(vm, channel),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u64, channel)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->channel = channel;
	),
	TP_printk("vm=%u channel=%llu", __entry->vm, __entry->channel)
);

TRACE_EVENT(nexus_wake,
	TP_PROTO(u32 vm, u64 channel, unsigned int vcpus),
	TP_ARGS(vm, channel, vcpus),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u64, channel)
		__field(unsigned int, vcpus)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->channel = channel;
		__entry->vcpus = vcpus;
	),
	TP_printk("vm=%u channel=%llu vcpus=%u", __entry->vm, __entry->channel, __entry->vcpus)
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
