#include "../tap.h"
#include "../inr/world.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "crypto/crypto.h"
#include "store/history.h"
#include "store/limits.h"

#define AT	1000000
#define DAY	86400

static char dir[64], path[96];

static int
setup(void **state UNUSED)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/sekisho-history-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/sekisho.db", dir);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct history *
opened(uint64_t rows_max, struct history_found *found)
{
	const struct history_conf conf = { .path = path, .keep_days = 10,
	    .rows_max = rows_max, .digest = crypto_sha256 };
	struct history *h = NULL;

	assert_int_equal(history_open(&conf, &h, found), 0);
	return h;
}

static int
record_by(struct history *h, const struct snapshot *a, const struct snapshot *b, int64_t at,
    size_t slice)
{
	bool done = false;
	int rc = history_begin(h, a, b, at);

	while (rc == 0 && !done)
		rc = history_step(h, slice, &done);
	return rc;
}

static void
record(struct history *h, const struct snapshot *a, const struct snapshot *b, int64_t at)
{
	assert_int_equal(record_by(h, a, b, at, 3), 0);
}

/* --- worlds --- */

/* Payloads of one CA each; cas[i] says how that CA fares, PCA_MAX: it is absent. */
enum { ROOT, EDO, KYOTO, NARA, N_CA };

static void
cas_add(struct payloads *p, const uint8_t state[N_CA])
{
	static const char *const uris[] = { "rsync://h/root.mft", "rsync://h/edo.mft",
	    "rsync://h/kyoto.mft", "rsync://h/kyoto/nara.mft" };
	uint32_t parent[N_CA];

	for (int i = 0; i < N_CA; i++)
		if (state[i] != PCA_MAX)
			parent[i] = world_ca(p, (uint64_t)i + 100, i == ROOT ? PAYLOAD_CA_NONE :
			    parent[i == NARA ? KYOTO : ROOT], (enum payload_ca_state)state[i],
			    uris[i], state[i] == PCA_GOOD ? "" : "RPKI_MFT_STALE");
}

static void
vrp(struct payloads *p, const char *px, uint32_t asn, uint32_t ca, int64_t expires)
{
	world_vrp(p, px, 24, asn, expires);
	p->vrps[p->n_vrps - 1].ca = ca;
}

static const uint8_t all_good[N_CA];

static void
snap(struct payloads *p, uint32_t serial, uint8_t **buf, struct snapshot *s)
{
	assert_int_equal(world_snapshot(p, serial, buf, s), 0);
	payloads_done(p);
}

struct got {
	struct history_change	c[64];
	char			code[64][32], speaker[64][64], before[64], after[64];
	size_t			n, n_before, n_after;
};

static bool
on_change(void *arg, const struct history_change *c)
{
	struct got *g = arg;

	g->c[g->n] = *c;
	(void)snprintf(g->code[g->n], 32, "%.*s", SV_ARG(c->code));
	(void)snprintf(g->speaker[g->n], 64, "%.*s", SV_ARG(c->speaker));
	if (c->kind == HK_ASPA) {
		g->n_before = c->before.n;
		g->n_after = c->after.n;
		if (c->before.n > 0)
			memcpy(g->before, c->before.p, c->before.n);
		if (c->after.n > 0)
			memcpy(g->after, c->after.p, c->after.n);
	}
	return ++g->n < ARRAY_LEN(g->c);
}

static void
query(struct history *h, struct got *g, struct history_query q)
{
	q.until = q.until == 0 ? INT64_MAX : q.until;
	q.limit = q.limit == 0 ? 60 : q.limit;
	g->n = 0;
	assert_int_equal(history_changes(history_reader_of(h), &q, on_change, g), 0);
}

/* The change of this AS; there is one. */
static size_t
of_asn(struct history *h, struct got *g, uint32_t asn)
{
	query(h, g, (struct history_query){ .by_asn = true, .asn = asn });
	assert_int_equal(g->n, 1);
	return 0;
}

/* --- tests --- */

