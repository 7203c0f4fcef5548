#include "app/zone_steps.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "dnssec/dnssec.h"

struct step_read {
	struct timeline		*h;
	struct sv		 rest;
	struct buf		*edits;
	struct zone_steps_fault	*fault;
};

/* --- keys --- */

/* "ksk12345", "ksk12345-b": the number behind the letters. */
static bool
has_tag(struct sv name, struct sv tag)
{
	size_t end = sv_find(name, '-');
	struct sv head = sv_take(name, end);

	return head.n > tag.n && sv_ends(head, tag) &&
	    (head.p[head.n - tag.n - 1] < '0' || head.p[head.n - tag.n - 1] > '9');
}

static int
key_find(struct step_read *s, struct sv word, struct sv *ret)
{
	const struct timeline_key *k;
	unsigned index;
	uint32_t tag;

	s->fault->word = word;
	s->fault->n_candidates = 0;
	if (timeline_key_find(s->h, word, &index) == 0) {
		*ret = timeline_key(s->h, index)->name;
		return 0;
	}
	if (num_u32(word, 0, UINT32_MAX, &tag) < 0)
		return -ENOENT;
	for (unsigned i = 0; i < timeline_n_keys(s->h); i++) {
		k = timeline_key(s->h, i);
		if (has_tag(k->name, word) && s->fault->n_candidates < ZONE_STEPS_CANDIDATES)
			s->fault->candidates[s->fault->n_candidates++] = k->name;
	}
	if (s->fault->n_candidates != 1)
		return s->fault->n_candidates == 0 ? -ENOENT : -EEXIST;
	*ret = s->fault->candidates[0];
	return 0;
}

/* --- what stands behind the words --- */

static bool
word_is(struct step_read *s, const char *want)
{
	struct sv rest = s->rest, word;

	if (!sv_word(&rest, &word) || !sv_caseeq(word, sv_str(want)))
		return false;
	s->rest = rest;
	return true;
}

/* "after TIME", "now", or the end. */
static int
edit_end(struct step_read *s, uint32_t *ret_after)
{
	struct sv word;

	*ret_after = 0;
	(void)word_is(s, "now");
	if (word_is(s, "after")) {
		if (!sv_word(&s->rest, &word) || ttl_parse(word, ret_after) < 0) {
			s->fault->word = word;
			return -EINVAL;
		}
	}
	if (!sv_word(&s->rest, &word))
		return 0;
	s->fault->word = word;
	return -EINVAL;
}

static void
edit_put(struct step_read *s, const char *verb, struct sv key, uint32_t after)
{
	buf_printf(s->edits, "%s %.*s after %u\n", verb, SV_ARG(key), after);
}

static int
operand(struct step_read *s, const char *verb)
{
	struct sv word = { 0 }, key;
	uint32_t after;
	int rc;

	s->fault->word = word;
	if (!sv_word(&s->rest, &word))
		return -EINVAL;
	if ((rc = key_find(s, word, &key)) < 0)
		return rc;
	if ((rc = edit_end(s, &after)) == 0)
		edit_put(s, verb, key, after);
	return rc;
}

/* A key that nobody else names yet: of DS data, or one that will be made. */
static int
key_join(struct step_read *s, struct sv name, uint8_t alg, const char *verb)
{
	unsigned index;
	uint32_t after;
	int rc = timeline_key_add(s->h, name, alg, &index);

	s->fault->word = name;
	if (rc < 0 && rc != -EEXIST)
		return rc;
	if ((rc = edit_end(s, &after)) == 0)
		edit_put(s, verb, name, after);
	return rc;
}

static int
all_keys(struct step_read *s, const char *const *verbs, size_t n_verbs)
{
	uint32_t after;
	int rc = edit_end(s, &after);

	for (unsigned i = 0; i < timeline_n_keys(s->h) && rc == 0; i++)
		for (size_t v = 0; v < n_verbs; v++)
			edit_put(s, verbs[v], timeline_key(s->h, i)->name, after);
	return rc;
}

/* --- the words --- */

/* "the old DS": of which key, if only one can have a DS; those of the keys that sign data have none. */
static int
ds_unnamed(struct step_read *s)
{
	uint32_t after;
	int rc = edit_end(s, &after);

	s->fault->n_candidates = 0;
	s->fault->word = SV("");
	for (unsigned i = 0; i < timeline_n_keys(s->h) && s->fault->n_candidates < ZONE_STEPS_CANDIDATES; i++)
		if (!sv_starts(timeline_key(s->h, i)->name, SV("zsk")))
			s->fault->candidates[s->fault->n_candidates++] = timeline_key(s->h, i)->name;
	if (rc < 0 || s->fault->n_candidates != 1)
		return rc < 0 ? rc : s->fault->n_candidates == 0 ? -ENOENT : -EEXIST;
	edit_put(s, "ds-del", s->fault->candidates[0], after);
	return 0;
}

