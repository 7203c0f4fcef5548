/* sekisho AREA VERB [options] [subject]: a table and a loop. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/near.h"
#include "base/timefmt.h"
#include "cmd/cmd.h"
#include "cmd/crypto_opt.h"

#define X(name) extern const struct cmd name;
#include "cmd/commands.def"
#undef X

static const struct cmd *const cmds[] = {
#define X(name) &name,
#include "cmd/commands.def"
#undef X
};

static const struct cmd_opt common[] = {
	{ "conf", 'c', "FILE", N_("the configuration file") },
	{ "state", 0, "DIR", N_("the state directory") },
	{ "at", 0, "TIME", N_("judge as if it were this time (RFC 3339)") },
	{ "json", 0, NULL, N_("print JSON") },
	{ "lang", 0, "en|ja", N_("the language of all texts") },
	{ "quiet", 'q', NULL, N_("print errors only") },
	{ "verbose", 'v', NULL, N_("print more; may be repeated") },
	{ "no-progress", 0, NULL, N_("no progress line on a terminal") },
	{ "no-color", 0, NULL, N_("no colours") },
	{ "help", 'h', NULL, N_("print this help") },
	/* The last one: of commands that verify only. */
	{ "crypto", 0, "WAY", N_("verify signatures by this way: auto, generic, tables or ifma; for tests and doubt") },
};

#define OPTS_MAX	48
#define OPT_BASE	1000	/* getopt's val of row i is OPT_BASE + i */

void
cmd_err(const char *fmt, ...)
{
	va_list ap;

	fputs("sekisho: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int
cmd_usage(const struct cmd_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	fputs("sekisho: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; %s\n", tr(ctx->lang, N_("add --help to see what is possible")));
	return EXIT_USAGE;
}

int
cmd_out(const struct buf *b)
{
	if (b->rc == 0 && (b->len == 0 || fwrite(b->p, 1, b->len, stdout) == b->len))
		return 0;
	return EXIT_CANNOT;
}

int
cmd_number_opt(const struct cmd_ctx *ctx, const struct cmd_number *v, size_t n, void *state,
    const struct cmd_opt *o, const char *arg)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t *p = (uint32_t *)(void *)((char *)state + v[i].offset);

		if (strcmp(o->name, v[i].name) != 0)
			continue;
		if (num_u32(sv_str(arg), v[i].min, v[i].max, p) == 0)
			return 0;
		return cmd_usage(ctx, tr(ctx->lang, N_("--%s takes a number from %u to %u")), o->name,
		    v[i].min, v[i].max);
	}
	return cmd_usage(ctx, tr(ctx->lang, N_("--%s: \"%s\" is not understood")), o->name, arg);
}

static void
help_opts(const struct cmd_ctx *ctx, const struct cmd_opt *o, size_t n)
{
	for (size_t i = 0; i < n && o[i].name != NULL; i++) {
		char left[64], letter[8] = "    ";

		if (o[i].letter != 0)
			(void)snprintf(letter, sizeof(letter), "-%c, ", o[i].letter);
		(void)snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o[i].name,
		    o[i].arg != NULL ? " " : "", o[i].arg != NULL ? o[i].arg : "");
		printf("%-34s %s\n", left, tr(ctx->lang, o[i].help));
	}
}

/* Of one area, or all; with code EXIT_GOOD it was asked for. */
static int
help_all(const struct cmd_ctx *ctx, const char *area, int code)
{
	FILE *to = code == EXIT_GOOD ? stdout : stderr;

	fprintf(to, "%s\n\n", tr(ctx->lang,
	    N_("sekisho: check, explain and try out routes, names and mail")));
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++) {
		char left[64];

		if (area != NULL && strcmp(area, cmds[i]->area) != 0)
			continue;
		(void)snprintf(left, sizeof(left), "sekisho %s%s%s", cmds[i]->area,
		    cmds[i]->verb != NULL ? " " : "",
		    cmds[i]->verb != NULL ? cmds[i]->verb : "");
		fprintf(to, "  %-28s %s\n", left, tr(ctx->lang, cmds[i]->summary));
	}
	fprintf(to, "\n%s\n", tr(ctx->lang,
	    N_("Add --help to any of them; man sekisho tells the whole.")));
	return code;
}

/* The rows of common that this command has. */
static size_t
common_n(const struct cmd *c)
{
	return ARRAY_LEN(common) - !c->verifies;
}

static int
help_one(const struct cmd_ctx *ctx, const struct cmd *c)
{
	printf("sekisho %s%s%s [%s] %s\n\n%s\n", c->area,
	    c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
	    tr(ctx->lang, N_("options")), c->args != NULL ? c->args : "",
	    tr(ctx->lang, c->summary));
	if (c->opts != NULL) {
		printf("\n%s\n", tr(ctx->lang, N_("Options:")));
		help_opts(ctx, c->opts, OPTS_MAX);
	}
	printf("\n%s\n", tr(ctx->lang, N_("Common options:")));
	help_opts(ctx, common, common_n(c));
	return EXIT_GOOD;
}

