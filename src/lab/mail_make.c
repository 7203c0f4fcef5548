/* A flow as a message: what its author wrote, then its steps. */
#include <errno.h>

#include "base/hash.h"
#include "base/timefmt.h"
#include "lab/mail_plan.h"

#define BEFORE	60	/* seconds before the world's time at which it was written */

/* Another one for each (seed, flow, variant). */
static void
number_make(const struct lab_mail_plan *p, char ret[static 2 * 8 + 1])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	uint8_t digest[SHA256_LEN];

	buf_printf(&b, "%llu %.*s %u", (unsigned long long)p->w->seed, SV_ARG(p->row->flow.label),
	    p->variant);
	crypto_sha256(b.p, b.len, digest);
	(void)hex_encode(ret, digest, 8);
}

static void
author_write(struct lab_mail_plan *p)
{
	char date[TIME_MAIL_STRLEN], number[2 * 8 + 1];
	struct sv to = p->row->flow.to[0], subject = p->row->subject, label = p->row->flow.label;

	number_make(p, number);
	buf_printf(&p->head, "Date: %s\r\nFrom: %.*s\r\nTo: %.*s\r\n", time_mail_str(p->at, date),
	    SV_ARG(p->row->from), SV_ARG(to));
	if (subject.n > 0)
		buf_printf(&p->head, "Subject: %.*s\r\n", SV_ARG(subject));
	else
		buf_printf(&p->head, "Subject: A message of the lab: %.*s\r\n", SV_ARG(label));
	buf_printf(&p->head, "Message-ID: <%s@mail.lab.example>\r\n", number);
	buf_str(&p->head, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n");
	buf_printf(&p->body,
	    "This is a message of a lab (sekisho lab mail).\r\n\r\nIts flow is %.*s, its number is %s.\r\n",
	    SV_ARG(label), number);
}

int
lab_mail_message(const struct lab_mail *w, size_t flow, uint32_t variant, struct buf *b)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct lab_mail_plan p = {
		.w = w, .row = flow < w->n_rows ? w->index[flow] : NULL, .variant = variant,
		.at = w->now - BEFORE, .pool = pool,
	};
	int rc = 0;

	if (pool == NULL || p.row == NULL)
		return pool == NULL ? -ENOMEM : -ERANGE;
	author_write(&p);
	for (const struct lab_mail_step *s = p.row->steps; s != NULL && rc == 0; s = s->next)
		rc = s->fn(&p, s->rest);
	if (rc == 0) {
		buf_sv(b, buf_get(&p.head));
		buf_str(b, "\r\n");
		buf_sv(b, buf_get(&p.body));
		rc = p.head.rc < 0 ? p.head.rc : p.body.rc < 0 ? p.body.rc : b->rc;
	}
	buf_done(&p.head);
	buf_done(&p.body);
	return rc;
}
