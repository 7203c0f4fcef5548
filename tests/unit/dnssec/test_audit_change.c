/*
 * The gate is as strict as the full audit: zones change at random, are signed
 * again, and are spoilt at random; the verdicts agree, or the gate cannot tell.
 */
#include "audit_kit.h"

#define LINES	40
#define ROUNDS	25

static const char base[] =
    "@ 3600 SOA ns1 hostmaster 1 7200 900 1209600 300\n"
    "@ 3600 NS ns1\n"
    "ns1 3600 A 192.0.2.1\n";
/* What may be there or not. */
static const char *const lines[LINES] = {
	"@ 3600 MX 10 mail", "mail 3600 A 192.0.2.2", "mail 3600 AAAA 2001:db8::2",
	"www 3600 A 192.0.2.3", "a.www 3600 TXT x", "*.w 3600 TXT any", "x.w 3600 A 192.0.2.4",
	"a.b.c 3600 A 192.0.2.5", "d.b.c 3600 TXT x", "b.c 3600 TXT y", "c 3600 NS ns1",
	"sub 3600 NS ns.sub", "ns.sub 3600 A 192.0.2.6", "a.ns.sub 3600 TXT hidden",
	"sub 3600 DS 12345 13 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
	"i1 3600 NS ns1", "i2 3600 NS ns1", "i3 3600 NS ns1", "x.i 3600 NS ns1", "y.i 3600 NS ns1",
	"z.i 3600 TXT z", "p.q.r 3600 NS ns1", "q.r 3600 NS ns1", "r 3600 A 192.0.2.7",
	"dn 3600 DNAME mail", "a.dn 3600 TXT hidden", "dn 3600 TXT x", "t 3600 NS ns1",
	"a.t 3600 A 192.0.2.8", "b.a.t 3600 A 192.0.2.9", "u.t 3600 NS ns1", "zz 3600 A 192.0.2.10",
	"a.zz 3600 NS ns1", "b.zz 3600 NS ns1", "k 3600 TXT 1", "k 3600 TXT 2", "l 3600 TXT 1",
	"m.l 3600 TXT 1", "n.m.l 3600 TXT 1", "0 3600 TXT first",
};
static const char *const owners[] = {
	"@", "mail", "www", "a.www", "w", "*.w", "a.b.c", "b.c", "c", "sub", "ns.sub", "i1", "i2", "x.i",
	"i", "z.i", "q.r", "r", "p.q.r", "dn", "a.dn", "t", "a.t", "zz", "a.zz", "k", "l", "m.l", "0", "new",
};
/* %s: an owner. */
#define ADD_DS	"add %s DS 1 13 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F;sign %s DS"
static const char *const spoils[] = {
	"unsign %s A", "unsign %s NSEC", "unsign #%s NSEC3", "flip %s TXT", "flip #%s NSEC3", "drop %s A",
	"drop %s NS", "node %s", "drop %s NSEC", "add %s A 192.0.2.99", "add %s TXT x;sign %s TXT",
	"add %s NS ns1", "add %s DNAME mail;sign %s DNAME", "sign %s A key=x", "sign %s TXT exp=-1",
	"skip #%s", "plant #%s", "clear #%s", "n3 #%s flags=1;sign #%s NSEC3", "drop #%s NSEC3",
	"n3 #%s flags=0;sign #%s NSEC3", "n3 #%s types=A,TXT,RRSIG;sign #%s NSEC3", "ttl %s A 60",
	"n3 #%s next=#mail;sign #%s NSEC3", "set %s NSEC mail.example. A RRSIG NSEC;sign %s NSEC",
	"drop %s DS", ADD_DS, "n3 #%s types=;sign #%s NSEC3", "node %s;skip #%s", "sign %s NS",
};

static uint64_t seed = 4711;

