#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/exceptions.h"
#include "base/hash.h"
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
kind_of(bool asserts, bool aspa, bool bgpsec)
{
	if (bgpsec)
		return asserts ? SLURM_BGPSEC_ASSERTION : SLURM_BGPSEC_FILTER;
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

/* The fields of a line, in their order. */
enum field {
	F_LINE, F_ACTION, F_PREFIX, F_ASN, F_MAX_LEN, F_CUSTOMER, F_PROVIDERS, F_UNTIL,
	F_OWNER, F_REASON, F_TICKET, F_ROUTER_ASN, F_SKI, F_KEY,
	F_FIELDS
};

/* The words of an entry, and what is made of them. */
static int
words_read(struct pool *pool, const struct sv *f, size_t no, struct exception *x)
{
	struct slurm_entry *e = &x->entry;
	char *where;

	x->owner = pool_sv(pool, f[F_OWNER]);
	x->reason = pool_sv(pool, f[F_REASON]);
	x->ticket = pool_sv(pool, f[F_TICKET]);
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
vrp_read(const struct sv *f, bool asserts, struct slurm_entry *e)
{
	uint32_t max_len = 0;

	if ((f[F_PREFIX].n > 0 && ip_prefix_parse(f[F_PREFIX], &e->px) < 0) ||
	    number_read(f[F_ASN], UINT32_MAX, &e->asn, &e->has_asn) < 0 ||
	    number_read(f[F_MAX_LEN], 128, &max_len, &e->has_max_len) < 0)
		return -EBADMSG;
	e->max_len = (uint8_t)max_len;
	if (f[F_PROVIDERS].n > 0 || (f[F_PREFIX].n == 0 && !e->has_asn) ||
	    (asserts && (f[F_PREFIX].n == 0 || !e->has_asn)))
		return -EBADMSG;
	if (e->has_max_len && (!asserts || max_len < e->px.len || max_len > ip_bits(e->px.af)))
		return -EBADMSG;
	return 0;
}

static int
aspa_read(struct pool *pool, const struct sv *f, bool asserts, struct slurm_entry *e)
{
	if (number_read(f[F_CUSTOMER], UINT32_MAX, &e->asn, &e->has_asn) < 0 ||
	    f[F_PREFIX].n + f[F_ASN].n + f[F_MAX_LEN].n > 0 || (asserts && f[F_PROVIDERS].n == 0))
		return -EBADMSG;
	return providers_read(pool, f[F_PROVIDERS], e);
}

static int
bgpsec_read(struct pool *pool, const struct sv *f, bool asserts, struct slurm_entry *e)
{
	size_t n = f[F_KEY].n / 2;
	uint8_t *spki;

	e->has_ski = f[F_SKI].n > 0;
	if (number_read(f[F_ROUTER_ASN], UINT32_MAX, &e->asn, &e->has_asn) < 0 ||
	    (e->has_ski && hex_decode(e->ski, sizeof(e->ski), f[F_SKI]) < 0) ||
	    f[F_PREFIX].n + f[F_ASN].n + f[F_MAX_LEN].n + f[F_CUSTOMER].n + f[F_PROVIDERS].n > 0)
		return -EBADMSG;
	if (!asserts)
		return n > 0 || (!e->has_asn && !e->has_ski) ? -EBADMSG : 0;
	if ((spki = pool_alloc(pool, n + 1)) == NULL)
		return -ENOMEM;
	e->spki = (struct sv){ (const char *)spki, n };
	return !e->has_asn || !e->has_ski || hex_decode(spki, n, f[F_KEY]) < 0 ||
	    !slurm_key_sound(e->spki) ? -EBADMSG : 0;
}

static int
line_read(struct pool *pool, struct sv line, size_t no, struct exception *x)
{
	struct slurm_entry *e = &x->entry;
	struct sv f[F_FIELDS];
	bool asserts, bgpsec;
	uint64_t t;
	int rc;

	for (size_t i = 0; i < F_FIELDS; i++)
		f[i] = sv_cut(&line, '\t');
	asserts = sv_eq(f[F_ACTION], SV("assert"));
	if (line.n > 0 || num_u32(f[F_LINE], 0, UINT32_MAX, &x->line) < 0 ||
	    (!asserts && !sv_eq(f[F_ACTION], SV("filter"))) ||
	    num_u64(f[F_UNTIL], 0, INT64_MAX, &t) < 0)
		return -EBADMSG;
	bgpsec = f[F_ROUTER_ASN].n + f[F_SKI].n + f[F_KEY].n > 0;
	e->kind = kind_of(asserts, f[F_CUSTOMER].n > 0, bgpsec);
	e->expires = (int64_t)t;
	rc = bgpsec ? bgpsec_read(pool, f, asserts, e) : f[F_CUSTOMER].n > 0 ?
	    aspa_read(pool, f, asserts, e) : vrp_read(f, asserts, e);
	return rc < 0 ? rc : words_read(pool, f, no, x);
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
