/*
 * A segment of a milter's journal from lines of fields between TABs, for tests:
 *
 *	rows_write NUMBER <LINES >SEGMENT
 *	NODE QUEUE-ID TIME DOMAIN RUA ADDRESS DISPOSITION [SENDER]
 *
 * RUA "-": its owner wants no reports. DISPOSITION: none, pass, quarantine, reject.
 * SENDER: a domain for which SPF passed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_journal_internal.h"
#include "base/ip.h"
#include "mail/limits.h"
#include "mail/row.h"

#define LINE_MAX_	4096

static void
die(const char *what)
{
	fprintf(stderr, "rows_write: %s\n", what);
	exit(1);
}

static enum report_disposition
disposition_of(struct sv s)
{
	static const char *const names[] = { [REPORT_NONE] = "none", [REPORT_PASS] = "pass",
		[REPORT_QUARANTINE] = "quarantine", [REPORT_REJECT] = "reject" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i] != NULL && sv_eq_str(s, names[i]))
			return (enum report_disposition)i;
	die("a disposition");
	return REPORT_NONE;
}

static void
row_add(struct buf *b, uint64_t number, struct sv line)
{
	uint8_t octets[MAIL_ROW_MAX];
	struct wr w = wr_mem(octets, sizeof(octets));
	struct mail_row r = { .policy = { .p = DMARC_POLICY_REJECT }, .dmarc = MAIL_FAIL,
	    .row = { .count = 1, .spf = MAIL_FAIL } };
	struct sv rua;
	uint64_t at = 0;

	r.node = sv_cut(&line, '\t');
	r.queue_id = sv_cut(&line, '\t');
	if (num_u64(sv_cut(&line, '\t'), 0, INT64_MAX, &at) < 0)
		die("a time");
	r.at = (int64_t)at;
	r.policy.domain = r.row.header_from = r.row.spf_domain = sv_cut(&line, '\t');
	rua = sv_cut(&line, '\t');
	if (!sv_eq(rua, SV("-"))) {
		r.rua = &rua;
		r.n_rua = 1;
	}
	if (ip_prefix_parse_host(sv_cut(&line, '\t'), &r.row.source) < 0)
		die("an address");
	r.row.disposition = disposition_of(sv_cut(&line, '\t'));
	if (line.n > 0) {
		r.row.spf = MAIL_PASS;
		r.row.spf_domain = line;
	}
	if (mail_row_write(&w, &r) < 0)
		die("no row");
	journal_frame(b, number, (struct sv){ (char *)octets, w.len });
}

int
main(int argc, char **argv)
{
	char line[LINE_MAX_];
	struct buf b = BUF_INIT;
	uint8_t head[JOURNAL_HEAD_LEN];
	uint64_t number = 0;

	if (argc != 2 || num_u64(sv_str(argv[1]), 0, UINT64_MAX, &number) < 0)
		die("say the segment's number");
	journal_head(head, number);
	buf_bytes(&b, head, sizeof(head));
	while (fgets(line, sizeof(line), stdin) != NULL)
		row_add(&b, number, sv_take(sv_str(line), strcspn(line, "\n")));
	if (b.rc < 0 || fwrite(b.p, 1, b.len, stdout) != b.len)
		die("cannot write");
	buf_done(&b);
	return 0;
}
