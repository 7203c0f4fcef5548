/* Answers that are kept, and who gives them: see app/mail_dns.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_dns_internal.h"
#include "app/zone_file.h"
#include "sys/clock.h"

/* --- what is kept --- */

struct mail_dns *
mail_dns_free(struct mail_dns *d)
{
	if (d == NULL)
		return NULL;
	(void)dnsask_free(d->stubs.asker);
	(void)loop_free(d->loop);
	(void)zone_unref(d->zone);
	map_done(&d->by_key);
	(void)pool_free(d->pool);
	free(d->room);
	free(d);
	return NULL;
}

static struct mail_dns *
dns_new(void)
{
	struct mail_dns *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->pool = pool_new(MAIL_DNS_POOL_MAX)) == NULL)
		return mail_dns_free(d);
	d->tail = &d->rows;
	return d;
}

/* The name in lower case, and the type. */
static struct sv
key_write(const struct mail_question *q, uint8_t dst[static DNS_NAME_MAX + 2])
{
	memcpy(dst, q->name.w, q->name.len);
	dns_lower(dst, q->name.len);
	put_be16(dst + q->name.len, q->type);
	return (struct sv){ (const char *)dst, (size_t)q->name.len + 2 };
}

/* A row without its answer; it is found from now on. */
static struct mail_dns_row *
row_add(struct mail_dns *d, const struct mail_question *q)
{
	struct mail_dns_row *r = pool_alloc(d->pool, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->q = *q;
	r->answer.rcode = MAIL_DNS_FAILED;
	if (map_add(&d->by_key, key_write(q, r->key), r) < 0)
		return NULL;
	*d->tail = r;
	d->tail = &r->next;
	return r;
}

/* Seconds of a clock that nobody sets. */
static int64_t
cache_now(void)
{
	return clock_mono_usec() / 1000000;
}

/* What can be had without waiting. 0: *ret, or NULL where it has to be asked for; -ENOMEM. */
static int
row_know(struct mail_dns *d, const struct mail_question *q, struct mail_dns_row **ret)
{
	struct mail_answer a = { .rcode = MAIL_DNS_FAILED };
	const char *why = NULL;
	int rc;

	if (d->zone != NULL)
		rc = zone_answer(d->zone, d->pool, q, &a, &why);
	else if (d->cache == NULL || (rc = mail_cache_find(d->cache, q, cache_now(), d->pool, &a, &why)) == 0)
		return 0;
	if (rc < 0 || (*ret = row_add(d, q)) == NULL)
		return rc < 0 ? rc : -ENOMEM;
	(*ret)->answer = a;
	(*ret)->why = why;
	return 0;
}

/*
 * Most messages ask for what others have asked for before: all of it is found here, and they are
 * judged in one go.
 */
static const struct mail_answer *
find(void *arg, const struct mail_question *q)
{
	uint8_t key[DNS_NAME_MAX + 2];
	struct mail_dns *d = arg;
	struct mail_dns_row *r = map_find(&d->by_key, key_write(q, key));

	if (r == NULL && d->rc == 0)
		d->rc = row_know(d, q, &r);
	return r == NULL || d->rc < 0 ? NULL : &r->answer;
}

struct mail_ask
mail_dns_ask(struct mail_dns *d)
{
	return (struct mail_ask){ .find = find, .arg = d };
}

static int
fill_asked(struct mail_dns *d, struct mail_dns_row **rows, size_t n)
{
	int rc = live_fill(d, rows, n);

	for (size_t i = 0; i < n && rc == 0 && d->cache != NULL; i++)
		mail_cache_add(d->cache, &rows[i]->q, cache_now(), &rows[i]->answer, rows[i]->why);
	return rc;
}

int
mail_dns_fill(struct mail_dns *d, struct mail_ask *ask)
{
	struct mail_dns_row *rows[MAIL_MISSING_MAX];
	uint8_t key[DNS_NAME_MAX + 2];
	size_t n = 0;

	for (size_t i = 0; i < ask->n_missing && d->rc == 0; i++) {
		const struct mail_question *q = &ask->missing[i];

		/* Asked for twice, and between that another thread has put it into the cache. */
		if (map_find(&d->by_key, key_write(q, key)) != NULL)
			continue;
		if ((rows[n++] = row_add(d, q)) == NULL)
			d->rc = -ENOMEM;
	}
	ask->n_missing = 0;
	if (d->rc == 0 && n > 0)
		d->rc = fill_asked(d, rows, n);
	return d->rc;
}

const struct mail_dns_row *
mail_dns_rows(const struct mail_dns *d)
{
	return d->rows;
}

/* --- data of an answer --- */

int
answer_room_init(struct answer_room *a, struct pool *pool, size_t n)
{
	*a = (struct answer_room){ .pool = pool, .cap = n };
	a->rdata = pool_calloc(pool, n + 1, sizeof(*a->rdata));
	return a->rdata == NULL ? -ENOMEM : 0;
}

int
answer_room_add(struct answer_room *a, uint16_t type, struct sv rdata)
{
	if (!rdata_ok(type, rdata) || a->n == a->cap)
		return -EBADMSG;
	a->rdata[a->n] = pool_sv(a->pool, rdata);
	return a->rdata[a->n++].p == NULL ? -ENOMEM : 0;
}

/* --- zone files --- */

/* All records of one file's tree into the one of all. */
static int
tree_add(struct zone_builder *to, const struct zone *z)
{
	struct zone_it it = zone_begin(z, ZONE_NAMES);
	struct znode *n;
	struct zrrset s;
	int rc = 0;

	while (rc == 0 && (n = zone_next(&it)) != NULL) {
		struct dname owner;
		size_t pos = 0;

		znode_name(z, ZONE_NAMES, n, &owner);
		while (rc == 0 && znode_next(n, &pos, &s)) {
			struct dns_rr rr = { .owner = &owner, .type = s.type, .ttl = s.ttl,
				.class = DNS_CLASS_IN };

			while (rc == 0 && zdata_next(&s.rrs, &rr.rdata))
				rc = zone_builder_add(to, &rr);
		}
	}
	return rc;
}

static int
file_add(struct zone_builder *to, const char *path, struct findings *fs)
{
	const struct zone_file_opts o = { .apex = &DNAME_ROOT, .pipe = true,
		.ttl = MAIL_DNS_FILE_TTL };
	_cleanup_(zone_unrefp) struct zone *z = NULL;
	int rc = zone_file_read(path, &o, fs, &z);

	return rc < 0 ? rc : tree_add(to, z);
}

int
mail_dns_files(const char *const *paths, size_t n, struct findings *fs, size_t *ret_bad,
    struct mail_dns **ret)
{
	_cleanup_(mail_dns_freep) struct mail_dns *d = dns_new();
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&DNAME_ROOT, fs);
	int rc;

	if (d == NULL || b == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		fs->subject = sv_str(paths[i]);
		*ret_bad = i;
		if ((rc = file_add(b, paths[i], fs)) < 0)
			return rc;
	}
	if ((rc = zone_builder_done(b, &d->zone)) < 0)
		return rc;
	*ret = findings_reject(fs) ? NULL : TAKE_PTR(d);
	return 0;
}