static void
causes(void **state UNUSED)
{
	static const uint8_t after[N_CA] = { PCA_GOOD, PCA_GOOD, PCA_RETAINED, PCA_MAX };
	struct payloads a = { 0 }, b = { 0 };
	struct history_found found;
	struct history *h = opened(0, &found);
	struct snapshot x, y;
	uint8_t *bx, *by;
	struct got *g = calloc(1, sizeof(*g));
	size_t i;

	assert_true(found.made);
	cas_add(&a, all_good);
	vrp(&a, "10.0.0.0/24", 1, EDO, AT + DAY);	/* taken away by a CA that works */
	vrp(&a, "10.0.1.0/24", 2, EDO, AT - 1);		/* expired */
	vrp(&a, "10.0.2.0/24", 3, KYOTO, AT + DAY);	/* older data is used */
	vrp(&a, "10.0.3.0/24", 4, NARA, AT + DAY);	/* not there: kyoto speaks */
	vrp(&a, "10.0.4.0/24", 5, PAYLOAD_CA_NONE, AT + DAY);	/* an assertion */
	vrp(&a, "10.0.5.0/24", 6, EDO, AT + DAY);	/* stays */
	snap(&a, 1, &bx, &x);
	cas_add(&b, after);
	vrp(&b, "10.0.5.0/24", 6, EDO, AT + DAY);
	vrp(&b, "10.0.6.0/24", 7, EDO, AT + DAY);	/* new */
	snap(&b, 2, &by, &y);
	record(h, NULL, &x, AT - 5);
	record(h, &x, &y, AT);

	i = of_asn(h, g, 1);
	assert_int_equal(g->c[i].cause, HC_SIGNED);
	assert_false(g->c[i].announce);
	assert_int_equal(g->c[i].at, AT);
	assert_int_equal(g->c[i].serial, 2);
	i = of_asn(h, g, 2);
	assert_int_equal(g->c[i].cause, HC_EXPIRED);
	i = of_asn(h, g, 3);
	assert_int_equal(g->c[i].cause, HC_FAILED);
	assert_int_equal(g->c[i].state, PCA_RETAINED);
	assert_string_equal(g->code[i], "RPKI_MFT_STALE");
	i = of_asn(h, g, 4);
	assert_int_equal(g->c[i].cause, HC_FAILED);
	assert_string_equal(g->speaker[i], "rsync://h/kyoto.mft");
	i = of_asn(h, g, 5);
	assert_int_equal(g->c[i].cause, HC_LOCAL);
	i = of_asn(h, g, 7);
	assert_int_equal(g->c[i].cause, HC_NONE);
	assert_true(g->c[i].announce);
	query(h, g, (struct history_query){ .by_asn = true, .asn = 6 });
	assert_int_equal(g->n, 0);
	query(h, g, (struct history_query){ .ca = SV("rsync://h/kyoto") });
	assert_int_equal(g->n, 2);
	free(g);
	free(bx);
	free(by);
	h = history_free(h);
}

#define SKI4	"0404040404040404040404040404040404040404"

