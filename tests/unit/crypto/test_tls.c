/* TLS in memory: two engines, and what lies between them is ours. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "crypto/tls.h"

#define NOW	INT64_C(1795305600)	/* 2026-11-22 */
#define DAY	INT64_C(86400)

struct world {
	struct tls_made	*ca, *other_ca, *server, *expired, *early, *by_ip, *cn_only, *client, *stranger;
};

struct link {
	struct tls	*client, *server;
	size_t		 chunk;		/* bytes that cross at once */
	size_t		 crossed;
};

static struct tls_made *
make(const char *cn, const char *const *names, bool is_ca, int64_t from, int64_t until,
    const struct tls_made *issuer)
{
	const struct tls_plan plan = { cn, names, is_ca, from, until };
	struct tls_made *m = NULL;

	assert_int_equal(tls_make(&plan, issuer, &m), 0);
	assert_non_null(m);
	return m;
}

static int
setup(void **state)
{
	static const char *const names[] = { "rtr.example.net", "*.lab.example", "192.0.2.1", NULL };
	static const char *const ip[] = { "2001:db8::1", NULL };
	static const char *const router[] = { "198.51.100.7", "2001:db8::7", NULL };
	struct world *w = calloc(1, sizeof(*w));

	w->ca = make("Lab CA", NULL, true, NOW - DAY, NOW + 100 * DAY, NULL);
	w->other_ca = make("Other CA", NULL, true, NOW - DAY, NOW + 100 * DAY, NULL);
	w->server = make("cn.example", names, false, NOW - DAY, NOW + 30 * DAY, w->ca);
	w->expired = make("x", names, false, NOW - 9 * DAY, NOW - 1, w->ca);
	w->early = make("x", names, false, NOW + 1, NOW + 9 * DAY, w->ca);
	w->by_ip = make("x", ip, false, NOW - DAY, NOW + DAY, w->ca);
	w->cn_only = make("rtr.example.net", NULL, false, NOW - DAY, NOW + DAY, w->ca);
	w->client = make("router", router, false, NOW - DAY, NOW + DAY, w->ca);
	w->stranger = make("router", router, false, NOW - DAY, NOW + DAY, w->other_ca);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	(void)tls_made_free(w->ca);
	(void)tls_made_free(w->other_ca);
	(void)tls_made_free(w->server);
	(void)tls_made_free(w->expired);
	(void)tls_made_free(w->early);
	(void)tls_made_free(w->by_ip);
	(void)tls_made_free(w->cn_only);
	(void)tls_made_free(w->client);
	(void)tls_made_free(w->stranger);
	free(w);
	return 0;
}

/* --- contexts --- */

static struct tls_ctx *
ctx(bool server, const struct tls_made *own, const struct tls_made *anchor)
{
	const struct tls_ctx_conf conf = {
		.server = server,
		.certs = own == NULL ? (struct sv){ 0 } : tls_made_cert(own),
		.key = own == NULL ? (struct sv){ 0 } : tls_made_key(own),
		.anchors = anchor == NULL ? (struct sv){ 0 } : tls_made_cert(anchor),
	};
	struct tls_ctx *c = NULL;
	enum tls_why why;

	assert_int_equal(tls_ctx_new(&conf, &c, &why), 0);
	assert_int_equal(why, TLS_WHY_NONE);
	return c;
}

static void
ctx_fails(bool server, struct sv certs, struct sv key, struct sv anchors, enum tls_why want)
{
	const struct tls_ctx_conf conf = { server, certs, key, anchors };
	struct tls_ctx *c = NULL;
	enum tls_why why = TLS_WHY_NONE;

	assert_int_equal(tls_ctx_new(&conf, &c, &why), -EINVAL);
	assert_int_equal(why, want);
	assert_null(c);
}

