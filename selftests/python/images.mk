# SPDX-License-Identifier: GPL-2.0-only
# Images for microVMs with Python: the tests' functions on the shims, and on the genuine SDK. `make selftests` does not
# build them; the tests that boot them do. O is the top build directory.

O ?= ../../build
out := $(O)/selftests/python
task := $(wildcard functions/*.py) handler.py
stubs := $(out)/stubs/prices_pb2.py $(out)/stubs/prices_pb2_grpc.py
parts := $(O)/guest-lib/python/image $(O)/guest-lib/python/.compiled $(O)/guest-lib/python/_nexus.abi3.so \
	$(O)/guest-lib/libnexus-guest.so.1 $(O)/guest-lib/nexus-init $(O)/backend/nexusctl
# Of the genuine SDK's hundreds of services.
services := s3 dynamodb sts

all: $(out)/shims.image $(out)/genuine.image

$(stubs) &: functions/prices.proto
	@mkdir -p $(@D)
	protoc -Ifunctions --python_out=$(@D) --grpc_python_out=$(@D) --plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin $<

$(out)/task: $(task) $(stubs)
	@mkdir -p $@
	cp $^ $@
	@touch $@

$(out)/shims.image: $(out)/task $(parts)
	$(O)/backend/nexusctl image build --output $@ --python $(out)/task --package python3-pil --package python3-protobuf

# A shell and tools, for the network; tutorial.py and weigh, to be run.
$(out)/genuine.image: $(out)/task $(parts) tutorial.py weigh ../vhost/initrd
	rm -rf $(out)/genuine
	$(O)/guest-lib/python/image --task $(out)/task --package python3-boto3 --package python3-pil --package python3-grpcio $(out)/genuine
	cd $(out)/genuine/usr/lib/python3/dist-packages/botocore/data && \
		rm -rf $$(ls -d */ | grep -vxE '$(subst $() ,|,$(services:%=%/))')
	install -D -t $(out)/genuine/tests tutorial.py weigh
	$(O)/backend/nexusctl image build --output $@.part $(out)/genuine
	../vhost/initrd $(out)/tools.cpio $(abspath $(O)/guest-lib/nexus-init):/init
	cat $(out)/tools.cpio $@.part >$@
	rm -rf $@.part $(out)/tools.cpio $(out)/genuine

.PHONY: all
.DELETE_ON_ERROR:
