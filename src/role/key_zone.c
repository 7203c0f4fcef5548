/* One zone's keys: its folder, its state, and what the zone role is told of them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_file.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "role/key_role.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/tree.h"

#define FINDINGS_POOL	((size_t)256 * 1024)
#define STEPS_MAX	16	/* each makes a key; a policy asks for six at the most */
#define PATH_LEN_MAX	4600

/* --- places --- */

static int
zone_path(const struct key_role *kr, const struct key_zone *kz, const char *file, char dst[static PATH_LEN_MAX])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int n;

	zone_file_name(&b, &kz->e->name);
	if (b.rc < 0)
		return b.rc;
	n = snprintf(dst, PATH_LEN_MAX, "%s/%.*s%s%s", kr->folder, SV_ARG(buf_get(&b)),
	    file[0] == '\0' ? "" : "/", file);
	return n < 0 || n >= PATH_LEN_MAX ? -ENAMETOOLONG : 0;
}

static const char *
zone_text(const struct key_zone *kz, char dst[static DNAME_STRLEN])
{
	return dname_str(&kz->e->name, dst);
}

/* --- telling --- */

static void
findings_tell(struct key_role *kr, struct key_zone *kz, const struct findings *fs)
{
	_cleanup_(buf_done) struct buf all = BUF_INIT;
	char name[DNAME_STRLEN];
	uint64_t hash;

	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		buf_printf(&all, "%s: ", f->def->code);
		finding_text(&all, f, LANG_EN);
		buf_char(&all, '\n');
	}
	hash = all.len == 0 ? 0 : hash_bytes(all.p, all.len);
	if (all.rc < 0 || hash == kz->told)
		return;
	kz->told = hash;
	for (struct sv rest = buf_get(&all), line; sv_line(&rest, &line); )
		role_log(kr->role, LOG_LEVEL_WARN, "%s %.*s", zone_text(kz, name), SV_ARG(line));
}

/* --- sets --- */

static struct key_set *
set_new(const struct key_zone *kz)
{
	struct key_set *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->apex = kz->e->name;
	s->life_max = kz->e->policy.validity + kz->e->policy.clock_skew;
	s->state = KEY_SET_CANNOT;
	return s;
}

static const struct keyring_key *
ring_find(const struct keyring *ring, const struct keystate_key *k)
{
	struct sv public = { (const char *)k->public_key, k->public_len };
	struct dnskey d;

	for (size_t i = 0; i < keyring_n(ring); i++)
		if (dnskey_parse(keyring_get(ring, i)->rdata, &d) == 0 && d.alg == k->alg &&
		    sv_eq(d.public_key, public))
			return keyring_get(ring, i);
	return NULL;
}

static unsigned
uses_of(const struct keystate_publication *p, int place)
{
	uint32_t bit = UINT32_C(1) << place;

	return ((p->dnskey & bit) != 0 ? SIGN_USE_PUBLISH : 0U) |
	    ((p->dnskey_sigs & bit) != 0 ? SIGN_USE_DNSKEY : 0U) |
	    ((p->zone_sigs & bit) != 0 ? SIGN_USE_ZONE : 0U) |
	    ((p->cds & bit) != 0 ? SIGN_USE_CDS : 0U);
}

static void
set_key_add(struct key_set *s, const struct keyring_key *k, unsigned uses)
{
	struct dnskey d;

	if (dnskey_parse(k->rdata, &d) < 0)
		return;
	s->key[s->n++] = (struct set_key){ .rdata = k->rdata, .priv = k->priv, .uses = uses,
	    .alg = d.alg, .tag = dnskey_tag(k->rdata), .sig_len = dnskey_sig_len(k->rdata) };
}

static void
set_waits(struct key_set *s, const struct key_zone *kz)
{
	s->state = KEY_SET_WAITS;
	(void)snprintf(s->why, sizeof(s->why), "no key may be used yet");
	for (size_t i = 0; i < kz->step.n_waits; i++)
		if (kz->step.waits[i].why == KS_WAIT_BACKUP) {
			(void)snprintf(s->why, sizeof(s->why), "its keys are to be backed up first "
			    "(or backup-required: no in its policy)");
			return;
		}
}

/* What the step says, as keys and what each does. */
static void
set_fill(struct key_set *s, const struct key_zone *kz)
{
	const struct keystate_publication *p = &kz->step.pub;

	s->cds_delete = p->cds_delete;
	if (!p->valid || p->dnskey_sigs == 0 || p->zone_sigs == 0) {
		set_waits(s, kz);
		return;
	}
	s->state = KEY_SET_READY;
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = &kz->state.keys[i];
		unsigned uses = uses_of(p, i);
		const struct keyring_key *have;

		if (k->number == 0 || uses == 0)
			continue;
		have = ring_find(kz->ring, k);
		if (have != NULL && (have->priv != NULL || (uses & (SIGN_USE_DNSKEY | SIGN_USE_ZONE)) == 0)) {
			set_key_add(s, have, uses);
			continue;
		}
		s->state = KEY_SET_CANNOT;
		s->n = 0;
		(void)snprintf(s->why, sizeof(s->why), "the private key with tag %u is not in its folder",
		    k->tag);
		return;
	}
}

