/*
 * An aggregate report from lines of fields between tabs, for tests in other languages:
 *
 *	report_tool 9990|7489 <LINES >REPORT
 *
 *	meta	ORG	EMAIL	CONTACT	ID	BEGIN	END	ERROR	GENERATOR
 *	policy	DOMAIN	METHOD	P	SP	NP	FO	ADKIM	ASPF	T	PCT	(numbers, as enums and bits)
 *	dkim	DOMAIN	SELECTOR	RESULT	HUMAN
 *	reason	TYPE	COMMENT
 *	row	IP	COUNT	DISPOSITION	DKIM	SPF	FROM	HAS	ENVELOPE	TO	DOMAIN	HELO	RESULT	HUMAN
 *
 * dkim and reason lines belong to the row line behind them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mail/report.h"

#define FIELDS	16
#define MANY	200

struct tool {
	enum report_form	form;
	struct buf		out;
	struct report_meta	meta;
	struct report_dkim	dkim[MANY];
	struct report_reason	reasons[MANY];
	size_t			n_dkim, n_reasons;
};

static uint64_t
number(struct sv text)
{
	uint64_t n;

	if (num_u64(text, 0, UINT64_MAX, &n) < 0)
		abort();
	return n;
}

static void
meta_line(struct tool *t, const struct sv *f)
{
	t->meta = (struct report_meta){ f[1], f[2], f[3], f[4], (int64_t)number(f[5]),
		(int64_t)number(f[6]), f[7], f[8] };
}

static void
policy_line(struct tool *t, const struct sv *f)
{
	struct report_policy p = { .domain = f[1], .method = (enum dmarc_method)number(f[2]),
		.p = (enum dmarc_policy)number(f[3]), .sp = (enum dmarc_policy)number(f[4]),
		.np = (enum dmarc_policy)number(f[5]), .fo = (unsigned)number(f[6]),
		.strict_dkim = number(f[7]) != 0, .strict_spf = number(f[8]) != 0,
		.testing = number(f[9]) != 0, .pct = (uint32_t)number(f[10]) };

	report_begin(&t->out, t->form, &t->meta, &p);
}

static void
dkim_line(struct tool *t, const struct sv *f)
{
	if (t->n_dkim == MANY)
		abort();
	t->dkim[t->n_dkim++] = (struct report_dkim){ f[1], f[2], (enum mail_result)number(f[3]), f[4] };
}

static void
reason_line(struct tool *t, const struct sv *f)
{
	if (t->n_reasons == MANY)
		abort();
	t->reasons[t->n_reasons++] = (struct report_reason){ (enum report_override)number(f[1]), f[2] };
}

static void
row_line(struct tool *t, const struct sv *f)
{
	struct report_row r = { .count = number(f[2]),
		.disposition = (enum report_disposition)number(f[3]),
		.dkim_aligned = number(f[4]) != 0, .spf_aligned = number(f[5]) != 0,
		.header_from = f[6], .has_envelope_from = number(f[7]) != 0, .envelope_from = f[8],
		.envelope_to = f[9], .spf_domain = f[10], .spf_helo = number(f[11]) != 0,
		.spf = (enum mail_result)number(f[12]), .spf_human = f[13],
		.dkim = t->dkim, .n_dkim = t->n_dkim, .reasons = t->reasons, .n_reasons = t->n_reasons };

	if (ip_prefix_parse_host(f[1], &r.source) < 0)
		abort();
	report_row(&t->out, t->form, &r);
	t->n_dkim = t->n_reasons = 0;
}

static const struct {
	const char	*name;
	void		(*line)(struct tool *, const struct sv *);
} lines[] = {
	{ "meta", meta_line }, { "policy", policy_line }, { "dkim", dkim_line },
	{ "reason", reason_line }, { "row", row_line },
};

static void
line_read(struct tool *t, struct sv line)
{
	struct sv f[FIELDS] = { 0 };

	for (size_t i = 0; i < FIELDS && line.n > 0; i++)
		f[i] = sv_cut(&line, '\t');
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (sv_eq(f[0], sv_str(lines[i].name)))
			lines[i].line(t, f);
}

int
main(int argc, char **argv)
{
	static struct tool t;
	struct buf in = BUF_INIT;
	char piece[4096];
	struct sv text, line;
	size_t n;

	if (argc != 2)
		return 2;
	t.form = sv_eq(sv_str(argv[1]), SV("9990")) ? REPORT_RFC9990 : REPORT_RFC7489;
	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		buf_bytes(&in, piece, n);
	text = buf_get(&in);
	while (text.n > 0) {
		line = sv_cut(&text, '\n');
		line_read(&t, line);
	}
	report_end(&t.out);
	if (t.out.rc < 0 || fwrite(t.out.p, 1, t.out.len, stdout) != t.out.len)
		return 3;
	buf_done(&t.out);
	buf_done(&in);
	return 0;
}
