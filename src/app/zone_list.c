/* The zones that are configured, between the parent and its roles. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "app/zone_file.h"
#include "app/zone_list.h"
#include "base/err.h"

#define POOL_MAX	((size_t)8 << 20)	/* ZONE_LIST_MAX entries, their paths and peers */

/* Lists of peers: a field for each of their members. */
static const struct list_row {
	const char	*word;
	size_t		 offset;
	int		(*parse)(struct sv, struct zone_peer *);
} lists[] = {
	{ "primary", offsetof(struct zone_list_entry, primaries), zone_peer_parse },
	{ "notify", offsetof(struct zone_list_entry, notify), zone_peer_parse },
	{ "transfer", offsetof(struct zone_list_entry, transfer), zone_asker_parse },
	{ "hear", offsetof(struct zone_list_entry, hear), zone_asker_parse },
};

static struct zone_peers *
list_of(const struct zone_list_entry *e, const struct list_row *row)
{
	return (struct zone_peers *)(void *)((char *)(uintptr_t)e + row->offset);
}

void
zone_list_put(struct buf *b, const struct zone_list_entry *e)
{
	const struct dnssec_policy plain = policy_default();
	char name[DNAME_STRLEN];
	const struct policy_row *rows;
	bool first = true;
	size_t n;

	rows = policy_rows(&n);
	buf_printf(b, "%s\t%s\t%s\t", dname_str(&e->name, name), e->file, e->output);
	for (size_t i = 0; i < n; i++) {
		if (policy_get(&e->policy, &rows[i]) == policy_get(&plain, &rows[i]))
			continue;
		buf_printf(b, "%s%s=%u", first ? "" : " ", rows[i].name, policy_get(&e->policy, &rows[i]));
		first = false;
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t k = 0; k < list_of(e, &lists[i])->n; k++) {
			buf_printf(b, "\t%s ", lists[i].word);
			zone_peer_print(b, &list_of(e, &lists[i])->v[k]);
		}
	buf_char(b, '\n');
}

/* Words that we do not know are passed over: not every role needs all of a zone. */
static int
peer_parse(struct pool *pool, struct sv field, struct zone_list_entry *e)
{
	struct sv word = sv_cut(&field, ' ');

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct zone_peers *l = list_of(e, &lists[i]);

		if (!sv_eq_str(word, lists[i].word))
			continue;
		if (l->n == ZONE_PEERS_MAX)
			return SE_LIMIT;
		if (l->v == NULL && (l->v = pool_calloc(pool, ZONE_PEERS_MAX, sizeof(*l->v))) == NULL)
			return -ENOMEM;
		return lists[i].parse(field, &l->v[l->n++]) < 0 ? -EBADMSG : 0;
	}
	return 0;
}

static int
option_parse(struct sv word, struct dnssec_policy *p)
{
	struct sv name = sv_cut(&word, '=');
	const struct policy_row *rows;
	uint32_t v;
	size_t n;

	if (num_u32(word, 0, UINT32_MAX, &v) < 0)
		return -EBADMSG;
	rows = policy_rows(&n);
	for (size_t i = 0; i < n; i++)
		if (sv_eq_str(name, rows[i].name))
			return policy_set(p, &rows[i], v) < 0 ? -EBADMSG : 0;
	return -EBADMSG;
}

static int
output_default(struct pool *pool, struct sv state, struct zone_list_entry *e)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	zone_file_name(&b, &e->name);
	if (b.rc < 0)
		return b.rc;
	e->output = pool_printf(pool, "%.*s/zones/%.*szone", SV_ARG(state), SV_ARG(buf_get(&b)));
	return e->output == NULL ? -ENOMEM : 0;
}

static int
line_parse(struct pool *pool, struct sv line, struct sv state, struct zone_list_entry *e)
{
	struct sv name = sv_cut(&line, '\t'), file = sv_cut(&line, '\t'), word;
	struct sv output = sv_cut(&line, '\t'), options = sv_cut(&line, '\t');
	int rc;

	e->policy = policy_default();
	if (dname_parse(name, NULL, &e->name) < 0)
		return -EBADMSG;
	dns_lower(e->name.w, e->name.len);
	while (sv_word(&options, &word))
		if (option_parse(word, &e->policy) < 0)
			return -EBADMSG;
	while (line.n > 0)
		if ((rc = peer_parse(pool, sv_cut(&line, '\t'), e)) < 0)
			return rc;
	if ((file.n == 0) == (e->primaries.n == 0))
		return -EBADMSG;
	if ((e->file = pool_sv(pool, file).p) == NULL)
		return -ENOMEM;
	if (output.n == 0 && e->transfer.n == 0)
		return output_default(pool, state, e);
	e->output = pool_sv(pool, output).p;
	return e->output == NULL ? -ENOMEM : 0;
}

int
zone_list_parse(struct sv text, struct sv state, struct zone_list *ret)
{
	struct zone_list l = { .pool = pool_new(POOL_MAX) };
	struct sv line;
	int rc = 0;

	if (l.pool == NULL)
		return -ENOMEM;
	if ((l.v = pool_calloc(l.pool, ZONE_LIST_MAX, sizeof(*l.v))) == NULL)
		rc = -ENOMEM;
	while (rc == 0 && sv_line(&text, &line)) {
		if (l.n == ZONE_LIST_MAX)
			rc = SE_LIMIT;
		else if ((rc = line_parse(l.pool, line, state, &l.v[l.n])) == 0 &&
		    zone_list_find(&l, &l.v[l.n].name) != NULL)
			rc = -EBADMSG;
		else
			l.n += rc == 0;
	}
	if (rc < 0) {
		zone_list_done(&l);
		return rc;
	}
	*ret = l;
	return 0;
}

void
zone_list_done(struct zone_list *l)
{
	l->pool = pool_free(l->pool);
	l->n = 0;
}

struct zone_list_entry *
zone_list_find(const struct zone_list *l, const struct dname *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (dname_eq(&l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

void
zone_list_folder(const char *path, char *dst, size_t n)
{
	struct sv s = sv_str(path);
	size_t slash = sv_rfind(s, '/');

	if (slash == s.n)
		(void)snprintf(dst, n, ".");
	else
		(void)snprintf(dst, n, "%.*s", slash == 0 ? 1 : (int)slash, path);
}
