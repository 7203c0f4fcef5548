/*
 * sekisho lab reflect: the answer to a test mail, with its explanation.
 *
 * It is a machine that answers strangers, so RFC 3834 says when it has to be silent: it answers
 * nobody who cannot be answered, no machine and no list, and never itself.
 */
#include "base/timefmt.h"
#include "cmd/mail.h"

#define SUBJECT_MAX	120	/* octets of theirs: it stands on one line */
#define ID_MAX		250	/* of a Message-ID that is told again */

struct reflect {
	struct mail_case	 m;		/* the first: mail_opt() takes it */
	const char		*recipient;
};

static const struct cmd_opt opts[] = {
	{ "recipient", 0, "ADDRESS", N_("to whom the test mail was sent, and who answers; behind -ja in Japanese") },
	MAIL_OPTS, { 0 }
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct reflect *r = state;

	if (!sv_eq_str(SV("recipient"), o->name))
		return mail_opt(ctx, state, o, arg);
	r->recipient = arg;
	return 0;
}

/* --- whether --- */

static struct sv
field(const struct mail_case *m, struct sv name)
{
	const struct mail_field *f = mail_head_last(&m->head, name, 0);

	return f == NULL ? SV("") : sv_trim(f->value);
}

/* Of machines and lists, by what they say of themselves (RFC 3834 section 2, RFC 2919, RFC 2369). */
static bool
is_automatic(const struct mail_case *m)
{
	static const struct sv lists[] = {
		{ "List-Id", 7 }, { "List-Post", 9 }, { "List-Unsubscribe", 16 }, { "List-Help", 9 },
	};
	struct sv by = field(m, SV("Auto-Submitted")), precedence = field(m, SV("Precedence"));

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (mail_head_count(&m->head, lists[i]) > 0)
			return true;
	return (by.n > 0 && !sv_caseeq(by, SV("no"))) || sv_caseeq(precedence, SV("bulk")) ||
	    sv_caseeq(precedence, SV("list")) || sv_caseeq(precedence, SV("junk"));
}

/* Addresses behind which nobody reads (RFC 3834 section 2). */
static bool
is_role(struct sv sender)
{
	struct sv local = sv_take(sender, sv_rfind(sender, '@'));

	return sv_caseeq(local, SV("mailer-daemon")) || sv_caseeq(sv_take(local, 6), SV("owner-")) ||
	    (local.n > 8 && sv_caseeq(sv_skip(local, local.n - 8), SV("-request"))) ||
	    (local.n > 8 && sv_caseeq(sv_skip(local, local.n - 8), SV("-bounces"))) ||
	    sv_caseeq(sv_take(local, 7), SV("noreply")) || sv_caseeq(sv_take(local, 8), SV("no-reply"));
}

/* An address that may stand in our header as it is. */
static bool
address_ok(struct pool *pool, struct sv text)
{
	struct mail_address a;

	return mail_envelope(pool, text, &a) == 0 && sv_graphic(text) && sv_find(text, ',') == text.n &&
	    sv_find(text, '(') == text.n && sv_find(text, '<') == text.n && sv_find(text, '"') == text.n;
}

static bool
is_answered(const struct reflect *r, struct sv from)
{
	const struct mail_case *m = &r->m;

	return m->in.has_sender && m->in.sender.n > 0 && address_ok(m->pool, m->in.sender) &&
	    !sv_caseeq(m->in.sender, from) && !is_automatic(m) && !is_role(m->in.sender);
}

/* --- what --- */

/* A stranger's text on one line of ours. */
static void
text_put(struct buf *b, struct sv text, size_t max)
{
	text = sv_take(text, max);
	for (size_t i = 0; i < text.n; i++)
		buf_char(b, text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?');
}

static void
head_put(const struct cmd_ctx *ctx, const struct reflect *r, struct sv from, struct buf *b)
{
	struct sv id = field(&r->m, SV("Message-ID")), subject = field(&r->m, SV("Subject"));
	char date[TIME_MAIL_STRLEN];

	buf_printf(b, "From: %.*s\nTo: %.*s\nSubject: Auto: ", SV_ARG(from), SV_ARG(r->m.in.sender));
	text_put(b, subject, SUBJECT_MAX);
	buf_printf(b, "\nDate: %s\nAuto-Submitted: auto-replied\n", time_mail_str(ctx->now, date));
	if (id.n > 0 && id.n <= ID_MAX && sv_graphic(id))
		buf_printf(b, "In-Reply-To: %.*s\nReferences: %.*s\n", SV_ARG(id), SV_ARG(id));
	buf_printf(b, "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\nContent-Language: %s\n\n", lang_name(ctx->lang));
}

static int
answer(const struct cmd_ctx *ctx, const struct reflect *r, struct sv from)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	head_put(ctx, r, from, &b);
	mail_explain_print(ctx, &r->m, &b);
	return cmd_out(&b) != 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct reflect *r = state;
	struct sv from = sv_str(r->recipient);
	int rc;

	if (argc > 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one message; - is standard input")));
	if ((rc = mail_take(ctx, &r->m, argc == 1 ? argv[0] : "-")) != 0)
		return rc;
	if (from.n == 0 || !address_ok(r->m.pool, from))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say with --recipient who answers, as reflector@example.net")));
	if (sv_ends(sv_take(from, sv_rfind(from, '@')), SV("-ja")))
		ctx->lang = LANG_JA;
	return is_answered(r, from) ? answer(ctx, r, from) : EXIT_REJECTED;
}

extern const struct cmd cmd_lab_reflect;
const struct cmd cmd_lab_reflect = {
	.area = "lab", .verb = "reflect", .args = "[FILE|-]",
	.summary = N_("the answer to a test mail, with its explanation; none to machines and lists"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct reflect),
	.run = run, .done = mail_done, .verifies = true,
};
