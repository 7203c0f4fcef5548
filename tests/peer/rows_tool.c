/*
 * Rows of judged messages as lines of JSON, for tests:
 *
 *	rows_tool segments FILE ...	of segments of a milter's journal, sealed or not
 *	rows_tool alike <HEX		of the store: what its rows say of a message, a line each
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_journal.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "mail/limits.h"
#include "mail/row.h"
#include "sys/file.h"

#define POOL_MAX	((size_t)1 << 20)

static const char *const dispositions[REPORT_DISPOSITION_MAX] = {
	[REPORT_NONE] = "none", [REPORT_PASS] = "pass", [REPORT_QUARANTINE] = "quarantine",
	[REPORT_REJECT] = "reject",
};
static const char *const overrides[REPORT_OVERRIDE_MAX] = {
	[REPORT_LOCAL_POLICY] = "local_policy", [REPORT_MAILING_LIST] = "mailing_list",
	[REPORT_OTHER] = "other", [REPORT_TEST_MODE] = "policy_test_mode",
	[REPORT_TRUSTED_FORWARDER] = "trusted_forwarder",
};

static void
die(const char *what, int rc)
{
	fprintf(stderr, "%s: %s (%d)\n", what, err_str(rc), rc);
	exit(1);
}

/* --- JSON --- */

static void
row_json(struct json *j, const struct report_row *r)
{
	char addr[IP_ADDR_STRLEN];

	json_kv_str(j, "source", ip_addr_str(r->source.addr, r->source.af, addr));
	json_kv_sv(j, "from", r->header_from);
	json_kv_str(j, "disposition", dispositions[r->disposition]);
	json_kv_bool(j, "dkim", r->dkim_aligned);
	json_kv_bool(j, "spf", r->spf_aligned);
	json_kv_sv(j, "spf_domain", r->spf_domain);
	json_kv_str(j, "spf_result", r->spf_domain.n > 0 ? mail_result_name(r->spf) : NULL);
	json_key(j, "signatures");
	json_open(j, '[');
	for (size_t i = 0; i < r->n_dkim; i++) {
		json_open(j, '{');
		json_kv_sv(j, "domain", r->dkim[i].domain);
		json_kv_str(j, "result", mail_result_name(r->dkim[i].result));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key(j, "reasons");
	json_open(j, '[');
	for (size_t i = 0; i < r->n_reasons; i++)
		json_str(j, overrides[r->reasons[i].type]);
	json_close(j, ']');
}

static void
line_end(struct json *j, struct buf *b)
{
	json_close(j, '}');
	if (b->rc < 0)
		die("memory", b->rc);
	printf("%.*s\n", SV_ARG(buf_get(b)));
	b->len = 0;
}

/* --- of segments --- */

static int
row_print(void *arg, struct sv octets)
{
	struct pool *pool = arg;
	struct mail_row_parts parts;
	struct mail_row row;
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	int rc;

	pool_reset(pool);
	if ((rc = mail_row_parse(octets, pool, &row, &parts)) < 0)
		return rc;
	json_open(&j, '{');
	json_kv_sv(&j, "node", row.node);
	json_kv_sv(&j, "id", row.queue_id);
	json_kv_i64(&j, "at", row.at);
	json_kv_sv(&j, "policy", row.policy.domain);
	json_kv_u64(&j, "wanted", row.n_rua);
	json_kv_str(&j, "dmarc", mail_result_name(row.dmarc));
	json_kv_str(&j, "arc", mail_result_name(row.arc));
	row_json(&j, &row.row);
	line_end(&j, &b);
	return 0;
}

/* One that goes while we look has been taken in: nobody's fault. */
static void
segment_print(struct pool *pool, const char *path)
{
	struct file_map m;
	uint64_t lost;
	int rc = file_map(path, MAIL_JOURNAL_SEGMENT_MAX, &m);

	if (rc == -ENOENT)
		return;
	if (rc == 0) {
		rc = mail_journal_read(m.data, row_print, pool, &lost);
		file_unmap(&m);
	}
	if (rc < 0 && rc != -EBADMSG)		/* its head was not written yet */
		die(path, rc);
}

/* --- of the store --- */

static void
alike_print(struct pool *pool, char *line)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	struct report_row row;
	struct sv hex = sv_trim(sv_str(line));
	char *octets;
	int rc;

	pool_reset(pool);
	if ((octets = pool_alloc(pool, hex.n / 2 + 1)) == NULL)
		die("memory", -ENOMEM);
	if ((rc = hex_decode(octets, hex.n / 2, hex)) < 0 ||
	    (rc = mail_row_alike_parse((struct sv){ octets, hex.n / 2 }, pool, &row)) < 0)
		die(line, rc);
	json_open(&j, '{');
	row_json(&j, &row);
	line_end(&j, &b);
}

int
main(int argc, char **argv)
{
	static char line[2 * MAIL_ROW_MAX + 2];
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);

	if (pool == NULL)
		die("memory", -ENOMEM);
	if (argc == 2 && strcmp(argv[1], "alike") == 0) {
		while (fgets(line, sizeof(line), stdin) != NULL)
			alike_print(pool, line);
		return 0;
	}
	if (argc < 2 || strcmp(argv[1], "segments") != 0)
		die("usage", SE_USAGE);
	for (int i = 2; i < argc; i++)
		segment_print(pool, argv[i]);
	return 0;
}
