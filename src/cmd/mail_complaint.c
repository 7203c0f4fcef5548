/* sekisho mail complaint: what a complaint (RFC 5965) says, and whose mail it is about. */
#include <errno.h>
#include <string.h>

#include "app/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/mail_complaint.h"
#include "cmd/zone.h"
#include "out/escape.h"
#include "out/table.h"

#define OWN_MAX		1024			/* domains */

static const struct cmd_opt opts[] = {
	{ "own", 0, "DOMAIN", N_("a domain of ours, with all below it; may be repeated (organisation.mail-domains)") },
	{ "note", 0, NULL, N_("count it, through the daemon: a user's complaint about this message, or one that an operator sent") },
	{ "to", 0, "ADDRESS", N_("make: to whom (else the message's CFBL-Address, where its signatures stand for it)") },
	{ "from", 0, "ADDRESS", N_("make: from whom (mail.reporting.email)") },
	{ "send", 0, NULL, N_("make: hand it to who delivers reports (mail.reporting.via), and print nothing") },
	{ "key", 0, "FILE", N_("make: the secret by which people become words (mail.failure.key)") },
	{ "client", 0, "ADDRESS", N_("the address of the client that delivered it, for SPF") },
	MAIL_DNS_OPTS,
	{ 0 },
};

static int
own_add(const struct cmd_ctx *ctx, struct complaint *s, struct sv name)
{
	if (s->pool == NULL && (s->pool = pool_new(2 * MAIL_POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	if (s->own == NULL && (s->own = pool_calloc(s->pool, OWN_MAX, sizeof(*s->own))) == NULL)
		return EXIT_CANNOT;
	if (s->n_own == OWN_MAX || mail_domain(name, &s->own[s->n_own]) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("--own %.*s is no domain, or there are too many")), SV_ARG(name));
	s->n_own++;
	return 0;
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct complaint *s = state;
	const struct {
		const char	*name, **to;
	} texts[] = { { "to", &s->to }, { "from", &s->from }, { "key", &s->key } };

	if (strcmp(o->name, "own") == 0)
		return own_add(ctx, s, sv_str(arg));
	if (strcmp(o->name, "note") == 0 || strcmp(o->name, "send") == 0) {
		*(o->name[0] == 'n' ? &s->is_note : &s->is_send) = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(o->name, texts[i].name) == 0) {
			*texts[i].to = arg;
			return 0;
		}
	return mail_opt(ctx, &s->m, o, arg);
}

static void
done(void *state)
{
	struct complaint *s = state;

	mail_done(&s->m);
	s->pool = pool_free(s->pool);
	s->conf = conf_free(s->conf);
}

static int
conf_take(const struct cmd_ctx *ctx, struct complaint *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct conf_error e;

	if (app_conf_load(ctx->conf, ctx->state, &s->conf, &e) == 0 ||
	    (ctx->conf == NULL && e.code == CONF_E_FILE))
		return 0;
	conf_error_text(&e, ctx->lang, &b);
	cmd_err("%.*s", SV_ARG(buf_get(&b)));
	return EXIT_CANNOT;
}

/* Without --own: those of the configuration, if there is one. */
static int
own_take(const struct cmd_ctx *ctx, struct complaint *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv text, line;
	int rc;

	if (s->n_own > 0 || s->conf == NULL)
		return 0;
	app_conf_lines(s->conf, CONF_ORG_MAIL_DOMAINS, &b);
	text = buf_get(&b);
	while (sv_line(&text, &line)) {
		if (sv_ends(line, SV(".")))
			line = sv_take(line, line.n - 1);
		if (line.n > 0 && (rc = own_add(ctx, s, line)) != 0)
			return rc;
	}
	return 0;
}

static int
judge(const struct cmd_ctx *ctx, struct complaint *s, const char *name)
{
	int rc;

	findings_init(&s->fs, s->pool);
	s->fs.subject = sv_str(name);
	rc = feedback_parse(s->pool, s->m.text, &s->fs, &s->f);
	if (rc == 0 && s->is_note && s->f != NULL && !s->f->has_report)
		s->f = NULL;			/* a message with one attached, and a user's word about it */
	if (rc == 0 && s->f != NULL)
		rc = feedback_about(s->f, s->own, s->n_own, s->pool, &s->fs, &s->about);
	if (rc == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("%s could not be judged: %s")), name, err_str(rc));
	return EXIT_CANNOT;
}

/* --- shown: each value has a key for programs and a label for people --- */

#define LABEL_CELLS	20

static const struct {
	const char	*key, *label;
} labels[] = {
	{ "type", N_("kind of complaint") },
	{ "agent", N_("written by") },
	{ "arrived", N_("message arrived") },
	{ "source", N_("message came from") },
	{ "sender-domain", N_("envelope sender of") },
	{ "reported-domain", N_("domain reported") },
	{ "auth-failure", N_("check that failed") },
	{ "about", N_("about mail of ours") },
	{ "by", N_("known by") },
};

struct shown {
	struct buf	*b;		/* NULL: j */
	struct json	*j;
	enum lang	 lang;
};

/* A header field's name is its own label. */
static const char *
label_of(const char *key, enum lang lang)
{
	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		if (strcmp(labels[i].key, key) == 0)
			return tr(lang, labels[i].label);
	return key;
}

static void
value_put(const struct shown *o, const char *key, struct sv value)
{
	if (value.n == 0)
		return;
	if (o->b == NULL) {
		json_kv_sv(o->j, key, value);
		return;
	}
	table_cell(o->b, label_of(key, o->lang), LABEL_CELLS, false);
	escape_term(o->b, value);
	buf_char(o->b, '\n');
}

static void
values_put(const struct shown *o, const struct feedback *f)
{
	char at[TIME_STRLEN], source[IP_ADDR_STRLEN];

	value_put(o, "type", sv_str(f->has_report ? feedback_type_name(f->type) : ""));
	value_put(o, "agent", f->agent);
	if (f->has_arrival)
		value_put(o, "arrived", sv_str(time_str(f->arrived, at)));
	if (f->has_source)
		value_put(o, "source", sv_str(ip_addr_str(f->source.addr, f->source.af, source)));
	if (f->has_mail_from)
		value_put(o, "sender-domain", f->mail_from.domain);
	if (f->domains.n > 0)
		value_put(o, "reported-domain", f->domains.v[0]);
	value_put(o, "auth-failure", f->auth_failure);
}

static void
about_put(const struct shown *o, const struct feedback_about *a)
{
	char name[DNAME_STRLEN];

	if (a->is_ours) {
		value_put(o, "about", mail_name_str(&a->name, name));
		value_put(o, "by", sv_str(tr(o->lang, feedback_by_name(a->by))));
	}
	for (unsigned t = 0; t < FEEDBACK_TOKEN_MAX; t++)
		value_put(o, feedback_token_name(t), a->tokens[t]);
}

static void
json_put(const struct cmd_ctx *ctx, const struct complaint *s, struct buf *b)
{
	struct json j = json_on(b, true);
	const struct shown o = { NULL, &j, ctx->lang };

	json_open(&j, '{');
	json_kv_bool(&j, "complaint", s->f != NULL);
	json_kv_bool(&j, "ours", s->about.is_ours);
	if (s->f != NULL) {
		values_put(&o, s->f);
		json_kv_u64(&j, "incidents", s->f->incidents);
		about_put(&o, &s->about);
	}
	json_key(&j, "findings");
	json_open(&j, '[');
	for (const struct finding *f = s->fs.head; f != NULL; f = f->next)
		finding_json(&j, f, ctx->lang);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_char(b, '\n');
}

static void
text_put(const struct cmd_ctx *ctx, const struct complaint *s, struct buf *b)
{
	const struct shown o = { b, NULL, ctx->lang };

	if (s->f != NULL) {
		values_put(&o, s->f);
		about_put(&o, &s->about);
	}
	zone_findings_print(ctx, &s->fs, b);
}

static void
note_put(const struct cmd_ctx *ctx, const struct complaint *s, struct buf *b)
{
	for (size_t i = 0; i < s->note.n; i++)
		buf_printf(b, tr(ctx->lang, N_("counts against %.*s\n")), SV_ARG(s->note.names[i]));
}

/* A user's word about a message is no complaint of an operator: that it is none is no finding then. */
static int
note(struct cmd_ctx *ctx, struct complaint *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc = complaint_note_find(ctx, s);

	if (rc != 0 || (rc = complaint_note_send(ctx, s)) != 0)
		return rc;
	if (!ctx->quiet)
		note_put(ctx, s, &b);
	return cmd_out(&b) != 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static int
show(struct cmd_ctx *ctx, struct complaint *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(ctx->json ? json_put : text_put)(ctx, s, &b);
	if (cmd_out(&b) != 0)
		return EXIT_CANNOT;
	return findings_reject(&s->fs) ? EXIT_REJECTED : EXIT_GOOD;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct complaint *s = state;
	bool is_make = argc == 2 && strcmp(argv[0], "make") == 0;
	int rc;

	if (argc != 1 && !is_make)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one file: the mail with the complaint")));
	if (s->pool == NULL && (s->pool = pool_new(2 * MAIL_POOL_MAX)) == NULL)
		return EXIT_CANNOT;
	if ((rc = conf_take(ctx, s)) != 0 || (rc = own_take(ctx, s)) != 0)
		return rc;
	if (is_make)
		return complaint_make(ctx, s, argv[1]);
	if ((rc = mail_text_take(ctx, &s->m, argv[0])) != 0 || (rc = judge(ctx, s, argv[0])) != 0)
		return rc;
	return (s->is_note ? note : show)(ctx, s);
}

extern const struct cmd cmd_mail_complaint;
const struct cmd cmd_mail_complaint = {
	.area = "mail", .verb = "complaint", .args = "[make] FILE|-",
	.summary = N_("a complaint about mail (ARF): what it says, and whose mail it is about"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct complaint), .run = run, .done = done,
};
