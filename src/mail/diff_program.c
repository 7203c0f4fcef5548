/* Who most likely did it, by what he left behind; and how he is to be set. */
#include "mail/diff_internal.h"

#define SURE_ENOUGH	2	/* one weak trace alone names nobody */

static const struct {
	const char	*name, *text;
} programs[DIFF_BY_MAX] = {
#define P(code, name, text)	[DIFF_BY_##code] = { name, text },
#define S(...)
#include "mail/diff_program.def"
#undef P
#undef S
};

static const struct trace {
	enum mail_diff_program	 program;
	const char		*field, *value;
	unsigned		 weight;
} traces[] = {
#define P(...)
#define S(code, ...)	{ DIFF_BY_##code, __VA_ARGS__ },
#include "mail/diff_program.def"
#undef P
#undef S
};

/* What is as telling as a field. */
static const struct {
	enum mail_diff_program	program;
	enum mail_diff_code	code;
	unsigned		weight;
} deeds[] = {
	{ DIFF_BY_GATEWAY, MAIL_DIFF_FOOTER, 2 },
	{ DIFF_BY_GATEWAY, MAIL_DIFF_BANNER, 2 },
	{ DIFF_BY_MAILBOX, MAIL_DIFF_QUOTE, 4 },
};

static const struct {
	enum mail_diff_program	 program;
	enum mail_diff_code	 code;
	const char		*text;
} settings[] = {
#define T(program, code, text)	{ DIFF_BY_##program, code, text },
#include "mail/diff_setting.def"
#undef T
};

const char *
mail_diff_program_name(enum mail_diff_program p)
{
	return p < DIFF_BY_MAX ? programs[p].name : "unknown";
}

const char *
mail_diff_program_text(enum mail_diff_program p)
{
	return p < DIFF_BY_MAX ? programs[p].text : "?";
}

const char *
mail_diff_setting(enum mail_diff_program p, enum mail_diff_code code)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (settings[i].program == p && settings[i].code == code)
			return settings[i].text;
	return NULL;
}

static void
evidence_put(struct mail_diff *d, struct mail_diff_evidence e)
{
	d->weight[e.program] += e.weight;
	d->evidence[d->n_evidence++] = e;
}

static bool
is_named(struct sv name, struct sv pattern)
{
	if (!sv_ends(pattern, SV("*")))
		return sv_caseeq(name, pattern);
	pattern.n--;
	return sv_caseeq(sv_take(name, pattern.n), pattern);
}

static bool
has_text(struct sv s, struct sv part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (sv_caseeq(sv_take(sv_skip(s, i), part.n), part))
			return true;
	return false;
}

/* The topmost field that came or was changed, and shows it; it is evidence once. */
static const struct mail_field *
trace_find(const struct mail_diff *d, const struct trace *t)
{
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct mail_diff_field *f = &d->fields[i];

		if (f->after == NULL || (f->act != DIFF_ADDED && f->act != DIFF_CHANGED) ||
		    !is_named(f->after->name, sv_str(t->field)) ||
		    !has_text(f->after->value, sv_str(t->value)))
			continue;
		/* A subject that was marked before says nothing of who changed it. */
		if (f->before == NULL || t->value[0] == '\0' || !has_text(f->before->value, sv_str(t->value)))
			return f->after;
	}
	return NULL;
}

static bool
is_told(const struct findings *fs, enum mail_diff_code code)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		if (f->def == &mail_diff_findings[code])
			return true;
	return false;
}

void
diff_program_find(struct diff_of *o, const struct findings *fs)
{
	struct mail_diff *d = o->d;
	unsigned best = 0;

	_Static_assert(ARRAY_LEN(traces) + ARRAY_LEN(deeds) <= MAIL_DIFF_EVIDENCE_MAX, "room for all");
	for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
		const struct mail_field *f = trace_find(d, &traces[i]);

		if (f != NULL)
			evidence_put(d, (struct mail_diff_evidence){ traces[i].program,
				traces[i].weight, f, MAIL_DIFF_CODE_MAX });
	}
	for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
		if (is_told(fs, deeds[i].code))
			evidence_put(d, (struct mail_diff_evidence){ deeds[i].program,
				deeds[i].weight, NULL, deeds[i].code });
	d->program = DIFF_BY_MAX;
	for (unsigned p = 0; p < DIFF_BY_MAX; p++)
		if (d->weight[p] >= SURE_ENOUGH && d->weight[p] > best) {
			best = d->weight[p];
			d->program = p;
		}
}
