#include "../tap.h"
#include "../inr/world.h"

#include <stdio.h>

#include "app/alarm.h"
#include "app/vrps_csv.h"
#include "base/err.h"

#define NOW	5000	/* world_snapshot() is built at 1000 */

struct fixture {
	struct pool		*pool;
	struct findings		 fs;
	struct alarm_conf	 conf;
};

static void
fixture(struct fixture *f, const char *asns, const char *prefixes)
{
	f->pool = pool_new(1 << 20);
	f->conf = (struct alarm_conf){ .expiry_warn = 100, .repository_age = 1000,
	    .data_age = 10000 };
	findings_init(&f->fs, f->pool);
	assert_int_equal(alarm_conf_lists(f->pool, sv_str(asns), sv_str(prefixes), &f->conf), 0);
}

/* The findings with this code; *ret: the last one. */
static size_t
count(const struct fixture *f, enum alarm_finding code, const struct finding **ret)
{
	size_t n = 0;

	for (const struct finding *x = f->fs.head; x != NULL; x = x->next)
		if (x->def == &alarm_findings[code]) {
			n++;
			if (ret != NULL)
				*ret = x;
		}
	return n;
}

static void
vrp(struct payloads *p, const char *px, uint32_t asn, uint32_t ca, int64_t expires)
{
	world_vrp(p, px, 24, asn, expires);
	p->vrps[p->n_vrps - 1].ca = ca;
}

static void
judge(struct fixture *f, struct payloads *p, int64_t now)
{
	struct snapshot s;
	uint8_t *buf = NULL;

	assert_int_equal(world_snapshot(p, 1, &buf, &s), 0);
	assert_int_equal(alarm_snapshot(&f->conf, &s, now, &f->fs), 0);
	payloads_done(p);
	free(buf);
}

static void
quiet(void **state UNUSED)
{
	struct fixture f;
	struct payloads p = { 0 };

	fixture(&f, "AS1\nnonsense\n2\n", "10.0.0.0/8\n");
	assert_int_equal(f.conf.n_asns, 2);
	(void)world_ca(&p, 1, PAYLOAD_CA_NONE, PCA_GOOD, "rsync://h/a.mft", "");
	(void)world_ca(&p, 2, PAYLOAD_CA_NONE, PCA_FAILED, "rsync://h/b.mft", "RPKI_MFT_STALE");
	vrp(&p, "10.1.0.0/24", 1, 0, NOW + 101);
	vrp(&p, "11.1.0.0/24", 3, 1, NOW + 1);		/* another's: no alarm */
	judge(&f, &p, NOW);
	assert_null(f.fs.head);
	f.pool = pool_free(f.pool);
}

