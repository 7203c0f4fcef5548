/* What was done, as findings: see diff_findings.def. */
#include "base/json.h"
#include "mail/diff_internal.h"

/* --- signatures --- */

static const char *
sig_changed(const struct mail_diff_sig *s)
{
	if (s->body_same)
		return N_("what it signs of the header was changed");
	return s->head_same ? N_("the body was changed") : N_("header and body were changed");
}

static void
sig_tell(const struct mail_diff_sig *s, struct findings *fs)
{
	const struct farg what = FA_MSG("what", mail_diff_kind_text(s->kind)),
		domain = FA_SV("domain", s->sig->domain), selector = FA_SV("selector", s->sig->selector);

	if (s->fate == DIFF_BROKEN)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_SIG_BROKEN], what, domain, selector,
		    FA_MSG("changed", sig_changed(s)));
	else if (s->fate == DIFF_GONE)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_SIG_GONE], what, domain, selector,
		    FA_MSG("hold", s->head_same && s->body_same ? N_("still hold") :
		    N_("not hold any more")));
	else if (s->fate == DIFF_WAS_BROKEN)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_SIG_BEFORE], what, domain, selector);
	if (s->fate != DIFF_WAS_BROKEN && !s->is_verified)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_KEY], domain, selector);
}

static void
sigs_tell(const struct mail_diff *d, struct findings *fs)
{
	for (size_t i = 0; i < d->n_sigs; i++)
		sig_tell(&d->sigs[i], fs);
	if (d->n_new_sets > 0)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_SEALED], FA_SV("domain", d->sealer),
		    FA_U("n", d->n_new_sets));
}

/* --- fields --- */

/* UTF-8 without controls: words of other charsets (ISO-2022-JP) are not, when decoded. */
static bool
is_readable(struct sv s)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);

		if (n == 0 || (unsigned char)s.p[0] < ' ' || s.p[0] == 0x7f)
			return false;
		s = sv_skip(s, n);
	}
	return true;
}

/* Not within a letter. */
static struct sv
head_take(struct sv s)
{
	size_t n = min_size(s.n, MAIL_DIFF_QUOTE_MAX);

	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return sv_take(s, n);
}

/* As it reads, or else as it stands there. */
static struct sv
value_shown(struct pool *pool, const struct mail_field *f)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv s;

	if (f == NULL)
		return SV("");
	diff_words_decode(&b, f->value);
	s = pool_sv(pool, head_take(is_readable(buf_get(&b)) ? buf_get(&b) : sv_trim(f->value)));
	return s.p == NULL ? SV("") : s;
}

/* Names of fields: a finding of its own, or none. */
static const struct {
	const char		*name;
	enum mail_diff_code	 code;		/* MAIL_DIFF_CODE_MAX: not told, or elsewhere */
} names[] = {
	{ "Subject", MAIL_DIFF_SUBJECT },
	{ "From", MAIL_DIFF_FROM },
	{ "Reply-To", MAIL_DIFF_REPLY_TO },
	/* parts */
	{ "Content-Type", MAIL_DIFF_CODE_MAX },
	{ "Content-Transfer-Encoding", MAIL_DIFF_CODE_MAX },
	{ "MIME-Version", MAIL_DIFF_CODE_MAX },
	{ "Content-Length", MAIL_DIFF_CODE_MAX },
	/* signatures, and what each server writes */
	{ "DKIM-Signature", MAIL_DIFF_CODE_MAX },
	{ "ARC-Seal", MAIL_DIFF_CODE_MAX },
	{ "ARC-Message-Signature", MAIL_DIFF_CODE_MAX },
	{ "ARC-Authentication-Results", MAIL_DIFF_CODE_MAX },
	{ "Authentication-Results", MAIL_DIFF_CODE_MAX },
	{ "Return-Path", MAIL_DIFF_CODE_MAX },
	{ "Delivered-To", MAIL_DIFF_CODE_MAX },
	{ "X-Original-To", MAIL_DIFF_CODE_MAX },
};

static enum mail_diff_code
code_of(struct sv name, enum mail_diff_code otherwise)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (sv_caseeq(name, sv_str(names[i].name)))
			return names[i].code;
	return otherwise;
}

