/* What is known of caches, how sets differ, and when routers forget. */
#include "../tap.h"

#include <stdlib.h>

#include "app/vrps_csv.h"
#include "app/watch_cache.h"
#include "app/watch_compare.h"
#include "app/watch_forget.h"

/* --- watch_check() --- */

static const struct watch_facts healthy = {
	.connected = true, .synced = true, .asked = 2, .version = 2, .n_v4 = 60, .n_v6 = 40,
	.timers = { 3600, 600, 7200 }, .to_current = WATCH_SAME, .to_previous = WATCH_CHANGES,
	.n_serials = 1,
};

static bool
finds(const struct watch_facts *f, const struct watch_limits *l, enum watch_finding code,
    size_t n)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(65536);
	struct findings fs;
	bool found = false;

	findings_init(&fs, pool);
	watch_check(f, l, &fs);
	assert_int_equal(fs.n_kept, n);
	for (const struct finding *x = fs.head; x != NULL; x = x->next)
		found |= x->def == &watch_findings[code];
	return found;
}

static void
check(void **state UNUSED)
{
	const struct {
		enum watch_finding	 code;
		struct watch_facts	 f;
		struct watch_limits	 l;
	} rows[] = {
#define ROW(code, limits)	{ code, healthy, limits },
#define NONE	((struct watch_limits){ 0 })
		ROW(WATCH_NO_DATA, NONE)
		ROW(WATCH_VERSION_LOW, NONE)
		ROW(WATCH_NO_DELTA, NONE)
		ROW(WATCH_DELTA_SHORT, NONE)
		ROW(WATCH_EXPIRE_SHORT, NONE)
		ROW(WATCH_EXPIRE_LONG, NONE)
		ROW(WATCH_FEW_VRPS, ((struct watch_limits){ .min_vrps = 101 }))
		ROW(WATCH_PLAIN, ((struct watch_limits){ .plain = true }))
		ROW(WATCH_STALE, ((struct watch_limits){ .max_age_sec = 60, .age_sec = 61 }))
		ROW(WATCH_AGE_UNKNOWN, NONE)
#undef ROW
	};

	assert_false(finds(&healthy, &NONE, WATCH_PLAIN, 0));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct watch_facts f = rows[i].f;

		f.no_data = rows[i].code == WATCH_NO_DATA;
		f.version = rows[i].code == WATCH_VERSION_LOW ? 1 : 2;
		f.to_current = rows[i].code == WATCH_NO_DELTA ? WATCH_RESET : WATCH_SAME;
		f.to_previous = rows[i].code == WATCH_DELTA_SHORT ? WATCH_RESET : WATCH_SAME;
		f.n_serials = rows[i].code != WATCH_AGE_UNKNOWN;
		if (rows[i].code == WATCH_EXPIRE_SHORT)
			f.timers.expire_sec = 4799;
		if (rows[i].code == WATCH_EXPIRE_LONG)
			f.timers.expire_sec = 86401;
		assert_true(finds(&f, &rows[i].l, rows[i].code, 1));
	}
}

/* One below each limit there is nothing to say. */
static void
check_edges(void **state UNUSED)
{
	const struct watch_limits l = { .min_vrps = 100, .max_age_sec = 60, .age_sec = 60,
	    .plain = true, .local = true };
	struct watch_facts f = healthy;

	f.timers.expire_sec = 4800;
	assert_false(finds(&f, &l, WATCH_FEW_VRPS, 0));
	f.timers.expire_sec = 86400;
	assert_false(finds(&f, &l, WATCH_FEW_VRPS, 0));
	f.version = f.asked = 0;		/* timers are not told */
	f.timers.expire_sec = 4799;
	assert_false(finds(&f, &l, WATCH_EXPIRE_SHORT, 0));
	f.synced = false;
	f.n_v4 = f.n_v6 = 0;
	assert_false(finds(&f, &l, WATCH_FEW_VRPS, 0));
}

/* --- watch_compare() --- */

static struct payloads
set(const char *csv)
{
	struct payloads p = { 0 };
	uint64_t line;
	size_t dropped;

	assert_int_equal(vrps_csv_read(sv_str(csv), &p, &line), 0);
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	return p;
}

static void
aspa_add(struct payloads *p, uint32_t customer, uint32_t provider)
{
	uint32_t *list = calloc(1, sizeof(*list));

	p->aspas = reallocarray(p->aspas, p->n_aspas + 1, sizeof(*p->aspas));
	list[0] = provider;
	p->aspas[p->n_aspas++] = (struct aspa){ .customer = customer, .n_providers = 1,
	    .providers = list };
}

