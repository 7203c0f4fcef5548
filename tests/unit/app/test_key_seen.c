/* Serials and what stands behind them; observations as keystate wants them. */
#include <errno.h>

#include "../tap.h"

#include "app/key_seen.h"
#include "base/buf.h"
#include "dnssec/dnssec.h"

#define NOW	1795361038

/* --- serials --- */

static enum key_serials_news
add(struct key_serials *ks, uint32_t serial, uint32_t dnskey, uint32_t data)
{
	return key_serials_add(ks, &(struct key_serial){ serial, serial, dnskey, data });
}

static uint32_t
dnskey_of(const struct key_serials *ks, uint32_t serial)
{
	struct key_serial s;

	return key_serials_find(ks, serial, &s) ? s.dnskey_seq : 0;
}

static void
serials(void **state UNUSED)
{
	struct key_serials ks = { 0 };

	assert_int_equal(add(&ks, 100, 3, 4), KEY_SERIALS_NEW);
	assert_int_equal(add(&ks, 100, 3, 4), KEY_SERIALS_NONE);
	assert_int_equal(add(&ks, 110, 3, 4), KEY_SERIALS_LONGER);
	assert_int_equal(add(&ks, 111, 5, 4), KEY_SERIALS_NEW);
	assert_int_equal(add(&ks, 120, 5, 6), KEY_SERIALS_NEW);
	assert_int_equal(dnskey_of(&ks, 99), 0);
	assert_int_equal(dnskey_of(&ks, 105), 3);	/* between two that had the same */
	assert_int_equal(dnskey_of(&ks, 111), 5);
	assert_int_equal(dnskey_of(&ks, 115), 0);	/* between two that had not */
	assert_int_equal(dnskey_of(&ks, 121), 0);
	/* The same version, whose sets have other numbers now: an import. */
	assert_int_equal(add(&ks, 120, 9, 10), KEY_SERIALS_NEW);
	assert_int_equal(dnskey_of(&ks, 120), 9);
	/* An older state was restored: its numbers are given again. */
	key_serials_limit(&ks, 5, 6);
	assert_int_equal(dnskey_of(&ks, 120), 0);
	assert_int_equal(dnskey_of(&ks, 111), 5);
}

/* RFC 1982: past 2^32 it goes on. */
static void
serials_wrap(void **state UNUSED)
{
	struct key_serials ks = { 0 };

	assert_int_equal(add(&ks, UINT32_MAX - 1, 3, 4), KEY_SERIALS_NEW);
	assert_int_equal(add(&ks, 1, 3, 4), KEY_SERIALS_LONGER);
	assert_int_equal(dnskey_of(&ks, 0), 3);
	assert_int_equal(dnskey_of(&ks, 2), 0);
	assert_int_equal(add(&ks, 1 + (UINT32_C(1) << 31), 5, 6), KEY_SERIALS_BACK);	/* nobody knows */
}

static void
serials_back(void **state UNUSED)
{
	struct key_serials ks = { 0 };

	(void)add(&ks, 100, 3, 4);
	(void)add(&ks, 200, 5, 6);
	assert_int_equal(add(&ks, 50, 7, 8), KEY_SERIALS_BACK);
	assert_int_equal(dnskey_of(&ks, 100), 0);
	assert_int_equal(dnskey_of(&ks, 50), 0);	/* it may be one of long ago */
	(void)add(&ks, 60, 7, 8);
	assert_false(key_serials_settle(&ks, 50, 200));	/* one still has the old ones */
	assert_false(key_serials_settle(&ks, 40, 60));
	assert_true(ks.tainted);
	assert_true(key_serials_settle(&ks, 50, 60));
	assert_int_equal(dnskey_of(&ks, 55), 7);
	assert_int_equal(dnskey_of(&ks, 200), 0);
	assert_false(key_serials_settle(&ks, 50, 60));	/* once is enough */
	/* Or it grows beyond all that there was. */
	(void)add(&ks, 10, 9, 10);
	assert_int_equal(ks.taint, 60);
	(void)add(&ks, 61, 9, 10);
	assert_int_equal(dnskey_of(&ks, 61), 9);
	assert_int_equal(dnskey_of(&ks, 60), 0);
}