static void
changed_tell(struct diff_of *o, const struct mail_diff_field *f, enum mail_diff_code code,
    struct findings *fs)
{
	const struct mail_field *any = f->before != NULL ? f->before : f->after;

	finding_add(fs, &mail_diff_findings[code], FA_SV("field", any->name),
	    FA_SV("was", value_shown(o->pool, f->before)), FA_SV("is", value_shown(o->pool, f->after)));
}

static void
field_tell(struct diff_of *o, const struct mail_diff_field *f, struct findings *fs)
{
	const bool is_changed = f->act == DIFF_CHANGED && f->level == DIFF_OTHER;
	const struct mail_field *any = f->before != NULL ? f->before : f->after;
	enum mail_diff_code code = code_of(any->name, f->act == DIFF_REMOVED ? MAIL_DIFF_REMOVED :
	    MAIL_DIFF_CHANGED);

	if (f->level == DIFF_RECODED)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_RECODED], FA_SV("field", any->name));
	else if (code == MAIL_DIFF_CODE_MAX)
		return;
	else if (is_changed || f->act == DIFF_REMOVED ||
	    (f->act == DIFF_ADDED && code == MAIL_DIFF_REPLY_TO))
		changed_tell(o, f, code, fs);
}

static bool
is_folded(const struct mail_diff_field *f)
{
	return f->act == DIFF_CHANGED && (f->level == DIFF_FOLDED || f->level == DIFF_BLANKS);
}

static bool
is_moved(const struct mail_diff_field *f)
{
	return f->act == DIFF_MOVED;
}

/* How many there are, and the first. */
static void
count_tell(const struct mail_diff *d, bool (*is)(const struct mail_diff_field *),
    enum mail_diff_code code, struct findings *fs)
{
	const struct mail_diff_field *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->n_fields; i++)
		if (is(&d->fields[i]) && n++ == 0)
			first = &d->fields[i];
	if (first != NULL)
		finding_add(fs, &mail_diff_findings[code], FA_U("n", n), FA_SV("field", first->after->name));
}

/* Fields that stand where a signature has another one, or none. Each name once. */
static void
added_tell(const struct mail_diff *d, struct findings *fs)
{
	struct sv told[MAIL_DIFF_TOLD_MAX];
	size_t n = 0;

	for (size_t i = 0; i < d->n_sigs; i++)
		for (size_t k = 0; k < d->sigs[i].n_names && n < MAIL_DIFF_TOLD_MAX; k++) {
			const struct mail_diff_name *name = &d->sigs[i].names[k];
			bool is_new = name->act == DIFF_ADDED || (name->is_shift && name->after != NULL);

			for (size_t t = 0; t < n; t++)
				is_new &= !sv_caseeq(told[t], name->name);
			if (!is_new || sv_caseeq(name->name, SV("Reply-To")))
				continue;
			told[n++] = name->name;
			finding_add(fs, &mail_diff_findings[MAIL_DIFF_ADDED], FA_SV("field", name->name));
		}
}

static void
fields_tell(struct diff_of *o, struct findings *fs)
{
	size_t n_before = fs->n_kept;

	for (size_t i = 0; i < o->d->n_fields && fs->n_kept - n_before < MAIL_DIFF_TOLD_MAX; i++)
		field_tell(o, &o->d->fields[i], fs);
	count_tell(o->d, is_folded, MAIL_DIFF_FOLDED, fs);
	count_tell(o->d, is_moved, MAIL_DIFF_MOVED, fs);
	added_tell(o->d, fs);
}

/* --- the body and its parts --- */

