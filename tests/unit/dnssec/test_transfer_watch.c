/* Needs give the plan's own times; what is seen, undone, early; the state as text. */
#include "../tap.h"
#include <errno.h>

#include "base/err.h"
#include "base/rd.h"
#include "dnssec/dnssec.h"
#include "dnssec/transfer_watch.h"

#define START	INT64_C(1795000000)

static uint32_t seed = 1;

static uint32_t
below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
facts_draw(struct transfer_facts *f)
{
	transfer_facts_init(f);
	f->move = below(TRANSFER_MOVE_MAX);
	f->help = below(TRANSFER_HELP_MAX);
	f->signed_before = below(4) > 0;
	f->signed_after = below(4) > 0;
	f->ds_kept = below(3) > 0;
	for (unsigned i = 0; i < TRANSFER_NUMBER_MAX; i++)
		if (i != TRANSFER_LOSING_ALG && i != TRANSFER_GAINING_ALG && i != TRANSFER_LOSING_KEEPS)
			f->number[i] = below(50);
}

/* From the order until all servers have it, as the plan reckons. */
static int64_t
takes(const struct transfer_facts *f, const struct transfer_plan *p, enum transfer_code c)
{
	const uint32_t *n = f->number;
	bool cds = p->pattern == TRANSFER_EXCHANGE && f->help == TRANSFER_HELP_CDS;

	switch (c) {
	case TRANSFER_JOIN:
	case TRANSFER_NS_LOSING:
	case TRANSFER_SIGN_HERE:
	case TRANSFER_UNSIGN_HERE:
		return n[TRANSFER_DELAY_LOSING];
	case TRANSFER_CDS_ADD:
	case TRANSFER_CDS_DEL:
		return n[TRANSFER_DELAY_PARENT] + n[TRANSFER_DELAY_CDS];
	case TRANSFER_NS:
	case TRANSFER_DS_ADD:
	case TRANSFER_DS_NEW:
	case TRANSFER_DS_NONE:
	case TRANSFER_DS_DEL:
		return n[TRANSFER_DELAY_PARENT];
	case TRANSFER_DS_AGAIN:
		return n[TRANSFER_DELAY_PARENT] + (cds ? n[TRANSFER_DELAY_CDS] : 0);
	case TRANSFER_REGISTRAR_ASK:
		return n[TRANSFER_TRANSFER_SEC];
	case TRANSFER_STOP:
	case TRANSFER_DONE:
		return 0;
	default:
		return n[TRANSFER_DELAY_GAINING];
	}
}

static void
test_needs(void **state)
{
	bool met[TRANSFER_PATTERN_MAX] = { false };

	(void)state;
	for (unsigned k = 0; k < 3000; k++) {
		struct pool *pool = pool_new(1u << 20);
		int64_t seen[TRANSFER_CODE_MAX] = { 0 };
		struct transfer_facts f;
		struct transfer_plan p;
		struct findings fs;

		findings_init(&fs, pool);
		facts_draw(&f);
		assert_int_equal(transfer_plan(&f, &fs, &p), 0);
		met[p.pattern] = true;
		for (size_t i = 0; i < p.n_steps; i++)
			seen[p.steps[i].code] = START + p.steps[i].at + takes(&f, &p, p.steps[i].code);
		for (size_t i = 0; i < p.n_steps; i++) {
			enum transfer_code c = p.steps[i].code;
			struct transfer_need need;
			int64_t due = transfer_due(&f, &p, seen, c, &need);

			/* The registrar's work takes its time; it is no waiting for caches. */
			if (c == TRANSFER_DS_AGAIN)
				assert_true(due <= START + p.steps[i].at);
			else if (max_i64(due, START) != START + p.steps[i].at)
				fail_msg("%s %s: due %lld, planned %lld (round %u)", transfer_pattern_name(p.pattern),
				    transfer_findings[c].code, (long long)(due - START), (long long)p.steps[i].at, k);
		}
		pool = pool_free(pool);
	}
	for (unsigned i = 0; i < TRANSFER_PATTERN_MAX; i++)
		assert_true(met[i]);
}