/* What a filter took out, and what it did not; the way back. */
static void
filters(void **state UNUSED)
{
	static const uint8_t after[N_CA] = { PCA_GOOD, PCA_GOOD, PCA_RETAINED, PCA_FAILED };
	static const uint8_t before[N_CA] = { PCA_GOOD, PCA_GOOD, PCA_GOOD, PCA_FAILED };
	static const struct sv said = SV("{\"filters\":["
	    "{\"kind\":\"vrp\",\"prefix\":\"10.0.0.0/16\",\"asn\":1,\"hits\":1},"
	    "{\"kind\":\"vrp\",\"prefix\":\"10.0.3.0/24\",\"hits\":1},"
	    "{\"kind\":\"vrp\",\"asn\":5,\"hits\":0},"
	    "{\"kind\":\"key\",\"asn\":4,\"ski\":\"" SKI4 "\",\"hits\":1},"
	    "{\"kind\":\"aspa\",\"asn\":8,\"hits\":1}],\"filters_more\":0,\"built\":1}");
	static const struct {
		uint32_t asn;
		uint8_t	 gone, came;
	} want[] = {
		{ 1, HC_LOCAL, HC_LOCAL },	/* covered, and its AS number */
		{ 2, HC_SIGNED, HC_NONE },	/* another AS number */
		{ 3, HC_FAILED, HC_LOCAL },	/* its CA failed at that moment */
		{ 4, HC_LOCAL, HC_LOCAL },	/* a key */
		{ 5, HC_SIGNED, HC_LOCAL },	/* the filter had taken out nothing */
		{ 6, HC_EXPIRED, HC_LOCAL },
		{ 7, HC_LOCAL, HC_LOCAL },	/* no CA: an assertion */
		{ 8, HC_LOCAL, HC_LOCAL },	/* an ASPA */
		{ 9, HC_LOCAL, HC_LOCAL },	/* its CA fares badly, as before */
	};
	struct payloads a = { 0 }, b = { 0 };
	struct history_found found;
	struct history *h = opened(0, &found);
	struct snapshot x, y;
	uint8_t *bx, *by = NULL;
	struct got *g = calloc(1, sizeof(*g));

	cas_add(&a, before);
	vrp(&a, "10.0.0.0/24", 1, EDO, AT + DAY);
	vrp(&a, "10.0.1.0/24", 2, EDO, AT + DAY);
	vrp(&a, "10.0.3.0/24", 3, KYOTO, AT + DAY);
	vrp(&a, "10.0.4.0/24", 5, EDO, AT + DAY);
	vrp(&a, "10.0.3.0/24", 6, EDO, AT - 1);
	vrp(&a, "10.9.0.0/24", 7, PAYLOAD_CA_NONE, AT + DAY);
	vrp(&a, "10.0.3.0/24", 9, NARA, AT + DAY);
	world_router_key(&a, 4, 4, AT + DAY);
	a.router_keys[0].ca = EDO;
	world_aspa(&a, 8, WORLD_LIST(10), AT + DAY);
	a.aspas[0].ca = EDO;
	snap(&a, 1, &bx, &x);
	cas_add(&b, after);
	(void)payloads_ta(&b, SV("lab"));
	assert_int_equal(world_snapshot_said(&b, 2, said, &by, &y), 0);
	payloads_done(&b);
	record(h, NULL, &x, AT - 5);
	record(h, &x, &y, AT);
	record(h, &y, &x, AT + 1);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		query(h, g, (struct history_query){ .by_asn = true, .asn = want[i].asn });
		assert_int_equal(g->n, 2);
		assert_int_equal(g->c[0].cause, want[i].came);
		assert_int_equal(g->c[1].cause, want[i].gone);
		assert_int_equal(g->c[1].ca.n > 0, want[i].asn != 7);
	}
	free(g);
	free(bx);
	free(by);
	h = history_free(h);
}

/* What is not in the report's form is no filter; too many are left. */
static void
filters_form(void **state UNUSED)
{
	static const struct {
		const char *text;
		size_t	    n;
	} cases[] = {
		{ "", 0 }, { "{\"built\":1}", 0 }, { "{\"filters\":[]}", 0 }, { "{\"filters\":[{}]}", 0 },
		{ "{\"filters\":[{\"kind\":\"vrp\",\"hits\":1}]}", 0 },
		{ "{\"filters\":[{\"kind\":\"vrp\",\"asn\":4294967296}]}", 0 },
		{ "{\"filters\":[{\"kind\":\"roa\",\"asn\":1}]}", 0 },
		{ "{\"filters\":[{\"kind\":\"vrp\",\"prefix\":10.0.0.0/8}]}", 0 },
		{ "{\"filters\":[{\"kind\":\"key\",\"ski\":\"0404\"}]}", 0 },
		{ "{\"filters\":[{\"kind\":\"vrp\",\"asn\":1},{\"x\":1},{\"kind\":\"vrp\",\"asn\":2}]}", 2 },
		{ "{\"filters\":[{\"kind\":\"vrp\",\"asn\":1", 1 },
	};
	struct buf b = BUF_INIT;
	struct history_filters f;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(history_filters_read(sv_str(cases[i].text), &f), 0);
		assert_int_equal(f.n, cases[i].n);
		history_filters_done(&f);
	}
	buf_str(&b, "{\"filters\":[");
	for (size_t i = 0; i <= HISTORY_FILTERS_MAX; i++)
		buf_str(&b, "{\"kind\":\"vrp\",\"asn\":1},");
	assert_int_equal(history_filters_read(buf_get(&b), &f), 0);
	assert_int_equal(f.n, HISTORY_FILTERS_MAX);
	history_filters_done(&f);
	buf_done(&b);
}

