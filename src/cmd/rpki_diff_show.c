/* rpki diff: how the differences are told. */
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"
#include "cmd/rpki_diff.h"
#include "out/escape.h"
#include "sys/atomicfile.h"

#define SKI_HEX		(2 * sizeof(((struct router_key *)NULL)->ski) + 1)

/* Of the result that has it; of A where both have. */
static const char *
ta_name(const struct rpki_diff *d, enum history_kind kind, const struct diff_entry *e)
{
	const struct payloads *p = &d->r[e->in[0] == NULL].p;
	struct diff_item x = diff_item(kind, diff_payload(e));

	return x.ta < p->n_tas ? p->tas[x.ta] : "";
}

/* false: nobody here knows. */
static bool
cause_find(const struct rpki_diff *d, enum history_kind kind, const struct diff_entry *e,
    struct diff_cause *ret)
{
	const void *mine = e->in[d->ours], *other = e->in[1 - d->ours];
	struct diff_item x;

	if (d->causes == NULL)
		return false;
	x = diff_item(kind, mine != NULL ? mine : other);
	x.both = mine != NULL && other != NULL;
	diff_cause_find(d->causes, &x, mine != NULL, ta_name(d, kind, e), ret);
	return true;
}

static const char *
prefix_of(const struct vrp *v, char buf[static IP_PREFIX_STRLEN])
{
	struct ip_prefix px = { .af = v->af, .len = v->len };

	memcpy(px.addr, v->addr, sizeof(px.addr));
	return ip_prefix_str(&px, buf);
}

/* --- providers: what of the one list is not in the other --- */

static void
providers_only(const struct aspa *a, const struct aspa *b, void (*fn)(void *, uint32_t), void *arg)
{
	uint32_t j = 0;

	for (uint32_t i = 0; a != NULL && i < a->n_providers; i++) {
		while (b != NULL && j < b->n_providers && b->providers[j] < a->providers[i])
			j++;
		if (b == NULL || j == b->n_providers || b->providers[j] != a->providers[i])
			fn(arg, a->providers[i]);
	}
}

/* --- text --- */

static void
vrp_text(struct rpki_diff *d, const struct diff_entry *e)
{
	const struct vrp *a = e->in[0], *b = e->in[1], *v = diff_payload(e);
	char px[IP_PREFIX_STRLEN], asn[ASN_STRLEN];

	buf_printf(&d->b, "VRP %s %s", asn_str(v->asn, asn), prefix_of(v, px));
	if (diff_side(e) == DIFF_BOTH) {
		buf_char(&d->b, ' ');
		buf_printf(&d->b, tr(d->ctx->lang, N_("max length %u in A, %u in B")),
		    a->max_len, b->max_len);
	} else if (v->max_len != v->len)
		buf_printf(&d->b, "-%u", v->max_len);
}

struct asns_out {
	struct buf	*b;
	const char	*before;
};

static void
asn_put(void *arg, uint32_t n)
{
	struct asns_out *o = arg;
	char asn[ASN_STRLEN];

	buf_printf(o->b, "%s%s", o->before, asn_str(n, asn));
}

static void
aspa_text(struct rpki_diff *d, const struct diff_entry *e)
{
	const struct aspa *a = e->in[0], *b = e->in[1], *x = diff_payload(e);
	struct asns_out added = { &d->b, " +" }, removed = { &d->b, " -" };
	char asn[ASN_STRLEN];

	buf_printf(&d->b, "ASPA %s ", asn_str(x->customer, asn));
	buf_str(&d->b, tr(d->ctx->lang, N_("providers")));
	if (diff_side(e) == DIFF_BOTH) {
		providers_only(b, a, asn_put, &added);
		providers_only(a, b, asn_put, &removed);
	} else {
		added.before = " ";
		providers_only(x, NULL, asn_put, &added);
	}
}

static void
key_text(struct rpki_diff *d, const struct diff_entry *e)
{
	const struct router_key *k = diff_payload(e);
	char ski[SKI_HEX], asn[ASN_STRLEN];

	buf_printf(&d->b, "router key %s SKI %s", asn_str(k->asn, asn),
	    hex_encode(ski, k->ski, sizeof(k->ski)));
}