/* --- a zone with two sides, signed here --- */

struct side {
	uint8_t			 room[2][DNSKEY_RDATA_MAX], sig[512], soa_sig[64], ds[DS_RDATA_MAX];
	struct crypto_priv	*priv[2];
	struct sv		 key[2], dsv;		/* KSK, ZSK */
};

struct play {
	struct pool		*pool;
	struct findings		 fs;
	struct side		 side[2];
	struct transfer_watch	 w;
	struct transfer_plan	 p;
	struct transfer_look	 look[3];		/* one server at each place */
	uint8_t			 sig[3][512];
	int64_t			 now;
};

#define ZONE_WIRE "\7example\2jp"

static void
side_init(struct side *s, const struct dname *zone)
{
	for (unsigned i = 0; i < 2; i++) {
		struct dnskey k = { .flags = i == 0 ? 257 : 256, .protocol = 3, .alg = 13 };

		assert_int_equal(crypto_priv_generate(13, 0, &s->priv[i]), 0);
		k.public_key = crypto_priv_public(s->priv[i]);
		s->key[i] = (struct sv){ (const char *)s->room[i], dnskey_write(&k, s->room[i]) };
	}
	assert_int_equal(ds_write(zone, s->key[0], 2, s->ds, &s->dsv.n), 0);
	s->dsv.p = (const char *)s->ds;
}

static struct sv
sig_head(uint8_t *room, uint16_t type, struct sv key)
{
	struct wr h = wr_mem(room, 512);

	wr_be16(&h, type);
	wr_u8(&h, 13);
	wr_u8(&h, 2);
	wr_be32(&h, 3600);
	wr_be32(&h, (uint32_t)(START + 100000));
	wr_be32(&h, (uint32_t)(START - 1000));
	wr_be16(&h, dnskey_tag(key));
	wr_bytes(&h, ZONE_WIRE, 12);
	return (struct sv){ (const char *)room, h.len };
}

/* The look's DNSKEY set, signed by this key. */
static void
keys_sign(struct play *y, unsigned at, const struct side *by)
{
	uint8_t set[4096], sig[CRYPTO_DNSSIG_MAX];
	struct transfer_look *l = &y->look[at];
	struct wr s = wr_mem(set, sizeof(set)), h;
	struct crypto_make m = { .sig = sig };
	struct transfer_set sorted = l->keys;

	for (size_t i = 0; i < sorted.n; i++)
		for (size_t k = i + 1; k < sorted.n; k++)
			if (sv_cmp(sorted.rdata[k], sorted.rdata[i]) < 0) {
				struct sv x = sorted.rdata[i];

				sorted.rdata[i] = sorted.rdata[k];
				sorted.rdata[k] = x;
			}
	for (size_t i = 0; i < sorted.n; i++) {
		wr_bytes(&s, ZONE_WIRE, 12);
		wr_be16(&s, RR_DNSKEY);
		wr_be16(&s, 1);
		wr_be32(&s, 3600);
		wr_be16(&s, (uint16_t)sorted.rdata[i].n);
		wr_bytes(&s, sorted.rdata[i].p, sorted.rdata[i].n);
	}
	m.data[0] = sig_head(y->sig[at], RR_DNSKEY, by->key[0]);
	m.data[1] = (struct sv){ (const char *)set, s.len };
	assert_int_equal(crypto_make_batch(by->priv[0], &m, 1), 0);
	h = wr_mem(y->sig[at], sizeof(y->sig[at]));
	h.len = m.data[0].n;
	wr_bytes(&h, sig, crypto_priv_sig_len(by->priv[0]));
	l->key_sigs = (struct transfer_set){ .rdata = { { (const char *)y->sig[at], h.len } }, .n = 1 };
}

