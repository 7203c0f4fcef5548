/*
 * Rows to reports: parts of a size, moments and retries, and a month of several nodes in
 * which segments come late and twice, and mails fail: each row is reported once. Where the
 * tables are, as in tests/unit/store/test_reports.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "app/mail_reports_text.h"
#include "base/err.h"
#include "dns_fake.h"
#include "reports_kit.h"
#include "segments_kit.h"

#define HOUR	3600

static const struct sv own_rua[] = { { "mailto:d@a.example!10m", 22 } };

static void
test_take(void **state)
{
	static const struct report_dkim sigs[] = {
		{ { "a.example", 9 }, { "s", 1 }, MAIL_PASS, { "", 0 } },
		{ { "service.example", 15 }, { "s", 1 }, MAIL_PASS, { "", 0 } },
		{ { "bad.example", 11 }, { "s", 1 }, MAIL_FAIL, { "", 0 } },
	};
	struct mail_row rows[3] = { row_of("mx1", "1", T0, "a.example", own_rua, 1),
		row_of("mx1", "2", T0 + 9, "a.example", own_rua, 1), row_of("mx1", "3", T0,
		    "b.example", NULL, 0) };
	struct pool *pool = pool_new(1 << 16);
	struct mail_reports_taken t;
	struct buf b = BUF_INIT;
	struct reports_seen s;
	struct world w;
	bool has_more;
	unsigned n;

	(void)state;
	world_init(&w, 1);
	rows[1].row.dkim = sigs;
	rows[1].row.n_dkim = 3;
	rows[1].row.disposition = REPORT_QUARANTINE;
	segment_begin(&b);
	segment_add(&b, &rows[0]);
	journal_frame(&b, 1, SV("no row at all"));
	segment_add(&b, &rows[1]);
	segment_add(&b, &rows[2]);
	buf_str(&b, "torn");
	assert_int_equal(mail_reports_take(w.r, buf_get(&b), &t), 0);
	assert_true(t.n_new == 3 && t.n_known == 0 && t.n_bad == 1 && t.lost == 4);
	assert_int_equal(mail_reports_take(w.r, buf_get(&b), &t), 0);
	assert_true(t.n_new == 0 && t.n_known == 3 && t.n_bad == 1);
	assert_int_equal(mail_reports_take(w.r, SV("no segment"), &t), -EBADMSG);
	assert_int_equal(reports_seen(w.r, SV("a.example"), pool, &s), 0);
	assert_true(s.n_messages == 2 && s.n_acts[REPORTS_QUARANTINED] == 1 && s.last == T0 + 9);
	assert_int_equal(reports_seen(w.r, SV("service.example"), pool, &s), 0);
	assert_int_equal(s.n_messages, 1);
	assert_int_equal(reports_seen(w.r, SV("bad.example"), pool, &s), -ENOENT);
	assert_int_equal(mail_reports_due(w.r, T0, T0 + 3 * 86400, &n, &has_more), 0);
	assert_int_equal(n, 1);				/* nobody wants any of b.example */
	buf_done(&b);
	(void)pool_free(pool);
	world_done(&w);
}

/* --- from the journal to the tables, by a process that is killed --- */

#define HANDED	3000
#define LIFE	8		/* segments at most, if it is not killed before */

static void
journal_fill(const char *folder)
{
	const struct mail_journal_conf c = { folder, 1000, 60 };
	static uint8_t octets[MAIL_ROW_MAX];
	struct mail_journal_found found;
	struct mail_journal *j;
	char id[16];

	assert_int_equal(mail_journal_open(&c, T0, &j, &found), 0);
	for (unsigned i = 0; i < HANDED; i++) {
		struct wr w = wr_mem(octets, sizeof(octets));
		struct mail_row r = row_of("mx1", id, T0 + i, "a.example", own_rua, 1);

		r.queue_id.n = (size_t)snprintf(id, sizeof(id), "%u", i);
		assert_int_equal(mail_row_write(&w, &r), 0);
		assert_int_equal(mail_journal_append(j, T0, (struct sv){ (char *)octets, w.len }),
		    0);
	}
	(void)mail_journal_free(j);
}

