/*
 * Orphans: keys in the token whose label is one of ours, and which no folder of keys, or no
 * state, knows. One is left when this process, or that of the module, dies between the making
 * of a pair and the writing of the state. Another daemon may use the same token, and a state may
 * come out of an old backup: so they are found and told, and only an operator's word removes them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "role/key_token_internal.h"
#include "sys/clock.h"
#include "sys/file.h"

#define DAY		(86400 * USEC)
#define SOON		(5 * USEC)	/* seen twice, so long apart, it is told */
#define LATER		(60 * USEC)	/* the token did not answer */
#define URI_MAX		2100	/* octets of a .uri file (hsm/limits.h) */
#define KNOWN_MAX	65536		/* keys in all folders */
#define FOLDERS_MAX	200000
#define POOL_MAX	((size_t)64 << 20)
#define TEXT_MAX	1800		/* of an answer, which takes 2000 */
#define PATH_LEN_MAX	4700

struct known {
	struct pool	*pool;
	struct sv	*ids;
	size_t		 n;
};

/* --- what is known --- */

/* What cannot be read, or has no id, is none of ours. */
static int
known_add(struct known *k, const char *uri)
{
	struct sv id, label;

	if (k->n == KNOWN_MAX)
		return SE_LIMIT;
	if (hsm_uri_key(uri, k->pool, &id, &label) == 0 && id.n > 0)
		k->ids[k->n++] = id;
	return 0;
}

/* In its ring, and nobody said in the state that it is a key of the zone. */
static const struct keyring_key *
stray_find(const struct key_zone *kz, struct sv id, struct pool *pool)
{
	for (size_t i = 0; kz->ring != NULL && i < keyring_n(kz->ring); i++) {
		const struct keyring_key *have = keyring_get(kz->ring, i);
		struct sv its, label;
		bool is_known = false;

		if (have->uri == NULL || hsm_uri_key(have->uri, pool, &its, &label) < 0 || !sv_eq(its, id))
			continue;
		for (int k = 0; k < KEYSTATE_KEYS_MAX && !is_known; k++)
			is_known = key_life(kz)->state.keys[k].number != 0 &&
			    key_ring_find(kz->ring, &key_life(kz)->state.keys[k]) == have;
		if (!is_known)
			return have;
	}
	return NULL;
}

static int
folder_read(const char *root, struct sv folder, struct known *k)
{
	char path[PATH_LEN_MAX];
	struct sv *names, text;
	size_t n;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%.*s", root, SV_ARG(folder));
	if (!file_is_dir(path))
		return 0;
	if ((rc = dir_list(k->pool, path, FOLDERS_MAX, &names, &n)) < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++) {
		char *uri;

		if (!sv_ends(names[i], SV(".uri")))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%.*s/%.*s", root, SV_ARG(folder), SV_ARG(names[i]));
		if ((rc = file_read(k->pool, FILE_CWD, path, URI_MAX, &text)) < 0)
			return rc;
		text = sv_trim(text);
		if ((uri = pool_printf(k->pool, "%.*s", SV_ARG(text))) == NULL)
			return -ENOMEM;
		rc = known_add(k, uri);
	}
	return rc;
}

