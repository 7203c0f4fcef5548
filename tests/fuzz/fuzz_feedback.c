/* feedback: any mail is read at bounded cost; what is read can be asked whose it is. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/feedback.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
text_look(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		must((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f);
}

static void
values_look(const struct feedback *f)
{
	text_look(f->agent);
	text_look(f->version);
	text_look(f->type_word);
	for (size_t i = 0; i < f->uris.n; i++)
		text_look(f->uris.v[i]);
	must(!f->has_source || f->source.len == ip_bits(f->source.af));
	must(f->type < FEEDBACK_TYPE_MAX && f->uris.n <= FEEDBACK_LIST_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct feedback *f = NULL;
	struct feedback_about about;
	struct findings fs;
	struct dname ours;

	must(pool != NULL && mail_domain(SV("example.net"), &ours) == 0);
	findings_init(&fs, pool);
	must(feedback_parse(pool, (struct sv){ (const char *)bytes, n }, &fs, &f) == 0);
	must(f != NULL || findings_reject(&fs));
	if (f != NULL) {
		values_look(f);
		must(feedback_about(f, &ours, 1, pool, &fs, &about) == 0);
	}
	(void)pool_free(pool);
	return 0;
}
