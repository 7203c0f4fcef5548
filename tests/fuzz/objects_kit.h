/* What both targets of the object store share: a digest, and a folder that ends with us. */
#ifndef TESTS_FUZZ_OBJECTS_KIT_H
#define TESTS_FUZZ_OBJECTS_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/rd.h"
#include "store/objects.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW	1700000000
#define must(x)	((x) ? (void)0 : abort())

static char kit_dir[64];

static void
kit_remove(void)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", kit_dir);
	(void)!system(cmd);
}

static void
kit_folder(void)
{
	if (kit_dir[0] != '\0')
		return;
	(void)snprintf(kit_dir, sizeof(kit_dir), "%s/sekisho-fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(kit_dir) != NULL);
	must(atexit(kit_remove) == 0);
}

/* Not for strangers, but quick, and another one for other bytes. */
static void
kit_digest(const void *p, size_t n, uint8_t ret[static OBJECTS_HASH_LEN])
{
	const uint8_t *b = p;
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 1099511628211ULL;
	for (size_t i = 0; i < OBJECTS_HASH_LEN; i++, h = (h ^ i) * 1099511628211ULL)
		ret[i] = (uint8_t)(h >> 40);
}

static int
kit_open(struct objects **ret, struct objects_found *found)
{
	const struct objects_conf conf = { .folder = kit_dir, .max_bytes = 64 << 20,
	    .grace_sec = 0, .digest = kit_digest };

	return objects_open(&conf, ret, found);
}

static struct objects *
kit_store(struct objects_found *found)
{
	struct objects *o = NULL;

	must(kit_open(&o, found) == 0);
	return o;
}

#endif