static int
common_opt(struct cmd_ctx *ctx, const struct cmd_opt *o, const char *arg)
{
	if (strcmp(o->name, "conf") == 0)
		ctx->conf = arg;
	else if (strcmp(o->name, "state") == 0)
		ctx->state = arg;
	else if (strcmp(o->name, "at") == 0) {
		if (time_parse(sv_str(arg), &ctx->now) < 0)
			return cmd_usage(ctx, tr(ctx->lang,
			    N_("--at %s is not a time; write it as 2026-11-21T09:30:00Z")), arg);
		ctx->now_given = true;
	} else if (strcmp(o->name, "json") == 0)
		ctx->json = true;
	else if (strcmp(o->name, "lang") == 0) {
		if (!lang_known(sv_str(arg)))
			return cmd_usage(ctx, tr(ctx->lang,
			    N_("--lang %s is unknown; en and ja are known")), arg);
		ctx->lang = lang_parse(sv_str(arg));
	} else if (strcmp(o->name, "quiet") == 0)
		ctx->quiet = true;
	else if (strcmp(o->name, "verbose") == 0)
		ctx->verbose++;
	else if (strcmp(o->name, "no-progress") == 0)
		ctx->progress = false;
	else if (strcmp(o->name, "no-color") == 0)
		ctx->color = false;
	else if (strcmp(o->name, "crypto") == 0)
		return crypto_opt(ctx, arg);
	return 0;
}

/* The long and short options of both tables in getopt's form. */
static size_t
opts_gather(const struct cmd *c, const struct cmd_opt *rows[static OPTS_MAX],
    struct option lo[static OPTS_MAX + 1], char so[static 2 * OPTS_MAX + 2])
{
	size_t n = 0, s = 0;

	for (size_t i = 0; i < common_n(c); i++)
		rows[n++] = &common[i];
	for (const struct cmd_opt *o = c->opts;
	    o != NULL && o->name != NULL && n < OPTS_MAX; o++)
		rows[n++] = o;
	so[s++] = ':';
	for (size_t i = 0; i < n; i++) {
		lo[i] = (struct option){ rows[i]->name,
		    rows[i]->arg != NULL ? required_argument : no_argument,
		    NULL, OPT_BASE + (int)i };
		if (rows[i]->letter == 0)
			continue;
		so[s++] = rows[i]->letter;
		if (rows[i]->arg != NULL)
			so[s++] = ':';
	}
	lo[n] = (struct option){ 0 };
	so[s] = '\0';
	return n;
}

static const struct cmd_opt *
opt_row(const struct cmd_opt *rows[], size_t n, int val)
{
	if (val >= OPT_BASE)
		return rows[val - OPT_BASE];
	for (size_t i = 0; i < n; i++)
		if (rows[i]->letter == val)
			return rows[i];
	return NULL;
}

static int
opt_unknown(const struct cmd_ctx *ctx, const struct cmd_opt *rows[], size_t n, const char *text)
{
	struct sv name = sv_skip(sv_str(text), sv_starts(sv_str(text), SV("--")) ? 2 : strlen(text));
	const char *meant = NULL;
	unsigned best = UINT_MAX;

	name = sv_take(name, sv_find(name, '='));
	for (size_t i = 0; i < n; i++)
		if (near_check(name, sv_str(rows[i]->name), &best))
			meant = rows[i]->name;
	if (meant == NULL)
		return cmd_usage(ctx, tr(ctx->lang, N_("unknown option %s")), text);
	return cmd_usage(ctx, tr(ctx->lang, N_("unknown option %s; did you mean --%s?")), text, meant);
}

static void
state_done(const struct cmd *c, void *state)
{
	if (c->done != NULL)
		c->done(state);
	free(state);
}

static int
cmd_run(struct cmd_ctx *ctx, const struct cmd *c, int argc, char **argv)
{
	const struct cmd_opt *rows[OPTS_MAX];
	struct option lo[OPTS_MAX + 1];
	char so[2 * OPTS_MAX + 2];
	size_t n = opts_gather(c, rows, lo, so);
	void *state = calloc(1, c->state_size + 1);
	int v, rc = 0;

	if (state == NULL)
		return EXIT_CANNOT;
	while (rc == 0 && (v = getopt_long(argc, argv, so, lo, NULL)) != -1) {
		const struct cmd_opt *o = opt_row(rows, n, v);

		if (v == ':')
			rc = cmd_usage(ctx, tr(ctx->lang, N_("%s needs a value")), argv[optind - 1]);
		else if (o == NULL)
			rc = opt_unknown(ctx, rows, n, argv[optind - 1]);
		else if (strcmp(o->name, "help") == 0) {
			rc = help_one(ctx, c);
			state_done(c, state);
			return rc;
		} else if (o >= common && o < common + ARRAY_LEN(common))
			rc = common_opt(ctx, o, optarg);
		else
			rc = c->opt(ctx, state, o, optarg);
	}
	if (rc == 0)
		rc = c->run(ctx, state, argc - optind, argv + optind);
	state_done(c, state);
	return rc;
}

