/* To whom complaints go, as the message itself says: RFC 9477. */
#include <errno.h>

#include "mail/feedback_internal.h"
#include "mail/report_internal.h"

struct asking {
	const struct mail_head	*head;
	const struct dname	*author;
	const struct dkim_sig	*sigs;
	const enum mail_result	*results;
	size_t			 n;
	struct pool		*pool;
};

/* RFC 6376 section 5.4.2: each time that h= has the name, it covers one field more, from the bottom. */
static size_t
covered(const struct dkim_sig *s, struct sv name)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_names; i++)
		n += sv_caseeq(s->names[i], name);
	return n;
}

/*
 * Does the domain, or one above it (sections 3.1.1, 3.1.2), sign? n_fields: so many CFBL-Address
 * from the bottom are to be covered, and all CFBL-Feedback-ID (section 3.1.4: "MUST be included in
 * the "h=" tag"); 0: neither.
 */
static bool
is_signed(const struct asking *q, const struct dname *domain, size_t n_fields)
{
	size_t n_ids = n_fields == 0 ? 0 : mail_head_count(q->head, SV("CFBL-Feedback-ID"));

	for (size_t i = 0; i < q->n; i++)
		if (q->results[i] == MAIL_PASS && q->sigs[i].domain_name.len > 1 &&
		    dname_within(domain, &q->sigs[i].domain_name) &&
		    covered(&q->sigs[i], SV("CFBL-Address")) >= n_fields &&
		    covered(&q->sigs[i], SV("CFBL-Feedback-ID")) >= n_ids)
			return true;
	return false;
}

static bool
has_address(struct sv list, struct sv address)
{
	while (list.n > 0)
		if (sv_eq(sv_cut(&list, ','), address))
			return true;
	return false;
}

/*
 * CFWS addr-spec [ ";" CFWS "report=" ... ] (section 5.1); ARF is what we write, whatever else is
 * wanted (section 3.5). The author's signature need not cover the field: of a message that was
 * signed before somebody sent it for the author, section 3.1.3 has "the double signature MUST be
 * omitted and the Email Service Provider MUST sign with its domain". -ENOMEM.
 */
static int
address_take(const struct asking *q, struct sv value, size_t n_fields, struct buf *to)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv plain = feedback_plain(q->pool, value), name;
	struct mail_address a;
	int rc;

	if (plain.p == NULL)
		return -ENOMEM;
	if ((rc = mail_envelope(q->pool, sv_trim(sv_cut(&plain, ';')), &a)) < 0)
		return rc == -ENOMEM ? rc : 0;
	if (!is_signed(q, &a.name, n_fields) || !is_signed(q, q->author, 0))
		return 0;
	if ((name = mail_name_text(q->pool, &a.name)).p == NULL)
		return -ENOMEM;
	buf_printf(&b, "%.*s@%.*s", SV_ARG(a.local), SV_ARG(name));
	/* a local part of UTF-8 needs another way than that of our mails */
	if (b.rc == 0 && report_address_ok(buf_get(&b)) && !has_address(buf_get(to), buf_get(&b)))
		buf_printf(to, "%s%.*s", to->len > 0 ? "," : "", SV_ARG(buf_get(&b)));
	return b.rc;
}

int
feedback_cfbl(const struct mail_head *head, const struct dname *author, const struct dkim_sig *sigs,
    const enum mail_result *results, size_t n, struct pool *pool, struct sv *ret)
{
	const struct asking q = { head, author, sigs, results, n, pool };
	_cleanup_(buf_done) struct buf to = BUF_INIT;
	const struct mail_field *field;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < FEEDBACK_CFBL_MAX &&
	    (field = mail_head_last(head, SV("CFBL-Address"), i)) != NULL; i++)
		rc = address_take(&q, field->value, i + 1, &to);
	if (rc < 0 || (rc = to.rc) < 0)
		return rc;
	*ret = to.len == 0 ? SV("") : pool_sv(pool, buf_get(&to));
	return ret->p == NULL ? -ENOMEM : 0;
}
