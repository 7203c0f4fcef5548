/* sekisho rpki diff A B: two results, ours or a peer's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/vrps_csv.h"
#include "app/vrps_json.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd/rpki_diff_cause.h"
#include "out/escape.h"
#include "sys/atomicfile.h"

#define POOL_MAX	(4 * 1024 * 1024)
#define SHOWN_MAX	100		/* lines on a terminal; the formats have all */
#define FILE_MAX	((size_t)1024 * 1024 * 1024)
#define WARN_DEFAULT	1

/* One of the two. */
struct result {
	const char		*name;
	struct payloads		 p;
	struct state_snapshot	 s;	/* ours: of a state directory */
	bool			 ours;
};

/* only in A, only in B, or in both with another length. */
struct entry {
	struct vrp	v;
	uint8_t		side;		/* 0, 1, 2: both */
	uint8_t		max_b;
	bool		used;
};

struct diff_work {
	struct cmd_ctx	*ctx;
	bool		 nagios;
	uint32_t	 warn, crit;
	const char	*csv;
	struct result	 r[2];
	struct diff_causes *causes;	/* NULL: both are ours, or none is */
	struct entry	*v;		/* vrps that are not in both */
	size_t		 n, cap;
	size_t		 n_side[3], n_equal, n_aspas, n_keys, n_shown;
	struct buf	 b;
};

static const struct cmd_opt opts[] = {
	{ "nagios", 0, NULL, N_("one line and the exit status of a monitoring plugin") },
	{ "warn", 0, "N", N_("with --nagios: warning from so many differences on (default 1)") },
	{ "crit", 0, "N", N_("with --nagios: critical from so many differences on (default: never)") },
	{ "out", 'o', "csv=FILE", N_("write the differing VRPs to this file, too") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct diff_work *w = state;
	int rc = 0;

	if (strcmp(o->name, "nagios") == 0)
		w->nagios = true;
	else if (strcmp(o->name, "warn") == 0)
		rc = num_u32(sv_str(arg), 1, UINT32_MAX, &w->warn);
	else if (strcmp(o->name, "crit") == 0)
		rc = num_u32(sv_str(arg), 1, UINT32_MAX, &w->crit);
	else if (sv_starts(sv_str(arg), SV("csv=")))
		w->csv = arg + 4;
	else
		rc = SE_SYNTAX;
	return rc == 0 ? 0 : cmd_usage(ctx, tr(ctx->lang,
	    N_("--%s: \"%s\" is not understood")), o->name, arg);
}

/* --- reading --- */

static long
text_read(void *arg, void *to, size_t n)
{
	struct sv *s = arg;

	n = min_size(n, s->n);
	if (n > 0)
		memcpy(to, s->p, n);
	*s = sv_skip(*s, n);
	return (long)n;
}

static int
json_read(struct sv text, struct payloads *p, uint64_t *ret_line)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	struct vrps_info info = { 0 };
	struct findings fs;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	rc = vrps_json_read(text_read, &text, &fs, p, &info);
	*ret_line = info.line;
	return rc;
}

/* A file: JSON or CSV, told apart by how it begins. */
static int
file_load(struct diff_work *w, struct result *r)
{
	struct file_map map;
	uint64_t line = 0;
	int rc = file_map(r->name, FILE_MAX, &map);

	if (rc == 0) {
		rc = vrps_csv_is(map.data) ? vrps_csv_read(map.data, &r->p, &line) :
		    json_read(map.data, &r->p, &line);
		file_unmap(&map);
	}
	if (rc == 0)
		return 0;
	if (line > 0)
		cmd_err(tr(w->ctx->lang, N_("%s, line %llu: %s; a list of VRPs as JSON or CSV is wanted")),
		    r->name, (unsigned long long)line, err_str(rc));
	else
		cmd_err("%s: %s", r->name, err_str(rc));
	return EXIT_CANNOT;
}

