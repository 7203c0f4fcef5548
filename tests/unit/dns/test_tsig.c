/* TSIG: exchanges that work, and every way in which they do not. */
#include "wire_kit.h"

#include "base/hash.h"

#define NOW	1795352400		/* 2026-11-22T13:00:00Z */

static uint8_t room[DNS_RDATA_MAX];

static struct tsig_key
key_of(struct kit *k, const char *text)
{
	struct tsig_key key;

	assert_int_equal(tsig_key_parse(sv_str(text), &k->fs, &key), 0);
	return key;
}

#define SECRET	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh4="

static size_t
question(uint8_t *buf, size_t cap)
{
	const struct dname n = nm("example.");

	return dns_query_write(buf, cap, 4660, &n, RR_SOA, NULL);
}

/* --- as another implementation does it --- */

/* Made by dnspython 2.3.0: a request, and its answer, with the key xfr.Example. */
static const char their_request[] =
    "123400000001000000000001076578616d706c65000006000103786672c00c00fa00ff00000000003d"
    "0b686d61632d7368613235360000006b02e750012c0020"
    "64cf0a7104220b06e4de0e9ff3e0c337531cf17687b835dabe3b3fa5686118c8" "123400000000";
static const char their_answer[] =
    "123484000001000100000001076578616d706c650000060001c00c000600010000003c001e026e7300"
    "04686f7374000000000c0000000000000000000000000000000003786672c00c00fa00ff00000000003d"
    "0b686d61632d7368613235360000006b02e750012c0020"
    "168f016864e88443fb00caa6b9c655da486e5051941fb28bf6a056f8550af529" "123400000000";

static void
as_others_do(void **state)
{
	struct kit *k = *state;
	struct tsig_key key = key_of(k, "xfr.example.:" SECRET);
	const struct tsig_keys keys = { &key, 1 };
	uint8_t wire[256], ours[256];
	size_t n = (sizeof(their_request) - 1) / 2, len;
	struct tsig server, client;
	uint16_t rcode;

	/* Ours is the same but for a name that we do not compress. */
	assert_int_equal(tsig_begin(&client, &key), 0);
	len = question(ours, sizeof(ours));
	assert_int_equal(tsig_sign(&client, ours, &len, sizeof(ours), NOW), 0);
	assert_int_equal(hex_decode(wire, n, sv_str(their_request)), 0);
	assert_memory_equal(ours + len - 38, wire + n - 38, 38);
	assert_int_equal(tsig_request(&server, &keys, SV_OF(wire, n), room, NOW, &k->fs, &rcode), TSIG_OK);
	assert_int_equal(rcode, DNS_NOERROR);

	n = (sizeof(their_answer) - 1) / 2;
	assert_int_equal(hex_decode(wire, n, sv_str(their_answer)), 0);
	assert_int_equal(tsig_answer(&client, SV_OF(wire, n), room, NOW, &k->fs), TSIG_OK);
	assert_true(tsig_finish(&client, &k->fs));
	len = 67;				/* the answer without its TSIG */
	memcpy(ours, wire, len);
	ours[11] = 0;
	assert_int_equal(tsig_sign(&server, ours, &len, sizeof(ours), NOW), 0);
	assert_memory_equal(ours + len - 38, wire + n - 38, 38);
	assert_null(k->fs.head);
	tsig_done(&client);
	tsig_done(&server);
}

/* A stream of dnspython's to the same request: two messages between signed ones. */
static const char *const their_stream[] = {
	"123480000001000000000001076578616d706c65000006000103786672c00c00fa00ff00000000003d"
	    "0b686d61632d7368613235360000006b02e750012c0020"
	    "53aca0f8d40f120168bf66f06e114b879d3d4991feedacd92759bf1555f6e609" "123400000000",
	"123480000001000000000000076578616d706c650000060002",
	"123480000001000000000000076578616d706c650000060003",
	"123480000001000000000001076578616d706c65000006000403786672c00c00fa00ff00000000003d"
	    "0b686d61632d7368613235360000006b02e750012c0020"
	    "b44aca8085e4c9cc7a233da2a5a335fe41f574ab75c112f0cbef9728b795e818" "123400000000",
};

