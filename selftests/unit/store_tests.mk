# SPDX-License-Identifier: GPL-2.0-only
# The tests of the backend's store side, for inclusion by selftests/Makefile
# (paths are relative to selftests/). They link the backend's own objects,
# which `make -C ../backend O=$(O)/backend` builds; SAN as there.

store_out := $(O)/selftests/unit
store_tests := store_uri store_sigv4 store_http store_faults store_retry store_request store_tls store_s3 store_address store_policy store_share store_documents store_origin store_prefetch store_parts
store_units := address prefetch tenant rules share rate policy origin config_list loop log curlio conn conn_pool chunk http http_send http_receive http_span http_head payload retry breaker uri sigv4 \
	       s3_get s3_put s3_put_parts s3_cleanup s3_head s3_delete s3_delete_objects s3_copy s3_list s3_create_multipart s3_upload_part \
	       s3_complete_multipart s3_abort_multipart \
	       s3 s3_header s3_error s3_post s3_document collect answer header xml http_request aws_request s3_subresource uri_parse nexus.pb-c
store_objects := $(store_units:%=$(O)/backend/%.o)
store_flags := -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -pthread -I../backend -I../uapi -I$(O)/backend \
	       -DNEXUS_UNIT_DIR='"$(abspath unit)"' $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
store_libs := $(shell pkg-config --libs liburing libcurl openssl expat jansson libprotobuf-c) -lhttp_parser

.PHONY: store-tests
store-tests: $(store_tests:%=$(store_out)/test_%)

$(store_out)/test_store_%: unit/store_%.c unit/store_harness.c unit/store_server.c unit/store_harness.h unit/store_server.h \
		tap.h $(store_objects)
	@mkdir -p $(@D)
	$(CC) $(store_flags) -o $@ $(filter %.c %.o,$^) $(store_libs)

# Ratios against curl, in one run; not a test.
.PHONY: store-bench
store-bench: $(store_out)/test_store_bench
	$<
