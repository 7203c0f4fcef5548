/*
 * mail_gate: a message at the gate. The same verdict whether the DNS is slow or not; texts that
 * nothing can end; in the head as it goes on, no results of ours but those on top, and no field
 * that was not put there as one; a row and a report that can be noted. Once with no mark known, then with all.
 *
 * The input is fuzz_mail_judge's: lines with the client (none: a local program), HELO and the
 * sender; lines of the DNS, a name, a type (or FAIL) and data; an empty line; the message.
 */
#include <stdint.h>
#include <stdlib.h>

#include "app/mail_gate.h"
#include "dns_fake.h"
#include "mail/feedback.h"

#define ROWS_MAX	200
#define FIELDS_MAX	4000
#define NOW		1795400000

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* --- the input --- */

struct world {
	struct pool		*pool;
	struct dns_fake		*dns;
	struct mail_gate_mail	 mail;
	struct mail_gate_conf	 conf;
	struct mail_path	 paths[2];
	struct ip_prefix	 relay;
	struct mail_sign_table	*table;
	struct mail_marks	*marks;
	struct sv		 message;
};

static void
row_read(struct world *w, struct sv row)
{
	struct sv name = sv_cut(&row, ' '), type = sv_cut(&row, ' ');
	struct sv n = pool_sv(w->pool, name), t = pool_sv(w->pool, type), r = pool_sv(w->pool, row);

	/* What is no record is none. */
	if (sv_eq(type, SV("FAIL")))
		(void)(dns_fake_fail(w->dns, name) == 0);
	else if (sv_eq(type, SV("TXT")))
		(void)(dns_fake_add_txt(w->dns, name, row) == 0);
	else
		(void)(dns_fake_add(w->dns, n.p, t.p, r.p) == 0);
}

static void
world_read(struct world *w, struct sv text)
{
	struct sv line = { NULL, 0 };

	w->mail.queue_id = SV("q1");
	(void)sv_line(&text, &line);
	w->mail.has_client = ip_prefix_parse_host(line, &w->mail.client) == 0 &&
	    w->mail.client.len == ip_bits(w->mail.client.af);
	(void)sv_line(&text, &w->mail.helo);
	(void)sv_line(&text, &w->mail.sender);
	w->mail.recipients = &w->mail.sender;
	w->mail.n_recipients = w->mail.sender.n % 3 != 0;
	for (size_t i = 0; sv_line(&text, &line) && line.n > 0 && i < ROWS_MAX; i++)
		row_read(w, line);
	w->message = text;
}

/* One who seals, signs and believes; others' mail from 10/8 was judged elsewhere. */
static void
conf_fill(struct world *w)
{
	static const struct sv aliases[] = { SV(".in.here.test") };

	w->paths[0].kind = MAIL_PATH_SEALER;
	w->paths[1].kind = MAIL_PATH_LIST;
	must(mail_name(SV("example.org"), &w->paths[0].domain) == 0);
	must(mail_name(SV("example.org"), &w->paths[1].domain) == 0);
	must(ip_prefix_parse(SV("10.0.0.0/8"), &w->relay) == 0);
	must(mail_sign_table_parse(SV("0\ted25519-sha256\texample.org\te1\n1\trsa-sha256\there.test\ts1\n"),
	    &w->table) == 0);
	w->conf = (struct mail_gate_conf){ .authserv_id = SV("here.test"), .aliases = aliases, .n_aliases = 1,
		.node = SV("n1"), .policy = MAIL_POLICY_ENFORCE, .signs = w->table,
		.seal_domain = SV("here.test"), .seal_selector = SV("s1") };
	w->conf.policy.paths = w->paths;
	w->conf.policy.n_paths = 2;
	w->conf.policy.relays = &w->relay;
	w->conf.policy.n_relays = 1;
	w->conf.policy.on_doubt = w->message.n % 2 == 0 ? MAIL_ACT_ACCEPT : MAIL_ACT_REJECT;
	w->conf.policy.mark = SV("X-Quarantine");
	w->conf.failures = (struct mail_gate_failures){ SV("0123456789abcdef"), w->message.n % 2 == 0,
		w->message.n % 5 == 0 };
	w->conf.bimi = w->message.n % 3 == 0 ? MAIL_GATE_BIMI_VOUCHED : MAIL_GATE_BIMI_ALL;
	must((w->marks = mail_marks_new()) != NULL);
}

/* --- the message, field by field --- */

struct fields {
	struct sv	 name[FIELDS_MAX], value[FIELDS_MAX];
	bool		 gone[FIELDS_MAX];
	size_t		 n;
	struct sv	 body;
};

