/* What was signed of the head: fields from the bottom up, then the signature's own. */
#include <errno.h>

#include "mail/dkim.h"

/*
 * RFC 6376 section 3.7: "with the value of the "b=" tag (including all surrounding whitespace)
 * deleted (i.e., treated as the empty string)"
 */
static int
emptied(const struct dkim_sig *s, struct buf *b, struct mail_field *ret)
{
	struct sv raw = s->field->raw;
	size_t at = b->len, name_len = s->field->name.n;
	size_t value_at = (size_t)(s->field->value.p - raw.p);

	buf_sv(b, sv_take(raw, s->b_at));
	buf_sv(b, sv_skip(raw, s->b_at + s->b_len));
	if (b->rc < 0)
		return b->rc;
	ret->raw = (struct sv){ b->p + at, b->len - at };
	ret->name = sv_take(ret->raw, name_len);
	ret->value = sv_skip(ret->raw, value_at);
	return 0;
}

int
dkim_self_canon(struct buf *out, const struct dkim_sig *s, enum mail_canon canon)
{
	_cleanup_(buf_done) struct buf copy = BUF_INIT;
	struct mail_field f;
	int rc = emptied(s, &copy, &f);

	if (rc < 0)
		return rc;
	mail_field_canon(out, &f, canon);
	return out->rc;
}

static bool
is_named(const struct mail_field *f, struct sv name)
{
	return f->name.n == name.n && sv_caseeq(f->name, name);
}

/* Section 5.4.2: from the bottom up; the signature's own field is none of them (3.5, h=). */
static const struct mail_field *
field_take(const struct mail_head *head, const struct mail_field *self, struct sv name, bool *taken)
{
	for (size_t i = min_size(head->n, MAIL_FIELDS_MAX); i-- > 0;)
		if (!taken[i] && &head->fields[i] != self && is_named(&head->fields[i], name)) {
			taken[i] = true;
			return &head->fields[i];
		}
	return NULL;
}

static void
names_canon(struct buf *b, const struct mail_head *head, const struct dkim_sig *s, bool *taken,
    const struct mail_field **ret_fields)
{
	for (size_t i = 0; i < s->n_names; i++) {
		const struct mail_field *f = field_take(head, s->field, s->names[i], taken);

		if (ret_fields != NULL)
			ret_fields[i] = f;
		if (f == NULL)
			continue;
		mail_field_canon(b, f, s->head_canon);
		buf_sv(b, SV("\r\n"));
	}
}

int
dkim_head_digest(const struct mail_head *head, const struct dkim_sig *s,
    const struct mail_field **ret_fields, uint8_t ret[static SHA256_LEN])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	bool taken[MAIL_FIELDS_MAX] = { false };
	int rc;

	names_canon(&b, head, s, taken, ret_fields);
	if ((rc = dkim_self_canon(&b, s, s->head_canon)) < 0)
		return rc;
	crypto_sha256(b.p, b.len, ret);
	return 0;
}
