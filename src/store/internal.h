/*
 * The folder's own: how the tables of the object store lie in LMDB's file,
 * for the writer (objects*.c) and the reader (objects_view.c).
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <lmdb.h>

#include "base/pool.h"
#include "base/rd.h"
#include "base/sv.h"
#include "store/objects.h"
#include "store/limits.h"

/* A head and a decimal number, which rises with each change of the tables. */
#define OBJECTS_FORMAT_HEAD	"sekisho-objects "
#define OBJECTS_FORMAT		OBJECTS_FORMAT_HEAD "3"
#define OBJECTS_FORMAT_NUMBER	3
#define OBJECTS_FILE		"data.mdb"
#define OBJECTS_PATH_MAX	4096

enum table {
	T_META,
	T_PACK,
	T_LIFE,
	T_THIN,
	T_FRESH,
	T_REF,
	T_DEAD,
	T_KEY,
	T_SOURCE,
	T_GONE,
	T_NAME,
	T_POINT,
	T_FACT0,
	T_FACT1,
	T_MAX
};

/* Open all tables of the file; create: and make them. */
int	 tables_open(MDB_txn *, bool create, MDB_dbi t[static T_MAX]) MUST_USE;
/* The map of the whole file, for file_forget(); n is 0 if that is not known. */
int	 map_place(MDB_env *, MDB_txn *, const MDB_dbi t[static T_MAX], struct sv *ret) MUST_USE;
/* 0, -Exxx or SE_xxx for what LMDB returned. SE_SUM: damage. */
int	 lmdb_rc(int rc);

static inline MDB_val
val_of(const void *p, size_t n)
{
	return (MDB_val){ .mv_size = n, .mv_data = (void *)(uintptr_t)p };
}

static inline struct sv
val_sv(const MDB_val *v)
{
	return (struct sv){ v->mv_data, v->mv_size };
}

/* --- keys --- */

/* Texts up to here are keys themselves; see objects.h. */
#define TEXT_DIRECT_MAX		470
#define TEXT_KEY_MAX		(TEXT_DIRECT_MAX + OBJECTS_HASH_LEN)
#define NAME_KEY_MAX		(4 + TEXT_KEY_MAX)
#define DEAD_KEY_LEN		(8 + OBJECTS_HASH_LEN)

/* 1 to OBJECTS_KEY_MAX printable characters, no blank. */
bool	 text_valid(struct sv);
size_t	 text_key(struct sv, objects_digest_fn, uint8_t ret[static TEXT_KEY_MAX]);
size_t	 name_key(uint32_t source, struct sv uri, objects_digest_fn,
	    uint8_t ret[static NAME_KEY_MAX]);

/* --- values --- */

/* A name's: the hash, and the whole URI where the key has only its head. */
struct name {
	struct sv	 uri;
	const uint8_t	*hash;
};
int	 name_row_parse(const MDB_val *key, const MDB_val *val, struct name *ret) MUST_USE;

struct ref {
	uint32_t	count, size;
	int64_t		since;		/* nameless, if count is 0 */
	uint64_t	pack;		/* where it lies */
	uint32_t	at;
};
#define REF_LEN	28
int	 ref_parse(const MDB_val *, struct ref *ret) MUST_USE;
void	 ref_write(const struct ref *, uint8_t ret[static REF_LEN]);
/*
 * A point's: the hash, when its key came, u8 number of those before, each (hash,
 * its end); and the time and what is kept, if anything is.
 */
#define POINT_PAST	(OBJECTS_HASH_LEN + 8)
#define POINT_HEAD_MAX	(OBJECTS_HASH_LEN + 8 + 1 + OBJECTS_PAST_MAX * POINT_PAST)
int	 point_parse(const MDB_val *, struct objects_point *ret) MUST_USE;

/*
 * A pack: u32 number of its objects, for each (hash, u32 length), then their
 * bytes one behind the other. Its key is a u64 that rises.
 */
#define PACK_KEY_LEN	8
#define PACK_HEAD	4
#define PACK_ENTRY	(OBJECTS_HASH_LEN + 4)
void	 pack_key(uint64_t id, uint8_t ret[static PACK_KEY_LEN]);
int	 pack_id(const MDB_val *, uint64_t *ret) MUST_USE;
/* Bytes of a pack, wherever a row says that they lie. SE_SUM: not in it. */
int	 pack_slice(const MDB_val *, uint32_t at, uint32_t size, struct sv *ret) MUST_USE;