/* --- resolvers --- */

static bool
is_here(const struct dnsask_to *to)
{
	struct ip_prefix v4, v6;

	return ip_prefix_parse(SV("127.0.0.0/8"), &v4) == 0 &&
	    ip_prefix_parse_host(SV("::1"), &v6) == 0 &&
	    (ip_prefix_covers(&v4, &to->addr) || ip_prefix_covers(&v6, &to->addr));
}

int
mail_dns_resolvers_read(struct sv resolver, struct mail_dns_resolvers *ret)
{
	struct dns_stubs s = { 0 };
	int rc = 0;

	if (resolver.n > 0)
		rc = dnsask_to_parse(resolver, &s.resolver[s.n_resolvers++]);
	else
		rc = stubs_resolvers_read(&s, DNS_STUB_RESOLVERS_MAX);
	if (rc < 0)
		return rc;
	*ret = (struct mail_dns_resolvers){ .n = s.n_resolvers, .here = true };
	memcpy(ret->to, s.resolver, sizeof(ret->to));
	for (unsigned i = 0; i < ret->n; i++)
		ret->here &= is_here(&ret->to[i]);
	return 0;
}

int
mail_dns_live_of(const struct mail_dns_resolvers *to, uint32_t sec, struct mail_dns **ret)
{
	struct mail_dns *d = dns_new();

	if (d == NULL)
		return -ENOMEM;
	d->usec = (int64_t)sec * 1000000;
	d->resolvers = *to;
	*ret = d;
	return 0;
}

int
mail_dns_live(struct sv resolver, uint32_t sec, struct mail_dns **ret)
{
	struct mail_dns_resolvers to;
	int rc = mail_dns_resolvers_read(resolver, &to);

	return rc < 0 ? rc : mail_dns_live_of(&to, sec, ret);
}

void
mail_dns_share(struct mail_dns *d, struct mail_cache *c)
{
	d->cache = c;
}