static void
others(void **state UNUSED)
{
	struct payloads a = { 0 }, b = { 0 };
	struct history_found found;
	struct history *h = opened(0, &found);
	struct snapshot x, y;
	uint8_t *bx, *by;
	struct got *g = calloc(1, sizeof(*g));

	world_aspa(&a, 1, WORLD_LIST(10, 11), AT + DAY);
	world_aspa(&a, 2, WORLD_LIST(10), AT + DAY);
	world_aspa(&b, 1, WORLD_LIST(10, 12), AT + DAY);
	world_aspa(&b, 3, WORLD_LIST(0), AT + DAY);
	world_router_key(&a, 7, 4, AT + DAY);
	world_router_key(&b, 8, 4, AT + DAY);
	snap(&a, 1, &bx, &x);
	snap(&b, 2, &by, &y);
	record(h, NULL, &x, AT);
	record(h, &x, &y, AT + 1);
	(void)of_asn(h, g, 1);
	assert_true(g->c[0].had && g->c[0].has && g->c[0].announce);
	assert_int_equal(g->n_before, 8);
	assert_memory_equal(g->before, "\0\0\0\012\0\0\0\013", 8);
	assert_memory_equal(g->after, "\0\0\0\012\0\0\0\014", 8);
	(void)of_asn(h, g, 2);
	assert_true(g->c[0].had && !g->c[0].has && !g->c[0].announce);
	(void)of_asn(h, g, 3);
	assert_true(!g->c[0].had && g->c[0].has && g->c[0].announce);
	query(h, g, (struct history_query){ .by_asn = true, .asn = 4 });
	assert_int_equal(g->n, 2);
	free(g);
	free(bx);
	free(by);
	h = history_free(h);
}

/* Prefix look-ups against all pairs of a small tree. */
static void
prefixes(void **state UNUSED)
{
	static const char *const px[] = { "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9",
	    "10.0.0.0/16", "10.255.255.0/24", "11.0.0.0/8", "::/0", "a00::/8" };
	struct payloads none = { 0 }, b = { 0 };
	struct history_found found;
	struct history *h = opened(0, &found);
	struct snapshot x, y;
	uint8_t *bx, *by;
	struct got *g = calloc(1, sizeof(*g));

	(void)payloads_ta(&none, SV("lab"));
	for (size_t i = 0; i < ARRAY_LEN(px); i++)
		world_vrp(&b, px[i], i < 7 ? 24 : 48, (uint32_t)i, AT + DAY);
	snap(&none, 1, &bx, &x);
	snap(&b, 2, &by, &y);
	record(h, NULL, &x, AT);
	record(h, &x, &y, AT);
	for (size_t i = 0; i < ARRAY_LEN(px); i++) {
		struct ip_prefix p, q;
		size_t want = 0;

		assert_int_equal(ip_prefix_parse(sv_str(px[i]), &p), 0);
		for (size_t k = 0; k < ARRAY_LEN(px); k++) {
			assert_int_equal(ip_prefix_parse(sv_str(px[k]), &q), 0);
			want += ip_prefix_covers(&p, &q) || ip_prefix_covers(&q, &p);
		}
		query(h, g, (struct history_query){ .by_prefix = true, .prefix = p });
		assert_int_equal(g->n, want);
	}
	free(g);
	free(bx);
	free(by);
	h = history_free(h);
}

static bool
publication_count(void *arg, const struct history_publication *p)
{
	size_t *n = arg;

	n[p->kind]++;
	return true;
}

/* What was not finished is not there; a second process reads meanwhile. */
static void
unfinished(void **state UNUSED)
{
	struct payloads a = { 0 }, b = { 0 };
	struct history_found found;
	struct history *h = opened(0, &found);
	struct history_reader *r = NULL;
	struct snapshot_stamp last = { 0 };
	struct snapshot x, y;
	uint8_t *bx, *by;
	size_t kinds[3] = { 0 };
	bool done;

	for (uint32_t i = 0; i < 20; i++)
		world_vrp(&a, "10.0.0.0/24", 24, i, AT + DAY);
	world_vrp(&b, "10.0.0.0/24", 24, 99, AT + DAY);
	snap(&a, 7, &bx, &x);
	snap(&b, 8, &by, &y);
	assert_false(history_last(h, &last));
	record(h, NULL, &x, AT);
	assert_int_equal(history_begin(h, &x, &y, AT), 0);
	assert_int_equal(history_begin(h, &x, &y, AT), -EBUSY);
	assert_int_equal(history_step(h, 5, &done), 0);
	assert_false(done);
	assert_int_equal(history_reader_open(path, &r), 0);
	assert_int_equal(history_publications(r, 10, publication_count, kinds), 0);
	assert_int_equal(kinds[HP_BASELINE], 1);
	assert_int_equal(kinds[HP_DELTA], 0);
	h = history_free(h);
	h = opened(0, &found);
	assert_false(found.made);
	assert_true(history_last(h, &last));
	assert_int_equal(last.serial, 7);
	assert_int_equal(last.session[2], 300);
	record(h, &x, &y, AT);
	assert_int_equal(history_publications(r, 10, publication_count, kinds), 0);
	assert_int_equal(kinds[HP_DELTA], 1);
	record(h, NULL, &x, AT);
	memset(kinds, 0, sizeof(kinds));
	assert_int_equal(history_publications(r, 10, publication_count, kinds), 0);
	assert_int_equal(kinds[HP_GAP], 1);
	r = history_reader_free(r);
	free(bx);
	free(by);
	h = history_free(h);
}

