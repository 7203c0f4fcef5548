/* What the readers of lists share. */
#ifndef APP_KEY_LIST_INTERNAL_H
#define APP_KEY_LIST_INTERNAL_H

#include "app/key_list.h"

/* Hex digits, in pairs; into lower case. */
bool	 key_list_id(struct sv, char ret[static KEY_LIST_ID_MAX + 1]);
/* "retire-active" and its time; false: it is none of a key's times. */
bool	 key_list_time_find(struct sv name, enum key_list_time *ret);
/* A free row, or the one that has the id already; NULL: too many. */
struct key_list_row *key_list_add(struct key_list *, const char *id);

int	 key_list_json(struct sv text, const struct dname *zone, struct key_list *,
	    unsigned *ret_line) MUST_USE;
/* A line of ods-enforcer: 0, or -EBADMSG, SE_LIMIT. */
struct key_list_rolls {
	int64_t	at[2];		/* of KSKs and of ZSKs; 0: not said */
};
int	 key_list_ods(struct sv line, const struct dname *zone, struct key_list *,
	    struct key_list_rolls *) MUST_USE;
/* All lines were read: what they say together. -EBADMSG: a key has half of them. */
int	 key_list_ods_end(struct key_list *, const struct key_list_rolls *) MUST_USE;

#endif