static const struct cmd *
cmd_find(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++) {
		if (argc < 2 || strcmp(cmds[i]->area, argv[1]) != 0)
			continue;
		*ret_words = cmds[i]->verb == NULL ? 1 : 2;
		if (cmds[i]->verb == NULL ||
		    (argc > 2 && strcmp(cmds[i]->verb, argv[2]) == 0))
			return cmds[i];
	}
	return NULL;
}

/* --lang counts for errors in what stands before it, too. */
static enum lang
lang_given(int argc, char **argv, enum lang otherwise)
{
	for (int i = 1; i < argc; i++) {
		struct sv a = sv_str(argv[i]);

		if (sv_starts(a, SV("--lang=")))
			a = sv_skip(a, 7);
		else if (sv_eq(a, SV("--lang")) && i + 1 < argc)
			a = sv_str(argv[i + 1]);
		else
			continue;
		if (lang_known(a))
			return lang_parse(a);
	}
	return otherwise;
}

static enum lang
lang_env(void)
{
	static const char *const vars[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
		const char *v = getenv(vars[i]);

		if (v != NULL && v[0] != '\0')
			return lang_parse(sv_str(v));
	}
	return LANG_EN;
}

/* How many words this common option takes; 0: it is none. */
static int
common_words(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(common); i++) {
		const struct cmd_opt *o = &common[i];

		if ((word[0] == '-' && word[1] == '-' && strcmp(word + 2, o->name) == 0) ||
		    (o->letter != 0 && word[0] == '-' && word[1] == o->letter && word[2] == '\0'))
			return o->arg != NULL ? 2 : 1;
	}
	return 0;
}

static void
words_reverse(char **v, int n)
{
	for (int i = 0; i < n / 2; i++) {
		char *t = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = t;
	}
}

/* `sekisho --lang ja explain CODE`: common options may stand in front. */
static void
common_to_end(int argc, char **argv)
{
	int n = 0, k;

	while (1 + n < argc && (k = common_words(argv[1 + n])) > 0 && 1 + n + k < argc)
		n += k;
	/* Three reversals turn front and rest round in place. */
	words_reverse(argv + 1, n);
	words_reverse(argv + 1 + n, argc - 1 - n);
	words_reverse(argv + 1, argc - 1);
}

static bool
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static bool
is_area(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		if (strcmp(cmds[i]->area, word) == 0)
			return true;
	return false;
}

/* An area, or one of its verbs, that is written nearly so; NULL: none. */
static const char *
word_meant(const char *area, const char *word)
{
	const char *meant = NULL;
	unsigned best = UINT_MAX;

	for (size_t i = 0; i < ARRAY_LEN(cmds); i++) {
		const char *known = area == NULL ? cmds[i]->area :
		    strcmp(cmds[i]->area, area) == 0 ? cmds[i]->verb : NULL;

		if (known != NULL && near_check(sv_str(word), sv_str(known), &best))
			meant = known;
	}
	return meant;
}

/* "rpki", "rpki --help", "rpki nosuch": what there is below it. */
static int
no_command(const struct cmd_ctx *ctx, int argc, char **argv)
{
	const char *area = argc > 1 && is_area(argv[1]) ? argv[1] : NULL;
	const char *verb = argc > 2 ? argv[2] : "", *meant = word_meant(area, area == NULL ? argv[1] : verb);
	char what[256], how[256];
	size_t n;

	for (int i = 1; i < argc && (i == 1 || area != NULL); i++)
		if (is_help(argv[i]))
			return help_all(ctx, area, EXIT_GOOD);
	if (area != NULL && (verb[0] == '\0' || verb[0] == '-')) {
		cmd_err(tr(ctx->lang, N_("%s is not all of a command; sekisho %s --help lists what there is")), area, area);
		return EXIT_USAGE;
	}
	(void)snprintf(what, sizeof(what), tr(ctx->lang, N_("no command \"%s%s%s\"")),
	    argv[1], argc > 2 ? " " : "", verb);
	n = strlen(what);
	if (meant != NULL && n + 3 < sizeof(what)) {
		memcpy(what + n, "; ", 3);
		(void)snprintf(what + n + 2, sizeof(what) - n - 2, tr(ctx->lang, N_("did you mean \"%s\"?")), meant);
	}
	if (area == NULL)
		return cmd_usage(ctx, "%s", what);
	(void)snprintf(how, sizeof(how), tr(ctx->lang, N_("sekisho %s --help lists what there is")), area);
	cmd_err("%s; %s", what, how);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct cmd_ctx ctx = {
		.now = time(NULL),
		.lang = lang_given(argc, argv, lang_env()),
		.progress = isatty(STDERR_FILENO) == 1,
		.color = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL,
	};
	const struct cmd *c;
	uint64_t seed[2];
	int words = 0;

	if (getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
		hash_seed(seed[0], seed[1]);
	if (argc < 2)
		return help_all(&ctx, NULL, EXIT_USAGE);
	if (strcmp(argv[1], "--version") == 0) {
		puts("sekisho " SEKISHO_VERSION);
		return crypto_opt_version(&ctx);
	}
	common_to_end(argc, argv);
	if ((c = cmd_find(argc, argv, &words)) == NULL)
		return no_command(&ctx, argc, argv);
	return cmd_run(&ctx, c, argc - words, argv + words);
}
