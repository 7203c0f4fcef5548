/* The key role's side of the ring, and zone's: what is signed, and what is refused. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "base/err.h"
#include "role/key_role.h"
#include "role/zone_role.h"

#define NOW		1795361038
#define LIFE		(14 * 86400)
#define GENERATION	7u

enum { CSK, ZSK, ED };

static struct key_role kr;
static struct key_worker worker;
static struct key_line line;
static struct key_set set;
static struct zone_one one;
static struct zone_list_entry entry;
static uint8_t rdata[3][DNSKEY_RDATA_MAX];
static pthread_t thread;
static bool clock_asked;

int64_t
role_now(const struct role *r UNUSED)
{
	clock_asked = true;
	return NOW;
}

/* The token's part (role/key_token_job.c): away, or asked on this thread. */
static bool token_is_there;
static struct crypto_priv *token_priv;

bool
key_token_ask(struct key_token_key *k UNUSED, const struct key_worker *w, size_t len)
{
	static struct key_worker on_token;
	size_t sigs = 0;

	if (!token_is_there)
		return false;
	on_token.kr = w->kr;
	on_token.on_token = true;
	memcpy(on_token.octets, w->octets, len);
	on_token.answer[0] = (uint8_t)key_answer(&on_token, len, &sigs);
	ring_answer(w->kr->ring, w->slot, on_token.answer, 1 + sigs);
	return true;
}

int
key_token_sign(struct key_token_key *k UNUSED, struct crypto_make *m, size_t n)
{
	return token_priv == NULL ? -ENODEV : crypto_make_batch(token_priv, m, n);
}

int
key_token_sign_tbs(struct key_token_key *k UNUSED, struct crypto_make_tbs *m, size_t n)
{
	return token_priv == NULL ? -ENODEV : n > SIGN_ASK_TOKEN_ITEMS ? -E2BIG :
	    crypto_make_tbs_batch(token_priv, m, n);
}

bool
token_key_is_away(int rc)
{
	return rc == -ENODEV;
}

static void *
run(void *arg)
{
	key_work(arg);
	return NULL;
}

static void
key_add(unsigned i, uint8_t alg, uint16_t flags, unsigned uses)
{
	struct dnskey k = { .flags = flags, .protocol = 3, .alg = alg };
	struct crypto_priv *priv;
	size_t n;

	assert_int_equal(crypto_priv_generate(alg, 0, &priv), 0);
	k.public_key = crypto_priv_public(priv);
	n = dnskey_write(&k, rdata[i]);
	set.key[i] = (struct set_key){ .rdata = { (const char *)rdata[i], n }, .priv = priv,
	    .uses = uses, .alg = alg };
	set.key[i].tag = dnskey_tag(set.key[i].rdata);
	set.key[i].sig_len = dnskey_sig_len(set.key[i].rdata);
	assert_int_equal(key_probe(priv, set.key[i].rdata), 0);
	set.n = i + 1;
}

static int
setup(void **state UNUSED)
{
	static struct key_zone kz = { .set = &set };
	static uint8_t octets[3 * (4 + DNSKEY_RDATA_MAX)];
	struct wr w = wr_mem(octets, sizeof(octets));
	struct msg_key_set m = { .state = KEY_SET_READY, .generation = GENERATION };
	int fd;

	set.generation = GENERATION;
	set.life_max = LIFE;
	assert_int_equal(dname_parse(SV("example.jp."), NULL, &set.apex), 0);
	key_add(CSK, 13, 257, SIGN_USE_PUBLISH | SIGN_USE_DNSKEY | SIGN_USE_ZONE | SIGN_USE_CDS);
	key_add(ZSK, 13, 256, SIGN_USE_PUBLISH | SIGN_USE_ZONE);
	key_add(ED, 15, 256, SIGN_USE_PUBLISH | SIGN_USE_ZONE);
	kr.zones = &kz;
	kr.list.n = 1;
	assert_int_equal(key_table_put(&kr, &set), 0);
	assert_int_equal(ring_make(&fd), 0);
	assert_int_equal(ring_open(fd, &kr.ring), 0);
	assert_int_equal(ring_open(fd, &line.ring), 0);
	worker.kr = &kr;
	assert_int_equal(pthread_create(&thread, NULL, run, &worker), 0);

	entry.name = set.apex;
	one.e = &entry;
	for (size_t i = 0; i < set.n; i++) {
		wr_be16(&w, (uint16_t)set.key[i].uses);
		wr_be16(&w, (uint16_t)set.key[i].rdata.n);
		wr_bytes(&w, set.key[i].rdata.p, set.key[i].rdata.n);
	}
	m.keys = (struct sv){ (const char *)octets, w.len };
	assert_int_equal(zone_keys_take(&one, &line, &m), 1);
	assert_int_equal(zone_keys_take(&one, &line, &m), 0);
	assert_int_equal(one.keys.n, 3);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	atomic_store(&kr.stop, true);
	return pthread_join(thread, NULL);
}

