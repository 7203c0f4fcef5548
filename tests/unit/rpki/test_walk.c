/*
 * The walk of a whole tree, where one CA is hostile to another. The tree lies
 * in a scratch folder; routes_run() reads it as `rpki validate` does.
 */
#include "kit.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/routes.h"

struct scratch {
	struct kit	 k;
	char		 dir[64];
	char		 tal[80];
	struct world	 ta;
};

static int
remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *f UNUSED)
{
	return remove(path);
}

static void
scratch_done(struct scratch *s)
{
	(void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	kit_done(&s->k);
}

static void
file_put(const char *path, struct sv bytes)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

/* rsync://host/… below the folder, with the folders above it. */
static void
uri_put(const struct scratch *s, const char *uri, struct sv bytes)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", s->dir, uri + strlen("rsync://"));
	for (char *p = path + strlen(s->dir) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*p = '/';
	}
	file_put(path, bytes);
}

static void
point_put(const struct scratch *s, struct world *w)
{
	world_crl(w, NULL, 0);
	world_manifest(w);
	for (size_t i = 0; i < w->n; i++)
		uri_put(s, world_uri(w, w->files[i].name), w->files[i].bytes);
	uri_put(s, world_uri(w, "ta.mft"), w->mft);
}

static void
scratch_init(struct scratch *s, const struct keys *keys)
{
	char key[1024];
	char text[1200];

	s->k = kit_new();
	kit_clear(&s->k);
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/sekisho-walk-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->tal, sizeof(s->tal), "%s/lab.tal", s->dir);
	world_init(&s->ta, keys, s->k.pool);
	uri_put(s, TA_URI, s->ta.ta);
	key[base64_encode(key, s->ta.tal.spki.p, s->ta.tal.spki.n)] = '\0';
	(void)snprintf(text, sizeof(text), "%s\n\n%s\n", TA_URI, key);
	file_put(s->tal, sv_str(text));
}

/* A certificate for a CA whose point is at base. */
static struct cert_spec
ca_spec(struct world *w, unsigned key, const char *cn, const char *base)
{
	struct cert_spec c = spec_below(w, key, true);

	c.subject = cn;
	c.repo = base;
	c.mft = pool_printf(w->pool, "%sta.mft", base);
	c.res.as.inherit = true;
	return c;
}

static void
ca_add(struct world *w, const char *name, unsigned key, const char *cn, const char *base)
{
	struct cert_spec c = ca_spec(w, key, cn, base);

	c.res.ip[0].inherit = true;
	world_add(w, name, cert_make(w, &c, w->key, NULL));
}

static const struct roa_entry roa_v[] = { { { .addr = { 10, 1 }, .len = 16, .af = IP_V4 }, 24 } };
static const struct roa_spec roa = { 64500, roa_v, 1 };

static struct routes *
run(const struct scratch *s, bool keep)
{
	const char *trees[] = { s->dir }, *tals[] = { s->tal };
	struct routes_conf conf = { .trees = trees, .n_trees = 1, .tals = tals, .n_tals = 1,
	    .now = NOW, .jobs = 2, .keep = keep };
	struct routes *r = NULL;

	assert_int_equal(routes_run(&conf, &r), 0);
	assert_false(r->incomplete);
	return r;
}

struct count {
	const struct finding_def *def;
	unsigned		  n;
};

static bool
count_one(void *arg, const struct finding *f)
{
	struct count *c = arg;

	c->n += f->def == c->def;
	return true;
}

static unsigned
findings_of(const struct routes *r, enum rpki_code code)
{
	struct count c = { &rpki_findings[code], 0 };

	routes_findings(r, count_one, &c);
	return c.n;
}

#define ATTACKER	HOST "attacker/"
#define PARENT		HOST "parent/"
#define MID		HOST "mid/"
#define VICTIM		HOST "victim/"

/*
 * The attacker issues more certificates for the victim's key and place than
 * a place may be visited, and stands before the victim's own parent; deeper:
 * also a level above it.
 */
static void
stolen_visits(void **state)
{
	const struct keys *keys = *state;

	for (int deeper = 0; deeper <= 1; deeper++) {
		struct scratch s;
		struct world attacker, parent, mid, victim;
		struct routes *r;
		char name[16];

		scratch_init(&s, keys);
		ca_add(&s.ta, "attacker.cer", 4, "attacker", ATTACKER);
		ca_add(&s.ta, "parent.cer", 5, "parent", PARENT);
		point_put(&s, &s.ta);
		world_child(&attacker, keys, s.k.pool, "attacker", 4, ATTACKER, HOST "attacker.cer");
		for (int i = 0; i < RPKI_POINT_VISITS_MAX + 3; i++) {
			(void)snprintf(name, sizeof(name), "v%d.cer", i);
			/* without the addresses: the ROA is an over-claim below these */
			struct cert_spec c = ca_spec(&attacker, 6, "victim", VICTIM);

			world_add(&attacker, name, cert_make(&attacker, &c, 4, NULL));
		}
		point_put(&s, &attacker);
		world_child(&parent, keys, s.k.pool, "parent", 5, PARENT, HOST "parent.cer");
		world_child(&mid, keys, s.k.pool, "mid", 7, MID, PARENT "mid.cer");
		if (deeper)
			ca_add(&parent, "mid.cer", 7, "mid", MID);
		ca_add(deeper ? &mid : &parent, "victim.cer", 6, "victim", VICTIM);
		point_put(&s, &parent);
		if (deeper)
			point_put(&s, &mid);
		world_child(&victim, keys, s.k.pool, "victim", 6, VICTIM,
		    deeper ? MID "victim.cer" : PARENT "victim.cer");
		world_roa(&victim, "a.roa", &roa, NULL);
		point_put(&s, &victim);
		r = run(&s, false);
		if (r->payloads.n_vrps != 1)
			fail_msg("deeper %d: the victim's VRP is gone", deeper);
		assert_int_equal(findings_of(r, RPKI_POINT_REPEATED), 1);
		assert_true(r->n_points <= RPKI_POINT_VISITS_MAX + 5u);
		(void)routes_free(r);
		scratch_done(&s);
	}
}