/* All zones' folders, those that are in no configuration any more, too. */
static int
known_read(const struct key_role *kr, struct known *k)
{
	struct sv *names;
	size_t n;
	int rc;

	if ((k->pool = pool_new(POOL_MAX)) == NULL ||
	    (k->ids = pool_calloc(k->pool, KNOWN_MAX, sizeof(*k->ids))) == NULL)
		return -ENOMEM;
	if ((rc = dir_list(k->pool, kr->folder, FOLDERS_MAX, &names, &n)) < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = folder_read(kr->folder, names[i], k);
	return rc;
}

static struct key_zone *
zone_of_stray(struct key_role *kr, struct sv id, struct pool *pool, const struct keyring_key **ret)
{
	for (size_t i = 0; i < kr->list.n; i++)
		if ((*ret = stray_find(&kr->zones[i], id, pool)) != NULL)
			return &kr->zones[i];
	return NULL;
}

static bool
is_orphan(struct key_role *kr, const struct known *k, const struct hsm_key_info *i)
{
	const struct keyring_key *stray;

	if (!sv_starts(i->label, SV(TOKEN_LABEL)) || i->id.n == 0)
		return false;
	for (size_t n = 0; n < k->n; n++)
		if (sv_eq(k->ids[n], i->id))
			return zone_of_stray(kr, i->id, k->pool, &stray) != NULL;
	return true;
}

/* --- answers --- */

static void
answer(struct key_role *kr, uint32_t req, uint32_t code, size_t n, const char *text)
{
	struct msg_key_answer a = { .req = req, .code = code, .keys = (uint32_t)n, .text = sv_str(text) };

	if (req != 0)
		(void)msg_key_answer_send(kr->role, ROLE_PARENT, &a);
}

enum { DONE = 0, REFUSED = 1, WRONG_USAGE = 2, CANNOT = 3 };	/* enum exit_code of cmd/cmd.h */

void
token_orphan_failed(struct token_job *j, const char *why)
{
	struct key_token *kt = j->kt;

	if (j->kind == JOB_LIST)
		kt->listing = false;
	kt->list_next = clock_mono_usec() + LATER;
	answer(kt->kr, j->req, CANNOT, 0, why);
	j->req = 0;
}

/* --- a list --- */

static void
hex_of(struct sv id, char dst[static TOKEN_ID_HEX])
{
	dst[0] = '\0';
	for (size_t i = 0; i < id.n && i < TOKEN_ID_MAX; i++)
		(void)snprintf(dst + 2 * i, 3, "%02x", (unsigned char)id.p[i]);
}

static void
line_add(struct buf *b, const struct hsm_key_info *k)
{
	char id[TOKEN_ID_HEX];

	hex_of(k->id, id);
	buf_printf(b, "%s\t", id);
	for (size_t i = 0; i < k->label.n; i++)		/* somebody else may have written it */
		buf_char(b, k->label.p[i] >= ' ' && k->label.p[i] <= '~' ? k->label.p[i] : '?');
	buf_char(b, '\n');
}

static void
orphans_log(struct key_token *kt, struct sv lines)
{
	struct sv line;

	if (kt->n_orphans == 0 || kt->orphans == kt->orphans_told)
		return;
	kt->orphans_told = kt->orphans;
	role_log(kt->role, LOG_LEVEL_WARN, "the token has %zu keys that look like ours and are not known here: "
	    "sekisho zone keys --orphans", kt->n_orphans);
	while (sv_line(&lines, &line))
		role_log(kt->role, LOG_LEVEL_WARN, "not known: %.*s", SV_ARG(line));
}

static bool
is_making(const struct key_token *kt)
{
	for (size_t i = 0; i < kt->n_zones; i++)
		if (kt->making[i].asked || kt->making[i].is_made)
			return true;
	return false;
}

/* Which of them; those that do not fit are counted. The one with this id, too (NULL: none). */
static int
orphans_find(struct token_job *j, struct buf *b, const struct hsm_key_info **ret)
{
	struct known k = { 0 };
	size_t n = 0;
	int rc = known_read(j->kt->kr, &k);

	for (size_t i = 0; rc == 0 && i < j->n_list; i++) {
		char id[TOKEN_ID_HEX];

		if (!is_orphan(j->kt->kr, &k, &j->list[i]))
			continue;
		hex_of(j->list[i].id, id);
		if (j->id[0] != '\0' && strcmp(id, j->id) == 0)
			*ret = &j->list[i];
		n++;
		if (b->len + TOKEN_ID_HEX + j->list[i].label.n + 2 < TEXT_MAX)
			line_add(b, &j->list[i]);
	}
	(void)pool_free(k.pool);
	if (rc == 0 && b->rc == 0)
		j->kt->n_orphans = n;
	return rc < 0 ? rc : b->rc;
}

static void
remove_ask(struct token_job *from)
{
	struct token_job *j = token_job_new(from->kt, JOB_REMOVE, 0);

	if (j != NULL) {
		j->req = from->req;
		memcpy(j->id, from->id, sizeof(j->id));
	}
	if (j == NULL || token_job_add(j) < 0)
		answer(from->kt->kr, from->req, CANNOT, 0, "the token is busy");
}

/* Seen twice in a row before it is told: a key may have been made or deleted meanwhile. */
static void
orphans_note(struct key_token *kt, struct sv lines, int64_t now)
{
	uint64_t hash = hash_bytes(lines.p, lines.n);

	if (kt->n_orphans == 0)
		kt->orphans_told = 0;
	if (kt->n_orphans > 0 && hash == kt->orphans)
		orphans_log(kt, lines);
	kt->list_next = now + (kt->n_orphans > 0 && hash != kt->orphans ? SOON : DAY);
	kt->orphans = hash;
}

void
token_list_over(struct token_job *j)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct hsm_key_info *found = NULL;
	struct key_token *kt = j->kt;
	int rc;

	kt->listing = false;
	if (j->rc < 0 || is_making(kt)) {
		token_orphan_failed(j, j->rc < 0 ? j->why : "a key is just being made; try again");
		return;
	}
	if ((rc = orphans_find(j, &b, &found)) < 0) {
		token_orphan_failed(j, err_str(rc));
		return;
	}
	orphans_note(kt, buf_get(&b), clock_mono_usec());
	buf_char(&b, '\0');
	if (j->id[0] == '\0')
		answer(kt->kr, j->req, DONE, kt->n_orphans, b.rc == 0 ? b.p : "");
	else if (found == NULL)
		answer(kt->kr, j->req, REFUSED, 0, "no key that is not known here has this id");
	else
		remove_ask(j);
}

