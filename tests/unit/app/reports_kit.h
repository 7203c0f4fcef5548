/* A store of its own for a test of reports, and segments of rows for it. */
#ifndef TESTS_UNIT_APP_REPORTS_KIT_H
#define TESTS_UNIT_APP_REPORTS_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../tap.h"
#include "app/mail_journal_internal.h"
#include "app/mail_reports.h"

#define DAY	20000		/* 2024-10-04 */
#define T0	(DAY * (int64_t)REPORTS_DAY_SEC)

static const struct mail_reports_conf conf = {
	.org_name = { "Example", 7 }, .email = { "dmarc@mx.example.net", 20 },
	.submitter = { "mx.example.net", 14 }, .generator = { "Sekisho", 7 }, .mail_max = 10 << 20,
};

/* --- a store of its own, in memory where there is such a folder --- */

struct world {
	char		 folder[64], where[256];
	struct reports	*r;
};

static inline void
world_init(struct world *w, unsigned n)
{
	const char *server = getenv("SEKISHO_REPORTS");

	(void)snprintf(w->folder, sizeof(w->folder), "%s/reports.XXXXXX", access("/dev/shm",
	    W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(w->folder));
	if (server != NULL)
		(void)snprintf(w->where, sizeof(w->where), "%s%u", server, n);
	else
		(void)snprintf(w->where, sizeof(w->where), "%s/reports.db", w->folder);
	assert_int_equal(reports_open(w->where, &w->r), 0);
}

static inline void
world_done(struct world *w)
{
	static const char *const names[] = { "", "-wal", "-shm", "-sender", "-sender-journal" };
	char path[512];

	(void)reports_free(w->r);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", w->where, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->folder), 0);
}

/* --- a segment --- */

static inline void
segment_begin(struct buf *b)
{
	uint8_t head[JOURNAL_HEAD_LEN];

	b->len = 0;
	journal_head(head, 1);
	buf_bytes(b, head, sizeof(head));
}

static inline void
segment_add(struct buf *b, const struct mail_row *r)
{
	static uint8_t octets[MAIL_ROW_MAX];
	struct wr w = wr_mem(octets, sizeof(octets));

	assert_int_equal(mail_row_write(&w, r), 0);
	journal_frame(b, 1, (struct sv){ (char *)octets, w.len });
}

static inline struct mail_row
row_of(const char *node, const char *id, int64_t at, const char *domain, const struct sv *rua,
    size_t n_rua)
{
	return (struct mail_row){
		.node = sv_str(node), .queue_id = sv_str(id), .at = at, .rua = rua, .n_rua = n_rua,
		.policy = { .domain = sv_str(domain), .p = DMARC_POLICY_REJECT },
		.row = { .count = 1, .source = { .addr = { 192, 0, 2, 1 }, .len = 32, .af = IP_V4 },
			.disposition = REPORT_PASS, .header_from = sv_str(domain),
			.spf_domain = sv_str(domain), .spf = MAIL_PASS, .spf_aligned = true },
		.dmarc = MAIL_PASS,
	};
}

#endif
