/*
 * play [-elsv] [-y YEARS] SEED N: N plays, from SEED on.
 *
 * A line for each: "SEED safe …" or "SEED bad …", with what was played; behind a
 * bad one its bad states. -v: the history and the log of each, too. -l: the
 * observer lies; -s: the engine is sleepy (play.h). -e: judged is what the engine
 * believes was served, by its own account, and no mistake is excused.
 * 0: all are safe, 1: some are not, 2: usage, 3: could not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "play.h"

/* Not what somebody else did wrong, and not what lies behind the end of the play. */
static void
excuse(const struct play *p, const struct history *h, struct bads *bads)
{
	size_t n = 0;

	for (size_t i = 0; i < bads->n; i++) {
		const struct bad *b = &bads->v[i];

		if (h->versions[b->ds].id.p[0] != 'x' && b->span.from < p->end)
			bads->v[n++] = *b;
	}
	bads->n = n;
}

static void
counts_print(uint64_t seed, const struct play *p, bool safe)
{
	const struct play_counts *c = &p->counts;

	printf("%" PRIu64 " %s rc=%d calls=%u publications=%u ds=%u generated=%u deleted=%u mistakes=%u"
	    " commands=%u refused=%u alarms=%u judged=%u late=%u busy_days=%u calm=%d troubled=%d\n",
	    seed, safe ? "safe" : "bad", p->rc, c->calls,
	    c->publications, c->ds_changes, c->generated, c->deleted, c->mistakes, c->commands,
	    c->refused, c->alarms, c->judged, c->late, c->busy_days, p->calm, p->trouble_every > 0);
}

struct wishes {
	uint64_t	 years;
	bool		 verbose, liar, sleepy, own;
};

static int
one(uint64_t seed, const struct wishes *w, bool *all_safe)
{
	_cleanup_(play_done) struct play p = { 0 };
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	_cleanup_(history_done) struct history h = { 0 };
	_cleanup_(bads_done) struct bads bads = { 0 };
	unsigned line = 0;
	int rc;

	rc = play_init(&p, seed, (int64_t)w->years, w->verbose);
	if (rc < 0)
		return rc;
	p.liar = w->liar;
	p.sleepy = w->sleepy;
	if (w->own && (p.own = keystate_history_new()) == NULL)
		return -ENOMEM;
	play_run(&p);
	if (!w->own)
		play_history(&p, &text);
	else if ((rc = keystate_history_write(p.own, &p.policy, 0, &text)) < 0)
		return rc;
	if (w->verbose)
		printf("%.*s%.*s", SV_ARG(buf_get(&text)), SV_ARG(buf_get(&p.log)));
	rc = text.rc < 0 ? text.rc : history_parse(buf_get(&text), &h, &line);
	if (rc < 0) {
		fprintf(stderr, "play: line %u of the history of %" PRIu64 ": %d\n", line, seed, rc);
		return rc;
	}
	rc = sim_run(&h, FLEET_JUMP, false, &bads);
	if (rc < 0)
		return rc;
	if (!w->own)
		excuse(&p, &h, &bads);
	counts_print(seed, &p, bads.n == 0 && p.rc == 0);
	if (bads.n > 0)
		bads_print(stdout, &h, &bads);
	*all_safe &= bads.n == 0 && p.rc == 0;
	return 0;
}

int
main(int argc, char **argv)
{
	struct wishes w = { .years = 2 };
	bool safe = true;
	uint64_t seed, n;
	int opt;

	while ((opt = getopt(argc, argv, "elsvy:")) != -1) {
		w.verbose |= opt == 'v';
		w.own |= opt == 'e';
		w.liar |= opt == 'l';
		w.sleepy |= opt == 's';
		if (opt == '?' || (opt == 'y' && num_u64(sv_str(optarg), 1, 100, &w.years) < 0))
			return 2;
	}
	if (argc - optind != 2 || num_u64(sv_str(argv[optind]), 0, INT64_MAX, &seed) < 0 ||
	    num_u64(sv_str(argv[optind + 1]), 1, UINT32_MAX, &n) < 0)
		return 2;
	for (uint64_t i = 0; i < n; i++) {
		int rc = one(seed + i, &w, &safe);

		if (rc < 0) {
			fprintf(stderr, "play: could not: %d\n", rc);
			return 3;
		}
	}
	return fflush(stdout) != 0 ? 3 : safe ? 0 : 1;
}
