/*
 * A walk over all pages of LMDB's file that are in use, without LMDB.
 *
 * LMDB believes what it reads: a page of rubbish sends it anywhere in memory,
 * a page that points to its own parent sends it round for ever. So before a
 * file is used of which it is not sure that it is whole, each page is looked
 * at through struct rd: is it the page that it should be, do its entries lie
 * in it, are the keys in order, is no page used twice, are the counts right.
 * A file that passes cannot crash LMDB by its structure; what is in it is
 * objects_check()'s matter.
 *
 * Nine tenths of the file are packs, in overflow pages. A walk that is not
 * `full` leaves out the leaves of their table, which point nowhere else.
 *
 * The format is that of LMDB 0.9 (data version 1), in the order of bytes of
 * the machine. A page begins with
 *	u64 number, u16 pad, u16 flags, u16 lower, u16 upper
 * (u32 count of pages instead of the bounds, if it begins an overflow), then
 * u16 offsets of entries up to `lower`; the entries lie from `upper` on:
 *	u16 size low, u16 size high, u16 flags, u16 key length, key, data
 * In a branch, size and flags are the number of the page below. A table is
 *	u32 pad, u16 flags, u16 depth, u64 branch, leaf, overflow pages,
 *	u64 entries, u64 root
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"
#include "sys/file.h"

#define PAGE_HEAD	16
#define PAGE_MAX	65536
#define ENTRY_HEAD	8
#define TABLE_LEN	48
#define KEY_MAX		511
#define DEPTH_MAX	32
#define NO_PAGE		UINT64_MAX

enum {
	PAGE_BRANCH = 0x01,
	PAGE_LEAF = 0x02,
	PAGE_OVERFLOW = 0x04,
	PAGE_KINDS = 0x6f,	/* also meta, and those of tables that we have not */
};
enum {
	ENTRY_BIG = 0x01,	/* the data is in overflow pages */
	ENTRY_TABLE = 0x02,
	ENTRY_KINDS = 0x07,
};

/* Flags of a table: its keys are numbers. Only LMDB's list of free pages is one. */
#define TABLE_INTEGERS	0x08

struct tree {
	uint16_t	flags, depth;
	uint64_t	branch, leaf, overflow, entries, root;
};

enum kind {
	TREE_FREE,		/* LMDB's list of free pages */
	TREE_MAIN,		/* the table of tables */
	TREE_OURS,
};

struct walk {
	struct sv	 file;
	uint64_t	 last;		/* page */
	size_t		 page;		/* bytes */
	uint8_t		*used;		/* a bit for each page */
	bool		 full;
	struct tree	 subs[T_MAX];	/* found in the table of tables */
	size_t		 packs;		/* which of them it is */
	size_t		 n_subs;
};

/* One tree as it is seen, to be compared with what its table says. */
struct pass {
	struct walk	*w;
	enum kind	 kind;
	bool		 skip_leaves;
	struct tree	 want, seen;
	uint8_t		 key[KEY_MAX];
	size_t		 key_len;
};

/* --- numbers of this machine --- */

static uint16_t
rd_n16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);
	uint16_t v = 0;

	if (p != NULL)
		memcpy(&v, p, 2);
	return v;
}

static uint32_t
rd_n32(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);
	uint32_t v = 0;

	if (p != NULL)
		memcpy(&v, p, 4);
	return v;
}

static uint64_t
rd_n64(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 8);
	uint64_t v = 0;

	if (p != NULL)
		memcpy(&v, p, 8);
	return v;
}

static struct tree
tree_read(struct rd *r)
{
	struct tree t;

	(void)rd_n32(r);
	t.flags = rd_n16(r);
	t.depth = rd_n16(r);
	t.branch = rd_n64(r);
	t.leaf = rd_n64(r);
	t.overflow = rd_n64(r);
	t.entries = rd_n64(r);
	t.root = rd_n64(r);
	return t;
}

/* --- pages --- */

/* n pages from there on: in the file, and for the first time. */
static int
pages_use(struct walk *w, uint64_t at, uint64_t n)
{
	if (at < 2 || at > w->last || n > w->last - at + 1 || n == 0)
		return SE_SUM;
	for (uint64_t i = at; i < at + n; i++) {
		uint8_t bit = (uint8_t)(1U << (i % 8));

		if ((w->used[i / 8] & bit) != 0)
			return SE_SUM;
		w->used[i / 8] |= bit;
	}
	return 0;
}

/* n pages as one block. */
static struct rd
pages_at(const struct walk *w, uint64_t at, uint64_t n)
{
	struct rd all = rd_sv(w->file);

	/* Both are at most `last`, which is at most 2^32. */
	(void)rd_bytes(&all, at * w->page);
	return rd_sub(&all, n * w->page);
}

static int
page_read(const struct walk *w, uint64_t at, uint64_t n, struct rd *ret, uint16_t *ret_flags)
{
	*ret = pages_at(w, at, n);
	if (rd_n64(ret) != at)
		return SE_SUM;
	(void)rd_n16(ret);
	*ret_flags = rd_n16(ret) & PAGE_KINDS;
	return ret->bad ? SE_SUM : 0;
}