static void
streams_of_others(void **state)
{
	struct kit *k = *state;
	struct tsig_key key = key_of(k, "xfr.example.:" SECRET);
	static const enum tsig_verdict want[] = { TSIG_OK, TSIG_LATER, TSIG_LATER, TSIG_OK };
	uint8_t wire[256];
	struct tsig client;
	size_t n;

	/* Whole; then without its third message. */
	for (size_t skip = 4; skip > 1; skip -= 2) {
		assert_int_equal(tsig_begin(&client, &key), 0);
		n = question(wire, sizeof(wire));
		assert_int_equal(tsig_sign(&client, wire, &n, sizeof(wire), NOW), 0);
		for (size_t i = 0; i < ARRAY_LEN(their_stream); i++) {
			if (i == skip)
				continue;
			n = strlen(their_stream[i]) / 2;
			assert_int_equal(hex_decode(wire, n, sv_str(their_stream[i])), 0);
			assert_int_equal(tsig_answer(&client, SV_OF(wire, n), room, NOW, &k->fs),
			    i == 3 && skip == 2 ? TSIG_FAILED : want[i]);
		}
		assert_int_equal(n_found(&k->fs, TSIG_BADSIG), skip == 2);
		tsig_done(&client);
	}
}

/* --- exchanges --- */

/*
 * A request by one key, answered by a server that has another (both may be the same), at
 * their own times. Returns what the client makes of the answer; *ret_rcode is the server's.
 */
static int
exchange(struct kit *k, const struct tsig_key *mine, int64_t my_time, struct tsig_key *theirs,
    int64_t their_time, uint16_t *ret_rcode)
{
	const struct tsig_keys keys = { theirs, theirs == NULL ? 0 : 1 };
	uint8_t buf[512];
	size_t len = question(buf, sizeof(buf)), room_len;
	struct tsig client, server;
	struct dns_query q;
	struct dmsg_wr w;
	int verdict, rc;

	assert_int_equal(tsig_begin(&client, mine), 0);
	room_len = tsig_room(&client);
	rc = tsig_sign(&client, buf, &len, len + room_len, my_time);
	assert_int_equal(rc, 0);
	verdict = tsig_request(&server, &keys, SV_OF(buf, len), room, their_time, &k->fs, ret_rcode);
	assert_int_equal(verdict == TSIG_FAILED, *ret_rcode != DNS_NOERROR);
	assert_int_equal(dns_query_parse(SV_OF(buf, len), room, &q), 0);
	dns_answer_begin(&w, buf, sizeof(buf), &q, DNS_AA, tsig_room(&server));
	len = dns_answer_end(&w, &q, *ret_rcode, SV(""));
	assert_int_equal(tsig_sign(&server, buf, &len, len + tsig_room(&server), their_time), 0);
	verdict = tsig_answer(&client, SV_OF(buf, len), room, my_time, &k->fs);
	tsig_done(&client);
	tsig_done(&server);
	return verdict;
}

static void
algorithms(void **state)
{
	struct kit *k = *state;
	static const char *const algs[] = { "hmac-md5", "hmac-md5.sig-alg.reg.int", "hmac-sha1",
	    "HMAC-SHA224", "hmac-sha256", "hmac-sha384.", "hmac-sha512", "hmac-sha256-128",
	    "hmac-sha512-256", "hmac-sha1-80" };
	char text[128];
	uint16_t rcode;

	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		struct tsig_key key;

		(void)snprintf(text, sizeof(text), "%s:k.example:%s", algs[i], SECRET);
		key = key_of(k, text);
		assert_int_equal(exchange(k, &key, NOW, &key, NOW + TSIG_FUDGE, &rcode), TSIG_OK);
	}
	assert_int_equal(n_found(&k->fs, TSIG_KEY_OLD_ALGORITHM), 4);
	assert_int_equal(exchange(k, NULL, NOW, NULL, NOW, &rcode), TSIG_NONE);
}

static void
refusals(void **state)
{
	struct kit *k = *state;
	struct tsig_key key = key_of(k, "k.example:" SECRET), secret = key_of(k, "k.example:" OTHER);
	struct tsig_key name = key_of(k, "l.example:" SECRET);
	struct tsig_key alg = key_of(k, "hmac-sha512:k.example:" SECRET);
	struct tsig_key shorter = key_of(k, "hmac-sha256-128:k.example:" SECRET);
	const struct {
		struct tsig_key	*mine, *theirs;
		int64_t		 their_time;
		enum wire_code	 found;		/* by the server */
	} rows[] = {
		{ &key, &secret, NOW, TSIG_BADSIG },
		{ &key, &name, NOW, TSIG_BADKEY },
		{ &key, &alg, NOW, TSIG_BADKEY },
		{ &key, NULL, NOW, TSIG_BADKEY },
		{ &key, &key, NOW + TSIG_FUDGE + 1, TSIG_BADTIME },
		{ &key, &key, NOW - TSIG_FUDGE - 1, TSIG_BADTIME },
		{ &shorter, &key, NOW, TSIG_BADTRUNC },
	};
	uint16_t rcode;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		forget(k);
		assert_int_equal(exchange(k, rows[i].mine, NOW, rows[i].theirs, rows[i].their_time,
		    &rcode), TSIG_FAILED);
		assert_int_equal(rcode, DNS_NOTAUTH);
		assert_int_equal(n_found(&k->fs, rows[i].found), 1);
		assert_int_equal(n_found(&k->fs, rows[i].found == TSIG_BADTIME ? TSIG_PEER_TIME : TSIG_PEER_ERROR), 1);
		assert_int_equal(k->fs.n_kept, 2);
	}
	/* Who sends more of the MAC than is asked for is welcome. */
	forget(k);
	assert_int_equal(exchange(k, &key, NOW, &shorter, NOW, &rcode), TSIG_OK);
}