/* "42": of the state directory; "current": its newest. */
static int
serial_load(struct diff_work *w, struct result *r, const uint32_t *serial)
{
	char dir[STATE_DIR_MAX];
	int rc = rpki_state_dir(w->ctx, dir);

	if (rc != 0)
		return rc;
	if ((rc = rpki_snapshot_open(dir, serial, &r->s)) < 0) {
		cmd_err(tr(w->ctx->lang, N_("%s/snapshots: serial %s: %s; rpki.snapshots says how many are kept")),
		    dir, r->name, err_str(rc));
		return EXIT_CANNOT;
	}
	r->ours = true;
	if ((rc = snapshot_payloads(&r->s.snap, INT64_MIN, &r->p)) == 0)
		return 0;
	cmd_err("%s: %s", r->name, err_str(rc));
	return EXIT_CANNOT;
}

static int
load(struct diff_work *w, struct result *r)
{
	struct sv name = sv_str(r->name);
	size_t dropped;
	uint32_t serial;
	int rc;

	if (num_u32(name, 0, UINT32_MAX, &serial) == 0)
		rc = serial_load(w, r, &serial);
	else if (sv_eq_str(name, "current"))
		rc = serial_load(w, r, NULL);
	else
		rc = file_load(w, r);
	if (rc != 0)
		return rc;
	if (!r->ours && payloads_merge(&r->p, &dropped) < 0) {
		cmd_err("%s: %s", r->name, err_str(-ENOMEM));
		return EXIT_CANNOT;
	}
	return 0;
}

/* --- comparing --- */

static int
entry_add(struct diff_work *w, const struct vrp *v, uint8_t side)
{
	struct entry *more;

	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? 1024 : 2 * w->cap;
		if ((more = realloc(w->v, w->cap * sizeof(*more))) == NULL)
			return -ENOMEM;
		w->v = more;
	}
	w->v[w->n++] = (struct entry){ .v = *v, .side = side };
	return 0;
}

/* Prefix and AS first, so that what differs in length alone lies together. */
static int
entry_cmp(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	int c = memcmp(a->v.addr, b->v.addr, sizeof(a->v.addr));

	if (a->v.af != b->v.af)
		return a->v.af < b->v.af ? -1 : 1;
	if (c != 0)
		return c;
	if (a->v.len != b->v.len)
		return a->v.len < b->v.len ? -1 : 1;
	if (a->v.asn != b->v.asn)
		return a->v.asn < b->v.asn ? -1 : 1;
	if (a->side != b->side)
		return a->side < b->side ? -1 : 1;
	return (int)a->v.max_len - (int)b->v.max_len;
}

static bool
same_route(const struct vrp *a, const struct vrp *b)
{
	return a->af == b->af && a->len == b->len && a->asn == b->asn &&
	    memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/* One of A and one of B become one line; in order, if there are several. */
static void
lengths_pair(struct diff_work *w)
{
	for (size_t i = 0, end; i < w->n; i = end) {
		size_t b = i;

		for (end = i; end < w->n && same_route(&w->v[i].v, &w->v[end].v); end++)
			b += w->v[end].side == 0;
		for (size_t a = i, k = b; a < b && k < end; a++, k++) {
			w->v[a].side = 2;
			w->v[a].max_b = w->v[k].v.max_len;
			w->v[k].used = true;
		}
	}
	for (size_t i = 0; i < w->n; i++)
		if (!w->v[i].used)
			w->n_side[w->v[i].side]++;
}

static int
vrps_compare(struct diff_work *w)
{
	const struct payloads *a = &w->r[0].p, *b = &w->r[1].p;
	size_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < a->n_vrps || j < b->n_vrps)) {
		int cmp = i == a->n_vrps ? 1 : j == b->n_vrps ? -1 :
		    vrp_cmp(&a->vrps[i], &b->vrps[j]);

		if (cmp < 0)
			rc = entry_add(w, &a->vrps[i], 0);
		else if (cmp > 0)
			rc = entry_add(w, &b->vrps[j], 1);
		w->n_equal += cmp == 0;
		i += cmp <= 0;
		j += cmp >= 0;
	}
	if (rc < 0)
		return rc;
	if (w->n > 0)
		qsort(w->v, w->n, sizeof(*w->v), entry_cmp);
	lengths_pair(w);
	return 0;
}

