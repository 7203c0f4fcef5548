/* The DNS of a mail world: one zone file, and the same for a resolver that answers from it. */
#include "lab/mail_internal.h"
#include "lab/mail_zone.h"

#define STRING_MAX	200	/* octets of a string of TXT; 255 is the most (RFC 1035 section 3.3) */

/* "…" "…" */
static void
txt_write(struct buf *b, struct sv text)
{
	do {
		struct sv part = sv_take(text, STRING_MAX);

		text = sv_skip(text, part.n);
		buf_char(b, '"');
		for (size_t i = 0; i < part.n; i++) {
			if (part.p[i] == '"' || part.p[i] == '\\')
				buf_char(b, '\\');
			buf_char(b, part.p[i]);
		}
		buf_str(b, text.n > 0 ? "\" " : "\"");
	} while (text.n > 0);
}

static void
record_write(struct buf *b, const struct lab_mail_domain *d, const struct lab_mail_record *r)
{
	if (!sv_eq(r->name, SV("@")))
		buf_printf(b, "%.*s.", SV_ARG(r->name));
	buf_printf(b, "%.*s. 3600 IN %.*s ", SV_ARG(d->name), SV_ARG(r->type));
	if (sv_eq(r->type, SV("TXT")))
		txt_write(b, r->data);
	else
		buf_sv(b, r->data);
}

static void
key_write(struct buf *b, const struct lab_mail_key *k)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	lab_mail_key_record(k, &text);
	buf_printf(b, "%.*s._domainkey.%.*s. 3600 IN TXT ", SV_ARG(k->selector), SV_ARG(k->domain));
	txt_write(b, buf_get(&text));
}

void
lab_mail_records(const struct lab_mail *w, struct buf *b, const char *before, const char *behind)
{
	for (const struct lab_mail_domain *d = w->domains; d != NULL; d = d->next)
		for (const struct lab_mail_record *r = d->records; r != NULL; r = r->next) {
			buf_str(b, before);
			record_write(b, d, r);
			buf_str(b, behind);
		}
	for (const struct lab_mail_key *k = w->keys; k != NULL; k = k->next) {
		if (k->is_absent)
			continue;
		buf_str(b, before);
		key_write(b, k);
		buf_str(b, behind);
	}
}

void
lab_mail_zone(const struct lab_mail *w, struct buf *b)
{
	buf_str(b,
	    "; The whole DNS of a mail world of sekisho lab mail: sekisho mail verify --dns world.zone\n");
	lab_mail_records(w, b, "", "\n");
}