/* No octet of a signed message can change, but those that nobody signs: the id. */
static void
every_octet(void **state)
{
	struct kit *k = *state;
	struct tsig_key key = key_of(k, "k.example:" SECRET);
	const struct tsig_keys keys = { &key, 1 };
	uint8_t buf[512];
	size_t len = question(buf, sizeof(buf));
	struct tsig client, server;
	uint16_t rcode;
	int rc;

	assert_int_equal(tsig_begin(&client, &key), 0);
	assert_int_equal(tsig_sign(&client, buf, &len, sizeof(buf), NOW), 0);
	for (size_t i = 2; i < len; i++) {
		buf[i] ^= 1;
		rc = tsig_request(&server, &keys, SV_OF(buf, len), room, NOW, &k->fs, &rcode);
		assert_true(rc == TSIG_FAILED || rc == TSIG_NONE);
		tsig_done(&server);
		buf[i] ^= 1;
	}
	for (size_t n = 0; n < len; n++) {
		rc = tsig_request(&server, &keys, SV_OF(buf, n), room, NOW, &k->fs, &rcode);
		assert_int_equal(rc, TSIG_FAILED);
		assert_int_equal(rcode, DNS_FORMERR);
	}
	buf[0] ^= 1;
	assert_int_equal(tsig_request(&server, &keys, SV_OF(buf, len), room, NOW, &k->fs, &rcode), TSIG_OK);
	tsig_done(&server);
	tsig_done(&client);
}

static int
judge(struct kit *k, const struct tsig_keys *keys, struct sv wire)
{
	struct tsig t;
	uint16_t rcode;
	int rc = tsig_request(&t, keys, wire, room, NOW, &k->fs, &rcode);

	tsig_done(&t);
	return rc;
}

static void
places(void **state)
{
	struct kit *k = *state;
	struct tsig_key key = key_of(k, "k.example:" SECRET);
	const struct tsig_keys keys = { &key, 1 };
	uint8_t buf[512], more[1024];
	size_t len = question(buf, sizeof(buf)), before = len, rr;
	struct tsig client;

	assert_int_equal(tsig_begin(&client, &key), 0);
	assert_int_equal(tsig_sign(&client, buf, &len, before + 20, NOW), -ENOSPC);
	assert_int_equal(len, before);
	assert_int_equal(judge(k, &keys, SV_OF(buf, len)), TSIG_NONE);
	assert_int_equal(tsig_sign(&client, buf, &len, sizeof(buf), NOW), 0);
	assert_int_equal(judge(k, &keys, SV_OF(buf, len)), TSIG_OK);
	assert_null(k->fs.head);
	rr = len - before;
	/* Two of them. */
	memcpy(more, buf, len);
	memcpy(more + len, buf + before, rr);
	more[11] = 2;
	assert_int_equal(judge(k, &keys, SV_OF(more, len + rr)), TSIG_FAILED);
	/* In the answer section. */
	memcpy(more, buf, len);
	more[11] = 0;
	more[7] = 1;
	assert_int_equal(judge(k, &keys, SV_OF(more, len)), TSIG_FAILED);
	assert_int_equal(n_found(&k->fs, TSIG_FORMAT), 2);
	/* A MAC of 9 octets is too short to be one, whatever the key wants. */
	key.mac_len = 9;
	tsig_done(&client);
	len = before;
	buf[11] = 0;
	assert_int_equal(tsig_begin(&client, &key), 0);
	assert_int_equal(tsig_sign(&client, buf, &len, sizeof(buf), NOW), 0);
	assert_int_equal(judge(k, &keys, SV_OF(buf, len)), TSIG_FAILED);
	assert_int_equal(n_found(&k->fs, TSIG_FORMAT), 3);
	tsig_done(&client);
	/* An answer with a TSIG, though the query had none. */
	assert_int_equal(tsig_begin(&client, NULL), 0);
	assert_int_equal(tsig_answer(&client, SV_OF(buf, len), room, NOW, &k->fs), TSIG_FAILED);
	assert_int_equal(n_found(&k->fs, TSIG_FORMAT), 4);
	tsig_done(&client);
}