static unsigned
dice(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static struct zone *
source(const struct audit_kit *k, const bool on[static LINES])
{
	struct buf b = BUF_INIT;
	struct zone *z;

	buf_str(&b, base);
	for (unsigned i = 0; i < LINES; i++)
		if (on[i])
			buf_printf(&b, "%s\n", lines[i]);
	z = kit_zone(&k->apex, buf_get(&b));
	buf_done(&b);
	return z;
}

/* One of the spoils, for one of the names. */
static void
script(char *dst, size_t cap)
{
	const char *form = spoils[dice(ARRAY_LEN(spoils))], *owner = owners[dice(ARRAY_LEN(owners))];
	size_t n = 0;

	while (*form != '\0' && n + 1 < cap)
		if (form[0] == '%') {
			n += (size_t)snprintf(dst + n, cap - n, "%s", owner);
			form += 2;
		} else {
			dst[n++] = *form++;
		}
	dst[n] = '\0';
}

struct tally {
	unsigned	n, n_bad, n_again, n_wrong;
};

/* Is it good? */
static bool
compare(struct audit_kit *k, const struct audit_result *passed, struct zone *z, const char *what,
    struct tally *t)
{
	struct audit_result *full = NULL, *gate = NULL;
	bool good;

	assert_int_equal(audit_zone(z, &k->opts, &full), 0);
	assert_int_equal(audit_change(k->z, passed, z, &k->opts, &gate), 0);
	t->n++;
	t->n_bad += full->state == AUDIT_BAD;
	t->n_again += gate->state == AUDIT_AGAIN;
	if (gate->state != AUDIT_AGAIN && (gate->state == AUDIT_BAD) != (full->state == AUDIT_BAD)) {
		const struct audit_result *r = full->state == AUDIT_BAD ? full : gate;

		t->n_wrong++;
		print_message("# %s: gate %s, full %s: %s at %u\n", what, audit_state_str(gate->state),
		    audit_state_str(full->state), audit_rows[r->groups[0].code].code,
		    (unsigned)r->groups[0].example[0].name.len);
	}
	good = full->state == AUDIT_GOOD;
	(void)audit_result_free(full);
	(void)audit_result_free(gate);
	return good;
}

/* The next source: most of it as before. */
static struct zone *
edited(const struct audit_kit *k, bool on[static LINES])
{
	for (unsigned i = dice(5); i < 5; i++)
		on[dice(LINES)] ^= true;
	return source(k, on);
}

static void
spoil(struct audit_kit *k, const struct audit_result *passed, struct zone *next, struct tally *bad)
{
	for (unsigned i = 0; i < 3; i++) {
		char text[512];
		struct zone *z;

		script(text, sizeof(text));
		z = kit_script(k, i == 0 ? k->z : next, text);
		(void)compare(k, passed, z, text, bad);
		(void)zone_unref(z);
	}
}

static void
rounds(enum kit_denial denial, unsigned n, struct tally *edits, struct tally *bad)
{
	struct audit_kit *k = kit_new(denial);
	bool on[LINES] = { 0 }, was[LINES];
	struct zone *src = source(k, on);

	k->z = kit_sign_zone(k, src, NULL);
	for (unsigned round = 0; round < n; round++) {
		struct audit_result *passed = NULL;
		struct zone *next_src, *next;

		memcpy(was, on, sizeof(was));
		assert_int_equal(audit_zone(k->z, &k->opts, &passed), 0);
		assert_int_equal(passed->state, AUDIT_GOOD);
		next_src = edited(k, on);
		next = kit_sign_zone(k, next_src, src);
		if (compare(k, passed, next, "an edit", edits)) {
			spoil(k, passed, next, bad);
		} else {		/* such as DS without NS: back, and all anew */
			memcpy(on, was, sizeof(on));
			(void)zone_unref(next);
			(void)zone_unref(next_src);
			next_src = source(k, on);
			next = kit_sign_zone(k, next_src, NULL);
		}
		(void)audit_result_free(passed);
		(void)zone_unref(src);
		(void)zone_unref(k->z);
		src = next_src;
		k->z = next;
	}
	(void)zone_unref(src);
	kit_free(k);
}

static void
test_gate(void **state)
{
	const char *more = getenv("AUDIT_ROUNDS");
	unsigned n = more == NULL ? ROUNDS : (unsigned)kit_num(sv_str(more));
	struct tally edits = { 0 }, bad = { 0 };

	(void)state;
	if (more != NULL)
		seed = n;
	for (unsigned i = 0; i < 3; i++)
		rounds((enum kit_denial)i, n, &edits, &bad);
	print_message("# edits: %u, of them bad %u, again %u; spoilt: %u, bad %u, again %u\n", edits.n,
	    edits.n_bad, edits.n_again, bad.n, bad.n_bad, bad.n_again);
	assert_int_equal(edits.n_wrong + bad.n_wrong, 0);
	assert_int_equal(edits.n_again, 0);
	assert_true(bad.n_bad > bad.n / 5 && bad.n_again < bad.n / 5);
}

TESTS_MAIN("dnssec/audit_change", T(test_gate))
