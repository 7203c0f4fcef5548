/*
 * app/mail_svg: is an image one that may be shown beside mail?
 *
 * What enters are octets that a stranger published; what leaves are findings
 * (BIMI_SVG, BIMI_SVG_SIZE). An SVG is a program's worth of possibilities, so
 * what is not known to be harmless is refused: only elements of SVG Tiny
 * Portable/Secure (draft-svg-tiny-ps-abrotman-10), no DOCTYPE, no handlers of
 * events, no reference that leaves the image.
 */
#ifndef APP_MAIL_SVG_H
#define APP_MAIL_SVG_H

#include "mail/bimi.h"

#define MAIL_SVG_ADVISED	(32 * 1024)	/* octets: more is not shown by many */
#define MAIL_SVG_MAX		(512 * 1024)	/* octets, uncompressed; nothing larger is looked at */
#define MAIL_SVG_DEPTH_MAX	64
#define MAIL_SVG_ELEMENTS_MAX	20000

/*
 * gzip taken off, where it is there. 0; -ENOMEM; *ret is empty with a finding where it is broken
 * or too much.
 */
int	 mail_svg_plain(struct pool *, struct sv octets, struct findings *, struct sv *ret) MUST_USE;
/* 0, with findings for what may not be; -ENOMEM. */
int	 mail_svg_check(struct sv svg, struct findings *) MUST_USE;

#endif
