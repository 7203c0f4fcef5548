/* Writing the history: what came, what went and why, a slice at a time. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"
#include "store/history_writer.h"

/* What is stored of one change. */
struct row {
	enum history_kind	 kind;
	bool			 announce;
	uint8_t			 af, len, max_len, ta;
	const uint8_t		*lo;
	uint32_t		 asn, ca;
	int64_t			 expires;
	const uint8_t		*before, *after;
	size_t			 n_before, n_after;
};

/* --- rows --- */

static int
ca_write(struct history *h, const struct payload_ca *ca)
{
	sqlite3_stmt *st = history_use(h, ST_CA);

	bind_u64(st, 1, ca->id);
	bind_sv(st, 2, ca->uri);
	bind_i64(st, 3, h->pub);
	return history_done(st);
}

static void
row_bind(const struct history *h, sqlite3_stmt *st, const struct row *r)
{
	const struct snapshot *s = r->announce ? h->to : h->from;

	bind_i64(st, 1, h->pub);
	bind_u64(st, 2, r->kind);
	bind_u64(st, 3, r->announce);
	bind_u64(st, 6, r->af);
	if (r->lo != NULL)
		bind_bytes(st, 7, r->lo, 16);
	bind_u64(st, 8, r->len);
	bind_u64(st, 9, r->max_len);
	bind_u64(st, 10, r->asn);
	bind_sv(st, 11, sv_str(s->tas[r->ta]));
	if (r->before != NULL)
		bind_bytes(st, 15, r->before, r->n_before);
	if (r->after != NULL)
		bind_bytes(st, 16, r->after, r->n_after);
}

/* Did it come, or go, by a local filter? */
static bool
row_filtered(const struct history *h, const struct row *r)
{
	struct history_payload p = { .kind = r->kind, .asn = r->asn,
	    .prefix = { .af = r->af, .len = r->len } };

	if (r->lo != NULL)
		memcpy(p.prefix.addr, r->lo, sizeof(p.prefix.addr));
	if (r->kind == HK_KEY)
		p.ski = r->announce ? r->after : r->before;
	return r->announce ? history_filtered(&h->was, false, &p) :
	    history_filtered(&h->is, true, &p);
}

/* An ASPA that is another one now did not come. */
static enum history_cause
why_came(const struct history *h, const struct row *r)
{
	if (r->kind == HK_ASPA && r->before != NULL)
		return HC_NONE;
	return r->ca >= h->to->n_cas || row_filtered(h, r) ? HC_LOCAL : HC_NONE;
}

static int
row_write(struct history *h, const struct row *r)
{
	const struct snapshot *s = r->announce ? h->to : h->from;
	struct snapshot_ca ca;
	struct history_why w = { 0 };
	sqlite3_stmt *st;
	int rc = 0;

	if (r->announce)
		w.cause = why_came(h, r);
	else
		w = history_why_gone(h->from, h->to, h->at,
		    &(struct history_gone){ r->ca, r->ta, r->expires, row_filtered(h, r) });
	if (r->ca < s->n_cas) {
		snapshot_ca(s, r->ca, &ca);
		rc = ca_write(h, &ca.ca);
	}
	if (rc == 0 && w.spoken)
		rc = ca_write(h, &w.speaker.ca);
	if (rc < 0)
		return rc;
	st = history_use(h, ST_CHANGE);
	row_bind(h, st, r);
	bind_u64(st, 4, w.cause);
	bind_u64(st, 5, w.spoken ? w.speaker.ca.state : PCA_GOOD);
	if (r->ca < s->n_cas)
		bind_u64(st, 12, ca.ca.id);
	if (w.spoken) {
		bind_u64(st, 13, w.speaker.ca.id);
		bind_sv(st, 14, w.speaker.ca.code);
	}
	h->n_came += r->announce;
	h->n_went += !r->announce;
	return history_done(st);
}

