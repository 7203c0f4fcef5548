/* Signing and verifying messages (RFC 8945). */
#include <errno.h>

#include "dns/wire.h"
#include "dns/wire_internal.h"

#define CLASS_ANY	255
#define TIME_LEN	6		/* octets of a time */
#define ALG_NAME_MAX	sizeof("hmac-md5.sig-alg.reg.int.")

/* The record, as it came. */
struct tsig_rr {
	size_t		at;		/* where it begins */
	struct dname	name, alg;	/* lower case */
	uint64_t	time;
	uint16_t	fudge, id, error;
	struct sv	mac, other;
};

int
tsig_begin(struct tsig *t, const struct tsig_key *key)
{
	*t = (struct tsig){ .key = key };
	if (key == NULL)
		return 0;
	t->sign_len = key->mac_len;
	t->h = crypto_hmac_new(key->alg, (struct sv){ (const char *)key->secret, key->secret_len });
	return t->h == NULL ? -ENOMEM : 0;
}

void
tsig_done(struct tsig *t)
{
	t->h = crypto_hmac_free(t->h);
	t->key = NULL;
}

static bool
is_name(const struct dname *n, const char *text)
{
	struct dname want;

	return dname_parse(sv_str(text), NULL, &want) == 0 && dname_eq(n, &want);
}

static void
alg_name(enum crypto_hmac_alg alg, struct dname *ret)
{
	if (dname_parse(sv_str(tsig_alg_str(alg)), NULL, ret) < 0)
		*ret = DNAME_ROOT;
}

/*
 * The longest MAC that a key makes under the name of an algorithm; 0: another algorithm.
 * RFC 8945 section 6 has names of their own for three lengths; we answer under them, and
 * ask under the plain ones only, which all know.
 */
static size_t
alg_mac_max(const struct tsig_key *k, const struct dname *name)
{
	static const struct {
		const char		*name;
		enum crypto_hmac_alg	 alg;
		uint8_t			 len;
	} cut[] = {
		{ "hmac-sha256-128", CRYPTO_HMAC_SHA256, 16 },
		{ "hmac-sha384-192", CRYPTO_HMAC_SHA384, 24 },
		{ "hmac-sha512-256", CRYPTO_HMAC_SHA512, 32 },
	};

	if (is_name(name, tsig_alg_str(k->alg)))
		return crypto_hmac_len(k->alg);
	for (size_t i = 0; i < ARRAY_LEN(cut); i++)
		if (cut[i].alg == k->alg && is_name(name, cut[i].name))
			return cut[i].len;
	return 0;
}

/* --- finding it --- */

static void
name_skip(struct rd *r)
{
	uint8_t len;

	while ((len = rd_u8(r)) != 0) {
		if (len >= 0xc0) {
			(void)rd_u8(r);
			return;
		}
		if (len > DNS_LABEL_MAX)
			r->bad = true;
		(void)rd_bytes(r, len);
	}
}

/* To behind the next record; its type. */
static uint16_t
rr_skip(struct rd *r)
{
	uint16_t type;

	name_skip(r);
	type = rd_be16(r);
	(void)rd_bytes(r, 6);
	(void)rd_bytes(r, rd_be16(r));
	return type;
}

/* Octets in front of the last record if that is a TSIG, 0 if there is none; -EBADMSG. */
static int
tsig_find(struct dmsg *m, size_t *ret_at)
{
	size_t n = (size_t)m->head.n[DNS_ANSWER] + m->head.n[DNS_AUTHORITY] + m->head.n[DNS_ADDITIONAL];
	struct rd r = m->r;
	uint16_t type = 0;
	size_t at = 0;

	for (unsigned i = 0; i < m->head.n[DNS_QUESTION]; i++) {
		name_skip(&r);
		(void)rd_be32(&r);
	}
	for (size_t i = 0; i < n && !r.bad; i++) {
		/* RFC 8945 section 5.1: the only one, and the last record of all. */
		if (type == RR_TSIG)
			return -EBADMSG;
		at = m->wire.n - rd_left(&r);
		type = rr_skip(&r);
	}
	if (!rd_done(&r) || (type == RR_TSIG && m->head.n[DNS_ADDITIONAL] == 0))
		return -EBADMSG;
	*ret_at = type == RR_TSIG ? at : 0;
	return 0;
}

