// SPDX-License-Identifier: GPL-2.0-only
/* Every operation that a guest can ask for. */
#include <stddef.h>
#include "flush.h"
#include "grpc_ops.h"
#include "http_request.h"
#include "next.h"
#include "null.h"
#include "op.h"
#include "s3.h"

const struct op_type *const op_types[] = {
	&null_type,
	&s3_get_type,
	&s3_put_type,
	&s3_head_type,
	&s3_delete_type,
	&s3_delete_objects_type,
	&s3_copy_type,
	&s3_list_type,
	&s3_create_multipart_type,
	&s3_upload_part_type,
	&s3_complete_multipart_type,
	&s3_abort_multipart_type,
	&http_request_type,
	&aws_request_type,
	&flush_type,
	&presign_url_type,
	&presign_post_type,
	&next_type,
	&lend_type,
	&respond_type,
	&log_type,
	&grpc_call_type,
	&grpc_start_type,
	&grpc_send_type,
	&grpc_receive_type,
	&grpc_headers_type,
	&grpc_finish_type,
	&grpc_cancel_type,
	NULL,
};
