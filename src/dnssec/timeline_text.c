/* The text form of timeline: a table of statements, read in three passes. */
#include <errno.h>
#include <inttypes.h>

#include "base/err.h"
#include "dnssec/timeline_internal.h"

static const char *const kind_names[TIMELINE_KIND_MAX] = {
	[TIMELINE_DS] = "ds",
	[TIMELINE_DNSKEY] = "dnskey",
	[TIMELINE_DATA] = "data",
};

const char *
timeline_kind_name(enum timeline_kind kind)
{
	return kind < TIMELINE_KIND_MAX ? kind_names[kind] : "?";
}

struct reader {
	struct timeline	*h;
	struct sv	 line;		/* what is left of it */
	const char	*what;		/* a msgid: what is wrong */
	unsigned	 n_skews, n_stricts;
};

/* The statement cannot be taken, for this reason. */
static int
bad(struct reader *r, const char *what)
{
	r->what = what;
	return SE_SYNTAX;
}

/* A failure of the model, in words. */
static int
refused(struct reader *r, int rc)
{
	switch (rc) {
	case -EINVAL:
		return bad(r, N_("this is no name: letters and digits without \":\" and \"#\", and none of the "
		    "words of this form"));
	case -EEXIST:
		return bad(r, N_("the name stands there already"));
	case -ERANGE:
		return bad(r, N_("a number is out of its range, or an interval is empty"));
	case SE_LIMIT:
		return bad(r, N_("there are more of these than the limit allows"));
	default:
		return rc;
	}
}

static int
word_read(struct reader *r, struct sv *ret)
{
	return sv_word(&r->line, ret) ? 0 : bad(r, N_("a word is missing"));
}

static int
number_read(struct reader *r, struct sv word, uint64_t max, bool may_never, int64_t *ret)
{
	uint64_t n;

	if (may_never && sv_eq_str(word, "never")) {
		*ret = TIME_NEVER;
		return 0;
	}
	if (num_u64(word, 0, max, &n) < 0)
		return bad(r, N_("a number of seconds was expected, or it is out of its range"));
	*ret = (int64_t)n;
	return 0;
}

static int
next_number(struct reader *r, uint64_t max, bool may_never, int64_t *ret)
{
	struct sv word;
	int rc;

	if ((rc = word_read(r, &word)) < 0)
		return rc;
	return number_read(r, word, max, may_never, ret);
}

static int
key_read(struct reader *r, struct sv name, unsigned *ret)
{
	if (timeline_key_find(r->h, name, ret) < 0)
		return bad(r, N_("no \"key\" line has this name"));
	return 0;
}

/* --- first pass: keys and settings --- */

static int
read_key(struct reader *r)
{
	struct sv name;
	unsigned index;
	int64_t alg;
	int rc;

	if ((rc = word_read(r, &name)) < 0 || (rc = next_number(r, UINT8_MAX, false, &alg)) < 0)
		return rc;
	return refused(r, timeline_key_add(r->h, name, (uint8_t)alg, &index));
}

static int
read_skew(struct reader *r)
{
	int64_t sec;
	int rc;

	if (r->n_skews++ > 0)
		return refused(r, -EEXIST);
	if ((rc = next_number(r, TIMELINE_SKEW_MAX, false, &sec)) < 0)
		return rc;
	return refused(r, timeline_skew_set(r->h, (uint32_t)sec));
}

static int
read_strict(struct reader *r)
{
	struct sv word;
	int rc;

	if (r->n_stricts++ > 0)
		return refused(r, -EEXIST);
	if ((rc = word_read(r, &word)) < 0)
		return rc;
	if (!sv_eq_str(word, "yes") && !sv_eq_str(word, "no"))
		return bad(r, N_("it is either \"yes\" or \"no\""));
	timeline_strict_set(r->h, sv_eq_str(word, "yes"));
	return 0;
}

static int
read_secure(struct reader *r)
{
	struct timeline_span s;
	int rc;

	if ((rc = next_number(r, TIMELINE_TIME_MAX, false, &s.from)) < 0 ||
	    (rc = next_number(r, TIMELINE_TIME_MAX, true, &s.until)) < 0)
		return rc;
	return refused(r, timeline_secure_add(r->h, &s));
}

/* --- second pass: versions --- */