static uint64_t
rd_time(struct rd *r)
{
	uint64_t hi = rd_be16(r);

	return hi << 32 | rd_be32(r);
}

static int
tsig_rr_parse(struct dmsg *m, size_t at, struct tsig_rr *ret)
{
	struct rd r = rd_sv(sv_skip(m->wire, at)), data;
	uint16_t class;
	uint32_t ttl;

	ret->at = at;
	dname_rd_wire(&r, m->wire, &ret->name);
	(void)rd_be16(&r);
	class = rd_be16(&r);
	ttl = rd_be32(&r);
	data = rd_sub(&r, rd_be16(&r));
	dname_rd_wire(&data, m->wire, &ret->alg);
	ret->time = rd_time(&data);
	ret->fudge = rd_be16(&data);
	ret->mac = rd_slice(&data, rd_be16(&data));
	ret->id = rd_be16(&data);
	ret->error = rd_be16(&data);
	ret->other = rd_slice(&data, rd_be16(&data));
	if (r.bad || !rd_done(&data) || class != CLASS_ANY || ttl != 0)
		return -EBADMSG;
	dns_lower(ret->name.w, ret->name.len);
	dns_lower(ret->alg.w, ret->alg.len);
	return 0;
}

/* 1 with the record, 0: none; -EBADMSG. */
static int
tsig_read(struct sv wire, uint8_t *room, struct dns_head *head, struct tsig_rr *ret)
{
	struct dmsg m;
	size_t at;

	if (dmsg_open(&m, wire, room) < 0 || tsig_find(&m, &at) < 0)
		return -EBADMSG;
	*head = m.head;
	if (at == 0)
		return 0;
	return tsig_rr_parse(&m, at, ret) < 0 ? -EBADMSG : 1;
}

/* --- digests (RFC 8945 section 4.3) --- */

/* The MAC before this one, with its length. */
static void
digest_prior(struct tsig *t)
{
	uint8_t len[2] = { 0, t->mac_len };

	if (t->mac_len == 0)
		return;
	crypto_hmac_update(t->h, len, sizeof(len));
	crypto_hmac_update(t->h, t->mac, t->mac_len);
}

/* The message without its TSIG and under its first id. */
static void
digest_message(struct tsig *t, struct sv wire, const struct tsig_rr *rr)
{
	struct rd r = rd_sv(wire);
	uint8_t head[DNS_HEAD_LEN];

	memcpy(head, rd_bytes(&r, DNS_HEAD_LEN), DNS_HEAD_LEN);
	put_be16(head, rr->id);
	put_be16(head + 10, (uint16_t)((head[10] << 8 | head[11]) - 1));
	crypto_hmac_update(t->h, head, sizeof(head));
	crypto_hmac_update(t->h, r.p, rr->at - DNS_HEAD_LEN);
}

static void
digest_variables(struct tsig *t, const struct tsig_rr *rr)
{
	uint8_t room[2 * DNS_NAME_MAX + 32];
	struct wr w = wr_mem(room, sizeof(room));

	if (!t->stream) {
		wr_bytes(&w, rr->name.w, rr->name.len);
		wr_be16(&w, CLASS_ANY);
		wr_be32(&w, 0);
		wr_bytes(&w, rr->alg.w, rr->alg.len);
	}
	wr_be16(&w, (uint16_t)(rr->time >> 32));
	wr_be32(&w, (uint32_t)rr->time);
	wr_be16(&w, rr->fudge);
	if (!t->stream) {
		wr_be16(&w, rr->error);
		wr_be16(&w, (uint16_t)rr->other.n);
	}
	crypto_hmac_update(t->h, room, w.len);
	if (!t->stream)
		crypto_hmac_update(t->h, rr->other.p, rr->other.n);
}

static void
mac_make(struct tsig *t, struct sv wire, const struct tsig_rr *rr,
    uint8_t ret[static CRYPTO_HMAC_LEN_MAX])
{
	if (t->n_unsigned == 0)
		digest_prior(t);
	digest_message(t, wire, rr);
	digest_variables(t, rr);
	crypto_hmac_final(t->h, ret);
}