static int
vrp_row(struct history *h, const struct vrp *v, bool announce)
{
	const struct row r = {
		.kind = HK_VRP, .announce = announce, .af = v->af, .len = v->len,
		.max_len = v->max_len, .ta = v->ta, .lo = v->addr, .asn = v->asn,
		.ca = v->ca, .expires = v->expires,
	};

	return row_write(h, &r);
}

static int
key_row(struct history *h, const struct router_key *k, bool announce)
{
	const struct row r = {
		.kind = HK_KEY, .announce = announce, .ta = k->ta, .asn = k->asn, .ca = k->ca,
		.expires = k->expires,
		.before = announce ? NULL : k->ski, .n_before = sizeof(k->ski),
		.after = announce ? k->ski : NULL, .n_after = sizeof(k->ski),
	};

	return row_write(h, &r);
}

/* Either may be NULL. One that changed was announced anew. */
static int
aspa_row(struct history *h, const struct snapshot_aspa *x, const struct snapshot_aspa *y)
{
	const struct snapshot_aspa *a = y != NULL ? y : x;
	const struct row r = {
		.kind = HK_ASPA, .announce = y != NULL, .ta = a->ta, .asn = a->customer,
		.ca = a->ca, .expires = a->expires,
		.before = x != NULL ? x->providers.p : NULL,
		.n_before = x != NULL ? (size_t)4 * x->n_providers : 0,
		.after = y != NULL ? y->providers.p : NULL,
		.n_after = y != NULL ? (size_t)4 * y->n_providers : 0,
	};

	return row_write(h, &r);
}

/* --- the walk: both lists ascend --- */

#define COMMON_MAX	256	/* those that stay, passed over in one step: some kilobytes */

static int
vrps_step(struct history *h)
{
	size_t na = snapshot_n_vrps(h->from), nb = snapshot_n_vrps(h->to);
	struct vrp x, y;
	int cmp, rc = 0;

	if (h->i >= na && h->j >= nb)
		return 1;
	if (h->i < na)
		snapshot_vrp(h->from, h->i, &x);
	if (h->j < nb)
		snapshot_vrp(h->to, h->j, &y);
	cmp = h->i >= na ? 1 : h->j >= nb ? -1 : vrp_cmp(&x, &y);
	if (cmp != 0)
		rc = cmp < 0 ? vrp_row(h, &x, false) : vrp_row(h, &y, true);
	h->i += cmp <= 0;
	h->j += cmp >= 0;
	if (cmp == 0) {
		size_t same = snapshot_common(h->from, h->i, h->to, h->j, COMMON_MAX);

		h->i += same;
		h->j += same;
	}
	return rc;
}

static int
keys_step(struct history *h)
{
	size_t na = h->from->n_router_keys, nb = h->to->n_router_keys;
	struct router_key x, y;
	int cmp, rc = 0;

	if (h->i >= na && h->j >= nb)
		return 1;
	if (h->i < na)
		snapshot_router_key(h->from, h->i, &x);
	if (h->j < nb)
		snapshot_router_key(h->to, h->j, &y);
	cmp = h->i >= na ? 1 : h->j >= nb ? -1 : router_key_cmp(&x, &y);
	if (cmp != 0)
		rc = cmp < 0 ? key_row(h, &x, false) : key_row(h, &y, true);
	h->i += cmp <= 0;
	h->j += cmp >= 0;
	return rc;
}

static bool
aspa_same(const struct snapshot_aspa *x, const struct snapshot_aspa *y)
{
	return x->n_providers == y->n_providers && memcmp(x->providers.p, y->providers.p,
	    (size_t)4 * x->n_providers) == 0;
}

