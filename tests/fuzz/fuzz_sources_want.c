/*
 * The list of what is wanted, read twice with time between: places stay
 * within their bounds, what is started is wanted, and what was wanted and is
 * not any more goes.
 */
#include <stdlib.h>
#include <string.h>

#include "app/fetch_plan.h"
#include "base/hash.h"
#include "rpki/rpki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DAY	((int64_t)24 * 3600 * 1000)

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
place_must(const struct fetch_place *f)
{
	struct sv key = sv_str(f->key);

	must(f->host[0] != '\0' && key.n <= FETCH_KEY_MAX);
	must(f->kind != PLACE_TA || (f->n_uris > 0 && f->n_uris <= FETCH_URIS_MAX));
	must(f->kind != PLACE_RRDP || https_uri_valid(key));
	must(f->kind != PLACE_RSYNC || (rsync_uri_valid(key) && sv_ends(key, SV("/"))));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fetch_plan_conf conf = { 600000, true, FETCH_RSYNC_FALLBACK };
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf, 1);
	struct sv text = { (const char *)data, size };
	char key[FETCH_KEY_MAX + 1];
	struct fetch_wanted w;
	struct fetch_place *f;
	int64_t now = 1;

	hash_seed(1, 2);
	must(p != NULL && fetch_plan_want(p, text, now, &w) == 0);
	must(w.n_bad + w.n_over <= w.n_lines);
	must(fetch_plan_count(p) <= 2 * FETCH_PLACES_MAX + FETCH_TAS_MAX);
	for (size_t i = 0; i < fetch_plan_count(p); i++)
		place_must(fetch_plan_at(p, i));
	while ((f = fetch_plan_next(p, now)) != NULL) {
		const struct fetch_outcome o = { .ok = size % 2 == 0 };

		must(f->wanted && f->running);
		fetch_plan_done(p, f, &o, now);
		must(!f->running && f->next > now);
	}
	/* Half of it: the rest is forgotten after a day. */
	must(fetch_plan_want(p, sv_take(text, size / 2), now += 10, &w) == 0);
	must(fetch_plan_want(p, SV(""), now += 10, &w) == 0 && fetch_plan_wake(p, now) == -1);
	while (fetch_plan_forget(p, now + 2 * DAY, key))
		must(strlen(key) > 0);
	must(fetch_plan_count(p) == 0);
	return 0;
}