static int
read_ds(struct reader *r)
{
	unsigned version, key;
	struct sv id, word;
	int rc;

	if ((rc = word_read(r, &id)) < 0 || (rc = word_read(r, &word)) < 0 ||
	    (rc = refused(r, timeline_version_add(r->h, TIMELINE_DS, id, SV(""), &version))) < 0)
		return rc;
	if (sv_eq_str(word, "none"))
		return 0;
	do {
		if ((rc = key_read(r, word, &key)) < 0 ||
		    (rc = refused(r, timeline_version_key(r->h, version, key))) < 0)
			return rc;
	} while (sv_word(&r->line, &word));
	return 0;
}

/* K:INC:EXP, to the end of the line. */
static int
read_sigs(struct reader *r, unsigned version)
{
	struct timeline_sig sig;
	struct sv word;
	int rc;

	while (sv_word(&r->line, &word)) {
		struct sv name = sv_cut(&word, ':'), inc = sv_cut(&word, ':');

		if ((rc = key_read(r, name, &sig.key)) < 0 ||
		    (rc = number_read(r, inc, TIMELINE_TIME_MAX, false, &sig.inc)) < 0 ||
		    (rc = number_read(r, word, TIMELINE_TIME_MAX, true, &sig.exp)) < 0 ||
		    (rc = refused(r, timeline_version_sig(r->h, version, &sig))) < 0)
			return rc;
	}
	return 0;
}

static int
read_dnskey(struct reader *r)
{
	struct sv id, word;
	unsigned version, key;
	int rc;

	if ((rc = word_read(r, &id)) < 0 || (rc = word_read(r, &word)) < 0 ||
	    (rc = refused(r, timeline_version_add(r->h, TIMELINE_DNSKEY, id, SV(""), &version))) < 0)
		return rc;
	if (!sv_eq_str(word, "keys"))
		return bad(r, N_("\"keys\" was expected"));
	while (sv_word(&r->line, &word)) {
		if (sv_eq_str(word, "sigs"))
			return read_sigs(r, version);
		if ((rc = key_read(r, word, &key)) < 0 ||
		    (rc = refused(r, timeline_version_key(r->h, version, key))) < 0)
			return rc;
	}
	return bad(r, N_("\"sigs\" was expected"));
}

static int
read_data(struct reader *r)
{
	struct sv id, class, word;
	unsigned version;
	int rc;

	if ((rc = word_read(r, &id)) < 0 || (rc = word_read(r, &class)) < 0 || (rc = word_read(r, &word)) < 0 ||
	    (rc = refused(r, timeline_version_add(r->h, TIMELINE_DATA, id, class, &version))) < 0)
		return rc;
	if (sv_eq_str(word, "unsigned"))
		return 0;
	if (!sv_eq_str(word, "sigs"))
		return bad(r, N_("\"sigs\" or \"unsigned\" was expected"));
	return read_sigs(r, version);
}

/* --- third pass --- */

static int
read_serve(struct reader *r)
{
	struct timeline_serve s;
	unsigned version;
	int64_t ttl;
	struct sv id;
	int rc;

	if ((rc = word_read(r, &id)) < 0)
		return rc;
	if (timeline_version_find(r->h, id, &version) < 0)
		return bad(r, N_("no version has this name"));
	if ((rc = next_number(r, TIMELINE_TIME_MAX, false, &s.at.from)) < 0 ||
	    (rc = next_number(r, TIMELINE_TIME_MAX, true, &s.at.until)) < 0 ||
	    (rc = next_number(r, TIMELINE_TTL_MAX, false, &ttl)) < 0)
		return rc;
	s.ttl_sec = (uint32_t)ttl;
	return refused(r, timeline_serve_add(r->h, version, &s));
}

/* A statement may name what a later line makes: so what is named is read before. */
static const struct statement {
	const char	*word;
	unsigned	 pass;
	int		(*read)(struct reader *);
} statements[] = {
	{ "key", 0, read_key },
	{ "skew", 0, read_skew },
	{ "strict", 0, read_strict },
	{ "secure", 0, read_secure },
	{ "ds", 1, read_ds },
	{ "dnskey", 1, read_dnskey },
	{ "data", 1, read_data },
	{ "serve", 2, read_serve },
};
#define PASSES	3

static int
line_read(struct reader *r, unsigned pass)
{
	struct sv word;
	int rc;

	if (!sv_word(&r->line, &word))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		if (!sv_eq_str(word, statements[i].word))
			continue;
		if (statements[i].pass != pass)
			return 0;
		if ((rc = statements[i].read(r)) < 0)
			return rc;
		return sv_word(&r->line, &word) ? bad(r, N_("there is something behind the statement")) : 0;
	}
	return bad(r, N_("no statement begins with this word"));
}

