/*
 * Verifications of signatures by each way of crypto/verify.h and by batch
 * size, and by OpenSSL's EVP, on one core, in turns.
 *
 *	crypto TURNS SECONDS
 *
 * prints a JSON object for each measurement, one a line: microseconds of
 * processor time for one signature. Digests are made before: they are not in
 * it. A way that this processor or this build cannot do is named, without
 * figures. Each answer is looked at: one that is not right ends the program.
 */
#include "crypto_evp.h"
#include "crypto_load.h"
#include "kit.h"

#define LOOK_EVERY	256	/* signatures between looks at the clock, which is a system call */
#define NEW_KEYS	96	/* more than p256_cache.c remembers: each has been forgotten */

typedef void (*run_fn)(struct load *, size_t n);

static const size_t sizes[] = { 1, 2, 4, 8, 16, 64, 256, BATCH_MAX };

static void
ours(struct load *l, size_t n)
{
	struct crypto_verify *v = l->items + load_next(l, n);

	if (crypto_verify_batch(v, n) < 0)
		die("crypto_verify_batch");
	for (size_t i = 0; i < n; i++)
		if (!v[i].ok)
			die("verifying what is right");
}

/* Batches of n, until it took so long. */
static double
usec_each(struct load *l, run_fn run, size_t n, double seconds)
{
	size_t rounds = n < LOOK_EVERY ? LOOK_EVERY / n : 1, done = 0;
	double begin, took;

	for (size_t i = 0; i < rounds; i++)	/* caches and tables */
		run(l, n);
	begin = cpu_usec();
	do {
		for (size_t i = 0; i < rounds; i++)
			run(l, n);
		done += rounds * n;
		took = cpu_usec() - begin;
	} while (took < seconds * 1e6);
	return took / (double)done;
}

static void
told(const struct load *l, const char *way, size_t batch, double usec)
{
	printf("{\"load\": \"%s\", \"way\": \"%s\", \"batch\": %zu, \"usec\": %.4f}\n",
	    l->name, way, batch, usec);
	(void)fflush(stdout);
}

/* OpenSSL beside each way: the processor's clock is not what it was a second ago. */
static void
turn_ours(struct load *l, double seconds)
{
	for (enum crypto_path p = 0; p < CRYPTO_PATH_MAX; p++) {
		if (crypto_path_force(p) < 0) {
			printf("{\"load\": \"%s\", \"way\": \"%s\", \"cannot\": true}\n", l->name,
			    crypto_path_name(p));
			continue;
		}
		told(l, "evp", 1, usec_each(l, evp_cached, 1, seconds));
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
			told(l, crypto_path_name(p), sizes[i],
			    usec_each(l, ours, sizes[i], seconds));
	}
}

static void
turn(struct load *l, double seconds)
{
	told(l, "evp-imported", 1, usec_each(l, evp_imported, 1, seconds));
	turn_ours(l, seconds);
}

int
main(int argc, char **argv)
{
	struct load loads[4];

	if (argc != 3) {
		fprintf(stderr, "usage: crypto TURNS SECONDS\n");
		return 2;
	}
	load_rsa(&loads[0], &loads[1]);
	load_p256(&loads[2], "p256", 1);
	load_p256(&loads[3], "p256-new-key", NEW_KEYS);
	for (double i = 0; i < number(argv[1]); i++)
		for (size_t l = 0; l < ARRAY_LEN(loads); l++)
			turn(&loads[l], number(argv[2]));
	return 0;
}
