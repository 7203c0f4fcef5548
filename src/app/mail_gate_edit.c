/* The changes of a head: what may not come from outside goes, what is ours goes on top. */
#include <errno.h>

#include "app/mail_gate_internal.h"

#define EDITS_FIRST	16	/* room at first: results, a seal's three, and ten forged ones */

static int
edit_add(struct mail_gate *g, struct mail_gate_edit edit)
{
	size_t cap = g->edits_cap == 0 ? EDITS_FIRST : 2 * g->edits_cap;

	if (g->n_edits == g->edits_cap) {
		struct mail_gate_edit *more = pool_calloc(g->kept, cap, sizeof(*more));

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

/*
 * RFC 8601 section 5: "any such field found in a message from outside that claims … to be
 * valid within its boundaries" has to go; what cannot be read may be read as ours by somebody.
 */
static bool
is_forged(struct mail_gate *g, const struct sv *ours, size_t n_ours, const struct mail_field *f)
{
	if (sv_caseeq(f->name, SV("Authentication-Results")))
		return authres_claim(g->kept, f->value, ours, n_ours) != AUTHRES_FOREIGN;
	return g->conf->policy.mark.n > 0 && sv_caseeq(f->name, g->conf->policy.mark);
}

/* Which one of its name it is, from the top. */
static uint32_t
index_of(const struct mail_head *h, size_t at)
{
	uint32_t n = 0;

	for (size_t i = 0; i <= at; i++)
		n += sv_caseeq(h->fields[i].name, h->fields[at].name);
	return n;
}

int
gate_edits_clean(struct mail_gate *g)
{
	const struct mail_gate_conf *c = g->conf;
	struct sv *ours = pool_calloc(g->kept, c->n_aliases + 1, sizeof(*ours));

	if (ours == NULL)
		return -ENOMEM;
	ours[0] = c->authserv_id;
	for (size_t i = 0; i < c->n_aliases; i++)
		ours[i + 1] = c->aliases[i];
	for (size_t i = g->head.n; i > 0; i--) {
		const struct mail_field *f = &g->head.fields[i - 1];
		struct mail_gate_edit edit = { .is_removal = true, .name = f->name };
		int rc;

		if (!is_forged(g, ours, c->n_aliases + 1, f))
			continue;
		edit.index = index_of(&g->head, i - 1);
		if ((rc = edit_add(g, edit)) < 0)
			return rc;
	}
	return 0;
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
	struct mail_gate_edit edit = { .name = pool_sv(g->kept, sv_take(field, colon)),
		.value = folds_plain(g->kept, sv_skip(field, colon + 1)) };

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
