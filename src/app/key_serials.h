/*
 * Which version of a zone had which keys: serials, as the zone role published
 * them, and the numbers of keystate's sets that stood behind them. From a
 * server's serial alone follows so what it may still give out.
 *
 * Serials rise (RFC 1982) and sets change seldom, so each row is a stretch of
 * serials with equal sets: what lies between two of them had the same. A
 * serial that is not known proves nothing. One that went back makes all rows
 * before it worthless, and every serial up to the highest of them doubtful
 * ("taint"), until all servers were seen beyond.
 *
 * A new row has to be on the disk before it is used (key_serials_add() says
 * so); a longer stretch may wait: after a crash the zone says it again.
 *
 * In the same file stands which demands were handed over, by the time at which
 * keystate made them: a NOTIFY or an EPP command is sent once.
 */
#ifndef APP_KEY_SERIALS_H
#define APP_KEY_SERIALS_H

#include "base/buf.h"
#include "base/sv.h"
#include "base/util.h"

#define KEY_SERIALS_MAX		64	/* stretches; a roll makes four */
#define KEY_SERIALS_TEXT_MAX	8192

struct key_serial {
	uint32_t	first, last;
	uint32_t	dnskey_seq, data_seq;
};

enum key_handed {
	KEY_HANDED_NOTIFY,
	KEY_HANDED_HOOK,
	KEY_HANDED_MAX
};

struct key_serials {
	size_t			n;
	struct key_serial	v[KEY_SERIALS_MAX];	/* the newest last */
	uint32_t		ttl_max;	/* of the newest; 0: not known */
	bool			tainted;
	uint32_t		taint;
	int64_t			served;		/* when the newest row began to be in service; 0: not known */
	int64_t			handed[KEY_HANDED_MAX];	/* .since of the last demand; 0: none */
};

enum key_serials_news {
	KEY_SERIALS_NONE,
	KEY_SERIALS_LONGER,	/* to be written some day */
	KEY_SERIALS_NEW,	/* to be written before it is used */
	KEY_SERIALS_BACK,	/* the same, and the serial went back */
};

enum key_serials_news key_serials_add(struct key_serials *, const struct key_serial *);
/* false: such a serial proves nothing. */
bool	 key_serials_find(const struct key_serials *, uint32_t serial, struct key_serial *ret);
/* All servers were seen, with serials from lowest to highest. True: nothing is tainted any more. */
bool	 key_serials_settle(struct key_serials *, uint32_t lowest, uint32_t highest);
/* What a state has that is older than this file: rows of later sets are another life's. */
void	 key_serials_limit(struct key_serials *, uint32_t dnskey_seq, uint32_t data_seq);

void	 key_serials_write(const struct key_serials *, struct buf *);
/* -EBADMSG: no such text; *ret is untouched. */
int	 key_serials_parse(struct sv, struct key_serials *ret) MUST_USE;

#endif
