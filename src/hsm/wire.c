/*
 * Questions and answers between this process and the one with the module. Both are ours, but
 * in the other one somebody else's code may have written over anything: so what comes from
 * there is read as a stranger's.
 */
#include <string.h>

#include "hsm/internal.h"
#include "sys/cell.h"

/* --- numbers --- */

static void
u8_put(struct buf *b, uint8_t v)
{
	buf_bytes(b, &v, sizeof(v));
}

static void
u32_put(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	put_be32(p, v);
	buf_bytes(b, p, sizeof(p));
}

void
hsm_sv_put(struct buf *b, struct sv s)
{
	u32_put(b, (uint32_t)s.n);
	buf_sv(b, s);
}

struct sv
hsm_sv_get(struct rd *r, size_t max)
{
	size_t n = rd_be32(r);

	if (n > max)
		r->bad = true;
	return r->bad ? (struct sv){ NULL, 0 } : rd_slice(r, n);
}

static bool
bool_get(struct rd *r)
{
	uint8_t v = rd_u8(r);

	r->bad = r->bad || v > 1;
	return v == 1;
}

static void
octets_get(struct rd *r, void *dst, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	if (p != NULL)
		memcpy(dst, p, n);
}

/* With a NUL behind it, and none within. */
static void
text_get(struct rd *r, char *dst, size_t size)
{
	struct sv s = hsm_sv_get(r, size - 1);

	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		r->bad = true;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

/* --- heads --- */

void
hsm_ask_head_put(struct buf *b, const struct hsm_ask_head *h)
{
	u8_put(b, (uint8_t)h->what);
	u8_put(b, h->is_seen);
	buf_bytes(b, h->label, sizeof(h->label));
	buf_bytes(b, h->serial, sizeof(h->serial));
}

bool
hsm_ask_head_get(struct rd *r, struct hsm_ask_head *h)
{
	uint8_t what = rd_u8(r);

	h->what = what;
	h->is_seen = bool_get(r);
	octets_get(r, h->label, sizeof(h->label));
	octets_get(r, h->serial, sizeof(h->serial));
	return !r->bad && what < ASK_MAX;
}

void
hsm_answer_head_put(struct buf *b, const struct hsm_answer_head *h)
{
	u32_put(b, (uint32_t)-h->rc);
	u32_put(b, (uint32_t)((uint64_t)h->rv >> 32));
	u32_put(b, (uint32_t)h->rv);
	u32_put(b, h->n_fit);
	u32_put(b, h->n_tokens);
	u8_put(b, h->is_seen);
	buf_bytes(b, h->label, sizeof(h->label));
	buf_bytes(b, h->serial, sizeof(h->serial));
}

/* What went well has no trouble, and what has not has one. */
bool
hsm_answer_head_get(struct rd *r, struct hsm_answer_head *h)
{
	uint32_t rc = rd_be32(r);

	r->bad = r->bad || rc > 1 << 20;
	h->rc = r->bad ? 0 : -(int)rc;
	h->rv = (CK_RV)rd_be64(r);
	h->n_fit = rd_be32(r);
	h->n_tokens = rd_be32(r);
	h->is_seen = bool_get(r);
	octets_get(r, h->label, sizeof(h->label));
	octets_get(r, h->serial, sizeof(h->serial));
	return !r->bad && (h->rc == 0) == (h->rv == CKR_OK);
}

void
hsm_hello_put(struct buf *b, const struct hsm_hello *h)
{
	u8_put(b, (uint8_t)h->code);
	u8_put(b, h->is_msg);
	hsm_sv_put(b, sv_str(h->file));
	hsm_sv_put(b, sv_str(h->what));
}

bool
hsm_hello_get(struct rd *r, struct hsm_hello *h)
{
	uint8_t code = rd_u8(r);

	h->code = code;
	h->is_msg = bool_get(r);
	text_get(r, h->file, sizeof(h->file));
	text_get(r, h->what, sizeof(h->what));
	return rd_done(r) && (code == HSM_FINDING_MAX || code == HSM_MODULE_LOAD || code == HSM_PIN_FILE);
}

/* --- keys --- */

void
hsm_info_put(struct buf *b, const struct hsm_key_info *k)
{
	hsm_sv_put(b, k->id);
	hsm_sv_put(b, k->label);
	u8_put(b, (uint8_t)k->kind);
	u8_put(b, k->may_leave);
}

bool
hsm_info_get(struct rd *r, struct hsm_key_info *k)
{
	uint8_t kind;

	k->id = hsm_sv_get(r, HSM_ID_MAX);
	k->label = hsm_sv_get(r, HSM_LABEL_MAX);
	kind = rd_u8(r);
	k->may_leave = bool_get(r);
	r->bad = r->bad || kind > HSM_KIND_MAX;
	k->kind = r->bad ? HSM_KIND_MAX : (enum hsm_kind)kind;
	return !r->bad;
}

void
hsm_key_put(struct buf *b, const struct hsm_key *k)
{
	hsm_info_put(b, &k->info);
	u8_put(b, k->by_label);
}

bool
hsm_key_get(struct rd *r, struct hsm_key *k)
{
	struct hsm_key_info i;

	if (!hsm_info_get(r, &i))
		return false;
	if (i.id.n > 0)
		memcpy(k->id, i.id.p, i.id.n);
	if (i.label.n > 0)
		memcpy(k->label, i.label.p, i.label.n);
	k->info = (struct hsm_key_info){ { k->id, i.id.n }, { k->label, i.label.n }, i.kind, i.may_leave };
	k->by_label = bool_get(r);
	return !r->bad;
}

void
hsm_key_whole_put(struct buf *b, const struct hsm_key *k)
{
	hsm_key_put(b, k);
	hsm_sv_put(b, k->public.modulus);
	hsm_sv_put(b, k->public.exponent);
	hsm_sv_put(b, k->public.point);
}

bool
hsm_key_whole_get(struct rd *r, struct hsm_key *k)
{
	struct sv *parts[] = { &k->public.modulus, &k->public.exponent, &k->public.point };

	if (!hsm_key_get(r, k) || k->info.kind == HSM_KIND_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct sv s = hsm_sv_get(r, HSM_ATTR_MAX);

		if (s.n > 0)
			memcpy(k->part[i], s.p, s.n);
		*parts[i] = (struct sv){ k->part[i], s.n };
	}
	return rd_done(r);
}

/* --- frames --- */

int
hsm_frame_write(int fd, struct sv s, int64_t until)
{
	uint8_t head[4];
	int rc;

	put_be32(head, (uint32_t)s.n);
	rc = cell_write(fd, head, sizeof(head), until);
	return rc < 0 ? rc : cell_write(fd, s.p, s.n, until);
}