static void
bad_files(void **state)
{
	const struct world *w = *state;
	const struct sv none = { 0 }, text = SV("hello\n"), cert = tls_made_cert(w->server),
	    key = tls_made_key(w->server), cut = { cert.p, cert.n - 40 };
	static const char sealed[] =
	    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAwAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";

	ctx_fails(true, none, none, none, TLS_WHY_BAD_CERT);
	ctx_fails(true, text, key, none, TLS_WHY_BAD_CERT);
	ctx_fails(true, cut, key, none, TLS_WHY_BAD_CERT);
	ctx_fails(true, cert, none, none, TLS_WHY_BAD_KEY);
	ctx_fails(true, cert, cert, none, TLS_WHY_BAD_KEY);
	ctx_fails(true, cert, SV(sealed), none, TLS_WHY_BAD_KEY);
	ctx_fails(true, cert, tls_made_key(w->ca), none, TLS_WHY_KEY_MISMATCH);
	ctx_fails(true, cert, key, text, TLS_WHY_BAD_ANCHORS);
	ctx_fails(false, none, none, none, TLS_WHY_BAD_ANCHORS);
	ctx_fails(false, none, none, cut, TLS_WHY_BAD_ANCHORS);
	for (int i = 0; i < TLS_WHY_MAX; i++)
		assert_non_null(tls_why_text((enum tls_why)i));
}

/* A good certificate before a broken one is not a good file. */
static void
half_bundle(void **state)
{
	const struct world *w = *state;
	struct sv a = tls_made_cert(w->ca), b = tls_made_cert(w->other_ca);
	char *both = malloc(a.n + b.n);

	memcpy(both, a.p, a.n);
	memcpy(both + a.n, b.p, b.n);
	ctx_fails(false, (struct sv){ 0 }, (struct sv){ 0 },
	    (struct sv){ both, a.n + b.n / 2 }, TLS_WHY_BAD_ANCHORS);
	ctx_fails(true, (struct sv){ both, a.n + b.n / 2 }, tls_made_key(w->ca),
	    (struct sv){ 0 }, TLS_WHY_BAD_CERT);
	free(both);
}

static void
validity(void **state)
{
	const struct world *w = *state;
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, w->server, NULL);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, NULL, w->ca);
	int64_t from, until;

	tls_ctx_validity(s, &from, &until);
	assert_int_equal(from, NOW - DAY);
	assert_int_equal(until, NOW + 30 * DAY);
	tls_ctx_validity(c, &from, &until);
	assert_int_equal(until, TIME_NEVER);
}

/* --- a link of two engines --- */

static struct link
link_new(struct tls_ctx *client, struct tls_ctx *server, const char *name, size_t chunk)
{
	struct link l = { tls_new(client, sv_str(name), NOW),
		tls_new(server, (struct sv){ 0 }, NOW), chunk, 0 };

	assert_non_null(l.client);
	assert_non_null(l.server);
	return l;
}

static void
link_done(struct link *l)
{
	l->client = tls_free(l->client);
	l->server = tls_free(l->server);
}

static bool
carry(struct link *l, struct tls *from, struct tls *to)
{
	struct sv out = tls_out(from);
	size_t n = tls_feed(to, out.p, min_size(out.n, l->chunk));

	assert_true(out.n <= TLS_OUT_MAX);
	/* Who has failed takes nothing; what is sent to him is lost. */
	if (n == 0 && out.n > 0 && (tls_state(to) == TLS_FAILED || tls_state(to) == TLS_CLOSED))
		n = out.n;
	tls_sent(from, n);
	l->crossed += n;
	return n > 0;
}

/* Until nothing moves any more. */
static void
link_run(struct link *l)
{
	for (;;) {
		bool moved = carry(l, l->client, l->server);

		moved = carry(l, l->server, l->client) || moved;
		if (!moved)
			break;
	}
}

static void
link_say(struct link *l, struct tls *from, struct tls *to, const char *text)
{
	char got[64];
	size_t n = strlen(text), have = 0;
	long rc;

	assert_int_equal(tls_write(from, text, n), n);
	link_run(l);
	while ((rc = tls_read(to, got + have, sizeof(got) - have)) > 0) {
		have += (size_t)rc;
		link_run(l);
	}
	assert_int_equal(rc, -EAGAIN);
	assert_int_equal(have, n);
	assert_memory_equal(got, text, n);
}

