/*
 * The files of a point that was judged good, as the point remembers them. When
 * its manifest changes, most of them are byte for byte what they were: those
 * are not parsed again, and their signatures not even looked up. What does not
 * lie in a file is judged as always: is it listed, is it revoked, is it its
 * time. And after a day it is parsed again (RPKI_AGAIN_SEC).
 *
 * All of a file's verdict but that follows from its bytes, its name and its CA,
 * and the CA is the same (rpki_ca_same()); so is the name of the revocation list.
 *
 * A record, as the bytes of rpki_point.files:
 *	type 1, length of the name 1, of the serial number 1, is it a router's 1,
 *	payloads 4, SHA-256 32, notBefore 8, notAfter 8, judged 8, name, serial
 * Records lie in the order of the payloads and children that they gave.
 */
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/timefmt.h"
#include "rpki/point.h"

#define RECORD_MIN	64

struct record {
	enum rpki_type	 type;
	bool		 is_router;
	size_t		 n;		/* VRPs, router keys */
	size_t		 first;		/* of them in the point's list; or of ASPAs, children */
	const uint8_t	*hash;
	int64_t		 not_before, not_after, judged;
	struct sv	 name, serial;
};

/* Where the next record's payloads begin. */
struct place {
	size_t		 vrps, aspas, keys, children;
};

static bool
record_read(struct rd *r, struct record *ret)
{
	struct record x = { .type = rd_u8(r) };
	size_t name_len = rd_u8(r), serial_len = rd_u8(r);
	uint8_t is_router = rd_u8(r);

	x.is_router = is_router == 1;
	x.n = rd_be32(r);
	x.hash = rd_bytes(r, SHA256_LEN);
	x.not_before = (int64_t)rd_be64(r);
	x.not_after = (int64_t)rd_be64(r);
	x.judged = (int64_t)rd_be64(r);
	x.name = rd_slice(r, name_len);
	x.serial = rd_slice(r, serial_len);
	*ret = x;
	return !r->bad && is_router <= (x.type == RPKI_CER);
}

static void
record_write(struct wr *w, const struct record *x)
{
	wr_u8(w, (uint8_t)x->type);
	wr_u8(w, (uint8_t)x->name.n);
	wr_u8(w, (uint8_t)x->serial.n);
	wr_u8(w, x->is_router);
	wr_be32(w, (uint32_t)x->n);
	wr_bytes(w, x->hash, SHA256_LEN);
	wr_be64(w, (uint64_t)x->not_before);
	wr_be64(w, (uint64_t)x->not_after);
	wr_be64(w, (uint64_t)x->judged);
	wr_bytes(w, x->name.p, x->name.n);
	wr_bytes(w, x->serial.p, x->serial.n);
}

/* Which list a record's payloads stand in, and how many there are. */
static size_t *
record_list(const struct record *x, struct place *at, size_t *ret_n)
{
	*ret_n = 1;
	if (x->type == RPKI_ASA)
		return &at->aspas;
	if (x->type == RPKI_CER && !x->is_router)
		return &at->children;
	*ret_n = x->n;
	if (x->type == RPKI_CER)
		return &at->keys;
	return x->type == RPKI_ROA ? &at->vrps : NULL;
}

static void
record_place(struct record *x, struct place *at)
{
	size_t n, *list = record_list(x, at, &n);

	if (list != NULL) {
		x->first = *list;
		*list += n;
	}
}

bool
point_files_sound(struct sv files, const struct rpki_point *pt)
{
	struct rd r = rd_sv(files);
	struct place at = { 0 };
	struct record x;
	size_t n = 0;

	while (rd_left(&r) > 0) {
		if (!record_read(&r, &x) || x.serial.n > RPKI_SERIAL_MAX || x.n > RPKI_KEPT_MAX ||
		    x.judged > pt->judged || x.not_before > x.not_after)
			return false;
		record_place(&x, &at);
		n++;
	}
	/* All of what the point gave is some record's, or none of it. */
	return n == 0 || (at.vrps == pt->n_vrps && at.aspas == pt->n_aspas &&
	    at.keys == pt->n_router_keys && at.children == pt->n_children);
}

/* --- what is remembered --- */

/* A TAK is judged with the others of its point. */
static bool
is_remembered(enum rpki_type type)
{
	return type == RPKI_ROA || type == RPKI_ASA || type == RPKI_CER || type == RPKI_GBR;
}

static struct record
record_of(const struct work *w, const struct file *f)
{
	return (struct record){ .type = f->o.type,
	    .is_router = f->o.type == RPKI_CER && f->child == 0,
	    .n = f->o.type == RPKI_ROA ? f->o.n_vrps : f->o.n_router_keys,
	    .hash = f->o.hash, .not_before = f->o.not_before, .not_after = f->o.not_after,
	    .judged = f->again ? f->judged : w->now, .name = f->mf->name,
	    .serial = f->again ? f->serial : f->cert->serial };
}