static bool
aspa_same(const struct aspa *x, const struct aspa *y)
{
	return x->n_providers == y->n_providers && (x->n_providers == 0 || memcmp(x->providers,
	    y->providers, x->n_providers * sizeof(*x->providers)) == 0);
}

/* fn gets the ASPAs that differ; one of them may be NULL. */
static void
aspas_walk(struct diff_work *w, void (*fn)(struct diff_work *, void *, const struct aspa *,
    const struct aspa *), void *arg)
{
	const struct payloads *a = &w->r[0].p, *b = &w->r[1].p;
	size_t i = 0, j = 0;

	while (i < a->n_aspas || j < b->n_aspas) {
		const struct aspa *x = i < a->n_aspas ? &a->aspas[i] : NULL;
		const struct aspa *y = j < b->n_aspas ? &b->aspas[j] : NULL;

		if (x != NULL && y != NULL && x->customer != y->customer) {
			if (x->customer < y->customer)
				y = NULL;
			else
				x = NULL;
		}
		i += x != NULL;
		j += y != NULL;
		if (x == NULL || y == NULL || !aspa_same(x, y))
			fn(w, arg, x, y);
	}
}

static void
aspa_count(struct diff_work *w, void *arg UNUSED, const struct aspa *x UNUSED,
    const struct aspa *y UNUSED)
{
	w->n_aspas++;
}

static void
keys_count(struct diff_work *w)
{
	const struct payloads *a = &w->r[0].p, *b = &w->r[1].p;
	size_t i = 0, j = 0;

	while (i < a->n_router_keys || j < b->n_router_keys) {
		int cmp = i == a->n_router_keys ? 1 : j == b->n_router_keys ? -1 :
		    router_key_cmp(&a->router_keys[i], &b->router_keys[j]);

		w->n_keys += cmp != 0;
		i += cmp <= 0;
		j += cmp >= 0;
	}
}

static size_t
differences(const struct diff_work *w)
{
	return w->n_side[0] + w->n_side[1] + w->n_side[2] + w->n_aspas + w->n_keys;
}

/* --- why: both are ours --- */

/* The state of who speaks in B for a payload of A; false: B says nothing. */
static bool
cause_of(const struct diff_work *w, const struct entry *e, struct snapshot_ca *ret)
{
	const struct snapshot *a = &w->r[0].s.snap, *b = &w->r[1].s.snap;
	uint32_t ca = e->v.ca;

	if (e->side != 0 || !w->r[0].ours || !w->r[1].ours)
		return false;
	for (unsigned depth = 0; depth < PAYLOAD_CA_DEPTH_MAX && ca < a->n_cas; depth++) {
		struct snapshot_ca x;

		snapshot_ca(a, ca, &x);
		if (snapshot_ca_find(b, x.ca.id, ret))
			return true;
		ca = x.ca.parent;
	}
	return false;
}

/* --- why: one is ours, the other somebody else's --- */

static bool
other_cause(const struct diff_work *w, const struct entry *e, struct diff_cause *ret)
{
	int ours = w->r[0].ours ? 0 : 1;

	if (w->causes == NULL || (e->side == 2 && ours == 1))
		return false;	/* of a pair, it is A's VRP that is at hand */
	if (e->side == 2 || e->side == ours)
		diff_cause_extra(w->causes, &e->v, ret);
	else
		diff_cause_missing(w->causes, &e->v,
		    e->v.ta < w->r[1 - ours].p.n_tas ? w->r[1 - ours].p.tas[e->v.ta] : "", ret);
	return true;
}

