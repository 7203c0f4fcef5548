/*
 * A DMARC record, and what its holder may have meant: what is taken of it is within bounds,
 * and written out in the plainest form it is read again as the same.
 */
#include <stdlib.h>

#include "mail/dmarc.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
uris_write(struct buf *b, const char *tag, const struct dmarc_uri *u, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";

	must(n <= DMARC_URIS_MAX);
	for (size_t i = 0; i < n; i++) {
		buf_printf(b, "%s%s", i == 0 ? tag : ",", "mailto:");
		for (size_t j = 0; j < u[i].local.n; j++) {
			uint8_t c = (uint8_t)u[i].local.p[j];

			must(c > 0x20 && c < 0x7f && strchr("\"(),:;<>@[\\]", c) == NULL);
			buf_char(b, '%');
			buf_char(b, hex[c >> 4]);
			buf_char(b, hex[c & 15]);
		}
		buf_printf(b, "@%.*s", SV_ARG(u[i].domain));
		must(u[i].local.n > 0 && u[i].domain.n > 0 && u[i].name.len > 1);
	}
}

static void
record_write(struct buf *b, const struct dmarc_record *r)
{
	static const char *const psd[] = { "u", "y", "n" };

	buf_str(b, "v=DMARC1");
	for (unsigned t = 0; t < DMARC_TAG_MAX; t++)
		if ((r->has & 1u << t) != 0)
			buf_printf(b, ";%s=%s", dmarc_tag_name(t),
			    (r->bad & 1u << t) != 0 ? "?" : dmarc_policy_name(r->says[t]));
	buf_printf(b, ";psd=%s;t=%c;adkim=%c;aspf=%c;fo=%c%s%s", psd[r->psd], r->testing ? 'y' : 'n',
	    r->strict_dkim ? 's' : 'r', r->strict_spf ? 's' : 'r', (r->fo & DMARC_FO_ANY) != 0 ? '1' : '0',
	    (r->fo & DMARC_FO_DKIM) != 0 ? ":d" : "", (r->fo & DMARC_FO_SPF) != 0 ? ":s" : "");
	uris_write(b, ";rua=", r->rua, r->n_rua);
	uris_write(b, ";ruf=", r->ruf, r->n_ruf);
	if (r->has_pct)
		buf_printf(b, ";pct=%u", r->pct);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool = pool_new(1 << 20);
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct dmarc_record *r = NULL, *again = NULL;
	struct findings fs;
	int rc;

	must(pool != NULL);
	findings_init(&fs, pool);
	rc = dmarc_record_parse(pool, (struct sv){ (const char *)data, n }, &fs, &r);
	must(rc == 0 || (rc < 0 && pool_has_failed(pool)));
	if (rc == 0 && r != NULL) {
		record_write(&a, r);
		must(dmarc_record_parse(pool, buf_get(&a), &fs, &again) == 0 && again != NULL);
		record_write(&b, again);
		must(sv_eq(buf_get(&a), buf_get(&b)));
		for (unsigned t = 0; t < 2 * DMARC_TAG_MAX; t++) {
			enum dmarc_policy p;
			enum dmarc_tag tag;

			if (dmarc_record_policy(r, t / 2, t % 2 == 1, &p, &tag))
				must(p < DMARC_POLICY_MAX && tag <= t / 2);
		}
	}
	buf_done(&a);
	buf_done(&b);
	(void)pool_free(pool);
	return 0;
}
