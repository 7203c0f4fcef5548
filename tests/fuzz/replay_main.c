/*
 * replay_main DIR: run a fuzz harness without libFuzzer on each seed of its
 * corpus, on truncations of it and on single-byte mutations, so that an
 * ordinary test run has walked every error path that a seed can reach.
 * Each variant lies in a block of exactly its size, at the end of which
 * sanitizers and valgrind stand guard.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX	(4u << 20)	/* larger ones are no seeds */
#define VARIANTS_MAX	4096u		/* of each kind for one seed: seconds */

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint8_t *
seed_read(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = malloc(SEED_MAX);

	if (f == NULL || p == NULL)
		exit(3);
	*ret_n = fread(p, 1, SEED_MAX, f);
	fclose(f);
	return p;
}

static void
variant(const uint8_t *p, size_t n, size_t at, uint8_t flip)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL)
		exit(3);
	memcpy(copy, p, n);
	if (flip != 0)
		copy[at] ^= flip;
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

/* The number of variants that were run. */
static size_t
seed_run(const uint8_t *p, size_t n)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	size_t step = n / VARIANTS_MAX + 1, runs = 1;

	variant(p, n, 0, 0);
	for (size_t i = 0; i < n; i += step, runs++)
		variant(p, i, 0, 0);
	for (size_t i = 0; i < n; i += step)
		for (size_t k = 0; k < sizeof(flips); k++, runs++)
			variant(p, n, i, flips[k]);
	return runs;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int
main(int argc, char **argv)
{
	struct dirent **e;
	int n, cases = 0;

	if (argc != 2 || (n = scandir(argv[1], &e, NULL, by_name)) < 0) {
		printf("1..0 # SKIP no seeds\n");
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < n; i++) {
		char path[4096];
		uint8_t *p;
		size_t len;

		if (e[i]->d_name[0] == '.') {
			free(e[i]);
			continue;
		}
		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], e[i]->d_name);
		p = seed_read(path, &len);
		printf("ok %d - %s, %zu variants\n", ++cases, e[i]->d_name,
		    seed_run(p, len));
		free(p);
		free(e[i]);
	}
	free(e);
	printf("1..%d\n", cases);
	return 0;
}