static void
set_to(struct transfer_set *s, size_t n, const struct sv *rdata)
{
	*s = (struct transfer_set){ .n = n };
	for (size_t i = 0; i < n; i++)
		s->rdata[i] = rdata[i];
}
#define SET(s, ...) set_to((s), sizeof((const struct sv[]){ __VA_ARGS__ }) / sizeof(struct sv), (const struct sv[]){ __VA_ARGS__ })

#define L	(&y->side[0])
#define G	(&y->side[1])

static void
serves(struct play *y, unsigned at, const struct side *by)
{
	y->look[at].answered = true;
	keys_sign(y, at, by);
	SET(&y->look[at].soa_sigs, sig_head(y->side[at].soa_sig, RR_SOA, by->key[1]));
}

static void
play_init(struct play *y, enum transfer_help help)
{
	static const enum transfer_number ttls[] = { TRANSFER_TTL_DS, TRANSFER_TTL_DNSKEY, TRANSFER_TTL_NS,
		TRANSFER_TTL_PARENT_NS, TRANSFER_TTL_DATA, TRANSFER_TTL_NEGATIVE, TRANSFER_TTL_NO_DS };

	*y = (struct play){ .pool = pool_new(1u << 22), .now = START };
	findings_init(&y->fs, y->pool);
	assert_int_equal(dname_parse(SV("example.jp."), NULL, &y->w.zone), 0);
	transfer_facts_init(&y->w.facts);
	y->w.facts.help = help;
	for (size_t i = 0; i < ARRAY_LEN(ttls); i++)
		y->w.facts.number[ttls[i]] = 100;
	side_init(L, &y->w.zone);
	side_init(G, &y->w.zone);
	for (unsigned i = 0; i < 3; i++)
		y->look[i] = (struct transfer_look){ .place = (enum transfer_place)i, .server = SV("192.0.2.1:53") };
	SET(&y->look[0].keys, L->key[0], L->key[1]);
	SET(&y->look[0].ns, SV("\2nl\0"));
	serves(y, 0, L);
	y->look[2].answered = true;
	SET(&y->look[2].ns, SV("\2nl\0"));
	SET(&y->look[2].ds, L->dsv);
	assert_int_equal(transfer_plan(&y->w.facts, &y->fs, &y->p), 0);
}

/* Look after so many seconds; the codes that are told, or none. */
static void
looks(struct play *y, int64_t sec, const char *code)
{
	y->now += sec;
	findings_init(&y->fs, y->pool);
	assert_int_equal(transfer_watch_look(&y->w, &y->p, y->look, 3, y->now, &y->fs), 0);
	assert_string_equal(y->fs.head == NULL ? "" : y->fs.head->def->code, code);
}

static bool
open_now(struct play *y, enum transfer_code c)
{
	struct transfer_need need;

	return y->w.seen[c] == 0 && transfer_due(&y->w.facts, &y->p, y->w.seen, c, &need) <= y->now;
}

static void
play_done(struct play *y)
{
	for (unsigned i = 0; i < 4; i++)
		y->side[i / 2].priv[i % 2] = crypto_priv_free(y->side[i / 2].priv[i % 2]);
	y->pool = pool_free(y->pool);
}

static void
load_joined(struct play *y)
{
	SET(&y->look[1].keys, G->key[0], G->key[1], L->key[1]);
	SET(&y->look[1].ns, SV("\2ng\0"));
	serves(y, 1, G);
}