static void
compare(void **state UNUSED)
{
	struct payloads a = set("ASN,IP Prefix,Max Length,Trust Anchor\n"
	    "AS64496,192.0.2.0/24,24,ripe\nAS64497,198.51.100.0/24,24,ripe\n"
	    "AS64498,2001:db8::/32,48,arin\n");
	struct payloads b = set("64496,192.0.2.0/24,24,x\n64497,198.51.100.0/24,28,x\n");
	struct payloads c = set("64496,192.0.2.0/24,24\nAS64498,2001:db8::/32,48\n");
	const struct payloads *two[] = { &a, &b }, *three[] = { &a, &b, &c };
	struct watch_diff d;

	assert_int_equal(watch_compare(two, 2, WATCH_KINDS_ALL, 10, &d), 0);
	assert_int_equal(d.n_common, 1);
	assert_int_equal(d.n_differ[WATCH_VRP], 3);
	assert_int_equal(d.n_maxlen, 2);
	assert_int_equal(d.side[0].n_only, 2);
	assert_int_equal(d.side[0].n_missing, 1);
	assert_int_equal(d.side[1].n_only, 1);
	assert_int_equal(d.n_entries, 3);
	assert_int_equal(d.entries[2].in, 1);		/* IPv6 comes last */
	assert_false(d.entries[2].maxlen_only);
	assert_string_equal(a.tas[d.entries[2].ta], "arin");
	watch_diff_done(&d);

	assert_int_equal(watch_compare(three, 3, WATCH_KINDS_ALL, 1, &d), 0);
	assert_int_equal(d.n_entries, 1);		/* the list is bounded, … */
	assert_int_equal(watch_diff_count(&d), 3);	/* … the count is exact */
	assert_int_equal(d.n_maxlen, 0);		/* c has not the prefix at all */
	assert_int_equal(d.side[0].n_only, 1);
	assert_int_equal(d.side[2].n_only, 0);
	assert_int_equal(d.side[2].n_missing, 2);
	watch_diff_done(&d);

	payloads_done(&a);
	payloads_done(&b);
	payloads_done(&c);
}

static void
compare_aspas(void **state UNUSED)
{
	struct payloads a = set("1,192.0.2.0/24,24\n"), b = set("1,192.0.2.0/24,24\n");
	const struct payloads *two[] = { &a, &b };
	struct watch_diff d;

	aspa_add(&a, 1, 2);
	aspa_add(&a, 3, 4);
	aspa_add(&b, 1, 2);
	aspa_add(&b, 3, 5);
	aspa_add(&b, 6, 7);
	assert_int_equal(watch_compare(two, 2, WATCH_KINDS_ALL, 10, &d), 0);
	assert_int_equal(d.n_differ[WATCH_ASPA], 3);
	assert_int_equal(d.n_common, 2);
	assert_true(d.entries[0].providers_differ && d.entries[1].providers_differ);
	assert_false(d.entries[2].providers_differ);
	assert_int_equal(d.entries[2].asn, 6);
	watch_diff_done(&d);
	/* Where one cannot tell ASPAs they are no difference. */
	assert_int_equal(watch_compare(two, 2, 1u << WATCH_VRP, 10, &d), 0);
	assert_int_equal(watch_diff_count(&d), 0);
	watch_diff_done(&d);
	payloads_done(&a);
	payloads_done(&b);
}

/* The same address and AS number with another length is another prefix. */
static void
compare_lengths(void **state UNUSED)
{
	struct payloads a = set("1,10.0.0.0/8,8\n"), b = set("1,10.0.0.0/16,16\n");
	const struct payloads *two[] = { &a, &b };
	struct watch_diff d;

	assert_int_equal(watch_compare(two, 2, WATCH_KINDS_ALL, 10, &d), 0);
	assert_int_equal(d.n_differ[WATCH_VRP], 2);
	assert_int_equal(d.n_maxlen, 0);
	watch_diff_done(&d);
	payloads_done(&a);
	payloads_done(&b);
}

/* --- lag --- */

