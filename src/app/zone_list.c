/* The zones that are configured, between the parent and its roles. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "app/zone_file.h"
#include "app/zone_list.h"
#include "base/err.h"
#include "sys/memfd.h"

/* Entries of 500 octets, servers of 300, paths: all of a list that was checked. */
#define POOL_MAX	((size_t)192 << 20)

#define FOLDERS_POOL	((size_t)1 << 20)	/* a sandbox has room for 512, of some hundred octets each */
#define PATH_LEN_MAX	4200

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

/*
 * The fields of one list: counted, then taken. Words that we do not know are
 * passed over: not every role needs all of a zone.
 */
static int
peers_parse(struct pool *pool, struct sv fields, const struct list_row *row, struct zone_peers *l)
{
	size_t n = 0;

	for (struct sv rest = fields; rest.n > 0; ) {
		struct sv field = sv_cut(&rest, '\t');

		n += sv_eq_str(sv_cut(&field, ' '), row->word);
	}
	if (n == 0)
		return 0;
	if (n > ZONE_PEERS_MAX)
		return SE_LIMIT;
	if ((l->v = pool_calloc(pool, n, sizeof(*l->v))) == NULL)
		return pool_is_full(pool) ? SE_LIMIT : -ENOMEM;
	while (fields.n > 0) {
		struct sv field = sv_cut(&fields, '\t');

		if (sv_eq_str(sv_cut(&field, ' '), row->word) && row->parse(field, &l->v[l->n++]) < 0)
			return -EBADMSG;
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
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if ((rc = peers_parse(pool, line, &lists[i], list_of(e, &lists[i]))) < 0)
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

/* Room for a zone a line. */
static int
room_make(struct sv text, struct zone_list *l)
{
	struct sv line;
	size_t n = 0;

	while (sv_line(&text, &line))
		n++;
	if (n > ZONE_LIST_MAX)
		return SE_LIMIT;
	if ((l->pool = pool_new(POOL_MAX)) == NULL ||
	    (l->v = pool_calloc(l->pool, n + 1, sizeof(*l->v))) == NULL)
		return -ENOMEM;
	return map_reserve(&l->by_name, n);
}

static int
line_add(struct zone_list *l, struct sv line, struct sv state)
{
	struct zone_list_entry *e = &l->v[l->n];
	int rc = line_parse(l->pool, line, state, e);

	if (rc == -ENOMEM && pool_is_full(l->pool))
		return SE_LIMIT;
	if (rc == 0)
		rc = map_add(&l->by_name, (struct sv){ (const char *)e->name.w, e->name.len }, e);
	l->n += rc == 0;
	return rc == -EEXIST ? -EBADMSG : rc;
}

int
zone_list_parse(struct sv text, struct sv state, struct zone_list *ret)
{
	struct zone_list l = { 0 };
	struct sv line;
	int rc = text.n > ZONE_LIST_TEXT_MAX ? SE_LIMIT : room_make(text, &l);

	while (rc == 0 && sv_line(&text, &line))
		rc = line_add(&l, line, state);
	if (rc < 0) {
		zone_list_done(&l);
		return rc;
	}
	*ret = l;
	return 0;
}

int
zone_list_read(int fd, struct sv state, struct zone_list *ret)
{
	struct file_map map;
	int rc = memfd_map(fd, false, ZONE_LIST_TEXT_MAX, &map);

	if (rc < 0)
		return rc;
	rc = memchr(map.data.n > 0 ? map.data.p : "x", 0, map.data.n > 0 ? map.data.n : 1) != NULL ?
	    -EBADMSG : zone_list_parse(map.data, state, ret);
	file_unmap(&map);
	return rc;
}

void
zone_list_done(struct zone_list *l)
{
	map_done(&l->by_name);
	l->pool = pool_free(l->pool);
	l->n = 0;
}

struct zone_list_entry *
zone_list_find(const struct zone_list *l, const struct dname *name)
{
	struct dname low = *name;

	dns_lower(low.w, low.len);
	return map_find(&l->by_name, (struct sv){ (const char *)low.w, low.len });
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

int
zone_folders_add(struct zone_folders *f, const char *path, int (*fn)(void *, const char *), void *arg)
{
	char folder[PATH_LEN_MAX], *kept;
	int rc;

	if (path[0] == '\0')
		return 0;
	zone_list_folder(path, folder, sizeof(folder));
	if (map_find(&f->met, sv_str(folder)) != NULL)
		return 0;
	if (f->pool == NULL && (f->pool = pool_new(FOLDERS_POOL)) == NULL)
		return -ENOMEM;
	if ((kept = pool_strdup(f->pool, folder)) == NULL)
		return -ENOMEM;
	rc = map_add(&f->met, sv_str(kept), kept);
	return rc < 0 ? rc : fn(arg, kept);
}

void
zone_folders_done(struct zone_folders *f)
{
	map_done(&f->met);
	f->pool = pool_free(f->pool);
}
