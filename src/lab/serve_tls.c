/*
 * Certificates of the lab's servers: a CA made at start signs one for each
 * host; wrong ones are made when a rule first asks for them. They are valid
 * from 2000 to 2049, so that any clock that a test plays finds them good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/serve.h"

#define T2000	946684800	/* 2000-01-01 */
#define T2001	978307200
#define T2048	2461449600
#define T2049	2493072000

struct serve_ca {
	struct tls_made	*good, *other;
};

/* One of each kind; the last name that was shown for the wrong one. */
struct serve_wrong_tls {
	struct tls_ctx	*ctx[SERVE_B_MAX];
	char		 name[SERVE_TEXT_MAX];
};

static int
ca_make(const char *name, struct tls_made **ret)
{
	const struct tls_plan plan = {
		.common_name = name, .is_ca = true, .not_before = T2000, .not_after = T2049,
	};

	return tls_make(&plan, NULL, ret);
}

int
serve_ca_new(const struct lab_serve *s UNUSED, struct serve_ca **ret)
{
	struct serve_ca *ca = calloc(1, sizeof(*ca));
	int rc;

	if (ca == NULL)
		return -ENOMEM;
	if ((rc = ca_make("Sekisho lab CA", &ca->good)) < 0 ||
	    (rc = ca_make("Sekisho lab CA that nobody trusts", &ca->other)) < 0) {
		(void)serve_ca_free(ca);
		return rc;
	}
	*ret = ca;
	return 0;
}

struct serve_ca *
serve_ca_free(struct serve_ca *ca)
{
	if (ca == NULL)
		return NULL;
	ca->good = tls_made_free(ca->good);
	ca->other = tls_made_free(ca->other);
	free(ca);
	return NULL;
}

struct sv
serve_ca_pem(const struct serve_ca *ca)
{
	return tls_made_cert(ca->good);
}

/* issuer NULL: signed by itself. */
static int
ctx_make(const char *name, int64_t from, int64_t until, const struct tls_made *issuer,
    struct tls_ctx **ret)
{
	const char *const names[] = { name, NULL };
	const struct tls_plan plan = {
		.common_name = name, .names = names, .not_before = from, .not_after = until,
	};
	_cleanup_(tls_made_freep) struct tls_made *made = NULL;
	struct tls_ctx_conf conf = { .server = true };
	enum tls_why why;
	int rc;

	if ((rc = tls_make(&plan, issuer, &made)) < 0)
		return rc;
	conf.certs = tls_made_cert(made);
	conf.key = tls_made_key(made);
	return tls_ctx_new(&conf, ret, &why);
}

int
serve_tls_right(const struct serve_ca *ca, struct serve_host *h)
{
	return ctx_make(h->name, T2000, T2049, ca->good, &h->tls);
}

static int
wrong_make(const struct serve_ca *ca, const struct serve_host *h, const struct serve_strike *k,
    struct tls_ctx **ret)
{
	switch (k->b) {
	case SERVE_B_TLS_NAME:
		return ctx_make(k->text, T2000, T2049, ca->good, ret);
	case SERVE_B_TLS_EXPIRED:
		return ctx_make(h->name, T2000, T2001, ca->good, ret);
	case SERVE_B_TLS_EARLY:
		return ctx_make(h->name, T2048, T2049, ca->good, ret);
	case SERVE_B_TLS_SELF:
		return ctx_make(h->name, T2000, T2049, NULL, ret);
	case SERVE_B_TLS_OTHER_CA:
		return ctx_make(h->name, T2000, T2049, ca->other, ret);
	default:
		return -EINVAL;
	}
}

struct tls_ctx *
serve_tls_wrong(const struct serve_ca *ca, struct serve_host *h, const struct serve_strike *k)
{
	struct serve_wrong_tls *w = h->wrong;

	if (w == NULL && (w = h->wrong = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	if (k->b == SERVE_B_TLS_NAME && strcmp(w->name, k->text) != 0) {
		w->ctx[k->b] = tls_ctx_free(w->ctx[k->b]);
		memcpy(w->name, k->text, sizeof(w->name));
	}
	if (w->ctx[k->b] == NULL && wrong_make(ca, h, k, &w->ctx[k->b]) < 0)
		return NULL;
	return w->ctx[k->b];
}

void
serve_tls_done(struct serve_host *h)
{
	h->tls = tls_ctx_free(h->tls);
	if (h->wrong == NULL)
		return;
	for (unsigned i = 0; i < SERVE_B_MAX; i++)
		h->wrong->ctx[i] = tls_ctx_free(h->wrong->ctx[i]);
	free(h->wrong);
	h->wrong = NULL;
}
