/* dkim_sig: whatever is read as DKIM's or ARC's field; what is fine reads the same when it is written. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static struct dkim_sig
field_parse(struct pool *pool, enum dkim_kind kind, struct mail_field *f)
{
	struct dkim_sig s;

	f->name = sv_take(f->raw, sv_find(f->raw, ':'));
	f->value = sv_skip(f->raw, f->name.n + 1);
	must(dkim_sig_parse(pool, kind, f, &s) == 0);
	if (s.b.n > 0)
		must(s.b_at >= f->name.n + 1 && s.b_at + s.b_len <= f->raw.n);
	return s;
}

static void
field_write(struct buf *b, const struct dkim_sig *s)
{
	static const char *const canons[] = { "simple/simple", "relaxed/simple", "simple/relaxed", "relaxed/relaxed" };
	struct dkim_fold f;

	dkim_fold_init(&f, b, "DKIM-Signature");
	dkim_fold_tag(&f, "v", SV("1"));
	dkim_fold_tag(&f, "a", sv_str(dkim_alg_name(s->alg)));
	dkim_fold_tag(&f, "c", sv_str(canons[s->head_canon + 2 * (unsigned)s->body_canon]));
	dkim_fold_tag(&f, "d", s->domain);
	dkim_fold_tag(&f, "s", s->selector);
	if (s->has_time)
		dkim_fold_number(&f, "t", s->time);
	if (s->has_expiry)
		dkim_fold_number(&f, "x", s->expiry);
	dkim_fold_names(&f, "h", s->names, s->n_names);
	dkim_fold_octets(&f, "bh", s->bh, sizeof(s->bh));
	dkim_fold_b(&f);
	dkim_fold_b_octets(&f, s->b.p, s->b.n);
	must(b->rc == 0);
}

static void
same(const struct dkim_sig *a, const struct dkim_sig *b)
{
	must(b->why == DKIM_FINE && a->alg == b->alg && a->head_canon == b->head_canon &&
	    a->body_canon == b->body_canon && a->n_names == b->n_names && a->time == b->time &&
	    a->expiry == b->expiry && dname_eq(&a->key_name, &b->key_name) && sv_eq(a->b, b->b) &&
	    memcmp(a->bh, b->bh, sizeof(a->bh)) == 0);
	for (size_t i = 0; i < a->n_names; i++)
		must(sv_eq(a->names[i], b->names[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct mail_field f, again;
	struct buf head = BUF_INIT, text = BUF_INIT;
	struct dkim_sig s, t;

	buf_str(&head, "DKIM-Signature:");
	buf_bytes(&head, bytes, n);
	for (unsigned kind = 0; kind < DKIM_KIND_MAX; kind++) {
		f.raw = buf_get(&head);
		s = field_parse(pool, kind, &f);
		if (s.why != DKIM_FINE || kind != DKIM_SIGNATURE || s.b.n > 512)
			continue;
		must(s.n_names > 0 && s.signs_from && s.key_name.len > 0);
		field_write(&text, &s);
		again.raw = buf_get(&text);
		t = field_parse(pool, kind, &again);
		same(&s, &t);
	}
	buf_done(&head);
	buf_done(&text);
	(void)pool_free(pool);
	return 0;
}
