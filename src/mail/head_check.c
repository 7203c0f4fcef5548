/*
 * A head as a whole: what RFC 5322 does not allow and programs read differently (Chen, Paxson,
 * Jiang, "Composition Kills", USENIX Security 2020).
 */
#include "mail/message_internal.h"

#define SHOWN_MAX	80	/* octets of a stranger's field in a finding */

static void
field_tell(struct findings *fs, enum mail_code code, const struct mail_field *f)
{
	finding_add(fs, &mail_findings[code], FA_SV("field", sv_take(f->name, SHOWN_MAX)));
}

/* --- each field --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* CRLF and a blank stand at the head of s: is there more in that line? */
static bool
fold_is_good(struct sv s)
{
	size_t n = 3;

	while (n < s.n && is_blank(s.p[n]))
		n++;
	return n < s.n && s.p[n] != '\r';
}

/*
 * A break that is no fold ends the field for some, and for others not. A line of nothing but
 * white space ends the header for some: RFC 5322 section 3.2.2 has it in obs-FWS only.
 */
static void
breaks_check(const struct mail_field *f, struct findings *fs)
{
	bool is_break = false, is_fold = false;

	/* No LF is without its CR: a head has made it so. */
	for (struct sv s = sv_skip(f->raw, sv_find(f->raw, '\r')); s.n > 0;) {
		if (s.n > 2 && s.p[1] == '\n' && is_blank(s.p[2]))
			is_fold |= !fold_is_good(s);
		else
			is_break = true;
		s = sv_skip(s, 1);
		s = sv_skip(s, sv_find(s, '\r'));
	}
	if (is_break)
		field_tell(fs, MAIL_FIELD_BREAK, f);
	if (is_fold)
		field_tell(fs, MAIL_FIELD_FOLD, f);
}

static void
field_check(const struct mail_field *f, struct findings *fs)
{
	/* Section 3.6.8: between name and colon stands nothing (but in section 4.5's old form). */
	if (f->raw.p[f->name.n] != ':')
		field_tell(fs, MAIL_FIELD_BLANK, f);
	if (sv_find(f->raw, '\0') < f->raw.n)
		field_tell(fs, MAIL_FIELD_NUL, f);
	breaks_check(f, fs);
}

/* --- how many --- */

/* RFC 5322 section 3.6 and RFC 2045: of these there is one at most. Of From see below. */
static const char *const singles[] = {
	"Date", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References",
	"Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
};

static void
singles_check(const struct mail_head *h, struct findings *fs)
{
	for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
		size_t n = mail_head_count(h, sv_str(singles[i]));

		if (n > 1)
			finding_add(fs, &mail_findings[MAIL_FIELD_TWICE],
			    FA_STR("field", singles[i]), FA_U("count", n));
	}
}

/* --- From --- */

/* Whom it names: one person, without a doubt. */
static void
author_check(const struct mail_head *h, const struct mail_field *from, struct findings *fs)
{
	uint64_t n_before = fs->n_by_severity[SEV_REJECT];
	struct mail_list list;

	if (mail_list_parse(h->pool, from->value, fs, &list) < 0)
		return;		/* the pool knows that it failed */
	if (fs->n_by_severity[SEV_REJECT] > n_before)
		return;		/* why it cannot be read is enough */
	if (list.n == 0)
		finding_add0(fs, &mail_findings[MAIL_FROM_EMPTY]);
	if (list.n > 1)
		finding_add(fs, &mail_findings[MAIL_FROM_AUTHORS], FA_U("count", list.n));
	if (list.n_groups > 0)
		finding_add0(fs, &mail_findings[MAIL_FROM_GROUP]);
}

void
mail_head_check(const struct mail_head *h, struct findings *fs)
{
	size_t n_from = mail_head_count(h, SV("From"));

	for (size_t i = 0; i < h->n; i++)
		field_check(&h->fields[i], fs);
	singles_check(h, fs);
	if (n_from == 0 && h->is_full)
		return;		/* it may stand behind the limit, and that is said */
	if (n_from == 0)
		finding_add0(fs, &mail_findings[MAIL_FROM_NONE]);
	else if (n_from > 1)
		finding_add(fs, &mail_findings[MAIL_FROM_TWICE], FA_U("count", n_from));
	else
		author_check(h, mail_head_last(h, SV("From"), 0), fs);
}
