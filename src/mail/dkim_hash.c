/* What was signed of the head: fields from the bottom up, then the signature's own. */
#include <errno.h>

#include "base/hash.h"
#include "mail/dkim_internal.h"

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

/*
 * The fields that may still be chosen. Two thousand fields are looked through for each of 256
 * names: numbers are compared first, as names of strangers can be long and differ at their ends.
 */
struct choice {
	const struct mail_head	*head;
	size_t			 n;
	uint32_t		 name[MAIL_FIELDS_MAX];		/* its hash */
	bool			 is_taken[MAIL_FIELDS_MAX];
};

static uint32_t
name_hash(struct sv name)
{
	char lower[MAIL_NAME_FIELD_MAX];
	size_t n = min_size(name.n, sizeof(lower));

	for (size_t i = 0; i < n; i++)
		lower[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] | 0x20) : name.p[i];
	return (uint32_t)hash_bytes(lower, n);
}

/* The signature's own field is none of them (3.5, h=). */
static void
choice_init(struct choice *c, const struct mail_head *head, const struct mail_field *self)
{
	c->head = head;
	c->n = min_size(head->n, MAIL_FIELDS_MAX);
	for (size_t i = 0; i < c->n; i++) {
		c->name[i] = name_hash(head->fields[i].name);
		c->is_taken[i] = &head->fields[i] == self;
	}
}

/* Section 5.4.2: from the bottom up. */
static const struct mail_field *
choice_next(struct choice *c, struct sv name)
{
	uint32_t hash = name_hash(name);

	for (size_t i = c->n; i-- > 0;)
		if (c->name[i] == hash && !c->is_taken[i] && sv_caseeq(c->head->fields[i].name, name)) {
			c->is_taken[i] = true;
			return &c->head->fields[i];
		}
	return NULL;
}

static void
names_canon(struct buf *b, const struct mail_head *head, const struct dkim_sig *s,
    const struct mail_field **ret_fields)
{
	struct choice c;

	choice_init(&c, head, s->field);
	for (size_t i = 0; i < s->n_names; i++) {
		const struct mail_field *f = choice_next(&c, s->names[i]);

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
	int rc;

	names_canon(&b, head, s, ret_fields);
	if ((rc = dkim_self_canon(&b, s, s->head_canon)) < 0)
		return rc;
	crypto_sha256(b.p, b.len, ret);
	return 0;
}

int
dkim_memo_init(struct pool *pool, const struct dkim_sig *s, struct dkim_memo *ret)
{
	*ret = (struct dkim_memo){ .is_hashed = false };
	if (s->why == DKIM_FINE && s->n_names > 0)
		ret->fields = pool_calloc(pool, s->n_names, sizeof(struct mail_field *));
	return s->why == DKIM_FINE && s->n_names > 0 && ret->fields == NULL ? -ENOMEM : 0;
}

int
dkim_memo_hash(const struct mail_head *head, const struct dkim_sig *s, struct dkim_memo *m)
{
	int rc;

	if (m->is_hashed)
		return 0;
	rc = dkim_head_digest(head, s, m->fields, m->digest);
	m->is_hashed = rc == 0;
	return rc;
}
