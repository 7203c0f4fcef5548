/*
 * RRDP notifications: the same answer whole and in pieces; what is left is
 * one chain; what they say, once remembered, plans nothing.
 */
#include "base/err.h"
#include "fuzz_rpki.h"

static const struct rrdp_notification *
feed(struct rrdp_parser *x, const uint8_t *p, size_t n, size_t piece, int *ret_rc)
{
	int rc;

	must(x != NULL);
	do {
		size_t k = min_size(piece, n);

		rc = rrdp_parser_feed(x, p, k, k == n);
		p = k > 0 ? p + k : p;
		n -= k;
	} while (rc == 0 && n > 0);
	*ret_rc = rc;
	must((rrdp_parser_notification(x) != NULL) == (rc == 0));
	return rrdp_parser_notification(x);
}

static void
chain(const struct rrdp_notification *n, struct sv at)
{
	must(strlen(n->session) == RRDP_SESSION_LEN && n->serial > 0 && n->n_deltas <= n->n_listed);
	must(https_same_origin(n->snapshot.uri, at));
	for (size_t i = 0; i < n->n_deltas; i++) {
		must(n->deltas[i].serial == n->serial - (n->n_deltas - 1 - i));
		must(https_same_origin(n->deltas[i].uri, at));
	}
	must((n->gap == 0) == (n->n_deltas == n->n_listed));
}

static void
plan(const struct rrdp_notification *n, struct findings *fs)
{
	static struct rrdp_state s;
	struct rrdp_plan p;

	rrdp_state_set(&s, n);
	rrdp_plan(&s, n, 0, &p);
	must(p.todo == RRDP_NOTHING && p.why == RRDP_CODE_MAX && !p.keep_state);
	if (s.serial > 1) {
		s.serial--;
		s.n_known -= s.n_known > 0;
		rrdp_plan(&s, n, 0, &p);
		must(p.todo == (n->n_deltas > 0 ? RRDP_DELTAS : RRDP_SNAPSHOT));
	}
	if (s.n_known > 0) {
		s.known[0].hash[0] ^= 1;
		rrdp_plan(&s, n, 0, &p);
		must(p.todo == RRDP_SNAPSHOT && p.why == RRDP_DELTA_MUTATED);
	}
	rrdp_plan_report(&p, fs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sv at = SV("https://rrdp.example/notification.xml");
	FUZZ_BEGIN(f);
	struct rrdp_parser *x = rrdp_notification_new(f.pool, at), *y = rrdp_notification_new(f.pool, at);
	const struct rrdp_notification *a, *b;
	int rc, rc2;

	a = feed(x, p, n, n, &rc);
	b = feed(y, p, n, n % 61 + 1, &rc2);
	must(rc == rc2);
	rrdp_parser_report(x, at, &f.fs);
	must(rc == 0 || f.fs.n_kept == 1);
	if (a != NULL) {
		must(a->n_deltas == b->n_deltas && a->serial == b->serial);
		chain(a, at);
		plan(a, &f.fs);
	}
	(void)rrdp_parser_free(x);
	(void)rrdp_parser_free(y);
	fuzz_end(&f);
	return 0;
}
