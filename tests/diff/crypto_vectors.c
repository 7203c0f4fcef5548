/*
 * crypto_vectors: signatures of others, from test_vectors.py, through the
 * door on each way. Standard input, a line each:
 *
 *	algorithm key tbs signature want
 *
 * key is a DNSKEY's field; key, tbs (the digest, or EdDSA's message) and
 * signature are in hexadecimal, "-" for nothing; want is 0, 1 or 2 (either).
 * A way judges each alone, then all of them as one batch (which fills lanes),
 * then each many times over (so that its key gets a table).
 * Prints TAP: a line each way. Exit status 0; 1: some say otherwise; 3: input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "crypto/verify.h"

#define LINE_LEN	(1u << 20)
#define VECTORS_MAX	8192
#define MANY		40	/* crypto/p256_cache.h: a table from 32 on */

struct vector {
	unsigned		 alg, want, line;
	struct crypto_pub	*key;		/* NULL: refused */
	struct sv		 tbs, sig;	/* heap */
	bool			 said;		/* by the first way */
};

struct vectors {
	size_t		 n;
	struct vector	 v[VECTORS_MAX];
};

static unsigned
nibble(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static struct sv
unhex(const char *s)
{
	size_t n = strcmp(s, "-") == 0 ? 0 : strlen(s) / 2;
	char *p = malloc(n + 1);

	if (p == NULL)
		exit(3);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(nibble(s[2 * i]) << 4 | nibble(s[2 * i + 1]));
	return (struct sv){ p, n };
}

static bool
vector_read(char *line, struct vector *v)
{
	const char *word[5];
	char *save = line;
	struct sv key;

	for (size_t i = 0; i < ARRAY_LEN(word); i++)
		if ((word[i] = strsep(&save, " \n")) == NULL)
			return false;
	v->alg = (unsigned)strtoul(word[0], NULL, 10);
	v->want = nibble(word[4][0]);
	key = unhex(word[1]);
	v->tbs = unhex(word[2]);
	v->sig = unhex(word[3]);
	if (crypto_pub_new((uint8_t)v->alg, key, &v->key) < 0)
		v->key = NULL;
	free((char *)key.p);
	return true;
}

static void
vectors_read(struct vectors *vs)
{
	char *line = malloc(LINE_LEN);

	if (line == NULL)
		exit(3);
	for (unsigned at = 1; fgets(line, LINE_LEN, stdin) != NULL; at++) {
		if (vs->n == VECTORS_MAX || !vector_read(line, &vs->v[vs->n])) {
			fprintf(stderr, "crypto_vectors: line %u\n", at);
			exit(3);
		}
		vs->v[vs->n++].line = at;
	}
	free(line);
}

static struct crypto_verify
item_of(const struct vector *v)
{
	return (struct crypto_verify){ .key = v->key, .tbs = v->tbs, .sig = v->sig };
}

static unsigned
compare(struct vector *v, bool ok, bool first, const char *how)
{
	if (v->want < 2 ? ok == (v->want == 1) : first || ok == v->said) {
		v->said = ok;
		return 0;
	}
	printf("# line %u, %s: %s\n", v->line, how, ok ? "good" : "not good");
	return 1;
}

static unsigned
alone(struct vectors *vs, bool first)
{
	unsigned n_bad = 0;

	for (size_t i = 0; i < vs->n; i++) {
		struct crypto_verify item = item_of(&vs->v[i]);

		if (vs->v[i].key != NULL && crypto_verify_batch(&item, 1) < 0)
			exit(3);
		n_bad += compare(&vs->v[i], item.ok, first, "alone");
	}
	return n_bad;
}

static unsigned
together(struct vectors *vs)
{
	static struct crypto_verify items[VECTORS_MAX];
	size_t at[VECTORS_MAX], n = 0;
	unsigned n_bad = 0;

	for (size_t i = 0; i < vs->n; i++)
		if (vs->v[i].key != NULL) {
			at[n] = i;
			items[n++] = item_of(&vs->v[i]);
		}
	if (crypto_verify_batch(items, n) < 0)
		exit(3);
	for (size_t i = 0; i < n; i++)
		n_bad += compare(&vs->v[at[i]], items[i].ok, false, "together");
	return n_bad;
}

/* Only what has lanes or tables: the others would take long, and learn nothing. */
static unsigned
many(struct vectors *vs)
{
	struct crypto_verify items[MANY];
	unsigned n_bad = 0;

	for (size_t i = 0; i < vs->n; i++) {
		if (vs->v[i].key == NULL || vs->v[i].alg > 13)
			continue;
		for (size_t k = 0; k < MANY; k++)
			items[k] = item_of(&vs->v[i]);
		if (crypto_verify_batch(items, MANY) < 0)
			exit(3);
		for (size_t k = 0; k < MANY; k++)
			n_bad += compare(&vs->v[i], items[k].ok, false, "many times");
	}
	return n_bad;
}

int
main(void)
{
	static struct vectors vs;
	unsigned all_bad = 0;

	vectors_read(&vs);
	printf("1..%d\n", CRYPTO_PATH_MAX);
	for (unsigned p = 0; p < CRYPTO_PATH_MAX; p++) {
		const char *way = crypto_path_name((enum crypto_path)p);
		unsigned n_bad;

		if (crypto_path_force((enum crypto_path)p) < 0) {
			printf("ok %u - %s # SKIP this build or processor cannot\n", p + 1, way);
			continue;
		}
		n_bad = alone(&vs, p == 0) + together(&vs);
		if (p > 0)
			n_bad += many(&vs);
		printf("%s %u - %s: %zu signatures\n", n_bad == 0 ? "ok" : "not ok", p + 1, way, vs.n);
		all_bad += n_bad;
	}
	for (size_t i = 0; i < vs.n; i++) {
		(void)crypto_pub_free(vs.v[i].key);
		free((char *)vs.v[i].tbs.p);
		free((char *)vs.v[i].sig.p);
	}
	return all_bad > 0;
}