/* A request with a MAC of so many octets under this name of an algorithm: the server's rcode. */
static uint16_t
rcode_of(struct kit *k, struct tsig_key *key, const char *alg, size_t mac_len, struct tsig *server)
{
	const struct tsig_keys keys = { key, 1 };
	uint8_t buf[512];
	size_t len = question(buf, sizeof(buf)), full = crypto_hmac_len(key->alg), at;
	struct tsig client;
	uint16_t rcode;

	forget(k);
	assert_int_equal(tsig_begin(&client, key), 0);
	client.name = key->name;
	client.alg = nm(alg);
	client.sign_len = (uint8_t)min_size(mac_len, full);
	assert_int_equal(tsig_sign(&client, buf, &len, sizeof(buf), NOW), 0);
	/* A longer one than there is: octets behind it; both lengths stand in front. */
	at = len - 6 - client.sign_len - 2;
	for (size_t i = full; i < mac_len; i++) {
		memmove(buf + at + 3, buf + at + 2, len - at - 2);
		len++;
		buf[at + 1]++;
		buf[at - 8 - client.alg.len - 1]++;
	}
	assert_true(tsig_request(server, &keys, SV_OF(buf, len), room, NOW, &k->fs, &rcode) >= 0);
	tsig_done(&client);
	return rcode;
}

/* RFC 8945 section 5.2.2.1: each length of a MAC. */
static void
lengths(void **state)
{
	struct kit *k = *state;
	static const struct {
		const char	*key, *alg;
		size_t		 min, want, max;	/* shortest, shortest that is taken, longest */
	} rows[] = {
		{ "k.example:" SECRET, "hmac-sha256.", 16, 32, 32 },
		{ "hmac-sha256-128:k.example:" SECRET, "hmac-sha256.", 16, 16, 32 },
		{ "hmac-sha1:k.example:" SECRET, "hmac-sha1.", 10, 20, 20 },
		{ "hmac-sha512-384:k.example:" SECRET, "hmac-sha512.", 32, 48, 64 },
		/* Section 6 has names for some of them, and others put these into messages. */
		{ "hmac-sha256-128:k.example:" SECRET, "hmac-sha256-128.", 16, 16, 16 },
		{ "hmac-sha384-192:k.example:" SECRET, "hmac-sha384-192.", 24, 24, 24 },
		{ "hmac-sha512-256:k.example:" SECRET, "hmac-sha512-256.", 32, 32, 32 },
		{ "k.example:" SECRET, "hmac-sha256-128.", 16, 17, 16 },	/* all too short for this key */
	};
	struct tsig server;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t n = 0; n <= rows[i].max + 2; n++) {
			struct tsig_key key = key_of(k, rows[i].key);
			bool bad = n < rows[i].min || n > rows[i].max, less = !bad && n < rows[i].want;
			uint16_t rcode = rcode_of(k, &key, rows[i].alg, n, &server);

			if (rcode != (bad ? DNS_FORMERR : less ? DNS_NOTAUTH : DNS_NOERROR) ||
			    server.error != (less ? DNS_BADTRUNC : 0) || (!bad && server.sign_len > rows[i].max))
				fail_msg("row %zu, %zu octets: %u, %u", i, n, rcode, server.error);
			tsig_done(&server);
		}
	/* A name that stands for another algorithm, or for none. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "hmac-sha512-256.", "hmac-sha256-160.", "gss-tsig." };
		struct tsig_key key = key_of(k, "k.example:" SECRET);

		assert_int_equal(rcode_of(k, &key, names[i], 16, &server), DNS_NOTAUTH);
		assert_int_equal(server.error, DNS_BADKEY);
		tsig_done(&server);
	}
}

/* The answer of a server with this key, in buf: its octets. */
static size_t
answer_to(struct kit *k, struct tsig_key *key, struct sv request, uint8_t buf[static 512])
{
	const struct tsig_keys keys = { key, key == NULL ? 0 : 1 };
	struct tsig server;
	struct dns_query q;
	struct dmsg_wr w;
	uint16_t rcode;
	size_t len;

	assert_true(tsig_request(&server, &keys, request, room, NOW, &k->fs, &rcode) >= 0);
	assert_int_equal(dns_query_parse(request, room, &q), 0);
	dns_answer_begin(&w, buf, 512, &q, DNS_AA, tsig_room(&server));
	len = dns_answer_end(&w, &q, rcode, SV(""));
	assert_int_equal(tsig_sign(&server, buf, &len, 512, NOW), 0);
	tsig_done(&server);
	return len;
}

