/* What to enter at a registrar, field by field: DS records or keys, as the registry takes them. */
#include "base/json.h"
#include "cmd/zone_told.h"
#include "dnssec/dnssec.h"
#include "out/escape.h"

#define LINE_MAX	8192	/* "257 3 13 " and the longest key in base64 */

/* The DNSKEY data of a key that is told; its length, 0: it is told wrongly. */
static size_t
key_data(const struct told_want *w, uint8_t dst[static DNS_RDATA_MAX])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	size_t n;

	buf_printf(&b, "%lld 3 %lld %s", (long long)w->flags, (long long)w->alg, w->public_key);
	if (b.rc < 0 || b.len > LINE_MAX || rdata_parse(RR_DNSKEY, buf_get(&b), NULL, dst, &n) < 0)
		return 0;
	return n;
}

static void
line_put(const struct told_zone *z, uint16_t type, struct sv rdata, struct buf *b)
{
	escape_term(b, sv_str(z->name));
	buf_str(b, type == RR_DS ? " IN DS " : " IN DNSKEY ");
	rdata_print(b, type, rdata);
}

static const char *
name_of(const struct dnssec_alg *row)
{
	return row == NULL ? "?" : row->name;
}

static void
ds_put(const struct cmd_ctx *ctx, const struct told_zone *z, struct sv rdata, struct buf *b)
{
	struct ds d;

	if (ds_parse(rdata, &d) < 0)
		return;
	buf_str(b, "  ");
	line_put(z, RR_DS, rdata, b);
	buf_str(b, "\n    ");
	buf_printf(b, tr(ctx->lang, N_("Key Tag: %u")), d.tag);
	buf_str(b, "\n    ");
	buf_printf(b, tr(ctx->lang, N_("Algorithm: %u (%s)")), d.alg, name_of(dnssec_alg_find(d.alg)));
	buf_str(b, "\n    ");
	buf_printf(b, tr(ctx->lang, N_("Digest Type: %u (%s)")), d.digest_type,
	    name_of(dnssec_digest_find(d.digest_type)));
	buf_printf(b, "\n    %s ", tr(ctx->lang, N_("Digest:")));
	for (size_t i = 0; i < d.digest.n; i++)
		buf_printf(b, "%02X", (unsigned char)d.digest.p[i]);
	buf_char(b, '\n');
}

static void
dnskey_put(const struct cmd_ctx *ctx, const struct told_zone *z, const struct told_want *w, struct sv rdata,
    struct buf *b)
{
	struct dnskey d;

	if (dnskey_parse(rdata, &d) < 0)
		return;
	buf_str(b, "  ");
	line_put(z, RR_DNSKEY, rdata, b);
	buf_str(b, "\n    ");
	buf_printf(b, tr(ctx->lang, N_("Flags: %u")), d.flags);
	buf_str(b, "\n    ");
	buf_printf(b, tr(ctx->lang, N_("Protocol: %u")), d.protocol);
	buf_str(b, "\n    ");
	buf_printf(b, tr(ctx->lang, N_("Algorithm: %u (%s)")), d.alg, name_of(dnssec_alg_find(d.alg)));
	buf_printf(b, "\n    %s ", tr(ctx->lang, N_("Public Key:")));
	escape_term(b, sv_str(w->public_key));
	buf_char(b, '\n');
}

static void
record_put(const struct cmd_ctx *ctx, const struct told_zone *z, const struct told_want *w, uint16_t type,
    struct sv rdata, struct json *j, struct buf *b)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	if (ctx->json) {
		line_put(z, type, rdata, &line);
		json_sv(j, buf_get(&line));
	} else if (type == RR_DS)
		ds_put(ctx, z, rdata, b);
	else
		dnskey_put(ctx, z, w, rdata, b);
}

/* All records of one form. */
static void
records_put(const struct cmd_ctx *ctx, const struct told_zone *z, uint16_t type, struct json *j, struct buf *b)
{
	uint8_t key[DNS_RDATA_MAX], ds[DS_RDATA_MAX];
	struct dname zone;
	size_t n, n_ds;

	if (dname_parse(sv_str(z->name), NULL, &zone) < 0)
		return;
	for (size_t i = 0; i < z->n_want; i++) {
		const struct told_want *w = &z->want[i];
		struct sv rdata = { (const char *)key, n = key_data(w, key) };

		if (n > 0 && type == RR_DNSKEY)
			record_put(ctx, z, w, type, rdata, j, b);
		for (unsigned d = 1; n > 0 && type == RR_DS && d < 8; d++)
			if ((z->digests >> d & 1) != 0 && ds_write(&zone, rdata, (uint8_t)d, ds, &n_ds) == 0)
				record_put(ctx, z, w, type, (struct sv){ (const char *)ds, n_ds }, j, b);
	}
}

void
zone_form_print(const struct cmd_ctx *ctx, const char *form, const char *registry, struct buf *b)
{
	bool keys = strcmp(form, "key") == 0;

	if (registry[0] == '\0' || form[0] == '\0')
		return;
	buf_printf(b, tr(ctx->lang, keys ? N_("the registry of %s takes keys and makes the DS itself "
	    "(sekisho zone intake --rules)") : N_("the registry of %s takes DS records (sekisho zone intake --rules)")),
	    registry);
}

static void
enter_json(const struct cmd_ctx *ctx, const struct told_zone *z, struct json *j, struct buf *b)
{
	json_key(j, z->name);
	json_open(j, '{');
	json_kv_str(j, "form", z->form);
	json_kv_str(j, "registry", z->registry);
	json_key(j, "ds");
	json_open(j, '[');
	records_put(ctx, z, RR_DS, j, b);
	json_close(j, ']');
	json_key(j, "dnskey");
	json_open(j, '[');
	records_put(ctx, z, RR_DNSKEY, j, b);
	json_close(j, ']');
	json_close(j, '}');
}

void
zone_enter_print(const struct cmd_ctx *ctx, const struct told_zone *z, struct json *j, struct buf *b)
{
	if (ctx->json) {
		enter_json(ctx, z, j, b);
		return;
	}
	escape_term(b, sv_str(z->name));
	buf_str(b, z->registry[0] != '\0' && z->form[0] != '\0' ? "  " : "");
	zone_form_print(ctx, z->form, z->registry, b);
	buf_char(b, '\n');
	if (z->n_want == 0)
		buf_printf(b, "  %s\n", tr(ctx->lang, N_("the parent is to have no DS record of this zone")));
	if (strcmp(z->form, "key") != 0)
		records_put(ctx, z, RR_DS, j, b);
	if (strcmp(z->form, "ds") != 0)
		records_put(ctx, z, RR_DNSKEY, j, b);
}