static void
test_exchange(void **state)
{
	struct play play, *y = &play;

	(void)state;
	play_init(y, TRANSFER_HELP_EXCHANGE);
	looks(y, 0, "");
	assert_true(open_now(y, TRANSFER_LOAD_JOINED) && open_now(y, TRANSFER_JOIN) && !open_now(y, TRANSFER_DS_ADD));
	/* The gaining side without the losing ZSK has not joined. */
	SET(&y->look[1].keys, G->key[0], G->key[1]);
	SET(&y->look[1].ns, SV("\2ng\0"));
	serves(y, 1, G);
	looks(y, 10, "");
	assert_int_equal(y->w.seen[TRANSFER_LOAD_JOINED], 0);
	load_joined(y);
	looks(y, 10, "");
	assert_int_equal(y->w.seen[TRANSFER_LOAD_JOINED], y->now);
	assert_true(open_now(y, TRANSFER_DS_ADD) && !open_now(y, TRANSFER_NS));
	SET(&y->look[0].keys, L->key[0], L->key[1], G->key[1]);
	serves(y, 0, L);
	SET(&y->look[2].ds, L->dsv, G->dsv);
	looks(y, 10, "");
	assert_true(y->w.seen[TRANSFER_JOIN] == y->now && y->w.seen[TRANSFER_DS_ADD] == y->now);
	looks(y, 99, "");
	assert_false(open_now(y, TRANSFER_NS));
	looks(y, 1, "");
	assert_true(open_now(y, TRANSFER_NS) && open_now(y, TRANSFER_NS_LOSING));
	SET(&y->look[2].ns, SV("\2ng\0"));
	looks(y, 5, "");
	assert_true(y->w.seen[TRANSFER_NS] == y->now && !open_now(y, TRANSFER_STOP));
	SET(&y->look[0].ns, SV("\2ng\0"));
	looks(y, 50, "");
	looks(y, 99, "");
	assert_int_equal(y->w.seen[TRANSFER_STOP], 0);
	looks(y, 1, "");
	assert_int_equal(y->w.seen[TRANSFER_STOP], y->now);
	assert_false(open_now(y, TRANSFER_DS_DEL));
	y->look[0].answered = false;		/* switched off, as it may be now */
	looks(y, 100, "");
	assert_true(open_now(y, TRANSFER_DS_DEL) && open_now(y, TRANSFER_CLEAN));
	SET(&y->look[2].ds, G->dsv);
	SET(&y->look[1].keys, G->key[0], G->key[1]);
	serves(y, 1, G);
	looks(y, 1, "");
	assert_true(y->w.seen[TRANSFER_DS_DEL] == y->now && y->w.seen[TRANSFER_CLEAN] == y->now);
	looks(y, 100, "");
	assert_int_equal(y->w.seen[TRANSFER_DONE], y->now);
	play_done(y);
}

static void
test_undone(void **state)
{
	struct play play, *y = &play;

	(void)state;
	play_init(y, TRANSFER_HELP_EXCHANGE);
	load_joined(y);
	SET(&y->look[0].keys, L->key[0], L->key[1], G->key[1]);
	serves(y, 0, L);
	/* They join before anybody looked: keys of the losing side are told by a file then. */
	SET(&y->w.keys[0], L->key[0], L->key[1]);
	looks(y, 0, "");
	assert_int_equal(y->w.seen[TRANSFER_JOIN], START);
	SET(&y->look[0].keys, L->key[0], L->key[1]);
	serves(y, 0, L);
	looks(y, 50, "TRANSFER_UNDONE");
	assert_int_equal(y->w.seen[TRANSFER_JOIN], 0);
	SET(&y->look[0].keys, L->key[0], L->key[1], G->key[1]);
	serves(y, 0, L);
	looks(y, 10, "");
	assert_int_equal(y->w.seen[TRANSFER_JOIN], START + 60);
	/* A wrong signature is none. */
	y->sig[0][40] ^= 1;
	looks(y, 1, "TRANSFER_UNDONE");
	play_done(y);
}

static void
test_early(void **state)
{
	struct play play, *y = &play;

	(void)state;
	play_init(y, TRANSFER_HELP_EXCHANGE);
	load_joined(y);
	looks(y, 0, "");
	SET(&y->look[2].ns, SV("\2ng\0"));
	looks(y, 1, "TRANSFER_EARLY");
	play_done(y);
}

