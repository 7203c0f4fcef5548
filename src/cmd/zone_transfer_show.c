/* How a transfer's plan is shown: run-books, notice to customers, JSON. */
#include <stdio.h>

#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/zone.h"
#include "cmd/zone_transfer.h"

#define WHEN_LEN	32

/* A date, or days, hours, minutes and seconds from the start. */
static const char *
when(const struct transfer_work *w, int64_t at, char ret[static WHEN_LEN])
{
	if (at == TIME_NEVER)
		snprintf(ret, WHEN_LEN, "-");
	else if (w->start > 0)
		time_str(w->start + at, ret);
	else
		snprintf(ret, WHEN_LEN, "+%lldd %02d:%02d:%02d", (long long)(at / 86400),
		    (int)(at % 86400 / 3600), (int)(at % 3600 / 60), (int)(at % 60));
	return ret;
}

/* --- commands with the names that the facts have --- */

void
transfer_command_print(const struct transfer_work *w, const char *text, struct buf *b)
{
	const struct { struct sv place, value; } names[] = {
		{ SV("LOSING-SERVER"), w->f.losing_server }, { SV("GAINING-SERVER"), w->f.gaining_server },
		{ SV("PARENT-SERVER"), w->f.parent_server }, { SV("ZONE"), w->f.zone },
	};
	struct sv rest = sv_str(text);

	while (rest.n > 0) {
		size_t i = 0;

		while (i < ARRAY_LEN(names) && (names[i].value.n == 0 || !sv_starts(rest, names[i].place)))
			i++;
		if (i < ARRAY_LEN(names)) {
			buf_sv(b, names[i].value);
			rest = sv_skip(rest, names[i].place.n);
		} else {
			buf_char(b, rest.p[0]);
			rest = sv_skip(rest, 1);
		}
	}
}

/* --- facts --- */

void
transfer_names_print(const struct cmd_ctx *ctx, struct buf *b)
{
	static const struct { const char *words, *text; } choices[] = {
		{ "zone NAME", N_("the zone; and losing-server, gaining-server, parent-server: names for the commands") },
		{ "move operator|registrar|both", N_("who changes") },
		{ "help none|copy|import|exchange|cds|shared-ksk", N_("what the losing side does: nothing; hands over the signed zone; takes a ZSK into its DNSKEY set; and serves the new NS set; and publishes CDS; or the same under one KSK of the owner") },
		{ "direction in|out", N_("whose run-book comes first") },
		{ "signed-before yes|no", N_("is the zone signed now?") },
		{ "signed-after yes|no", N_("shall it be signed afterwards?") },
		{ "common-algorithm yes|no", N_("can the gaining side sign with the losing side's algorithm?") },
		{ "ds-at-transfer kept|lost", N_("does the DS survive a registrar transfer?") },
	};
	struct transfer_facts f;

	transfer_facts_init(&f);
	buf_printf(b, "# %s\n", tr(ctx->lang, N_("Facts of a move, one NAME VALUE a line; what you do not say is assumed as below.")));
	for (size_t i = 0; i < ARRAY_LEN(choices); i++)
		buf_printf(b, "# %s: %s\n", choices[i].words, tr(ctx->lang, choices[i].text));
	for (enum transfer_number n = 0; n < TRANSFER_NUMBER_MAX; n++)
		buf_printf(b, "# %s: %s\n", transfer_number_name(n), tr(ctx->lang, transfer_number_text(n)));
	transfer_facts_print(&f, b);
}

/* --- run-books --- */

static bool
is_ours(enum transfer_who who, bool gaining)
{
	switch (who) {
	case TRANSFER_LOSING_OPERATOR:
	case TRANSFER_LOSING_REGISTRAR:
		return !gaining;
	case TRANSFER_GAINING_OPERATOR:
	case TRANSFER_GAINING_REGISTRAR:
		return gaining;
	default:
		return true;
	}
}

static void
step_print(const struct cmd_ctx *ctx, const struct transfer_work *w, size_t n, struct buf *b)
{
	const struct transfer_step *s = &w->plan.steps[n];
	const struct finding_def *d = &transfer_findings[s->code];
	char at[WHEN_LEN];

	buf_printf(b, "%2zu. %s  %s\n", n + 1, when(w, s->at, at), tr(ctx->lang, transfer_who_text(s->who)));
	buf_printf(b, "    %s\n", tr(ctx->lang, d->text));
	if (s->why != NULL && s->wait > 0)
		buf_printf(b, tr(ctx->lang, N_("    not earlier: %s\n")), tr(ctx->lang, s->why));
	buf_printf(b, tr(ctx->lang, N_("    keep and mind: %s\n")), tr(ctx->lang, d->remedy));
	buf_str(b, tr(ctx->lang, N_("    check, at each server: ")));
	transfer_command_print(w, d->by_hand, b);
	buf_printf(b, tr(ctx->lang, N_("\n    go on when you see: %s\n")), tr(ctx->lang, d->good));
	transfer_data_print(w, s->code, "    ", b);
}

static void
book_print(const struct cmd_ctx *ctx, const struct transfer_work *w, bool gaining, struct buf *b)
{
	buf_printf(b, "\n== %s ==\n", gaining ? tr(ctx->lang, N_("Run-book of the gaining side")) :
	    tr(ctx->lang, N_("Run-book of the losing side")));
	for (size_t i = 0; i < w->plan.n_steps; i++)
		if (is_ours(w->plan.steps[i].who, gaining))
			step_print(ctx, w, i, b);
}