/* RFC 8945 section 5.4: what anybody could have sent does not spoil the answer behind it. */
static void
forged_answers(void **state)
{
	struct kit *k = *state;
	struct tsig_key key = key_of(k, "k.example:" SECRET), other = key_of(k, "k.example:" OTHER);
	uint8_t request[512], buf[512];
	size_t n = question(request, sizeof(request)), len;
	struct tsig client;

	assert_int_equal(tsig_begin(&client, &key), 0);
	assert_int_equal(tsig_sign(&client, request, &n, sizeof(request), NOW), 0);
	for (unsigned i = 0; i < 6; i++) {
		/* "I do not know your key", "your signature is wrong", both unsigned. */
		len = answer_to(k, i == 0 ? NULL : i == 1 ? &other : &key, SV_OF(request, n), buf);
		if (i == 2) {			/* changed on its way */
			buf[3] ^= DNS_REFUSED;
		} else if (i == 3) {		/* without its signature */
			buf[11] = 0;
			len = 12 + 9 + 4;
		} else if (i == 4)		/* cut off */
			len -= 3;
		else if (i == 5)		/* another MAC */
			buf[len - 8] ^= 1;
		assert_int_equal(tsig_answer(&client, SV_OF(buf, len), room, NOW, &k->fs), TSIG_FAILED);
		assert_false(client.genuine);
	}
	len = answer_to(k, &key, SV_OF(request, n), buf);
	assert_int_equal(tsig_answer(&client, SV_OF(buf, len), room, NOW, &k->fs), TSIG_OK);
	assert_true(client.genuine);
	tsig_done(&client);
	/* A refusal that is signed ends it. */
	key.mac_len = 16;
	n = question(request, sizeof(request));
	assert_int_equal(tsig_begin(&client, &key), 0);
	assert_int_equal(tsig_sign(&client, request, &n, sizeof(request), NOW), 0);
	key.mac_len = 32;
	len = answer_to(k, &key, SV_OF(request, n), buf);
	forget(k);
	assert_int_equal(tsig_answer(&client, SV_OF(buf, len), room, NOW, &k->fs), TSIG_FAILED);
	assert_true(client.genuine);
	assert_int_equal(n_found(&k->fs, TSIG_PEER_ERROR), 1);
	tsig_done(&client);
}

/* --- what was signed before the last one --- */

static bool
seen(struct kit *k, struct tsig_seen *s, struct tsig *t, const char *key, const char *zone, const char *from,
    uint64_t at)
{
	struct dname z = nm(zone);
	struct ip_prefix a;

	assert_int_equal(ip_prefix_parse_host(sv_str(from), &a), 0);
	*t = (struct tsig){ .name = nm(key), .time_signed = at };
	forget(k);
	return tsig_seen_take(s, t, &z, &a, &k->fs);
}

static void
replays(void **state)
{
	struct kit *k = *state;
	_cleanup_(tsig_seen_freep) struct tsig_seen *s = tsig_seen_new();
	struct tsig t;

	assert_non_null(s);
	assert_true(seen(k, s, &t, "k.example", "example", "192.0.2.1", NOW));
	assert_true(seen(k, s, &t, "k.example", "example", "192.0.2.1", NOW));
	assert_false(seen(k, s, &t, "K.Example", "EXAMPLE", "192.0.2.1", NOW - 1));
	assert_int_equal(t.error, DNS_BADTIME);
	assert_int_equal(n_found(&k->fs, TSIG_REPLAYED), 1);
	/* Another key, zone, or address, with a clock of its own. */
	assert_true(seen(k, s, &t, "l.example", "example", "192.0.2.1", NOW - 2));
	assert_true(seen(k, s, &t, "k.example", "example.org", "192.0.2.1", NOW - 2));
	assert_true(seen(k, s, &t, "k.example", "example", "192.0.2.2", NOW - 2));
	assert_true(seen(k, s, &t, "k.example", "example", "2001:db8::1", NOW - 2));
	assert_int_equal(t.error, 0);
	/* It goes on from the latest, and an old one does not set it back. */
	assert_true(seen(k, s, &t, "k.example", "example", "192.0.2.1", NOW + 9));
	assert_false(seen(k, s, &t, "k.example", "example", "192.0.2.1", NOW + 8));
	assert_false(seen(k, s, &t, "k.example", "example", "192.0.2.1", NOW + 8));
	assert_true(seen(k, s, &t, "k.example", "example", "192.0.2.1", NOW + 10));
}

