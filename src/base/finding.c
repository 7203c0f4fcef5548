#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding.h"
#include "base/hash.h"
#include "base/timefmt.h"

static const char *const severity_names[SEV_MAX] = {
	[SEV_NOTE] = "NOTE",
	[SEV_WARN] = "WARN",
	[SEV_REJECT] = "REJECT",
};

const char *
severity_name(enum severity s)
{
	return s < SEV_MAX ? severity_names[s] : "?";
}

void
findings_init(struct findings *fs, struct pool *pool)
{
	memset(fs, 0, sizeof(*fs));
	fs->pool = pool;
	fs->tail = &fs->head;
}

void
finding_add_args(struct findings *fs, const struct finding_def *def,
    const struct farg *args, unsigned n)
{
	struct finding *f;
	struct farg *copy = NULL;

	fs->n_by_severity[def->severity]++;
	if (fs->n_kept >= FINDINGS_MAX ||
	    (f = pool_alloc(fs->pool, sizeof(*f))) == NULL ||
	    (n > 0 && (copy = pool_calloc(fs->pool, n, sizeof(*copy))) == NULL)) {
		fs->n_dropped++;
		return;
	}
	f->def = def;
	f->subject = pool_sv(fs->pool, fs->subject);
	for (unsigned i = 0; i < n; i++) {
		copy[i] = args[i];
		if (args[i].s.p != NULL)
			copy[i].s = pool_sv(fs->pool, args[i].s);
	}
	f->args = copy;
	f->n_args = n;
	*fs->tail = f;
	fs->tail = &f->next;
	fs->n_kept++;
}

void
findings_append(struct findings *dst, const struct findings *src)
{
	struct sv subject = dst->subject;

	for (const struct finding *f = src->head; f != NULL; f = f->next) {
		dst->subject = f->subject;
		finding_add_args(dst, f->def, f->args, f->n_args);
		dst->n_by_severity[f->def->severity]--;	/* added below */
	}
	dst->subject = subject;
	for (int s = 0; s < SEV_MAX; s++)
		dst->n_by_severity[s] += src->n_by_severity[s];
	dst->n_dropped += src->n_dropped;
}

void
findings_move(struct findings *dst, struct findings *src)
{
	if (src->head != NULL && dst->n_kept + src->n_kept <= FINDINGS_MAX) {
		*dst->tail = src->head;
		dst->tail = src->tail;
		dst->n_kept += src->n_kept;
	} else
		dst->n_dropped += src->n_kept;
	for (int s = 0; s < SEV_MAX; s++)
		dst->n_by_severity[s] += src->n_by_severity[s];
	dst->n_dropped += src->n_dropped;
	findings_init(src, src->pool);
}

void
farg_print(struct buf *b, const struct farg *a)
{
	char tmp[IP_PREFIX_STRLEN];

	switch (a->type) {
	case FARG_U64:
		buf_u64(b, a->u);
		break;
	case FARG_TIME:
		buf_str(b, time_str((int64_t)a->u, tmp));
		break;
	case FARG_ASN:
		buf_str(b, asn_str((uint32_t)a->u, tmp));
		break;
	case FARG_PREFIX:
		buf_str(b, ip_prefix_str(&a->px, tmp));
		break;
	case FARG_HEX:
		for (size_t i = 0; i < a->s.n; i++)
			buf_str(b, hex_encode(tmp, a->s.p + i, 1));
		break;
	case FARG_STR:
	case FARG_MSG:
	default:
		buf_sv(b, a->s);
	}
}

static const struct farg *
farg_find(const struct finding *f, struct sv key)
{
	for (unsigned i = 0; i < f->n_args; i++)
		if (sv_eq_str(key, f->args[i].key))
			return &f->args[i];
	return NULL;
}

/* Words that were made in several languages: "why_ja" stands for "why" in Japanese. */
static const struct farg *
farg_find_lang(const struct finding *f, struct sv key, enum lang lang)
{
	const struct farg *a = NULL;
	char name[64];

	(void)snprintf(name, sizeof(name), "%.*s_%s", SV_ARG(key), lang_name(lang));
	if (lang != LANG_EN)
		a = farg_find(f, sv_str(name));
	return a != NULL ? a : farg_find(f, key);
}

static void
places_fill(struct buf *b, const struct finding *f, const char *msgid, enum lang lang)
{
	struct sv s = sv_str(tr(lang, msgid));

	while (s.n > 0) {
		size_t open = sv_find(s, '{');
		struct sv rest = sv_skip(s, open + 1), key;
		const struct farg *a;

		buf_sv(b, sv_take(s, open));
		if (open == s.n)
			return;
		key = sv_cut(&rest, '}');
		/* As a sentence says it: "until never" is none. */
		if ((a = farg_find_lang(f, key, lang)) != NULL && a->type == FARG_TIME && (int64_t)a->u == TIME_NEVER)
			buf_str(b, tr(lang, N_("the next change")));
		else if (a != NULL && a->type == FARG_MSG)
			buf_str(b, tr(lang, a->s.p));
		else if (a != NULL)
			farg_print(b, a);
		else
			buf_str(b, "?");
		s = rest;
	}
}

void
finding_text(struct buf *b, const struct finding *f, enum lang lang)
{
	places_fill(b, f, f->def->text, lang);
}

void
finding_remedy(struct buf *b, const struct finding *f, enum lang lang)
{
	places_fill(b, f, f->def->remedy, lang);
}

static void
farg_json(struct json *j, const struct farg *a)
{
	struct buf b = BUF_INIT;

	json_key(j, a->key);
	if (a->type == FARG_U64 || a->type == FARG_ASN) {
		json_u64(j, a->u);
		return;
	}
	farg_print(&b, a);
	json_sv(j, buf_get(&b));
	buf_done(&b);
}

void
finding_json(struct json *j, const struct finding *f, enum lang lang)
{
	struct buf b = BUF_INIT;

	json_open(j, '{');
	json_kv_sv(j, "subject", f->subject);
	json_kv_str(j, "code", f->def->code);
	json_kv_str(j, "severity", severity_name(f->def->severity));
	json_kv_str(j, "clause", f->def->clause);
	json_key(j, "args");
	json_open(j, '{');
	for (unsigned i = 0; i < f->n_args; i++)
		farg_json(j, &f->args[i]);
	json_close(j, '}');
	finding_text(&b, f, lang);
	json_kv_sv(j, "text", buf_get(&b));
	buf_done(&b);
	json_close(j, '}');
}