static void
part_tell(const struct mail_diff *d, const struct mail_diff_part *p, struct findings *fs)
{
	static const enum mail_diff_code codes[DIFF_PART_MAX] = {
		[DIFF_PART_WRAPPED] = MAIL_DIFF_WRAPPED,
		[DIFF_PART_REMOVED] = MAIL_DIFF_PART_GONE,
		[DIFF_PART_ADDED] = MAIL_DIFF_PART_NEW,
		[DIFF_PART_RECODED] = MAIL_DIFF_ENCODING,
		[DIFF_PART_CHARSET] = MAIL_DIFF_CHARSET,
		[DIFF_PART_APPENDED] = MAIL_DIFF_FOOTER,
		[DIFF_PART_PREPENDED] = MAIL_DIFF_BANNER,
		[DIFF_PART_CHANGED] = MAIL_DIFF_BODY,
		[DIFF_PART_REBUILT] = MAIL_DIFF_REBUILT,
	};

	if (p->kind == DIFF_PART_CHANGED)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_BODY], FA_U("line", d->body.line),
		    FA_SV("was", d->body.shown[0]), FA_SV("is", d->body.shown[1]));
	else if (p->kind == DIFF_PART_RECODED || p->kind == DIFF_PART_CHARSET)
		finding_add(fs, &mail_diff_findings[codes[p->kind]], FA_SV("type", p->type),
		    FA_SV("was", p->was), FA_SV("is", p->is));
	else
		finding_add(fs, &mail_diff_findings[codes[p->kind]], FA_SV("type", p->type),
		    FA_U("n", p->n), FA_SV(p->kind == DIFF_PART_REMOVED ? "name" : "text", p->shown));
}

/* The body as a whole, where its parts say nothing. */
static void
lines_tell(const struct mail_diff_body *b, struct findings *fs)
{
	if (b->where == DIFF_AT_END || b->where == DIFF_AT_BOTH)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_FOOTER], FA_U("n", b->n_octets[1]),
		    FA_SV("text", b->shown[1]));
	if (b->where == DIFF_AT_BEGIN || b->where == DIFF_AT_BOTH)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_BANNER], FA_U("n", b->n_octets[1]),
		    FA_SV("text", b->shown[1]));
	if (b->where == DIFF_INSIDE)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_BODY], FA_U("line", b->line),
		    FA_SV("was", b->shown[0]), FA_SV("is", b->shown[1]));
}

static bool
has_part(const struct mail_diff *d, enum mail_diff_part_kind kind)
{
	for (size_t i = 0; i < d->n_parts; i++)
		if (d->parts[i].kind == kind)
			return true;
	return false;
}

/* The plainest of what explains it. */
static void
body_tell(const struct mail_diff *d, struct findings *fs)
{
	const struct mail_diff_body *b = &d->body;
	size_t n_before = fs->n_kept;

	if (b->same[MAIL_SIMPLE])
		return;
	if (b->is_quoted)
		finding_add0(fs, &mail_diff_findings[MAIL_DIFF_QUOTE]);
	else if (b->same[MAIL_RELAXED] || b->where == DIFF_NOWHERE)
		finding_add0(fs, &mail_diff_findings[MAIL_DIFF_BLANKS]);
	else if (b->where == DIFF_CUT)
		finding_add(fs, &mail_diff_findings[MAIL_DIFF_CUT], FA_U("n", b->n_octets[0]),
		    FA_U("line", b->line));
	else if (b->is_wrapped && !has_part(d, DIFF_PART_RECODED))
		finding_add0(fs, &mail_diff_findings[MAIL_DIFF_WRAP]);
	else if (b->where == DIFF_AT_BOTH && has_part(d, DIFF_PART_CHANGED))
		lines_tell(b, fs);
	else
		for (size_t i = 0; i < d->n_parts && fs->n_kept - n_before < MAIL_DIFF_TOLD_MAX; i++)
			part_tell(d, &d->parts[i], fs);
	if (fs->n_kept == n_before)
		lines_tell(b, fs);
}

void
diff_tell(struct diff_of *o, struct findings *fs)
{
	const struct mail_diff_body *b = &o->d->body;

	sigs_tell(o->d, fs);
	if (o->d->is_other)
		finding_add0(fs, &mail_diff_findings[MAIL_DIFF_OTHER]);
	fields_tell(o, fs);
	body_tell(o->d, fs);
	if (!o->d->is_mime_known)
		finding_add0(fs, &mail_diff_findings[MAIL_DIFF_LIMIT]);
	if ((b->has_lf[0] || b->has_crlf[0]) && (b->has_lf[1] || b->has_crlf[1]) &&
	    (b->has_lf[0] != b->has_lf[1] || b->has_crlf[0] != b->has_crlf[1]))
		finding_add0(fs, &mail_diff_findings[MAIL_DIFF_ENDS]);
}
