#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/exceptions.h"
#include "base/timefmt.h"

#define FILE_NAME	"rpki.exceptions"

/* --- reading what exceptions_conf.c writes --- */

static int
number_read(struct sv s, uint32_t max, uint32_t *ret, bool *ret_has)
{
	*ret_has = s.n > 0;
	return s.n == 0 || num_u32(s, 0, max, ret) == 0 ? 0 : -EBADMSG;
}

static int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
providers_read(struct pool *pool, struct sv s, struct slurm_entry *e)
{
	uint32_t *p;
	size_t n = s.n > 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == ',';
	if ((p = pool_calloc(pool, n + 1, sizeof(*p))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (num_u32(sv_cut(&s, ','), 0, UINT32_MAX, &p[i]) < 0)
			return -EBADMSG;
	qsort(p, n, sizeof(*p), u32_cmp);
	e->providers = p;
	e->n_providers = (uint32_t)n;
	return 0;
}

static enum slurm_kind
kind_of(bool asserts, bool aspa)
{
	if (aspa)
		return asserts ? SLURM_ASPA_ASSERTION : SLURM_ASPA_FILTER;
	return asserts ? SLURM_PREFIX_ASSERTION : SLURM_PREFIX_FILTER;
}

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* Trust anchors' names go to CSV, JSON and labels as they are: plain letters. */
static const char *
ta_name(struct pool *pool, struct sv owner)
{
	char *name = pool_printf(pool, "exception-%.*s", (int)min_size(owner.n, TA_NAME_MAX - 10), owner.p);

	for (char *p = name; p != NULL && *p != '\0'; p++)
		if (!name_char(*p))
			*p = '_';
	return name;
}

static char *
comment_of(struct pool *pool, const struct exception *x)
{
	char until[TIME_STRLEN];

	return pool_printf(pool, "%.*s: %.*s%s%.*s%s, until %s", SV_ARG(x->owner), SV_ARG(x->reason),
	    x->ticket.n > 0 ? " (" : "", SV_ARG(x->ticket), x->ticket.n > 0 ? ")" : "",
	    time_str(x->entry.expires, until));
}

/* The words of an entry, and what is made of them. */
static int
words_read(struct pool *pool, struct sv *line, size_t no, struct exception *x)
{
	struct slurm_entry *e = &x->entry;
	char *where;

	x->owner = pool_sv(pool, sv_cut(line, '\t'));
	x->reason = pool_sv(pool, sv_cut(line, '\t'));
	x->ticket = pool_sv(pool, *line);
	if (x->owner.p == NULL || x->reason.p == NULL || x->ticket.p == NULL)
		return -ENOMEM;
	if (x->owner.n == 0 || x->reason.n == 0)
		return -EBADMSG;
	where = pool_printf(pool, FILE_NAME "[%zu]", no);
	e->ta = ta_name(pool, x->owner);
	e->comment = sv_str(comment_of(pool, x));
	e->where = sv_str(where);
	return where == NULL || e->ta == NULL || e->comment.p == NULL ? -ENOMEM : 0;
}

static int
line_read(struct pool *pool, struct sv line, size_t no, struct exception *x)
{
	struct sv n = sv_cut(&line, '\t'), action = sv_cut(&line, '\t'), px = sv_cut(&line, '\t');
	struct sv asn = sv_cut(&line, '\t'), max = sv_cut(&line, '\t'), customer = sv_cut(&line, '\t');
	struct sv providers = sv_cut(&line, '\t'), until = sv_cut(&line, '\t');
	struct slurm_entry *e = &x->entry;
	bool asserts = sv_eq(action, SV("assert")), aspa;
	uint32_t max_len = 0;
	uint64_t t;
	int rc;

	if (num_u32(n, 0, UINT32_MAX, &x->line) < 0 || (!asserts && !sv_eq(action, SV("filter"))) ||
	    (px.n > 0 && ip_prefix_parse(px, &e->px) < 0) ||
	    number_read(asn, UINT32_MAX, &e->asn, &e->has_asn) < 0 ||
	    number_read(max, 128, &max_len, &e->has_max_len) < 0 ||
	    (customer.n > 0 && number_read(customer, UINT32_MAX, &e->asn, &e->has_asn) < 0) ||
	    num_u64(until, 0, INT64_MAX, &t) < 0)
		return -EBADMSG;
	aspa = customer.n > 0;
	e->kind = kind_of(asserts, aspa);
	e->max_len = (uint8_t)max_len;
	e->expires = (int64_t)t;
	if ((aspa && (px.n > 0 || asn.n > 0)) || (!aspa && providers.n > 0) ||
	    (asserts && !aspa && (px.n == 0 || asn.n == 0)) || (px.n == 0 && !e->has_asn) ||
	    (asserts && aspa && providers.n == 0) ||
	    (e->has_max_len && (!asserts || px.n == 0 || max_len < e->px.len || max_len > ip_bits(e->px.af))))
		return -EBADMSG;
	if (aspa && (rc = providers_read(pool, providers, e)) < 0)
		return rc;
	return words_read(pool, &line, no, x);
}

int
exceptions_parse(struct pool *pool, struct sv text, struct exceptions *ret)
{
	struct exceptions x = { 0 };
	struct sv rest = text, line;
	int rc = 0;

	while (sv_line(&rest, &line))
		x.n++;
	if ((x.v = pool_calloc(pool, x.n + 1, sizeof(*x.v))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < x.n && rc == 0; i++)
		rc = sv_line(&text, &line) ? line_read(pool, line, i, &x.v[i]) : -EBADMSG;
	if (rc == 0)
		*ret = x;
	return rc;
}

/* --- at a moment --- */

static void
end_report(const struct exception *x, enum rpki_code c, struct findings *fs)
{
	struct buf what = BUF_INIT;

	slurm_entry_print(&what, &x->entry);
	finding_add(fs, &rpki_findings[c], FA_SV("what", buf_get(&what)), FA_U("line", x->line),
	    FA_SV("owner", x->owner), FA_TIME("until", x->entry.expires));
	buf_done(&what);
}

int
exceptions_compile(const struct exceptions *xs, int64_t now, struct slurm *s,
    struct findings *fs, int64_t *ret_next)
{
	int file = xs->n > 0 ? slurm_file(s, FILE_NAME) : 0, rc = 0;
	int64_t next = TIME_NEVER;

	if (file < 0)
		return file;
	fs->subject = SV(FILE_NAME);
	for (size_t i = 0; i < xs->n && rc == 0; i++) {
		struct slurm_entry e = xs->v[i].entry;
		int64_t warn = e.expires - EXCEPTION_WARN_SEC;

		if (e.expires <= now) {
			end_report(&xs->v[i], RPKI_EXCEPTION_EXPIRED, fs);
			continue;
		}
		if (warn <= now)
			end_report(&xs->v[i], RPKI_EXCEPTION_ENDS, fs);
		next = min_i64(next, warn <= now ? e.expires : warn);
		e.file = (uint32_t)file;
		rc = slurm_add(s, &e);
	}
	*ret_next = next;
	return rc;
}

int
exceptions_apply(const struct exceptions *xs, int64_t now, struct payloads *p,
    struct findings *fs, int64_t *ret_next)
{
	_cleanup_(slurm_freep) struct slurm *s = slurm_new();
	int rc;

	if (s == NULL)
		return -ENOMEM;
	if ((rc = exceptions_compile(xs, now, s, fs, ret_next)) < 0)
		return rc;
	return slurm_apply(s, now, p);
}

int
exceptions_load(const char *const *files, size_t n, struct sv text, int64_t now,
    struct findings *fs, const struct complain *c, struct slurm **ret, int64_t *ret_next)
{
	_cleanup_(slurm_freep) struct slurm *s = slurm_new();
	struct exceptions xs;
	int rc;

	if (s == NULL)
		return -ENOMEM;
	if ((rc = exceptions_parse(s->pool, text, &xs)) < 0 ||
	    (rc = exceptions_compile(&xs, now, s, fs, ret_next)) < 0 ||
	    (rc = slurm_files_read(s, files, n, fs, c)) < 0 || (rc = slurm_check(s, fs)) < 0)
		return rc;
	*ret = findings_reject(fs) ? NULL : TAKE_PTR(s);
	return 0;
}
