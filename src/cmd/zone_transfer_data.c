/* The records that the steps of a run-book enter and take away, where they are known. */
#include "cmd/zone_records.h"
#include "cmd/zone_transfer.h"
#include "dnssec/dnssec.h"
#include "dnssec/intake.h"

static void
set_take(struct transfer_set *to, const struct zone_records *r, const struct transfer_set *without)
{
	for (size_t i = 0; i < r->n && to->n < INTAKE_RECORDS_MAX; i++) {
		bool skip = false;

		for (size_t k = 0; without != NULL && k < without->n; k++)
			skip |= sv_eq(without->rdata[k], r->rdata[i]);
		if (!skip)
			to->rdata[to->n++] = r->rdata[i];
	}
}

int
transfer_files_read(const struct cmd_ctx *ctx, struct transfer_work *w)
{
	struct transfer_watch *t = &w->watch;
	struct zone_records r;
	int rc;

	if (w->zone_file[0] == NULL && w->zone_file[1] == NULL)
		return 0;
	if (t->zone.len == 0 && (w->f.zone.n == 0 || dname_parse(w->f.zone, NULL, &t->zone) < 0))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("which zone? say -f zone=NAME")));
	for (unsigned side = 0; side < 2; side++) {
		const char *path = w->zone_file[side];

		if (path == NULL)
			continue;
		if ((rc = zone_records_get(ctx, w->pool, path, &t->zone, RR_DNSKEY, &r)) != 0)
			return rc;
		/* The gaining side may have the losing side's keys in its set already. */
		t->keys[side].n = t->ns[side].n = 0;
		set_take(&t->keys[side], &r, side == TRANSFER_AT_GAINING ? &t->keys[TRANSFER_AT_LOSING] : NULL);
		if ((rc = zone_records_get(ctx, w->pool, path, &t->zone, RR_NS, &r)) != 0)
			return rc;
		set_take(&t->ns[side], &r, NULL);
	}
	return 0;
}

/* --- what a step's records are --- */

enum source { NOTHING, KSK_DS, ZSK_KEY, NS_SET, DS_FIRST };

static const struct row {
	enum transfer_code	 code;
	enum source		 source;
	enum transfer_place	 side;
	bool			 add;
} rows[] = {
	{ TRANSFER_LOAD_JOINED, ZSK_KEY, TRANSFER_AT_LOSING, true },
	{ TRANSFER_LOAD_SHARED, ZSK_KEY, TRANSFER_AT_LOSING, true },
	{ TRANSFER_JOIN, ZSK_KEY, TRANSFER_AT_GAINING, true },
	{ TRANSFER_DS_ADD, KSK_DS, TRANSFER_AT_GAINING, true },
	{ TRANSFER_CDS_ADD, KSK_DS, TRANSFER_AT_LOSING, true },
	{ TRANSFER_CDS_ADD, KSK_DS, TRANSFER_AT_GAINING, true },
	{ TRANSFER_DS_NEW, KSK_DS, TRANSFER_AT_GAINING, true },
	{ TRANSFER_DS_DEL, KSK_DS, TRANSFER_AT_LOSING, false },
	{ TRANSFER_CDS_DEL, KSK_DS, TRANSFER_AT_LOSING, false },
	{ TRANSFER_DS_NONE, KSK_DS, TRANSFER_AT_LOSING, false },
	{ TRANSFER_DS_AGAIN, DS_FIRST, TRANSFER_AT_PARENT, true },
	{ TRANSFER_NS, NS_SET, TRANSFER_AT_LOSING, false },
	{ TRANSFER_NS, NS_SET, TRANSFER_AT_GAINING, true },
	{ TRANSFER_NS_LOSING, NS_SET, TRANSFER_AT_LOSING, false },
	{ TRANSFER_NS_LOSING, NS_SET, TRANSFER_AT_GAINING, true },
	{ TRANSFER_SWAP, ZSK_KEY, TRANSFER_AT_LOSING, true },
	{ TRANSFER_CLEAN, ZSK_KEY, TRANSFER_AT_LOSING, false },
};

struct sink {
	const struct transfer_work	*w;
	void				(*line)(void *arg, bool add, struct sv record);
	void				*arg;
};

static void
record_give(const struct sink *k, bool add, uint16_t type, struct sv rdata)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char name[DNAME_STRLEN], word[RRTYPE_STRLEN];

	buf_printf(&b, "%s %s ", dname_str(&k->w->watch.zone, name), rrtype_str(type, word));
	rdata_print(&b, type, rdata);
	if (b.rc == 0)
		k->line(k->arg, add, buf_get(&b));
}

/* In the forms that the registry takes. */
static void
ds_give(const struct sink *k, bool add, struct sv key)
{
	const struct intake_registry *r = intake_registry_find(&k->w->watch.zone);
	uint8_t ds[DS_RDATA_MAX];
	size_t n;

	if ((r->forms == 0 || (r->forms & INTAKE_FORM_DS) != 0) && ds_write(&k->w->watch.zone, key, 2, ds, &n) == 0)
		record_give(k, add, RR_DS, (struct sv){ (const char *)ds, n });
	if (r->forms == 0 || (r->forms & INTAKE_FORM_KEY) != 0)
		record_give(k, add, RR_DNSKEY, key);
}

static void
row_give(const struct sink *k, const struct row *r)
{
	const struct transfer_watch *t = &k->w->watch;
	enum transfer_place side = r->side;
	const struct transfer_set *keys;

	if (r->source == DS_FIRST) {
		for (size_t i = 0; i < t->ds_first.n; i++)
			record_give(k, r->add, RR_DS, t->ds_first.rdata[i]);
		return;
	}
	if (r->source == NS_SET) {
		for (size_t i = 0; i < t->ns[side].n; i++)
			record_give(k, r->add, RR_NS, t->ns[side].rdata[i]);
		return;
	}
	/* Where the operator stays, the new DS is of its keys. */
	if (r->code == TRANSFER_DS_NEW && k->w->f.move == TRANSFER_MOVE_REGISTRAR)
		side = TRANSFER_AT_LOSING;
	keys = &t->keys[side];
	for (size_t i = 0; i < keys->n; i++) {
		if (!transfer_key_is(keys, keys->rdata[i], r->source == KSK_DS))
			continue;
		if (r->source == KSK_DS)
			ds_give(k, r->add, keys->rdata[i]);
		else
			record_give(k, r->add, RR_DNSKEY, keys->rdata[i]);
	}
}

static void
rows_give(const struct sink *k, enum transfer_code code)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].code == code)
			row_give(k, &rows[i]);
}

struct text_sink {
	const char	*head;
	struct buf	*b;
};

static void
text_line(void *arg, bool add, struct sv record)
{
	const struct text_sink *t = arg;

	buf_printf(t->b, "%s%s ", t->head, add ? "+" : "-");
	buf_sv(t->b, record);
	buf_char(t->b, '\n');
}

void
transfer_data_print(const struct transfer_work *w, enum transfer_code code, const char *head, struct buf *b)
{
	struct text_sink t = { head, b };
	const struct sink k = { w, text_line, &t };

	rows_give(&k, code);
}

static void
json_line(void *arg, bool add, struct sv record)
{
	struct json *j = arg;

	json_open(j, '{');
	json_kv_bool(j, "add", add);
	json_kv_sv(j, "record", record);
	json_close(j, '}');
}

void
transfer_data_json(const struct transfer_work *w, enum transfer_code code, struct json *j)
{
	const struct sink k = { w, json_line, j };

	json_key(j, "records");
	json_open(j, '[');
	rows_give(&k, code);
	json_close(j, ']');
}