struct findings_got {
	size_t	n, n_open;
	int64_t	since, until;
};

static bool
on_finding(void *arg, const struct history_finding *f)
{
	struct findings_got *g = arg;

	g->n++;
	g->n_open += f->until == 0;
	g->since = f->since;
	g->until = f->until;
	return true;
}

static struct findings_got
findings_of(struct history *h, const char *subject)
{
	struct findings_got g = { 0 };

	assert_int_equal(history_findings_of(history_reader_of(h), sv_str(subject),
	    (struct sv){ 0 }, 0, INT64_MAX, 100, on_finding, &g), 0);
	return g;
}

#define LINE(s, c)	"{\"subject\":\"" s "\",\"code\":\"" c "\",\"severity\":\"REJECT\",\"args\":{}}\n"

static void
findings(void **state UNUSED)
{
	struct history_found found;
	struct history *h = opened(0, &found);
	struct history_counts c;
	struct findings_got g;

	assert_int_equal(history_findings(h, SV(LINE("a", "X") LINE("b", "X") LINE("a", "X")),
	    AT, &c), 0);
	assert_int_equal(c.n_new, 2);
	assert_int_equal(history_findings(h, SV(LINE("b", "X") LINE("c", "Y") "rubbish\n"),
	    AT + 10, &c), 0);
	assert_int_equal(c.n_new, 1);
	assert_int_equal(c.n_gone, 1);
	h = history_free(h);
	h = opened(0, &found);
	/* The same after a restart: nothing is new. */
	assert_int_equal(history_findings(h, SV(LINE("b", "X") LINE("c", "Y")), AT + 20, &c), 0);
	assert_int_equal(c.n_new + c.n_gone, 0);
	g = findings_of(h, "a");
	assert_int_equal(g.n, 1);
	assert_int_equal(g.since, AT);
	assert_int_equal(g.until, AT + 10);
	g = findings_of(h, "");
	assert_int_equal(g.n, 3);
	assert_int_equal(g.n_open, 2);
	h = history_free(h);
}

static bool
point_sum(void *arg, const struct history_point_row *p)
{
	size_t *n = arg;

	n[p->span == 300 ? 0 : p->span == 3600 ? 1 : 2]++;
	assert_int_equal(p->n_v4, 1);
	return true;
}

static void
pruned(struct history *h, int64_t now)
{
	bool more = true;

	while (more)
		assert_int_equal(history_prune(h, now, &more), 0);
}

/* Rows by number and age; points thin out and their values stay. */
static void
bounded(void **state UNUSED)
{
	struct payloads a = { 0 }, b = { 0 };
	struct history_found found;
	struct history *h = opened(30, &found);
	struct snapshot x, y;
	uint8_t *bx, *by;
	struct got *g = calloc(1, sizeof(*g));
	size_t n[3] = { 0 };

	world_vrp(&a, "10.0.0.0/24", 24, 1, INT32_MAX);
	world_vrp(&b, "10.0.0.0/24", 24, 2, INT32_MAX);
	snap(&a, 1, &bx, &x);
	snap(&b, 2, &by, &y);
	record(h, NULL, &x, AT);
	for (int i = 0; i < 25; i++)
		record(h, i % 2 == 0 ? &x : &y, i % 2 == 0 ? &y : &x, AT + i);
	pruned(h, AT + 100);
	query(h, g, (struct history_query){ 0 });
	assert_int_equal(g->n, 30);
	for (int64_t t = AT; t < AT + 9 * DAY; t += 600)
		assert_int_equal(history_point(h, &x, t), 0);
	pruned(h, AT + 9 * DAY);
	assert_int_equal(history_points(history_reader_of(h), 10000, point_sum, n), 0);
	assert_true(n[0] >= 286 && n[0] <= 294);	/* two days of ten minutes */
	assert_true(n[1] >= 166 && n[1] <= 170);	/* seven of hours */
	pruned(h, AT + 11 * DAY);
	query(h, g, (struct history_query){ 0 });
	assert_int_equal(g->n, 0);
	free(g);
	free(bx);
	free(by);
	h = history_free(h);
}