/* --- what zone asks for, from end to end --- */

struct asked {
	uint8_t		head[18 + DNS_NAME_MAX], text[4096], sig[CRYPTO_DNSSIG_MAX];
	struct crypto_make make;
};

static void
head_put(struct asked *a, uint16_t type, const struct set_key *k, int64_t expires)
{
	struct wr w = wr_mem(a->head, sizeof(a->head));

	wr_be16(&w, type);
	wr_u8(&w, k->alg);
	wr_u8(&w, 2);
	wr_be32(&w, 3600);
	wr_be32(&w, (uint32_t)expires);
	wr_be32(&w, NOW - 3600);
	wr_be16(&w, k->tag);
	wr_bytes(&w, set.apex.w, set.apex.len);
	a->make.data[0] = (struct sv){ (const char *)a->head, w.len };
	a->make.sig = a->sig;
}

static void
record_put(struct wr *w, uint16_t type, struct sv data)
{
	wr_bytes(w, set.apex.w, set.apex.len);
	wr_be16(w, type);
	wr_be16(w, 1);
	wr_be32(w, 3600);
	wr_be16(w, (uint16_t)data.n);
	wr_bytes(w, data.p, data.n);
}

static int
order(const void *a, const void *b)
{
	return sv_cmp(*(const struct sv *)a, *(const struct sv *)b);
}

static void
text_put(struct asked *a, uint16_t type)
{
	struct wr w = wr_mem(a->text, sizeof(a->text));
	struct sv all[3];

	for (size_t i = 0; i < set.n; i++)
		all[i] = set.key[i].rdata;
	qsort(all, set.n, sizeof(all[0]), order);
	if (type == RR_DNSKEY)
		for (size_t i = 0; i < set.n; i++)
			record_put(&w, type, all[i]);
	else if (type == RR_CDNSKEY)
		record_put(&w, type, set.key[CSK].rdata);
	else
		record_put(&w, type, SV("\xc0\0\2\1"));
	a->make.data[1] = (struct sv){ (const char *)a->text, w.len };
}

static bool
verifies(const struct asked *a, unsigned k)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	int rc;

	assert_int_equal(crypto_pub_new(set.key[k].alg, crypto_priv_public(set.key[k].priv), &pub), 0);
	rc = crypto_verify_one(pub, a->make.data, (struct sv){ (const char *)a->sig, set.key[k].sig_len });
	assert_true(rc >= 0);
	return rc == 1;
}

static int
sign(struct asked *a, unsigned k, uint16_t type, int64_t expires)
{
	memset(a->sig, 0, sizeof(a->sig));
	head_put(a, type, &set.key[k], expires);
	text_put(a, type);
	return zone_keys_sign(NULL, &one.keys.key[k], &a->make, 1);
}

