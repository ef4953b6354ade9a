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
#include "../../../backend/sigv4.h"
#include "function.h"
#include "function_module.h"
#include "http_server.h"
#include "store_client.h"

#define EVENT_ROOM	65536U

static Z_function_instance_t instance;
static size_t moved, total;

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

u32 Z_envZ_fabric_buffer(struct Z_env_instance_t *env, u32 which)
{
	(void)env;
	return *Z_functionZ___heap_base(&instance) + EVENT_ROOM + (which == OBJECT_IN ? 0 : OBJECT_MAX);
}

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	(void)size;
	if (n > OBJECT_MAX - moved)
		return 0;
	memcpy((char *)arg + moved, data, n);
	moved += n;
	return n;
}

u32 Z_envZ_fabric_get(struct Z_env_instance_t *env, u32 bucket, u32 key, u32 buf)
{
	(void)env;
	moved = 0;
	store_get(name(bucket), name(key), take, inside(buf, OBJECT_MAX));
	return moved;
}

static size_t give(char *data, size_t size, size_t n, void *arg)
{
	n = n * size > total - moved ? total - moved : n * size;
	memcpy(data, (const char *)arg + moved, n);
	moved += n;
	return n;
}

void Z_envZ_fabric_put(struct Z_env_instance_t *env, u32 bucket, u32 key, u32 buf, u32 len)
{
	char hash[SIGV4_HASH_HEX];

	(void)env;
	moved = 0;
	total = len;
	sigv4_hash(inside(buf, len), len, hash);
	store_put(name(bucket), name(key), len, hash, give, inside(buf, len));
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
		u32 at = *Z_functionZ___heap_base(&instance);

		if (len > EVENT_ROOM)
			return 1;
		memcpy(inside(at, len), event, len);
		Z_functionZ_handle(&instance, at, len);
	}
}
