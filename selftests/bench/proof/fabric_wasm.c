// SPDX-License-Identifier: GPL-2.0-only
/*
 * The function as a module of WebAssembly in a process of the host: compiled ahead of time (wasm2c and the C
 * compiler, which is as fast as such modules run), its memory is its own, its imports are checked. Events and objects come
 * as in fabric_network.c; libcurl's buffer is copied into the module's memory.
 *
 *	function_wasm STORE PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "function.h"
#include "function_module.h"
#include "http_server.h"
#include "store_client.h"

static Z_function_instance_t instance;

/* The module's memory at an address that it named. */
static char *inside(u32 at, size_t len)
{
	wasm_rt_memory_t *memory = Z_functionZ_memory(&instance);

	if (at > memory->size || len > memory->size - at) {
		fprintf(stderr, "the module named memory that it does not have\n");
		exit(1);
	}
	return (char *)memory->data + at;
}

static const char *name(u32 at)
{
	const char *text = inside(at, NAME_SIZE);

	if (!memchr(text, '\0', NAME_SIZE))
		exit(1);
	return text;
}

u32 Z_envZ_fabric_get(struct Z_env_instance_t *env, u32 bucket, u32 key, u32 buf)
{
	(void)env;
	return store_get(name(bucket), name(key), inside(buf, OBJECT_MAX), OBJECT_MAX);
}

void Z_envZ_fabric_put(struct Z_env_instance_t *env, u32 bucket, u32 key, u32 buf, u32 len)
{
	(void)env;
	store_put(name(bucket), name(key), inside(buf, len), len);
}

u32 Z_envZ_fabric_call(struct Z_env_instance_t *env, u32 function, u32 payload, u32 len, u32 answer, u32 cap)
{
	(void)env;
	return store_call(name(function), inside(payload, len), len, inside(answer, cap), cap);
}

void Z_envZ_fabric_respond(struct Z_env_instance_t *env, u32 answer, u32 len)
{
	(void)env;
	http_answer(inside(answer, len), len);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	wasm_rt_init();
	Z_function_init_module();
	Z_function_instantiate(&instance, NULL);
	store_open(argv[1]);
	http_listen(atoi(argv[2]));
	for (;;) {
		size_t len;
		const char *event = http_next(&len);
		u32 at = Z_functionZ_event_room(&instance);

		if (len > EVENT_MAX)
			return 1;
		memcpy(inside(at, len), event, len);
		Z_functionZ_handle(&instance, at, len);
	}
}