static void
good_with_chunk(const struct world *w, size_t chunk, const struct tls_made *client)
{
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, w->server, client != NULL ? w->ca : NULL);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, client, w->ca);
	struct link l = link_new(c, s, "rtr.example.net", chunk);
	char name[TLS_NAME_LEN];

	assert_int_equal(tls_write(l.client, "x", 1), -EAGAIN);
	link_run(&l);
	assert_int_equal(tls_state(l.client), TLS_OPEN);
	assert_int_equal(tls_state(l.server), TLS_OPEN);
	assert_string_equal(tls_version(l.server), "TLSv1.3");
	assert_string_equal(tls_sni(l.server), "rtr.example.net");
	assert_string_equal(tls_peer_name(l.client, name), "rtr.example.net");
	assert_int_equal(tls_peer_until(l.client), NOW + 30 * DAY);
	assert_int_equal(tls_peer_until(l.server), client != NULL ? NOW + DAY : TIME_NEVER);
	assert_string_equal(tls_peer_name(l.server, name), client != NULL ? "198.51.100.7" : "");
	link_say(&l, l.client, l.server, "reset query");
	link_say(&l, l.server, l.client, "cache response");
	link_done(&l);
}

static void
good(void **state)
{
	good_with_chunk(*state, 65536, NULL);
	good_with_chunk(*state, 1, NULL);
	good_with_chunk(*state, 65536, ((struct world *)*state)->client);
	good_with_chunk(*state, 1, ((struct world *)*state)->client);
	good_with_chunk(*state, 7, ((struct world *)*state)->client);
}

/* The context may go while its connections live. */
static void
context_freed(void **state)
{
	const struct world *w = *state;
	struct tls_ctx *s = ctx(true, w->server, NULL), *c = ctx(false, NULL, w->ca);
	struct link l = link_new(c, s, "rtr.example.net", 100);

	(void)tls_ctx_free(s);
	(void)tls_ctx_free(c);
	link_run(&l);
	link_say(&l, l.client, l.server, "still here");
	link_done(&l);
}

/* --- who is refused --- */

static void
refused(const struct world *w, const struct tls_made *server, const struct tls_made *client_anchor,
    const char *name, enum tls_why why)
{
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, server, NULL);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, NULL,
	    client_anchor == NULL ? w->ca : client_anchor);
	struct link l = link_new(c, s, name, 65536);
	char b[8];

	link_run(&l);
	assert_int_equal(tls_why(l.client), why);
	if (why == TLS_WHY_NONE) {
		assert_int_equal(tls_state(l.client), TLS_OPEN);
	} else {
		assert_int_equal(tls_state(l.client), TLS_FAILED);
		assert_int_equal(tls_read(l.client, b, sizeof(b)), SE_PEER);
		assert_int_equal(tls_write(l.client, b, 1), SE_PEER);
		assert_int_equal(tls_close(l.client), SE_PEER);
		/* and the server is told */
		assert_int_equal(tls_state(l.server), TLS_FAILED);
		assert_int_equal(tls_why(l.server), TLS_WHY_ALERT);
		assert_true(tls_detail(l.server)[0] != '\0');
	}
	link_done(&l);
}

static void
server_names(void **state)
{
	const struct world *w = *state;

	refused(w, w->server, NULL, "rtr.example.net", TLS_WHY_NONE);
	refused(w, w->server, NULL, "RTR.Example.NET.", TLS_WHY_NONE);
	refused(w, w->server, NULL, "a.lab.example", TLS_WHY_NONE);
	refused(w, w->server, NULL, "192.0.2.1", TLS_WHY_NONE);
	refused(w, w->by_ip, NULL, "2001:DB8:0::1", TLS_WHY_NONE);
	refused(w, w->server, NULL, "a.b.lab.example", TLS_WHY_NAME);
	refused(w, w->server, NULL, "lab.example", TLS_WHY_NAME);
	refused(w, w->server, NULL, "rtr.example.org", TLS_WHY_NAME);
	refused(w, w->server, NULL, "192.0.2.2", TLS_WHY_NAME);
	/* The common name counts for nothing (RFC 8210 section 9.2). */
	refused(w, w->server, NULL, "cn.example", TLS_WHY_NAME);
	refused(w, w->cn_only, NULL, "rtr.example.net", TLS_WHY_NAME);
	/* A key for signing certificates is not for speaking TLS. */
	refused(w, w->ca, NULL, "Lab-CA", TLS_WHY_UNTRUSTED);
	refused(w, w->expired, NULL, "rtr.example.net", TLS_WHY_EXPIRED);
	refused(w, w->early, NULL, "rtr.example.net", TLS_WHY_EARLY);
	refused(w, w->server, w->other_ca, "rtr.example.net", TLS_WHY_UNTRUSTED);
	/* What is listed is an anchor, also when it is no CA. */
	refused(w, w->server, w->server, "rtr.example.net", TLS_WHY_NONE);
}

