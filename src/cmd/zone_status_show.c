/* A zone's keys as a table, and in sentences what comes of it. */
#include <stdio.h>
#include <string.h>

#include "base/timefmt.h"
#include "cmd/zone_proof.h"
#include "cmd/zone_told.h"
#include "dnssec/dnssec.h"
#include "out/escape.h"
#include "out/table.h"

#define FOLDER_LEN_MAX	4700
#define LOOK_LATE	3600	/* seconds; servers are looked at every few minutes */

static const char *
state_text(const struct told_zone *z, const struct zone_report *r, int64_t now)
{
	static const char *const texts[TOLD_STATE_MAX] = {
		[TOLD_EXPIRED] = N_("BOGUS: signatures have ended"),
		[TOLD_DOWN] = N_("not in service"),
		[TOLD_CANNOT] = N_("its keys cannot be used; what was published stays"),
		[TOLD_KEPT] = N_("in service; a newer version was refused"),
		[TOLD_ACT] = N_("waits for you"),
		[TOLD_WAITS] = N_("waits"),
		[TOLD_GOOD] = N_("in order"),
	};

	if (r->from_files)
		return N_("from files: no service is running");
	return texts[told_state(z, now)];
}

static const char *
life_text(enum told_life l)
{
	static const char *const texts[TOLD_LIFE_MAX] = {
		[TOLD_KEY_WAITING] = N_("not used yet"), [TOLD_KEY_COMING] = N_("coming"),
		[TOLD_KEY_STANDBY] = N_("spare"), [TOLD_KEY_ACTIVE] = N_("in use"),
		[TOLD_KEY_LEAVING] = N_("leaving"), [TOLD_KEY_GONE] = N_("gone"),
	};

	return texts[l];
}

