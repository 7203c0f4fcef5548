/*
 * app/mail_mark_fetch: the image and the evidence of a mark, from where its
 * record says.
 *
 * Both addresses are a stranger's, who had us ask by sending a mail. net/net.h
 * refuses what is not global and bounds redirects; here each file has a size
 * that no honest one has, and both together a time. A file that comes in part
 * is none. Nothing is judged here (app/mail_bimi.h does) but what the server
 * calls it: a wrong media type is told, as others refuse it for that.
 */
#ifndef APP_MAIL_MARK_FETCH_H
#define APP_MAIL_MARK_FETCH_H

#include "mail/bimi.h"
#include "net/net.h"

#define MAIL_MARK_IMAGE_MAX	((uint64_t)512 * 1024)	/* MAIL_SVG_MAX; compressed ones have less */
#define MAIL_MARK_EVIDENCE_MAX	((uint64_t)256 * 1024)	/* three certificates, of which one holds an image */
#define MAIL_MARK_CONNECT_MSEC	8000
#define MAIL_MARK_TOTAL_MSEC	20000			/* both are under way at the same time */

struct mail_mark_fetch_in {
	struct sv	location, evidence;	/* evidence empty: it is not fetched */
	uint32_t	total_msec;		/* 0: MAIL_MARK_TOTAL_MSEC */
};

struct mail_mark_fetch;
/* Once, from the loop, unless it is freed before. is_whole: all that was asked for came. */
typedef void (*mail_mark_fetch_fn)(void *arg, bool is_whole);

/* What goes wrong are findings; their pool and fs live as long as this. -Exxx. */
int	 mail_mark_fetch_new(struct fetcher *, const struct mail_mark_fetch_in *, struct findings *,
	    mail_mark_fetch_fn, void *arg, struct mail_mark_fetch **ret) MUST_USE;
/* Also before it has ended. */
struct mail_mark_fetch *mail_mark_fetch_free(struct mail_mark_fetch *);
/* What came, as long as this lives. */
struct sv mail_mark_fetch_image(const struct mail_mark_fetch *);
struct sv mail_mark_fetch_evidence(const struct mail_mark_fetch *);
/* Is that what such a file should be called? A finding where it is not. */
void	 mail_mark_type_check(struct sv url, struct sv type, bool is_evidence, struct findings *);

#endif
