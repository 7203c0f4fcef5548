/*
 * Payloads of a run that follows another: what stood is taken over in order,
 * only the rest is sorted, and the outcome is that of a run without a past.
 */
#include "../rpki/kit.h"

#include "app/routes.h"

#define N_CAS	60
#define N_RUNS	200

struct stock {
	struct kit		 k;
	struct rpki_ca		 cas[N_CAS];
	struct rpki_point	 points[N_CAS];
	struct vrp		 vrps[N_CAS][8];
	char			 uris[N_CAS][40];
	struct routes_ta	 ta;
	uint32_t		 seed;
};

static uint32_t
dice(struct stock *s, uint32_t n)
{
	s->seed = s->seed * 1664525u + 1013904223u;
	return (s->seed >> 8) % n;
}

/* Few addresses, so that many points say the same. */
static void
point_roll(struct stock *s, size_t i)
{
	struct rpki_point *pt = &s->points[i];

	*pt = (struct rpki_point){ .ca = &s->cas[i], .vrps = s->vrps[i], .expires = NOW + 1000,
	    .n_vrps = dice(s, 9) };
	for (size_t k = 0; k < pt->n_vrps; k++)
		s->vrps[i][k] = (struct vrp){ .addr = { 10, (uint8_t)dice(s, 6) }, .len = 16,
		    .max_len = (uint8_t)(16 + dice(s, 2)), .af = IP_V4, .asn = dice(s, 3),
		    .expires = NOW + 10 + dice(s, 50) };
}

static void
stock_init(struct stock *s)
{
	*s = (struct stock){ .k = kit_new(), .seed = 7, .ta = { .tal = { .name = "lab" } } };
	for (size_t i = 0; i < N_CAS; i++) {
		(void)snprintf(s->uris[i], sizeof(s->uris[i]), "rsync://h/m/%zu.mft", i);
		s->cas[i] = (struct rpki_ca){ .mft_uri = sv_str(s->uris[i]), .ski = SV("k"),
		    .expires = NOW + 1000 };
		point_roll(s, i);
	}
}

/* The points with these numbers; was: where each was, as routes_run() says it. */
static void
gather(struct stock *s, struct routes *r, const size_t *which, size_t n, const struct routes *prev,
    const uint32_t *was)
{
	*r = (struct routes){ .pool = s->k.pool, .tas = &s->ta, .n_tas = 1, .n_points = n,
	    .points = calloc(n + 1, sizeof(*r->points)), .was = calloc(n + 1, sizeof(*r->was)),
	    .up = calloc(n + 1, sizeof(*r->up)), .again = true };
	assert_true(r->points != NULL && r->was != NULL && r->up != NULL);
	for (size_t i = 0; i < n; i++) {
		r->points[i] = &s->points[which[i]];
		r->n_vrps_all += r->points[i]->n_vrps;
		r->was[i] = was != NULL ? was[which[i]] : 0;
	}
	findings_init(&r->findings, s->k.pool);
	assert_int_equal(routes_gather(r, prev), 0);
}

static void
gather_done(struct routes *r)
{
	payloads_done(&r->payloads);
	free(r->points);
	free(r->was);
	free(r->up);
	free(r->sorted);
}

static void
same(const struct routes *a, const struct routes *b)
{
	const struct payloads *p = &a->payloads, *q = &b->payloads;

	assert_int_equal(p->n_vrps, q->n_vrps);
	for (size_t i = 0; i < p->n_vrps; i++) {
		assert_int_equal(vrp_cmp(&p->vrps[i], &q->vrps[i]), 0);
		assert_int_equal(p->vrps[i].expires, q->vrps[i].expires);
		/* Of two that expire together either may be named as the issuer. */
		assert_true(p->vrps[i].ca < p->n_cas);
	}
	assert_int_equal(a->n_sorted, b->n_sorted);
	for (size_t i = 0; i < a->n_sorted; i++)
		assert_int_equal(vrp_cmp(&a->sorted[i], &b->sorted[i]), 0);
}

/* Points go, come, change, move to another place, and live longer or shorter. */
static size_t
churn(struct stock *s, size_t *which, size_t n, uint32_t was[static N_CAS])
{
	bool in[N_CAS] = { false };
	size_t m = 0;

	memset(was, 0, N_CAS * sizeof(*was));
	for (size_t i = 0; i < n; i++) {
		in[which[i]] = true;
		was[which[i]] = (uint32_t)i + 1;
	}
	for (size_t i = 0; i < N_CAS; i++) {
		if (dice(s, 20) == 0)
			in[i] = !in[i];
		if (dice(s, 20) == 0) {		/* judged anew */
			point_roll(s, i);
			was[i] = 0;
		}
		if (dice(s, 20) == 0)		/* the chain above it changed */
			s->cas[i].expires = NOW + 5 + dice(s, 60);
		if (in[i])
			which[m++] = i;
	}
	for (size_t i = 1; i < m; i++) {
		size_t k = dice(s, (uint32_t)i + 1), x = which[i];

		which[i] = which[k];
		which[k] = x;
	}
	return m;
}

static void
test_follows(void **state UNUSED)
{
	struct stock s;
	struct routes before, now, whole;
	size_t which[N_CAS], n = N_CAS / 2;
	uint32_t was[N_CAS];

	stock_init(&s);
	for (size_t i = 0; i < n; i++)
		which[i] = i;
	gather(&s, &before, which, n, NULL, NULL);
	for (int run = 0; run < N_RUNS; run++) {
		n = churn(&s, which, n, was);
		gather(&s, &now, which, n, &before, was);
		gather(&s, &whole, which, n, NULL, NULL);
		same(&now, &whole);
		gather_done(&whole);
		gather_done(&before);
		before = now;
	}
	gather_done(&before);
	kit_done(&s.k);
}

TESTS_MAIN("app/gather", T(test_follows))
