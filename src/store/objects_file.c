/* What writer and reader of the object store have in common. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"
#include "sys/file.h"

static const char *const table_names[T_MAX] = {
	[T_META] = "meta", [T_PACK] = "pack", [T_LIFE] = "life", [T_THIN] = "thin",
	[T_FRESH] = "fresh", [T_REF] = "ref", [T_DEAD] = "dead",
	[T_KEY] = "key", [T_SOURCE] = "source", [T_GONE] = "gone", [T_NAME] = "name",
	[T_POINT] = "point", [T_FACT0] = "fact0", [T_FACT1] = "fact1",
};

static const struct {
	int	lmdb, ours;
} codes[] = {
	{ MDB_SUCCESS, 0 },
	{ MDB_KEYEXIST, -EEXIST },
	{ MDB_NOTFOUND, -ENOENT },
	{ MDB_MAP_FULL, SE_LIMIT },
	{ MDB_TXN_FULL, SE_LIMIT },
	{ MDB_READERS_FULL, SE_LIMIT },
	{ MDB_MAP_RESIZED, -EAGAIN },
	{ MDB_VERSION_MISMATCH, SE_FORMAT },
	/* A write of the meta page failed: the disk's doing, and only a new opening helps. */
	{ MDB_PANIC, -EIO },
	{ MDB_BAD_VALSIZE, -EINVAL },
	/* All others are said of a file whose pages do not fit together. */
};

int
lmdb_rc(int rc)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].lmdb == rc)
			return codes[i].ours;
	return rc > 0 ? -rc : SE_SUM;
}

int
tables_open(MDB_txn *txn, bool create, MDB_dbi t[static T_MAX])
{
	int rc = 0;

	for (int i = 0; i < T_MAX && rc == 0; i++)
		rc = mdb_dbi_open(txn, table_names[i], create ? MDB_CREATE : 0, &t[i]);
	return lmdb_rc(rc);
}

/*
 * LMDB does not tell where its map begins. But a small value lies in a page,
 * and each page begins with its number.
 */
int
map_place(MDB_env *env, MDB_txn *txn, const MDB_dbi t[static T_MAX], struct sv *ret)
{
	MDB_val k = val_of("format", 6), v;
	MDB_envinfo info;
	MDB_stat st;
	uint64_t number;
	uintptr_t page;
	int rc;

	if ((rc = lmdb_rc(mdb_get(txn, t[T_META], &k, &v))) < 0 ||
	    (rc = lmdb_rc(mdb_env_info(env, &info))) < 0 ||
	    (rc = lmdb_rc(mdb_stat(txn, t[T_META], &st))) < 0)
		return rc;
	page = (uintptr_t)v.mv_data & ~((uintptr_t)st.ms_psize - 1);
	memcpy(&number, (const void *)page, sizeof(number));
	/* Not as we think? Then nothing is forgotten. */
	if (number > info.me_last_pgno)
		*ret = (struct sv){ NULL, 0 };
	else
		*ret = (struct sv){ (const char *)(page - number * st.ms_psize), info.me_mapsize };
	return 0;
}

/* --- keys --- */

bool
text_valid(struct sv s)
{
	return s.n > 0 && s.n <= OBJECTS_KEY_MAX && sv_graphic(s);
}

size_t
text_key(struct sv s, objects_digest_fn digest, uint8_t ret[static TEXT_KEY_MAX])
{
	size_t head = min_size(s.n, TEXT_DIRECT_MAX);

	if (head > 0)
		memcpy(ret, s.p, head);
	if (head == s.n)
		return head;
	digest(s.p, s.n, ret + head);
	return TEXT_KEY_MAX;
}

size_t
name_key(uint32_t source, struct sv uri, objects_digest_fn digest,
    uint8_t ret[static NAME_KEY_MAX])
{
	put_be32(ret, source);
	return 4 + text_key(uri, digest, ret + 4);
}

/* --- values --- */

int
name_row_parse(const MDB_val *key, const MDB_val *val, struct name *ret)
{
	struct rd v = rd_mem(val->mv_data, val->mv_size), k = rd_mem(key->mv_data, key->mv_size);
	const uint8_t *hash = rd_bytes(&v, OBJECTS_HASH_LEN);

	(void)rd_be32(&k);
	if (hash == NULL || k.bad)
		return SE_SUM;
	ret->hash = hash;
	if (rd_left(&k) <= TEXT_DIRECT_MAX)
		ret->uri = rd_slice(&k, rd_left(&k));
	else
		ret->uri = rd_slice(&v, rd_left(&v));
	return rd_done(&v) && ret->uri.n > 0 ? 0 : SE_SUM;
}

