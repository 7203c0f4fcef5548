/* A message, its envelope and the DNS, judged once: see cmd/mail.h. */
#include "cmd/mail.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/zone.h"

#define TIMEOUT_MAX	600	/* seconds */
#define HOSTNAME_FILE	"/etc/hostname"
#define HOSTNAME_MAX	4096	/* octets of that file */

/* --- options --- */

static int
dns_opt(const struct cmd_ctx *ctx, struct mail_case *m, const char *arg)
{
	if (m->n_dns == MAIL_DNS_FILES_MAX)
		return cmd_usage(ctx, tr(ctx->lang, N_("--%s stands there more than %u times")), "dns",
		    MAIL_DNS_FILES_MAX);
	m->dns[m->n_dns++] = arg;
	return 0;
}

int
mail_opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	static const struct cmd_number numbers[] = {
		{ "timeout", offsetof(struct mail_case, timeout_sec), 1, TIMEOUT_MAX },
	};
	struct mail_case *m = state;
	const struct {
		const char	*name, **to;
	} texts[] = {
		{ "client", &m->client }, { "helo", &m->helo }, { "sender", &m->sender },
		{ "authserv-id", &m->id }, { "resolver", &m->resolver }, { "psl", &m->psl_path },
	};
	const struct {
		const char	*name;
		bool		*to;
	} flags[] = { { "nagios", &m->nagios }, { "no-dns", &m->no_dns } };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(o->name, texts[i].name) == 0) {
			*texts[i].to = arg;
			return 0;
		}
	if (strcmp(o->name, "dns") == 0)
		return dns_opt(ctx, m, arg);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strcmp(o->name, flags[i].name) == 0) {
			*flags[i].to = true;
			return 0;
		}
	return cmd_number_opt(ctx, numbers, ARRAY_LEN(numbers), state, o, arg);
}

void
mail_done(void *state)
{
	struct mail_case *m = state;

	mail_judge_done(&m->judge);
	m->source = mail_dns_free(m->source);
	m->psl = mail_psl_free(m->psl);
	m->pool = pool_free(m->pool);
	m->kept = pool_free(m->kept);
	buf_done(&m->read);
	file_unmap(&m->map);
}

/* --- the message --- */

static int
stdin_read(struct buf *b)
{
	char room[65536];
	size_t n;

	while ((n = fread(room, 1, sizeof(room), stdin)) > 0 && b->len <= MAIL_TEXT_MAX)
		buf_bytes(b, room, n);
	if (b->rc < 0 || ferror(stdin) != 0)
		return b->rc < 0 ? b->rc : -EIO;
	return b->len > MAIL_TEXT_MAX ? SE_LIMIT : 0;
}

static const char *
shown(const struct cmd_ctx *ctx, const struct mail_case *m)
{
	return strcmp(m->name, "-") == 0 ? tr(ctx->lang, N_("standard input")) : m->name;
}

static int
message_read(const struct cmd_ctx *ctx, struct mail_case *m, struct sv *ret)
{
	bool is_stdin = strcmp(m->name, "-") == 0;
	int rc = is_stdin ? stdin_read(&m->read) : file_map(m->name, MAIL_TEXT_MAX, &m->map);

	*ret = is_stdin ? buf_get(&m->read) : m->map.data;
	if (rc == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), shown(ctx, m), zone_read_why(ctx, rc));
	return EXIT_CANNOT;
}

static int
message_take(const struct cmd_ctx *ctx, struct mail_case *m)
{
	int rc;

	m->head_fs.subject = sv_str(m->name);
	mail_head_init(&m->head, m->kept);
	if ((rc = mail_head_parse(&m->head, m->text, &m->body, &m->head_fs)) < 0 ||
	    (rc = mail_judge_begin(m->kept, &m->head, &m->head_fs, &m->judge)) < 0) {
		cmd_err(tr(ctx->lang, N_("%s could not be judged: %s")), shown(ctx, m), err_str(rc));
		return EXIT_CANNOT;
	}
	if (m->head.n == 0 && !m->head.is_full) {
		cmd_err(tr(ctx->lang, N_("%s is no message: no header was found at its beginning")), shown(ctx, m));
		return EXIT_CANNOT;
	}
	mail_judge_body(&m->judge, m->body);
	mail_judge_body_end(&m->judge);
	return 0;
}

/* --- the envelope --- */