static void
test_ttl(void **state)
{
	struct play play, *y = &play;

	(void)state;
	play_init(y, TRANSFER_HELP_NONE);
	y->look[0].keys.ttl = 100;
	findings_init(&y->fs, y->pool);
	assert_false(transfer_watch_ttls(&y->w, y->look, 3, &y->fs));
	y->look[0].keys.ttl = 101;
	assert_true(transfer_watch_ttls(&y->w, y->look, 3, &y->fs));
	assert_string_equal(y->fs.head->def->code, "TRANSFER_TTL");
	assert_int_equal(y->w.facts.number[TRANSFER_TTL_DNSKEY], 101);
	play_done(y);
}

static void
test_none(void **state)
{
	struct play play, *y = &play;

	(void)state;
	play_init(y, TRANSFER_HELP_NONE);
	looks(y, 0, "");
	assert_false(open_now(y, TRANSFER_NS));
	y->look[2].ds.n = 0;
	looks(y, 1, "");
	assert_int_equal(y->w.seen[TRANSFER_DS_NONE], y->now);
	assert_int_equal(transfer_watch_told(&y->w, &y->p, TRANSFER_REGISTRAR_ASK, y->now), -EINVAL);
	assert_int_equal(transfer_watch_told(&y->w, &y->p, TRANSFER_NS, y->now), -EINVAL);
	play_done(y);
}

static void
test_text(void **state)
{
	struct play play, *y = &play;
	struct transfer_watch again;
	struct buf one = BUF_INIT, two = BUF_INIT;

	(void)state;
	play_init(y, TRANSFER_HELP_EXCHANGE);
	y->w.facts.given = UINT64_C(1) << TRANSFER_TTL_DS;
	y->w.server[TRANSFER_AT_PARENT][0] = SV("[2001:db8::1]:53");
	y->w.n_servers[TRANSFER_AT_PARENT] = 1;
	load_joined(y);
	looks(y, 0, "");
	y->w.seen[TRANSFER_REGISTRAR_ASK] = 5;
	y->w.told[TRANSFER_REGISTRAR_ASK] = true;
	transfer_watch_print(&y->w, &one);
	findings_init(&y->fs, y->pool);
	assert_int_equal(transfer_watch_parse(y->pool, buf_get(&one), &y->fs, &again), 0);
	transfer_watch_print(&again, &two);
	assert_true(sv_eq(buf_get(&one), buf_get(&two)));
	assert_int_equal(again.seen[TRANSFER_LOAD_JOINED], y->now);
	assert_true(again.told[TRANSFER_REGISTRAR_ASK] && !again.told[TRANSFER_LOAD_JOINED]);
	assert_int_equal(again.keys[1].n, 2);
	assert_int_equal(transfer_watch_parse(y->pool, SV("zone example.jp.\n"), &y->fs, &again), SE_SYNTAX);
	assert_string_equal(y->fs.head->def->code, "TRANSFER_STATE");
	assert_int_equal(transfer_watch_parse(y->pool, SV("sekisho-transfer 1\n"), &y->fs, &again), SE_SYNTAX);
	assert_int_equal(transfer_watch_parse(y->pool, SV("sekisho-transfer 1\nzone jp.\nseen NS 5\n"), &y->fs, &again), SE_SYNTAX);
	assert_int_equal(transfer_watch_parse(y->pool, SV("sekisho-transfer 1\nzone jp.\nkey parent 257 3 13 AAAA\n"), &y->fs, &again), SE_SYNTAX);
	assert_int_equal(transfer_watch_parse(y->pool, (struct sv){ "x", TRANSFER_WATCH_TEXT_MAX + 1 }, &y->fs, &again), SE_LIMIT);
	buf_done(&one);
	buf_done(&two);
	play_done(y);
}

TESTS_MAIN("dnssec/transfer_watch", T(test_needs), T(test_exchange), T(test_undone), T(test_early), T(test_ttl),
    T(test_none), T(test_text))