int
files_remember(struct work *w)
{
	struct rpki_point *pt = w->pt;
	size_t len = 0;
	struct wr wr;
	char *p;

	for (size_t i = 0; i < w->n_files; i++) {
		const struct file *f = &w->files[i];

		if (!is_remembered(f->o.type) || (!f->again && f->cert == NULL))
			return 0;
		len += RECORD_MIN + f->mf->name.n +
		    (f->again ? f->serial.n : f->cert->serial.n);
	}
	if ((p = pool_alloc(pt->pool, len + 1)) == NULL)
		return -ENOMEM;
	wr = wr_mem(p, len);
	for (size_t i = 0; i < w->n_files; i++) {
		struct record x = record_of(w, &w->files[i]);

		record_write(&wr, &x);
	}
	if (wr_done(&wr) && wr.len == len)
		pt->files = (struct sv){ p, len };
	return 0;
}

/* --- what is the same again --- */

static int
records_index(struct pool *pool, const struct rpki_point *before, struct map *m)
{
	struct rd r = rd_sv(before->files);
	struct place at = { 0 };
	struct record *x;
	int rc = 0;

	while (rd_left(&r) > 0 && rc == 0) {
		if ((x = pool_alloc(pool, sizeof(*x))) == NULL)
			return -ENOMEM;
		if (!record_read(&r, x))
			return 0;
		record_place(x, &at);
		/* One object under two names: the second is parsed. */
		rc = map_add(m, (struct sv){ (const char *)x->hash, SHA256_LEN }, x);
		if (rc == -EEXIST)
			rc = 0;
	}
	return rc;
}

/* Not all points of a cold start parse all of their files at one time again. */
static int64_t
life(const struct rpki_ca *ca)
{
	struct rd r = rd_sv(ca->ski);

	return RPKI_AGAIN_SEC - rd_be32(&r) % RPKI_AGAIN_SPREAD_SEC;
}

static int
payloads_take(struct work *w, struct file *f, const struct record *x)
{
	const struct rpki_point *b = w->src->before;
	struct rpki_object *o = &f->o;

	if (x->type == RPKI_ROA && x->n > 0) {
		if ((o->vrps = pool_calloc(w->tmp, x->n, sizeof(*o->vrps))) == NULL)
			return -ENOMEM;
		memcpy(o->vrps, b->vrps + x->first, x->n * sizeof(*o->vrps));
		o->n_vrps = x->n;
	} else if (x->type == RPKI_ASA) {
		if ((o->aspa = pool_alloc(w->tmp, sizeof(*o->aspa))) == NULL)
			return -ENOMEM;
		*o->aspa = b->aspas[x->first];
	} else if (x->is_router) {
		if ((o->router_keys = pool_calloc(w->tmp, x->n + 1, sizeof(*o->router_keys))) == NULL)
			return -ENOMEM;
		if (x->n > 0)
			memcpy(o->router_keys, b->router_keys + x->first, x->n * sizeof(*o->router_keys));
		o->n_router_keys = x->n;
	} else if (x->type == RPKI_CER)
		f->before = &b->children[x->first];
	return 0;
}

static int
file_take(struct work *w, struct file *f, const struct record *x)
{
	f->again = true;
	f->judged = x->judged;
	f->serial = x->serial;
	f->o.verdict = V_VALID;
	f->o.not_before = x->not_before;
	f->o.not_after = x->not_after;
	window_note(w, x->not_before, x->not_after);
	w->pt->until = min_i64(w->pt->until, x->judged + life(w->ca));
	w->pt->n_verified += x->type == RPKI_CER ? 1 : 2;
	return payloads_take(w, f, x);
}

static bool
still_good(const struct work *w, const struct file *f, const struct record *x)
{
	return x->type == f->o.type && sv_eq(x->name, f->mf->name) &&
	    x->not_before <= w->now && w->now <= x->not_after &&
	    x->judged <= w->now && w->now < x->judged + life(w->ca) &&
	    crl_find(w->crl, x->serial) == NULL;
}

int
files_again(struct work *w)
{
	const struct rpki_point *before = w->src->before;
	struct map m = { 0 };
	int rc;

	if (!sv_eq(before->crl_uri, w->crl_uri))
		return 0;
	rc = records_index(w->tmp, before, &m);
	for (size_t i = 0; i < w->n_files && rc == 0; i++) {
		struct file *f = &w->files[i];
		const struct record *x = f->mf->hash.n == SHA256_LEN ? map_find(&m, f->mf->hash) : NULL;

		if (x != NULL && still_good(w, f, x))
			rc = file_take(w, f, x);
	}
	map_done(&m);
	return rc;
}