static bool
names_nobody(const struct step_read *s)
{
	struct sv rest = s->rest, word;

	return !sv_word(&rest, &word) || sv_caseeq(word, SV("now")) || sv_caseeq(word, SV("after"));
}

static int
remove_ds(struct step_read *s)
{
	if (word_is(s, "all"))
		return all_keys(s, (const char *const[]){ "ds-del" }, 1);
	return names_nobody(s) ? ds_unnamed(s) : operand(s, "ds-del");
}

/* KEY, or "TAG ALGORITHM TYPE DIGEST". */
static int
publish_ds(struct step_read *s)
{
	struct sv rest = s->rest, tag, alg, type, digest;
	const struct dnssec_alg *a;
	char name[16];
	uint32_t number;

	if (!sv_word(&rest, &tag) || !sv_word(&rest, &alg) || !sv_word(&rest, &type) ||
	    !sv_word(&rest, &digest) || sv_caseeq(alg, SV("after")))
		return operand(s, "ds-add");
	s->fault->word = tag;
	if (num_u32(tag, 0, UINT16_MAX, &number) < 0)
		return -EINVAL;
	if ((a = dnssec_alg_parse(alg)) == NULL) {
		s->fault->word = alg;
		return -EINVAL;
	}
	s->rest = rest;
	snprintf(name, sizeof(name), "ds%u", number);
	return key_join(s, sv_str(name), a->number, "ds-add");
}

static int
publish_key(struct step_read *s)
{
	struct sv rest = s->rest, name, alg;
	const struct dnssec_alg *a;

	if (!sv_word(&rest, &name) || !sv_word(&rest, &alg) || (a = dnssec_alg_parse(alg)) == NULL)
		return operand(s, "publish");
	s->rest = rest;
	return key_join(s, name, a->number, "publish");
}

static int
unsign(struct step_read *s)
{
	static const char *const verbs[] = { "unsign", "withdraw" };
	int rc;

	/* "unsign KEY" is timeline's. */
	if (s->rest.n > 0 && sv_trim(s->rest).n > 0 && !sv_starts(sv_trim(s->rest), SV("after")))
		return operand(s, "unsign");
	if ((rc = all_keys(s, verbs, ARRAY_LEN(verbs))) == 0)
		buf_str(s->edits, "insecure-ok\n");
	return rc;
}

static int
allow_insecure(struct step_read *s)
{
	uint32_t after;
	int rc = edit_end(s, &after);

	if (rc == 0)
		buf_printf(s->edits, "insecure-ok after %u\n", after);
	return rc;
}

static const struct step_form {
	const char	*words[3];
	int		(*read)(struct step_read *);
	const char	*verb;			/* of operand() */
} forms[] = {
	{ { "remove", "ds" }, remove_ds, NULL },
	{ { "publish", "ds" }, publish_ds, NULL },
	{ { "publish", "key" }, publish_key, NULL },
	{ { "withdraw", "key" }, NULL, "withdraw" },
	{ { "stop", "signing", "with" }, NULL, "unsign" },
	{ { "sign", "keys", "with" }, NULL, "sign-keys" },
	{ { "sign", "with" }, NULL, "sign" },
	{ { "unsign" }, unsign, NULL },
	{ { "allow", "insecure" }, allow_insecure, NULL },
};

static bool
form_is(struct step_read *s, const struct step_form *f)
{
	struct sv rest = s->rest;

	for (unsigned i = 0; i < ARRAY_LEN(f->words) && f->words[i] != NULL; i++) {
		/* As people say it: "remove the old DS now". */
		while (i > 0 && (word_is(s, "the") || word_is(s, "old") || word_is(s, "new")))
			;
		if (!word_is(s, f->words[i])) {
			s->rest = rest;
			return false;
		}
	}
	return true;
}

int
zone_steps_read(struct timeline *h, struct sv step, struct buf *edits, struct zone_steps_fault *ret)
{
	struct step_read s = { .h = h, .rest = step, .edits = edits, .fault = ret };

	*ret = (struct zone_steps_fault){ .word = step };
	if (sv_trim(step).n == 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (form_is(&s, &forms[i]))
			return forms[i].read != NULL ? forms[i].read(&s) : operand(&s, forms[i].verb);
	/* A word of timeline's: its own parser judges it. */
	buf_sv(edits, step);
	buf_char(edits, '\n');
	return 0;
}
