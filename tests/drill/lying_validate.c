/*
 * A validate that was taken over: it takes the place of sekisho-validate in a
 * drill (test_live_lies.py), says that it is ready, and lies as the first word
 * of the file "lie" beside the TALs tells. It has all that the true one has:
 * its descriptor, its sandbox, its memory with verify. Each lie ends with a
 * line "lied: NAME" in the log; one that is killed before has no such line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "crypto/crypto.h"
#include "inr/inr.h"
#include "lying.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/ring.h"

#define WAIT_USEC	200000
#define LAST_WORDS_USEC	1500000	/* by then the true one is in its place */
#define LAST_WORDS	100	/* more than are read at once */
#define LIE_MAX		((size_t)1 << 20)
#define GUARDED		100
#define SNAPSHOT_MAX	((size_t)1 << 28)
#define RING_SEC	4
/* Places in the head of a snapshot: src/inr/internal.h. */
#define AT_MAGIC	0
#define AT_SECTIONS	88
#define AT_BODY_SUM	192
#define AT_HEAD_SUM	224
#define AT_BODY		256
/* Places in the memory of src/sys/ring.c, and in the form of an RSA-2048 key. */
#define SLOTS_AT	64
#define ASK_AT		64
#define MODULUS_AT	33

/* --- means --- */

/* Bytes that are different each time and mean nothing. */
void
noise(struct liar *l, uint8_t *p, size_t n)
{
	uint8_t sum[SHA256_LEN];

	for (size_t i = 0; i < n; i += sizeof(sum)) {
		l->n++;
		crypto_sha256(&l->n, sizeof(l->n), sum);
		memcpy(p + i, sum, min_size(n - i, sizeof(sum)));
	}
}

int
noise_fd(struct liar *l, size_t n, int *ret)
{
	uint8_t *map;
	int rc = memfd_room("noise", n, ret, &map);

	if (rc < 0)
		return rc;
	noise(l, map, n);
	return memfd_room_done(*ret, map, n);
}

/* --- snapshots --- */

/*
 * VRPs that nobody signed; with a CA that nobody knows, they look like those
 * of one that failed afterwards, which the drop guard holds.
 */