/* "<a@example.com>", "a@example.com", "" or "<>". */
static struct sv
bare_address(struct sv s)
{
	s = sv_trim(s);
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = sv_take(sv_skip(s, 1), s.n - 2);
	return s;
}

static void
sender_take(struct mail_case *m)
{
	const struct mail_field *path = mail_head_last(&m->head, SV("Return-Path"), 0);

	m->in.has_sender = m->sender != NULL || path != NULL;
	if (m->sender != NULL)
		m->in.sender = bare_address(sv_str(m->sender));
	else if (path != NULL)
		m->in.sender = bare_address(path->value);
}

/* The first word of /etc/hostname; else this host has no name. */
static struct sv
own_name(struct mail_case *m)
{
	struct sv text, word;

	if (m->id != NULL)
		return sv_str(m->id);
	if (file_read(m->kept, FILE_CWD, HOSTNAME_FILE, HOSTNAME_MAX, &text) == 0 &&
	    sv_word(&text, &word))
		return word;
	return SV("localhost");
}

static int
client_take(const struct cmd_ctx *ctx, struct mail_case *m)
{
	m->in.has_client = m->client != NULL;
	if (m->client != NULL && (ip_prefix_parse_host(sv_str(m->client), &m->in.client) < 0 ||
	    m->in.client.len != ip_bits(m->in.client.af)))
		return cmd_usage(ctx, tr(ctx->lang, N_("--client %s is no address; write it as 192.0.2.1 or 2001:db8::1")),
		    m->client);
	return 0;
}

static int
envelope_take(const struct cmd_ctx *ctx, struct mail_case *m)
{
	sender_take(m);
	m->in.helo = sv_str(m->helo != NULL ? m->helo : "");
	m->in.receiver = own_name(m);
	m->in.now = ctx->now;
	m->in.is_advice = true;
	if (m->in.has_client && m->in.sender.n == 0 && m->in.helo.n == 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("SPF needs --helo beside --client, as there is no sender (--sender, or a Return-Path)")));
	return 0;
}

/* --- the DNS --- */

static int
psl_take(const struct cmd_ctx *ctx, struct mail_case *m)
{
	const char *path = m->psl_path != NULL ? m->psl_path : MAIL_PSL_FILE;
	int rc = strcmp(path, "none") == 0 ? 0 : mail_psl_read(path, &m->psl);

	m->in.psl = m->psl;
	/* The package may be missing; what was named may not. */
	if (rc == 0 || m->psl_path == NULL)
		return 0;
	cmd_err(tr(ctx->lang, N_("--psl %s: there is no list of public suffixes")), path);
	return EXIT_CANNOT;
}

static int
files_take(const struct cmd_ctx *ctx, struct mail_case *m)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct findings fs;
	size_t bad = 0;
	int rc;

	findings_init(&fs, m->kept);
	if ((rc = mail_dns_files(m->dns, m->n_dns, &fs, &bad, &m->source)) < 0) {
		cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), m->dns[bad], zone_read_why(ctx, rc));
		return EXIT_CANNOT;
	}
	if (m->source != NULL)
		return 0;
	zone_findings_print(ctx, &fs, &b);
	(void)cmd_out(&b);
	cmd_err("%s", tr(ctx->lang, N_("the zone files have faults, see above; nothing was judged")));
	return EXIT_CANNOT;
}

static int
source_take(const struct cmd_ctx *ctx, struct mail_case *m)
{
	uint32_t sec = m->timeout_sec > 0 ? m->timeout_sec : MAIL_DNS_SEC;
	int rc;

	if (m->dns_of != NULL)
		return 0;
	if (m->no_dns && (m->n_dns > 0 || m->resolver != NULL))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--no-dns goes with neither --dns nor --resolver")));
	if (m->n_dns > 0 && m->resolver != NULL)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--dns and --resolver exclude each other")));
	if (m->no_dns)
		return 0;
	if (m->n_dns > 0)
		return files_take(ctx, m);
	rc = mail_dns_live(sv_str(m->resolver), sec, &m->source);
	if (rc == -EINVAL)
		return cmd_usage(ctx, tr(ctx->lang, N_("--resolver %s is no address; write it as 192.0.2.1 or [2001:db8::1]:53")),
		    m->resolver);
	if (rc == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("the DNS cannot be asked: %s")), err_str(rc));
	return EXIT_CANNOT;
}

/* --- the verdict --- */

