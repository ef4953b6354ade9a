# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests of the backend's core:
# make -C selftests/unit -f core.mk O=BUILD [SAN=address,undefined]
#
# O is the top build directory; the backend is built there. The daemon that
# test_core_hostile attacks is that one, with its sanitizers.

O ?= $(abspath ../../build)
out := $(O)/selftests/unit
FLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -pthread -I../../backend -I../../uapi -I$(O)/backend \
	 $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(if $(filter thread,$(SAN)),-Wno-tsan)

all: $(out)/test_core_loop $(out)/test_core_pack $(out)/test_core_hostile $(out)/test_core_instance $(out)/test_core_respond

.PHONY: all backend
backend:
	$(MAKE) --no-print-directory -C ../../backend O=$(O)/backend SAN=$(SAN)

$(out)/test_core_loop: core_loop.c ../tap.h backend
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -o $@ $< $(O)/backend/loop.o -luring

$(out)/test_core_pack: core_pack.c ../tap.h backend
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -o $@ $< $(O)/backend/request.o $(O)/backend/response.o $(O)/backend/nexus.pb-c.o -lprotobuf-c

$(out)/test_core_hostile $(out)/test_core_instance $(out)/test_core_respond: $(out)/test_core_%: core_%.c core_guest.c core_guest.h ../tap.h backend
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -DNEXUS_BACKEND='"$(abspath $(O))/backend/nexus-backend"' -o $@ $(filter %.c,$^) \
		$(O)/backend/nexus.pb-c.o -lprotobuf-c
