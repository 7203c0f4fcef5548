/* A row's octets, read: what row.c cannot have written is refused. */
#include <errno.h>

#include "mail/row_internal.h"

static struct sv
text_read(struct rd *r, size_t max)
{
	size_t n = rd_be16(r);

	if (n > max)
		r->bad = true;
	return rd_slice(r, n);
}

static struct sv
domain_read(struct rd *r)
{
	struct sv s = rd_slice(r, rd_u8(r));	/* MAIL_ROW_DOMAIN_MAX is what an octet holds */

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			r->bad = true;
	return s;
}

/* A number up to max. */
static uint8_t
small_read(struct rd *r, unsigned max)
{
	uint8_t v = rd_u8(r);

	if (v > max)
		r->bad = true;
	return r->bad ? 0 : v;
}

static struct rd
part_read(struct sv s)
{
	struct rd r = rd_sv(s);

	if (rd_u8(&r) != MAIL_ROW_VERSION)
		r.bad = true;
	return r;
}

static int
parsed(const struct rd *r)
{
	return rd_done(r) ? 0 : -EBADMSG;
}

int
mail_row_policy_parse(struct sv s, struct report_policy *ret)
{
	struct rd r = part_read(s);
	struct report_policy p = { .domain = domain_read(&r) };
	unsigned flags;

	p.method = small_read(&r, DMARC_PSL);
	p.p = small_read(&r, DMARC_POLICY_MAX - 1);
	p.sp = small_read(&r, DMARC_POLICY_MAX - 1);
	p.np = small_read(&r, DMARC_POLICY_MAX - 1);
	p.fo = small_read(&r, ROW_FO_ALL);
	flags = small_read(&r, ROW_POLICY_ALL);
	p.strict_dkim = (flags & ROW_STRICT_DKIM) != 0;
	p.strict_spf = (flags & ROW_STRICT_SPF) != 0;
	p.testing = (flags & ROW_TESTING) != 0;
	p.pct = small_read(&r, 100);
	if (!rd_done(&r))
		return -EBADMSG;
	*ret = p;
	return 0;
}

int
mail_row_rua_parse(struct sv s, struct pool *pool, const struct sv **ret, size_t *ret_n)
{
	struct rd r = part_read(s);
	struct sv *to = pool_calloc(pool, DMARC_URIS_MAX, sizeof(*to));
	size_t n = 0;

	if (to == NULL)
		return -ENOMEM;
	while (rd_left(&r) > 0) {
		size_t len = rd_be16(&r);

		if (n == DMARC_URIS_MAX || len == 0 || len > MAIL_ROW_URI_MAX)
			return -EBADMSG;
		to[n++] = rd_slice(&r, len);
	}
	if (!rd_done(&r))
		return -EBADMSG;
	*ret = to;
	*ret_n = n;
	return 0;
}

static int
reasons_read(struct rd *r, struct pool *pool, struct report_row *w)
{
	size_t n = small_read(r, MAIL_ROW_REASONS_MAX);
	struct report_reason *a = pool_calloc(pool, n + 1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		a[i].type = small_read(r, REPORT_OVERRIDE_MAX - 1);
		a[i].comment = text_read(r, MAIL_ROW_TEXT_MAX);
	}
	w->reasons = a;
	w->n_reasons = n;
	return 0;
}

static int
dkim_read(struct rd *r, struct pool *pool, struct report_row *w)
{
	size_t n = small_read(r, DKIM_SIGS_MAX);
	struct report_dkim *a = pool_calloc(pool, n + 1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		a[i].domain = domain_read(r);
		a[i].selector = domain_read(r);
		a[i].result = small_read(r, MAIL_RESULT_MAX - 1);
		a[i].human = text_read(r, MAIL_ROW_TEXT_MAX);
	}
	w->dkim = a;
	w->n_dkim = n;
	return 0;
}

static void
source_read(struct rd *r, struct ip_prefix *px)
{
	const uint8_t *p;

	px->af = rd_u8(r);
	if (px->af != IP_V4 && px->af != IP_V6) {
		r->bad = true;
		return;
	}
	px->len = ip_bits(px->af);
	if ((p = rd_bytes(r, px->len / 8)) != NULL)
		memcpy(px->addr, p, px->len / 8);
}

int
mail_row_alike_parse(struct sv s, struct pool *pool, struct report_row *ret)
{
	struct rd r = part_read(s);
	struct report_row w = { 0 };
	unsigned flags;
	int rc;

	source_read(&r, &w.source);
	w.disposition = small_read(&r, REPORT_DISPOSITION_MAX - 1);
	flags = small_read(&r, ROW_ALIKE_ALL);
	w.dkim_aligned = (flags & ROW_DKIM_ALIGNED) != 0;
	w.spf_aligned = (flags & ROW_SPF_ALIGNED) != 0;
	w.spf_helo = (flags & ROW_SPF_HELO) != 0;
	w.has_envelope_from = (flags & ROW_ENVELOPE_FROM) != 0;
	w.spf = small_read(&r, MAIL_RESULT_MAX - 1);
	w.header_from = domain_read(&r);
	w.envelope_from = domain_read(&r);
	w.envelope_to = domain_read(&r);
	w.spf_domain = domain_read(&r);
	w.spf_human = text_read(&r, MAIL_ROW_TEXT_MAX);
	if ((rc = reasons_read(&r, pool, &w)) < 0 || (rc = dkim_read(&r, pool, &w)) < 0)
		return rc;
	if (!rd_done(&r) || (!w.has_envelope_from && w.envelope_from.n > 0))
		return -EBADMSG;
	*ret = w;
	return 0;
}

static int
parts_parse(const struct mail_row_parts *p, struct pool *pool, struct mail_row *row)
{
	int rc;

	if ((rc = mail_row_policy_parse(p->policy, &row->policy)) < 0 ||
	    (rc = mail_row_rua_parse(p->rua, pool, &row->rua, &row->n_rua)) < 0 ||
	    (rc = mail_row_alike_parse(p->alike, pool, &row->row)) < 0)
		return rc;
	row->row.count = 1;
	return 0;
}

int
mail_row_parse(struct sv s, struct pool *pool, struct mail_row *ret,
    struct mail_row_parts *ret_parts)
{
	struct rd r = part_read(s);
	struct mail_row row = { .at = (int64_t)rd_be64(&r) };
	struct mail_row_parts parts;
	int rc;

	row.node = text_read(&r, MAIL_ROW_NODE_MAX);
	row.queue_id = text_read(&r, MAIL_ROW_QUEUE_MAX);
	row.dmarc = small_read(&r, MAIL_RESULT_MAX - 1);
	row.arc = small_read(&r, MAIL_RESULT_MAX - 1);
	parts.policy = rd_slice(&r, rd_be16(&r));
	parts.rua = rd_slice(&r, rd_be16(&r));
	parts.alike = rd_slice(&r, rd_be16(&r));
	if ((rc = parsed(&r)) < 0 || (rc = parts_parse(&parts, pool, &row)) < 0)
		return rc;
	if (row.at < 0 || row.node.n == 0 || row.queue_id.n == 0)
		return -EBADMSG;
	*ret = row;
	*ret_parts = parts;
	return 0;
}
