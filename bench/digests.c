/*
 * Digests of many messages by each way of crypto/digest.h, beside OpenSSL's:
 * one call for all (which in 3.0 looks the algorithm up each time), and a
 * fetched algorithm with a context that is used again.
 *
 *	digests TURNS SECONDS
 *
 * prints a JSON object for each measurement, one a line: nanoseconds of
 * processor time for one message, in batches of 64.
 */
#include <openssl/evp.h>
#include <string.h>

#include "crypto/digest.h"
#include "kit.h"

#define BATCH		64
#define DIGEST_MAX	32
#define LENGTH_MAX	2048

struct kind {
	const char	*name;		/* OpenSSL's */
	void		(*many)(const struct crypto_msg *, size_t n);
	const size_t	*lengths;	/* 0 behind the last */
};

struct work {
	const struct kind	*kind;
	size_t			 length;
	EVP_MD			*md;
	EVP_MD_CTX		*ctx;
	uint8_t			 bytes[BATCH][LENGTH_MAX];
	uint8_t			 digests[BATCH][DIGEST_MAX];
	struct crypto_msg	 messages[BATCH];
};

/* Names and salts of NSEC3; signed attributes, records, objects. */
static const size_t of_names[] = { 20, 40, 60, 0 };
static const size_t of_all[] = { 40, 107, 200, 1200, 2000, 0 };
static const struct kind kinds[] = {
	{ "SHA1", crypto_sha1_many, of_names },
	{ "SHA256", crypto_sha256_many, of_all },
};

static void
one_call(struct work *w)
{
	for (size_t i = 0; i < BATCH; i++)
		if (EVP_Q_digest(NULL, w->kind->name, NULL, w->bytes[i], w->length, w->digests[i],
		    NULL) != 1)
			die("EVP_Q_digest");
}

static void
fetched(struct work *w)
{
	for (size_t i = 0; i < BATCH; i++)
		if (EVP_DigestInit_ex2(w->ctx, w->md, NULL) != 1 ||
		    EVP_DigestUpdate(w->ctx, w->bytes[i], w->length) != 1 ||
		    EVP_DigestFinal_ex(w->ctx, w->digests[i], NULL) != 1)
			die("EVP_Digest");
}

static void
many(struct work *w)
{
	w->kind->many(w->messages, BATCH);
}

static double
nsec_each(struct work *w, void (*run)(struct work *), double seconds)
{
	double begin, took;
	size_t done = 0;

	run(w);
	begin = cpu_usec();
	do {
		for (int i = 0; i < 16; i++)
			run(w);
		done += 16 * BATCH;
		took = cpu_usec() - begin;
	} while (took < seconds * 1e6);
	return took * 1e3 / (double)done;
}

static void
told(const struct work *w, const char *way, double nsec)
{
	printf("{\"digest\": \"%s\", \"length\": %zu, \"way\": \"%s\", \"nsec\": %.2f}\n",
	    w->kind->name, w->length, way, nsec);
	(void)fflush(stdout);
}

/* Each way must say what OpenSSL said. */
static void
turn_ours(struct work *w, double seconds)
{
	uint8_t right[BATCH][DIGEST_MAX];

	memcpy(right, w->digests, sizeof(right));
	for (enum crypto_path p = 0; p < CRYPTO_PATH_MAX; p++) {
		if (crypto_path_force(p) < 0)
			continue;
		memset(w->digests, 0, sizeof(w->digests));
		told(w, crypto_path_name(p), nsec_each(w, many, seconds));
		if (memcmp(right, w->digests, sizeof(right)) != 0)
			die("digesting");
	}
}

static void
turn(struct work *w, size_t length, double seconds)
{
	w->length = length;
	for (size_t i = 0; i < BATCH; i++)
		w->messages[i] = (struct crypto_msg){ .ret = w->digests[i],
			.data = { { (const char *)w->bytes[i], length } } };
	memset(w->digests, 0, sizeof(w->digests));
	told(w, "one-call", nsec_each(w, one_call, seconds));
	told(w, "fetched", nsec_each(w, fetched, seconds));
	turn_ours(w, seconds);
}

static void
kind_turn(struct work *w, const struct kind *k, double seconds)
{
	w->kind = k;
	w->md = EVP_MD_fetch(NULL, k->name, NULL);
	if (w->md == NULL)
		die("EVP_MD_fetch");
	for (size_t i = 0; k->lengths[i] != 0; i++)
		turn(w, k->lengths[i], seconds);
	EVP_MD_free(w->md);
}

int
main(int argc, char **argv)
{
	struct work *w = calloc(1, sizeof(*w));

	if (argc != 3 || w == NULL || (w->ctx = EVP_MD_CTX_new()) == NULL) {
		fprintf(stderr, "usage: digests TURNS SECONDS\n");
		return 2;
	}
	for (size_t i = 0; i < BATCH; i++)
		memset(w->bytes[i], (int)i, LENGTH_MAX);
	for (double i = 0; i < number(argv[1]); i++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			kind_turn(w, &kinds[k], number(argv[2]));
	EVP_MD_CTX_free(w->ctx);
	free(w);
	return 0;
}
