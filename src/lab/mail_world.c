/* A world of mail as values: made by mail_text.c, looked up, freed. */
#include <errno.h>

#include "lab/mail_internal.h"
#include "sys/par.h"

struct lab_mail *
lab_mail_free(struct lab_mail *w)
{
	struct pool *pool;

	if (w == NULL)
		return NULL;
	for (struct lab_mail_key *k = w->keys; k != NULL; k = k->next)
		k->priv = crypto_priv_free(k->priv);
	pool = w->pool;
	(void)pool_free(pool);	/* w itself is in it */
	return NULL;
}

struct lab_mail_domain *
lab_mail_domain_find(const struct lab_mail *w, struct sv name)
{
	struct lab_mail_domain *d = w->domains;

	while (d != NULL && !sv_caseeq(d->name, name))
		d = d->next;
	return d;
}

struct lab_mail_key *
lab_mail_key_find(const struct lab_mail *w, struct sv domain, struct sv selector)
{
	struct lab_mail_key *k = w->keys;

	while (k != NULL && !(sv_caseeq(k->domain, domain) && sv_eq(k->selector, selector)))
		k = k->next;
	return k;
}

int64_t
lab_mail_now(const struct lab_mail *w)
{
	return w->now;
}

size_t
lab_mail_n_flows(const struct lab_mail *w)
{
	return w->n_rows;
}

const struct lab_mail_flow *
lab_mail_flow(const struct lab_mail *w, size_t i)
{
	return i < w->n_rows ? &w->index[i]->flow : NULL;
}

/* --- keys --- */

struct build {
	const struct lab_mail	*w;
	struct lab_mail_key	*keys[LAB_MAIL_KEYS_MAX];
	int			 rc[LAB_MAIL_KEYS_MAX];
};

static void
key_make(void *arg, size_t i)
{
	struct build *b = arg;

	b->rc[i] = lab_mail_key_make(b->w, b->keys[i]);
}

int
lab_mail_build(struct lab_mail *w)
{
	struct build b = { .w = w };
	size_t n = 0;
	int rc = 0;

	for (struct lab_mail_key *k = w->keys; k != NULL && n < LAB_MAIL_KEYS_MAX; k = k->next)
		b.keys[n++] = k;
	par_for(par_cpus(), n, key_make, &b);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = b.rc[i];
	return rc;
}