static void
serials_bounded(void **state UNUSED)
{
	struct key_serials ks = { 0 };

	for (uint32_t i = 1; i <= 3 * KEY_SERIALS_MAX; i++)
		assert_int_equal(add(&ks, 10 * i, i, i), KEY_SERIALS_NEW);
	assert_int_equal(ks.n, KEY_SERIALS_MAX);
	assert_int_equal(dnskey_of(&ks, 10 * 3 * KEY_SERIALS_MAX), 3 * KEY_SERIALS_MAX);
	assert_int_equal(dnskey_of(&ks, 10), 0);
}

static void
serials_text(void **state UNUSED)
{
	static const char *const bad[] = { "", "sekisho published 2\nend\n", "sekisho published 1\n",
		"sekisho published 1\nend\nttl 1\n", "sekisho published 1\nserials 5 4 1 1\nend\n",
		"sekisho published 1\nserials 1 4 1 1\nserials 4 5 2 1\nend\n", "sekisho published 1\nttl 1 2\nend\n",
		"sekisho published 1\nttl -1\nend\n", "sekisho published 1\nlove 1\nend\n",
		"sekisho published 1\nserials 1 4 1\nend\n", "sekisho published 1\n\nend\n" };
	struct key_serials ks = { .ttl_max = 86400, .handed = { NOW, 7 } }, got = { 0 };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	_cleanup_(buf_done) struct buf again = BUF_INIT;

	(void)add(&ks, 300, 3, 4);
	(void)add(&ks, 100, 5, 6);
	for (uint32_t i = 0; i < KEY_SERIALS_MAX; i++)
		(void)add(&ks, UINT32_C(4000000000) + i, UINT32_C(4000000000) + i, UINT32_C(4000000000) + i);
	key_serials_write(&ks, &b);
	assert_int_equal(b.rc, 0);
	assert_true(b.len < KEY_SERIALS_TEXT_MAX);
	assert_int_equal(key_serials_parse(buf_get(&b), &got), 0);
	key_serials_write(&got, &again);
	assert_true(sv_eq(buf_get(&b), buf_get(&again)));
	assert_int_equal(got.handed[KEY_HANDED_NOTIFY], NOW);
	assert_true(got.tainted);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(key_serials_parse(sv_str(bad[i]), &got), -EBADMSG);
	for (size_t n = 0; n + 1 < b.len; n++)	/* a file that was cut off */
		assert_int_equal(key_serials_parse(sv_take(buf_get(&b), n), &got), -EBADMSG);
}

/* --- what was seen --- */

enum { KSK, ZSK, NEW, OTHER, N_KEYS };		/* places; OTHER is another provider's */

static struct keystate st;
static struct key_serials published;
static struct dname apex;
static uint8_t rdata[N_KEYS][DNSKEY_RDATA_MAX], octets[16][8192];
static size_t rdata_len[N_KEYS], n_octets;
static struct seen seen;
static struct key_seen got;

static struct sv
key(int i)
{
	return (struct sv){ (const char *)rdata[i], rdata_len[i] };
}

static int
setup(void **state UNUSED)
{
	static char public[N_KEYS][64];

	assert_int_equal(dname_parse(SV("example.jp."), NULL, &apex), 0);
	keystate_init(&st, NOW - 100000);
	for (int i = 0; i < N_KEYS; i++) {
		uint32_t number;

		memset(public[i], 'a' + i, sizeof(public[i]));
		assert_int_equal(keystate_add_key(&st, &(struct keystate_newkey){ .alg = i == NEW ? 15 : 13,
		    .role = i == KSK || i == NEW ? KS_KSK : KS_ZSK, .flags = i == OTHER ? KS_FLAG_EXTERNAL : 0,
		    .goal = KS_GOAL_OMNIPRESENT, .public_key = { public[i], i == NEW ? 32 : 64 } }, NOW, &number), 0);
		assert_int_equal(keystate_find(&st, number), i);
		rdata_len[i] = key_seen_rdata(&st.keys[i], rdata[i], sizeof(rdata[i]));
		assert_int_equal(rdata_len[i], i == NEW ? 36 : 68);
		assert_int_equal(rdata[i][1], i == KSK || i == NEW ? 1 : 0);
	}
	return 0;
}