/* By its AS, by its prefix, by a prefix that covers ours. */
static void
ours(void **state UNUSED)
{
	static const struct {
		const char	*px;
		uint32_t	 asn;
		bool		 ours;
	} cases[] = {
		{ "10.1.0.0/24", 9, true }, { "11.0.0.0/24", 7, true }, { "8.0.0.0/6", 9, true },
		{ "11.0.0.0/24", 9, false }, { "10.0.0.0/8", 0, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct history_change c = { .kind = HK_VRP, .asn = cases[i].asn };
		struct fixture f;

		fixture(&f, "7\n", "10.0.0.0/8\n");
		assert_int_equal(ip_prefix_parse(sv_str(cases[i].px), &c.prefix), 0);
		assert_int_equal(alarm_is_ours(&f.conf, &c), cases[i].ours);
		f.pool = pool_free(f.pool);
	}
}

/* Each prefix of a tree against each set of three others. */
static void
ours_all(void **state UNUSED)
{
	static const char *const px[] = { "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9",
	    "10.64.0.0/10", "10.255.0.0/16", "11.0.0.0/8", "::/0", "a00::/8", "a00::/16" };
	const size_t n = ARRAY_LEN(px);

	for (size_t k = 0; k < n * n * n; k++) {
		const char *set[] = { px[k % n], px[k / n % n], px[k / n / n] };
		char text[256];
		struct fixture f;

		(void)snprintf(text, sizeof(text), "%s\n%s\n%s\n", set[0], set[1], set[2]);
		fixture(&f, "", text);
		for (size_t i = 0; i < n; i++) {
			struct history_change c = { .kind = HK_VRP, .asn = 1 };
			struct ip_prefix q;
			bool want = false;

			assert_int_equal(ip_prefix_parse(sv_str(px[i]), &c.prefix), 0);
			for (int s = 0; s < 3; s++) {
				assert_int_equal(ip_prefix_parse(sv_str(set[s]), &q), 0);
				want = want || ip_prefix_covers(&q, &c.prefix) ||
				    ip_prefix_covers(&c.prefix, &q);
			}
			assert_int_equal(alarm_is_ours(&f.conf, &c), want);
		}
		f.pool = pool_free(f.pool);
	}
}

static void
expires(void **state UNUSED)
{
	struct fixture f;
	const struct finding *x = NULL;
	struct payloads p = { 0 };

	fixture(&f, "1\n", "");
	(void)world_ca(&p, 1, PAYLOAD_CA_NONE, PCA_GOOD, "rsync://h/a.mft", "");
	vrp(&p, "10.1.0.0/24", 1, 0, NOW + 90);
	vrp(&p, "10.2.0.0/24", 1, 0, NOW + 80);
	judge(&f, &p, NOW);
	assert_int_equal(count(&f, ALARM_EXPIRES, &x), 1);
	assert_true(sv_eq_str(x->subject, "rsync://h/a.mft"));
	assert_int_equal(x->args[0].u, 2);
	assert_int_equal(x->args[1].u, NOW + 80);
	f.pool = pool_free(f.pool);
}

static void
ca_state(void **state UNUSED)
{
	struct fixture f;
	const struct finding *x = NULL;
	struct payloads p = { 0 };

	fixture(&f, "1\n", "");
	(void)world_ca(&p, 1, PAYLOAD_CA_NONE, PCA_RETAINED, "rsync://h/a.mft", "RPKI_MFT_STALE");
	world_aspa(&p, 1, WORLD_LIST(5), NOW + 1000);
	p.aspas[0].ca = 0;
	judge(&f, &p, NOW);
	assert_int_equal(count(&f, ALARM_CA, &x), 1);
	assert_true(sv_eq_str(x->args[1].s, "retained"));
	assert_true(sv_eq_str(x->args[2].s, "RPKI_MFT_STALE"));
	f.pool = pool_free(f.pool);
}

/* Whosoever they are: the guard is the house's. */
/* A CA far above ours cannot be used; one beside it, and one above others: no alarm. */
static void
ca_above(void **state UNUSED)
{
	struct fixture f;
	const struct finding *x = NULL;
	struct payloads p = { 0 };

	fixture(&f, "1\n", "");
	(void)world_ca(&p, 1, PAYLOAD_CA_NONE, PCA_GOOD, "rsync://h/ta.mft", "");
	(void)world_ca(&p, 2, 0, PCA_RETAINED, "rsync://h/mid.mft", "RPKI_MFT_MISSING");
	(void)world_ca(&p, 3, 1, PCA_GOOD, "rsync://h/low.mft", "");
	(void)world_ca(&p, 4, 2, PCA_GOOD, "rsync://h/ours.mft", "");
	(void)world_ca(&p, 5, 0, PCA_RETAINED, "rsync://h/others.mft", "RPKI_MFT_MISSING");
	vrp(&p, "10.1.0.0/24", 1, 3, NOW + 1000);
	vrp(&p, "10.2.0.0/24", 1, 3, NOW + 1000);
	vrp(&p, "10.3.0.0/24", 2, 4, NOW + 1000);
	judge(&f, &p, NOW);
	assert_int_equal(count(&f, ALARM_CA, &x), 1);
	assert_true(sv_eq(x->subject, SV("rsync://h/mid.mft")));
	assert_int_equal(x->args[0].u, 2);
	assert_int_equal(count(&f, ALARM_EXPIRES, NULL), 0);
	f.pool = pool_free(f.pool);
}

static void
guard_and_age(void **state UNUSED)
{
	struct fixture f;
	const struct finding *x = NULL;
	struct payloads p = { 0 };

	fixture(&f, "", "");
	(void)world_ca(&p, 1, PAYLOAD_CA_NONE, PCA_FAILED, "rsync://h/a.mft", "RPKI_MFT_STALE");
	p.cas[0].held_since = 4000;
	vrp(&p, "10.1.0.0/24", 1, 0, 99999);
	vrp(&p, "10.2.0.0/24", 1, 0, 99999);
	judge(&f, &p, 11001);
	assert_int_equal(count(&f, ALARM_GUARD, &x), 1);
	assert_int_equal(x->args[0].u, 2);
	assert_int_equal(x->args[1].u, 4000);
	assert_int_equal(count(&f, ALARM_DATA, NULL), 1);
	assert_int_equal(count(&f, ALARM_CA, NULL), 0);
	f.pool = pool_free(f.pool);
}

static void
source(void **state UNUSED)
{
	struct fixture f;

	fixture(&f, "", "");
	alarm_source(&f.conf, SV("https://h/n.xml"), NOW - 1000, NOW, &f.fs);
	assert_int_equal(count(&f, ALARM_REPOSITORY, NULL), 0);
	alarm_source(&f.conf, SV("https://h/n.xml"), NOW - 1001, NOW, &f.fs);
	assert_int_equal(count(&f, ALARM_REPOSITORY, NULL), 1);
	f.pool = pool_free(f.pool);
}

/* --- VRPs as CSV --- */

static int
csv(const char *text, struct payloads *p, uint64_t *line)
{
	int rc = vrps_csv_read(sv_str(text), p, line);

	return rc;
}

static void
csv_reads(void **state UNUSED)
{
	struct payloads p = { 0 };
	uint64_t line;

	assert_true(vrps_csv_is(SV("ASN,IP Prefix,Max Length\n")));
	assert_true(vrps_csv_is(SV("AS1,10.0.0.0/8,8\n")));
	assert_false(vrps_csv_is(SV("{\"roas\":[]}")));
	assert_int_equal(csv("ASN,IP Prefix,Max Length,Trust Anchor,Expires\r\n"
	    "AS1,10.0.0.0/8,24,ripe,1700000000\r\n\"2\",\"2001:db8::/32\",,apnic,\r\n", &p, &line), 0);
	assert_int_equal(p.n_vrps, 2);
	assert_int_equal(p.vrps[0].max_len, 24);
	assert_int_equal(p.vrps[0].expires, 1700000000);
	assert_int_equal(p.vrps[1].max_len, 32);
	assert_int_equal(p.vrps[1].asn, 2);
	assert_string_equal(p.tas[p.vrps[1].ta], "apnic");
	payloads_done(&p);
}

static void
csv_refuses(void **state UNUSED)
{
	static const char *const bad[] = {
		"AS1,10.0.0.1/8,8\n", "AS1,10.0.0.0/8,7\n", "AS1,10.0.0.0/8,33\n",
		"AS4294967296,10.0.0.0/8,8\n", "AS1;10.0.0.0/8;8\n", "AS1,10.0.0.0/8,8,t,1,2\n",
		"AS1,10.0.0.0/8,8,t,soon\n", "\nAS1,10.0.0.0/8,8\n", "AS1\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct payloads p = { 0 };
		uint64_t line = 0;

		assert_int_equal(csv(bad[i], &p, &line), SE_SYNTAX);
		assert_int_equal(line, 1);
		payloads_done(&p);
	}
}

TESTS_MAIN("alarm", T(quiet), T(ours), T(ours_all), T(expires), T(ca_state), T(ca_above), T(guard_and_age), T(source),
    T(csv_reads), T(csv_refuses))
