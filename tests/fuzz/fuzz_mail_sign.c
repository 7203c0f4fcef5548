/* The texts that role seal and its readers exchange: keys of the house, and the table of what signs. */
#include <stdlib.h>

#include "app/mail_sign.h"
#include "app/mail_sign_roll.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* What is read is written as what is read again as the same; and it has a state at any time. */
static void
roll(struct sv in)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(4 * MAIL_ROLL_TEXT_MAX);
	_cleanup_(buf_done) struct buf a = BUF_INIT, b = BUF_INIT;
	struct mail_roll r;

	if (pool == NULL || mail_roll_parse(in, pool, &r) < 0)
		return;
	for (size_t i = 0; i < r.n; i++)
		must(mail_roll_at(&r, &r.keys[i], 1795400000).state < MAIL_ROLL_STATE_MAX);
	must(mail_roll_next(&r, 1795400000) == 0 || mail_roll_next(&r, 1795400000) > 1795400000);
	mail_roll_write(&r, &a);
	must(a.rc == 0 && mail_roll_parse(buf_get(&a), pool, &r) == 0);
	mail_roll_write(&r, &b);
	must(sv_eq(buf_get(&a), buf_get(&b)));
}

static void
table(struct sv in)
{
	_cleanup_(mail_sign_table_freep) struct mail_sign_table *t = NULL;
	const struct mail_sign_key *keys;
	struct dname author;

	if (mail_sign_table_parse(in, &t) < 0 || dname_parse(SV("a.example.jp"), NULL, &author) < 0)
		return;
	must(mail_sign_find(t, &author, &keys) <= MAIL_SIGN_KEYS);
	(void)mail_sign_seal(t, SV("example.jp"), SV(""));
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sv in = { (const char *)data, n };

	roll(in);
	table(in);
	return 0;
}