static void
entry_text(struct rpki_diff *d, enum history_kind kind, const struct diff_entry *e)
{
	static void (*const texts[DIFF_KINDS])(struct rpki_diff *, const struct diff_entry *) = {
		[HK_VRP] = vrp_text, [HK_ASPA] = aspa_text, [HK_KEY] = key_text,
	};
	struct diff_cause why;

	buf_printf(&d->b, "%c ", "-+~"[diff_side(e)]);
	texts[kind](d, e);
	buf_str(&d->b, "  (");
	escape_term(&d->b, sv_str(ta_name(d, kind, e)));
	buf_char(&d->b, ')');
	if (cause_find(d, kind, e, &why)) {
		buf_str(&d->b, "  ");
		diff_cause_text(&d->b, &why, d->ctx->lang);
	}
	buf_char(&d->b, '\n');
}

/* How many VRPs of each trust anchor only this side has. */
static void
tas_count(const struct rpki_diff *d, enum diff_side side, size_t n[static TA_MAX])
{
	const struct diff_list *l = &d->lists[HK_VRP];

	memset(n, 0, TA_MAX * sizeof(n[0]));
	for (size_t i = 0; i < l->n; i++) {
		const struct vrp *v = diff_payload(&l->e[i]);

		if (diff_side(&l->e[i]) == side && v->ta < TA_MAX)
			n[v->ta]++;
	}
}

static void
tas_text(struct rpki_diff *d)
{
	size_t n[TA_MAX];

	for (int side = DIFF_ONLY_A; side <= DIFF_ONLY_B; side++) {
		tas_count(d, (enum diff_side)side, n);
		for (size_t i = 0; i < d->r[side].p.n_tas; i++) {
			if (n[i] == 0)
				continue;
			buf_printf(&d->b, tr(d->ctx->lang, side == DIFF_ONLY_A ?
			    N_("only in A: %zu VRPs of ") : N_("only in B: %zu VRPs of ")), n[i]);
			escape_term(&d->b, sv_str(d->r[side].p.tas[i]));
			buf_char(&d->b, '\n');
		}
	}
}

/* Which of the two has no such list; of both, A. */
static const struct diff_result *
silent(const struct rpki_diff *d, size_t kind)
{
	return &d->r[(d->r[0].info.kinds >> kind & 1) != 0];
}

static const struct {
	const char	*name;		/* of JSON */
	const char	*word;		/* msgid */
} kind_names[DIFF_KINDS] = {
	[HK_VRP] = { "vrps", N_("VRPs") },
	[HK_ASPA] = { "aspas", N_("ASPAs") },
	[HK_KEY] = { "router_keys", N_("router keys") },
};

static void
counts_text(struct rpki_diff *d)
{
	enum lang lang = d->ctx->lang;
	struct buf *b = &d->b;

	for (size_t k = 0; k < DIFF_KINDS; k++) {
		const struct diff_list *l = &d->lists[k];

		buf_printf(b, "%s: ", tr(lang, kind_names[k].word));
		if (!l->compared) {
			buf_str(b, tr(lang, N_("not compared, there is no list of them in ")));
			escape_term(b, sv_str(silent(d, k)->name));
			buf_printf(b, " (%s)\n", silent(d, k)->info.format);
			continue;
		}
		buf_printf(b, tr(lang, N_("%zu in both, %zu only in A, %zu only in B")),
		    l->n_equal, l->n_side[DIFF_ONLY_A], l->n_side[DIFF_ONLY_B]);
		if (k != HK_KEY)
			buf_printf(b, tr(lang, k == HK_VRP ? N_(", %zu with another max length") :
			    N_(", %zu with other providers")), l->n_side[DIFF_BOTH]);
		buf_char(b, '\n');
	}
}

void
rpki_diff_text(struct rpki_diff *d)
{
	size_t n_shown = 0, n = rpki_diff_count(d);

	for (size_t k = 0; k < DIFF_KINDS && !d->summary; k++)
		for (size_t i = 0; i < d->lists[k].n && n_shown < DIFF_SHOWN_MAX; i++, n_shown++)
			entry_text(d, (enum history_kind)k, &d->lists[k].e[i]);
	if (n > n_shown && !d->summary) {
		buf_printf(&d->b, tr(d->ctx->lang, N_("… and %zu more (--json, or -o csv=FILE)")),
		    n - n_shown);
		buf_char(&d->b, '\n');
	}
	tas_text(d);
	counts_text(d);
}

/* --- JSON --- */

static void
asn_json(void *arg, uint32_t asn)
{
	json_u64(arg, asn);
}

