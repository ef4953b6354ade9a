# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests of what invocations parse, under sanitizers:
# make -C selftests/unit -f invoke.mk O=BUILD [SAN=address,undefined]

O ?= $(abspath ../../build)
SAN ?= address,undefined
out := $(O)/selftests/unit
sources := invoke_names.c ../../backend/hints.c ../../backend/function_name.c

$(out)/test_invoke_names: $(sources) ../tap.h ../../backend/hints.h ../../backend/function_name.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -fsanitize=$(SAN) -fno-omit-frame-pointer \
		-I../../backend -o $@ $(sources) -ljansson