/* Each kind of question: a digest, records, a set that key makes itself. */
static void
signs(void **state UNUSED)
{
	static struct asked a;
	static const struct {
		unsigned	key;
		uint16_t	type;
	} rows[] = { { ZSK, RR_A }, { ED, RR_A }, { CSK, RR_A }, { CSK, RR_DNSKEY }, { CSK, RR_CDNSKEY } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(sign(&a, rows[i].key, rows[i].type, NOW + LIFE), 0);
		assert_true(verifies(&a, rows[i].key));
	}
	assert_true(clock_asked);
	/* Zone has another idea of the keys: the signature is of what key knows. */
	head_put(&a, RR_DNSKEY, &set.key[CSK], NOW + LIFE);
	text_put(&a, RR_DNSKEY);
	a.text[a.make.data[1].n - 1] ^= 1;
	assert_int_equal(zone_keys_sign(NULL, &one.keys.key[CSK], &a.make, 1), 0);
	assert_false(verifies(&a, CSK));
	a.text[a.make.data[1].n - 1] ^= 1;
	assert_true(verifies(&a, CSK));
}

#define MANY	300	/* more than one answer holds */
static void
many(void **state UNUSED)
{
	static struct asked a[MANY];
	static struct crypto_make make[MANY];

	for (size_t i = 0; i < MANY; i++) {
		head_put(&a[i], RR_A, &set.key[ZSK], NOW + LIFE - (int64_t)i);
		text_put(&a[i], RR_A);
		make[i] = a[i].make;
	}
	assert_int_equal(zone_keys_sign(NULL, &one.keys.key[ZSK], make, MANY), 0);
	for (size_t i = 0; i < MANY; i++)
		assert_true(verifies(&a[i], ZSK));
	assert_int_equal(atomic_load(&line.busy), 0);
}

/* A key in a token: few at a time, on the token's thread, or "later" at once. */
static void
in_token(void **state UNUSED)
{
	static struct asked a[MANY];
	static struct crypto_make make[MANY];
	static char token;
	struct set_key was = set.key[ZSK];

	for (size_t i = 0; i < MANY; i++) {
		head_put(&a[i], RR_A, &set.key[ZSK], NOW + LIFE - (int64_t)i);
		text_put(&a[i], RR_A);
		make[i] = a[i].make;
	}
	set.key[ZSK].priv = NULL;
	set.key[ZSK].token = (struct key_token_key *)(void *)&token;
	one.keys.place[ZSK].is_token = true;
	assert_int_equal(zone_keys_sign(NULL, &one.keys.key[ZSK], make, MANY), -EAGAIN);
	token_is_there = true;
	assert_int_equal(zone_keys_sign(NULL, &one.keys.key[ZSK], make, MANY), -EAGAIN);
	token_priv = (struct crypto_priv *)(uintptr_t)was.priv;
	assert_int_equal(zone_keys_sign(NULL, &one.keys.key[ZSK], make, MANY), 0);
	set.key[ZSK] = was;
	one.keys.place[ZSK].is_token = false;
	for (size_t i = 0; i < MANY; i++)
		assert_true(verifies(&a[i], ZSK));
	/* A slot that was answered with "later" is as good as any other. */
	assert_int_equal(atomic_load(&line.busy), 0);
	assert_int_equal(atomic_load(&line.n_lost), 0);
}

/* --- what is refused --- */

static uint8_t
verdict(const uint8_t *ask, size_t n)
{
	uint8_t answer[RING_ANSWER_MAX];
	size_t got;

	memcpy(ring_room(line.ring, 5), ask, n);
	assert_int_equal(ring_ask(line.ring, 5, n, answer, sizeof(answer), &got, 30000), 0);
	assert_true(got >= 1);
	return answer[0];
}

static uint8_t
ask_one(uint32_t generation, uint16_t key, enum sign_ask_kind kind, const struct sign_ask_item *it)
{
	static uint8_t octets[8192];
	struct wr w = wr_mem(octets, sizeof(octets));
	uint8_t *n = sign_ask_begin(&w, generation, key, kind);

	sign_ask_add(&w, kind, it);
	put_be16(n, 1);
	assert_true(wr_done(&w));
	return verdict(octets, w.len);
}

