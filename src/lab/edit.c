/*
 * Edits of DER by path. A path is words between slashes, from the outermost
 * element inwards; the empty path is that element itself:
 *
 *	3	the fourth member
 *	$	the last member
 *	x:OID	the member whose first member is this object identifier
 *	>	what an OCTET STRING or BIT STRING encloses
 *
 * "$/0/x:2.5.29.19/$/>/0" of a TBSCertificate: its last field, the list in
 * it, the extension, its value, the sequence inside it, its first member.
 *
 * Everything on the way down gets its length anew; all else is copied.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "lab/internal.h"

#define DEPTH_MAX	24

struct edit_run {
	const struct lab_edit	*e;
	struct wr		*out;
	struct sv		 arg;		/* decoded */
	bool			 hit;
};

/* The next element; the reader is left behind it. */
static bool
tlv_next(struct rd *r, struct sv *ret_whole, uint8_t *ret_tag, struct sv *ret_content)
{
	const uint8_t *start = r->p;
	size_t n;

	*ret_tag = rd_u8(r);
	n = rd_u8(r);
	if (n > 0x80) {
		unsigned k = (unsigned)n & 0x7f;

		for (n = 0; k > 0; k--)
			n = n << 8 | rd_u8(r);
	}
	*ret_content = rd_slice(r, n);
	*ret_whole = (struct sv){ (const char *)start, (size_t)(r->p - start) };
	return !r->bad;
}

static void
whole_write(struct wr *w, uint8_t tag, struct sv content)
{
	wder_tlv(w, tag, content.p, content.n);
}

/* One length octet more than needed; indefinite: none, and an end mark. */
static void
ber_write(struct wr *w, uint8_t tag, struct sv content, bool indefinite)
{
	wr_u8(w, tag);
	if (indefinite)
		wr_u8(w, 0x80);
	else if (content.n < 0x80)
		wr_u8(w, 0x81);
	else if (content.n < 0x100)
		wr_u8(w, 0x82);
	else
		wr_u8(w, 0x83);
	if (!indefinite && content.n >= 0x100)
		wr_u8(w, 0);
	if (!indefinite && content.n >= 0x80)
		wr_u8(w, (uint8_t)(content.n >> 8));
	if (!indefinite)
		wr_u8(w, (uint8_t)content.n);
	wr_bytes(w, content.p, content.n);
	if (indefinite)
		wr_be16(w, 0);
}

static void
flip_write(struct wr *w, uint8_t tag, struct sv content)
{
	whole_write(w, tag, content);
	if (wr_done(w) && content.n > 0)
		w->buf[w->len - 1] ^= 1;
}

static void
append_write(struct wr *w, uint8_t tag, struct sv head, struct sv tail)
{
	size_t at = wder_open(w, tag);

	wr_bytes(w, head.p, head.n);
	wr_bytes(w, tail.p, tail.n);
	wder_close(w, at);
}

/* Do it to the element found; rest: what follows it (for LAB_SWAP). */
static void
op_run(struct edit_run *x, struct sv whole, uint8_t tag, struct sv content, struct rd *rest)
{
	struct wr *w = x->out;
	struct sv next, c;
	uint8_t t;

	x->hit = true;
	switch (x->e->op) {
	case LAB_TWICE:
		wr_bytes(w, whole.p, whole.n);
		break;
	case LAB_SWAP:
		if (!tlv_next(rest, &next, &t, &c)) {
			x->hit = false;
			return;
		}
		wr_bytes(w, next.p, next.n);
		break;
	case LAB_BEFORE:
	case LAB_REPLACE:
		wr_bytes(w, x->arg.p, x->arg.n);
		break;
	case LAB_TAG:
		whole_write(w, (uint8_t)x->arg.p[0], content);
		return;
	case LAB_VALUE:
		whole_write(w, tag, x->arg);
		return;
	case LAB_APPEND:
		append_write(w, tag, content, x->arg);
		return;
	case LAB_PAD:
		append_write(w, tag, SV("\0"), content);
		return;
	case LAB_FLIP:
		flip_write(w, tag, content);
		return;
	case LAB_LONG:
	case LAB_INDEFINITE:
		ber_write(w, tag, content, x->e->op == LAB_INDEFINITE);
		return;
	default:
		break;
	}
	if (x->e->op != LAB_DROP && x->e->op != LAB_REPLACE)
		wr_bytes(w, whole.p, whole.n);
}