static int
aspas_step(struct history *h)
{
	size_t na = h->from->n_aspas, nb = h->to->n_aspas;
	struct snapshot_aspa x = { 0 }, y = { 0 };
	bool has_x = h->i < na, has_y = h->j < nb;
	int rc = 0;

	if (!has_x && !has_y)
		return 1;
	if (has_x)
		snapshot_aspa(h->from, h->i, &x);
	if (has_y)
		snapshot_aspa(h->to, h->j, &y);
	if (has_x && has_y && x.customer != y.customer) {
		has_x = x.customer < y.customer;
		has_y = !has_x;
	}
	if (!has_x || !has_y || !aspa_same(&x, &y))
		rc = aspa_row(h, has_x ? &x : NULL, has_y ? &y : NULL);
	h->i += has_x;
	h->j += has_y;
	return rc;
}

/* 0: one comparison done; 1: the list is at its end. */
static int
phase_step(struct history *h)
{
	switch (h->phase) {
	case PH_VRPS:
		return vrps_step(h);
	case PH_KEYS:
		return keys_step(h);
	case PH_ASPAS:
		return aspas_step(h);
	case PH_END:
		break;
	}
	return 1;
}

/* --- a publication --- */

bool
history_busy(const struct history *h)
{
	return h->to != NULL;
}

static void
publication_forget(struct history *h)
{
	h->from = h->to = NULL;
	history_filters_done(&h->was);
	history_filters_done(&h->is);
}

void
history_abort(struct history *h)
{
	if (h->to == NULL)
		return;
	publication_forget(h);
	(void)history_run(h, ST_ROLLBACK);
}

static int
publication_write(struct history *h, enum history_pub kind)
{
	const struct snapshot *s = h->to;
	sqlite3_stmt *st = history_use(h, ST_PUB);
	int rc;

	bind_i64(st, 1, h->at);
	bind_u64(st, 2, s->stamp.serial);
	for (int i = 0; i < RTR_VERSIONS; i++)
		bind_u64(st, 3 + i, s->stamp.session[i]);
	bind_u64(st, 6, kind);
	bind_u64(st, 7, s->n_v4);
	bind_u64(st, 8, s->n_v6);
	bind_u64(st, 9, s->n_aspas);
	bind_u64(st, 10, s->n_router_keys);
	rc = history_done(st);
	h->pub = sqlite3_last_insert_rowid(h->db);
	return rc;
}

int
history_begin(struct history *h, const struct snapshot *from, const struct snapshot *to,
    int64_t at)
{
	struct snapshot_stamp last;
	enum history_pub kind = from != NULL ? HP_DELTA :
	    history_last(h, &last) ? HP_GAP : HP_BASELINE;
	int rc;

	if (h->to != NULL)
		return -EBUSY;
	if ((rc = history_run(h, ST_BEGIN)) < 0)
		return rc;
	h->from = from;
	h->to = to;
	h->at = at;
	h->phase = from != NULL ? PH_VRPS : PH_END;
	h->i = h->j = 0;
	h->n_came = h->n_went = 0;
	if (from != NULL && (rc = history_filters_read(snapshot_report(from), &h->was)) == 0)
		rc = history_filters_read(snapshot_report(to), &h->is);
	if (rc < 0 || (rc = publication_write(h, kind)) < 0)
		history_abort(h);
	return rc;
}

static int
publication_end(struct history *h)
{
	sqlite3_stmt *st = history_use(h, ST_PUB_END);
	int rc;

	bind_i64(st, 1, h->pub);
	bind_u64(st, 2, h->n_came);
	bind_u64(st, 3, h->n_went);
	rc = history_finish(h, history_done(st));
	publication_forget(h);
	return rc;
}

int
history_step(struct history *h, size_t n, bool *ret_done)
{
	int rc = 0;

	*ret_done = false;
	for (; n > 0 && h->phase != PH_END; n--) {
		if ((rc = phase_step(h)) < 0) {
			history_abort(h);
			return rc;
		}
		if (rc == 1) {
			h->phase++;
			h->i = h->j = 0;
		}
	}
	if (h->phase != PH_END)
		return 0;
	*ret_done = true;
	return publication_end(h);
}