static void
no_names(void **state)
{
	const struct world *w = *state;
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, NULL, w->ca);
	static const char *const bad[] = { "", ".", "a b", "*.lab.example", "a/24", "192.0.2.0/24",
		"x\xc3\xa9.example", "a\nb" };
	char longest[TLS_NAME_LEN + 2];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (i != 1)		/* the root alone: no certificate has it */
			assert_null(tls_new(c, sv_str(bad[i]), NOW));
	memset(longest, 'a', sizeof(longest));
	assert_null(tls_new(c, (struct sv){ longest, TLS_NAME_LEN }, NOW));
}

static void
client_refused(const struct world *w, const struct tls_made *client, enum tls_why why)
{
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, w->server, w->ca);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, client, w->ca);
	struct link l = link_new(c, s, "rtr.example.net", 65536);
	char b[8];

	link_run(&l);
	assert_int_equal(tls_state(l.server), TLS_FAILED);
	assert_int_equal(tls_why(l.server), why);
	/* In TLS 1.3 the client hears of it after its handshake. */
	assert_int_equal(tls_read(l.client, b, sizeof(b)), SE_PEER);
	assert_int_equal(tls_why(l.client), TLS_WHY_ALERT);
	link_done(&l);
}

static void
client_certificates(void **state)
{
	struct world *w = *state;

	client_refused(w, NULL, TLS_WHY_NO_CERT);
	client_refused(w, w->stranger, TLS_WHY_UNTRUSTED);
	client_refused(w, w->expired, TLS_WHY_EXPIRED);
	client_refused(w, w->early, TLS_WHY_EARLY);
}

static void
peer_is(void **state)
{
	const struct world *w = *state;
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, w->server, w->ca);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, w->client, w->ca);
	struct link l = link_new(c, s, "rtr.example.net", 65536);

	assert_false(tls_peer_is(l.server, SV("198.51.100.7")));	/* not yet */
	link_run(&l);
	assert_true(tls_peer_is(l.server, SV("198.51.100.7")));
	assert_true(tls_peer_is(l.server, SV("2001:db8::7")));
	assert_false(tls_peer_is(l.server, SV("198.51.100.8")));
	assert_false(tls_peer_is(l.server, SV("198.51.100.0/24")));
	assert_false(tls_peer_is(l.server, SV("router")));
	assert_false(tls_peer_is(l.server, SV("")));
	assert_true(tls_peer_is(l.client, SV("Rtr.example.net")));
	assert_true(tls_peer_is(l.client, SV("x.lab.example")));
	assert_false(tls_peer_is(l.client, SV("cn.example")));
	link_done(&l);
}

/* --- several names on one server --- */

