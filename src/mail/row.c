/* A row's octets, written. row_parse.c reads them: what stands here has its mirror there. */
#include <errno.h>

#include "mail/row_internal.h"

/* At most max octets, and whole characters of UTF-8 where it is any. */
static struct sv
cut(struct sv s, size_t max)
{
	size_t n = max;

	if (s.n <= max)
		return s;
	while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return sv_take(s, n == 0 ? max : n);
}

static void
text_write(struct wr *w, struct sv s, size_t max)
{
	s = cut(s, max);
	wr_be16(w, (uint16_t)s.n);
	wr_bytes(w, s.p, s.n);
}

static void
domain_write(struct wr *w, struct sv s)
{
	uint8_t *p;

	s = sv_take(s, MAIL_ROW_DOMAIN_MAX);
	wr_u8(w, (uint8_t)s.n);
	if ((p = wr_reserve(w, s.n)) == NULL)
		return;
	for (size_t i = 0; i < s.n; i++)
		p[i] = (uint8_t)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
}

/* A part: its length in front, patched when it is known. */
static size_t
part_begin(struct wr *w)
{
	wr_be16(w, 0);
	wr_u8(w, MAIL_ROW_VERSION);
	return w->len;
}

static void
part_end(struct wr *w, size_t at)
{
	if (!w->bad)
		put_be16(w->buf + at - 3, (uint16_t)(w->len - at + 1));
}

static void
policy_write(struct wr *w, const struct report_policy *p)
{
	size_t at = part_begin(w);

	domain_write(w, p->domain);
	wr_u8(w, (uint8_t)p->method);
	wr_u8(w, (uint8_t)p->p);
	wr_u8(w, (uint8_t)p->sp);
	wr_u8(w, (uint8_t)p->np);
	wr_u8(w, (uint8_t)p->fo);
	wr_u8(w, (uint8_t)((p->strict_dkim ? ROW_STRICT_DKIM : 0) |
	    (p->strict_spf ? ROW_STRICT_SPF : 0) | (p->testing ? ROW_TESTING : 0)));
	wr_u8(w, (uint8_t)p->pct);
	part_end(w, at);
}

static void
rua_write(struct wr *w, const struct mail_row *r)
{
	size_t at = part_begin(w);
	size_t n = 0;

	for (size_t i = 0; i < r->n_rua && n < DMARC_URIS_MAX; i++)
		if (r->rua[i].n > 0 && r->rua[i].n <= MAIL_ROW_URI_MAX) {
			wr_be16(w, (uint16_t)r->rua[i].n);
			wr_bytes(w, r->rua[i].p, r->rua[i].n);
			n++;
		}
	part_end(w, at);
}

static void
reasons_write(struct wr *w, const struct report_row *r)
{
	size_t n = min_size(r->n_reasons, MAIL_ROW_REASONS_MAX);

	wr_u8(w, (uint8_t)n);
	for (size_t i = 0; i < n; i++) {
		wr_u8(w, (uint8_t)r->reasons[i].type);
		text_write(w, r->reasons[i].comment, MAIL_ROW_TEXT_MAX);
	}
}

static void
dkim_write(struct wr *w, const struct report_row *r)
{
	size_t n = min_size(r->n_dkim, DKIM_SIGS_MAX);

	wr_u8(w, (uint8_t)n);
	for (size_t i = 0; i < n; i++) {
		domain_write(w, r->dkim[i].domain);
		domain_write(w, r->dkim[i].selector);
		wr_u8(w, (uint8_t)r->dkim[i].result);
		text_write(w, r->dkim[i].human, MAIL_ROW_TEXT_MAX);
	}
}

static void
alike_write(struct wr *w, const struct report_row *r)
{
	size_t at = part_begin(w);

	wr_u8(w, r->source.af);
	wr_bytes(w, r->source.addr, ip_bits(r->source.af) / 8);
	wr_u8(w, (uint8_t)r->disposition);
	wr_u8(w, (uint8_t)((r->dkim_aligned ? ROW_DKIM_ALIGNED : 0) |
	    (r->spf_aligned ? ROW_SPF_ALIGNED : 0) | (r->spf_helo ? ROW_SPF_HELO : 0) |
	    (r->has_envelope_from ? ROW_ENVELOPE_FROM : 0)));
	wr_u8(w, (uint8_t)r->spf);
	domain_write(w, r->header_from);
	domain_write(w, r->has_envelope_from ? r->envelope_from : SV(""));
	domain_write(w, r->envelope_to);
	domain_write(w, r->spf_domain);
	text_write(w, r->spf_human, MAIL_ROW_TEXT_MAX);
	reasons_write(w, r);
	dkim_write(w, r);
	part_end(w, at);
}

/* --- is it one? --- */

static bool
policy_ok(const struct report_policy *p)
{
	return p->method <= DMARC_PSL && p->p < DMARC_POLICY_MAX && p->sp < DMARC_POLICY_MAX &&
	    p->np < DMARC_POLICY_MAX && p->fo <= ROW_FO_ALL && p->pct <= 100;
}

static bool
lists_ok(const struct report_row *r)
{
	for (size_t i = 0; i < r->n_reasons; i++)
		if (r->reasons[i].type >= REPORT_OVERRIDE_MAX)
			return false;
	for (size_t i = 0; i < r->n_dkim; i++)
		if (r->dkim[i].result >= MAIL_RESULT_MAX)
			return false;
	return true;
}

static bool
row_ok(const struct mail_row *r)
{
	const struct report_row *w = &r->row;

	return r->node.n > 0 && r->node.n <= MAIL_ROW_NODE_MAX &&
	    r->queue_id.n > 0 && r->queue_id.n <= MAIL_ROW_QUEUE_MAX && r->at >= 0 &&
	    r->dmarc < MAIL_RESULT_MAX && r->arc < MAIL_RESULT_MAX && policy_ok(&r->policy) &&
	    (w->source.af == IP_V4 || w->source.af == IP_V6) &&
	    w->source.len == ip_bits(w->source.af) && w->disposition < REPORT_DISPOSITION_MAX &&
	    w->spf < MAIL_RESULT_MAX && lists_ok(w);
}

int
mail_row_write(struct wr *w, const struct mail_row *r)
{
	if (!row_ok(r))
		return -EINVAL;
	wr_u8(w, MAIL_ROW_VERSION);
	wr_be64(w, (uint64_t)r->at);
	text_write(w, r->node, MAIL_ROW_NODE_MAX);
	text_write(w, r->queue_id, MAIL_ROW_QUEUE_MAX);
	wr_u8(w, (uint8_t)r->dmarc);
	wr_u8(w, (uint8_t)r->arc);
	policy_write(w, &r->policy);
	rua_write(w, r);
	alike_write(w, &r->row);
	return wr_done(w) ? 0 : -E2BIG;
}
