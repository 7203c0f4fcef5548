#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static struct kind *
kind_of(struct run *r, const char *name)
{
	for (size_t i = 0; i < r->n_kinds; i++)
		if (r->kinds[i].name == name || strcmp(r->kinds[i].name, name) == 0)
			return &r->kinds[i];
	if (r->n_kinds == KINDS_MAX)
		abort();
	r->kinds[r->n_kinds].name = name;
	return &r->kinds[r->n_kinds++];
}

static void
count(struct run *r, const struct trial *t, size_t n)
{
	r->n_batches++;
	r->n_trials += n;
	for (size_t i = 0; i < n; i++) {
		struct kind *k = kind_of(r, t[i].kind);

		k->n++;
		k->n_good += t[i].want;
		if (t[i].hope == HOPE_NONE || t[i].want == (t[i].hope == HOPE_YES))
			continue;
		if (k->n_unhoped++ == 0) {
			printf("# not as hoped:\n");
			trial_print(&t[i]);
		}
	}
}

static void
fault_print(struct run *r, const char *way, const struct trial *t, size_t i, size_t n)
{
	printf("# %s, %s: says the opposite of OpenSSL, item %zu of %zu, batch %" PRIu64 "\n",
	    r->name, way, i, n, r->n_batches);
	trial_print(&t[i]);
	r->n_faults++;
}

/* .ok begins as the wrong answer. */
static void
path_batch(struct run *r, enum crypto_path p, const struct trial *t, size_t n)
{
	static _Thread_local struct crypto_verify v[BATCH_MAX];

	for (size_t i = 0; i < n; i++) {
		v[i] = (struct crypto_verify){ .ok = !t[i].want,
			.tbs = trial_sv(t[i].tbs, t[i].tbs_n),
			.sig = trial_sv(t[i].sig, t[i].sig_n) };
		if (t[i].key != NULL) {
			v[i].key = t[i].key->pub;
			continue;
		}
		v[i].modulus = trial_sv(t[i].modulus, t[i].modulus_n);
		v[i].exponent = t[i].exponent;
	}
	if (crypto_path_force(p) < 0 || crypto_verify_batch(v, n) < 0)
		abort();
	r->tried[p] += n;
	for (size_t i = 0; i < n && r->n_faults < FAULTS_MAX; i++)
		if (v[i].ok != t[i].want) {
			fault_print(r, crypto_path_name(p), t, i, n);
			r->faults[p]++;
		}
}

void
run_batch(struct run *r, const struct trial *t, size_t n)
{
	count(r, t, n);
	for (unsigned p = 0; p < CRYPTO_PATH_MAX; p++)
		if (r->paths[p] && crypto_path_can((enum crypto_path)p) &&
		    (r->every[p] == 0 || r->n_batches % r->every[p] == 0))
			path_batch(r, (enum crypto_path)p, t, n);
}

unsigned
run_lines(const struct run *r)
{
	unsigned n = 1;

	for (unsigned p = 0; p < CRYPTO_PATH_MAX; p++)
		n += r->paths[p];
	return n;
}

static bool
kinds_report(const struct run *r)
{
	bool ok = true;

	for (size_t i = 0; i < r->n_kinds; i++) {
		const struct kind *k = &r->kinds[i];

		printf("# %-50s %9" PRIu64 ", good %9" PRIu64 "\n", k->name, k->n, k->n_good);
		ok = ok && k->n_unhoped == 0;
	}
	return ok && r->bad_keys == 0;
}

void
run_report(const struct run *r)
{
	unsigned line = 1;

	printf("%s %u - %s: OpenSSL's answers are those hoped for, and its opinions of keys the door's\n",
	    kinds_report(r) ? "ok" : "not ok", line, r->name);
	for (unsigned p = 0; p < CRYPTO_PATH_MAX; p++) {
		const char *way = crypto_path_name((enum crypto_path)p);

		if (!r->paths[p])
			continue;
		line++;
		if (!crypto_path_can((enum crypto_path)p))
			printf("ok %u - %s, %s # SKIP this build or processor cannot\n", line,
			    r->name, way);
		else
			printf("%s %u - %s, %s: %" PRIu64 " cases as OpenSSL has them\n",
			    r->faults[p] == 0 ? "ok" : "not ok", line, r->name, way, r->tried[p]);
	}
}