static void
providers_json(struct json *j, const char *key, const struct aspa *a, const struct aspa *without)
{
	json_key(j, key);
	if (a == NULL) {
		json_nil(j);
		return;
	}
	json_open(j, '[');
	providers_only(a, without, asn_json, j);
	json_close(j, ']');
}

static void
vrp_json(struct json *j, const struct diff_entry *e)
{
	const struct vrp *v = diff_payload(e), *b = e->in[1];
	char px[IP_PREFIX_STRLEN];

	json_kv_u64(j, "asn", v->asn);
	json_kv_str(j, "prefix", prefix_of(v, px));
	json_kv_u64(j, "max_length", v->max_len);
	if (diff_side(e) == DIFF_BOTH)
		json_kv_u64(j, "max_length_b", b->max_len);
}

static void
aspa_json(struct json *j, const struct diff_entry *e)
{
	const struct aspa *a = e->in[0], *b = e->in[1];

	json_kv_u64(j, "customer", a != NULL ? a->customer : b->customer);
	providers_json(j, "a", a, NULL);
	providers_json(j, "b", b, NULL);
	if (diff_side(e) != DIFF_BOTH)
		return;
	providers_json(j, "added", b, a);
	providers_json(j, "removed", a, b);
}

static void
key_json(struct json *j, const struct diff_entry *e)
{
	const struct router_key *k = diff_payload(e);
	char ski[SKI_HEX], spki[(ROUTER_SPKI_MAX + 2) / 3 * 4];

	json_kv_str(j, "in", diff_side(e) == DIFF_ONLY_A ? "a" : "b");
	json_kv_u64(j, "asn", k->asn);
	json_kv_str(j, "ski", hex_encode(ski, k->ski, sizeof(k->ski)));
	json_kv_sv(j, "spki", (struct sv){ spki, base64_encode(spki, k->spki, k->spki_len) });
}

static void
entry_json(const struct rpki_diff *d, struct json *j, enum history_kind kind,
    const struct diff_entry *e)
{
	static void (*const members[DIFF_KINDS])(struct json *, const struct diff_entry *) = {
		[HK_VRP] = vrp_json, [HK_ASPA] = aspa_json, [HK_KEY] = key_json,
	};
	struct diff_cause why;

	json_open(j, '{');
	members[kind](j, e);
	json_kv_str(j, "ta", ta_name(d, kind, e));
	if (cause_find(d, kind, e, &why))
		diff_cause_json(j, &why);
	json_close(j, '}');
}

/* side DIFF_SIDES: all. */
static void
list_json(const struct rpki_diff *d, struct json *j, const char *key, enum history_kind kind,
    enum diff_side side)
{
	const struct diff_list *l = &d->lists[kind];

	json_key(j, key);
	json_open(j, '[');
	for (size_t i = 0; i < l->n; i++)
		if (side == DIFF_SIDES || diff_side(&l->e[i]) == side)
			entry_json(d, j, kind, &l->e[i]);
	json_close(j, ']');
}

