# SPDX-License-Identifier: GPL-2.0-only
#
# make            builds everything into build/
# make run        the main job: an object through a microVM without a network
# make test       every test; TESTS=WORD those whose name contains WORD
# make test-kernels  the module's tests on every supported kernel
# make debug-kernel  builds a kernel that watches itself; 10 minutes, once
# make test-debug  the module's tests on that kernel
# make lint       the kernel's own judges over the module and uapi/
# make bench      the proof: Nexus against what it replaces; build/bench.json, build/bench.html; goes on where it was
#                 interrupted; half an hour on two idle processors
# make bench-quick  its headline's case only; some minutes
# make bench-compare BASE=old.json  what grew since
# make bench-unix  the daemon against wrk and curl, over the unix transport; 5 minutes
# make bench-fairness  one tenant's latency beside another at full blast; two minutes
# make bench-timeline  a cold invocation drawn: what overlaps, what that saves; 10 minutes
# make bench-machines  QEMU's types of machine beside each other; 5 minutes
# make bench-exact  a GET's cost in instructions, against libcurl over virtio-net; 3 minutes
# make setup      installs what the build and the tests need (Debian packages)
# make install    into $(DESTDIR)$(PREFIX)

KERNEL ?= 6.1
KERNELS ?= 6.1 6.12 7
PREFIX ?= /usr/local
top := $(CURDIR)
O ?= $(top)/build

.PHONY: all kmod backend guest-lib selftests setup run lint test test-kernels debug-kernel test-debug install clean help bench bench-quick bench-compare bench-unix bench-fairness bench-exact bench-timeline bench-machines

all: kmod backend guest-lib selftests

help:
	@sed -n 's/^# //p' Makefile

setup:
	@selftests/setup

# The kernel's build writes beside its sources: it gets a tree of links.
kmod_tree := $(O)/kmod/$(KERNEL)

kmod:
	@mkdir -p $(kmod_tree)/kmod
	@ln -sfn $(top)/uapi $(kmod_tree)/uapi
	@ln -sf $(top)/kmod/* $(kmod_tree)/kmod/
	headers=$$(selftests/vhost/kernel --kernel $(KERNEL) headers) && \
		$(MAKE) --no-print-directory -C "$$headers" O="$$headers" M=$(kmod_tree)/kmod modules

backend guest-lib:
	$(MAKE) --no-print-directory -C $@ O=$(O)/$@

selftests: backend guest-lib
	$(MAKE) --no-print-directory -C selftests O=$(O) KERNEL=$(KERNEL)

run: setup
	@mkdir -p $(O)
	@echo "building"
	@$(MAKE) --no-print-directory all >$(O)/make.log 2>&1 || { cat $(O)/make.log; exit 1; }
	@selftests/main-job $(if $(INPUT),--input '$(INPUT)') $(if $(OUTPUT),--output '$(OUTPUT)')

test: setup all
	@$(MAKE) --no-print-directory -s -C selftests O=$(O) images
	@NEXUS_KERNEL=$(KERNEL) selftests/run-tests $(TESTS)

test-kernels: setup selftests
	@for k in $(KERNELS); do \
		$(MAKE) --no-print-directory kmod KERNEL=$$k && \
		$(MAKE) --no-print-directory -C selftests O=$(O) KERNEL=$$k modules || exit; \
	done
	@NEXUS_BUILD=$(O) selftests/kmod-matrix $(KERNELS)

lint:
	@selftests/kmod-lint

debug-kernel:
	@selftests/debug-kernel/kernel setup
	@selftests/debug-kernel/kernel build

test-debug: setup debug-kernel
	@$(MAKE) --no-print-directory kmod KERNEL=debug
	@$(MAKE) --no-print-directory -C selftests O=$(O) KERNEL=debug kmod-tests
	@$(MAKE) --no-print-directory -C selftests/debug-kernel O=$(O)
	@selftests/debug-kernel/test $(TESTS)

bench bench-quick: setup all
	@selftests/setup bench
	@$(MAKE) --no-print-directory -s -C selftests/bench/proof O=$(O) wasm
	@$(if $(filter bench,$@),[ $(O)/bench.unix.json -nt $(O)/backend/nexus-backend ] || NEXUS_BUILD=$(O) selftests/bench/unix --json $(O)/bench.unix.json)
	@NEXUS_BUILD=$(O) selftests/bench/proof/run $(if $(filter bench-quick,$@),--quick)

bench-compare:
	@selftests/bench/proof/compare.py $(or $(BASE),$(error BASE=FILE is missing: the bench.json of another run)) $(O)/bench.json

bench-unix: setup all
	@selftests/setup bench
	@NEXUS_BUILD=$(O) selftests/bench/unix $(if $(JSON),--json '$(JSON)')

bench-fairness: setup all
	@selftests/setup bench
	@NEXUS_BUILD=$(O) selftests/bench/fairness

bench-exact: setup all
	@selftests/setup bench
	@NEXUS_BUILD=$(O) selftests/bench/exact $(if $(JSON),--json '$(JSON)')

bench-timeline: setup all
	@NEXUS_BUILD=$(O) selftests/bench/timeline

bench-machines: setup all
	@NEXUS_BUILD=$(O) selftests/bench/machines

install: all
	$(MAKE) --no-print-directory -C backend O=$(O)/backend PREFIX=$(PREFIX) install
	$(MAKE) --no-print-directory -C guest-lib O=$(O)/guest-lib PREFIX=$(PREFIX) install

clean:
	rm -rf $(O)