static void
fields_read(struct fields *f, struct sv text)
{
	for (f->n = 0; f->n < FIELDS_MAX && text.n > 0 && text.p[0] != '\n'; f->n++) {
		size_t end = 0;
		struct sv all;

		do {
			end += sv_find(sv_skip(text, end), '\n') + 1;
		} while (end < text.n && (text.p[end] == ' ' || text.p[end] == '\t'));
		all = sv_take(text, end - 1);
		f->name[f->n] = sv_cut(&all, ':');
		f->value[f->n] = all;
		f->gone[f->n] = false;
		text = sv_skip(text, end);
	}
	f->body = sv_skip(text, 1);
}

/* --- one gate --- */

static int
fill(void *dns, struct mail_ask *ask)
{
	must(ask->n_missing > 0);
	dns_fake_learn(dns, ask);
	return 0;
}

static int
sign(void *arg, uint32_t key, const uint8_t digest[static SHA256_LEN], struct pool *pool, struct sv *ret_b)
{
	(void)arg, (void)key;
	*ret_b = pool_sv(pool, (struct sv){ (const char *)digest, SHA256_LEN });
	return ret_b->p == NULL ? -1 : 0;
}

static struct mail_gate *
play(const struct world *w, const struct fields *f, size_t piece, struct mail_gate_out *ret)
{
	static const struct mail_signer signer = { .sign = sign };
	const struct mail_gate_world world = { .ask = { .find = dns_fake_find, .arg = w->dns },
		.fill = fill, .fill_arg = w->dns, .signer = &signer, .marks = w->marks, .now = NOW };
	struct mail_gate *g = NULL;

	must(mail_gate_new(&w->conf, &w->mail, &g) == 0);
	for (size_t i = 0; i < f->n; i++)
		mail_gate_field(g, f->name[i], f->value[i]);
	mail_gate_head_end(g);
	for (struct sv left = f->body; left.n > 0; left = sv_skip(left, piece))
		mail_gate_body(g, sv_take(left, piece));
	mail_gate_end(g, &world, ret);
	return g;
}

/* --- what holds of each --- */

static void
text_must(const struct mail_gate_out *o)
{
	bool is_refused = o->act == MAIL_ACT_REJECT || o->act == MAIL_ACT_TEMPFAIL;

	must(o->act < MAIL_ACT_MAX && o->text.n <= MAIL_POLICY_TEXT_MAX);
	must((o->reply != 0) == is_refused && (o->enhanced.n != 0) == is_refused);
	must(!is_refused || o->n_edits == 0);
	for (size_t i = 0; i < o->text.n; i++)
		must(o->text.p[i] >= ' ' && o->text.p[i] <= '~' && o->text.p[i] != '%');
}

/* Neither a further field nor the end of the head is in it. */
static void
value_must(struct sv v)
{
	for (size_t i = 0; i < v.n; i++) {
		must(v.p[i] != '\r' && v.p[i] != 0);
		if (v.p[i] == '\n')
			must(i + 1 < v.n && (v.p[i + 1] == ' ' || v.p[i + 1] == '\t'));
	}
}

static void
removal_make(struct fields *f, const struct mail_gate_edit *e)
{
	uint32_t left = e->index;

	for (size_t i = 0; i < f->n; i++)
		if (sv_caseeq(sv_trim(f->name[i]), e->name) && --left == 0) {
			must(!f->gone[i]);
			f->gone[i] = true;
			return;
		}
	abort();
}

static void
edits_must(struct world *w, struct fields *f, const struct mail_gate_out *o)
{
	struct pool *pool = pool_new(4 * MAIL_POOL_MAX);
	const struct sv ours[] = { w->conf.authserv_id, w->conf.aliases[0] };

	for (size_t i = 0; i < o->n_edits; i++) {
		if (o->edits[i].is_removal)
			removal_make(f, &o->edits[i]);
		else
			value_must(o->edits[i].value);
	}
	for (size_t i = 0; i < f->n && o->who != MAIL_WHO_RELAY && o->act == MAIL_ACT_ACCEPT; i++)
		must(f->gone[i] || !sv_caseeq(sv_trim(f->name[i]), SV("BIMI-Indicator")));
	for (size_t i = 0; i < f->n && o->who != MAIL_WHO_RELAY && (o->act == MAIL_ACT_ACCEPT); i++)
		must(f->gone[i] || !sv_caseeq(f->name[i], SV("Authentication-Results")) ||
		    authres_claim(pool, f->value[i], ours, 2) != AUTHRES_OURS);
	(void)pool_free(pool);
}

static void
row_must(const struct mail_gate_out *o, struct pool *pool)
{
	uint8_t room[MAIL_ROW_MAX];
	struct wr wr = wr_mem(room, sizeof(room));
	struct mail_row_parts parts;
	struct mail_row read;

	if (!o->has_row)
		return;
	must(o->act != MAIL_ACT_TEMPFAIL && o->who == MAIL_WHO_OTHERS);
	must(mail_row_write(&wr, &o->row) == 0);
	must(mail_row_parse((struct sv){ (const char *)room, wr.len }, pool, &read, &parts) == 0);
	must(read.row.disposition == o->row.row.disposition && read.n_rua <= o->row.n_rua);
}