int
ref_parse(const MDB_val *val, struct ref *ret)
{
	struct rd r = rd_mem(val->mv_data, val->mv_size);
	struct ref f;

	f.count = rd_be32(&r);
	f.size = rd_be32(&r);
	f.since = (int64_t)rd_be64(&r);
	f.pack = rd_be64(&r);
	f.at = rd_be32(&r);
	if (!rd_done(&r))
		return SE_SUM;
	*ret = f;
	return 0;
}

void
ref_write(const struct ref *f, uint8_t ret[static REF_LEN])
{
	struct wr w = wr_mem(ret, REF_LEN);

	wr_be32(&w, f->count);
	wr_be32(&w, f->size);
	wr_be64(&w, (uint64_t)f->since);
	wr_be64(&w, f->pack);
	wr_be32(&w, f->at);
}

void
pack_key(uint64_t id, uint8_t ret[static PACK_KEY_LEN])
{
	struct wr w = wr_mem(ret, PACK_KEY_LEN);

	wr_be64(&w, id);
}

int
pack_id(const MDB_val *val, uint64_t *ret)
{
	struct rd r = rd_mem(val->mv_data, val->mv_size);
	uint64_t id = rd_be64(&r);

	if (!rd_done(&r))
		return SE_SUM;
	*ret = id;
	return 0;
}

int
pack_slice(const MDB_val *val, uint32_t at, uint32_t size, struct sv *ret)
{
	struct rd r = rd_mem(val->mv_data, val->mv_size);
	struct sv s;

	(void)rd_bytes(&r, at);
	s = rd_slice(&r, size);
	if (r.bad)
		return SE_SUM;
	*ret = s;
	return 0;
}

int
pack_open(const MDB_val *val, struct pack *ret)
{
	struct rd r = rd_mem(val->mv_data, val->mv_size), entries;
	struct pack p = { .n = rd_be32(&r) };
	uint64_t sum = 0;

	p.entries = entries = rd_sub(&r, (size_t)p.n * PACK_ENTRY);
	p.bytes = r;
	p.at = PACK_HEAD + p.n * PACK_ENTRY;
	for (uint32_t i = 0; i < p.n && !entries.bad; i++) {
		(void)rd_bytes(&entries, OBJECTS_HASH_LEN);
		sum += rd_be32(&entries);
	}
	if (r.bad || entries.bad || sum != rd_left(&r) || p.n == 0)
		return SE_SUM;
	*ret = p;
	return 0;
}

bool
pack_next(struct pack *p, struct pack_object *ret)
{
	struct pack_object o = { .hash = rd_bytes(&p->entries, OBJECTS_HASH_LEN), .at = p->at };

	o.bytes = rd_slice(&p->bytes, rd_be32(&p->entries));
	if (o.hash == NULL)
		return false;
	p->at += (uint32_t)o.bytes.n;
	*ret = o;
	return true;
}

int
point_parse(const MDB_val *val, struct objects_point *ret)
{
	struct rd r = rd_mem(val->mv_data, val->mv_size);
	struct objects_point p = { .hash = rd_bytes(&r, OBJECTS_HASH_LEN) };

	p.born = (int64_t)rd_be64(&r);
	if ((p.n_past = rd_u8(&r)) > OBJECTS_PAST_MAX)
		return SE_SUM;
	for (size_t i = 0; i < p.n_past; i++) {
		p.past[i].hash = rd_bytes(&r, OBJECTS_HASH_LEN);
		p.past[i].until = (int64_t)rd_be64(&r);
	}
	if (p.hash != NULL && rd_left(&r) > 0) {
		p.since = (int64_t)rd_be64(&r);
		p.kept = rd_slice(&r, rd_left(&r));
	}
	if (p.hash == NULL || !rd_done(&r))
		return SE_SUM;
	*ret = p;
	return 0;
}

int
source_parse(uint32_t id, const MDB_val *val, struct objects_source *ret)
{
	struct rd r = rd_mem(val->mv_data, val->mv_size);
	struct objects_source s = { .id = id };

	s.changed = (int64_t)rd_be64(&r);
	s.checked = (int64_t)rd_be64(&r);
	s.wanted = (int64_t)rd_be64(&r);
	s.n_names = rd_be64(&r);
	s.bytes = rd_be64(&r);
	s.key = rd_slice(&r, rd_be16(&r));
	s.state = rd_slice(&r, rd_left(&r));
	if (!rd_done(&r) || !text_valid(s.key) || s.state.n > OBJECTS_STATE_MAX)
		return SE_SUM;
	*ret = s;
	return 0;
}

