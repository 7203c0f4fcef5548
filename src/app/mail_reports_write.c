/* A report's text: written row by row, packed as it comes, cut into parts that a mail can carry. */
#include <errno.h>
#include <stdio.h>
#include <zlib.h>

#include "app/mail_reports.h"
#include "base/err.h"
#include "base/hash.h"
#include "crypto/crypto.h"

#define ROW_POOL_MAX	((size_t)64 * 1024)
#define HEAD_MAX	((size_t)8 * 1024)	/* octets of a mail around the report: its head, a few words */
#define HELD_MAX	((size_t)128 * 1024)	/* zlib's, and the end of a report: not seen in the output yet */
#define ID_MAX		(MAIL_REPORTS_ID_LEN + 12)

struct writing {
	const struct mail_reports_conf *conf;
	const struct reports_report	*report;
	struct report_policy	 policy;
	mail_reports_part_fn	 fn;
	void			*arg;
	struct pool		*pool;		/* of one row */
	char			 id[ID_MAX];
	struct report_meta	 meta;
	unsigned		 part;
	bool			 is_open;
	z_stream		 z;
	bool			 has_z;
	struct buf		 xml, gz;
};

/* --- names --- */

/*
 * RFC 9990 section 3.5.1: "MUST be unique among reports to the same domain". The time is in
 * it because a store that was lost begins to count again.
 */
static void
id_make(struct writing *w)
{
	uint8_t sum[SHA256_LEN];
	struct buf b = BUF_INIT;

	buf_printf(&b, "%.*s %llu %lld %lld ", SV_ARG(w->conf->submitter),
	    (unsigned long long)w->report->id,
	    (long long)w->report->day, (long long)w->report->made);
	buf_sv(&b, w->report->domain);
	crypto_sha256(b.p, b.len, sum);
	(void)hex_encode(w->id, sum, MAIL_REPORTS_ID_LEN / 2);
	if (b.rc < 0)
		w->xml.rc = b.rc;	/* sticky: it ends the work */
	buf_done(&b);
}

static void
part_name(struct writing *w)
{
	if (w->part > 0)
		(void)snprintf(w->id + MAIL_REPORTS_ID_LEN, sizeof(w->id) - MAIL_REPORTS_ID_LEN,
		    "p%u", w->part + 1);
	w->meta = (struct report_meta){
		.org_name = w->conf->org_name, .email = w->conf->email, .contact = w->conf->contact,
		.report_id = sv_str(w->id), .begin = w->report->day * REPORTS_DAY_SEC,
		.end = (w->report->day + 1) * REPORTS_DAY_SEC - 1, .generator = w->conf->generator,
	};
}

/* --- packing --- */

static int
pack_some(struct writing *w, int flush)
{
	uint8_t out[16 * 1024];
	int z;

	do {
		w->z.next_out = out;
		w->z.avail_out = sizeof(out);
		z = deflate(&w->z, flush);
		if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
			return -EIO;
		buf_bytes(&w->gz, out, sizeof(out) - w->z.avail_out);
	} while (w->z.avail_out == 0);
	return w->gz.rc;
}

static int
pack(struct writing *w, int flush)
{
	if (w->xml.rc < 0)
		return w->xml.rc;
	w->z.next_in = (Bytef *)w->xml.p;
	w->z.avail_in = (uInt)w->xml.len;
	w->xml.len = 0;
	return pack_some(w, flush);
}

/* A header of gzip without a time: the same report is the same octets. */
static int
part_begin(struct writing *w)
{
	if (!w->has_z) {
		if (deflateInit2(&w->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
		    Z_DEFAULT_STRATEGY) != Z_OK)
			return -ENOMEM;
		w->has_z = true;
	} else if (deflateReset(&w->z) != Z_OK)
		return -EIO;
	part_name(w);
	w->gz.len = 0;
	w->is_open = true;
	report_begin(&w->xml, w->conf->form, &w->meta, &w->policy);
	return 0;
}

static int
part_end(struct writing *w)
{
	int rc;

	report_end(&w->xml);
	if ((rc = pack(w, Z_FINISH)) < 0)
		return rc;
	w->is_open = false;
	return w->fn(w->arg, w->part++, &w->meta, buf_get(&w->gz));
}

/* Octets that fit into a mail as lines of base64, 76 letters and an end for 57 each. */
static size_t
part_max(const struct mail_reports_conf *c)
{
	return (c->mail_max - HEAD_MAX) / 78 * 57 - HELD_MAX;
}

static int
sum_write(void *arg, struct sv alike, uint64_t count)
{
	struct writing *w = arg;
	struct report_row row;
	int rc;

	pool_reset(w->pool);
	if ((rc = mail_row_alike_parse(alike, w->pool, &row)) < 0)
		return rc;
	row.count = count;
	if (!w->is_open && (rc = part_begin(w)) < 0)
		return rc;
	report_row(&w->xml, w->conf->form, &row);
	if ((rc = pack(w, Z_NO_FLUSH)) < 0)
		return rc;
	return w->gz.len > part_max(w->conf) ? part_end(w) : 0;
}

static int
all_write(struct reports *store, struct writing *w)
{
	int rc;

	if ((rc = mail_row_policy_parse(w->report->policy, &w->policy)) < 0)
		return rc;
	id_make(w);
	if ((rc = reports_rows(store, w->report->id, sum_write, w)) < 0)
		return rc;
	return w->is_open ? part_end(w) : w->part == 0 ? -ENOENT : 0;
}

int
mail_reports_write(struct reports *store, const struct mail_reports_conf *c,
    const struct reports_report *r, mail_reports_part_fn fn, void *arg)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(ROW_POOL_MAX);
	struct writing w = { .conf = c, .report = r, .fn = fn, .arg = arg, .pool = pool };
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if (c->mail_max < MAIL_REPORTS_MAIL_MIN)
		return SE_LIMIT;
	rc = all_write(store, &w);
	if (w.has_z)
		(void)deflateEnd(&w.z);
	buf_done(&w.xml);
	buf_done(&w.gz);
	return rc;
}
