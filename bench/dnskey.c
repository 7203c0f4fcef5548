/*
 * What DNSSEC's signatures cost with crypto/dnskey.h, digest of a message of
 * 150 octets included, in batches of 500.
 *
 *	dnskey ALGORITHM BITS SECONDS
 *
 * prints a JSON object: microseconds of processor time for a signature, for a
 * verification with OpenSSL's arithmetic ("generic"), and for one by the best
 * way of this processor ("best"; "path" is its name).
 */
#include <string.h>

#include "crypto/dnskey.h"
#include "kit.h"

#define BATCH	500
#define MESSAGE	150
#define HEAD	60		/* of the RRSIG; the rest is the record */

struct work {
	uint8_t			 alg;
	struct crypto_priv	*priv;
	struct crypto_pub	*pub;
	struct crypto_make	 make[BATCH];
	struct crypto_verify	 check[BATCH];
	uint8_t			 tbs[BATCH][MESSAGE];
	uint8_t			 sig[BATCH][CRYPTO_DNSSIG_MAX];
	char			 message[BATCH][MESSAGE];
};

static void
sign(struct work *w, size_t n)
{
	if (crypto_make_batch(w->priv, w->make, n) < 0)
		die("signing");
}

static void
verify(struct work *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w->check[i].tbs.n = crypto_tbs_len(w->alg, w->make[i].data);
		if (crypto_tbs(w->alg, w->make[i].data, w->tbs[i]) < 0)
			die("digesting");
	}
	if (crypto_verify_batch(w->check, n) < 0 || !w->check[n - 1].ok)
		die("verifying");
}

/* Microseconds of one, over so many seconds; slow ones in smaller batches. */
static double
rate(struct work *w, void (*run)(struct work *, size_t), double seconds)
{
	double begin = cpu_usec(), took;
	size_t batch = 1, done = 0;

	do {
		run(w, batch);
		done += batch;
		took = cpu_usec() - begin;
		if (took < 1e5 && batch < BATCH)
			batch = min_size(batch * 4, BATCH);
	} while (took < seconds * 1e6);
	return took / (double)done;
}

static double
verify_rate(struct work *w, enum crypto_path path, double seconds)
{
	if (crypto_path_force(path) < 0)
		die("this way");
	return rate(w, verify, seconds);
}

static void
fill(struct work *w)
{
	for (size_t i = 0; i < BATCH; i++) {
		memset(w->message[i], 'x', MESSAGE);
		(void)snprintf(w->message[i], MESSAGE, "%zu", i);
		w->make[i] = (struct crypto_make){ .sig = w->sig[i], .data = {
			{ w->message[i], HEAD }, { w->message[i] + HEAD, MESSAGE - HEAD } } };
		w->check[i] = (struct crypto_verify){ .key = w->pub,
			.tbs = { (const char *)w->tbs[i], 0 },
			.sig = { (const char *)w->sig[i], crypto_priv_sig_len(w->priv) } };
	}
}

int
main(int argc, char **argv)
{
	struct work *w = calloc(1, sizeof(*w));
	enum crypto_path best = crypto_path();
	double seconds, signing, generic, by_best;

	if (argc != 4 || w == NULL) {
		fprintf(stderr, "usage: dnskey ALGORITHM BITS SECONDS\n");
		return 2;
	}
	w->alg = (uint8_t)strtoul(argv[1], NULL, 10);
	seconds = number(argv[3]);
	if (crypto_priv_generate(w->alg, (unsigned)strtoul(argv[2], NULL, 10), &w->priv) < 0 ||
	    crypto_pub_new(w->alg, crypto_priv_public(w->priv), &w->pub) < 0)
		die("making a key");
	fill(w);
	sign(w, BATCH);
	signing = rate(w, sign, seconds);
	generic = verify_rate(w, CRYPTO_GENERIC, seconds);
	by_best = verify_rate(w, best, seconds);
	printf("{\"sign\": %.3f, \"generic\": %.3f, \"best\": %.3f, \"path\": \"%s\"}\n",
	    signing, generic, by_best, crypto_path_name(best));
	(void)crypto_priv_free(w->priv);
	(void)crypto_pub_free(w->pub);
	free(w);
	return 0;
}