size_t
source_write(const struct objects_source *s, uint8_t ret[static SOURCE_LEN_MAX])
{
	struct wr w = wr_mem(ret, SOURCE_LEN_MAX);

	wr_be64(&w, (uint64_t)s->changed);
	wr_be64(&w, (uint64_t)s->checked);
	wr_be64(&w, (uint64_t)s->wanted);
	wr_be64(&w, s->n_names);
	wr_be64(&w, s->bytes);
	wr_be16(&w, (uint16_t)s->key.n);
	wr_bytes(&w, s->key.p, s->key.n);
	wr_bytes(&w, s->state.p, s->state.n);
	return wr_done(&w) ? w.len : 0;
}

int
id_parse(const MDB_val *val, uint32_t *ret)
{
	struct rd r = rd_mem(val->mv_data, val->mv_size);
	uint32_t id = rd_be32(&r);

	if (!rd_done(&r))
		return SE_SUM;
	*ret = id;
	return 0;
}

int
facts_state_get(MDB_txn *txn, const MDB_dbi t[static T_MAX], struct facts_state *ret)
{
	MDB_val k = val_of("facts", 5), v;
	struct facts_state s;
	struct rd r;
	int rc;

	if ((rc = lmdb_rc(mdb_get(txn, t[T_META], &k, &v))) < 0) {
		*ret = (struct facts_state){ 0 };
		return rc == -ENOENT ? 0 : rc;
	}
	r = rd_mem(v.mv_data, v.mv_size);
	s.young = rd_u8(&r);
	s.since = (int64_t)rd_be64(&r);
	if (!rd_done(&r) || s.young > 1)
		return SE_SUM;
	*ret = s;
	return 0;
}

/* --- the file's head --- */

/*
 * LMDB's meta page, as of its data version 1 (0.9), in the order of bytes of
 * the machine; two of them begin the file:
 *	page head: u64 number, u16 pad, u16 flags, u32 bounds
 *	u32 magic, u32 version, u64 address, u64 map size,
 *	two tables (free pages, main) of 48 bytes, the first u32 of which is the
 *	page size, u64 last page, u64 transaction
 */
#define META_FLAGS_AT	10
#define META_AT		16
#define META_LEN	136
#define META_FLAG	0x08
#define META_MAGIC	0xBEEFC0DEu
#define META_VERSION	1u

static uint64_t
native(const uint8_t *p, size_t n)
{
	union {
		uint64_t	u64;
		uint32_t	u32;
		uint16_t	u16;
	} v = { 0 };

	memcpy(&v, p, n);
	return n == 8 ? v.u64 : n == 4 ? v.u32 : v.u16;
}

static int
meta_read(struct sv file, size_t at, struct file_head *ret, size_t *ret_page)
{
	struct rd r = rd_sv(file);
	const uint8_t *p;
	uint64_t last;

	(void)rd_bytes(&r, at);
	if ((p = rd_bytes(&r, META_AT + META_LEN)) == NULL ||
	    (native(p + META_FLAGS_AT, 2) & META_FLAG) == 0 ||
	    native(p + META_AT, 4) != META_MAGIC ||
	    native(p + META_AT + 4, 4) != META_VERSION)
		return SE_SUM;
	*ret_page = (size_t)native(p + META_AT + 24, 4);
	ret->map_size = native(p + META_AT + 16, 8);
	last = native(p + META_AT + 120, 8);
	ret->last_txn = native(p + META_AT + 128, 8);
	if (*ret_page < 512 || *ret_page > 65536 || (*ret_page & (*ret_page - 1)) != 0 ||
	    last < 1 || last > UINT32_MAX)
		return SE_SUM;
	ret->pages_end = (last + 1) * *ret_page;
	ret->page = *ret_page;
	ret->trees_at = at + META_AT + 24;
	return 0;
}

static int
metas_read(struct sv file, struct file_head *ret)
{
	struct file_head a, b;
	size_t page_a, page_b;
	int rc;

	if ((rc = meta_read(file, 0, &a, &page_a)) < 0 ||
	    (rc = meta_read(file, page_a, &b, &page_b)) < 0)
		return rc;
	/* Transactions write them in turn, and LMDB knows the page by the number. */
	if (page_a != page_b || file.n < 2 * page_a || a.last_txn % 2 != 0 ||
	    (b.last_txn % 2 != 1 && b.last_txn != 0))
		return SE_SUM;
	*ret = a.last_txn < b.last_txn ? b : a;
	ret->file_size = file.n;
	return 0;
}

int
file_head_read(const char *path, struct file_head *ret)
{
	struct file_map map;
	int rc;

	if ((rc = file_map(path, SIZE_MAX, &map)) < 0)
		return rc;
	rc = map.data.n == 0 ? -ENOENT : metas_read(map.data, ret);
	file_unmap(&map);
	return rc;
}
