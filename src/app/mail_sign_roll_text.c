/* The keys that the house rolls, as text. */
#include <errno.h>

#include "app/mail_sign_roll.h"
#include "base/err.h"

#define HEAD	"sekisho mail keys 1"

enum { MADE, PUBLISHED, SEEN, LOOKED, TIMES };

void
mail_roll_write(const struct mail_roll *r, struct buf *b)
{
	buf_str(b, HEAD "\n");
	for (size_t i = 0; i < r->n; i++) {
		const struct mail_roll_key *k = &r->keys[i];

		buf_printf(b, "%.*s\t%.*s\t%s\t%lld\t%lld\t%lld\t%lld\t%u\n", SV_ARG(k->domain),
		    SV_ARG(k->selector), dkim_alg_name(k->alg), (long long)k->made, (long long)k->published,
		    (long long)k->seen, (long long)k->looked, k->ttl_sec);
	}
}

static int
line_parse(struct sv line, struct pool *pool, struct mail_roll_key *k)
{
	struct sv domain = sv_cut(&line, '\t'), selector = sv_cut(&line, '\t'), alg = sv_cut(&line, '\t');
	uint64_t t[TIMES];

	k->alg = sv_eq_str(alg, dkim_alg_name(DKIM_RSA_SHA256)) ? DKIM_RSA_SHA256 :
	    sv_eq_str(alg, dkim_alg_name(DKIM_ED25519_SHA256)) ? DKIM_ED25519_SHA256 : DKIM_NO_ALG;
	for (size_t i = 0; i < TIMES; i++)
		if (num_u64(sv_cut(&line, '\t'), 0, INT64_MAX / 4, &t[i]) < 0)
			return -EBADMSG;
	if (k->alg == DKIM_NO_ALG || domain.n == 0 || !sv_graphic(domain) || selector.n == 0 ||
	    !sv_graphic(selector) || num_u32(line, 0, MAIL_ROLL_TTL_MAX, &k->ttl_sec) < 0)
		return -EBADMSG;
	k->made = (int64_t)t[MADE];
	k->published = (int64_t)t[PUBLISHED];
	k->seen = (int64_t)t[SEEN];
	k->looked = (int64_t)t[LOOKED];
	k->domain = pool_sv(pool, domain);
	k->selector = pool_sv(pool, selector);
	return k->domain.p == NULL || k->selector.p == NULL ? -ENOMEM : 0;
}

int
mail_roll_parse(struct sv text, struct pool *pool, struct mail_roll *ret)
{
	struct mail_roll r = { .n = 0 };
	struct sv line, rest = text;
	size_t n = 0;
	int rc;

	if (text.n > MAIL_ROLL_TEXT_MAX)
		return SE_LIMIT;
	if (!sv_line(&text, &line) || !sv_eq_str(line, HEAD))
		return -EBADMSG;
	while (sv_line(&rest, &line))
		n++;
	if (n > MAIL_ROLL_KEYS_MAX + 1)
		return SE_LIMIT;
	if ((r.keys = pool_calloc(pool, n, sizeof(*r.keys))) == NULL)
		return -ENOMEM;
	while (sv_line(&text, &line))
		if ((rc = line_parse(line, pool, &r.keys[r.n++])) < 0)
			return rc;
	*ret = r;
	return 0;
}
