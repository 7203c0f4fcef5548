/* A step that the second opinion refuses: held, told with its story, overridden by name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kit.h"

#include "app/zone_proof.h"
#include "base/err.h"
#include "role/key_role.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/tree.h"

/* What dnssec/timeline would say; the real one agrees with the gate, as test_zone_proof.c shows. */
static bool opinion;
static int opinion_rc;
static unsigned n_asked;

int
zone_proof_step(const struct keystate *before UNUSED, const struct keystate *after UNUSED,
    const struct dnssec_policy *p UNUSED, int64_t now, struct findings *fs, bool *ret_safe)
{
	n_asked++;
	*ret_safe = opinion;
	finding_add(fs, &roll_findings[ROLL_SAFE], FA_TIME("from", now), FA_TIME("until", now + 1));
	return opinion_rc;
}

bool
zone_proof_is_step(const struct keystate *before, const struct keystate *after)
{
	return before->seq[KS_DNSKEY] != after->seq[KS_DNSKEY] || before->seq[KS_DATA] != after->seq[KS_DATA];
}

/* --- there is no token --- */

struct key_token_key *
key_token_key(struct key_token *kt UNUSED, size_t zone UNUSED, const struct keyring_key *k UNUSED)
{
	return NULL;
}

enum key_token_state
key_token_state(const struct key_token *kt UNUSED, const struct key_token_key *k UNUSED,
    const struct keyring_key *of UNUSED, const char **ret_why)
{
	*ret_why = "";
	return KEY_TOKEN_NONE;
}

const char *
key_token_making(const struct key_token *kt UNUSED, size_t zone UNUSED)
{
	return "";
}

int
key_token_delete(struct key_token *kt UNUSED, struct key_token_key *k UNUSED)
{
	return 0;
}

int
key_token_make(struct key_token *kt UNUSED, size_t zone UNUSED, uint8_t alg UNUSED, unsigned bits UNUSED,
    uint16_t flags UNUSED, struct token_made *ret UNUSED)
{
	return -ENOTSUP;
}

void
key_token_adopt(struct key_token *kt UNUSED, size_t zone UNUSED, const struct keyring_key *k UNUSED,
    struct token_made *made UNUSED)
{
	fail();
}

void
key_token_undo(struct key_token *kt UNUSED, struct token_made *made UNUSED)
{
	fail();
}

const char *
key_token_stays(const struct key_token_key *k UNUSED)
{
	return NULL;
}

const char *
key_token_ill(const struct key_token *kt UNUSED)
{
	return NULL;
}

bool
key_token_orphan_command(struct key_role *kr UNUSED, uint32_t req UNUSED, struct sv verb UNUSED,
    struct sv word UNUSED)
{
	return false;
}

/* Nothing is signed here: key_sign.c's part of the sets. */
int
key_table_put(struct key_role *r UNUSED, const struct key_set *s UNUSED)
{
	return 0;
}

int
key_probe(const struct crypto_priv *p UNUSED, struct sv rdata UNUSED)
{
	return 0;
}

/* --- what key.c does in the role --- */

static struct key_role kr;
static struct key_zone kz;
static struct zone_list_entry entry;
static struct role role;
static char folder[] = "/tmp/sekisho-key-XXXXXX";
static uint32_t told_state, answer_code;
static char shown[65536];

struct key_zone *
key_zone_find(struct key_role *r, const struct dname *name)
{
	return dname_eq(&r->zones[0].e->name, name) ? &r->zones[0] : NULL;
}

void
key_timer_arm(struct key_role *r UNUSED)
{
}

void
key_zone_due(struct key_role *r UNUSED, const struct key_zone *z UNUSED)
{
}

static void
sent(enum msg_type type, enum role_id to UNUSED, const void *msg)
{
	struct file_map map;

	if (type == MSG_key_set)
		told_state = ((const struct msg_key_set *)msg)->state;
	if (type == MSG_key_answer)
		answer_code = ((const struct msg_key_answer *)msg)->code;
	if (type != MSG_key_shown)
		return;
	assert_int_equal(memfd_map(((const struct msg_key_shown *)msg)->json, false, sizeof(shown) - 1, &map), 0);
	memcpy(shown, map.data.p, map.data.n);
	shown[map.data.n] = '\0';
	file_unmap(&map);
}

static uint32_t
command(const char *verb, const char *detail)
{
	struct msg_key_command m = { .zone = SV("example.jp."), .verb = sv_str(verb), .detail = sv_str(detail),
		.who = SV("test") };

	answer_code = 99;
	assert_int_equal(key_on_command(&role, ROLE_PARENT, &m), 0);
	return answer_code;
}