static int
vrps_plant(struct payloads *p, unsigned n, bool with_ca, int64_t now)
{
	struct vrp *v = realloc(p->vrps, (p->n_vrps + n) * sizeof(*v));
	struct payload_ca *ca = realloc(p->cas, (p->n_cas + 1) * sizeof(*ca));

	if (v != NULL)
		p->vrps = v;
	if (ca != NULL)
		p->cas = ca;
	if (v == NULL || ca == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		v[p->n_vrps++] = (struct vrp){ .af = 4, .len = 24, .max_len = 24, .asn = 666,
		    .addr = { 203, 0, (uint8_t)(113 + i) },
		    .ca = with_ca ? (uint32_t)p->n_cas : PAYLOAD_CA_NONE, .expires = now + 86400 };
	if (with_ca)
		ca[p->n_cas++] = (struct payload_ca){ .id = 666, .uri = SV("rsync://evil.example/m.mft"),
		    .code = SV("RPKI_MFT_STALE"), .parent = PAYLOAD_CA_NONE, .state = PCA_LOST };
	return 0;
}

/* What is in force, and what nobody signed: one VRP, or many of a CA. */
static int
snapshot_false(struct role *r, unsigned n, uint8_t **ret, size_t *ret_n)
{
	const struct snapshot_stamp none = { 0, { 0, 1, 2 } };
	struct liar *l = r->state;
	struct payloads p = { 0 };
	struct snapshot s;
	size_t dropped;
	int rc;

	if (!l->has_cur)
		return SE_STALE;
	if ((rc = snapshot_open(l->cur.data.p, l->cur.data.n, crypto_sha256, &s)) < 0 ||
	    (rc = snapshot_payloads(&s, role_now(r), &p)) < 0)
		return rc;
	if ((rc = vrps_plant(&p, n, n > 1, role_now(r))) == 0 &&
	    (rc = payloads_merge(&p, &dropped)) == 0 &&
	    (rc = snapshot_size(&p, 2, ret_n)) == 0 && (*ret = calloc(1, *ret_n)) != NULL)
		rc = snapshot_build(&p, role_now(r), &none, SV("{}"), crypto_sha256, *ret, *ret_n);
	payloads_done(&p);
	return rc;
}

static int
bytes_send(struct role *r, const uint8_t *b, size_t n)
{
	struct msg_snapshot_new m;
	int fd, rc = memfd_of("snapshot", (struct sv){ (const char *)b, n }, &fd);

	if (rc < 0)
		return rc;
	m.snapshot = fd;
	rc = msg_snapshot_new_send(r, ROLE_STORE, &m);
	(void)close(fd);
	return rc;
}

/* The sums are right, whatever else is not. */
static void
sums_mend(uint8_t *b, size_t n)
{
	crypto_sha256(b + AT_BODY, n - AT_BODY, b + AT_BODY_SUM);
	crypto_sha256(b, AT_HEAD_SUM, b + AT_HEAD_SUM);
}

/* The first IPv4 PDU. */
static uint8_t *
pdu_find(uint8_t *b, size_t n)
{
	static const uint8_t head[] = { 4, 0, 0, 0, 0, 0, 20 };

	for (size_t i = AT_BODY; i + 20 < n; i++)
		if (memcmp(b + i + 1, head, sizeof(head)) == 0)
			return b + i;
	return b + AT_BODY;
}

static int
snapshot_lie(struct role *r, unsigned how)
{
	uint8_t *b = NULL;
	size_t n = 0;
	int rc = snapshot_false(r, how == 8 ? GUARDED : 1, &b, &n);

	if (rc < 0 || b == NULL)
		return rc;
	switch (how) {
	case 1:
		b[AT_MAGIC] ^= 1;
		crypto_sha256(b, AT_HEAD_SUM, b + AT_HEAD_SUM);
		break;
	case 2:
		b[n - 1] ^= 1;		/* … and the sum stays */
		break;
	case 3:
		for (unsigned i = 0; i < 13; i++)
			memcpy(b + AT_SECTIONS + 8 * i + 4, "\xff\xff\xff\xf0", 4);
		sums_mend(b, n);
		break;
	case 4:
		pdu_find(b, n)[8] = 0;	/* a withdrawal among announcements */
		sums_mend(b, n);
		break;
	case 5:
		pdu_find(b, n)[7] = 21;	/* PDUs do not fit together */
		sums_mend(b, n);
		break;
	case 6:
		n /= 2;
		break;
	case 7:
		memset(b + 60, 0xff, 24);	/* counts */
		sums_mend(b, n);
		break;
	default:
		break;
	}
	rc = bytes_send(r, b, n);
	free(b);
	return rc;
}

static int
lie_unsigned(struct role *r)
{
	return snapshot_lie(r, 0);
}

/* As many as the drop guard would not let go when a CA fails. */
static int
lie_guarded(struct role *r)
{
	return snapshot_lie(r, 8);
}

static int
lie_snapshots(struct role *r)
{
	int rc = 0;

	for (unsigned how = 1; how <= 7 && rc == 0; how++)
		rc = snapshot_lie(r, how);
	return rc;
}

/* Memory that can change and shrink after it was looked at. */
static int
lie_unsealed(struct role *r)
{
	struct msg_snapshot_new m;
	uint8_t *b = NULL;
	size_t n = 0;
	int fd, rc = snapshot_false(r, 1, &b, &n);

	if (rc < 0 || (rc = memfd_new("snapshot", &fd)) < 0)
		return rc;
	if (write(fd, b, n) != (ssize_t)n)
		rc = -EIO;
	m.snapshot = fd;
	if (rc == 0)
		rc = msg_snapshot_new_send(r, ROLE_STORE, &m);
	(void)ftruncate(fd, 16);
	(void)close(fd);
	free(b);
	return rc;
}

/* --- what is remembered --- */

/* n records that keep so many bytes each, all of it noise. */
static int
points_fd(struct liar *l, size_t n, size_t kept, int *ret)
{
	const size_t head = 2 * SHA256_LEN + 4;
	uint8_t *map;
	int rc = memfd_room("points", n * (head + kept), ret, &map);

	if (rc < 0)
		return rc;
	noise(l, map, n * (head + kept));
	for (size_t i = 0; i < n; i++)
		u32_put(map + i * (head + kept) + 2 * SHA256_LEN, (uint32_t)kept);
	return memfd_room_done(*ret, map, n * (head + kept));
}

static int
lie_points(struct role *r)
{
	struct msg_points m;
	int fd, rc = 0;

	/*
	 * Not records; then many, for keys that are nobody's; then such that keep
	 * what means nothing, a byte too long and a megabyte each.
	 */
	for (unsigned i = 0; i < 4 && rc == 0; i++) {
		static const size_t kept[] = { 0, 0, ((size_t)16 << 20) + 1, (size_t)1 << 20 };

		rc = i == 0 ? noise_fd(r->state, 77, &fd) :
		    points_fd(r->state, i == 1 ? 100000 : i == 2 ? 1 : 20, kept[i], &fd);
		if (rc < 0)
			return rc;
		m.pairs = fd;
		rc = msg_points_send(r, ROLE_STORE, &m);
		(void)close(fd);
	}
	return rc;
}

/* Records that came with the lie, of CAs that are there; and nothing is needed any more. */
static int
lie_judged(struct role *r)
{
	struct liar *l = r->state;
	struct msg_points m;
	struct msg_holds h;
	int rc = memfd_of("points", buf_get(&l->given), &m.pairs);

	if (rc < 0)
		return rc;
	rc = msg_points_send(r, ROLE_STORE, &m);
	(void)close(m.pairs);
	if (rc == 0 && (rc = memfd_of("nothing", (struct sv){ "", 0 }, &h.hashes)) == 0) {
		rc = msg_holds_send(r, ROLE_STORE, &h);
		(void)close(h.hashes);
	}
	return rc;
}

static int
lie_holds(struct role *r)
{
	struct msg_holds h;
	struct msg_facts_touch t;
	int fd, rc;

	if ((rc = noise_fd(r->state, 32 * 100000, &fd)) < 0)
		return rc;
	h.hashes = fd;
	t.keys = fd;
	rc = msg_holds_send(r, ROLE_STORE, &h);
	if (rc == 0)
		rc = msg_facts_touch_send(r, ROLE_STORE, &t);
	(void)close(fd);
	return rc;
}

/* Lines that are no JSON, with what a terminal would obey. */
static int
lie_objects(struct role *r)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct msg_objects m;
	int fd, rc;

	for (unsigned i = 0; i < 50000; i++)
		buf_printf(&b, "{\"code\":\"\033[2J lie %u\n", i);
	buf_printf(&b, "{\"code\":\"LIE\",\"subject\":\"");
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&b, "0123456789");
	buf_printf(&b, "\"}\n");
	if ((rc = memfd_of("findings", buf_get(&b), &fd)) < 0)
		return rc;
	m.lines = fd;
	rc = msg_objects_send(r, ROLE_STORE, &m);
	(void)close(fd);
	return rc;
}