/* The bytes of an entry that are too many for its page. */
static int
overflow_read(struct pass *p, uint64_t at, uint32_t size, struct rd *ret)
{
	uint64_t n = ((uint64_t)size + PAGE_HEAD + p->w->page - 1) / p->w->page;
	uint16_t flags;
	int rc;

	if ((rc = pages_use(p->w, at, n)) < 0 ||
	    (rc = page_read(p->w, at, n, ret, &flags)) < 0)
		return rc;
	if (flags != PAGE_OVERFLOW || rd_n32(ret) != n)
		return SE_SUM;
	p->seen.overflow += n;
	*ret = rd_sub(ret, size);
	return ret->bad ? SE_SUM : 0;
}

/* --- entries --- */

/* Free pages are in use by the list: nobody else may have them. */
static int
free_read(struct pass *p, struct rd data)
{
	uint64_t n = rd_n64(&data), before = NO_PAGE;
	int rc;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = rd_n64(&data);

		if (data.bad || at >= before)
			return SE_SUM;
		if ((rc = pages_use(p->w, at, 1)) < 0)
			return rc;
		before = at;
	}
	return data.bad ? SE_SUM : 0;
}

static int
table_read(struct pass *p, uint16_t flags, struct rd data)
{
	struct walk *w = p->w;

	if (flags != ENTRY_TABLE || rd_left(&data) != TABLE_LEN || w->n_subs == ARRAY_LEN(w->subs))
		return SE_SUM;
	if (sv_eq_str((struct sv){ (const char *)p->key, p->key_len }, "pack"))
		w->packs = w->n_subs;
	w->subs[w->n_subs++] = tree_read(&data);
	return 0;
}

/* In the order of the tree, keys ascend. */
static int
key_check(struct pass *p, struct sv key)
{
	struct sv before = { (const char *)p->key, p->key_len };
	int d = sv_cmp(before, key);

	if (key.n == 0 || key.n > KEY_MAX)
		return SE_SUM;
	if (p->kind == TREE_FREE) {
		struct rd a = rd_sv(before), b = rd_sv(key);
		uint64_t x = p->key_len == 0 ? 0 : rd_n64(&a), y = rd_n64(&b);

		if (!rd_done(&b))
			return SE_SUM;
		d = x < y ? -1 : 1;
	}
	if (d >= 0)
		return SE_SUM;
	memcpy(p->key, key.p, key.n);
	p->key_len = key.n;
	return 0;
}

static int
leaf_entry(struct pass *p, uint32_t size, uint16_t flags, struct sv key, struct rd rest)
{
	struct rd data;
	int rc;

	if ((rc = key_check(p, key)) < 0)
		return rc;
	p->seen.entries++;
	if ((flags & ENTRY_BIG) != 0) {
		uint64_t at = rd_n64(&rest);

		if (rest.bad)
			return SE_SUM;
		if ((rc = overflow_read(p, at, size, &data)) < 0)
			return rc;
	} else
		data = rd_sub(&rest, size);
	if (data.bad)
		return SE_SUM;
	if (p->kind == TREE_FREE)
		return flags == 0 || flags == ENTRY_BIG ? free_read(p, data) : SE_SUM;
	if (p->kind == TREE_MAIN)
		return table_read(p, flags, data);
	return flags == 0 || flags == ENTRY_BIG ? 0 : SE_SUM;
}

struct entry {
	uint16_t	low, high, flags;
	struct sv	key;
	struct rd	rest;		/* of the page, behind the key */
};

static int
entry_read(struct rd page, size_t offset, struct entry *ret)
{
	struct entry e;
	uint16_t key_len;

	(void)rd_bytes(&page, offset);
	e.low = rd_n16(&page);
	e.high = rd_n16(&page);
	e.flags = rd_n16(&page);
	key_len = rd_n16(&page);
	e.key = rd_slice(&page, key_len);
	e.rest = page;
	if (page.bad || offset % 2 != 0 || key_len > KEY_MAX)
		return SE_SUM;
	*ret = e;
	return 0;
}

static size_t
entry_len(const struct entry *e, bool leaf)
{
	size_t data = !leaf ? 0 : (e->flags & ENTRY_BIG) != 0 ? 8 :
	    (size_t)e->high << 16 | e->low;

	return (ENTRY_HEAD + e->key.n + data + 1) & ~(size_t)1;
}

static int	page_walk(struct pass *, uint64_t at, unsigned depth);

static int
entry_walk(struct pass *p, const struct entry *e, bool leaf, unsigned depth)
{
	if (leaf)
		return leaf_entry(p, (uint32_t)e->high << 16 | e->low, e->flags & ENTRY_KINDS,
		    e->key, e->rest);
	return page_walk(p, (uint64_t)e->flags << 32 | (uint64_t)e->high << 16 | e->low,
	    depth + 1);
}

/*
 * LMDB moves entries about and trusts that they lie side by side, from
 * `upper` to the end of the page, whatever the order: each ends where another
 * one begins, one begins at `upper`, and their lengths make up the whole.
 */