static bool
shows(const char *text)
{
	struct msg_key_show m = { .zone = SV("example.jp.") };

	assert_int_equal(key_on_show(&role, ROLE_PARENT, &m), 0);
	return strstr(shown, text) != NULL;
}

/* Is that the last line of the story? */
static bool
tells(enum roll_code code, enum lang lang)
{
	struct pool *pool = pool_new(1 << 16);
	struct buf b = BUF_INIT;
	struct findings fs;
	bool does;

	findings_init(&fs, pool);
	finding_add(&fs, &roll_findings[code], FA_MSG("why", err_str(opinion_rc)));
	finding_text(&b, fs.head, lang);
	buf_char(&b, '\0');
	does = strstr(kz.refusal.story[lang], b.p) != NULL;
	buf_done(&b);
	(void)pool_free(pool);
	return does;
}

static int
setup(void **state UNUSED)
{
	kit_sent = sent;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(kr.folder, sizeof(kr.folder), "%s", folder);
	entry.policy = policy_default();
	entry.policy.backup_required = 0;
	assert_int_equal(dname_parse(SV("example.jp."), NULL, &entry.name), 0);
	kz.e = &entry;
	kr.role = &role;
	kr.zones = &kz;
	kz.kr = &kr;
	kr.list.n = 1;
	kr.list.v = &entry;
	role.state = &kr;
	return 0;
}

static int
teardown(void **state UNUSED)
{
	return tree_remove(folder);
}

static void
refused(void **state UNUSED)
{
	opinion = false;
	assert_int_equal(key_zone_load(&kr, &kz), 0);
	assert_int_equal(key_zone_step(&kr, &kz, NULL), 0);
	assert_int_equal(n_asked, 1);
	assert_true(kz.refusal.is);
	assert_int_equal(key_life(&kz)->state.seq[KS_DNSKEY], 1);	/* as it was before any step */
	assert_int_equal(told_state, KEY_SET_WAITS);
	assert_true(shows("\"refused\":true") && shows("\"story\":\"From ") && shows("\"act\":\"override\""));
	assert_false(shows("\"story_ja\":\"From ") || shows("\"story_ja\":\"\"") || !shows("\"story_ja\":\""));
	assert_true(kz.next <= kit_now + 600);		/* it is asked again */
	/* What is seen still counts; nothing else is done meanwhile. */
	kit_now += 86400;
	assert_int_equal(key_zone_step(&kr, &kz, NULL), 0);
	assert_int_equal(key_life(&kz)->state.now, kit_now);
	assert_int_equal(kz.refusal.since, kit_now - 86400);
	assert_int_equal(key_life(&kz)->state.seq[KS_DNSKEY], 1);
	/* That it could not be judged is no better. */
	opinion = true;
	opinion_rc = SE_LIMIT;
	assert_int_equal(key_zone_step(&kr, &kz, NULL), 0);
	assert_true(kz.refusal.is);
	assert_true(tells(ROLL_UNPROVEN, LANG_EN) && tells(ROLL_UNPROVEN, LANG_JA));
	opinion_rc = 0;
	opinion = false;
}

static void
overridden(void **state UNUSED)
{
	unsigned asked = n_asked;

	assert_int_equal(command("override", ""), 2);
	assert_int_equal(command("override", "example.com"), 2);
	assert_int_equal(key_life(&kz)->state.seq[KS_DNSKEY], 1);
	assert_int_equal(command("override", "EXAMPLE.jp"), 0);
	assert_int_equal(n_asked, asked);
	assert_true(key_life(&kz)->state.seq[KS_DNSKEY] > 1);
	assert_int_equal(told_state, KEY_SET_READY);
	assert_true(shows("\"refused\":false"));
	assert_int_equal(command("override", "example.jp."), 1);	/* once */
}

/* The next step is judged again; and passes when there is nothing against it. */
static void
again(void **state UNUSED)
{
	uint32_t seq = key_life(&kz)->state.seq[KS_DNSKEY];
	struct msg_key_command m = { .zone = SV("example.jp."), .verb = SV("compromised"), .key = SV("csk") };

	assert_int_equal(key_on_command(&role, ROLE_PARENT, &m), 0);
	assert_int_equal(answer_code, 0);
	assert_true(kz.refusal.is);
	assert_int_equal(key_life(&kz)->state.seq[KS_DNSKEY], seq);
	opinion = true;
	assert_int_equal(key_zone_step(&kr, &kz, NULL), 0);
	assert_false(kz.refusal.is);
	assert_true(key_life(&kz)->state.seq[KS_DNSKEY] > seq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(refused), T(overridden), T(again) };

	return cmocka_run_group_tests_name("key_proof", tests, setup, teardown);
}