/* Of one record: where it is. */
static const char *
record_text(const char *state)
{
	static const struct {
		const char	*state, *text;
	} rows[] = {
		{ "hidden", N_("nowhere") }, { "rumoured", N_("spreading") },
		{ "omnipresent", N_("everywhere") }, { "unretentive", N_("fading") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(state, rows[i].state) == 0)
			return rows[i].text;
	return "?";
}

/* "2026-12-01T00:00:00Z (in 3 days)", "… (2 hours ago)" */
static void
when_put(const struct cmd_ctx *ctx, int64_t at, struct buf *b)
{
	_cleanup_(buf_done) struct buf span = BUF_INIT;
	char when[TIME_STRLEN];
	int64_t left = at - ctx->now;

	zone_left_print(ctx, left < 0 ? -left : left, &span);
	buf_printf(b, "%s%s", time_str(at, when), ctx->lang == LANG_JA ? "" : " ");
	buf_printf(b, tr(ctx->lang, left < 0 ? N_("(%.*s ago)") : N_("(in %.*s)")), SV_ARG(buf_get(&span)));
}

/* --- keys --- */

struct column {
	const char	*head;
	unsigned	 width;
};

static const struct column columns[] = {
	{ N_("key"), 4 }, { N_("tag"), 6 }, { N_("algorithm"), 17 }, { N_("how it is"), 14 },
	{ N_("DNSKEY"), 12 }, { N_("signs keys"), 12 }, { N_("signs data"), 14 }, { N_("DS"), 12 },
};

static void
heads_put(const struct cmd_ctx *ctx, struct buf *b)
{
	buf_str(b, "  ");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		table_cell(b, tr(ctx->lang, columns[i].head), columns[i].width, false);
	buf_str(b, tr(ctx->lang, N_("last change")));
	buf_char(b, '\n');
}

/* The last time that anything of the key changed. */
static int64_t
key_since(const struct told_key *k)
{
	int64_t last = k->created;

	for (int r = 0; r < TOLD_RECORD_MAX; r++)
		if (k->records[r].since != TOLD_NONE && k->records[r].since > last)
			last = k->records[r].since;
	return last;
}

static bool
has_record(const struct told_key *k, int r)
{
	if (strcmp(k->role, "KSK") == 0)
		return r != TOLD_ZONESIG;
	if (strcmp(k->role, "ZSK") == 0)
		return r != TOLD_KEYSIG && r != TOLD_DS;
	return true;
}

static void
remarks_put(const struct cmd_ctx *ctx, const struct told_key *k, struct buf *b)
{
	static const struct {
		const char	*flag, *text;
	} rows[] = {
		{ "lost", N_("lost") }, { "compromised", N_("compromised") }, { "external", N_("another provider's") },
		{ "revoked", N_("revoked") }, { "no-roll", N_("roll cancelled") }, { "asked", N_("a roll is asked for") },
	};
	bool external = false;

	for (size_t i = 0; i < k->flags.n; i++)
		for (size_t r = 0; r < ARRAY_LEN(rows); r++)
			if (strcmp(k->flags.v[i], rows[r].flag) == 0) {
				buf_printf(b, "  %s", tr(ctx->lang, rows[r].text));
				external = external || strcmp(rows[r].flag, "external") == 0;
			}
	if (strcmp(k->kept, "token") == 0)
		buf_printf(b, "  %s", tr(ctx->lang, N_("in a token")));
	else if (strcmp(k->kept, "none") == 0 && !external)
		buf_printf(b, "  %s", tr(ctx->lang, N_("private key not there")));
	if (!k->backed_up && !external)
		buf_printf(b, "  %s", tr(ctx->lang, N_("not backed up")));
}

static void
key_put(const struct cmd_ctx *ctx, const struct told_key *k, struct buf *b)
{
	const struct dnssec_alg *alg = k->alg < 0 || k->alg > 255 ? NULL : dnssec_alg_find((uint8_t)k->alg);
	const char *cells[ARRAY_LEN(columns)];
	char tag[24], when[TIME_STRLEN];
	int64_t since = key_since(k);

	(void)snprintf(tag, sizeof(tag), "%lld", (long long)k->tag);
	cells[0] = k->role;
	cells[1] = tag;
	cells[2] = alg == NULL ? "?" : alg->name;
	cells[3] = tr(ctx->lang, life_text(k->life));
	for (int r = 0; r < TOLD_RECORD_MAX; r++)
		cells[4 + r] = has_record(k, r) ? tr(ctx->lang, record_text(k->records[r].state)) : "-";
	buf_str(b, "  ");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		table_cell(b, cells[i], columns[i].width, false);
	buf_str(b, since == TOLD_NONE ? "-" : time_str(since, when));
	remarks_put(ctx, k, b);
	buf_char(b, '\n');
	if (ctx->verbose > 0) {
		buf_str(b, "       ");
		escape_term(b, sv_str(k->name));
		for (int r = 0; r < TOLD_RECORD_MAX; r++)
			if (k->records[r].since != TOLD_NONE && has_record(k, r))
				buf_printf(b, "  %s %s", tr(ctx->lang, columns[4 + r].head),
				    time_str(k->records[r].since, when));
		buf_char(b, '\n');
	}
}

void
zone_keys_print(const struct cmd_ctx *ctx, const struct told_zone *z, struct buf *b)
{
	if (z->n_keys > 0)
		heads_put(ctx, b);
	for (size_t i = 0; i < z->n_keys; i++)
		key_put(ctx, &z->keys[i], b);
}

/* --- what comes --- */

/* What is to be backed up; nothing where the configuration cannot be read here. */
static void
folder_put(const struct cmd_ctx *ctx, const struct told_zone *z, struct buf *b)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	struct conf_error e;
	struct dname name;
	char folder[FOLDER_LEN_MAX];

	if (app_conf_load(ctx->conf, ctx->state, &c, &e) < 0 || dname_parse(sv_str(z->name), NULL, &name) < 0)
		return;
	zone_keys_folder(c, &name, folder, sizeof(folder));
	buf_printf(b, "      %s ", tr(ctx->lang, N_("the folder:")));
	escape_term(b, sv_str(folder));
	buf_char(b, '\n');
}