/* All that is in a pack, in order. After pack_open() its lengths add up. */
struct pack {
	struct rd	entries, bytes;
	uint32_t	n;
	uint32_t	at;		/* of the next object */
};
struct pack_object {
	const uint8_t	*hash;
	struct sv	 bytes;
	uint64_t	 pack;
	uint32_t	 at;
};
int	 pack_open(const MDB_val *, struct pack *ret) MUST_USE;
bool	 pack_next(struct pack *, struct pack_object *ret);	/* false: no more */

#define SOURCE_LEN_MAX	(6 * 8 + OBJECTS_KEY_MAX + OBJECTS_STATE_MAX)
int	 source_parse(uint32_t id, const MDB_val *, struct objects_source *ret) MUST_USE;
size_t	 source_write(const struct objects_source *, uint8_t ret[static SOURCE_LEN_MAX]);
int	 id_parse(const MDB_val *, uint32_t *ret) MUST_USE;

/* Which generation is the younger one, and since when. */
struct facts_state {
	uint8_t		young;		/* 0 or 1 */
	int64_t		since;
};
int	 facts_state_get(MDB_txn *, const MDB_dbi t[static T_MAX], struct facts_state *ret) MUST_USE;

/* --- the file's head --- */

/*
 * What LMDB's two meta pages say, whoever wrote them. 0; -ENOENT: absent or
 * empty; SE_SUM: it is no file of LMDB's. (Pages at the end may be missing
 * although all is well: LMDB does not write pages that it took and gave back.)
 */
struct file_head {
	uint64_t	last_txn;
	uint64_t	map_size;
	uint64_t	pages_end;	/* bytes up to the end of the last page in use */
	uint64_t	file_size;
	size_t		page;		/* bytes */
	size_t		trees_at;	/* the two tables of the newer meta page */
};
int	 file_head_read(const char *path, struct file_head *ret) MUST_USE;
/* All pages in use are what they must be (objects_walk.c). SE_SUM: no. */
int	 file_walk(const char *path, bool full) MUST_USE;

/* --- the writer --- */

struct objects {
	char			 folder[OBJECTS_PATH_MAX];
	MDB_env			*env;
	MDB_dbi			 t[T_MAX];
	objects_digest_fn	 digest;
	int64_t			 grace_sec;
	uint64_t		 max_bytes;
	size_t			 page;
	int			 lock, mark;
	bool			 walked;	/* file_walk() was called for once */
	bool			 damaged;	/* the mark stays, also after a clean end */
	struct {
		uint32_t	 id;
		MDB_txn		*txn;		/* NULL: free */
	} pins[OBJECTS_PINS_MAX];
	uint32_t		 last_pin;
	uint8_t			*held;		/* sorted */
	size_t			 n_held;
	bool			 held_known;
	struct sv		 map;		/* of the file, by map_place() */
	size_t			 n_touched;	/* rows, since pages were let go */
	uint8_t			*filter;	/* of all objects, see objects_ref.c; or NULL */
	uint8_t			*let_go;	/* hashes that were held: they live a while longer */
	size_t			 n_let_go;
	int64_t			 held_told;	/* in the list of the dead, on the disk; 0: not yet */
	uint64_t		 last_pack;	/* that was ever made in this life */
	struct objects_stage	*stages;
	bool			 orphans;	/* packs whose stage is no more */
	size_t			 staged;	/* bytes of memory of all stages */
	uint8_t			 gc_at[DEAD_KEY_LEN];	/* the next pass goes on here */
	bool			 gc_under_way;
	uint8_t			 source[SOURCE_LEN_MAX];	/* slices of objects_source() */
};

/*
 * A transaction of the writer. txn_end() commits it if rc is 0, else takes it
 * back, and returns what went wrong first.
 */
int	 txn_begin(struct objects *, MDB_txn **ret) MUST_USE;
/*
 * The same for what may be lost with the machine (never in part), together
 * with all after it that is as lazy: LMDB waits once for the disk, not twice.
 */
int	 txn_begin_lazy(struct objects *, MDB_txn **ret) MUST_USE;
int	 txn_look(struct objects *, MDB_txn **ret) MUST_USE;	/* to read only */
int	 txn_end(struct objects *, MDB_txn *, int rc) MUST_USE;

