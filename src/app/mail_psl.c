/* The list of public suffixes, from its file: see app/mail_psl.h. */
#include <errno.h>
#include <libpsl.h>

#include "app/mail_psl.h"

int
mail_psl_read(const char *path, struct psl_ctx_st **ret)
{
	psl_ctx_t *psl = psl_load_file(path);

	if (psl == NULL)
		return -ENOENT;
	*ret = psl;
	return 0;
}

struct psl_ctx_st *
mail_psl_free(struct psl_ctx_st *psl)
{
	psl_free(psl);
	return NULL;
}
