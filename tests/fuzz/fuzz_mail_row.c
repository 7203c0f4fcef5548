/* The octets of a row: what is taken as one is written as the same octets again. */
#include <stdlib.h>

#include "mail/row.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t octets[MAIL_ROW_MAX];
	struct sv in = { (const char *)data, n };
	struct wr w = wr_mem(octets, sizeof(octets));
	struct pool *pool = pool_new(64 * 1024);
	struct mail_row_parts parts;
	struct mail_row row;

	must(pool != NULL);
	if (mail_row_parse(in, pool, &row, &parts) == 0) {
		must(mail_row_write(&w, &row) == 0);
		must(sv_eq((struct sv){ (char *)octets, w.len }, in));
		must(row.row.count == 1 && row.row.n_dkim <= DKIM_SIGS_MAX &&
		    row.n_rua <= DMARC_URIS_MAX);
	}
	(void)pool_free(pool);
	return 0;
}