/* A million servers, most of them inside. */
static int
lie_wants(struct role *r)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct msg_sources_want m;
	int fd, rc;

	for (unsigned i = 0; i < 200000; i++)
		buf_printf(&b, "repo\thttps://127.0.0.%u:%u/n.xml\trsync://10.0.%u.1/m/\tlie\t%u\n",
		    i % 250, 1024 + i % 60000, i % 250, i);
	buf_printf(&b, "repo\t\xff\xff\nta\n\t\t\t\n");
	if ((rc = memfd_of("wants", buf_get(&b), &fd)) < 0)
		return rc;
	m.lines = fd;
	rc = msg_sources_want_send(r, ROLE_FETCH, &m);
	(void)close(fd);
	return rc;
}

static int
lie_answers(struct role *r)
{
	struct msg_explain_answer m = { .code = 77 };
	int fd, rc;

	if ((rc = noise_fd(r->state, 5000, &fd)) < 0)
		return rc;
	m.json = fd;
	for (m.id = 0; m.id < 50 && rc == 0; m.id++)
		rc = msg_explain_answer_send(r, ROLE_WEB, &m);
	(void)close(fd);
	return rc;
}

/* --- the memory that it shares with verify --- */

/* A question with one good signature, by a key of our own; the place of its digest. */
static int
question_good(uint8_t *ask, size_t *ret_n, size_t *ret_digest)
{
	_cleanup_(crypto_signer_freep) struct crypto_signer *key = crypto_signer_odd(7, 2048, 65537);
	uint8_t sig[CRYPTO_SIG_MAX];
	uint8_t digest[SHA256_LEN];
	struct crypto_verify v = { .exponent = 65537,
		.tbs = { (const char *)digest, sizeof(digest) } };
	struct sv spki;
	struct wr w = wr_mem(ask, 4096);

	crypto_sha256("a lie", 5, digest);
	if (key == NULL || crypto_sign(key, digest, sig, &v.sig.n) < 0)
		return -ENOMEM;
	v.sig.p = (const char *)sig;
	spki = crypto_signer_spki(key);
	v.modulus = (struct sv){ spki.p + MODULUS_AT, v.sig.n };
	wr_be16(&w, 1);
	crypto_item_write(&w, &v);
	*ret_n = w.len;
	for (size_t i = 0; i + SHA256_LEN <= w.len; i++)
		if (memcmp(ask + i, digest, SHA256_LEN) == 0)
			*ret_digest = i;
	return wr_done(&w) ? 0 : -E2BIG;
}

