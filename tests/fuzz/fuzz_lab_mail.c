/* Descriptions of mail worlds: any bytes are refused with a word, or make messages. */
#include <errno.h>
#include <stdlib.h>

#include "lab/mail.h"

#define FLOWS_MAX	8	/* of a world, made into messages */

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Without its keys: what would be signed cannot be, and that is all. */
static void
world_use(const struct lab_mail *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	for (size_t i = 0; i < lab_mail_n_flows(w) && i < FLOWS_MAX; i++) {
		int rc = lab_mail_message(w, i, 0, &b);

		must(rc == 0 || rc == -EINVAL);
	}
	b.len = 0;
	lab_mail_zone(w, &b);
	b.len = 0;
	lab_mail_json(w, &j);
	lab_mail_report_json(w, &j);
	must(b.rc == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct lab_opts opts = { .now = 1800000000 };
	struct lab_error e = { 0 };
	struct lab_mail *w = NULL;
	int rc = n == 0 ? -EINVAL : lab_mail_parse((struct sv){ (const char *)data, n }, &opts, &e, &w);

	if (n == 0)
		return 0;
	must((rc == 0) == (w != NULL) && (rc == 0 || rc == -ENOMEM || (rc == -EINVAL && e.msg != NULL)));
	if (rc == 0)
		world_use(w);
	(void)lab_mail_free(w);
	return 0;
}
