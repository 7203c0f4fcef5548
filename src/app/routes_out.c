#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/routes_out.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "out/escape.h"
#include "out/payloads_out.h"
#include "out/table.h"
#include "sys/atomicfile.h"
#include "sys/file.h"

#define SUMMARY_CODES_MAX	12	/* kinds of findings on one screen */

/* --- findings: a JSON object a line --- */

struct lines {
	struct buf		*b;
	enum lang		 lang;
};

static bool
finding_line(void *arg, const struct finding *f)
{
	struct lines *l = arg;
	struct json j = json_on(l->b, false);

	finding_json(&j, f, l->lang);
	buf_char(l->b, '\n');
	return l->b->rc == 0;
}

static void
findings_write(const struct routes *r, const struct ours *ours UNUSED,
    enum lang lang, struct buf *b)
{
	struct lines l = { b, lang };

	routes_findings(r, finding_line, &l);
}

/* --- summary --- */

struct code_count {
	const struct finding_def *def;
	uint64_t		  n;
	struct sv		  first;
};

struct code_counts {
	struct code_count	 row[256];
	size_t			 n;
};

static bool
code_add(void *arg, const struct finding *f)
{
	struct code_counts *c = arg;

	for (size_t i = 0; i < c->n; i++)
		if (c->row[i].def == f->def) {
			c->row[i].n++;
			return true;
		}
	if (c->n < ARRAY_LEN(c->row))
		c->row[c->n++] = (struct code_count){ f->def, 1, f->subject };
	return true;
}

static int
code_cmp(const void *a, const void *b)
{
	const struct code_count *x = a, *y = b;

	if (x->def->severity != y->def->severity)
		return x->def->severity > y->def->severity ? -1 : 1;
	return (y->n > x->n) - (y->n < x->n);
}

static void
summary_codes(const struct routes *r, enum lang lang, struct buf *b)
{
	struct code_counts *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return;
	routes_findings(r, code_add, c);
	qsort(c->row, c->n, sizeof(c->row[0]), code_cmp);
	if (c->n > 0)
		buf_printf(b, "\n%s\n", tr(lang, N_("Findings, worst first (sekisho explain CODE says more):")));
	for (size_t i = 0; i < c->n && i < SUMMARY_CODES_MAX; i++) {
		buf_printf(b, "  %-6s %-26s %6llu  ", severity_name(c->row[i].def->severity),
		    c->row[i].def->code, (unsigned long long)c->row[i].n);
		escape_term(b, c->row[i].first);
		buf_char(b, '\n');
	}
	if (c->n > SUMMARY_CODES_MAX)
		buf_printf(b, tr(lang, N_("  … and %zu kinds more; -o findings=FILE has all\n")),
		    c->n - SUMMARY_CODES_MAX);
	free(c);
}

static void
head_put(struct buf *b, const char *first, const char *const *rest, size_t n)
{
	table_cell(b, first, 24, false);
	for (size_t i = 0; i < n; i++) {
		buf_char(b, ' ');
		table_cell(b, rest[i], 10, true);
	}
	buf_char(b, '\n');
}

static void
row_put(struct buf *b, const char *first, const uint64_t *n, size_t n_n)
{
	table_cell(b, first, 24, false);
	for (size_t i = 0; i < n_n; i++) {
		buf_char(b, ' ');
		table_num(b, n[i], 10);
	}
}

static void
summary_tas(const struct routes *r, enum lang lang, struct buf *b)
{
	const char *const head[] = { "VRP IPv4", "VRP IPv6", "ASPA", tr(lang, N_("objects")) };

	head_put(b, tr(lang, N_("trust anchor")), head, ARRAY_LEN(head));
	for (size_t i = 0; i < r->n_tas; i++) {
		const struct routes_ta *t = &r->tas[i];
		const uint64_t n[] = { t->n_v4, t->n_v6, t->n_aspas, t->n_objects };

		row_put(b, t->tal.name, n, ARRAY_LEN(n));
		buf_str(b, t->ok ? "\n" : tr(lang, N_("  not usable\n")));
	}
}

static void
summary_types(const struct routes *r, enum lang lang, struct buf *b)
{
	const char *const head[] = { tr(lang, N_("valid")), tr(lang, N_("rejected")),
	    tr(lang, N_("lost")), tr(lang, N_("not judged")) };

	buf_char(b, '\n');
	head_put(b, tr(lang, N_("objects")), head, ARRAY_LEN(head));
	for (int t = 0; t < RPKI_TYPE_MAX; t++) {
		const uint64_t *c = r->count[t];
		const uint64_t n[] = { c[V_VALID], c[V_REJECTED], c[V_LOST], c[V_NOT_JUDGED] };

		if (n[0] + n[1] + n[2] + n[3] == 0)
			continue;
		row_put(b, rpki_type_name((enum rpki_type)t), n, ARRAY_LEN(n));
		buf_char(b, '\n');
	}
}

static void
summary_ours(const struct routes *r, const struct ours *ours, enum lang lang,
    struct buf *b)
{
	size_t n_vrps = 0, n_aspas = 0;

