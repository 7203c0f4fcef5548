/* The table of keys that sign mail, and the look-up in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_sign.h"
#include "base/err.h"
#include "base/hash.h"

/* A row: names of 255 octets each, its group, and the text of both. */
#define POOL_MAX	((size_t)64 << 20)

/* The keys of a domain, one of each algorithm. */
struct group {
	struct mail_sign_key	keys[MAIL_SIGN_KEYS];
	size_t			n;
};

enum { SELF, BELOW, REACH_MAX };

struct mail_sign_table {
	struct pool		*pool;
	struct mail_sign_key	*keys;		/* all */
	size_t			 n;
	struct map		 groups[REACH_MAX];	/* by name in wire form, lower case */
};

static struct sv
wire_of(const struct dname *d)
{
	return (struct sv){ (const char *)d->w, d->len };
}

/* --- reading --- */

static enum dkim_alg
alg_of(struct sv text)
{
	for (enum dkim_alg a = DKIM_RSA_SHA256; a < DKIM_ALG_MAX; a++)
		if (sv_eq_str(text, dkim_alg_name(a)))
			return a;
	return DKIM_NO_ALG;
}

static int
group_find(struct mail_sign_table *t, struct map *groups, struct sv domain, struct group **ret)
{
	struct dname name;
	struct sv wire;

	if (dname_parse(domain, NULL, &name) < 0)
		return -EBADMSG;
	dns_lower(name.w, name.len);
	if ((*ret = map_find(groups, wire_of(&name))) != NULL)
		return 0;
	if ((*ret = pool_calloc(t->pool, 1, sizeof(**ret))) == NULL ||
	    (wire = pool_sv(t->pool, wire_of(&name))).p == NULL)
		return -ENOMEM;
	return map_add(groups, wire, *ret);
}

/* RSA first: who knows no Ed25519 (RFC 8463) may stop at the first that it cannot verify. */
static void
group_add(struct group *g, const struct mail_sign_key *k)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->keys[i].alg == k->alg)
			return;
	if (g->n == MAIL_SIGN_KEYS)
		return;
	if (g->n == 1 && k->alg == DKIM_RSA_SHA256) {
		g->keys[1] = g->keys[0];
		g->keys[0] = *k;
	} else
		g->keys[g->n] = *k;
	g->n++;
}

static int
line_parse(struct mail_sign_table *t, struct sv line)
{
	struct sv number = sv_cut(&line, '\t'), alg = sv_cut(&line, '\t'), domain = sv_cut(&line, '\t');
	bool is_below = domain.n > 0 && domain.p[0] == '.';
	struct mail_sign_key k = { .alg = alg_of(alg) };
	struct group *g;
	int rc;

	if (num_u32(number, 0, UINT32_MAX, &k.key) < 0 || k.alg == DKIM_NO_ALG || line.n == 0 ||
	    sv_find(line, '\t') < line.n)
		return -EBADMSG;
	k.domain = pool_sv(t->pool, sv_skip(domain, is_below));
	k.selector = pool_sv(t->pool, line);
	if (k.domain.p == NULL || k.selector.p == NULL)
		return -ENOMEM;
	if ((rc = group_find(t, &t->groups[is_below ? BELOW : SELF], k.domain, &g)) < 0)
		return rc;
	group_add(g, &k);
	t->keys[t->n++] = k;
	return 0;
}

static size_t
lines_count(struct sv text)
{
	struct sv line;
	size_t n = 0;

	while (sv_line(&text, &line))
		n++;
	return n;
}

int
mail_sign_table_parse(struct sv text, struct mail_sign_table **ret)
{
	_cleanup_(mail_sign_table_freep) struct mail_sign_table *t = NULL;
	size_t n = text.n > MAIL_SIGN_TEXT_MAX ? SIZE_MAX : lines_count(text);
	struct sv line;
	int rc;

	if (n > MAIL_SIGN_ROWS_MAX)
		return SE_LIMIT;
	if ((t = calloc(1, sizeof(*t))) == NULL || (t->pool = pool_new(POOL_MAX)) == NULL ||
	    (t->keys = pool_calloc(t->pool, n + 1, sizeof(*t->keys))) == NULL)
		return -ENOMEM;
	while (sv_line(&text, &line))
		if ((rc = line_parse(t, line)) < 0)
			return rc;
	*ret = TAKE_PTR(t);
	return 0;
}

struct mail_sign_table *
mail_sign_table_free(struct mail_sign_table *t)
{
	if (t == NULL)
		return NULL;
	for (size_t i = 0; i < REACH_MAX; i++)
		map_done(&t->groups[i]);
	(void)pool_free(t->pool);
	free(t);
	return NULL;
}

void
mail_sign_key_put(struct buf *b, const struct mail_sign_key *k, bool is_below)
{
	buf_printf(b, "%u\t%s\t%s%.*s\t%.*s\n", k->key, dkim_alg_name(k->alg), is_below ? "." : "",
	    SV_ARG(k->domain), SV_ARG(k->selector));
}

/* --- looking up --- */

size_t
mail_sign_find(const struct mail_sign_table *t, const struct dname *author, const struct mail_sign_key **ret)
{
	struct dname name = *author;
	const struct group *g;

	dns_lower(name.w, name.len);
	g = map_find(&t->groups[SELF], wire_of(&name));
	while (g == NULL && dname_parent(&name, &name) == 0)
		g = map_find(&t->groups[BELOW], wire_of(&name));
	if (g == NULL)
		return 0;
	*ret = g->keys;
	return g->n;
}

const struct mail_sign_key *
mail_sign_seal(const struct mail_sign_table *t, struct sv domain, struct sv selector)
{
	const struct mail_sign_key *found = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const struct mail_sign_key *k = &t->keys[i];

		if (!sv_caseeq(k->domain, domain) || (selector.n > 0 && !sv_caseeq(k->selector, selector)))
			continue;
		if (k->alg == DKIM_RSA_SHA256)
			return k;
		found = found == NULL ? k : found;
	}
	return found;
}

/* --- signing --- */

static int
by_sign(void *arg, const uint8_t digest[static SHA256_LEN], struct pool *pool, struct sv *ret_b)
{
	const struct mail_sign_by *by = arg;

	return by->signer->sign(by->signer->arg, by->key->key, digest, pool, ret_b);
}

struct dkim_signer
mail_sign_by(struct mail_sign_by *by)
{
	return (struct dkim_signer){ by->key->alg, by_sign, by };
}