static uint32_t
bits(int a, int b)
{
	return (a < 0 ? 0 : UINT32_C(1) << a) | (b < 0 ? 0 : UINT32_C(1) << b);
}

/* The state has published: 3 is KSK and ZSK by KSK, 4 data by ZSK; serial 10 has both. */
static void
begin(void)
{
	n_octets = 0;
	st.unproven = false;
	st.n_sets = 0;
	st.sets[st.n_sets++] = (struct keystate_set){ .kind = KS_DNSKEY, .seq = 3, .keys = bits(KSK, ZSK), .sigs = bits(KSK, -1) };
	st.sets[st.n_sets++] = (struct keystate_set){ .kind = KS_DATA, .seq = 4, .sigs = bits(ZSK, -1) };
	st.seq[KS_DNSKEY] = 3;
	st.seq[KS_DATA] = 4;
	published = (struct key_serials){ .ttl_max = 7200 };
	(void)key_serials_add(&published, &(struct key_serial){ 10, 10, 3, 4 });
	seen = (struct seen){ .zone = apex, .parent = DNAME_ROOT, .has_parent = true, .at = NOW,
		.complete = { true, true } };
}

static uint16_t
set_put(uint16_t type, uint32_t ttl, const struct sv *rrs, size_t n)
{
	struct wr w = wr_mem(octets[n_octets], sizeof(octets[0]));

	for (size_t i = 0; i < n; i++) {
		wr_be16(&w, (uint16_t)rrs[i].n);
		wr_bytes(&w, rrs[i].p, rrs[i].n);
	}
	seen.sets[seen.n_sets] = (struct seen_set){ type, (uint16_t)n, ttl,
		{ (const char *)octets[n_octets++], w.len } };
	return (uint16_t)seen.n_sets++;
}

static uint16_t
sigs_put(uint16_t type, const struct seen_sig *rows, size_t n)
{
	struct wr w = wr_mem(octets[n_octets], sizeof(octets[0]));

	for (size_t i = 0; i < n; i++)
		seen_sig_write(&w, &rows[i]);
	seen.sigs[seen.n_sigs] = (struct seen_sigs){ type, (uint16_t)n, { (const char *)octets[n_octets++], w.len } };
	return (uint16_t)seen.n_sigs++;
}

static struct seen_sig
sig(uint16_t at, int of)
{
	return (struct seen_sig){ .alg = (uint8_t)key(of).p[3], .tag = dnskey_tag(key(of)), .ttl = 3600,
		.expires = NOW + 1000, .begins = NOW - 1000, .key = at };
}

/* A server of the zone: DNSKEY a and b, the set signed by the first, the data by the second. */
static struct seen_server *
child(uint32_t serial, int a, int b)
{
	const struct sv rrs[] = { key(a), key(b) };
	const struct seen_sig of_keys = sig(0, a), of_data = sig(1, b);
	struct seen_server *s = &seen.servers[seen.n_servers++];

	*s = (struct seen_server){ .side = SEEN_ZONE, .flags = SEEN_HAS_SERIAL, .serial = serial };
	s->set = set_put(RR_DNSKEY, 3600, rrs, 2);
	s->dnskey_sigs = sigs_put(RR_DNSKEY, &of_keys, 1);
	s->soa_sigs = sigs_put(RR_SOA, &of_data, 1);
	return s;
}