/* More than there is room for: those of long ago are forgotten, never those of now. */
static void
replays_many(void **state)
{
	struct kit *k = *state;
	_cleanup_(tsig_seen_freep) struct tsig_seen *s = tsig_seen_new();
	unsigned n = 100000, kept = 0;
	char zone[32];
	struct tsig t;

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(zone, sizeof(zone), "z%u.example", i);
		assert_true(seen(k, s, &t, "k.example", zone, "192.0.2.1", NOW + i));
	}
	assert_false(seen(k, s, &t, "k.example", zone, "192.0.2.1", NOW));
	for (unsigned i = 0; i < n; i += 100) {
		(void)snprintf(zone, sizeof(zone), "z%u.example", i);
		kept += !seen(k, s, &t, "k.example", zone, "192.0.2.1", NOW - 1);
	}
	assert_in_range(kept, 400, 700);	/* of 1,000; 65,536 of 100,000 at most */
}

/* --- streams --- */

struct stream {
	struct tsig_key	key;
	struct tsig	client, server;
	uint8_t		buf[512];
	size_t		len;
	unsigned	n;
};

static void
stream_begin(struct kit *k, struct stream *s)
{
	struct tsig_keys keys = { &s->key, 1 };
	uint16_t rcode;

	s->n = 0;
	s->key = key_of(k, "k.example:" SECRET);
	s->len = question(s->buf, sizeof(s->buf));
	assert_int_equal(tsig_begin(&s->client, &s->key), 0);
	assert_int_equal(tsig_sign(&s->client, s->buf, &s->len, sizeof(s->buf), NOW), 0);
	assert_int_equal(tsig_request(&s->server, &keys, SV_OF(s->buf, s->len), room, NOW, &k->fs,
	    &rcode), TSIG_OK);
}

static void
stream_end(struct stream *s)
{
	tsig_done(&s->client);
	tsig_done(&s->server);
}

/* The next message from the server, signed or not. */
static void
stream_next(struct stream *s, bool is_signed)
{
	uint8_t prior[2] = { 0, s->server.mac_len };

	s->len = question(s->buf, sizeof(s->buf));
	s->buf[2] |= 0x80;
	s->buf[s->len - 1] = (uint8_t)++s->n;		/* no two are the same */
	if (is_signed) {
		assert_int_equal(tsig_sign(&s->server, s->buf, &s->len, sizeof(s->buf), NOW), 0);
		return;
	}
	/* What RFC 8945 section 5.3.1 has a server digest that does not sign each message. */
	if (s->server.n_unsigned++ == 0) {
		crypto_hmac_update(s->server.h, prior, sizeof(prior));
		crypto_hmac_update(s->server.h, s->server.mac, s->server.mac_len);
	}
	crypto_hmac_update(s->server.h, s->buf, s->len);
}

static int
stream_take(struct kit *k, struct stream *s)
{
	return tsig_answer(&s->client, SV_OF(s->buf, s->len), room, NOW, &k->fs);
}

static void
streams(void **state)
{
	struct kit *k = *state;
	struct stream s;

	stream_begin(k, &s);
	for (unsigned i = 0; i < 5; i++) {
		stream_next(&s, true);
		assert_int_equal(stream_take(k, &s), TSIG_OK);
	}
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < TSIG_UNSIGNED_MAX; i++) {
			stream_next(&s, false);
			assert_int_equal(stream_take(k, &s), TSIG_LATER);
		}
		stream_next(&s, true);
		assert_int_equal(stream_take(k, &s), TSIG_OK);
	}
	assert_true(tsig_finish(&s.client, &k->fs));
	assert_null(k->fs.head);
	stream_next(&s, false);
	assert_int_equal(stream_take(k, &s), TSIG_LATER);
	assert_false(tsig_finish(&s.client, &k->fs));
	assert_int_equal(n_found(&k->fs, TSIG_MISSING), 1);
	stream_end(&s);
}

/* A server's clock that is set back meanwhile: the times of the stream do not go back. */
static void
stream_times(void **state)
{
	struct kit *k = *state;
	static const int64_t at[] = { 0, 5, 2, -100, 7 }, want[] = { 0, 5, 5, 5, 7 };
	struct stream s;

	stream_begin(k, &s);
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		s.len = question(s.buf, sizeof(s.buf));
		s.buf[2] |= 0x80;
		assert_int_equal(tsig_sign(&s.server, s.buf, &s.len, sizeof(s.buf), NOW + at[i]), 0);
		assert_int_equal(s.server.time_sent, NOW + want[i]);
		assert_int_equal(stream_take(k, &s), TSIG_OK);
	}
	stream_end(&s);
}

