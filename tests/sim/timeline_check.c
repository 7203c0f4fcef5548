/*
 * timeline_check [-m] [-r] [-e STEP]: reads histories on standard input, parted
 * by lines of "--", and prints for each what dnssec/timeline says: "safe", or a
 * line for each bad interval of each state,
 *
 *	KIND FROM UNTIL DS DNSKEY DATA
 *
 * "-" for a version that plays no part. -m: merged by kind, with the state that
 * begins it. -r: the story instead. -e: the earliest time from 0 on at which
 * this step is safe. Status 0: all are safe; 1: not; 2: a text cannot be read;
 * 3: the work could not be done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/timeline.h"

#define INPUT_MAX	(64u << 20)

static const char *
name_of(const struct timeline *h, int version)
{
	return version < 0 ? "-" : timeline_version(h, (unsigned)version)->id.p;
}

static void
time_print(int64_t at)
{
	if (at == TIME_NEVER)
		printf(" never");
	else
		printf(" %" PRId64, at);
}

static void
bad_print(const struct timeline *h, const struct timeline_bad *bad, int data)
{
	printf("%s", timeline_ill_name(bad->ill));
	time_print(bad->at.from);
	time_print(bad->at.until);
	printf(" %s %s %s\n", name_of(h, bad->ds), name_of(h, bad->dnskey), name_of(h, data));
}

static void
bads_print(const struct timeline *h, const struct timeline_verdict *v)
{
	for (size_t i = 0; i < v->n_bads; i++) {
		const struct timeline_bad *bad = &v->bads[i];

		if (bad->data < 0)
			bad_print(h, bad, -1);
		for (unsigned k = 0; bad->data >= 0 && k < timeline_n_versions(h); k++)
			if (v->same_as[k] == (unsigned)bad->data)
				bad_print(h, bad, (int)k);
	}
}

static void
findings_print(const struct findings *fs, FILE *out)
{
	struct buf b = BUF_INIT;

	timeline_story_text(&b, fs, LANG_EN);
	fprintf(out, "%.*s", SV_ARG(buf_get(&b)));
	buf_done(&b);
}

struct options {
	bool		 merged, story;
	const char	*step;
};

static int
judge_step(const struct timeline *h, const struct options *o, struct findings *fs)
{
	struct timeline_step step;
	int64_t x;
	int rc;

	if ((rc = timeline_step_parse(h, sv_str(o->step), fs, &step)) < 0 ||
	    (rc = timeline_earliest(h, &step, 0, TIMELINE_EVER, fs, o->story ? fs : NULL, &x)) < 0)
		return rc;
	if (o->story) {
		findings_print(fs, stdout);
		return x == TIME_NEVER;
	}
	printf("earliest");
	time_print(x);
	printf("\n");
	return x == TIME_NEVER;
}

static int
judge_history(const struct timeline *h, const struct options *o, struct findings *fs)
{
	struct timeline_verdict v;
	int rc;

	if ((rc = timeline_check(h, TIMELINE_EVER, &v)) < 0)
		return rc;
	if (o->story) {
		timeline_report(h, &v, TIMELINE_EVER, fs);
		findings_print(fs, stdout);
	} else if (v.n_bads == 0)
		printf("safe\n");
	else if (o->merged)
		for (size_t i = 0; i < v.n_merged; i++)
			bad_print(h, &v.merged[i], v.merged[i].data);
	else
		bads_print(h, &v);
	rc = v.n_bads > 0;
	timeline_verdict_done(&v);
	return rc;
}

static int
judge(struct sv text, const struct options *o)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(16u << 20);
	_cleanup_(timeline_freep) struct timeline *h = NULL;
	struct findings fs;
	int rc;

	if (pool == NULL)
		return 3;
	findings_init(&fs, pool);
	if ((rc = timeline_parse(text, &fs, &h)) == 0)
		rc = o->step != NULL ? judge_step(h, o, &fs) : judge_history(h, o, &fs);
	if (rc == SE_SYNTAX) {
		findings_print(&fs, stderr);
		return 2;
	}
	if (rc < 0)
		fprintf(stderr, "%s\n", err_str(rc));
	return rc < 0 ? 3 : rc;
}

/* The text up to the next line of "--". */
static struct sv
block_cut(struct sv *rest)
{
	struct sv all = *rest, line;

	while (sv_line(rest, &line))
		if (sv_eq_str(sv_trim(line), "--"))
			return sv_take(all, (size_t)(line.p - all.p));
	return all;
}

int
main(int argc, char **argv)
{
	char *text = malloc(INPUT_MAX);
	struct options o = { 0 };
	struct sv rest;
	int worst;

	for (int i = 1; i < argc; i++) {
		o.merged |= strcmp(argv[i], "-m") == 0;
		o.story |= strcmp(argv[i], "-r") == 0;
		if (strcmp(argv[i], "-e") == 0 && i + 1 < argc)
			o.step = argv[++i];
	}
	if (text == NULL)
		return 3;
	rest = (struct sv){ text, fread(text, 1, INPUT_MAX, stdin) };
	worst = rest.n == INPUT_MAX ? 3 : judge(block_cut(&rest), &o);
	while (rest.n > 0) {
		int rc;

		printf("--\n");
		rc = judge(block_cut(&rest), &o);
		worst = rc > worst ? rc : worst;
	}
	free(text);
	return worst;
}