static int
entries_tile(const struct pass *p, struct rd page, struct rd offsets, size_t n, size_t upper,
    bool leaf)
{
	uint8_t starts[PAGE_MAX / 16 + 1] = { 0 };
	size_t size = p->w->page, sum = 0;
	struct rd again = offsets;
	struct entry e;

	for (size_t i = 0; i < n; i++) {
		size_t at = rd_n16(&offsets);

		if (at < upper || at >= size)
			return SE_SUM;
		starts[at / 16] |= (uint8_t)(1U << (at / 2 % 8));
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = rd_n16(&again), end;

		if (entry_read(page, at, &e) < 0)
			return SE_SUM;
		sum += entry_len(&e, leaf);
		end = at + entry_len(&e, leaf);
		if (end > size ||
		    (end < size && (starts[end / 16] & 1U << (end / 2 % 8)) == 0))
			return SE_SUM;
	}
	return sum == size - upper && (starts[upper / 16] & 1U << (upper / 2 % 8)) != 0 ?
	    0 : SE_SUM;
}

static int
page_walk(struct pass *p, uint64_t at, unsigned depth)
{
	bool leaf = depth + 1 == p->want.depth;
	struct rd page;
	struct entry e;
	uint16_t flags, lower, upper;
	size_t n;
	int rc;

	if ((rc = pages_use(p->w, at, 1)) < 0)
		return rc;
	if (leaf && p->skip_leaves)
		return 0;
	if ((rc = page_read(p->w, at, 1, &page, &flags)) < 0)
		return rc;
	lower = rd_n16(&page);
	upper = rd_n16(&page);
	if (flags != (leaf ? PAGE_LEAF : PAGE_BRANCH) || lower < PAGE_HEAD || lower > upper ||
	    upper >= p->w->page || lower % 2 != 0 || upper % 2 != 0)
		return SE_SUM;
	n = (size_t)(lower - PAGE_HEAD) / 2;
	/* LMDB's assertions; its list of free pages may do with less. */
	if (n < 1 || (!leaf && n < 2 && p->kind != TREE_FREE))
		return SE_SUM;
	if (leaf)
		p->seen.leaf++;
	else
		p->seen.branch++;
	rc = entries_tile(p, pages_at(p->w, at, 1), page, n, upper, leaf);
	for (size_t i = 0; i < n && rc == 0; i++)
		if ((rc = entry_read(pages_at(p->w, at, 1), rd_n16(&page), &e)) == 0)
			rc = entry_walk(p, &e, leaf, depth);
	return rc;
}

static int
tree_walk(struct walk *w, enum kind kind, const struct tree *t, bool skip_leaves)
{
	struct pass p = { .w = w, .kind = kind, .skip_leaves = skip_leaves, .want = *t };
	int rc;

	if (t->root == NO_PAGE)
		return t->entries == 0 && t->depth == 0 ? 0 : SE_SUM;
	if (t->depth < 1 || t->depth > DEPTH_MAX)
		return SE_SUM;
	if ((rc = page_walk(&p, t->root, 0)) < 0)
		return rc;
	if (skip_leaves)
		return p.seen.branch == t->branch ? 0 : SE_SUM;
	return p.seen.branch == t->branch && p.seen.leaf == t->leaf &&
	    p.seen.overflow == t->overflow && p.seen.entries == t->entries ? 0 : SE_SUM;
}

/* --- the file --- */

static int
trees_walk(struct walk *w, const struct file_head *h)
{
	struct rd r = rd_sv(w->file);
	struct tree trees[2];
	int rc;

	(void)rd_bytes(&r, h->trees_at);
	for (int i = 0; i < 2; i++)
		trees[i] = tree_read(&r);
	/* LMDB believes the kinds of its own tables, too: duplicates there would end it. */
	if (r.bad || trees[0].flags != TABLE_INTEGERS || trees[1].flags != 0)
		return SE_SUM;
	if ((rc = tree_walk(w, TREE_FREE, &trees[0], false)) < 0 ||
	    (rc = tree_walk(w, TREE_MAIN, &trees[1], false)) < 0)
		return rc;
	/* Other kinds of tables have other pages: none is ours. */
	for (size_t i = 0; i < w->n_subs && rc == 0; i++)
		rc = w->subs[i].flags != 0 ? SE_SUM : tree_walk(w, TREE_OURS, &w->subs[i],
		    !w->full && i == w->packs);
	return rc;
}

int
file_walk(const char *path, bool full)
{
	struct walk w = { .full = full, .packs = SIZE_MAX };
	struct file_head h;
	struct file_map map;
	int rc;

	if ((rc = file_head_read(path, &h)) < 0)
		return rc == -ENOENT ? 0 : rc;
	if ((rc = file_map(path, SIZE_MAX, &map)) < 0)
		return rc;
	w.file = map.data;
	w.page = h.page;
	w.last = h.pages_end / h.page - 1;
	w.used = calloc(w.last / 8 + 1, 1);
	rc = w.used == NULL ? -ENOMEM : trees_walk(&w, &h);
	free(w.used);
	file_unmap(&map);
	return rc;
}