static int
pass_read(struct reader *r, struct sv text, unsigned pass, struct findings *fs)
{
	struct sv line;
	uint64_t n = 0;
	int rc;

	while (sv_line(&text, &line)) {
		n++;
		r->line = sv_take(line, sv_find(line, '#'));
		if ((rc = line_read(r, pass)) == SE_SYNTAX)
			finding_add(fs, &roll_findings[ROLL_TEXT], FA_U("line", n), FA_MSG("what", r->what));
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
timeline_parse(struct sv text, struct findings *fs, struct timeline **ret)
{
	_cleanup_(timeline_freep) struct timeline *h = NULL;
	struct reader r = { 0 };
	int rc;

	if (text.n > TIMELINE_TEXT_MAX) {
		finding_add(fs, &roll_findings[ROLL_TEXT], FA_U("line", 0),
		    FA_MSG("what", N_("the text is larger than the limit allows")));
		return SE_SYNTAX;
	}
	if ((h = r.h = timeline_new()) == NULL)
		return -ENOMEM;
	for (unsigned pass = 0; pass < PASSES; pass++)
		if ((rc = pass_read(&r, text, pass, fs)) < 0)
			return rc;
	*ret = TAKE_PTR(h);
	return 0;
}

/* --- steps --- */

enum operand { OPERAND_NONE, OPERAND_VERSION, OPERAND_KEY };

static const struct edit_form {
	const char	*word;
	enum operand	 operand;
	bool		 has_ttl;
} edit_forms[TIMELINE_EDIT_MAX] = {
	[TIMELINE_STOP] = { "stop", OPERAND_VERSION, false },
	[TIMELINE_SERVE] = { "serve", OPERAND_VERSION, true },
	[TIMELINE_WITHDRAW] = { "withdraw", OPERAND_KEY, false },
	[TIMELINE_UNSIGN] = { "unsign", OPERAND_KEY, false },
	[TIMELINE_PUBLISH] = { "publish", OPERAND_KEY, false },
	[TIMELINE_SIGN] = { "sign", OPERAND_KEY, false },
	[TIMELINE_SIGN_KEYS] = { "sign-keys", OPERAND_KEY, false },
	[TIMELINE_DS_ADD] = { "ds-add", OPERAND_KEY, false },
	[TIMELINE_DS_DEL] = { "ds-del", OPERAND_KEY, false },
	[TIMELINE_INSECURE_OK] = { "insecure-ok", OPERAND_NONE, false },
};

static int
edit_operand_read(struct reader *r, enum operand operand, unsigned *ret)
{
	struct sv name;
	int rc;

	if (operand == OPERAND_NONE)
		return 0;
	if ((rc = word_read(r, &name)) < 0)
		return rc;
	if (operand == OPERAND_KEY)
		return key_read(r, name, ret);
	return timeline_version_find(r->h, name, ret) < 0 ? bad(r, N_("no version has this name")) : 0;
}

static int
edit_read(struct reader *r, const struct edit_form *form, struct timeline_edit *e)
{
	int64_t sec = 0;
	struct sv word;
	int rc;

	if ((rc = edit_operand_read(r, form->operand, &e->what)) < 0)
		return rc;
	if (form->has_ttl && (rc = next_number(r, TIMELINE_TTL_MAX, false, &sec)) < 0)
		return rc;
	e->ttl_sec = (uint32_t)sec;
	if (!sv_word(&r->line, &word))
		return 0;
	if (!sv_eq_str(word, "after"))
		return bad(r, N_("there is something behind the statement"));
	if ((rc = next_number(r, TIMELINE_TTL_MAX, false, &sec)) < 0)
		return rc;
	e->after_sec = (uint32_t)sec;
	return sv_word(&r->line, &word) ? bad(r, N_("there is something behind the statement")) : 0;
}

/* 1: an edit; 0: an empty line. */
static int
step_line_read(struct reader *r, struct timeline_edit *e)
{
	struct sv word;
	int rc;

	if (!sv_word(&r->line, &word))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(edit_forms); i++)
		if (sv_eq_str(word, edit_forms[i].word)) {
			*e = (struct timeline_edit){ .kind = (enum timeline_edit_kind)i };
			return (rc = edit_read(r, &edit_forms[i], e)) < 0 ? rc : 1;
		}
	return bad(r, N_("no statement begins with this word"));
}

int
timeline_step_parse(const struct timeline *h, struct sv text, struct findings *fs, struct timeline_step *ret)
{
	struct timeline_step step = { 0 };
	struct sv line;
	uint64_t n = 0;

	while (sv_line(&text, &line)) {
		/* Only read: what a line names must be there. */
		struct reader r = { .h = (struct timeline *)(uintptr_t)h, .line = sv_take(line, sv_find(line, '#')) };
		struct timeline_edit e;
		int rc = step_line_read(&r, &e);

		n++;
		if (rc > 0 && step.n_edits >= TIMELINE_EDITS_MAX)
			rc = refused(&r, SE_LIMIT);
		if (rc == SE_SYNTAX)
			finding_add(fs, &roll_findings[ROLL_TEXT], FA_U("line", n), FA_MSG("what", r.what));
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		step.edits = timeline_grow(fs->pool, step.edits, step.n_edits, sizeof(*step.edits));
		if (step.edits == NULL)
			return -ENOMEM;
		step.edits[step.n_edits++] = e;
	}
	*ret = step;
	return 0;
}

void
timeline_step_print(const struct timeline *h, const struct timeline_step *step, struct buf *b)
{
	for (size_t i = 0; i < step->n_edits; i++) {
		const struct timeline_edit *e = &step->edits[i];
		const struct edit_form *form = &edit_forms[e->kind];

		buf_str(b, form->word);
		if (form->operand != OPERAND_NONE) {
			buf_char(b, ' ');
			buf_sv(b, form->operand == OPERAND_KEY ? h->keys[e->what].name : h->versions[e->what].id);
		}
		if (form->has_ttl)
			buf_printf(b, " %" PRIu32, e->ttl_sec);
		if (e->after_sec > 0)
			buf_printf(b, " after %" PRIu32, e->after_sec);
		buf_char(b, '\n');
	}
}

/* --- printing --- */

static void
time_print(struct buf *b, int64_t at)
{
	if (at == TIME_NEVER)
		buf_str(b, "never");
	else
		buf_u64(b, (uint64_t)at);
}

static void
span_print(struct buf *b, const struct timeline_span *s)
{
	time_print(b, s->from);
	buf_char(b, ' ');
	time_print(b, s->until);
}

static void
keys_print(const struct timeline *h, const struct timeline_version *v, struct buf *b)
{
	for (size_t i = 0; i < v->n_keys; i++) {
		buf_char(b, ' ');
		buf_sv(b, h->keys[v->keys[i]].name);
	}
}

static void
sigs_print(const struct timeline *h, const struct timeline_version *v, struct buf *b)
{
	buf_str(b, " sigs");
	for (size_t i = 0; i < v->n_sigs; i++) {
		buf_char(b, ' ');
		buf_sv(b, h->keys[v->sigs[i].key].name);
		buf_char(b, ':');
		time_print(b, v->sigs[i].inc);
		buf_char(b, ':');
		time_print(b, v->sigs[i].exp);
	}
}

static void
version_print(const struct timeline *h, const struct timeline_version *v, struct buf *b)
{
	buf_str(b, kind_names[v->kind]);
	buf_char(b, ' ');
	buf_sv(b, v->id);
	if (v->kind == TIMELINE_DATA) {
		buf_char(b, ' ');
		buf_sv(b, v->class);
		if (v->n_sigs == 0)
			buf_str(b, " unsigned");
	} else if (v->kind == TIMELINE_DS && v->n_keys == 0)
		buf_str(b, " none");
	if (v->kind == TIMELINE_DNSKEY)
		buf_str(b, " keys");
	keys_print(h, v, b);
	if (v->kind == TIMELINE_DNSKEY || v->n_sigs > 0)
		sigs_print(h, v, b);
	buf_char(b, '\n');
	for (size_t i = 0; i < v->n_serves; i++) {
		buf_str(b, "serve ");
		buf_sv(b, v->id);
		buf_char(b, ' ');
		span_print(b, &v->serves[i].at);
		buf_char(b, ' ');
		buf_u64(b, v->serves[i].ttl_sec);
		buf_char(b, '\n');
	}
}

void
timeline_print(const struct timeline *h, struct buf *b)
{
	buf_printf(b, "skew %" PRIu32 "\nstrict %s\n", h->skew_sec, h->strict ? "yes" : "no");
	for (size_t i = 0; i < h->n_keys; i++)
		buf_printf(b, "key %.*s %u\n", SV_ARG(h->keys[i].name), h->keys[i].alg);
	for (size_t i = 0; i < h->n_secures; i++) {
		buf_str(b, "secure ");
		span_print(b, &h->secures[i]);
		buf_char(b, '\n');
	}
	for (size_t i = 0; i < h->n_versions; i++)
		version_print(h, &h->versions[i], b);
}