static void
broken_streams(void **state)
{
	struct kit *k = *state;
	struct stream s;
	uint8_t *last;

	/* The first one must be signed. */
	stream_begin(k, &s);
	stream_next(&s, false);
	assert_int_equal(stream_take(k, &s), TSIG_FAILED);
	assert_int_equal(n_found(&k->fs, TSIG_MISSING), 1);
	stream_end(&s);
	/* One too many without. */
	stream_begin(k, &s);
	stream_next(&s, true);
	assert_int_equal(stream_take(k, &s), TSIG_OK);
	for (unsigned i = 0; i < TSIG_UNSIGNED_MAX; i++) {
		stream_next(&s, false);
		assert_int_equal(stream_take(k, &s), TSIG_LATER);
	}
	stream_next(&s, false);
	assert_int_equal(stream_take(k, &s), TSIG_FAILED);
	assert_int_equal(n_found(&k->fs, TSIG_UNSIGNED_MANY), 1);
	stream_end(&s);
	/* An unsigned one that was changed is found by the next signed one. */
	stream_begin(k, &s);
	stream_next(&s, true);
	assert_int_equal(stream_take(k, &s), TSIG_OK);
	stream_next(&s, false);
	last = &s.buf[s.len - 1];
	*last ^= 1;
	assert_int_equal(stream_take(k, &s), TSIG_LATER);
	stream_next(&s, true);
	assert_int_equal(stream_take(k, &s), TSIG_FAILED);
	assert_int_equal(n_found(&k->fs, TSIG_BADSIG), 1);
	stream_end(&s);
	/* One that is missing, too. */
	stream_begin(k, &s);
	stream_next(&s, true);
	assert_int_equal(stream_take(k, &s), TSIG_OK);
	stream_next(&s, true);
	stream_next(&s, true);
	assert_int_equal(stream_take(k, &s), TSIG_FAILED);
	assert_int_equal(n_found(&k->fs, TSIG_BADSIG), 2);
	stream_end(&s);
}

/* --- keys --- */

static void
one_key(void **state)
{
	struct kit *k = *state;
	const struct {
		const char	*text;
		enum wire_code	 found;
	} rows[] = {
		{ "", TSIG_KEY_SYNTAX },
		{ "name", TSIG_KEY_SYNTAX },
		{ "a:b:c:d", TSIG_KEY_SYNTAX },
		{ ":" SECRET, TSIG_KEY_NAME },
		{ "a..b:" SECRET, TSIG_KEY_NAME },
		{ "hmac-sha3:k:" SECRET, TSIG_KEY_ALGORITHM },
		{ "hmac-sha2560:k:" SECRET, TSIG_KEY_ALGORITHM },
		{ "hmac-sha256-120:k:" SECRET, TSIG_KEY_ALGORITHM },
		{ "hmac-sha256-129:k:" SECRET, TSIG_KEY_ALGORITHM },
		{ "hmac-sha256-264:k:" SECRET, TSIG_KEY_ALGORITHM },
		{ "hmac-sha1-72:k:" SECRET, TSIG_KEY_ALGORITHM },
		{ "k:", TSIG_KEY_SECRET },
		{ "k:AAE", TSIG_KEY_SECRET },
		{ "k:pass phrase!", TSIG_KEY_SECRET },
	};
	struct tsig_key key;
	char text[200];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		forget(k);
		assert_int_equal(tsig_key_parse(sv_str(rows[i].text), &k->fs, &key), -EINVAL);
		assert_int_equal(n_found(&k->fs, rows[i].found), 1);
		assert_int_equal(k->fs.n_kept, 1);
	}
	forget(k);
	key = key_of(k, "K.Example:AAECAwQFBgc=");
	assert_int_equal(n_found(&k->fs, TSIG_KEY_SHORT), 1);
	assert_int_equal(key.secret_len, 8);
	assert_int_equal(key.name.w[1], 'k');
	tsig_key_wipe(&key);
	assert_int_equal(key.secret_len, 0);
	assert_int_equal(key.secret[1], 0);
	/* The largest secret, and one octet more. */
	memset(text, 'A', sizeof(text));
	memcpy(text, "k:", 2);
	text[2 + 171] = '=';
	assert_int_equal(tsig_key_parse((struct sv){ text, 2 + 172 }, &k->fs, &key), 0);
	assert_int_equal(key.secret_len, TSIG_SECRET_MAX);
	text[2 + 171] = 'A';
	assert_int_equal(tsig_key_parse((struct sv){ text, 2 + 172 }, &k->fs, &key), -EINVAL);
}

#define GOOD	"key \"k.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"" SECRET "\";\n};\n"