static bool
set_same(const struct key_set *a, const struct key_set *b)
{
	if (a == NULL || a->state != b->state || a->n != b->n || a->cds_delete != b->cds_delete ||
	    strcmp(a->why, b->why) != 0)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->key[i].uses != b->key[i].uses || !sv_eq(a->key[i].rdata, b->key[i].rdata))
			return false;
	return true;
}

int
key_zone_tell(struct key_role *kr, const struct key_zone *kz)
{
	const struct key_set *s = kz->set;
	uint8_t octets[KEY_SET_KEYS_MAX];
	struct wr w = wr_mem(octets, sizeof(octets));
	struct msg_key_set m;

	if (s == NULL)
		return 0;
	for (size_t i = 0; i < s->n; i++) {
		wr_be16(&w, (uint16_t)s->key[i].uses);
		wr_be16(&w, (uint16_t)s->key[i].rdata.n);
		wr_bytes(&w, s->key[i].rdata.p, s->key[i].rdata.n);
	}
	if (!wr_done(&w))
		return SE_LIMIT;
	m = (struct msg_key_set){ .zone = { (const char *)s->apex.w, s->apex.len }, .state = s->state,
	    .generation = s->generation, .keys = { (const char *)octets, w.len },
	    .cds_delete = s->cds_delete, .why = sv_str(s->why) };
	return msg_key_set_send(kr->role, ROLE_ZONE, &m);
}

/* The old one stays: a thread may be reading it. */
static int
set_use(struct key_role *kr, struct key_zone *kz, struct key_set *s)
{
	char name[DNAME_STRLEN];
	int rc;

	if (set_same(kz->set, s)) {
		free(s);
		return 0;
	}
	s->generation = kr->next_generation++;
	kz->set = s;
	if (s->state != KEY_SET_READY)
		role_log(kr->role, s->state == KEY_SET_CANNOT ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
		    "%s: %s", zone_text(kz, name), s->why);
	if ((rc = key_table_publish(kr)) < 0)
		return rc;
	return key_zone_tell(kr, kz);
}

static int
cannot(struct key_role *kr, struct key_zone *kz, const char *what, const char *why)
{
	struct key_set *s = set_new(kz);

	if (s == NULL)
		return -ENOMEM;
	(void)snprintf(s->why, sizeof(s->why), "%s: %s", what, why);
	return set_use(kr, kz, s);
}

/* --- the state on the disk --- */

static int
state_put(const char *path, struct sv text)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	int rc = atomicfile_open_secret(&f, path);

	if (rc < 0)
		return rc;
	if ((rc = fd_write_all(&f.fd, text.p, text.n)) < 0)
		return rc;
	return atomicfile_commit(&f);
}

static int
state_write(struct key_role *kr, struct key_zone *kz)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char path[PATH_LEN_MAX];
	int rc;

	keystate_write(&kz->state, &b);
	if (b.rc < 0)
		return b.rc;
	if (sv_eq(buf_get(&b), buf_get(&kz->written)))
		return 0;
	if ((rc = zone_path(kr, kz, "state", path)) < 0 || (rc = state_put(path, buf_get(&b))) < 0)
		return rc;
	kz->written.len = 0;
	buf_sv(&kz->written, buf_get(&b));
	return kz->written.rc;
}

/* -ENOENT: there is none. */
static int
state_read(struct key_role *kr, struct key_zone *kz, struct findings *fs)
{
	char path[PATH_LEN_MAX];
	struct sv text;
	unsigned line;
	int rc;

	if ((rc = zone_path(kr, kz, "state", path)) < 0 ||
	    (rc = file_read(fs->pool, FILE_CWD, path, KEYSTATE_TEXT_MAX, &text)) < 0)
		return rc;
	return keystate_parse(text, &kz->state, &line, fs);
}

/* --- the folder --- */

static int
probes(const struct keyring *ring)
{
	int rc = 0;

	for (size_t i = 0; i < keyring_n(ring) && rc == 0; i++)
		if (keyring_get(ring, i)->priv != NULL)
			rc = key_probe(keyring_get(ring, i)->priv, keyring_get(ring, i)->rdata);
	return rc;
}