/* Bytes in pages that are in use, in this transaction. */
int	 pages_used(struct objects *, MDB_txn *, uint64_t *ret) MUST_USE;
/* SE_LIMIT if so many bytes more are too many. */
int	 room_check(struct objects *, MDB_txn *, uint64_t more) MUST_USE;

int	 rows(MDB_txn *, MDB_dbi, uint64_t *ret) MUST_USE;
/*
 * So many rows were looked at, each in a page of its own at worst: the kernel
 * maps 64 KB around each, packs mostly, and soon that is the whole file. So
 * pages are let go from time to time. What is dirty does not lie in the map.
 */
void	 rows_touched(struct objects *, size_t n);

int	 source_get(struct objects *, MDB_txn *, uint32_t id, struct objects_source *ret) MUST_USE;
int	 source_put(struct objects *, MDB_txn *, const struct objects_source *) MUST_USE;

/* --- packs, see objects_pack.c --- */

/* What is alive of a pack, in bytes with their entries. */
struct life {
	uint32_t	size, live;
};
int	 life_get(struct objects *, MDB_txn *, uint64_t pack, struct life *ret) MUST_USE;
/* Of a pack that has one object alive at least. */
int	 life_put(struct objects *, MDB_txn *, uint64_t pack, struct life) MUST_USE;
/* An object of so many bytes is no more. With the last one, its pack goes. */
int	 life_lose(struct objects *, MDB_txn *, uint64_t pack, uint32_t size) MUST_USE;
int	 pack_del(struct objects *, MDB_txn *, uint64_t pack) MUST_USE;
/* Bytes of a usual pack. */
uint32_t pack_target(const struct objects *);
/*
 * The objects into packs, in their order; where each came to lie stands in it
 * then. `made` is called for each pack.
 */
int	 packs_write(struct objects *, MDB_txn *, struct pack_object *v, size_t n,
	    int (*made)(void *arg, uint64_t pack, uint32_t size), void *arg) MUST_USE;
/* Up to n packs whose stage is no more. */
int	 orphans_slice(struct objects *, MDB_txn *, unsigned n, bool *ret_more) MUST_USE;
/* Packs with too little in them become fewer. n: objects, but two packs at least. */
int	 thin_slice(struct objects *, MDB_txn *, unsigned n, bool *ret_more) MUST_USE;

/* --- references, see objects_ref.c --- */

struct change;
struct objects_stage;
/*
 * Changes of how many names an object has, gathered while names change and
 * applied in the order of hashes, so that the table is walked once.
 */
struct ref_change {
	uint8_t			 hash[OBJECTS_HASH_LEN];
	int32_t			 by;
	const struct change	*from;		/* its bytes lie in a pack of this stage, or NULL */
};
struct ref_changes {
	struct ref_change	*v;
	size_t			 n, cap;
};
void	 ref_changes_done(struct ref_changes *);
int	 ref_change(struct ref_changes *, const uint8_t *hash, int by, const struct change *from)
	    MUST_USE;
/*
 * *bytes changes by the sizes of what was named and unnamed. SE_STALE: an
 * object that is to be named is not there. s: new ones may lie in its packs.
 */
int	 ref_changes_apply(struct objects *, MDB_txn *, struct ref_changes *,
	    struct objects_stage *s, int64_t now, uint64_t *bytes) MUST_USE;
/* A nameless object that was brought again: its grace begins anew. */
int	 ref_renew(struct objects *, MDB_txn *, MDB_cursor *refs, const uint8_t *hash, struct ref *,
	    int64_t now) MUST_USE;
/*
 * Is it certain that there is no such object? A store that was empty at its
 * opening knows, which spares the first filling a look for each object.
 */
bool	 ref_absent(const struct objects *, const uint8_t *hash);
int	 ref_filter_begin(struct objects *, MDB_txn *) MUST_USE;
void	 dead_key(int64_t since, const uint8_t *hash, uint8_t ret[static DEAD_KEY_LEN]);

/* Up to n of what is not held any more: its grace begins anew. See objects_hold.c. */
int	 let_go_slice(struct objects *, MDB_txn *, int64_t now, unsigned n, size_t *ret_n) MUST_USE;
void	 let_go_done(struct objects *, size_t n);	/* … when that is committed */

int	 hash_cmp(const void *, const void *);	/* of OBJECTS_HASH_LEN bytes */
/* A sorted copy of n hashes; *ret is NULL if n is 0. Free with free(). */
int	 hashes_sorted(struct sv, size_t max, uint8_t **ret, size_t *ret_n) MUST_USE;

#endif