static const struct {
	const char	*text;
	size_t		 n;		/* keys; with an error: 0 */
	enum wire_code	 found;		/* if there is an error */
	unsigned	 line;
} files[] = {
	{ "", 0, WIRE_CODE_MAX, 0 },
	{ GOOD, 1, WIRE_CODE_MAX, 0 },
	{ "# c\n// c\n/* c\n*/" GOOD "KEY l. {secret " SECRET ";algorithm HMAC-SHA512-256 ; } ; #", 2,
	    WIRE_CODE_MAX, 0 },
	{ GOOD "keys", 0, TSIG_KEY_SYNTAX, 5 },
	{ GOOD "key l {\nalgorithm hmac-sha256;\nalgorithm hmac-sha256; };", 0, TSIG_KEY_SYNTAX, 7 },
	{ "key l { algorithm hmac-sha256 secret \"" SECRET "\"; };", 0, TSIG_KEY_SYNTAX, 1 },
	{ "key l { algorithm hmac-sha256; secret \"" SECRET "\"; }", 0, TSIG_KEY_SYNTAX, 1 },
	{ "key l { algorithm hmac-sha256; secret \"" SECRET, 0, TSIG_KEY_SYNTAX, 1 },
	{ "key l { colour red; };", 0, TSIG_KEY_SYNTAX, 1 },
	{ "key", 0, TSIG_KEY_SYNTAX, 1 },
	{ GOOD "/* never closed", 0, TSIG_KEY_SYNTAX, 5 },
	{ GOOD "\n/*/", 0, TSIG_KEY_SYNTAX, 6 },
	{ "\n\nkey l { algorithm hmac-sha256; };", 0, TSIG_KEY_SECRET, 3 },
	{ "key l { secret \"" SECRET "\"; };", 0, TSIG_KEY_ALGORITHM, 1 },
	{ GOOD "\nkey K.EXAMPLE. { algorithm hmac-sha256; secret \"" SECRET "\"; };", 0,
	    TSIG_KEY_DOUBLE, 6 },
};

static void
key_files(void **state)
{
	struct kit *k = *state;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_cleanup_(tsig_keys_donep) struct tsig_keys ks = { NULL, 0 };
		bool bad = files[i].found != WIRE_CODE_MAX;

		forget(k);
		assert_int_equal(tsig_keys_parse(sv_str(files[i].text), SV("k.conf"), &k->fs, &ks),
		    bad ? -EINVAL : 0);
		assert_int_equal(ks.n, files[i].n);
		assert_int_equal(k->fs.n_kept, bad);
		if (!bad)
			continue;
		assert_int_equal(n_found(&k->fs, files[i].found), 1);
		assert_true(sv_eq_str(k->fs.head->subject, "k.conf"));
		assert_int_equal(k->fs.head->args[0].u, files[i].line);
	}
}

/* Written as it was read; enough of them that their place has to grow. */
static void
keys_again(void **state)
{
	struct kit *k = *state;
	_cleanup_(tsig_keys_donep) struct tsig_keys a = { NULL, 0 }, b = { NULL, 0 };
	struct buf text = BUF_INIT, again = BUF_INIT;
	struct dname n = nm("K57.example.");

	for (unsigned i = 0; i < 100; i++)
		buf_printf(&text, "key k%u.example { algorithm %s; secret \"%s\"; };\n", i,
		    i % 2 == 0 ? "hmac-sha256" : "hmac-sha512-256", i % 3 == 0 ? SECRET : OTHER);
	assert_int_equal(tsig_keys_parse(buf_get(&text), SV(""), &k->fs, &a), 0);
	assert_int_equal(a.n, 100);
	for (size_t i = 0; i < a.n; i++)
		tsig_key_print(&again, &a.keys[i]);
	assert_int_equal(tsig_keys_parse(buf_get(&again), SV(""), &k->fs, &b), 0);
	assert_int_equal(b.n, a.n);
	for (size_t i = 0; i < a.n; i++) {
		assert_true(dname_eq(&a.keys[i].name, &b.keys[i].name));
		assert_int_equal(a.keys[i].mac_len, b.keys[i].mac_len);
		assert_int_equal(a.keys[i].alg, b.keys[i].alg);
		assert_memory_equal(a.keys[i].secret, b.keys[i].secret, a.keys[i].secret_len);
	}
	assert_ptr_equal(tsig_keys_find(&a, &n), &a.keys[57]);
	n = nm("k100.example.");
	assert_null(tsig_keys_find(&a, &n));
	buf_done(&text);
	buf_done(&again);
}

TESTS_MAIN("dns/tsig", TK(as_others_do), TK(streams_of_others), TK(algorithms), TK(refusals),
    TK(every_octet), TK(places), TK(lengths), TK(forged_answers), TK(replays),
    TK(replays_many), TK(streams), TK(stream_times), TK(broken_streams), TK(one_key), TK(key_files), TK(keys_again))