/* --- output --- */

static const char *
ta_name(const struct diff_work *w, const struct entry *e)
{
	const struct payloads *p = &w->r[e->side == 1].p;

	return e->v.ta < p->n_tas ? p->tas[e->v.ta] : "";
}

static const char *
prefix_of(const struct vrp *v, char buf[static IP_PREFIX_STRLEN])
{
	struct ip_prefix px = { .af = v->af, .len = v->len };

	memcpy(px.addr, v->addr, sizeof(px.addr));
	return ip_prefix_str(&px, buf);
}

static void
entry_text(struct diff_work *w, const struct entry *e)
{
	static const char signs[] = "-+~";
	char px[IP_PREFIX_STRLEN], asn[ASN_STRLEN];
	struct snapshot_ca ca;
	struct diff_cause why;
	struct buf *b = &w->b;

	buf_printf(b, "%c VRP %s %s", signs[e->side], asn_str(e->v.asn, asn), prefix_of(&e->v, px));
	if (e->side == 2) {
		buf_char(b, ' ');
		buf_printf(b, tr(w->ctx->lang, N_("max length %u in A, %u in B")), e->v.max_len, e->max_b);
	} else if (e->v.max_len != e->v.len)
		buf_printf(b, "-%u", e->v.max_len);
	buf_str(b, "  (");
	escape_term(b, sv_str(ta_name(w, e)));
	buf_char(b, ')');
	if (cause_of(w, e, &ca)) {
		buf_printf(b, "  %s", ca.ca.state == PCA_GOOD ?
		    tr(w->ctx->lang, N_("its CA took it away, or it expired")) :
		    payload_ca_state_name((enum payload_ca_state)ca.ca.state));
		buf_char(b, ' ');
		escape_term(b, ca.ca.code);
	}
	if (other_cause(w, e, &why)) {
		buf_str(b, "  ");
		diff_cause_text(b, &why, w->ctx->lang);
	}
	buf_char(b, '\n');
}

static void
providers_text(struct buf *b, const struct aspa *a)
{
	char asn[ASN_STRLEN];

	buf_char(b, '[');
	for (uint32_t i = 0; a != NULL && i < a->n_providers; i++)
		buf_printf(b, "%s%s", i > 0 ? " " : "", asn_str(a->providers[i], asn));
	buf_char(b, ']');
}

static void
aspa_text(struct diff_work *w, void *arg UNUSED, const struct aspa *x, const struct aspa *y)
{
	char asn[ASN_STRLEN];
	struct buf *b = &w->b;

	if (w->n_shown++ >= SHOWN_MAX)
		return;
	buf_printf(b, "%c ASPA %s ", x == NULL ? '+' : y == NULL ? '-' : '~',
	    asn_str(x != NULL ? x->customer : y->customer, asn));
	providers_text(b, x != NULL ? x : y);
	if (x != NULL && y != NULL) {
		buf_str(b, " -> ");
		providers_text(b, y);
	}
	buf_char(b, '\n');
}

/* How many of each trust anchor are only in A, only in B. */
static void
tas_count(const struct diff_work *w, int side, size_t n[static TA_MAX])
{
	memset(n, 0, TA_MAX * sizeof(n[0]));
	for (size_t i = 0; i < w->n; i++)
		if (!w->v[i].used && w->v[i].side == side && w->v[i].v.ta < TA_MAX)
			n[w->v[i].v.ta]++;
}

static void
tas_text(struct diff_work *w)
{
	size_t n[TA_MAX];

	for (int side = 0; side < 2; side++) {
		tas_count(w, side, n);
		for (size_t i = 0; i < w->r[side].p.n_tas; i++) {
			if (n[i] == 0)
				continue;
			buf_printf(&w->b, tr(w->ctx->lang, side == 0 ?
			    N_("only in A: %zu VRPs of ") : N_("only in B: %zu VRPs of ")), n[i]);
			escape_term(&w->b, sv_str(w->r[side].p.tas[i]));
			buf_char(&w->b, '\n');
		}
	}
}