static void
by_name(void **state)
{
	struct world *w = *state;
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, w->by_ip, NULL);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, NULL, w->ca);
	static const struct { const char *name; enum tls_why why; } cases[] = {
		{ "rtr.example.net", TLS_WHY_NONE },	/* its own */
		{ "x.lab.example", TLS_WHY_EXPIRED },	/* an expired one */
		{ "2001:db8::1", TLS_WHY_NONE },	/* no SNI: the context's */
		{ "other.example", TLS_WHY_NAME },
	};
	enum tls_why why;

	assert_int_equal(tls_ctx_add_name(s, SV("RTR.example.net"), tls_made_cert(w->server),
	    tls_made_key(w->server), &why), 0);
	assert_int_equal(tls_ctx_add_name(s, SV("x.lab.example"), tls_made_cert(w->expired),
	    tls_made_key(w->expired), &why), 0);
	assert_int_equal(tls_ctx_add_name(s, SV("y.example"), tls_made_cert(w->expired),
	    tls_made_key(w->server), &why), -EINVAL);
	assert_int_equal(why, TLS_WHY_KEY_MISMATCH);
	assert_int_equal(tls_ctx_add_name(s, SV("a b"), tls_made_cert(w->server),
	    tls_made_key(w->server), &why), -EINVAL);
	assert_int_equal(tls_ctx_add_name(c, SV("y.example"), tls_made_cert(w->server),
	    tls_made_key(w->server), &why), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct link l = link_new(c, s, cases[i].name, 65536);

		link_run(&l);
		assert_int_equal(tls_why(l.client), cases[i].why);
		link_done(&l);
	}
}

/* --- the end --- */

static void
half_close(void **state)
{
	const struct world *w = *state;
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, w->server, NULL);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, NULL, w->ca);
	struct link l = link_new(c, s, "rtr.example.net", 65536);
	char b[64];

	assert_int_equal(tls_close(l.client), -EAGAIN);
	link_run(&l);
	assert_int_equal(tls_write(l.client, "last", 4), 4);
	assert_int_equal(tls_close(l.client), 0);
	assert_int_equal(tls_write(l.client, "x", 1), SE_CLOSED);
	link_run(&l);
	assert_int_equal(tls_read(l.server, b, sizeof(b)), 4);
	assert_int_equal(tls_read(l.server, b, sizeof(b)), 0);
	assert_int_equal(tls_state(l.server), TLS_ENDED);
	/* the other way still works */
	assert_int_equal(tls_write(l.server, "goodbye", 7), 7);
	assert_int_equal(tls_close(l.server), 0);
	assert_int_equal(tls_state(l.server), TLS_CLOSED);
	link_run(&l);
	assert_int_equal(tls_read(l.client, b, sizeof(b)), 7);
	assert_int_equal(tls_read(l.client, b, sizeof(b)), 0);
	assert_int_equal(tls_state(l.client), TLS_CLOSED);
	tls_feed_end(l.client);
	tls_feed_end(l.server);
	assert_int_equal(tls_why(l.client), TLS_WHY_NONE);
	assert_int_equal(tls_why(l.server), TLS_WHY_NONE);
	link_done(&l);
}

/* close_notify before there is a connection to close: whoever says so refuses it. */
static void
closed_early(void **state)
{
	static const char close_notify[] = "\x15\x03\x03\x00\x02\x01\x00";
	const struct world *w = *state;
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, NULL, w->ca);
	_cleanup_(tls_freep) struct tls *t = tls_new(c, SV("rtr.example.net"), NOW);
	char b[8];

	assert_int_equal(tls_feed(t, close_notify, sizeof(close_notify) - 1), 7);
	assert_int_equal(tls_state(t), TLS_FAILED);
	assert_int_equal(tls_why(t), TLS_WHY_ALERT);
	assert_string_equal(tls_detail(t), "close notify");
	assert_int_equal(tls_read(t, b, sizeof(b)), SE_PEER);
	tls_feed_end(t);
	assert_int_equal(tls_why(t), TLS_WHY_ALERT);
}

static void
truncated(void **state)
{
	const struct world *w = *state;
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, w->server, NULL);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, NULL, w->ca);
	struct link l = link_new(c, s, "rtr.example.net", 65536);
	char b[8];

	tls_feed_end(l.server);			/* before a single byte */
	assert_int_equal(tls_state(l.server), TLS_FAILED);
	assert_int_equal(tls_why(l.server), TLS_WHY_TRUNCATED);
	link_done(&l);
	l = link_new(c, s, "rtr.example.net", 65536);
	link_run(&l);
	assert_int_equal(tls_write(l.server, "data", 4), 4);
	link_run(&l);
	tls_feed_end(l.client);
	assert_int_equal(tls_read(l.client, b, sizeof(b)), 4);	/* what came, came */
	assert_int_equal(tls_read(l.client, b, sizeof(b)), SE_PEER);
	assert_int_equal(tls_why(l.client), TLS_WHY_TRUNCATED);
	link_done(&l);
}