static void
lag(void **state UNUSED)
{
	struct payloads old = set("1,192.0.2.0/24,24\n2,198.51.100.0/24,24\n");
	struct payloads new = set("1,192.0.2.0/24,24\n3,203.0.113.0/24,24\n");
	_cleanup_(watch_lag_freep) struct watch_lag *l = watch_lag_new(2);
	struct watch_lag_stat s;

	assert_int_equal(watch_lag_note(l, 0, old.vrps, 2, new.vrps, 2, 1000000), 0);
	assert_int_equal(watch_lag_stat(l, 1, 5000000, &s), 0);
	assert_int_equal(s.n_awaited, 2);		/* one came, one went */
	assert_int_equal(s.awaited_usec, 4000000);
	assert_int_equal(watch_lag_note(l, 1, old.vrps, 2, new.vrps, 2, 8000000), 0);
	assert_int_equal(watch_lag_stat(l, 1, 9000000, &s), 0);
	assert_int_equal(s.n_awaited, 0);
	assert_int_equal(s.n_later, 2);
	assert_int_equal(s.p50_usec, 7000000);
	assert_int_equal(s.max_usec, 7000000);
	assert_int_equal(watch_lag_stat(l, 0, 9000000, &s), 0);
	assert_int_equal(s.n_first, 2);
	assert_int_equal(watch_lag_lost(l), 0);
	/* What went and what comes again are two changes. */
	assert_int_equal(watch_lag_note(l, 1, new.vrps, 2, old.vrps, 2, 10000000), 0);
	assert_int_equal(watch_lag_stat(l, 0, 11000000, &s), 0);
	assert_int_equal(s.n_awaited, 2);
	payloads_done(&old);
	payloads_done(&new);
}

/* --- watch_forget() --- */

#define AT(first, last)	first, last

static void
forget(void **state UNUSED)
{
	const struct rtr_timers t = { 1000, 100, 5000 }, none = { 0 };
	const struct {
		const char	*vendor;
		struct watch_outage o;
		int64_t		 ask_first, ask_last, first, last;
	} rows[] = {
		/* From End of Data, which came between 0 and refresh seconds before. */
		{ "rfc8210", { t, 1, none, false, -1 }, AT(100, 100), AT(4000, 5001) },
		{ "bird", { t, 1, none, false, 400 }, AT(100, 100), AT(4600, 4601) },
		/* Version 0 tells no timers: the router's own count. */
		{ "bird", { t, 0, none, false, -1 }, AT(600, 600), AT(3600, 7201) },
		/* "keep": what is set on the router counts. */
		{ "bird", { t, 1, { 0, 7, 600 }, false, 50 }, AT(7, 7), AT(550, 551) },
		/* rtrlib looks when it tries again. */
		{ "frr", { t, 1, none, false, 400 }, AT(100, 100), AT(4600, 4701) },
		{ "frr", { t, 1, none, true, 400 }, AT(600, 600), AT(4600, 4761) },
		/* From the end of the session, by timers of their own. */
		{ "ios-xr", { t, 1, none, false, 400 }, AT(600, 600), AT(60, 61) },
		{ "ios-xr", { t, 1, none, true, 400 }, AT(200, 200), AT(60, 691) },
		{ "ios-xr", { t, 1, { 0, 0, 360 }, false, -1 }, AT(600, 600), AT(360, 361) },
		{ "junos", { t, 1, none, false, -1 }, AT(300, 300), AT(3600, 3601) },
		{ "junos", { t, 1, none, true, -1 }, AT(0, 300), AT(3600, 4201) },
		/* Synced longer ago than it keeps data: they are gone already. */
		{ "bird", { t, 1, none, false, 6000 }, AT(100, 100), AT(0, 1) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct watch_vendor *v = watch_vendor_find(sv_str(rows[i].vendor));
		struct watch_forecast f;

		assert_non_null(v);
		watch_forget(v, &rows[i].o, &f);
		assert_int_equal(f.ask_first, rows[i].ask_first);
		assert_int_equal(f.ask_last, rows[i].ask_last);
		assert_int_equal(f.forget_first, rows[i].first);
		assert_int_equal(f.forget_last, rows[i].last);
	}
	assert_null(watch_vendor_find(SV("nobody")));
}

/* Each row says where it comes from, and has timers that can be. */
static void
vendors(void **state UNUSED)
{
	size_t n;
	const struct watch_vendor *v = watch_vendors(&n);

	assert_int_equal(n, 8);
	for (size_t i = 0; i < n; i++) {
		assert_true(strlen(v[i].source) > 10);
		assert_true(v[i].from == WATCH_FROM_LOSS ? v[i].notice_sec > 0 :
		    rtr_timers_ok(&v[i].timers));
	}
}

TESTS_MAIN("app/watch", T(check), T(check_edges), T(compare), T(compare_aspas), T(compare_lengths), T(lag),
    T(forget), T(vendors))