/*
 * Levels of CAs that all certify each other's keys: without a limit for a
 * place there are WIDE^n visits on level n.
 */
static void
ladder(void **state)
{
	enum { WIDE = 4, DEEP = 5 };
	const struct keys *keys = *state;
	struct scratch s;
	struct routes *r;
	char name[16], base[64], cn[16];

	scratch_init(&s, keys);
	for (unsigned level = 0; level < DEEP; level++)
		for (unsigned i = 0; i < (level == 0 ? 1 : WIDE); i++) {
			struct world below, *w = level == 0 ? &s.ta : &below;

			if (level > 0) {
				/* one key for all of a level's CAs; places differ */
				(void)snprintf(base, sizeof(base), HOST "l%u-%u/", level, i);
				(void)snprintf(cn, sizeof(cn), "l%u-%u", level, i);
				world_child(w, keys, s.k.pool, pool_strdup(s.k.pool, cn), 3 + level,
				    pool_strdup(s.k.pool, base), TA_URI);
			}
			for (unsigned c = 0; c < WIDE && level + 1 < DEEP; c++) {
				(void)snprintf(name, sizeof(name), "c%u.cer", c);
				ca_add(w, name, 4 + level, pool_printf(s.k.pool, "l%u-%u", level + 1, c),
				    pool_printf(s.k.pool, HOST "l%u-%u/", level + 1, c));
			}
			point_put(&s, w);
		}
	r = run(&s, false);
	assert_true(findings_of(r, RPKI_POINT_REPEATED) > 0);
	assert_true(r->n_points <= 1 + (DEEP - 1) * WIDE * (RPKI_POINT_VISITS_MAX + 1u));
	(void)routes_free(r);
	scratch_done(&s);
}

/* A rejected certificate with a key identifier of any length ends nothing. */
static void
odd_lost(void **state)
{
	static const char longest[4096];
	const struct keys *keys = *state;
	struct scratch s;
	struct routes *r;
	struct cert_spec c;

	scratch_init(&s, keys);
	c = ca_spec(&s.ta, 4, "odd", ATTACKER);
	c.ski = (struct sv){ longest, sizeof(longest) };
	world_add(&s.ta, "odd.cer", cert_make(&s.ta, &c, 0, NULL));
	world_roa(&s.ta, "a.roa", &roa, NULL);
	point_put(&s, &s.ta);
	r = run(&s, true);
	assert_int_equal(r->payloads.n_vrps, 1);
	assert_int_equal(findings_of(r, RPKI_CERT_SKI), 1);
	(void)routes_free(r);
	scratch_done(&s);
}

/*
 * A rejected certificate that names the victim's place: the victim's objects
 * are still explained as what they are.
 */
static void
lost_claims(void **state)
{
	static const struct write_as_range far = { 1, 2 };	/* nobody's */
	const struct keys *keys = *state;
	const struct routes_object *x;
	struct world victim;
	struct scratch s;
	struct routes *r;
	struct cert_spec c;

	scratch_init(&s, keys);
	c = ca_spec(&s.ta, 6, "victim", VICTIM);
	c.res.as.inherit = false;
	c.res.as.v = &far;
	c.res.as.n = 1;
	world_add(&s.ta, "a-claim.cer", cert_make(&s.ta, &c, 0, NULL));
	ca_add(&s.ta, "victim.cer", 6, "victim", VICTIM);
	point_put(&s, &s.ta);
	world_child(&victim, keys, s.k.pool, "victim", 6, VICTIM, HOST "victim.cer");
	world_roa(&victim, "a.roa", &roa, NULL);
	point_put(&s, &victim);
	r = run(&s, true);
	assert_int_equal(r->payloads.n_vrps, 1);
	assert_int_equal(findings_of(r, RPKI_CERT_OVERCLAIM), 1);
	assert_int_equal(routes_index(r), 0);
	x = routes_object(r, SV(VICTIM "a.roa"));
	assert_non_null(x);
	assert_int_equal(x->o->verdict, V_VALID);
	assert_false(x->pt->ca->lost);
	assert_int_equal(r->count[RPKI_ROA][V_LOST], 0);
	(void)routes_free(r);
	scratch_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(stolen_visits), T(ladder), T(odd_lost), T(lost_claims),
	};

	return cmocka_run_group_tests_name("rpki walk", tests, keys_setup, keys_teardown);
}