static void
refuses(void **state UNUSED)
{
	static struct asked a, other;
	struct sign_ask_item apex = { .type = RR_DNSKEY, .ttl = 3600, .expires = NOW + LIFE, .begins = NOW };
	struct sign_ask_item digest = { .data = SV("0123456789abcdef0123456789abcdef") }, data, it;

	head_put(&a, RR_A, &set.key[CSK], NOW + LIFE);
	text_put(&a, RR_A);
	data = (struct sign_ask_item){ .head = a.make.data[0], .data = a.make.data[1] };
	assert_int_equal(ask_one(GENERATION, CSK, SIGN_ASK_APEX, &apex), SIGN_VERDICT_OK);
	assert_int_equal(ask_one(GENERATION, ZSK, SIGN_ASK_DIGEST, &digest), SIGN_VERDICT_OK);
	assert_int_equal(ask_one(GENERATION, CSK, SIGN_ASK_DATA, &data), SIGN_VERDICT_OK);

	assert_int_equal(ask_one(GENERATION + 1, CSK, SIGN_ASK_APEX, &apex), SIGN_VERDICT_STALE);
	assert_int_equal(ask_one(GENERATION, 3, SIGN_ASK_DIGEST, &digest), SIGN_VERDICT_REFUSED);
	/* A key that vouches for keys signs nothing unseen, and no set of keys but its own. */
	assert_int_equal(ask_one(GENERATION, CSK, SIGN_ASK_DIGEST, &digest), SIGN_VERDICT_REFUSED);
	head_put(&other, RR_DNSKEY, &set.key[CSK], NOW + LIFE);
	text_put(&other, RR_DNSKEY);
	it = (struct sign_ask_item){ .head = other.make.data[0], .data = other.make.data[1] };
	assert_int_equal(ask_one(GENERATION, CSK, SIGN_ASK_DATA, &it), SIGN_VERDICT_REFUSED);
	assert_int_equal(ask_one(GENERATION, ZSK, SIGN_ASK_APEX, &apex), SIGN_VERDICT_REFUSED);
	/* Another key's head; another type; times. */
	it = data;
	assert_int_equal(ask_one(GENERATION, ZSK, SIGN_ASK_DATA, &it),
	    set.key[ZSK].tag == set.key[CSK].tag ? SIGN_VERDICT_OK : SIGN_VERDICT_REFUSED);
	it = apex;
	it.type = RR_A;
	assert_int_equal(ask_one(GENERATION, CSK, SIGN_ASK_APEX, &it), SIGN_VERDICT_REFUSED);
	it = apex;
	it.expires = NOW + LIFE + 86401;
	assert_int_equal(ask_one(GENERATION, CSK, SIGN_ASK_APEX, &it), SIGN_VERDICT_REFUSED);
	it.expires = NOW;
	assert_int_equal(ask_one(GENERATION, CSK, SIGN_ASK_APEX, &it), SIGN_VERDICT_REFUSED);
	digest.data.n--;
	assert_int_equal(ask_one(GENERATION, ZSK, SIGN_ASK_DIGEST, &digest), SIGN_VERDICT_FAILED);
	assert_int_equal(verdict((const uint8_t *)"no question", 11), SIGN_VERDICT_REFUSED);

	/* As zone sees it. */
	assert_int_equal(sign(&other, ZSK, RR_A, NOW + LIFE), 0);
	one.keys.place[ZSK].generation++;
	assert_int_equal(sign(&other, ZSK, RR_A, NOW + LIFE), SE_STALE);
	one.keys.place[ZSK].generation--;
	assert_int_equal(sign(&other, CSK, RR_A, NOW + 10 * (int64_t)LIFE), -EPERM);
	assert_true(atomic_load(&kr.n_refused) > 0);
}

static void
probe(void **state UNUSED)
{
	assert_int_equal(key_probe(set.key[CSK].priv, set.key[ZSK].rdata), SE_CRYPTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(signs), T(many), T(in_token), T(refuses), T(probe) };

	return cmocka_run_group_tests_name("key_sign", tests, setup, teardown);
}