/* What the domain's owner may be told: our own reader takes the mail for one, and a server its lines. */
static void
report_must(const struct mail_gate_out *o)
{
	static uint8_t room[MAIL_FAILURE_OCTETS_MAX];
	struct wr wr = wr_mem(room, sizeof(room));
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	const struct report_failure_mail m = { .from = SV("dmarc@here.test"), .to = SV("f@example.com"),
		.submitter = SV("here.test"), .domain = o->report.domain, .id = SV("0123abc"), .agent = SV("S/1"),
		.at = NOW, .incidents = 1, .feedback = o->report.feedback, .head = o->report.head };
	struct sv line = { NULL, 0 }, left;
	struct feedback *f = NULL;
	struct findings unsaid;
	struct buf b = BUF_INIT;

	findings_init(&unsaid, pool);
	must(o->has_row && o->act != MAIL_ACT_TEMPFAIL && mail_failure_write(&wr, &o->report) == 0);
	must(report_failure_mail_write(&b, &m) == 0);
	for (left = buf_get(&b); sv_line(&left, &line);)
		must(line.n <= MAIL_LINE_SENT_MAX);
	must(feedback_parse(pool, buf_get(&b), &unsaid, &f) == 0 && f != NULL && f->has_report);
	must(f->type == FEEDBACK_AUTH_FAILURE && f->has_source && f->has_arrival && f->incidents == 1);
	must(f->auth_failure.n > 0 && f->alignment.n > 0 && f->results.n == 1 && f->domains.n == 1);
	buf_done(&b);
	(void)pool_free(pool);
}

static void
same_must(const struct mail_gate_out *a, const struct mail_gate_out *b)
{
	must(a->act == b->act && a->failure == b->failure && a->sign_failure == b->sign_failure);
	must(sv_eq(a->text, b->text) && a->n_edits == b->n_edits && a->has_row == b->has_row);
	must(a->has_report == b->has_report && sv_eq(a->report.feedback, b->report.feedback) &&
	    sv_eq(a->report.head, b->report.head));
	for (size_t i = 0; i < a->n_edits; i++)
		must(sv_eq(a->edits[i].name, b->edits[i].name) && sv_eq(a->edits[i].value, b->edits[i].value) &&
		    a->edits[i].index == b->edits[i].index);
}

/* All that was looked for is told: every second one is good. */
static void
marks_learn(struct world *w)
{
	struct sv octets;

	for (unsigned i = 0; mail_marks_next(w->marks, w->pool, &octets) == 1; i++) {
		struct mail_mark m = { .result = w->message.n % 2 == 0 ? BIMI_PASS : BIMI_FAIL, .made = NOW,
			.until = NOW + 86400, .why = SV("BIMI_SVG"), .svg = SV("<svg/>") };
		struct mail_mark_key key;
		struct buf b = BUF_INIT;

		must(i < MAIL_MARKS_WANTED_MAX && mail_mark_key_read(octets, &key) == 0);
		must(mail_mark_write(&b, &key, &m) == 0 && mail_marks_add(w->marks, buf_get(&b), NOW) == 0);
		buf_done(&b);
	}
}

/* The message again: with a mark, if it may have one. */
static void
marks_play(struct world *w, struct fields *f, const struct mail_gate_out *before)
{
	struct mail_gate_out out;
	struct mail_gate *g;

	marks_learn(w);
	g = play(w, f, SIZE_MAX, &out);
	must(out.act == before->act && out.n_edits >= before->n_edits);
	must(out.n_edits == before->n_edits || out.has_mark);
	fields_read(f, w->message);
	edits_must(w, f, &out);
	(void)mail_gate_free(g);
}

static void
world_done(struct world *w)
{
	(void)mail_marks_free(w->marks);
	(void)mail_sign_table_free(w->table);
	(void)dns_fake_free(w->dns);
	(void)pool_free(w->pool);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct world w = { .table = NULL };
	struct mail_gate *a, *b;
	struct mail_gate_out out_a, out_b;
	struct fields *f;

	if (n > 256 * 1024)
		return 0;
	w.pool = pool_new(MAIL_POOL_MAX);
	w.dns = dns_fake_new();
	f = calloc(1, sizeof(*f));
	world_read(&w, (struct sv){ (const char *)bytes, n });
	conf_fill(&w);
	fields_read(f, w.message);
	dns_fake_slow(w.dns, true);
	a = play(&w, f, 7, &out_a);
	dns_fake_slow(w.dns, false);
	b = play(&w, f, SIZE_MAX, &out_b);
	same_must(&out_a, &out_b);
	text_must(&out_a);
	edits_must(&w, f, &out_a);
	row_must(&out_a, w.pool);
	if (out_a.has_report)
		report_must(&out_a);
	marks_play(&w, f, &out_a);
	(void)mail_gate_free(a);
	(void)mail_gate_free(b);
	free(f);
	world_done(&w);
	return 0;
}