static void
mac_keep(struct tsig *t, struct sv mac)
{
	memcpy(t->mac, mac.p, mac.n);
	t->mac_len = (uint8_t)mac.n;
	t->n_unsigned = 0;
}

/* --- signing --- */

/* RFC 8945 section 5.3.2: an answer to a wrong key or signature is not signed. */
static bool
is_unsigned(const struct tsig *t)
{
	return t->error == DNS_BADKEY || t->error == DNS_BADSIG;
}

size_t
tsig_room(const struct tsig *t)
{
	size_t names;

	if (t->key == NULL && t->error == 0)
		return 0;
	names = t->name.len > 0 ? t->name.len + (size_t)t->alg.len : t->key->name.len + ALG_NAME_MAX;
	return names + 10 + 16 + TIME_LEN + CRYPTO_HMAC_LEN_MAX;
}

static void
tsig_rr_write(struct wr *w, const struct tsig_rr *rr)
{
	uint8_t *len;
	size_t data;

	wr_bytes(w, rr->name.w, rr->name.len);
	wr_be16(w, RR_TSIG);
	wr_be16(w, CLASS_ANY);
	wr_be32(w, 0);
	len = wr_reserve(w, 2);
	data = w->len;
	wr_bytes(w, rr->alg.w, rr->alg.len);
	wr_be16(w, (uint16_t)(rr->time >> 32));
	wr_be32(w, (uint32_t)rr->time);
	wr_be16(w, rr->fudge);
	wr_be16(w, (uint16_t)rr->mac.n);
	wr_bytes(w, rr->mac.p, rr->mac.n);
	wr_be16(w, rr->id);
	wr_be16(w, rr->error);
	wr_be16(w, (uint16_t)rr->other.n);
	wr_bytes(w, rr->other.p, rr->other.n);
	if (!w->bad)
		put_be16(len, (uint16_t)(w->len - data));
}

/*
 * RFC 8945 section 5.3.1: "the successive TSIG records in the stream will have
 * non-decreasing Time Signed fields", also where a clock is set back meanwhile.
 */
static uint64_t
sign_time(const struct tsig *t, int64_t now)
{
	return t->stream && t->time_sent > (uint64_t)now ? t->time_sent : (uint64_t)now;
}

/* What goes into the record, without its MAC. */
static void
tsig_rr_init(const struct tsig *t, const uint8_t *msg, size_t len, int64_t now,
    uint8_t other[static TIME_LEN], struct tsig_rr *ret)
{
	*ret = (struct tsig_rr){
		.at = len,
		.time = t->error == 0 ? sign_time(t, now) : t->time_signed,
		.fudge = t->error == 0 ? TSIG_FUDGE : t->fudge,
		.id = (uint16_t)(msg[0] << 8 | msg[1]),
		.error = t->error,
	};
	if (t->name.len > 0) {			/* as the request has them */
		ret->name = t->name;
		ret->alg = t->alg;
	} else {
		ret->name = t->key->name;
		alg_name(t->key->alg, &ret->alg);
	}
	/* Section 5.2.3: the client's time, and ours in the other data. */
	if (t->error == DNS_BADTIME) {
		put_be16(other, (uint16_t)((uint64_t)now >> 32));
		put_be32(other + 2, (uint32_t)now);
		ret->other = (struct sv){ (const char *)other, TIME_LEN };
	}
}

int
tsig_sign(struct tsig *t, uint8_t *msg, size_t *len, size_t cap, int64_t now)
{
	struct wr w = wr_mem(msg, min_size(cap, DNS_MSG_MAX));
	uint8_t mac[CRYPTO_HMAC_LEN_MAX] = { 0 }, other[TIME_LEN];
	uint16_t n;
	struct tsig_rr rr;

	if (t->key == NULL && t->error == 0)
		return 0;
	if (wr_reserve(&w, *len) == NULL || *len < DNS_HEAD_LEN)
		return -ENOSPC;
	n = (uint16_t)(msg[10] << 8 | msg[11]);
	tsig_rr_init(t, msg, *len, now, other, &rr);
	if (!is_unsigned(t))
		rr.mac = (struct sv){ (const char *)mac, t->sign_len };
	tsig_rr_write(&w, &rr);			/* does it fit? */
	if (w.bad || n == UINT16_MAX)
		return -ENOSPC;
	put_be16(msg + 10, (uint16_t)(n + 1));
	if (!is_unsigned(t)) {
		mac_make(t, (struct sv){ (const char *)msg, w.len }, &rr, mac);
		w.len = *len;
		tsig_rr_write(&w, &rr);
		mac_keep(t, rr.mac);
	}
	t->stream = t->server;
	t->time_sent = rr.time;
	*len = w.len;
	return 0;
}

