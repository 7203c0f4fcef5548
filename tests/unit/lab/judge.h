/* A lab world in memory, judged by rpki/ without a file in between. */
#ifndef TESTS_UNIT_LAB_JUDGE_H
#define TESTS_UNIT_LAB_JUDGE_H

#include "../tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lab/internal.h"
#include "rpki/rpki.h"

#define JUDGE_NOW	1795300000	/* 2026-11-21 */
#define JUDGE_VRPS_MAX	4096

struct judged {
	unsigned	 n_code[RPKI_CODE_MAX];
	unsigned	 n_warn, n_reject;
	struct vrp	 vrps[JUDGE_VRPS_MAX];
	size_t		 n_vrps, n_aspas, n_router_keys, n_points;
	char		 last[400];		/* the last finding's text */
};

static const struct lab_opts judge_opts = { .now = JUDGE_NOW, .now_given = true, .jobs = 2 };

/* etc/lab/NAME of the source tree; freed by the caller. */
static inline char *
description(const char *name, struct sv *ret)
{
	char path[4096], *text = malloc(1 << 16);
	const char *src = getenv("SEKISHO_SRC");
	FILE *f;

	assert_non_null(src);
	assert_non_null(text);
	(void)snprintf(path, sizeof(path), "%s/etc/lab/%s", src, name);
	f = fopen(path, "r");
	assert_non_null(f);
	*ret = (struct sv){ text, fread(text, 1, 1 << 16, f) };
	(void)fclose(f);
	return text;
}

static inline struct lab_world *
world_make(struct sv text, const char *fault)
{
	struct lab_error e = { 0 };
	struct lab_world *w = NULL;

	if (lab_text_parse(text, &judge_opts, &e, &w) < 0)
		fail_msg("line %u: %s", e.line, e.msg);
	if (fault != NULL)
		assert_int_equal(lab_fault_add(w, sv_str(fault), SV(""), &e), 0);
	if (lab_build(w, &e) < 0)
		fail_msg("%s: %s", fault != NULL ? fault : "-", e.msg);
	return w;
}

static inline int
world_get(void *arg, struct pool *pool, struct sv uri, struct sv *ret)
{
	const struct lab_world *w = arg;

	for (size_t i = 0; i < w->n_objs; i++) {
		const struct lab_obj *o = w->objs[i];

		if (o->hidden || !sv_eq_str(uri, o->uri))
			continue;
		*ret = pool_sv(pool, (struct sv){ (const char *)o->bytes, o->n_bytes });
		return ret->p == NULL ? -ENOMEM : 0;
	}
	return -ENOENT;
}

static inline void
judge_findings(struct judged *j, const struct findings *fs)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		j->n_code[f->def - rpki_findings]++;
		j->n_warn += f->def->severity == SEV_WARN;
		j->n_reject += f->def->severity == SEV_REJECT;
		finding_text(&b, f, LANG_EN);
		(void)snprintf(j->last, sizeof(j->last), "%.*s: %s: %.*s", SV_ARG(f->subject),
		    f->def->code, (int)b.len, b.p);
		if (getenv("JUDGE_VERBOSE") != NULL)
			printf("# %s\n", j->last);
	}
}

/* A point and all below it. */
static inline void
judge_point(struct lab_world *w, struct judged *j, const struct rpki_ca *ca,
    const struct rpki_opt *opt)
{
	struct rpki_source src = { .get = world_get, .arg = w };
	struct rpki_point *pt = calloc(1, sizeof(*pt));

	assert_non_null(pt);
	assert_int_equal(rpki_point_check(ca, &src, opt, pt), 0);
	j->n_points++;
	judge_findings(j, &pt->findings);
	for (size_t i = 0; i < pt->n_vrps && j->n_vrps < JUDGE_VRPS_MAX; i++)
		j->vrps[j->n_vrps++] = pt->vrps[i];
	j->n_aspas += pt->n_aspas;
	j->n_router_keys += pt->n_router_keys;
	for (size_t i = 0; i < pt->n_children; i++)
		judge_point(w, j, &pt->children[i], opt);
	rpki_point_done(pt);
	free(pt);
}

static inline void
judge_ta(struct lab_world *w, size_t i, struct judged *j, unsigned tolerate)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(64 << 20);
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct rpki_opt opt = { .now = lab_now(w), .tolerate = tolerate };
	struct findings fs;
	struct rpki_ca ca = { 0 };
	struct tal tal = { 0 };
	struct sv der;
	const char *why = NULL;
	unsigned line;
	size_t at = 0;
	bool ok = false;

	lab_tal_write(w, i, &text);
	assert_int_equal(tal_parse(pool, buf_get(&text), &tal, &why, &line), 0);
	findings_init(&fs, pool);
	/* by rsync: world_get() knows no other */
	while (at + 1 < tal.n_uris && !sv_starts(tal.uris[at], SV("rsync://")))
		at++;
	fs.subject = tal.uris[at];
	if (world_get(w, pool, tal.uris[at], &der) < 0) {
		finding_add0(&fs, &rpki_findings[RPKI_TA_MISSING]);
		judge_findings(j, &fs);
		return;
	}
	assert_int_equal(rpki_ta_check(pool, &tal, der, &opt, &fs, &ca, &ok), 0);
	judge_findings(j, &fs);
	ca.uri = tal.uris[at];
	if (ok)
		judge_point(w, j, &ca, &opt);
}

static inline struct judged *
judge(struct lab_world *w, unsigned tolerate)
{
	struct judged *j = calloc(1, sizeof(*j));

	assert_non_null(j);
	for (size_t i = 0; i < lab_n_tas(w); i++)
		judge_ta(w, i, j, tolerate);
	qsort(j->vrps, j->n_vrps, sizeof(j->vrps[0]), vrp_cmp);
	return j;
}

/* vrp_cmp() looks at the payload only, not at its expiry. */
static inline bool
judged_has(const struct judged *j, const struct vrp *v)
{
	return bsearch(v, j->vrps, j->n_vrps, sizeof(*v), vrp_cmp) != NULL;
}

#endif
