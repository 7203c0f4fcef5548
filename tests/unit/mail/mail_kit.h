/* What tests of findings and slices of a message say again and again. */
#ifndef TESTS_UNIT_MAIL_MAIL_KIT_H
#define TESTS_UNIT_MAIL_MAIL_KIT_H

#include "../tap.h"
#include "mail/message.h"

static inline void
sv_is(struct sv s, const char *text)
{
	if (!sv_eq_str(s, text))
		print_message("# \"%.*s\" is not \"%s\"\n", SV_ARG(s), text);
	assert_true(sv_eq_str(s, text));
}

/* The codes that were found, in their order; MAIL_CODE_MAX ends them. */
static inline bool
codes_same(const struct findings *fs, const enum mail_code *codes)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next, codes++)
		if (*codes == MAIL_CODE_MAX || f->def != &mail_findings[*codes])
			return false;
	return *codes == MAIL_CODE_MAX;
}

static inline void
codes_are(const struct findings *fs, const enum mail_code *codes, const char *what)
{
	if (codes_same(fs, codes))
		return;
	print_message("# %s:\n", what);
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		print_message("#   found %s\n", f->def->code);
	for (; *codes != MAIL_CODE_MAX; codes++)
		print_message("#   wanted %s\n", mail_findings[*codes].code);
	fail();
}

#define CODES(...)	((const enum mail_code[]){ __VA_ARGS__ __VA_OPT__(,) MAIL_CODE_MAX })

#endif
