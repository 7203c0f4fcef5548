/* mail_head: what is read as fields is written, and read as the same; canonical forms stay. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* The canonical form of a canonical form is itself. */
static void
canon_again(struct sv canon)
{
	size_t colon = sv_find(canon, ':');
	struct mail_field f = { canon, sv_take(canon, colon), sv_skip(canon, colon + 1) };
	struct buf b = BUF_INIT;

	must(colon < canon.n);
	mail_field_canon(&b, &f, MAIL_RELAXED);
	must(sv_eq(buf_get(&b), canon));
	buf_done(&b);
}

static void
field_look(const struct mail_field *f)
{
	struct buf b = BUF_INIT;

	must(f->name.n > 0 && sv_graphic(f->name) && f->name.p == f->raw.p);
	must(f->value.n < f->raw.n && !sv_ends(f->raw, SV("\r\n")));
	for (size_t i = 0; i < f->raw.n; i++)
		must(f->raw.p[i] != '\n' || (i > 0 && f->raw.p[i - 1] == '\r'));
	mail_field_canon(&b, f, MAIL_SIMPLE);
	must(sv_eq(buf_get(&b), f->raw));
	b.len = 0;
	mail_field_canon(&b, f, MAIL_RELAXED);
	must(b.rc == 0);
	canon_again(buf_get(&b));
	buf_done(&b);
}

static void
same(const struct mail_head *a, const struct mail_head *b)
{
	must(a->n == b->n);
	for (size_t i = 0; i < a->n; i++)
		must(sv_eq(a->fields[i].raw, b->fields[i].raw) &&
		    sv_eq(a->fields[i].name, b->fields[i].name));
}

/* Written and read again, and given as a milter does. */
static void
round_trip(const struct mail_head *h, struct sv body)
{
	struct pool *pool = pool_new(2 * MAIL_POOL_MAX);
	struct mail_head again, added;
	struct buf b = BUF_INIT;
	struct findings fs;
	struct sv rest;

	must(pool != NULL);
	findings_init(&fs, pool);
	mail_head_init(&again, pool);
	mail_head_init(&added, pool);
	for (size_t i = 0; i < h->n; i++) {
		const struct mail_field *f = &h->fields[i];

		buf_sv(&b, f->raw);
		buf_str(&b, "\r\n");
		must(mail_head_add(&added, sv_take(f->raw, f->raw.n - f->value.n - 1), f->value,
		    &fs) == 0);
	}
	buf_str(&b, "\r\n");
	buf_sv(&b, body);
	must(mail_head_parse(&again, buf_get(&b), &rest, &fs) == 0);
	must(fs.head == NULL && sv_eq(rest, body));
	same(h, &again);
	same(h, &added);
	(void)pool_free(pool);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n }, body = { NULL, 0 };
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct findings fs;
	struct mail_head h;

	must(pool != NULL);
	findings_init(&fs, pool);
	mail_head_init(&h, pool);
	must(mail_head_parse(&h, text, &body, &fs) == 0);
	must(body.n <= text.n && sv_ends(text, body));
	for (size_t i = 0; i < h.n; i++)
		field_look(&h.fields[i]);
	round_trip(&h, body);
	mail_head_check(&h, &fs);
	must(mail_head_count(&h, SV("From")) == 1 || findings_reject(&fs));
	(void)pool_free(pool);
	return 0;
}