static int
zone_read(struct key_role *kr, struct key_zone *kz, struct findings *fs, const char **ret_what)
{
	char folder[PATH_LEN_MAX];
	int64_t now = role_now(kr->role);
	int rc;

	*ret_what = "its folder";
	if ((rc = zone_path(kr, kz, "", folder)) < 0 || (rc = tree_make(folder)) < 0)
		return rc;
	*ret_what = "its keys";
	if ((rc = keyring_read(folder, &kz->e->name, fs, &kz->ring)) < 0)
		return rc;
	if (findings_reject(fs))
		return -EBADMSG;
	*ret_what = "the probe of its keys";
	if ((rc = probes(kz->ring)) < 0)
		return rc;
	*ret_what = "the state of its keys";
	rc = state_read(kr, kz, fs);
	if (rc == -ENOENT && keyring_n(kz->ring) == 0) {
		/* On the disk before the first key is: keys without a state were in use. */
		keystate_init(&kz->state, now);
		return state_write(kr, kz);
	}
	/*
	 * A private file that is not there may come back: set_fill() says so, and
	 * nothing else is done. That a key is lost is the operator's word.
	 */
	return rc;
}

int
key_zone_load(struct key_role *kr, struct key_zone *kz)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL + KEYSTATE_TEXT_MAX);
	struct findings fs;
	const char *what;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	policy_check(&kz->e->policy, &fs);
	if (findings_reject(&fs)) {
		findings_tell(kr, kz, &fs);
		return cannot(kr, kz, "its policy", "see the log");
	}
	rc = zone_read(kr, kz, &fs, &what);
	findings_tell(kr, kz, &fs);
	if (rc >= 0)
		return 0;
	kz->ring = keyring_free(kz->ring);
	return cannot(kr, kz, what, err_str(rc));
}

/* --- steps --- */

static int
key_make(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a, int64_t now)
{
	uint16_t flags = a->role == KS_ZSK ? DNSKEY_ZONE : DNSKEY_ZONE | DNSKEY_SEP;
	const struct keyring_key *k;
	struct keystate_newkey new;
	char zone[DNAME_STRLEN];
	const char *name;
	struct dnskey d;
	uint32_t number;
	int rc;

	if ((rc = keyring_generate(kz->ring, a->alg, a->bits, flags, now, &name)) < 0)
		return rc;
	k = keyring_get(kz->ring, keyring_n(kz->ring) - 1);
	if ((rc = key_probe(k->priv, k->rdata)) < 0 || (rc = dnskey_parse(k->rdata, &d)) < 0)
		return rc;
	new = (struct keystate_newkey){ .role = a->role, .alg = a->alg, .tag = dnskey_tag(k->rdata),
	    .bits = a->bits, .goal = a->goal, .public_key = d.public_key };
	role_log(kr->role, LOG_LEVEL_NOTICE, "%s: made key %s (%s)", zone_text(kz, zone), name,
	    keystate_role_name(a->role));
	return keystate_add_key(&kz->state, &new, now, &number);
}

/* The keys that this step asks for; how many. */
static int
keys_make(struct key_role *kr, struct key_zone *kz, int64_t now, unsigned *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < kz->step.n_actions; i++) {
		int rc = 0;

		if (kz->step.actions[i].act != KS_ACT_GENERATE)
			continue;
		if ((rc = key_make(kr, kz, &kz->step.actions[i], now)) < 0)
			return rc;
		(*ret_n)++;
	}
	return 0;
}

static int
steps(struct key_role *kr, struct key_zone *kz, int64_t now, struct findings *fs)
{
	const struct keystate_observations nobody = { 0 };
	unsigned made = 1;
	int rc = 0;

	for (unsigned i = 0; i < STEPS_MAX && made > 0 && rc == 0; i++) {
		rc = keystate_next(&kz->state, &kz->e->policy, &nobody, now, fs, &kz->step);
		if (rc == 0)
			rc = keys_make(kr, kz, now, &made);
	}
	/* Before anybody hears of it. */
	return rc < 0 ? rc : state_write(kr, kz);
}

int
key_zone_step(struct key_role *kr, struct key_zone *kz)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL);
	struct findings fs;
	struct key_set *s;
	int rc;

	if (kz->ring == NULL)
		return 0;
	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	rc = steps(kr, kz, role_now(kr->role), &fs);
	findings_tell(kr, kz, &fs);
	kz->next = rc < 0 ? role_now(kr->role) + 60 : kz->step.next;
	/* A full disk: what was told stays true. */
	if (rc < 0)
		return kz->set != NULL && kz->set->state == KEY_SET_READY ? 0 :
		    cannot(kr, kz, "its keys", err_str(rc));
	if ((s = set_new(kz)) == NULL)
		return -ENOMEM;
	set_fill(s, kz);
	return set_use(kr, kz, s);
}

int
key_zone_backed_up(struct key_role *kr, struct key_zone *kz, unsigned *ret_n)
{
	int64_t now = role_now(kr->role);

	*ret_n = 0;
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = &kz->state.keys[i];

		if (k->number == 0 || (k->flags & (KS_FLAG_BACKED_UP | KS_FLAG_EXTERNAL)) != 0)
			continue;
		if (keystate_command(&kz->state, KS_CMD_BACKED_UP, k->number, now) == 0)
			(*ret_n)++;
	}
	return key_zone_step(kr, kz);
}