static void
text(struct diff_work *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (!w->v[i].used && w->n_shown++ < SHOWN_MAX)
			entry_text(w, &w->v[i]);
	aspas_walk(w, aspa_text, NULL);
	if (w->n_shown > SHOWN_MAX) {
		buf_printf(&w->b, tr(w->ctx->lang, N_("… and %zu more (--json, or -o csv=FILE)")),
		    w->n_shown - SHOWN_MAX);
		buf_char(&w->b, '\n');
	}
	tas_text(w);
	buf_printf(&w->b, tr(w->ctx->lang, N_("VRPs: %zu in both, %zu only in A, %zu only in B, %zu with another max length; ASPAs that differ: %zu; router keys: %zu")),
	    w->n_equal, w->n_side[0], w->n_side[1], w->n_side[2], w->n_aspas, w->n_keys);
	buf_char(&w->b, '\n');
}

static void
entry_json(const struct diff_work *w, struct json *j, const struct entry *e)
{
	char px[IP_PREFIX_STRLEN];
	struct snapshot_ca ca;
	struct diff_cause why;

	json_open(j, '{');
	json_kv_u64(j, "asn", e->v.asn);
	json_kv_str(j, "prefix", prefix_of(&e->v, px));
	json_kv_u64(j, "max_length", e->v.max_len);
	if (e->side == 2)
		json_kv_u64(j, "max_length_b", e->max_b);
	json_kv_str(j, "ta", ta_name(w, e));
	if (cause_of(w, e, &ca)) {
		json_kv_str(j, "state", payload_ca_state_name((enum payload_ca_state)ca.ca.state));
		json_kv_sv(j, "code", ca.ca.code);
		json_kv_sv(j, "speaker", ca.ca.uri);
	}
	if (other_cause(w, e, &why))
		diff_cause_json(j, &why);
	json_close(j, '}');
}

static void
providers_json(struct json *j, const char *key, const struct aspa *a)
{
	json_key(j, key);
	if (a == NULL) {
		json_nil(j);
		return;
	}
	json_open(j, '[');
	for (uint32_t i = 0; i < a->n_providers; i++)
		json_u64(j, a->providers[i]);
	json_close(j, ']');
}

static void
aspa_json(struct diff_work *w UNUSED, void *arg, const struct aspa *x, const struct aspa *y)
{
	struct json *j = arg;

	json_open(j, '{');
	json_kv_u64(j, "customer", x != NULL ? x->customer : y->customer);
	providers_json(j, "a", x);
	providers_json(j, "b", y);
	json_close(j, '}');
}

static void
json(struct diff_work *w)
{
	static const char *const keys[] = { "only_a", "only_b", "max_length" };
	struct json j = json_on(&w->b, false);

	json_open(&j, '{');
	json_kv_str(&j, "a", w->r[0].name);
	json_kv_str(&j, "b", w->r[1].name);
	json_kv_u64(&j, "equal", w->n_equal);
	json_kv_u64(&j, "differences", differences(w));
	json_kv_u64(&j, "router_keys", w->n_keys);
	for (int side = 0; side < 3; side++) {
		json_key(&j, keys[side]);
		json_open(&j, '[');
		for (size_t i = 0; i < w->n; i++)
			if (!w->v[i].used && w->v[i].side == side)
				entry_json(w, &j, &w->v[i]);
		json_close(&j, ']');
	}
	json_key(&j, "aspas");
	json_open(&j, '[');
	aspas_walk(w, aspa_json, &j);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_char(&w->b, '\n');
}

