/* The changes of a head: what may not come from outside goes, what is ours goes on top. */
#include <errno.h>

#include "app/mail_gate_internal.h"

#define EDITS_FIRST	16	/* room at first: results, a seal's three, and ten forged ones */

static int
edit_add(struct mail_gate *g, struct mail_gate_edit edit)
{
	size_t cap = g->edits_cap == 0 ? EDITS_FIRST : 2 * g->edits_cap;

	if (g->n_edits == g->edits_cap) {
		struct mail_gate_edit *more = pool_calloc(g->made, cap, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		if (g->n_edits > 0)
			memcpy(more, g->edits, g->n_edits * sizeof(*more));
		g->edits = more;
		g->edits_cap = cap;
	}
	g->edits[g->n_edits++] = edit;
	return 0;
}

/* --- what goes --- */

int
gate_edits_init(struct mail_gate *g)
{
	const struct mail_gate_conf *c = g->conf;

	if ((g->ours = pool_calloc(g->made, c->n_aliases + 1, sizeof(*g->ours))) == NULL)
		return -ENOMEM;
	g->ours[0] = c->authserv_id;
	for (size_t i = 0; i < c->n_aliases; i++)
		g->ours[i + 1] = c->aliases[i];
	return 0;
}

static enum gate_watched
watched_find(const struct mail_gate *g, struct sv name)
{
	if (sv_caseeq(name, SV("Authentication-Results")))
		return GATE_RESULTS;
	if (g->conf->policy.mark.n > 0 && sv_caseeq(name, g->conf->policy.mark))
		return GATE_MARK;
	/* BIMI section 7.8: fields that speak to mail programs must not come from outside. */
	for (unsigned i = 0; bimi_removed()[i] != NULL; i++)
		if (sv_caseeq(name, sv_str(bimi_removed()[i])))
			return (enum gate_watched)(GATE_BIMI + i);
	return GATE_WATCHED_MAX;
}

/*
 * RFC 8601 section 5: what says that it is from us and is not "MUST" go; what cannot be read
 * may be read as ours by somebody.
 */
int
gate_edits_see(struct mail_gate *g, struct sv name, struct sv value)
{
	struct mail_gate_edit edit = { .is_removal = true };
	enum gate_watched w = watched_find(g, name = sv_trim(name));

	if (w == GATE_WATCHED_MAX)
		return 0;
	edit.index = ++g->n_watched[w];
	if (w == GATE_RESULTS &&
	    authres_claim(g->made, value, g->ours, g->conf->n_aliases + 1) == AUTHRES_FOREIGN)
		return 0;
	if ((edit.name = pool_sv(g->made, name)).p == NULL)
		return -ENOMEM;
	return edit_add(g, edit);
}

void
gate_edits_turn(struct mail_gate *g)
{
	for (size_t i = 0, j = g->n_edits; i + 1 < j; i++) {
		struct mail_gate_edit e = g->edits[--j];

		g->edits[j] = g->edits[i];
		g->edits[i] = e;
	}
	g->n_removals = g->n_edits;
}

/* --- what comes --- */

/* libmilter folds with LF: an MTA makes CRLF of it. .p is NULL without memory. */
static struct sv
folds_plain(struct pool *pool, struct sv s)
{
	char *p = pool_alloc(pool, s.n + 1);
	size_t n = 0;

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r')
			p[n++] = s.p[i];
	return (struct sv){ p, n };
}

int
gate_edits_add(struct mail_gate *g, struct sv field)
{
	size_t colon = sv_find(field, ':');
	struct mail_gate_edit edit = { .name = pool_sv(g->made, sv_take(field, colon)),
		.value = folds_plain(g->made, sv_skip(field, colon + 1)) };

	if (edit.name.p == NULL || edit.value.p == NULL)
		return -ENOMEM;
	return edit_add(g, edit);
}

int
gate_edits_say(struct mail_gate *g, const struct authres *results)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_str(&b, "Authentication-Results:");
	authres_write(&b, results, b.len, g->is_utf8);
	return b.rc < 0 ? b.rc : gate_edits_add(g, buf_get(&b));
}

int
gate_edits_mark(struct mail_gate *g, struct sv reason)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_sv(&b, g->conf->policy.mark);
	buf_str(&b, ": ");
	buf_sv(&b, reason);
	return b.rc < 0 ? b.rc : gate_edits_add(g, buf_get(&b));
}