/* --- verifying --- */

static int
failed(struct findings *fs, enum wire_code code, const struct tsig_rr *rr)
{
	char name[DNAME_STRLEN];

	finding_add(fs, &wire_findings[code], FA_STR("key", dname_str(&rr->name, name)));
	return TSIG_FAILED;
}

static int
malformed(struct findings *fs)
{
	finding_add0(fs, &wire_findings[TSIG_FORMAT]);
	return TSIG_FAILED;
}

static bool
is_key(const struct tsig_key *k, const struct tsig_rr *rr)
{
	return dname_eq(&k->name, &rr->name) && alg_mac_max(k, &rr->alg) > 0;
}

/* RFC 8945 section 5.2.2.1: longer than it can be, or shorter than it may be, is a format error. */
static bool
mac_len_ok(const struct tsig_key *k, const struct tsig_rr *rr)
{
	return rr->mac.n <= alg_mac_max(k, &rr->alg) && rr->mac.n >= tsig_mac_min(k->alg);
}

static bool
is_in_time(const struct tsig_rr *rr, int64_t now)
{
	uint64_t at = (uint64_t)now, apart = at > rr->time ? at - rr->time : rr->time - at;

	return apart <= rr->fudge;
}

/*
 * In the order of RFC 8945 section 5.2: key (done), MAC, time, truncation. 0 or the error
 * that it is.
 */
static enum dns_rcode
judge(struct tsig *t, struct sv wire, const struct tsig_rr *rr, int64_t now)
{
	uint8_t mac[CRYPTO_HMAC_LEN_MAX];

	mac_make(t, wire, rr, mac);
	if (!crypto_equal(mac, rr->mac.p, rr->mac.n))
		return DNS_BADSIG;
	mac_keep(t, rr->mac);
	if (!is_in_time(rr, now))
		return DNS_BADTIME;
	return rr->mac.n < t->key->mac_len ? DNS_BADTRUNC : DNS_NOERROR;
}

static int
judged(unsigned error, const struct tsig_rr *rr, int64_t now, struct findings *fs)
{
	char name[DNAME_STRLEN];

	if (error == 0)
		return TSIG_OK;
	if (error == DNS_BADTIME) {
		finding_add(fs, &wire_findings[TSIG_BADTIME], FA_STR("key", dname_str(&rr->name, name)),
		    FA_TIME("signed", rr->time), FA_TIME("now", now), FA_U("fudge", rr->fudge));
		return TSIG_FAILED;
	}
	return failed(fs, error == DNS_BADTRUNC ? TSIG_BADTRUNC : TSIG_BADSIG, rr);
}

int
tsig_request(struct tsig *t, const struct tsig_keys *keys, struct sv wire, uint8_t *room,
    int64_t now, struct findings *fs, uint16_t *ret_rcode)
{
	const struct tsig_key *key;
	struct dns_head head;
	struct tsig_rr rr;
	int rc = tsig_read(wire, room, &head, &rr);

	*t = (struct tsig){ .server = true };
	*ret_rcode = DNS_NOERROR;
	if (rc == 0)
		return TSIG_NONE;
	*ret_rcode = DNS_FORMERR;
	if (rc < 0)
		return malformed(fs);
	*ret_rcode = DNS_NOTAUTH;
	t->name = rr.name;
	t->alg = rr.alg;
	t->time_signed = rr.time;
	t->fudge = rr.fudge;
	key = tsig_keys_find(keys, &rr.name);
	if (key == NULL || !is_key(key, &rr)) {
		t->error = DNS_BADKEY;
		return failed(fs, TSIG_BADKEY, &rr);
	}
	if (!mac_len_ok(key, &rr)) {
		*ret_rcode = DNS_FORMERR;
		return malformed(fs);
	}
	t->h = crypto_hmac_new(key->alg, (struct sv){ (const char *)key->secret, key->secret_len });
	if (t->h == NULL)
		return -ENOMEM;
	t->key = key;
	/* As long as the request's, so that who wants a long one gets it. */
	t->sign_len = (uint8_t)min_size(max_size(key->mac_len, rr.mac.n), alg_mac_max(key, &rr.alg));
	t->error = (uint16_t)judge(t, wire, &rr, now);
	if (t->error == 0)
		*ret_rcode = DNS_NOERROR;
	return judged(t->error, &rr, now, fs);
}