static void
look(void)
{
	struct key_seen_with with = { .st = &st, .serials = &published, .apex = &apex, .data_ttl = 86400,
		.dnskey_ttl = 3600, .ds_ttl = 600 };

	for (int i = 0; i < N_KEYS; i++)
		with.rdata[i] = key(i);
	key_seen_make(&seen, &with, &got);
}

static void
child_oldest(void **state UNUSED)
{
	begin();
	(void)child(10, KSK, ZSK);
	(void)child(10, KSK, ZSK);
	look();
	assert_true(got.has_child && got.child.complete && got.has_serial);
	assert_int_equal(got.child.at, NOW);
	assert_int_equal(got.child.dnskey_oldest, 3);
	assert_int_equal(got.child.data_oldest, 4);
	assert_int_equal(got.child.ttl_max, 7200);
	assert_int_equal(got.child.n_dnskey + got.child.n_data, 0);
	assert_int_equal(got.n_doubt, 0);
	(void)child(9, KSK, ZSK);		/* from before: it proves nothing, and with it nobody does */
	look();
	assert_true(got.child.complete);
	assert_int_equal(got.child.dnskey_oldest + got.child.data_oldest, 0);
	assert_int_equal(got.lowest, 9);
	assert_int_equal(got.highest, 10);
	seen.complete[SEEN_ZONE] = false;
	look();
	assert_true(got.has_child && !got.child.complete);
}

/* The right serial over other keys: a server that lies, or was asked while it changed. */
static void
child_doubt(void **state UNUSED)
{
	struct seen_server *s;
	struct seen_sig two[2];

	begin();
	(void)child(10, KSK, ZSK);
	(void)child(10, KSK, NEW);
	look();
	assert_int_equal(got.n_doubt, 1);
	assert_int_equal(got.child.dnskey_oldest, 0);
	begin();				/* one key more, nobody knows whose */
	s = child(10, KSK, ZSK);
	s->set = set_put(RR_DNSKEY, 3600, (const struct sv[]){ key(KSK), key(ZSK), SV("\1\0\3\15strange") }, 3);
	look();
	assert_int_equal(got.n_doubt, 1);
	begin();				/* a signature that has ended is none */
	s = child(10, KSK, ZSK);
	two[0] = sig(1, ZSK);
	two[0].expires = NOW - 1;
	s->soa_sigs = sigs_put(RR_SOA, two, 1);
	look();
	assert_int_equal(got.child.data_oldest, 0);
	begin();				/* nor is one that nobody verified */
	s = child(10, KSK, ZSK);
	two[0].expires = NOW + 1;
	two[0].key = SEEN_NONE;
	s->soa_sigs = sigs_put(RR_SOA, two, 1);
	look();
	assert_int_equal(got.child.data_oldest, 0);
	begin();				/* a new algorithm signs before its key is there */
	st.sets[1].sigs = bits(ZSK, NEW);
	s = child(10, KSK, ZSK);
	look();
	assert_int_equal(got.child.data_oldest, 0);
	two[0] = sig(1, ZSK);
	two[1] = sig(SEEN_NONE, NEW);
	s->soa_sigs = sigs_put(RR_SOA, two, 2);
	look();
	assert_int_equal(got.child.data_oldest, 4);
}

/* RFC 8901: of another provider's servers the contents count. */
static void
child_external(void **state UNUSED)
{
	begin();
	(void)child(777, KSK, OTHER);
	look();
	assert_false(got.child.complete);	/* none of ours */
	(void)child(10, KSK, ZSK);
	look();
	assert_true(got.child.complete);
	assert_int_equal(got.child.dnskey_oldest, 3);
	assert_int_equal(got.child.n_dnskey, 1);
	assert_int_equal(got.child.dnskey[0].keys, bits(KSK, OTHER));
	assert_int_equal(got.child.data[0].sigs, bits(OTHER, -1));
	assert_int_equal(got.child.data[0].ttl_sec, 86400);
	assert_int_equal(got.lowest, 10);
}