/* As the true validate asks; the answer must be yes, and makes one fact. */
static int
ring_honest(struct role *r, const uint8_t *ask, size_t n)
{
	_cleanup_(ring_freep) struct ring *ring = NULL;
	struct liar *l = r->state;
	uint8_t answer[16];
	size_t got = 0;
	int rc = ring_open(l->ring_fd, &ring);

	if (rc < 0)
		return rc;
	memcpy(ring_room(ring, 5), ask, n);
	rc = ring_ask(ring, 5, n, answer, sizeof(answer), &got, 5000);
	role_log(r, LOG_LEVEL_NOTICE, "honest: %d of %zu", rc == 0 && got == 1 ? answer[0] : -1, got);
	return rc;
}

/* The first half of the time: a good question that changes under verify's hands. Then noise. */
static void
ring_play(struct liar *l, uint8_t *p, size_t n, const uint8_t *ask, size_t ask_n, size_t digest)
{
	int64_t begin = clock_mono_usec(), now;
	const size_t slot = (n - SLOTS_AT) / RING_SLOTS;

	while ((now = clock_mono_usec()) < begin + RING_SEC * 1000000LL) {
		bool race = now < begin + RING_SEC * 500000LL;

		for (size_t i = SLOTS_AT; i + slot <= n; i += slot) {
			memcpy(p + i + ASK_AT, ask, ask_n);
			l->n++;
			*(volatile uint32_t *)(void *)(p + i + 4) = race ? (uint32_t)ask_n :
			    l->n * 2654435761U >> (l->n % 32);
			if (!race)
				noise(l, p + i + ASK_AT + 2, 600);
			*(volatile uint32_t *)(void *)(p + i) = race ? 1 : l->n % 5;
			p[i + ASK_AT + digest] ^= (uint8_t)(l->n % 3);
		}
		(*(_Atomic uint32_t *)(void *)p)++;
		(void)usleep(20);
	}
}