/* --- garbage and floods --- */

static void
garbage(void **state)
{
	const struct world *w = *state;
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, w->server, NULL);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, NULL, w->ca);
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\n\r\n", "\x02\x02\0\0\0\0\0\x08 an RTR reset query",
		"\x16\x03\x01\xff\xff too long a record", "\x17\x03\x03\0\x05hello",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct tls *t = tls_new(s, (struct sv){ 0 }, NOW);

		(void)tls_feed(t, bad[i], i == 1 ? 27 : i == 0 ? 18 : 10);
		assert_int_equal(tls_state(t), TLS_FAILED);
		assert_true(tls_why(t) == TLS_WHY_NOT_TLS || tls_why(t) == TLS_WHY_PROTOCOL);
		assert_int_equal(tls_feed(t, "more", 4), 0);
		(void)tls_free(t);
	}
	for (unsigned flip = 0; flip < 400; flip += 3) {	/* in the midst of it */
		struct link l = link_new(c, s, "rtr.example.net", 65536);
		char copy[TLS_OUT_MAX];
		struct sv out;

		(void)carry(&l, l.client, l.server);
		out = tls_out(l.server);
		memcpy(copy, out.p, out.n);
		copy[flip % out.n] ^= 0x40;
		(void)tls_feed(l.client, copy, out.n);
		assert_int_not_equal(tls_state(l.client), TLS_OPEN);
		link_done(&l);
	}
}

/* Who does not read makes us hold TLS_OUT_MAX, and not a byte more. */
static void
slow_reader(void **state)
{
	const struct world *w = *state;
	_cleanup_(tls_ctx_freep) struct tls_ctx *s = ctx(true, w->server, NULL);
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = ctx(false, NULL, w->ca);
	struct link l = link_new(c, s, "rtr.example.net", 1000);
	static uint8_t sent[100000], got[100000];
	size_t at = 0, have = 0;

	link_run(&l);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	while (have < sizeof(got)) {
		long n = tls_write(l.server, sent + at, sizeof(sent) - at);

		assert_true(n > 0 || n == -EAGAIN);
		if (n > 0) {
			assert_true(n <= TLS_WRITE_MAX);
			at += (size_t)n;
		}
		assert_true(tls_out(l.server).n <= TLS_OUT_MAX);
		if (n == -EAGAIN || at == sizeof(sent)) {
			link_run(&l);
			while ((n = tls_read(l.client, got + have, min_size(333, sizeof(got) - have))) > 0)
				have += (size_t)n;
		}
	}
	assert_memory_equal(sent, got, sizeof(sent));
	/* and who is fed without being read stops taking */
	for (at = 0; at < 100; at++)
		if (tls_write(l.server, sent, sizeof(sent)) < 0 && !carry(&l, l.server, l.client))
			break;
	assert_true(at < 100);
	link_done(&l);
}

static void
bad_plans(void **state UNUSED)
{
	static const char *const bad[] = { "a b", NULL }, *const prefix[] = { "192.0.2.0/24", NULL };
	const struct tls_plan plans[] = {
		{ "x", bad, false, NOW, NOW + 1 },
		{ "x", prefix, false, NOW, NOW + 1 },
	};
	struct tls_made *m = NULL;

	for (size_t i = 0; i < ARRAY_LEN(plans); i++)
		assert_int_equal(tls_make(&plans[i], NULL, &m), -EINVAL);
	assert_null(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(bad_files), T(half_bundle), T(validity), T(good), T(context_freed), T(server_names),
		T(no_names), T(client_certificates), T(peer_is), T(by_name), T(half_close),
		T(truncated), T(closed_early), T(garbage), T(slow_reader), T(bad_plans),
	};

	return cmocka_run_group_tests_name("crypto tls", tests, setup, teardown);
}
