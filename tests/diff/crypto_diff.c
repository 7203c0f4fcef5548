/*
 * crypto_diff: signatures through the door (src/crypto/verify.h), on each way
 * that this machine can, against OpenSSL's EVP.
 *
 *	crypto_diff --alg rsa|p256 [--path generic|tables|ifma]... [--count N]
 *	    [--seconds T] [--seed S]
 *
 * First the edges; then chance by the seed, until there are N cases or T
 * seconds of it are over (neither: the edges only). Each case is asked of EVP
 * once and given to all ways, or to those that are named. Up to 20 seconds,
 * few keys are made.
 *
 * Prints TAP; a case that differs is printed with all that it takes. Exit
 * status 0; 1: something differs; 2: wrong usage.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sv.h"
#include "run.h"

#define LARGE_SECONDS	20
#define SPEAK		1000000		/* cases between signs of life */

struct plan {
	const struct source	*source;
	uint64_t		 count, seconds, seed;
};

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Many that fill lanes and chunks, and each small number. */
static size_t
size_pick(struct chance *c)
{
	unsigned n = chance_below(c, 100);

	if (n < 25)
		return 1 + chance_below(c, 20);
	if (n < 90)
		return 1 + chance_below(c, 300);
	if (n < 98)
		return 300 + chance_below(c, 300);
	return BATCH_MAX - chance_below(c, 100);
}

static bool
more(const struct plan *p, const struct run *r, double began)
{
	if (r->n_faults >= FAULTS_MAX)
		return false;
	if (p->count > 0 && r->n_trials >= p->count)
		return false;
	return p->seconds > 0 ? now() - began < (double)p->seconds : p->count > 0;
}

static void
edges_run(const struct plan *p, struct run *r, void *state, struct trial *t)
{
	size_t n;

	for (size_t i = 0; (n = p->source->edge(state, i, t)) > 0; i++)
		run_batch(r, t, n);
}

static void
chance_run(const struct plan *p, struct run *r, void *state, struct chance *c, struct trial *t)
{
	struct others *others = others_new();
	uint64_t spoken = r->n_trials;
	double began = now();

	while (more(p, r, began)) {
		size_t n = size_pick(c);

		p->source->fill(state, c, t, n);
		if (chance_one_in(c, 4))
			for (size_t i = 0; i < n / 16; i++)
				others_pick(others, c, &t[chance_below(c, (unsigned)n)]);
		run_batch(r, t, n);
		if (r->n_trials - spoken < SPEAK)
			continue;
		spoken = r->n_trials;
		printf("# %" PRIu64 " cases in %.0f s\n", spoken, now() - began);
	}
	(void)others_free(others);
}

static int
run(const struct plan *p, struct run *r)
{
	struct trial *t = calloc(BATCH_MAX, sizeof(*t));
	struct chance c = { p->seed };
	void *state;

	if (t == NULL)
		return 3;
	printf("1..%u\n", run_lines(r));
	printf("# %s, seed %" PRIu64 "\n", r->name, p->seed);
	state = p->source->init(&c, p->seconds > 0 ? p->seconds <= LARGE_SECONDS : p->count == 0);
	if (p->source->keys != NULL)
		r->bad_keys = p->source->keys(state, &c);
	edges_run(p, r, state, t);
	if (p->source->generic_is_tables && r->paths[CRYPTO_GENERIC])
		r->every[CRYPTO_TABLES] = 16;
	chance_run(p, r, state, &c, t);
	p->source->done(state);
	free(t);
	run_report(r);
	return r->n_faults > 0 || r->bad_keys > 0;
}

static int
usage(void)
{
	fputs("usage: crypto_diff --alg rsa|p256 [--path generic|tables|ifma]... [--count N] "
	    "[--seconds T] [--seed S]\n", stderr);
	return 2;
}

static bool
path_take(struct run *r, const char *name)
{
	enum crypto_path p;

	if (crypto_path_parse(sv_str(name), &p) < 0)
		return false;
	r->paths[p] = true;
	return true;
}

static bool
option_take(int c, const char *arg, struct plan *p, struct run *r)
{
	static const struct source *const sources[] = { &source_rsa, &source_p256 };

	switch (c) {
	case 'a':
		for (size_t i = 0; i < ARRAY_LEN(sources); i++)
			if (strcmp(arg, sources[i]->name) == 0)
				p->source = sources[i];
		return p->source != NULL;
	case 'p':
		return path_take(r, arg);
	case 'n':
		return num_u64(sv_str(arg), 1, UINT64_MAX, &p->count) == 0;
	case 't':
		return num_u64(sv_str(arg), 1, 1000000, &p->seconds) == 0;
	case 's':
		return num_u64(sv_str(arg), 0, UINT64_MAX, &p->seed) == 0;
	default:
		return false;
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "alg", required_argument, NULL, 'a' },
		{ "path", required_argument, NULL, 'p' },
		{ "count", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct plan p = { .seed = 1 };
	struct run r = { .n_trials = 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!option_take(c, optarg, &p, &r))
			return usage();
	if (p.source == NULL || optind != argc)
		return usage();
	r.name = p.source->name;
	if (run_lines(&r) == 1)		/* none was named */
		memset(r.paths, true, sizeof(r.paths));
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run(&p, &r);
}