static bool
said_before(const struct told_zone *z, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(z->waits[k].why, z->waits[i].why) == 0 && strcmp(z->waits[k].key, z->waits[i].key) == 0)
			return true;
	return false;
}

static void
waits_put(const struct cmd_ctx *ctx, const struct told_zone *z, struct buf *b)
{
	for (size_t i = 0; i < z->n_waits; i++) {
		const struct told_wait *w = &z->waits[i];

		/* That a key is to be backed up stands below, with what to type. */
		if (said_before(z, i))
			continue;
		buf_str(b, "  ");
		buf_printf(b, tr(ctx->lang, N_("it waits: %s")), tr(ctx->lang, w->why));
		if (w->key[0] != '\0') {
			buf_str(b, ": ");
			escape_term(b, sv_str(w->key));
		}
		if (w->until != TOLD_NONE) {
			buf_str(b, ", ");
			when_put(ctx, w->until, b);
		}
		buf_char(b, '\n');
	}
}

static void
next_put(const struct cmd_ctx *ctx, const struct told_zone *z, struct buf *b)
{
	if (z->next == TOLD_NONE)
		return;
	buf_printf(b, "  %s ", tr(ctx->lang, N_("next event:")));
	when_put(ctx, z->next, b);
	if (z->next_why[0] != '\0')
		buf_printf(b, ": %s", tr(ctx->lang, z->next_why));
	buf_char(b, '\n');
}

static void
lines_put(const char *head, const struct told_lines *l, struct buf *b)
{
	if (l->n == 0)
		return;
	buf_printf(b, "    %s\n", head);
	for (size_t i = 0; i < l->n; i++) {
		buf_str(b, "      ");
		escape_term(b, sv_str(l->v[i]));
		buf_char(b, '\n');
	}
}

/* Exactly what to enter: in the form that the registry takes, in both where nobody knows it. */
static void
enter_put(const struct cmd_ctx *ctx, const struct told_todo *t, struct buf *b)
{
	bool keys = strcmp(t->form, "key") == 0, ds = strcmp(t->form, "ds") == 0;

	if (t->registry[0] != '\0' && t->form[0] != '\0') {
		buf_str(b, "    ");
		zone_form_print(ctx, t->form, t->registry, b);
		buf_char(b, '\n');
	}
	lines_put(tr(ctx->lang, keys ? N_("first add these DNSKEY records:") : N_("first add these DS records:")),
	    keys ? &t->add_keys : &t->add, b);
	lines_put(tr(ctx->lang, N_("then remove these:")), keys ? &t->del_keys : &t->del, b);
	lines_put(tr(ctx->lang, N_("so that this is the whole set:")), keys ? &t->dnskey : &t->ds, b);
	if (!keys && !ds)
		lines_put(tr(ctx->lang, N_("a registry that wants DNSKEY records gets these:")), &t->dnskey, b);
}

static void
todo_put(const struct cmd_ctx *ctx, const struct told_zone *z, const struct told_todo *t, struct buf *b)
{
	buf_printf(b, "  %s %s", tr(ctx->lang, told_is_urgent(t) ? N_("YOU, now:") : N_("you, when you have time:")),
	    tr(ctx->lang, t->text));
	if (t->key[0] != '\0') {
		buf_str(b, ": ");
		escape_term(b, sv_str(t->key));
	}
	if (t->since != TOLD_NONE) {
		buf_str(b, "; ");
		buf_printf(b, "%s ", tr(ctx->lang, N_("asked for since")));
		when_put(ctx, t->since, b);
	}
	buf_char(b, '\n');
	enter_put(ctx, t, b);
	if (strcmp(t->act, "backup") == 0) {
		folder_put(ctx, z, b);
		buf_str(b, "      sekisho zone keys ");
		escape_term(b, sv_str(z->name));
		buf_str(b, " --backed-up\n");
	}
}

/* Backups of several keys are one errand: the command says it of all. */
static bool
same_errand(const struct told_zone *z, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(z->todo[i].act, "backup") == 0 && strcmp(z->todo[k].act, "backup") == 0)
			return true;
	return false;
}