/* --- one that is removed --- */

static void
remove_audit(struct key_token *kt, const char *id, bool done)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	json_open(&j, '{');
	json_kv_str(&j, "id", id);
	json_kv_bool(&j, "done", done);
	json_close(&j, '}');
	if (b.rc == 0)
		role_audit(kt->role, "token-orphan-removed", buf_get(&b));
}

/* Its files, if it has some: the process died when only the state was not written. */
static int
stray_remove(struct key_role *kr, const char *hex)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	const struct keyring_key *stray = NULL;
	struct key_zone *kz = NULL;
	char id[TOKEN_ID_HEX];
	struct sv its, label;

	for (size_t i = 0; pool != NULL && i < kr->list.n && kz == NULL; i++)
		for (size_t k = 0; kr->zones[i].ring != NULL && k < keyring_n(kr->zones[i].ring) && kz == NULL; k++) {
			const struct keyring_key *have = keyring_get(kr->zones[i].ring, k);

			if (have->uri == NULL || hsm_uri_key(have->uri, pool, &its, &label) < 0)
				continue;
			hex_of(its, id);
			if (strcmp(id, hex) == 0 && (stray = stray_find(&kr->zones[i], its, pool)) != NULL)
				kz = &kr->zones[i];
		}
	return kz == NULL ? 0 : key_files_remove(kr, kz, stray);
}

void
token_remove_over(struct token_job *j)
{
	struct key_token *kt = j->kt;
	int rc = j->rc < 0 ? 0 : stray_remove(kt->kr, j->id);

	remove_audit(kt, j->id, j->rc == 0);
	if (j->rc < 0) {
		token_orphan_failed(j, j->why);
		return;
	}
	role_log(kt->role, LOG_LEVEL_NOTICE, "the key %s was removed from the token, as an operator said", j->id);
	if (rc < 0)
		role_log(kt->role, LOG_LEVEL_WARN, "its files cannot be removed: %s, ignoring", err_str(rc));
	kt->list_next = 0;
	answer(kt->kr, j->req, DONE, 1, "");
}

/* --- asked for --- */

static int
list_ask(struct key_token *kt, uint32_t req, struct sv id)
{
	struct token_job *j = token_job_new(kt, JOB_LIST, 0);

	if (j == NULL)
		return -ENOMEM;
	j->req = req;
	(void)snprintf(j->id, sizeof(j->id), "%.*s", SV_ARG(id));
	if (token_job_add(j) < 0)
		return -EBUSY;
	kt->listing = true;
	return 0;
}

void
token_orphans_tick(struct key_token *kt, int64_t now)
{
	if (kt->listing || now < kt->list_next || atomic_load(&kt->away))
		return;
	if (is_making(kt) || list_ask(kt, 0, SV("")) < 0)
		kt->list_next = now + SOON;
}

static bool
is_hex(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.n > 0 && s.n % 2 == 0 && s.n < TOKEN_ID_HEX;
}

bool
key_token_orphan_command(struct key_role *kr, uint32_t req, struct sv verb, struct sv word)
{
	bool removes = sv_eq_str(verb, "orphan-remove");
	struct key_token *kt = kr->token;

	if (!removes && !sv_eq_str(verb, "orphans"))
		return false;
	if (kt == NULL)
		answer(kr, req, REFUSED, 0, "there is no token: dns.pkcs11.module is not set");
	else if (kt->hsm == NULL || atomic_load(&kt->away))
		answer(kr, req, CANNOT, 0, kt->why);
	else if (removes && !is_hex(word))
		answer(kr, req, WRONG_USAGE, 0, "which key? its id in hexadecimal digits");
	else if (list_ask(kt, req, removes ? word : SV("")) < 0)
		answer(kr, req, CANNOT, 0, "the token is busy");
	return true;
}