static int
nagios(struct diff_work *w)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	size_t n = differences(w);
	int code = w->crit > 0 && n >= w->crit ? 2 :
	    n >= (w->warn > 0 ? w->warn : WARN_DEFAULT) ? 1 : 0;

	buf_printf(&w->b, "RPKI-DIFF %s - ", words[code]);
	buf_printf(&w->b, tr(w->ctx->lang, N_("%zu differences; VRPs only in A %zu, only in B %zu, other max length %zu; ASPAs %zu, router keys %zu")),
	    n, w->n_side[0], w->n_side[1], w->n_side[2], w->n_aspas, w->n_keys);
	buf_printf(&w->b, " | equal=%zu only_a=%zu only_b=%zu max_length=%zu aspas=%zu router_keys=%zu\n",
	    w->n_equal, w->n_side[0], w->n_side[1], w->n_side[2], w->n_aspas, w->n_keys);
	return code;
}

static int
csv_write(struct diff_work *w)
{
	static const char *const where[] = { "a", "b", "max-length" };
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	_cleanup_(buf_done) struct buf b = BUF_SINK(fd_write_all, &f.fd);
	char px[IP_PREFIX_STRLEN], asn[ASN_STRLEN];
	int rc = atomicfile_open(&f, w->csv);

	if (rc < 0)
		return rc;
	buf_str(&b, "In,ASN,IP Prefix,Max Length,Max Length B,Trust Anchor\n");
	for (size_t i = 0; i < w->n; i++) {
		const struct entry *e = &w->v[i];

		if (e->used)
			continue;
		buf_printf(&b, "%s,%s,%s,%u,", where[e->side], asn_str(e->v.asn, asn),
		    prefix_of(&e->v, px), e->v.max_len);
		if (e->side == 2)
			buf_u64(&b, e->max_b);
		buf_char(&b, ',');
		escape_csv(&b, sv_str(ta_name(w, e)));
		buf_char(&b, '\n');
	}
	rc = buf_flush(&b);
	return rc < 0 ? rc : atomicfile_commit(&f);
}

static int
work(struct diff_work *w)
{
	int code, rc;

	if ((code = load(w, &w->r[0])) != 0 || (code = load(w, &w->r[1])) != 0)
		return w->nagios ? 3 : code;
	if (vrps_compare(w) < 0)
		return EXIT_CANNOT;
	if (w->r[0].ours != w->r[1].ours &&
	    (w->causes = diff_causes_new(w->ctx, &w->r[w->r[0].ours ? 0 : 1].s.snap)) == NULL)
		return EXIT_CANNOT;
	aspas_walk(w, aspa_count, NULL);
	keys_count(w);
	if (w->csv != NULL && (rc = csv_write(w)) < 0) {
		cmd_err("%s: %s", w->csv, err_str(rc));
		return EXIT_CANNOT;
	}
	code = differences(w) > 0 ? EXIT_REJECTED : EXIT_GOOD;
	if (w->nagios)
		code = nagios(w);
	else if (w->ctx->json)
		json(w);
	else if (!w->ctx->quiet)
		text(w);
	if (cmd_out(&w->b) != 0)
		return EXIT_CANNOT;
	return code;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct diff_work *w = state;
	int code;

	w->ctx = ctx;
	if (argc != 2)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("give two results: files (JSON, CSV), or serials of the state directory, or \"current\"")));
	for (int i = 0; i < 2; i++)
		w->r[i].name = argv[i];
	code = work(w);
	for (int i = 0; i < 2; i++) {
		payloads_done(&w->r[i].p);
		rpki_snapshot_done(&w->r[i].s);
	}
	w->causes = diff_causes_free(w->causes);
	free(w->v);
	buf_done(&w->b);
	return code;
}

extern const struct cmd cmd_rpki_diff;
const struct cmd cmd_rpki_diff = {
	.area = "rpki", .verb = "diff", .args = "A B",
	.summary = N_("compare two lists of payloads: ours, or other validators'"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct diff_work),
	.run = run,
};