/* --- the notice: always in both languages, customers read one of them --- */

static void
notice_print(const struct transfer_work *w, enum lang lang, struct buf *b)
{
	const struct timeline_span *u = &w->plan.unreachable, *i = &w->plan.insecure;
	char from[WHEN_LEN], until[WHEN_LEN];
	bool out = u->from < u->until, bare = i->from < i->until && w->f.signed_before;

	buf_printf(b, "\n== %s ==\n", tr(lang, N_("Notice to customers")));
	buf_str(b, tr(lang, N_("The DNS service of this domain name moves: ")));
	if (w->f.zone.n > 0)
		buf_sv(b, w->f.zone);
	else
		buf_str(b, "ZONE");
	buf_printf(b, tr(lang, N_("\nThe work begins at %s and ends at %s.\n")), when(w, 0, from),
	    when(w, w->plan.t.end, until));
	if (out)
		buf_printf(b, tr(lang, N_("From %s until %s the domain name may be out of reach for some users; single resolvers remember that for up to five minutes more.\n")),
		    when(w, u->from, from), when(w, u->until, until));
	else
		buf_str(b, tr(lang, N_("There is no interruption.\n")));
	if (bare && i->until == TIME_NEVER)
		buf_printf(b, tr(lang, N_("From %s on answers are no longer protected by DNSSEC; names go on working.\n")), when(w, i->from, from));
	else if (bare)
		buf_printf(b, tr(lang, N_("From %s until %s answers are not protected by DNSSEC; names go on working.\n")),
		    when(w, i->from, from), when(w, i->until, until));
	buf_str(b, tr(lang, N_("Please do not change DNS records during the work.\n")));
}

void
transfer_text_print(const struct cmd_ctx *ctx, const struct transfer_work *w, struct buf *b)
{
	const struct timeline_span *i = &w->plan.insecure;
	char at[WHEN_LEN], until[WHEN_LEN];

	buf_printf(b, tr(ctx->lang, N_("Transfer: %s.\n")), tr(ctx->lang, transfer_pattern_text(w->plan.pattern)));
	buf_printf(b, tr(ctx->lang, N_("It ends at %s. No cache finds the zone bogus at any time: proven.\n")),
	    when(w, w->plan.t.end, at));
	if (i->from < i->until)
		buf_printf(b, tr(ctx->lang, N_("Insecure: from %s until %s.\n")), when(w, i->from, at), when(w, i->until, until));
	else
		buf_str(b, tr(ctx->lang, N_("Insecure: at no time.\n")));
	zone_findings_print(ctx, &w->fs, b);
	book_print(ctx, w, w->f.inward, b);
	book_print(ctx, w, !w->f.inward, b);
	for (enum lang l = LANG_EN; l < LANG_MAX; l++)
		notice_print(w, l, b);
	if (ctx->quiet)
		return;
	buf_printf(b, "\n== %s ==\n", tr(ctx->lang, N_("Facts")));
	transfer_facts_print(&w->f, b);
}

/* --- JSON --- */

static void
span_json(struct json *j, const char *name, const struct timeline_span *s)
{
	json_key(j, name);
	if (s->from >= s->until) {
		json_nil(j);
		return;
	}
	json_open(j, '{');
	json_kv_i64(j, "from", s->from);
	json_kv_end(j, "until", s->until);
	json_close(j, '}');
}

static void
step_json(const struct cmd_ctx *ctx, const struct transfer_work *w, const struct transfer_step *s, struct json *j)
{
	const struct finding_def *d = &transfer_findings[s->code];
	_cleanup_(buf_done) struct buf check = BUF_INIT;

	transfer_command_print(w, d->by_hand, &check);
	json_open(j, '{');
	json_kv_str(j, "code", d->code);
	json_kv_str(j, "who", transfer_who_name(s->who));
	json_kv_i64(j, "at", s->at);
	json_kv_i64(j, "wait", s->wait);
	json_kv_str(j, "why", s->why == NULL ? NULL : tr(ctx->lang, s->why));
	json_kv_str(j, "what", tr(ctx->lang, d->text));
	json_kv_str(j, "keep", tr(ctx->lang, d->remedy));
	json_kv_sv(j, "check", buf_get(&check));
	json_kv_str(j, "expect", tr(ctx->lang, d->good));
	transfer_data_json(w, s->code, j);
	json_close(j, '}');
}

void
transfer_json_print(const struct cmd_ctx *ctx, const struct transfer_work *w, struct buf *b)
{
	struct json j = json_on(b, true);

	json_open(&j, '{');
	json_kv_str(&j, "pattern", transfer_pattern_name(w->plan.pattern));
	json_kv_i64(&j, "start", w->start);
	json_kv_i64(&j, "end", w->plan.t.end);
	span_json(&j, "insecure", &w->plan.insecure);
	span_json(&j, "unreachable", &w->plan.unreachable);
	json_key(&j, "steps");
	json_open(&j, '[');
	for (size_t i = 0; i < w->plan.n_steps; i++)
		step_json(ctx, w, &w->plan.steps[i], &j);
	json_close(&j, ']');
	zone_findings_json(ctx, &w->fs, &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}