static int
rows_take(struct reports *r, struct sv octets)
{
	struct mail_reports_taken t;

	return mail_reports_take(r, octets, &t);
}

static void
test_handed_on(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	unsigned n_killed = 0;
	struct reports_seen s;
	char folder[128];
	uint64_t *numbers;
	struct world w;
	size_t n;

	(void)state;
	world_init(&w, 2);
	(void)snprintf(folder, sizeof(folder), "%s/journal", w.folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	journal_fill(folder);
	w.r = reports_free(w.r);
	for (unsigned i = 0; i < 30; i++)
		n_killed += killed_after(rows_take, w.where, folder, LIFE, i % 4,
		    i * 7919 % 1500);
	assert_int_equal(mail_journal_list(folder, pool, &numbers, &n), 0);
	print_message("# %u of 30 lives cut short, %zu segments left\n", n_killed, n);
	assert_true(n > 0);
	assert_int_equal(reports_open(w.where, &w.r), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(segment_hand(rows_take, w.r, folder, numbers[i]), 0);
	assert_int_equal(reports_seen(w.r, SV("a.example"), pool, &s), 0);
	assert_int_equal(s.n_messages, HANDED);
	assert_int_equal(rmdir(folder), 0);		/* nothing is left */
	(void)pool_free(pool);
	world_done(&w);
}

/* --- when --- */

static void
test_plan(void **state)
{
	struct reports_sending s = { .report = { .made = T0 } };
	struct reports_outcome o;
	int64_t m = mail_reports_moment(SV("a.example"), DAY), at = T0;
	static const int hours[] = { 1, 4, 8, 16, 24 };
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		char name[32];
		int64_t t = mail_reports_moment((struct sv){ name, (size_t)snprintf(name,
		    sizeof(name), "d%u.example", i) }, DAY);

		assert_true(t >= T0 + 26 * HOUR && t < T0 + 46 * HOUR);
		n += t < T0 + 36 * HOUR;
	}
	assert_true(n > 400 && n < 600);		/* spread alike */
	assert_int_equal(mail_reports_moment(SV("a.example"), DAY + 7), m + 7 * 86400);
	assert_false(mail_reports_is_time(SV("a.example"), DAY, 0, m - 1));
	assert_true(mail_reports_is_time(SV("a.example"), DAY, m - 1, m));
	assert_false(mail_reports_is_time(SV("a.example"), DAY, m, m + 1));
	assert_false(mail_reports_is_time(SV("a.example"), DAY, m, m + 86399));
	assert_true(mail_reports_is_time(SV("a.example"), DAY, m, m + 86400));
	assert_true(mail_reports_is_time(SV("a.example"), DAY, m + 80000, m + 90000));
	/* For now: 1, 4, 8, 16, 24 hours later, and not beyond three days. */
	for (n = 0; n < 20; n++, s.attempts++) {
		o = mail_reports_outcome(&s, MAIL_REPORTS_LATER, SV("451"), at);
		assert_false(o.is_failure);
		if (o.state != REPORTS_DUE)
			break;
		assert_int_equal(o.next - at, hours[min_size(n, 4)] * HOUR);
		at = o.next;
	}
	assert_int_equal(n, 5);
	assert_int_equal(o.state, REPORTS_GIVEN_UP);
	s.attempts = 0;
	o = mail_reports_outcome(&s, MAIL_REPORTS_NEVER, SV("550"), T0);
	assert_true(o.state == REPORTS_GIVEN_UP && o.is_failure);
	o = mail_reports_outcome(&s, MAIL_REPORTS_GOOD, SV(""), T0);
	assert_true(o.state == REPORTS_SENT && !o.is_failure);
	assert_false(mail_reports_is_dead(MAIL_REPORTS_DEAD_MAX - 1, T0, T0));
	assert_true(mail_reports_is_dead(MAIL_REPORTS_DEAD_MAX, T0,
	    T0 + MAIL_REPORTS_DEAD_SEC - 1));
	assert_false(mail_reports_is_dead(MAIL_REPORTS_DEAD_MAX, T0, T0 + MAIL_REPORTS_DEAD_SEC));
}

/* --- a report's text --- */

static void
unpack(struct buf *b, struct sv gz)
{
	char out[65536];
	z_stream z = { .next_in = (Bytef *)(uintptr_t)gz.p, .avail_in = (uInt)gz.n };
	int rc;

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	do {
		z.next_out = (Bytef *)out;
		z.avail_out = sizeof(out);
		rc = inflate(&z, Z_NO_FLUSH);
		assert_true(rc == Z_OK || rc == Z_STREAM_END);
		buf_bytes(b, out, sizeof(out) - z.avail_out);
	} while (rc != Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	(void)inflateEnd(&z);
}

static int
piece_add(void *arg, struct sv piece)
{
	buf_sv(arg, piece);
	return 0;
}

static int
piece_refuse(void *arg, struct sv piece)
{
	(void)arg;
	return piece.n > 0 ? -EIO : 0;
}

/* As a person reads it: the same, or not at all. */
static void
text_check(struct sv gz, struct sv want)
{
	struct buf b = BUF_INIT;

	assert_int_equal(mail_reports_text(gz, piece_add, &b), 0);
	assert_true(sv_eq(buf_get(&b), want));
	assert_int_equal(mail_reports_text(gz, piece_refuse, NULL), -EIO);
	assert_int_equal(mail_reports_text(sv_take(gz, gz.n - 1), piece_add, &b), -EBADMSG);
	assert_int_equal(mail_reports_text(sv_skip(gz, 1), piece_add, &b), -EBADMSG);
	assert_int_equal(mail_reports_text(SV(""), piece_add, &b), -EBADMSG);
	buf_done(&b);
}

/* The sum of all counts in a packed report; *ret_n: how many. */
static uint64_t
counted(struct sv gz, unsigned *ret_n)
{
	struct buf b = BUF_INIT;
	uint64_t sum = 0, n;
	struct sv s, line;

	unpack(&b, gz);
	text_check(gz, buf_get(&b));
	s = buf_get(&b);
	assert_true(sv_starts(s, SV("<?xml")) && sv_ends(s, SV("</feedback>\n")));
	for (*ret_n = 0; sv_line(&s, &line);) {
		line = sv_trim(line);
		if (!sv_starts(line, SV("<count>")))
			continue;
		line = sv_skip(line, 7);
		assert_int_equal(num_u64(sv_cut(&line, '<'), 1, UINT64_MAX, &n), 0);
		sum += n;
		++*ret_n;
	}
	buf_done(&b);
	return sum;
}

struct parts {
	unsigned	 n, n_rows;
	uint64_t	 sum;
	struct buf	 all;		/* of both runs: the same */
	char		 ids[16][64];
};

static int
part_take(void *arg, unsigned n, const struct report_meta *meta, struct sv gz)
{
	struct parts *p = arg;
	struct buf b = BUF_INIT;
	const struct report_mail m = { .from = conf.email, .to = SV("d@a.example"),
	    .submitter = conf.submitter,
		.domain = SV("a.example"), .meta = meta, .at = T0, .data = gz };
	unsigned rows;

	assert_int_equal(n, p->n);
	assert_true(n < 16);
	(void)snprintf(p->ids[n], sizeof(p->ids[n]), "%.*s", SV_ARG(meta->report_id));
	assert_true(meta->begin == T0 && meta->end == T0 + 86399);
	assert_int_equal(report_mail_write(&b, &m), 0);
	assert_true(b.len <= MAIL_REPORTS_MAIL_MIN);
	buf_done(&b);
	p->sum += counted(gz, &rows);
	p->n_rows += rows;
	buf_sv(&p->all, gz);
	p->n++;
	return 0;
}

static int
report_take(void *arg, const struct reports_report *r)
{
	struct reports_report *to = arg;

	to->id = r->id;
	to->day = r->day;
	to->made = r->made;
	return 0;
}

/* Rows that no one could pack well: each from another address, with a name of its own. */
static void
many(struct buf *b, unsigned n)
{
	segment_begin(b);
	for (unsigned i = 0; i < n; i++) {
		char id[32], from[80];
		uint64_t x = i * 0x9e3779b97f4a7c15u;
		struct mail_row r = row_of("mx1", id, T0 + i % 1000, "a.example", own_rua, 1);

		(void)snprintf(id, sizeof(id), "%u", i);
		r.queue_id = sv_str(id);
		(void)snprintf(from, sizeof(from), "%016llx%016llx.a.example",
		    (unsigned long long)x, (unsigned long long)(x * x));
		r.row.header_from = sv_str(from);
		memcpy(r.row.source.addr, &x, 4);
		segment_add(b, &r);
	}
}

static void
test_parts(void **state)
{
	struct mail_reports_conf c = conf;
	struct reports_report r = { 0 };
	struct parts p[2] = { 0 };
	struct mail_reports_taken t;
	struct mail_row row = row_of("mx1", "1", T0, "a.example", own_rua, 1);
	static uint8_t octets[MAIL_ROW_MAX];
	struct wr wr = wr_mem(octets, sizeof(octets));
	struct pool *pool = pool_new(1 << 16);
	struct mail_row_parts part;
	struct buf b = BUF_INIT;
	struct mail_row again;
	struct world w;
	bool has_more;
	unsigned n;

	(void)state;
	world_init(&w, 3);
	many(&b, 20000);
	assert_int_equal(mail_reports_take(w.r, buf_get(&b), &t), 0);
	assert_int_equal(t.n_new, 20000);
	assert_int_equal(mail_reports_due(w.r, T0, T0 + 3 * 86400, &n, &has_more), 0);
	assert_int_equal(n, 1);
	assert_int_equal(reports_unaddressed(w.r, 0, 1, report_take, &r), 0);
	assert_int_equal(mail_row_write(&wr, &row), 0);
	assert_int_equal(mail_row_parse((struct sv){ (char *)octets, wr.len }, pool, &again,
	    &part), 0);
	r.domain = SV("a.example");
	r.policy = part.policy;
	c.mail_max = MAIL_REPORTS_MAIL_MIN - 1;
	assert_int_equal(mail_reports_write(w.r, &c, &r, part_take, &p[0]), SE_LIMIT);
	c.mail_max++;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(mail_reports_write(w.r, &c, &r, part_take, &p[i]), 0);
		assert_true(p[i].n > 1);
		assert_int_equal(p[i].n_rows, 20000);
		assert_int_equal(p[i].sum, 20000);
	}
	print_message("# %u parts\n", p[0].n);
	assert_true(sv_eq(buf_get(&p[0].all), buf_get(&p[1].all)));	/* for each attempt the same */
	assert_int_equal(strlen(p[0].ids[0]), MAIL_REPORTS_ID_LEN);
	for (unsigned i = 1; i < p[0].n; i++)
		assert_string_not_equal(p[0].ids[i], p[0].ids[i - 1]);
	r.id = 77;
	assert_int_equal(mail_reports_write(w.r, &c, &r, part_take, &p[0]), -ENOENT);
	buf_done(&b);
	buf_done(&p[0].all);
	buf_done(&p[1].all);
	(void)pool_free(pool);
	world_done(&w);
}

/* --- a month --- */

#define DAYS	30
#define STEP	HOUR
#define DOMAINS	9
#define NODES	3
#define SENT_MAX 4000

enum {		/* the odd ones; all others are well */
	D_NO_RUA = 3,		/* wants no reports */
	D_REFUSED,		/* names a stranger's address */
	D_ALLOWED,		/* names one that wants them */
	D_DEAD,			/* an address that is no more */
	D_BUSY,			/* one that seldom answers */
	D_TWO			/* two addresses */
};

static const char *const ruas[DOMAINS][2] = {
	{ "mailto:r@d0.example" }, { "mailto:r@d1.example!5m" }, { "mailto:r@d2.example" },
	    { NULL },
	{ "mailto:r@stranger.example" }, { "mailto:r@wants.example" }, { "mailto:r@d6.example" },
	{ "mailto:r@d7.example" }, { "mailto:r@d8.example", "mailto:s@d8.example" },
};

struct month {
	struct world	 w;
	struct reports	*senders[2];
	struct dns_fake	*dns;
	uint64_t	 random;
	unsigned	 n_rows;
	struct buf	 open[NODES];		/* of each node: a segment that gathers */
	uint64_t	 noted[DOMAINS][DAYS];
	uint64_t	 told[DOMAINS][DAYS][2];
	unsigned	 n_reports[DOMAINS][DAYS];
	struct {
		char	id[64], to[64];
	} sent[SENT_MAX];
	unsigned	 n_sent, n_later, n_never;
};

static unsigned
dice(struct month *m, unsigned n)
{
	m->random = m->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((m->random >> 33) % n);
}

/* One node is away from the store for two days. */
static bool
is_away(unsigned node, int64_t now)
{
	return node == 2 && now >= T0 + 10 * 86400 && now < T0 + 12 * 86400 + 5 * HOUR;
}

static void
rows_add(struct month *m, unsigned node, int64_t now)
{
	char name[] = "mx0", id[32], domain[32];

	for (unsigned n = dice(m, 7); n > 0; n--) {
		unsigned d = dice(m, DOMAINS);
		int64_t at = now - dice(m, STEP);
		struct sv rua[2] = { sv_str(ruas[d][0]), sv_str(ruas[d][1]) };
		struct mail_row r;

		if (at < T0 || at >= T0 + DAYS * (int64_t)86400)
			continue;
		name[2] = (char)('0' + node);
		(void)snprintf(id, sizeof(id), "%x", m->n_rows++ % 100);	/* ids come again, at another time */
		(void)snprintf(domain, sizeof(domain), "d%u.example", d);
		r = row_of(name, id, at, domain, rua,
		    (ruas[d][0] != NULL) + (size_t)(ruas[d][1] != NULL));
		r.row.source.addr[3] = (uint8_t)dice(m, 3);
		if (m->open[node].len == 0)
			segment_begin(&m->open[node]);
		segment_add(&m->open[node], &r);
		m->noted[d][reports_day(at) - DAY]++;
	}
}

static void
segments_give(struct month *m, unsigned node, int64_t now)
{
	struct mail_reports_taken t;

	if (m->open[node].len == 0 || is_away(node, now) || dice(m, 5) == 0)
		return;
	assert_int_equal(mail_reports_take(m->w.r, buf_get(&m->open[node]), &t), 0);
	assert_true(t.n_known == 0 && t.n_bad == 0 && t.lost == 0);
	if (dice(m, 4) == 0) {			/* nobody heard that it was taken in */
		assert_int_equal(mail_reports_take(m->w.r, buf_get(&m->open[node]), &t), 0);
		assert_int_equal(t.n_new, 0);
	}
	m->open[node].len = 0;
}

static enum mail_reports_sent
month_send(void *arg, const struct report_mail *x, struct sv *ret_error)
{
	struct month *m = arg;
	unsigned d = (unsigned)(x->domain.p[1] - '0'), n;
	int64_t day = x->meta->begin / 86400 - DAY;
	char id[64], to[64];
	struct buf b = BUF_INIT;

	assert_int_equal(report_mail_write(&b, x), 0);
	buf_done(&b);
	assert_true(day >= 0 && day < DAYS && x->at >= x->meta->end);
	assert_true(d != D_REFUSED && d != D_NO_RUA);
	*ret_error = SV("said so");
	if (d == D_DEAD) {
		m->n_never++;
		return MAIL_REPORTS_NEVER;
	}
	if (dice(m, d == D_BUSY ? 2 : 6) == 0) {
		m->n_later++;
		return MAIL_REPORTS_LATER;
	}
	(void)snprintf(id, sizeof(id), "%.*s", SV_ARG(x->meta->report_id));
	(void)snprintf(to, sizeof(to), "%.*s", SV_ARG(x->to));
	for (unsigned i = 0; i < m->n_sent; i++)
		assert_false(strcmp(m->sent[i].id, id) == 0 && strcmp(m->sent[i].to, to) == 0);
	assert_true(m->n_sent < SENT_MAX);
	memcpy(m->sent[m->n_sent].id, id, sizeof(id));
	memcpy(m->sent[m->n_sent++].to, to, sizeof(to));
	m->told[d][day][to[0] == 's'] += counted(x->data, &n);
	m->n_reports[d][day] += to[0] == 'r';
	return MAIL_REPORTS_GOOD;
}

static int
month_fill(void *arg, struct mail_ask *ask)
{
	dns_fake_learn(arg, ask);
	return 0;
}

/* Whoever has the lock does all; exactly one has it. */
static void
senders_work(struct month *m, int64_t last, int64_t now)
{
	struct mail_reports_dns dns = { .ask = { .find = dns_fake_find, .arg = m->dns },
	    .fill = month_fill, .fill_arg = m->dns };
	struct mail_reports_unnoted unnoted = { 0 };
	struct pool *pool = pool_new(1 << 20);
	struct findings fs;
	unsigned n, n_holders = 0;
	bool has_more;

	findings_init(&fs, pool);
	for (unsigned i = 0; i < 2; i++) {
		struct reports *r = m->senders[i];

		if (reports_lock(r) == SE_LOCKED)
			continue;
		n_holders++;
		assert_int_equal(mail_reports_due(r, last, now, &n, &has_more), 0);
		assert_false(has_more);
		assert_int_equal(mail_reports_address(r, &dns, &fs, now, &n), 0);
		assert_int_equal(mail_reports_send(r, &conf, now, month_send, m, &unnoted, &n), 0);
	}
	assert_int_equal(n_holders, 1);
	(void)pool_free(pool);
}

static void
month_play(struct month *m)
{
	for (int64_t now = T0 + STEP; now < T0 + (DAYS + 8) * (int64_t)86400; now += STEP) {
		for (unsigned node = 0; node < NODES; node++) {
			rows_add(m, node, now);
			segments_give(m, node, now);
		}
		if (now == T0 + 15 * 86400) {		/* the one that sends is gone */
			m->senders[0] = reports_free(m->senders[0]);
			assert_int_equal(reports_open(m->w.where, &m->senders[0]), 0);
			assert_int_equal(reports_lock(m->senders[1]), 0);
		}
		senders_work(m, now - STEP, now);
	}
}

static void
domain_look(const struct month *m, unsigned d)
{
	for (unsigned day = 0; day < DAYS; day++) {
		bool is_sent = d != D_NO_RUA && d != D_REFUSED && d != D_DEAD;
		bool is_late = day + 1 >= 10 && day <= 12;	/* rows of these days may have come later */

		assert_int_equal(m->told[d][day][0], is_sent ? m->noted[d][day] : 0);
		assert_int_equal(m->told[d][day][1], d == D_TWO ? m->noted[d][day] : 0);
		assert_true(m->n_reports[d][day] <= (is_late ? 3u : 1u));
		assert_true(!is_sent || m->n_reports[d][day] == 1 || is_late ||
		    m->noted[d][day] == 0);
	}
}

static void
test_month(void **state)
{
	struct month *m = calloc(1, sizeof(*m));
	unsigned n_further = 0;

	(void)state;
	assert_non_null(m);
	world_init(&m->w, 4);
	m->random = 42;
	m->dns = dns_fake_new();
	assert_int_equal(dns_fake_add(m->dns, "d5.example._report._dmarc.wants.example", "TXT",
	    "\"v=DMARC1;\""), 0);
	dns_fake_slow(m->dns, true);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(reports_open(m->w.where, &m->senders[i]), 0);
	month_play(m);
	for (unsigned d = 0; d < DOMAINS; d++)
		domain_look(m, d);
	for (unsigned day = 0; day < DAYS; day++)
		n_further += m->n_reports[0][day] > 1;
	print_message("# %u rows, %u reports sent, %u attempts failed for now, %u for good; %u further ones\n",
	    m->n_rows, m->n_sent, m->n_later, m->n_never, n_further);
	assert_true(n_further > 0 && m->n_later > 20);
	assert_int_equal(m->n_never, MAIL_REPORTS_DEAD_MAX);
	for (unsigned i = 0; i < NODES; i++)
		buf_done(&m->open[i]);
	for (unsigned i = 0; i < 2; i++)
		(void)reports_free(m->senders[i]);
	(void)dns_fake_free(m->dns);
	world_done(&m->w);
	free(m);
}

/* --- in turns --- */

#define TURN_DOMAINS	120

struct turns {
	struct dns_fake	*dns;
	unsigned	 left;		/* what may be done before the turn is over */
	unsigned	 n_asked;
};

static int
turns_fill(void *arg, struct mail_ask *ask)
{
	struct turns *t = arg;

	dns_fake_learn(t->dns, ask);
	return 0;
}

static enum mail_reports_sent
turns_send(void *arg, const struct report_mail *m, struct sv *ret_error)
{
	struct turns *t = arg;

	assert_true(m->data.n > 0);
	t->n_asked++;
	*ret_error = SV("nobody is there");
	return t->left-- == 0 ? MAIL_REPORTS_AWAY : MAIL_REPORTS_GOOD;
}

static int
due_count(void *arg, const struct reports_sending *s)
{
	assert_int_equal(s->attempts, 0);
	*(unsigned *)arg += 1;
	return 0;
}

static void
turns_rows(struct world *w)
{
	struct mail_reports_taken t;
	struct buf b = BUF_INIT;
	char domain[32], rua[64], id[8];

	segment_begin(&b);
	for (unsigned i = 0; i < TURN_DOMAINS; i++) {
		struct sv to = { rua, (size_t)snprintf(rua, sizeof(rua), "mailto:d@d%u.example", i) };
		struct mail_row r;

		(void)snprintf(domain, sizeof(domain), "d%u.example", i);
		(void)snprintf(id, sizeof(id), "%u", i);
		r = row_of("mx1", id, T0, domain, &to, 1);
		segment_add(&b, &r);
	}
	assert_int_equal(mail_reports_take(w->r, buf_get(&b), &t), 0);
	buf_done(&b);
}

/* A round ends early: the next one goes on behind it; what nobody took was not tried. */
static void
test_turns(void **state)
{
	static const unsigned rounds[] = { MAIL_REPORTS_ADDRESS_MAX, MAIL_REPORTS_ADDRESS_MAX,
	    TURN_DOMAINS - 2 * MAIL_REPORTS_ADDRESS_MAX, 0 };
	struct turns t = { .dns = dns_fake_new(), .left = 2 };
	struct mail_reports_dns dns = { .ask = { .find = dns_fake_find, .arg = t.dns },
	    .fill = turns_fill, .fill_arg = &t };
	struct mail_reports_unnoted unnoted = { 0 };
	int64_t now = T0 + 2 * 86400, last = -1;
	struct pool *pool = pool_new(1 << 20);
	struct findings fs;
	struct world w;
	unsigned n, due = 0;
	bool has_more;

	(void)state;
	findings_init(&fs, pool);
	world_init(&w, 5);
	assert_int_equal(reports_last(w.r, &last), 0);
	assert_int_equal(last, 0);
	assert_int_equal(reports_last_put(w.r, now), 0);
	assert_int_equal(reports_last_put(w.r, now + 1), 0);
	assert_int_equal(reports_last(w.r, &last), 0);
	assert_int_equal(last, now + 1);
	turns_rows(&w);
	assert_int_equal(mail_reports_due(w.r, 0, now, &n, &has_more), 0);
	assert_true(n == TURN_DOMAINS && !has_more);
	for (unsigned i = 0; i < ARRAY_LEN(rounds); i++) {
		assert_int_equal(mail_reports_address(w.r, &dns, &fs, now, &n), 0);
		assert_int_equal(n, rounds[i]);
		assert_int_equal(dns.has_more, i < 2);
	}
	assert_int_equal(mail_reports_send(w.r, &conf, now, turns_send, &t, &unnoted, &n), 0);
	assert_true(n == 2 && t.n_asked == 3);
	assert_int_equal(reports_due(w.r, now, TURN_DOMAINS, due_count, &due), 0);
	assert_int_equal(due, TURN_DOMAINS - 2);
	(void)pool_free(pool);
	(void)dns_fake_free(t.dns);
	world_done(&w);
}

TESTS_MAIN("mail_reports", T(test_take), T(test_handed_on), T(test_plan), T(test_parts),
    T(test_month), T(test_turns))