static int
lie_ring(struct role *r)
{
	struct liar *l = r->state;
	off_t n = lseek(l->ring_fd, 0, SEEK_END);
	uint8_t ask[4096], *p;
	size_t ask_n, digest = 0;
	int rc;

	if ((rc = question_good(ask, &ask_n, &digest)) < 0 || (rc = ring_honest(r, ask, ask_n)) < 0)
		return rc;
	p = mmap(NULL, (size_t)n, PROT_READ | PROT_WRITE, MAP_SHARED, l->ring_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	ring_play(l, p, (size_t)n, ask, ask_n, digest);
	(void)munmap(p, (size_t)n);
	return 0;
}

/* --- life --- */

/* All that can be said in a moment, and then it is dead. */
static int
lie_last(struct role *r)
{
	int rc = lie_unsigned(r);

	if (rc == 0)
		rc = lie_judged(r);
	if (rc == 0)
		rc = lie_holds(r);
	if (rc == 0)
		rc = lie_objects(r);
	for (unsigned i = 0; rc == 0 && i < LAST_WORDS; i++)
		role_log(r, LOG_LEVEL_NOTICE, "word %u", i);
	if (rc == 0) {
		role_log(r, LOG_LEVEL_NOTICE, "lied: %s", "last");
		abort();
	}
	return rc;
}

static const struct {
	const char	*name;
	int		(*fn)(struct role *);
} lies[] = {
	{ "unsigned", lie_unsigned }, { "snapshots", lie_snapshots }, { "unsealed", lie_unsealed },
	{ "facts", lie_facts }, { "as-verify", lie_as_verify }, { "garbage", lie_garbage },
	{ "short", lie_short }, { "pins", lie_pins }, { "log", lie_log }, { "audit", lie_audit },
	{ "points", lie_points }, { "holds", lie_holds }, { "objects", lie_objects },
	{ "wants", lie_wants }, { "answers", lie_answers }, { "deaf", lie_deaf }, { "ring", lie_ring },
	{ "guarded", lie_guarded }, { "judged", lie_judged }, { "last", lie_last },
	{ "maxima", lie_maxima }, { "lengths", lie_lengths }, { "descriptors", lie_descriptors },
	{ "histories", lie_histories },
};

static void
on_timer(void *arg)
{
	struct role *r = arg;
	struct liar *l = r->state;
	int rc = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		if (strcmp(lies[i].name, l->lie) == 0)
			rc = lies[i].fn(r);
	if (rc == SE_STALE) {
		(void)loop_timer_set(l->timer, WAIT_USEC);	/* nothing is in force yet */
		return;
	}
	role_log(r, LOG_LEVEL_NOTICE, "lied: %s%s%s", l->lie, rc < 0 ? ": " : "", rc < 0 ? err_str(rc) : "");
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_validate_conf *m = msg;
	struct liar *l = r->state;
	char path[4200];
	struct sv text, word = { NULL, 0 };
	struct file_map f;
	uint8_t byte;

	(void)snprintf(path, sizeof(path), "%.*s/../lie", SV_ARG(m->tals));
	if (file_map(path, LIE_MAX, &f) < 0)
		return -ENOENT;
	text = f.data;
	(void)!sv_word(&text, &word);
	(void)snprintf(l->lie, sizeof(l->lie), "%.*s", SV_ARG(word));
	for (text = sv_trim(text); text.n >= 2 && hex_decode(&byte, 1, sv_take(text, 2)) == 0;
	    text = sv_skip(text, 2))
		buf_bytes(&l->given, &byte, 1);
	file_unmap(&f);
	return l->given.rc;
}

static int
on_ring(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct msg_ring *m = msg;

	((struct liar *)r->state)->ring_fd = m->memory;
	m->memory = -1;
	return 0;
}

static int
on_use(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_snapshot_use *m = msg;
	struct liar *l = r->state;

	if (m->behind == 0 && !l->has_cur)
		l->has_cur = memfd_map(m->snapshot, true, SNAPSHOT_MAX, &l->cur) == 0;
	return 0;
}

static int
on_any(struct role *r UNUSED, enum role_id from UNUSED, void *msg UNUSED)
{
	return 0;
}

static int
start(struct role *r)
{
	struct liar *l = r->state;
	const struct msg_snapshot_ask ask = { .history = 0 };

	if ((l->timer = loop_timer_add(r->loop, on_timer, r)) == NULL)
		return -ENOMEM;
	(void)msg_snapshot_ask_send(r, ROLE_STORE, &ask);
	return loop_timer_set(l->timer, strcmp(l->lie, "last") == 0 ? LAST_WORDS_USEC : WAIT_USEC);
}

static void
status(struct role *r UNUSED, struct json *j)
{
	json_kv_bool(j, "lies", true);
}

static const struct role_handler handlers[] = {
	{ MSG_validate_conf, on_conf },
	{ MSG_ring, on_ring },
	{ MSG_snapshot_use, on_use },
	{ MSG_validate_local, on_any }, { MSG_validate_now, on_any }, { MSG_explain_ask, on_any },
	{ MSG_objects_changed, on_any }, { MSG_source_result, on_any }, { MSG_sources_ask, on_any },
	{ MSG_pinned, on_any }, { MSG_unpinned, on_any }, { MSG_guard_release, on_any },
	{ MSG_run_ask, on_any },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_VALIDATE,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_validate_conf,
		.state_size = sizeof(struct liar),
		.sandbox = &sandbox_validate,
		.start = start, .status = status,
	};

	return role_main(&def);
}