static void
damaged(void **state UNUSED)
{
	struct history_found found;
	struct history_reader *r = NULL;
	struct history *h;
	FILE *f = fopen(path, "w");

	assert_int_equal(history_reader_open("/nowhere/sekisho.db", &r), -ENOENT);
	assert_non_null(f);
	assert_true(fputs("this is no database, whatever it may be called\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_true(history_reader_open(path, &r) < 0);
	h = opened(0, &found);
	assert_true(found.damaged);
	assert_true(found.made);
	h = history_free(h);
	assert_int_equal(history_reader_open(path, &r), 0);
	r = history_reader_free(r);
}

static bool
on_alarm(void *arg, const struct history_alarm *a)
{
	*(int64_t *)arg += a->since + a->told;
	return true;
}

static void
alarms(void **state UNUSED)
{
	const struct history_alarm a = { SV("X y"), SV("X"), SV("{}"), 1, 2, 0 };
	struct history_found found;
	struct history *h = opened(0, &found);
	int64_t sum = 0;

	assert_int_equal(history_alarm_put(h, &a), 0);
	assert_int_equal(history_alarm_put(h, &a), 0);
	h = history_free(h);
	h = opened(0, &found);
	assert_int_equal(history_alarms(history_reader_of(h), on_alarm, &sum), 0);
	assert_int_equal(sum, 3);
	assert_int_equal(history_alarm_del(h, a.key), 0);
	assert_int_equal(history_alarms(history_reader_of(h), on_alarm, &sum), 0);
	assert_int_equal(sum, 3);
	assert_int_equal(history_event(h, AT, SV("X"), SV("{}")), 0);
	h = history_free(h);
}

/* How many, the first and the last id. */
struct mails {
	size_t	n;
	int64_t	first, last;
};

static bool
on_mail(void *arg, const struct history_mail *m)
{
	struct mails *s = arg;

	assert_true(sv_eq_str(m->key, "X y") && sv_eq_str(m->text, "text\n"));
	s->first = s->n++ == 0 ? m->id : s->first;
	s->last = m->id;
	return true;
}

static struct mails
mails_of(struct history *h, int64_t upto)
{
	struct mails s = { 0 };

	assert_int_equal(history_mails(history_reader_of(h), upto, on_mail, &s), 0);
	return s;
}

static void
mails(void **state UNUSED)
{
	struct history_mail m = { .key = SV("X y"), .text = SV("text\n") };
	struct history_found found;
	struct history *h = opened(0, &found);
	size_t lost, all = 0;

	for (m.at = AT; m.at < AT + HISTORY_MAILS_MAX + 5; m.at++) {
		assert_int_equal(history_mail_put(h, &m, &lost), 0);
		all += lost;
	}
	assert_int_equal(all, 5);
	h = history_free(h);
	h = opened(0, &found);
	assert_int_equal(mails_of(h, INT64_MAX).n, HISTORY_MAILS_MAX);
	assert_int_equal(mails_of(h, INT64_MAX).first, 6);
	assert_int_equal(mails_of(h, 10).n, 5);
	assert_int_equal(history_mail_del(h, 10), 0);
	assert_int_equal(mails_of(h, INT64_MAX).first, 11);
	assert_int_equal(history_mail_expire(h, AT + 15, &lost), 0);
	assert_int_equal(lost, 5);
	assert_int_equal(history_mail_del(h, INT64_MAX), 0);
	assert_int_equal(mails_of(h, INT64_MAX).n, 0);
	/* Ids grow for ever: a mail that is under way never names a newer row. */
	assert_int_equal(history_mail_put(h, &m, &lost), 0);
	assert_int_equal(mails_of(h, INT64_MAX).first, HISTORY_MAILS_MAX + 6);
	h = history_free(h);
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

TESTS_MAIN("history", S(causes), S(filters), S(filters_form), S(others), S(prefixes), S(unfinished), S(findings),
    S(bounded), S(damaged), S(alarms), S(mails))