/* --- the zone --- */

static void
service_put(const struct cmd_ctx *ctx, const struct told_zone *z, struct buf *b)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT;

	told_why(&why, z, ctx->lang);
	if (why.len > 0) {
		buf_str(b, "  ");
		escape_term(b, buf_get(&why));
		buf_char(b, '\n');
	}
	if (z->served && z->serial != TOLD_NONE) {
		buf_str(b, "  ");
		buf_printf(b, tr(ctx->lang, N_("serial %lld is in service")), (long long)z->serial);
		if (z->horizon != TOLD_NONE) {
			buf_str(b, tr(ctx->lang, N_("; the first signature ends ")));
			when_put(ctx, z->horizon, b);
		}
		buf_char(b, '\n');
	}
}

static void
flags_put(const struct cmd_ctx *ctx, const struct told_zone *z, struct buf *b)
{
	static const struct {
		const char	*text;
	} rows[] = {
		{ N_("an operator holds it: nothing moves until \"sekisho zone roll ZONE --release\"") },
		{ N_("what is served is not known yet: nothing is believed before the servers were seen") },
		{ N_("ALARM: the parent has a DS set that nobody here asked for; find out who did. \"sekisho zone roll ZONE --accept-ds\" makes it the wanted one") },
	};
	const bool set[ARRAY_LEN(rows)] = { z->hold, z->unproven, z->ds_alarm };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (set[i])
			buf_printf(b, "  %s\n", tr(ctx->lang, rows[i].text));
}

static void
look_put(const struct cmd_ctx *ctx, int64_t at, struct buf *b)
{
	if (at == TOLD_NONE)
		buf_str(b, tr(ctx->lang, N_("not yet")));
	else
		when_put(ctx, at, b);
}

/* Nothing moves without a look at all servers: say so when there was none for long. */
static void
looks_put(const struct cmd_ctx *ctx, const struct told_zone *z, struct buf *b)
{
	int64_t late = ctx->now - LOOK_LATE;

	if (!z->by_key || (z->child_seen >= late && z->parent_seen >= late))
		return;
	buf_printf(b, "  %s ", tr(ctx->lang, N_("all servers of the zone answered:")));
	look_put(ctx, z->child_seen, b);
	buf_printf(b, "; %s ", tr(ctx->lang, N_("all of its parent:")));
	look_put(ctx, z->parent_seen, b);
	buf_char(b, '\n');
}

/* Lines of a story: a cache that would be broken by the next step. */
static void
story_put(const struct cmd_ctx *ctx, const char *story, struct buf *b)
{
	struct sv rest = sv_str(story == NULL ? "" : story), line;

	if (rest.n > 0)
		buf_printf(b, "  %s\n", tr(ctx->lang, N_("the next step is refused; it would break the zone:")));
	while (sv_line(&rest, &line)) {
		buf_str(b, "    ");
		escape_term(b, line);
		buf_char(b, '\n');
	}
}

void
zone_status_print(const struct cmd_ctx *ctx, const struct told_zone *z, const struct zone_report *r,
    struct buf *b)
{
	buf_str(b, b->len == 0 ? "" : "\n");
	escape_term(b, sv_str(z->name));
	buf_printf(b, "  %s\n", tr(ctx->lang, state_text(z, r, ctx->now)));
	service_put(ctx, z, b);
	if (r->no_keys)
		buf_printf(b, "  %s\n", tr(ctx->lang, N_("the role key is not running; its log says why")));
	zone_keys_print(ctx, z, b);
	looks_put(ctx, z, b);
	flags_put(ctx, z, b);
	/* Looked for where there is one: a look at all zones for each of them is too much. */
	story_put(ctx, z->refused ? zone_report_story(r, z->name, ctx->lang) : NULL, b);
	waits_put(ctx, z, b);
	next_put(ctx, z, b);
	for (size_t i = 0; i < z->n_todo; i++)
		if (!same_errand(z, i))
			todo_put(ctx, z, &z->todo[i], b);
}
