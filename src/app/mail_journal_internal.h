/* A segment's octets and names, for who writes and who reads them. */
#ifndef APP_MAIL_JOURNAL_INTERNAL_H
#define APP_MAIL_JOURNAL_INTERNAL_H

#include "app/mail_journal.h"
#include "base/buf.h"
#include "base/rd.h"

#define JOURNAL_HEAD_LEN	16
#define JOURNAL_FRAME_LEN	8	/* in front of the octets */

enum journal_name {
	JOURNAL_ROWS,
	JOURNAL_OPEN,
	JOURNAL_DAMAGED,
	JOURNAL_NAME_MAX
};

int	 journal_path(const char *folder, uint64_t number, enum journal_name,
	    char ret[static MAIL_JOURNAL_PATH_MAX]) MUST_USE;
/* false: it is no name of a segment. */
bool	 journal_name_parse(struct sv, uint64_t *ret, enum journal_name *ret_kind);
void	 journal_head(uint8_t head[static JOURNAL_HEAD_LEN], uint64_t number);
void	 journal_frame(struct buf *, uint64_t number, struct sv row);
/* What a crash left, cut and sealed. Numbers of before end below *ret_next. */
int	 journal_recover(const char *folder, uint64_t *ret_next,
	    struct mail_journal_found *) MUST_USE;

#endif
