/*
 * timeline_check [-a] [-r]: reads a history on standard input and prints what
 * dnssec/timeline says of it: "safe", or a line for each bad interval,
 *
 *	KIND FROM UNTIL DS DNSKEY DATA
 *
 * merged by kind, with the state that begins it ("-" for a version that plays
 * no part). -a: every state by itself. -r: the story instead. Status 0: safe;
 * 1: not; 2: the text cannot be read; 3: the work could not be done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/timeline.h"

#define INPUT_MAX	(8u << 20)

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
bads_print(const struct timeline *h, const struct timeline_bad *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("%s", timeline_ill_name(v[i].ill));
		time_print(v[i].at.from);
		time_print(v[i].at.until);
		printf(" %s %s %s\n", name_of(h, v[i].ds), name_of(h, v[i].dnskey), name_of(h, v[i].data));
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

static int
judge(struct sv text, bool all, bool story)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(16u << 20);
	_cleanup_(timeline_freep) struct timeline *h = NULL;
	struct timeline_verdict v;
	struct findings fs;
	int rc;

	if (pool == NULL)
		return 3;
	findings_init(&fs, pool);
	if ((rc = timeline_parse(text, &fs, &h)) < 0) {
		findings_print(&fs, stderr);
		return rc == SE_SYNTAX ? 2 : 3;
	}
	if ((rc = timeline_check(h, TIMELINE_EVER, &v)) < 0) {
		fprintf(stderr, "%s\n", err_str(rc));
		return 3;
	}
	if (story) {
		timeline_report(h, &v, TIMELINE_EVER, &fs);
		findings_print(&fs, stdout);
	} else if (v.n_bads == 0)
		printf("safe\n");
	else
		bads_print(h, all ? v.bads : v.merged, all ? v.n_bads : v.n_merged);
	rc = v.n_bads > 0;
	timeline_verdict_done(&v);
	return rc;
}

int
main(int argc, char **argv)
{
	char *text = malloc(INPUT_MAX);
	bool all = false, story = false;
	size_t n;
	int rc;

	for (int i = 1; i < argc; i++) {
		all |= strcmp(argv[i], "-a") == 0;
		story |= strcmp(argv[i], "-r") == 0;
	}
	if (text == NULL)
		return 3;
	n = fread(text, 1, INPUT_MAX, stdin);
	rc = judge((struct sv){ text, n }, all, story);
	free(text);
	return rc;
}