static void
counts_json(const struct rpki_diff *d, struct json *j)
{
	json_key(j, "counts");
	json_open(j, '{');
	for (size_t k = 0; k < DIFF_KINDS; k++) {
		const struct diff_list *l = &d->lists[k];

		json_key(j, kind_names[k].name);
		json_open(j, '{');
		json_kv_bool(j, "compared", l->compared);
		json_kv_u64(j, "equal", l->n_equal);
		json_kv_u64(j, "only_a", l->n_side[DIFF_ONLY_A]);
		json_kv_u64(j, "only_b", l->n_side[DIFF_ONLY_B]);
		json_kv_u64(j, "differ", l->n_side[DIFF_BOTH]);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void
tas_json(const struct rpki_diff *d, struct json *j)
{
	size_t n[TA_MAX];

	json_key(j, "tas");
	json_open(j, '[');
	for (int side = DIFF_ONLY_A; side <= DIFF_ONLY_B; side++) {
		tas_count(d, (enum diff_side)side, n);
		for (size_t i = 0; i < d->r[side].p.n_tas; i++) {
			if (n[i] == 0)
				continue;
			json_open(j, '{');
			json_kv_str(j, "in", side == DIFF_ONLY_A ? "a" : "b");
			json_kv_str(j, "ta", d->r[side].p.tas[i]);
			json_kv_u64(j, "vrps", n[i]);
			json_close(j, '}');
		}
	}
	json_close(j, ']');
}

static void
sides_json(const struct rpki_diff *d, struct json *j)
{
	json_key(j, "sources");
	json_open(j, '[');
	for (int i = 0; i < 2; i++) {
		const struct diff_result *r = &d->r[i];

		json_open(j, '{');
		json_kv_str(j, "name", r->name);
		json_kv_str(j, "format", r->info.format);
		if (r->ours)
			json_kv_u64(j, "serial", r->s.snap.stamp.serial);
		json_kv_u64(j, "left_out", r->info.n_bad);
		json_kv_u64(j, "filters_ignored", r->info.n_filters);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void
rpki_diff_json(struct rpki_diff *d)
{
	struct json j = json_on(&d->b, false);

	json_open(&j, '{');
	json_kv_str(&j, "a", d->r[0].name);
	json_kv_str(&j, "b", d->r[1].name);
	sides_json(d, &j);
	json_kv_u64(&j, "equal", d->lists[HK_VRP].n_equal);
	json_kv_u64(&j, "differences", rpki_diff_count(d));
	counts_json(d, &j);
	tas_json(d, &j);
	if (!d->summary) {
		list_json(d, &j, "only_a", HK_VRP, DIFF_ONLY_A);
		list_json(d, &j, "only_b", HK_VRP, DIFF_ONLY_B);
		list_json(d, &j, "max_length", HK_VRP, DIFF_BOTH);
		list_json(d, &j, "aspas", HK_ASPA, DIFF_SIDES);
		list_json(d, &j, "router_keys", HK_KEY, DIFF_SIDES);
	}
	json_close(&j, '}');
	buf_char(&d->b, '\n');
}

/* --- monitoring, CSV --- */

int
rpki_diff_nagios(struct rpki_diff *d)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	const struct diff_list *v = &d->lists[HK_VRP], *a = &d->lists[HK_ASPA],
	    *k = &d->lists[HK_KEY];
	size_t n = rpki_diff_count(d);
	int code = d->crit > 0 && n >= d->crit ? 2 : n >= (d->warn > 0 ? d->warn : 1) ? 1 : 0;

	buf_printf(&d->b, "RPKI-DIFF %s - ", words[code]);
	buf_printf(&d->b, tr(d->ctx->lang, N_("%zu differences; VRPs only in A %zu, only in B %zu, other max length %zu; ASPAs %zu, router keys %zu")),
	    n, v->n_side[DIFF_ONLY_A], v->n_side[DIFF_ONLY_B], v->n_side[DIFF_BOTH], a->n, k->n);
	for (size_t i = 0; i < DIFF_KINDS; i++)
		if (!d->lists[i].compared)
			buf_printf(&d->b, "; %s: %s", tr(d->ctx->lang, kind_names[i].word),
			    tr(d->ctx->lang, N_("not compared")));
	buf_printf(&d->b, " | equal=%zu only_a=%zu only_b=%zu max_length=%zu aspas=%zu router_keys=%zu\n",
	    v->n_equal, v->n_side[DIFF_ONLY_A], v->n_side[DIFF_ONLY_B], v->n_side[DIFF_BOTH],
	    a->n, k->n);
	return code;
}

int
rpki_diff_csv(const struct rpki_diff *d, const char *path)
{
	static const char *const where[DIFF_SIDES] = { "a", "b", "max-length" };
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	_cleanup_(buf_done) struct buf b = BUF_SINK(fd_write_all, &f.fd);
	const struct diff_list *l = &d->lists[HK_VRP];
	char px[IP_PREFIX_STRLEN], asn[ASN_STRLEN];
	int rc = atomicfile_open(&f, path);

	if (rc < 0)
		return rc;
	buf_str(&b, "In,ASN,IP Prefix,Max Length,Max Length B,Trust Anchor\n");
	for (size_t i = 0; i < l->n; i++) {
		const struct diff_entry *e = &l->e[i];
		const struct vrp *v = diff_payload(e), *other = e->in[1];

		buf_printf(&b, "%s,%s,%s,%u,", where[diff_side(e)], asn_str(v->asn, asn),
		    prefix_of(v, px), v->max_len);
		if (diff_side(e) == DIFF_BOTH)
			buf_u64(&b, other->max_len);
		buf_char(&b, ',');
		escape_csv(&b, sv_str(ta_name(d, HK_VRP, e)));
		buf_char(&b, '\n');
	}
	rc = buf_flush(&b);
	return rc < 0 ? rc : atomicfile_commit(&f);
}
