/* A mark in octets: see app/mail_mark.h. */
#include <errno.h>

#include "app/mail_mark.h"
#include "base/err.h"
#include "base/rd.h"

#define MAGIC	SV("sekisho-mark 1\n")

static void
text_write(struct buf *b, struct sv s)
{
	uint8_t n[2];

	put_be16(n, (uint16_t)s.n);
	buf_bytes(b, n, sizeof(n));
	buf_sv(b, s);
}

static struct sv
text_read(struct rd *r)
{
	return rd_slice(r, rd_be16(r));
}

int
mail_mark_key_write(struct buf *b, const struct mail_mark_key *k)
{
	const struct sv all[] = { k->org, k->author, k->domain, k->selector, k->location, k->evidence };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].n > MAIL_MARK_URI_MAX)
			return -E2BIG;
		text_write(b, all[i]);
	}
	return b->rc;
}

static void
key_read(struct rd *r, struct mail_mark_key *k)
{
	struct sv *const all[] = { &k->org, &k->author, &k->domain, &k->selector, &k->location, &k->evidence };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		*all[i] = text_read(r);
		r->bad |= all[i]->n > MAIL_MARK_URI_MAX;
	}
}

int
mail_mark_key_read(struct sv octets, struct mail_mark_key *ret)
{
	struct rd r = rd_sv(octets);
	struct mail_mark_key k;

	key_read(&r, &k);
	if (!rd_done(&r))
		return SE_SYNTAX;
	*ret = k;
	return 0;
}

static void
head_write(struct buf *b, const struct mail_mark *m)
{
	uint8_t head[18];

	head[0] = (uint8_t)m->result;
	head[1] = (uint8_t)m->authority;
	for (unsigned i = 0; i < 8; i++) {
		head[2 + i] = (uint8_t)((uint64_t)m->made >> (56 - 8 * i));
		head[10 + i] = (uint8_t)((uint64_t)m->until >> (56 - 8 * i));
	}
	buf_bytes(b, head, sizeof(head));
}

/* It stands in a comment of a field: nothing that could end either. */
static bool
why_ok(struct sv why)
{
	for (size_t i = 0; i < why.n; i++)
		if (why.p[i] < ' ' || why.p[i] > '~' || why.p[i] == '(' || why.p[i] == ')' || why.p[i] == '\\')
			return false;
	return why.n <= MAIL_MARK_WHY_MAX;
}

int
mail_mark_write(struct buf *b, const struct mail_mark_key *k, const struct mail_mark *m)
{
	size_t at = b->len;
	uint8_t digest[SHA256_LEN];
	int rc;

	if (!why_ok(m->why) || m->svg.n > MAIL_MARK_SVG_MAX)
		return -E2BIG;
	buf_sv(b, MAGIC);
	if ((rc = mail_mark_key_write(b, k)) < 0)
		return rc;
	head_write(b, m);
	text_write(b, m->why);
	text_write(b, m->svg);
	if (b->rc < 0)
		return b->rc;
	crypto_sha256(b->p + at, b->len - at, digest);
	buf_bytes(b, digest, sizeof(digest));
	return b->rc;
}

/* Only what we write ourselves; a damaged file has another sum. */
static bool
sum_ok(struct sv octets)
{
	uint8_t digest[SHA256_LEN];

	if (octets.n < SHA256_LEN)
		return false;
	crypto_sha256(octets.p, octets.n - SHA256_LEN, digest);
	return memcmp(octets.p + octets.n - SHA256_LEN, digest, SHA256_LEN) == 0;
}

int
mail_mark_read(struct sv octets, struct mail_mark_key *ret_key, struct mail_mark *ret)
{
	struct rd r = rd_sv(sv_take(octets, octets.n - (sum_ok(octets) ? SHA256_LEN : 0)));
	struct mail_mark_key k;
	struct mail_mark m = { .result = BIMI_FAIL };
	unsigned result, authority;

	if (!sum_ok(octets) || !sv_eq(rd_slice(&r, MAGIC.n), MAGIC))
		return SE_SYNTAX;
	key_read(&r, &k);
	result = rd_u8(&r);
	authority = rd_u8(&r);
	m.made = (int64_t)rd_be64(&r);
	m.until = (int64_t)rd_be64(&r);
	m.why = text_read(&r);
	m.svg = text_read(&r);
	if (!rd_done(&r) || (result != BIMI_PASS && result != BIMI_FAIL) || authority > BIMI_DISPROVED ||
	    !why_ok(m.why) || m.svg.n > MAIL_MARK_SVG_MAX)
		return SE_SYNTAX;
	m.result = (enum bimi_result)result;
	m.authority = (enum bimi_authority)authority;
	*ret_key = k;
	*ret = m;
	return 0;
}