	if (ours == NULL || ours->n_asns + ours->n_prefixes == 0)
		return;
	for (size_t i = 0; i < r->payloads.n_vrps; i++) {
		const struct vrp *v = &r->payloads.vrps[i];
		struct ip_prefix p = { .len = v->len, .af = v->af };

		memcpy(p.addr, v->addr, 16);
		n_vrps += ours_asn(ours, v->asn) || ours_prefix(ours, &p);
	}
	for (size_t i = 0; i < r->payloads.n_aspas; i++)
		n_aspas += ours_asn(ours, r->payloads.aspas[i].customer);
	buf_printf(b, tr(lang, N_("\nOurs: %zu VRPs, %zu ASPAs\n")), n_vrps, n_aspas);
}

void
routes_summary(const struct routes *r, const struct ours *ours, enum lang lang,
    struct buf *b)
{
	char t1[TIME_STRLEN], t2[TIME_STRLEN];

	buf_printf(b, tr(lang, N_("%zu VRPs and %zu ASPAs at %s; the first of them expires at %s\n\n")),
	    r->payloads.n_vrps, r->payloads.n_aspas, time_str(r->now, t1),
	    time_str(r->earliest, t2));
	summary_tas(r, lang, b);
	summary_types(r, lang, b);
	summary_ours(r, ours, lang, b);
	summary_codes(r, lang, b);
	if (r->incomplete || r->n_unreadable > 0)
		buf_printf(b, "\n%s\n", tr(lang,
		    N_("Something could not be read on this machine (see above): the result is incomplete.")));
}

static void
summary_write(const struct routes *r, const struct ours *ours, enum lang lang,
    struct buf *b)
{
	routes_summary(r, ours, lang, b);
}

/* --- payload formats --- */

static int
nonfunc_gather(const struct routes *r, struct payloads_meta *m)
{
	struct payloads_nonfunc *n = calloc(r->n_points + 1, sizeof(*n));

	if (n == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_points; i++) {
		const struct rpki_ca *ca = r->points[i]->ca;

		if (r->points[i]->failed && !ca->lost)
			n[m->n_nonfunc++] = (struct payloads_nonfunc){ sv_skip(ca->uri, 8),
			    ca->repo_uri, ca->mft_uri, ca->ski, ca->ta };
	}
	m->nonfunc = n;
	return 0;
}

static int
payloads_put(const struct routes *r, const struct payloads_format *f, struct buf *b)
{
	const uint64_t (*c)[V_MAX] = r->count;
	struct payloads_meta m = {
		.built = r->now,
		.elapsed_sec = (uint64_t)r->duration_usec / 1000000,
		.n_roas = c[RPKI_ROA][V_VALID], .n_roas_bad = c[RPKI_ROA][V_REJECTED],
		.n_aspas = c[RPKI_ASA][V_VALID], .n_aspas_bad = c[RPKI_ASA][V_REJECTED],
		.n_certs = c[RPKI_CER][V_VALID], .n_certs_bad = c[RPKI_CER][V_REJECTED],
		.n_mfts = c[RPKI_MFT][V_VALID], .n_mfts_bad = c[RPKI_MFT][V_REJECTED],
		.n_crls = c[RPKI_CRL][V_VALID], .n_vrps_all = r->n_vrps_all,
	};
	int rc = nonfunc_gather(r, &m);

	if (rc == 0)
		f->write(b, &r->payloads, &m);
	free((void *)(uintptr_t)m.nonfunc);
	return rc;
}

/* --- which, where --- */

static const struct {
	const char	*name;
	void		(*write)(const struct routes *, const struct ours *, enum lang, struct buf *);
} run_formats[] = {
	{ "findings", findings_write },
	{ "summary", summary_write },
};

static int
run_format_find(struct sv name)
{
	for (size_t i = 0; i < ARRAY_LEN(run_formats); i++)
		if (sv_eq_str(name, run_formats[i].name))
			return (int)i;
	return -1;
}

int
routes_out_parse(const char *arg, struct routes_out *ret)
{
	struct sv s = sv_str(arg), format = sv_cut(&s, '=');

	if (s.n == 0 || (payloads_format_find(format) == NULL && run_format_find(format) < 0))
		return -EINVAL;
	*ret = (struct routes_out){ format, s.p };
	return 0;
}

void
routes_out_names(struct buf *b)
{
	for (size_t i = 0; i < payloads_n_formats; i++) {
		buf_str(b, payloads_formats[i].name);
		buf_char(b, ' ');
	}
	for (size_t i = 0; i < ARRAY_LEN(run_formats); i++) {
		buf_str(b, run_formats[i].name);
		if (i + 1 < ARRAY_LEN(run_formats))
			buf_char(b, ' ');
	}
}

int
routes_out_write(const struct routes *r, const struct ours *ours,
    const struct routes_out *o, const struct complain *c)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	struct buf b = BUF_SINK(fd_write_all, &f.fd);
	const struct payloads_format *pf = payloads_format_find(o->format);
	int rc = atomicfile_open(&f, o->file);

	if (rc == 0) {
		if (pf != NULL)
			rc = payloads_put(r, pf, &b);
		else
			run_formats[run_format_find(o->format)].write(r, ours, c->lang, &b);
		if (rc == 0)
			rc = buf_flush(&b);
		if (rc == 0)
			rc = atomicfile_commit(&f);
		buf_done(&b);
	}
	if (rc < 0)
		complain(c, tr(c->lang, N_("cannot write %s: %s; the old file, if any, is unchanged")),
		    o->file, err_str(rc));
	return rc;
}