static void
child_unproven(void **state UNUSED)
{
	begin();
	st.unproven = true;
	(void)child(777, KSK, OTHER);
	(void)child(9, KSK, NEW);
	(void)child(10, KSK, ZSK);
	(void)child(10, KSK, ZSK);
	look();
	assert_int_equal(got.child.n_dnskey, 3);
	assert_int_equal(got.child.dnskey[0].keys, bits(KSK, ZSK));	/* ours, and the newest */
	assert_int_equal(got.child.dnskey[0].sigs, bits(KSK, -1));
	assert_int_equal(got.child.dnskey[0].ttl_sec, 3600);
	assert_int_equal(got.child.dnskey[1].keys, bits(KSK, NEW));
	assert_int_equal(got.child.dnskey[2].keys, bits(KSK, OTHER));
	/* Without keys: unsigned. */
	seen.n_servers = 0;
	seen.servers[seen.n_servers++] = (struct seen_server){ .side = SEEN_ZONE, .flags = SEEN_HAS_SERIAL,
		.serial = 10, .set = SEEN_NONE, .dnskey_sigs = SEEN_NONE, .soa_sigs = SEEN_NONE };
	look();
	assert_int_equal(got.child.dnskey[0].keys + got.child.data[0].sigs, 0);
	assert_int_equal(got.child.dnskey[0].ttl_sec, 86400);
	/* Silent ones say nothing. */
	seen.servers[0].state = SEEN_SILENT;
	look();
	assert_false(got.has_child);
}

static void
parent(int a, int b, bool strange, uint32_t ttl)
{
	uint8_t room[2][DS_RDATA_MAX];
	struct sv rrs[3];
	size_t n = 0, len;

	for (int i = 0; i < 2; i++)
		if ((i == 0 ? a : b) >= 0) {
			assert_int_equal(ds_write(&apex, key(i == 0 ? a : b), i == 0 ? 2 : 4, room[i], &len), 0);
			rrs[n++] = (struct sv){ (const char *)room[i], len };
		}
	if (strange && n > 0) {			/* the right tag, another digest */
		room[0][len - 1] ^= 1;
	} else if (strange)
		rrs[n++] = SV("\1\2\15\2dddddddddddddddddddddddddddddddd");
	seen.servers[seen.n_servers++] = (struct seen_server){ .side = SEEN_PARENT,
		.set = n == 0 ? SEEN_NONE : set_put(RR_DS, ttl, rrs, n), .dnskey_sigs = SEEN_NONE, .soa_sigs = SEEN_NONE };
}

static void
parent_sets(void **state UNUSED)
{
	begin();
	parent(KSK, -1, false, 100);
	parent(KSK, KSK, false, 300);		/* two digests of one key */
	look();
	assert_true(got.has_parent && got.parent.complete && !got.has_child);
	assert_int_equal(got.parent.n_ds, 1);
	assert_int_equal(got.parent.ds[0].keys, bits(KSK, -1));
	assert_int_equal(got.parent.ds[0].ttl_sec, 300);
	assert_false(got.parent.ds[0].foreign);
	parent(-1, -1, false, 0);
	parent(KSK, NEW, false, 300);
	parent(-1, -1, true, 300);
	look();
	assert_int_equal(got.parent.n_ds, 4);
	assert_int_equal(got.parent.ds[1].keys, 0);
	assert_int_equal(got.parent.ds[1].ttl_sec, 600);
	assert_int_equal(got.parent.ds[2].keys, bits(KSK, NEW));
	assert_true(got.parent.ds[3].foreign);
	begin();
	parent(KSK, -1, true, 300);
	look();
	assert_int_equal(got.parent.ds[0].keys, 0);	/* its tag is no key */
	assert_true(got.parent.ds[0].foreign);
	begin();
	look();
	assert_false(got.has_parent || got.parent.complete);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(serials), T(serials_wrap), T(serials_back), T(serials_bounded),
		T(serials_text), T(child_oldest), T(child_doubt), T(child_external), T(child_unproven),
		T(parent_sets) };

	return cmocka_run_group_tests_name("key_seen", tests, setup, NULL);
}
