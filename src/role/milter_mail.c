/* One message, in a thread of libmilter's: see role/milter_role.h. */
#include <errno.h>
#include <stdlib.h>

#include "role/milter_role.h"

struct milter_mail {
	struct milter_hall	*hall;
	struct lent		*signs, *signs_now;	/* when it began, and at its end */
	struct mail_gate_conf	 conf;		/* the hall's, with the keys of this moment */
	struct mail_gate	*gate;
	struct mail_dns		*dns;
};

struct milter_mail *
milter_mail_free(struct milter_mail *m)
{
	if (m == NULL)
		return NULL;
	(void)mail_gate_free(m->gate);
	(void)mail_dns_free(m->dns);
	lend_back(m->hall->signs, m->signs);
	lend_back(m->hall->signs, m->signs_now);
	free(m);
	return NULL;
}

int
milter_mail_new(struct milter_hall *h, const struct mail_gate_mail *e, struct milter_mail **ret)
{
	struct milter_mail *m = calloc(1, sizeof(*m));
	int rc;

	if (m == NULL)
		return -ENOMEM;
	m->hall = h;
	m->signs = lend_take(h->signs);
	m->conf = h->gate;
	m->conf.signs = lent_thing(m->signs);
	m->conf.signs_unknown = m->conf.signs == NULL;	/* role seal tells its table, an empty one, too */
	rc = mail_dns_live_of(&h->resolvers, MILTER_DNS_SEC, &m->dns);
	if (rc == 0)
		rc = mail_gate_new(&m->conf, e, &m->gate);
	if (rc < 0) {
		(void)milter_mail_free(m);
		return rc;
	}
	mail_dns_share(m->dns, h->cache);
	*ret = m;
	return 0;
}

void
milter_mail_field(struct milter_mail *m, struct sv name, struct sv value)
{
	mail_gate_field(m->gate, name, value);
}

void
milter_mail_head_end(struct milter_mail *m)
{
	mail_gate_head_end(m->gate);
}

void
milter_mail_body(struct milter_mail *m, struct sv piece)
{
	mail_gate_body(m->gate, piece);
}

static int
fill(void *arg, struct mail_ask *ask)
{
	return mail_dns_fill(arg, ask);
}

/* On the disk before the verdict leaves. */
static int
row_keep(struct milter_mail *m, const struct mail_row *row, int64_t now)
{
	uint8_t room[MAIL_ROW_MAX];
	struct wr w = wr_mem(room, sizeof(room));
	int rc = mail_row_write(&w, row);

	if (rc < 0)
		return rc;
	return mail_journal_append(m->hall->journal, now, (struct sv){ (const char *)room, w.len });
}

static void
out_count(struct milter_counts *n, const struct mail_gate_out *out)
{
	atomic_fetch_add(&n->own, out->who == MAIL_WHO_OWN);
	atomic_fetch_add(&n->relayed, out->who == MAIL_WHO_RELAY);
	atomic_fetch_add(&n->signed_, out->n_signed);
	atomic_fetch_add(&n->sealed, out->is_sealed);
	atomic_fetch_add(&n->marked, out->has_mark);
	atomic_fetch_add(&n->failed, out->failure < 0);
	atomic_fetch_add(&n->unsigned_, out->sign_failure < 0);
}

void
milter_mail_end(struct milter_mail *m, struct sv queue_id, struct mail_gate_out *ret)
{
	struct milter_counts *n = &m->hall->n;
	struct mail_gate_world w = {
		.ask = mail_dns_ask(m->dns), .fill = fill, .fill_arg = m->dns,
		.signer = &m->hall->signer, .pubs = m->hall->pubs,
		.marks = m->hall->marks, .now = role_now(m->hall->role),
	};

	m->signs_now = lend_take(m->hall->signs);
	w.signs = lent_thing(m->signs_now);
	mail_gate_end(m->gate, &w, ret);
	ret->row.queue_id = ret->report.queue_id = queue_id;
	out_count(n, ret);
	if (ret->has_report)
		milter_failures_put(m->hall, &ret->report, w.now);
	if (!ret->has_row || m->hall->journal == NULL || row_keep(m, &ret->row, w.now) == 0)
		return;
	atomic_fetch_add(&n->unkept, 1);
	/* Who wants what is not noted to come again has said so; it is noted then. */
	if (m->conf.policy.on_failure == MAIL_ACT_TEMPFAIL)
		mail_gate_without(&m->conf, ret);
}
