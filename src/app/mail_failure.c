/* A failure report without its frame, as octets: see app/mail_failure.h. */
#include <errno.h>

#include "app/mail_failure.h"

#define VERSION		1

static void
text_write(struct wr *w, struct sv s)
{
	wr_be16(w, (uint16_t)s.n);
	wr_bytes(w, s.p, s.n);
}

static bool
is_one(struct sv s, size_t max)
{
	return s.n > 0 && s.n <= max;
}

static bool
failure_ok(const struct mail_failure *f)
{
	if (!is_one(f->node, MAIL_ROW_NODE_MAX) || !is_one(f->queue_id, MAIL_ROW_QUEUE_MAX) ||
	    !is_one(f->domain, MAIL_ROW_DOMAIN_MAX) || f->alike.n != MAIL_FAILURE_ALIKE_LEN ||
	    f->n_to == 0 || f->n_to > DMARC_URIS_MAX || f->at < 0 ||
	    f->feedback.n + f->head.n > REPORT_FAILURE_MAX)
		return false;
	for (size_t i = 0; i < f->n_to; i++)
		if (!is_one(f->to[i], MAIL_ROW_URI_MAX))
			return false;
	return true;
}

int
mail_failure_write(struct wr *w, const struct mail_failure *f)
{
	if (!failure_ok(f))
		return -EINVAL;
	wr_u8(w, VERSION);
	wr_be64(w, (uint64_t)f->at);
	text_write(w, f->node);
	text_write(w, f->queue_id);
	text_write(w, f->domain);
	text_write(w, f->alike);
	wr_u8(w, (uint8_t)f->n_to);
	for (size_t i = 0; i < f->n_to; i++)
		text_write(w, f->to[i]);
	text_write(w, f->feedback);
	text_write(w, f->head);
	return wr_done(w) ? 0 : -EINVAL;
}

static struct sv
text_read(struct rd *r)
{
	return rd_slice(r, rd_be16(r));
}

int
mail_failure_parse(struct sv octets, struct mail_failure *ret)
{
	struct rd r = rd_sv(octets);
	struct mail_failure f = { .n_to = 0 };
	bool is_ours = rd_u8(&r) == VERSION;

	f.at = (int64_t)rd_be64(&r);
	f.node = text_read(&r);
	f.queue_id = text_read(&r);
	f.domain = text_read(&r);
	f.alike = text_read(&r);
	f.n_to = rd_u8(&r);
	for (size_t i = 0; i < min_size(f.n_to, DMARC_URIS_MAX); i++)
		f.to[i] = text_read(&r);
	f.feedback = text_read(&r);
	f.head = text_read(&r);
	if (!is_ours || !rd_done(&r) || !failure_ok(&f))
		return -EBADMSG;
	*ret = f;
	return 0;
}
