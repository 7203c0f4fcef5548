/*
 * A stage between its batches (objects_stage.c) and its commit
 * (objects_commit.c). The bytes of what is new are in packs already; their
 * rows are made by the commit, all at once and in the order of hashes. So
 * until then nobody else sees them: a stage that ends badly leaves packs that
 * nothing refers to (table `fresh`), and they go as a whole.
 */
#ifndef STORE_STAGE_INTERNAL_H
#define STORE_STAGE_INTERNAL_H

#include "store/internal.h"

/* One name to change. Followed by [old hash][SHA-256 of a long URI][URI]. */
struct change {
	uint64_t	pack;		/* of this stage, where its bytes are; 0: none */
	uint32_t	at, size;
	uint32_t	seq;		/* in the stage: records of one URI in their order */
	uint16_t	uri_len;
	uint8_t		op, has_old;
	uint8_t		hash[OBJECTS_HASH_LEN];
	uint8_t		more[];
};

/* A pack that this stage made, and what the commit finds to be in use of it. */
struct stage_pack {
	uint64_t	id;
	struct life	life;
};

struct objects_stage {
	struct objects		*objects;
	struct objects_stage	*next;
	uint32_t		 source;
	bool			 replace;
	int			 rc;		/* what made it useless */
	struct pool		*pool;
	struct change		**changes;
	size_t			 n, cap;
	struct stage_pack	*packs;		/* ids ascend */
	size_t			 n_packs, cap_packs;
	uint64_t		 bytes;		/* new objects put for it */
	size_t			 memory;	/* counted in objects->staged */
};

struct stage_pack *stage_pack_find(const struct objects_stage *, uint64_t id);

/* The key of its row, without hashing the URI again. */
size_t	 change_key(uint32_t source, const struct change *, uint8_t ret[static NAME_KEY_MAX]);
struct sv change_uri(const struct change *);
/* As LMDB orders the keys; 0: the same URI. */
int	 change_key_cmp(const struct change *, const struct change *);

#endif