/* Does content begin with this object identifier? */
static bool
oid_leads(struct sv content, struct sv dotted)
{
	uint8_t buf[64];
	char text[64];
	struct wr w = wr_mem(buf, sizeof(buf));

	if (dotted.n >= sizeof(text))
		return false;
	memcpy(text, dotted.p, dotted.n);
	text[dotted.n] = '\0';
	wder_oid(&w, text);
	return wr_done(&w) && sv_starts(content, (struct sv){ (const char *)buf, w.len });
}

static bool
step_fits(struct sv step, uint32_t i, struct sv content, bool last)
{
	uint32_t n;

	if (sv_eq(step, SV("$")))
		return last;
	if (sv_starts(step, SV("x:")))
		return oid_leads(content, sv_skip(step, 2));
	return num_u32(step, 0, UINT32_MAX, &n) == 0 && n == i;
}

static void members_edit(struct edit_run *, struct sv content, struct sv path, unsigned depth);

/* One element, where the path (from it on) leads into or ends at it. */
static void
element_edit(struct edit_run *x, struct sv whole, uint8_t tag, struct sv content,
    struct rd *rest, struct sv path, unsigned depth)
{
	struct sv inner_path = path, step = sv_cut(&inner_path, '/');
	struct sv inner_whole, inner;
	uint8_t inner_tag;
	struct rd r;
	size_t at;

	if (path.n == 0) {
		op_run(x, whole, tag, content, rest);
		return;
	}
	at = wder_open(x->out, tag);
	if (!sv_eq(step, SV(">")))
		members_edit(x, content, path, depth + 1);
	else {
		if (tag == WDER_BITS) {
			wr_bytes(x->out, content.p, 1);
			content = sv_skip(content, 1);
		}
		r = rd_sv(content);
		if (tlv_next(&r, &inner_whole, &inner_tag, &inner))
			element_edit(x, inner_whole, inner_tag, inner, &r, inner_path, depth + 1);
	}
	wder_close(x->out, at);
}

static void
members_edit(struct edit_run *x, struct sv content, struct sv path, unsigned depth)
{
	struct sv rest = path, step = sv_cut(&rest, '/');
	struct sv whole, inner;
	struct rd r = rd_sv(content);
	uint8_t tag;

	for (uint32_t i = 0; depth < DEPTH_MAX && rd_left(&r) > 0; i++) {
		if (!tlv_next(&r, &whole, &tag, &inner))
			return;
		if (!x->hit && step_fits(step, i, inner, rd_left(&r) == 0))
			element_edit(x, whole, tag, inner, &r, rest, depth);
		else
			wr_bytes(x->out, whole.p, whole.n);
	}
}

static int
edit_apply(const struct lab_edit *e, struct sv in, struct wr *out, uint8_t *arg_buf)
{
	struct edit_run x = { .e = e, .out = out };
	struct sv whole, content, hex = sv_str(e->arg);
	struct rd r = rd_sv(in);
	uint8_t tag;

	if (hex.n > 0 && hex_decode(arg_buf, hex.n / 2, hex) < 0)
		return -EINVAL;
	x.arg = (struct sv){ (const char *)arg_buf, hex.n / 2 };
	if (e->op == LAB_TAIL || e->op == LAB_CUT) {
		wr_bytes(out, in.p, in.n - (e->op == LAB_CUT));
		wr_bytes(out, x.arg.p, x.arg.n);
		return wr_done(out) ? 0 : -E2BIG;
	}
	if (!tlv_next(&r, &whole, &tag, &content))
		return -EINVAL;
	element_edit(&x, whole, tag, content, &r, sv_str(e->path), 0);
	/* what a former edit hung behind the element stays there */
	if (wr_done(out))
		wr_bytes(out, (const char *)r.p, rd_left(&r));
	if (!wr_done(out))
		return -E2BIG;
	return x.hit ? 0 : -ENOENT;
}

static int
edit_one(const struct lab_edit *e, uint8_t **bytes, size_t *n)
{
	size_t arg = e->arg == NULL ? 0 : strlen(e->arg) / 2;
	size_t cap = 2 * *n + arg + 64;
	uint8_t *buf = malloc(cap + arg + 1);
	struct wr w = wr_mem(buf, cap);
	int rc;

	if (buf == NULL)
		return -ENOMEM;
	rc = edit_apply(e, (struct sv){ (const char *)*bytes, *n }, &w, buf + cap);
	if (rc < 0) {
		free(buf);
		return rc;
	}
	free(*bytes);
	*bytes = buf;
	*n = w.len;
	return 0;
}

int
lab_edit(const struct lab_edits *list, enum lab_stage stage, uint8_t **bytes, size_t *n)
{
	for (; list != NULL; list = list->next) {
		int rc;

		if (list->e->stage != stage)
			continue;
		if ((rc = edit_one(list->e, bytes, n)) < 0)
			return rc;
	}
	return 0;
}