/* Of a DNS that is not asked, no answer comes. */
static const struct mail_answer *
nobody_find(void *arg, const struct mail_question *q)
{
	static const struct mail_answer none = { .rcode = MAIL_DNS_FAILED };

	(void)arg;
	(void)q;
	return &none;
}

/* Again and again, until no answer is missing. */
static int
judge(struct mail_case *m)
{
	const struct mail_case *of = m->dns_of != NULL ? m->dns_of : m;
	struct mail_ask ask = of->no_dns ? (struct mail_ask){ .find = nobody_find } :
	    mail_dns_ask(of->source);
	int rc;

	for (;;) {
		pool_reset(m->pool);
		findings_init(&m->fs, m->pool);
		m->fs.subject = sv_str(m->name);
		rc = mail_judge_check(&m->judge, &m->in, m->pool, &ask, &m->fs, &m->out);
		if (rc != MAIL_WAIT)
			break;
		if ((rc = mail_dns_fill(of->source, &ask)) < 0)
			return rc;
	}
	if (rc == 0)
		rc = mail_story_find(m->pool, &m->judge, &m->in, &m->out,
		    findings_reject(&m->head_fs), &m->story);
	if (rc == 0)
		rc = mail_judge_say(&m->judge, &m->in, &m->out, m->in.receiver, m->pool,
		    &m->results);
	return rc;
}

int
mail_text_take(const struct cmd_ctx *ctx, struct mail_case *m, const char *name)
{
	m->name = name;
	return message_read(ctx, m, &m->text);
}

int
mail_take(const struct cmd_ctx *ctx, struct mail_case *m, const char *name)
{
	int rc;

	m->name = name;
	m->kept = pool_new(2 * MAIL_POOL_MAX);
	m->pool = pool_new(MAIL_POOL_MAX);
	if (m->kept == NULL || m->pool == NULL)
		return EXIT_CANNOT;
	findings_init(&m->head_fs, m->kept);
	if ((rc = client_take(ctx, m)) != 0 || (rc = message_read(ctx, m, &m->text)) != 0 ||
	    (rc = message_take(ctx, m)) != 0 || (rc = envelope_take(ctx, m)) != 0 || (rc = psl_take(ctx, m)) != 0 ||
	    (rc = source_take(ctx, m)) != 0)
		return rc;
	if ((rc = judge(m)) == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("%s could not be judged: %s")), shown(ctx, m), err_str(rc));
	return EXIT_CANNOT;
}

int
mail_exit(const struct mail_case *m)
{
	enum mail_result r = m->out.dmarc.now.result;

	if (findings_reject(&m->head_fs) || r == MAIL_FAIL || r == MAIL_PERMERROR)
		return EXIT_REJECTED;
	if (r == MAIL_PASS)
		return EXIT_GOOD;
	/* "can't is not isn't": the DNS has the answer, and did not give it. */
	if (r == MAIL_TEMPERROR)
		return EXIT_CANNOT;
	return findings_reject(&m->fs) ? EXIT_REJECTED : EXIT_GOOD;
}

/* One line, and the status that a monitoring plugin has for it. */
static int
nagios(const struct mail_case *m, struct buf *b)
{
	static const char *const words[] = { "OK", "CRITICAL", "", "UNKNOWN" };
	static const int codes[] = { 0, 2, 3, 3 };
	int code = mail_exit(m);

	buf_printf(b, "MAIL %s - dmarc=%s", words[code], mail_result_name(m->out.dmarc.now.result));
	if (m->out.has_spf)
		buf_printf(b, " spf=%s", mail_result_name(m->out.spf.result));
	for (size_t i = 0; i < m->out.n_dkim; i++)
		buf_printf(b, " dkim=%s", mail_result_name(m->out.dkim[i].result));
	buf_printf(b, " story=%s | signatures=%zu\n", mail_story_name(m->story.kind), m->out.n_dkim);
	return codes[code];
}

int
mail_run(struct cmd_ctx *ctx, struct mail_case *m, int argc, char **argv,
    void (*text)(const struct cmd_ctx *, const struct mail_case *, struct buf *))
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int code;

	if (argc > 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one message; - is standard input")));
	if ((code = mail_take(ctx, m, argc == 1 ? argv[0] : "-")) != 0)
		return code;
	code = mail_exit(m);
	if (m->nagios)
		code = nagios(m, &b);
	else if (ctx->json)
		mail_json_print(ctx, m, &b);
	else
		text(ctx, m, &b);
	return cmd_out(&b) != 0 ? EXIT_CANNOT : code;
}
