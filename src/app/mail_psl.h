/*
 * The list of public suffixes (libpsl; https://publicsuffix.org): what RFC
 * 7489 takes for finding an organizational domain.
 */
#ifndef APP_MAIL_PSL_H
#define APP_MAIL_PSL_H

#include "base/util.h"

struct psl_ctx_st;

/* Debian's package publicsuffix. */
#define MAIL_PSL_FILE	"/usr/share/publicsuffix/public_suffix_list.dafsa"

/* Text or DAFSA. -ENOENT: it is not there, or no such list. */
int	 mail_psl_read(const char *path, struct psl_ctx_st **ret) MUST_USE;
struct psl_ctx_st *mail_psl_free(struct psl_ctx_st *);

#endif
