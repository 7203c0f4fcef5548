/* A list of public suffixes out of text, for the tests of DMARC. */
#ifndef TESTS_UNIT_MAIL_PSL_KIT_H
#define TESTS_UNIT_MAIL_PSL_KIT_H

#include <libpsl.h>
#include <stdio.h>

#include "../tap.h"

static inline psl_ctx_t *
psl_parse(const char *text)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	psl_ctx_t *psl;

	assert_non_null(f);
	psl = psl_load_fp(f);
	assert_non_null(psl);
	(void)fclose(f);
	return psl;
}

#endif