/* A message of the answer without a TSIG. */
static int
answer_unsigned(struct tsig *t, struct sv wire, const struct dns_head *head, struct findings *fs)
{
	char rcode[DNS_RCODE_STRLEN];

	if (t->key == NULL)
		return TSIG_NONE;
	if (!t->stream) {
		finding_add(fs, &wire_findings[TSIG_MISSING],
		    FA_STR("rcode", dns_rcode_str(head->rcode, false, rcode)));
		return TSIG_FAILED;
	}
	if (t->n_unsigned >= TSIG_UNSIGNED_MAX) {
		finding_add(fs, &wire_findings[TSIG_UNSIGNED_MANY], FA_U("max", TSIG_UNSIGNED_MAX));
		return TSIG_FAILED;
	}
	if (t->n_unsigned++ == 0)
		digest_prior(t);
	crypto_hmac_update(t->h, wire.p, wire.n);
	return TSIG_LATER;
}

/* The other side says that it did not like our request. */
static int
answer_error(const struct tsig_rr *rr, struct findings *fs)
{
	char rcode[DNS_RCODE_STRLEN], name[DNAME_STRLEN];
	struct rd other = rd_sv(rr->other);
	uint64_t at = rd_time(&other);

	/* Section 5.4.3: the server's time "SHOULD be logged", and no clock is set by it. */
	if (rr->error == DNS_BADTIME && rd_done(&other)) {
		finding_add(fs, &wire_findings[TSIG_PEER_TIME], FA_STR("key", dname_str(&rr->name, name)),
		    FA_TIME("signed", rr->time), FA_TIME("now", at));
		return TSIG_FAILED;
	}
	finding_add(fs, &wire_findings[TSIG_PEER_ERROR], FA_STR("key", dname_str(&rr->name, name)),
	    FA_STR("rcode", dns_rcode_str(rr->error, true, rcode)));
	return TSIG_FAILED;
}

int
tsig_answer(struct tsig *t, struct sv wire, uint8_t *room, int64_t now, struct findings *fs)
{
	struct dns_head head;
	struct tsig_rr rr;
	enum dns_rcode error;
	int rc = tsig_read(wire, room, &head, &rr);

	t->genuine = false;
	if (rc < 0 || (rc > 0 && t->key == NULL))
		return malformed(fs);
	if (rc == 0)
		return answer_unsigned(t, wire, &head, fs);
	if (rr.mac.n == 0 && rr.error != 0)
		return answer_error(&rr, fs);
	/* Under the name that we asked with (section 5.4.1). */
	if (!is_key(t->key, &rr) || !is_name(&rr.alg, tsig_alg_str(t->key->alg)))
		return failed(fs, TSIG_BADKEY, &rr);
	if (!mac_len_ok(t->key, &rr))
		return malformed(fs);
	error = judge(t, wire, &rr, now);
	t->genuine = error != DNS_BADSIG;
	if (t->genuine && rr.error != 0)
		return answer_error(&rr, fs);
	t->stream |= t->genuine;
	return judged(error, &rr, now, fs);
}

bool
tsig_finish(struct tsig *t, struct findings *fs)
{
	if (t->key == NULL || (t->stream && t->n_unsigned == 0))
		return true;
	finding_add(fs, &wire_findings[TSIG_MISSING], FA_STR("rcode", "NOERROR"));
	return false;
}
