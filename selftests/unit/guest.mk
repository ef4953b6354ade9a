# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests of guest-lib and of the rings:
# make -C selftests/unit -f guest.mk O=BUILD [SAN=address,undefined]
#
# O is the top build directory; guest-lib is built there, a second time under
# sanitizers, which the tests always use.

O ?= $(abspath ../../build)
out := $(O)/selftests/unit
lib := $(O)/guest-lib-san
SAN ?= address,undefined
CFLAGS ?= -O1 -g
FLAGS := -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -I$(lib) -fno-omit-frame-pointer
PROGRAMS := ring ring_tsan arena pin environment transfer quiet hostile pack

all: $(PROGRAMS:%=$(out)/test_guest_%)

# gcc warns that it does not check the fences; the entries and tails it does.
$(out)/test_guest_ring_tsan: guest_ring.c ../tap.h ../../uapi/nexus_ring_ops.h
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -fsanitize=thread -Wno-tsan -o $@ $< -pthread

$(out)/test_guest_ring: guest_ring.c ../tap.h ../../uapi/nexus_ring_ops.h
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -fsanitize=$(SAN) -o $@ $< -pthread

$(out)/test_guest_arena: guest_arena.c ../../guest-lib/arena.c ../../guest-lib/arena.h ../tap.h
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -fsanitize=$(SAN) -o $@ guest_arena.c ../../guest-lib/arena.c

$(out)/test_guest_pin: guest_pin.c ../../guest-lib/init/memory.c ../../guest-lib/init/memory.h ../tap.h
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -fsanitize=$(SAN) -o $@ guest_pin.c ../../guest-lib/init/memory.c -luring

$(out)/test_guest_environment: guest_environment.c ../../guest-lib/init/environment.c ../../guest-lib/init/environment.h ../tap.h
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -fsanitize=$(SAN) -o $@ guest_environment.c ../../guest-lib/init/environment.c

$(out)/test_guest_%: guest_%.c guest_peer.c guest_peer.h ../tap.h library
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -fsanitize=$(SAN) -o $@ $(filter %.c,$^) $(lib)/nexus.pb-c.o \
		-L$(lib) -lnexus-guest -lprotobuf-c -lz -pthread -Wl,-rpath,$(lib)

library:
	$(MAKE) -C ../../guest-lib O=$(lib) SAN=$(SAN) CFLAGS='$(CFLAGS)'

.PHONY: all library
