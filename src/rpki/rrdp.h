/* What the files of RRDP share: the parser's inside. */
#ifndef RPKI_RRDP_H
#define RPKI_RRDP_H

#include <expat.h>

#include "base/base64.h"
#include "base/err.h"
#include "rpki/rpki.h"

enum rrdp_kind {
	RRDP_KIND_NOTIFICATION,
	RRDP_KIND_SNAPSHOT,
	RRDP_KIND_DELTA,
};

enum rrdp_attr {
	RRDP_ATTR_VERSION,
	RRDP_ATTR_SESSION,
	RRDP_ATTR_SERIAL,
	RRDP_ATTR_URI,
	RRDP_ATTR_HASH,
	RRDP_ATTR_MAX
};

enum rrdp_scope {
	RRDP_AT_START,
	RRDP_IN_ROOT,
	RRDP_IN_EMPTY,			/* an element without content */
	RRDP_IN_PUBLISH,
	RRDP_AT_END,
};

struct rrdp_parser {
	XML_Parser		 xml;
	enum rrdp_kind		 kind;
	enum rrdp_scope		 scope;
	char			 session[RRDP_SESSION_LEN + 1];
	uint64_t		 serial;
	int64_t			 fed, shown;	/* bytes to us, and of them to expat */
	int64_t			 tag_end;	/* of the last tag, in what was shown */
	bool			 all_shown;	/* withhold nothing of it */
	unsigned long		 lines;		/* of what was withheld */
	/* snapshots and deltas */
	char			 want_session[RRDP_SESSION_LEN + 1];	/* "": any */
	uint64_t		 want_serial;
	rrdp_change_fn		 fn;
	void			*arg;
	char			 uri[RPKI_URI_MAX + 1];
	struct rrdp_change	 change;	/* the one being read */
	size_t			 text_len;	/* its base64 letters */
	struct base64		 base64;
	bool			 bad;		/* it is none; told at its end */
	bool			 large;		/* no object is so large; not kept */
	uint8_t			*der;
	size_t			 der_len, der_cap;
	size_t			 n_changes;
	uint64_t		 n_large;	/* of them; the first: */
	char			 large_uri[RPKI_URI_MAX + 1];
	unsigned long		 large_line;
	/* notifications */
	struct pool		*pool;
	struct sv		 origin;
	struct rrdp_notification note;
	struct rrdp_link	*links;		/* as listed */
	size_t			 n_links, links_cap;
	bool			 have_snapshot, complete;
	char			 foreign[RPKI_URI_MAX + 1];	/* of RRDP_ORIGIN */
	/* the first failure */
	int			 rc;
	enum rrdp_code		 code;		/* RRDP_CODE_MAX: none to report */
	const char		*why;		/* a msgid */
	unsigned long		 line;
};

/* The first failure counts; the parse ends. code RRDP_CODE_MAX: not the file's fault. */
void	 rrdp_fail(struct rrdp_parser *, int rc, enum rrdp_code, const char *why);
static inline void
rrdp_fail_schema(struct rrdp_parser *p, const char *why)
{
	rrdp_fail(p, SE_SYNTAX, RRDP_SCHEMA, why);
}
unsigned long rrdp_line(const struct rrdp_parser *);
bool	 rrdp_hash_parse(struct sv, uint8_t ret[static SHA256_LEN]);
/* Lower case into ret; false if it has not the form of a UUID. */
bool	 rrdp_session_parse(struct sv, char ret[static RRDP_SESSION_LEN + 1]);

/* --- rrdp_text.c --- */
void	 rrdp_text_begin(struct rrdp_parser *);
void	 rrdp_text_add(struct rrdp_parser *, struct sv);
/* What was said is the object, unless it is too large. */
void	 rrdp_text_end(struct rrdp_parser *);
/* Take what is surely text off the head of *s. */
void	 rrdp_text_withhold(struct rrdp_parser *, struct sv *s);

/* --- rrdp_notification.c --- */
void	 rrdp_snapshot_link(struct rrdp_parser *, const struct sv attrs[static RRDP_ATTR_MAX]);
void	 rrdp_delta_link(struct rrdp_parser *, const struct sv attrs[static RRDP_ATTR_MAX]);
/* The root has ended: sort, look for gaps. */
void	 rrdp_notification_end(struct rrdp_parser *);

#endif
