/*
 * EPP commands of every kind that ours can write, for a test that has the schema:
 *
 *	epp_print		one document after the other, a zero octet after each
 *
 * What a rollover needs, in each form and with each option; names and numbers at their bounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/dnssec.h"
#include "dnssec/epp.h"

#define N_KEYS	3

struct world {
	struct pool	*pool;
	struct dname	 zone;
	uint8_t		 room[N_KEYS][DNSKEY_RDATA_MAX], ds_room[N_KEYS][DS_RDATA_MAX];
	struct sv	 key[N_KEYS], standing[N_KEYS];
};

static void
out(const struct epp_update *u)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	if (epp_update_write(&b, u) < 0)
		exit(1);
	(void)fwrite(b.p, 1, b.len, stdout);
	(void)putchar('\0');
}

/* Small, ordinary, and as large as any. */
static void
world_init(struct world *w, const char *name)
{
	static const size_t sizes[N_KEYS] = { 1, 64, CRYPTO_DNSKEY_MAX };

	*w = (struct world){ .pool = pool_new((size_t)1 << 24) };
	if (w->pool == NULL || dname_parse(sv_str(name), NULL, &w->zone) < 0)
		exit(1);
	for (unsigned i = 0; i < N_KEYS; i++) {
		size_t n;

		for (size_t k = 0; k < 4 + sizes[i]; k++)
			w->room[i][k] = (uint8_t)(k * 37 + i);
		memcpy(w->room[i], (uint8_t[]){ 1, 1, 3, i == 2 ? 255 : 13 }, 4);
		w->key[i] = (struct sv){ (const char *)w->room[i], 4 + sizes[i] };
		if (ds_write(&w->zone, w->key[i], 2, w->ds_room[i], &n) < 0)
			exit(1);
		w->standing[i] = (struct sv){ (const char *)w->ds_room[i], n };
	}
}

static void
variants(struct world *w, struct epp_update u)
{
	static const uint32_t lives[] = { 0, 1, EPP_SIG_LIFE_MAX };

	for (size_t i = 0; i < ARRAY_LEN(lives); i++)
		for (unsigned urgent = 0; urgent < 2; urgent++) {
			u.zone = &w->zone;
			u.max_sig_life = lives[i];
			u.urgent = urgent != 0;
			u.trid = urgent ? SV("a&b<c>'\"") : SV("sekisho-1795000000");
			if (u.rem_all || u.n_rem + u.n_add > 0 || u.max_sig_life > 0)
				out(&u);
		}
}

/* Keys that stay, come and go; all go; it is there already. */
static void
changes(struct world *w, enum epp_form form, unsigned digests, bool difference)
{
	static const struct {
		size_t	n_want, n_standing;
	} rows[] = { { 2, 1 }, { 1, 3 }, { 3, 0 }, { 0, 3 }, { 0, 0 }, { 2, 2 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct epp_wish wish = { .zone = &w->zone, .form = form, .digests = digests,
			.difference = difference, .want = w->key, .n_want = rows[i].n_want, .known = w->key,
			.n_known = N_KEYS, .seen = true, .standing = w->standing, .n_standing = rows[i].n_standing };
		struct epp_update u = { 0 };

		if (epp_change(&wish, w->pool, &u) < 0)
			exit(1);
		variants(w, u);
	}
}

int
main(void)
{
	static const char *const names[] = { "example.jp.", "a&b<c>'\".example.", "\\000\\255.x." };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (unsigned form = 0; form < EPP_FORM_MAX; form++)
			for (unsigned difference = 0; difference < 2; difference++) {
				struct world w;

				world_init(&w, names[i]);
				changes(&w, (enum epp_form)form, i == 0 ? 1u << 2 | 1u << 4 : 1u << 2, difference != 0);
				w.pool = pool_free(w.pool);
			}
	return 0;
}
