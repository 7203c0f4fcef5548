#include "cmd/rpki_whatif.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "crypto/crypto.h"
#include "sys/file.h"

#define ROUTES_SIZE_MAX	((size_t)256 << 20)	/* a full table has 1.2 million lines of 30 bytes */

int
whatif_side_make(struct whatif_side *w, const struct payloads *p, int64_t now)
{
	const struct snapshot_stamp stamp = { 0, { 0, 1, 2 } };
	size_t size;
	int rc;

	if ((rc = snapshot_size(p, 0, &size)) < 0)
		return rc;
	if ((w->bytes = calloc(1, size)) == NULL)
		return -ENOMEM;
	if ((rc = snapshot_build(p, now, &stamp, SV(""), crypto_sha256, w->bytes, size)) < 0)
		return rc;
	return snapshot_open(w->bytes, size, crypto_sha256, &w->s);
}

void
whatif_done(struct whatif *w)
{
	free(w->before.bytes);
	free(w->after.bytes);
}

static void
change_put(const struct ip_prefix *px, uint32_t asn, enum rov before, enum rov after,
    struct buf *text, struct json *json)
{
	char p[IP_PREFIX_STRLEN], a[ASN_STRLEN];

	if (text != NULL)
		buf_printf(text, "%s %s: %s -> %s\n", ip_prefix_str(px, p), asn_str(asn, a),
		    rov_name(before), rov_name(after));
	if (json == NULL)
		return;
	json_open(json, '{');
	json_kv_str(json, "prefix", ip_prefix_str(px, p));
	json_kv_u64(json, "asn", asn);
	json_kv_str(json, "before", rov_name(before));
	json_kv_str(json, "after", rov_name(after));
	json_close(json, '}');
}

/* false: it is no route. */
static bool
line_judge(struct whatif *w, struct sv line, struct buf *text, struct json *json)
{
	struct sv px_word, asn_word;
	struct ip_prefix px;
	enum rov before, after;
	uint32_t asn;

	line = sv_take(line, sv_find(line, '#'));
	if (!sv_word(&line, &px_word))
		return true;
	if (!sv_word(&line, &asn_word) || sv_trim(line).n > 0 ||
	    ip_prefix_parse(px_word, &px) < 0 || asn_parse(asn_word, &asn) < 0)
		return false;
	before = snapshot_rov(&w->before.s, &px, asn);
	after = snapshot_rov(&w->after.s, &px, asn);
	w->n[before][after]++;
	if (before != after)
		change_put(&px, asn, before, after, text, json);
	return true;
}

int
whatif_routes(struct whatif *w, const struct cmd_ctx *ctx, const char *file, struct buf *text,
    struct json *json)
{
	unsigned long no = 0;
	struct file_map map;
	struct sv rest, line;
	int rc = file_map(file, ROUTES_SIZE_MAX, &map);

	if (rc < 0) {
		cmd_err(tr(ctx->lang, N_("cannot read the routes %s: %s")), file, err_str(rc));
		return rc;
	}
	rest = map.data;
	while (rc == 0 && sv_line(&rest, &line)) {
		no++;
		if (line_judge(w, line, text, json))
			continue;
		cmd_err(tr(ctx->lang, N_("%s:%lu: a route is written as 192.0.2.0/24 AS64500")), file, no);
		rc = SE_SYNTAX;
	}
	file_unmap(&map);
	return rc;
}
