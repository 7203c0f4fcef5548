/* Which roles a configuration wants, and what each is told of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/exceptions.h"
#include "app/mail_sign_conf.h"
#include "app/token_conf.h"
#include "app/zone_conf.h"
#include "base/err.h"
#include "role/parent.h"
#include "role/parent_mail.h"
#include "role/parent_name.h"
#include "sys/file.h"
#include "sys/memfd.h"

#define TALS_MAX	1000			/* names in a folder; five are in use */
#define TALS_POOL	((size_t)512 * 1024)

/* Is a trust anchor locator there? */
static bool
tals_there(const char *path)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(TALS_POOL);
	struct sv *names;
	size_t n;

	if (pool == NULL)
		return true;
	if (!file_is_dir(path))
		return file_signature(path, 0) != 0;
	if (dir_list(pool, path, TALS_MAX, &names, &n) < 0)
		return true;		/* validate says why it cannot be read */
	for (size_t i = 0; i < n; i++)
		if (sv_ends(names[i], SV(".tal")))
			return true;
	return false;
}

/*
 * Is there anything to validate and to tell routers? Always, but where zones are
 * signed or mail is judged, no option is about routes, and nobody brought a trust anchor.
 */
static bool
conf_routes(const struct conf *c)
{
	static const struct sv sections[] = { { "rpki.", 5 }, { "rtr.", 4 }, { "fetch.", 6 } };

	if (c->values[CONF_DNS_ZONES].n == 0 && app_conf_str(c, CONF_MILTER_LISTEN)[0] == '\0')
		return true;
	for (size_t r = 0; r < c->n_rows; r++)
		for (size_t s = 0; s < ARRAY_LEN(sections); s++)
			if (c->values[r].line != 0 && sv_starts(sv_str(c->rows[r].path), sections[s]))
				return true;
	return tals_there(app_conf_str(c, CONF_RPKI_TALS));
}

bool
conf_live(const struct conf *c)
{
	const char *mode = app_conf_str(c, CONF_FETCH_MODE);

	if (!conf_routes(c))
		return false;
	if (strcmp(mode, "auto") != 0)
		return strcmp(mode, "on") == 0;
	return c->values[CONF_RPKI_TREE].n == 0 && c->values[CONF_RPKI_RRDP].n == 0;
}

bool
conf_wants(const struct conf *c, enum role_id id)
{
	if (id == ROLE_MAIL)
		return c->values[CONF_ALARM_MAIL_TO].n > 0;
	if (id == ROLE_NAME && app_conf_u32(c, CONF_DNS_LOOK_INTERVAL) == 0)
		return false;
	if (id == ROLE_ZONE || id == ROLE_KEY)
		return c->values[CONF_DNS_ZONES].n > 0;
	/* Records of keys that sign mail are looked at, too. */
	if (id == ROLE_NAME)
		return c->values[CONF_DNS_ZONES].n > 0 || conf_wants(c, ROLE_SEAL);
	if (id == ROLE_SEAL)
		return c->values[CONF_MAIL_SIGN].n > 0 || app_conf_str(c, CONF_MILTER_LISTEN)[0] != '\0';
	if (id == ROLE_MILTER)
		return app_conf_str(c, CONF_MILTER_LISTEN)[0] != '\0';
	if (id == ROLE_REPORT)
		return report_conf_wants(c);
	if (id == ROLE_MARK)
		return mark_conf_wants(c);
	if (id == ROLE_VALIDATE || id == ROLE_RTR)
		return conf_routes(c);
	/* Alarms of zones go to the webhook, too. */
	if (id == ROLE_FETCH && !conf_routes(c))
		return app_conf_str(c, CONF_ALARM_WEBHOOK)[0] != '\0';
	return (id != ROLE_FETCH && id != ROLE_RSYNC && id != ROLE_VERIFY) || conf_live(c);
}

/* The number of a word among the words of its row. */
static uint32_t
word_index(const struct conf *c, enum app_conf_row row, const char *const *words, size_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(app_conf_str(c, row), words[i]) == 0)
			return i;
	return 0;
}

struct conf_texts {
	struct buf	trees, rrdp, asns, prefixes, hosts, slurm, exceptions, allow, md5, mail_to;
	struct buf	zones, names, servers, signs;
	struct milter_texts milter;
	struct report_texts report;
	int		zones_fd;	/* what this role is told of them, or of mail.sign; -1: not made */
	char		marks[4200], objects[4200], scratch[4200], mail[4200], keys[4200], mail_keys[4200];
	struct token_conf token;
};

static void
texts_done(struct conf_texts *t)
{
	buf_done(&t->trees);
	buf_done(&t->rrdp);
	buf_done(&t->asns);
	buf_done(&t->prefixes);
	buf_done(&t->hosts);
	buf_done(&t->slurm);
	buf_done(&t->exceptions);
	buf_done(&t->allow);
	buf_done(&t->md5);
	buf_done(&t->mail_to);
	buf_done(&t->zones);
	buf_done(&t->names);
	buf_done(&t->servers);
	buf_done(&t->signs);
	fd_close(&t->zones_fd);
	token_conf_done(&t->token);
	milter_texts_done(&t->milter);
}

static void
texts_init(struct conf_texts *t, const struct parent *p)
{
	const struct conf *c = p->conf;
	char text[IP_PREFIX_STRLEN];

	*t = (struct conf_texts){ .zones_fd = -1 };
	app_conf_lines(c, CONF_RPKI_TREE, &t->trees);
	app_conf_lines(c, CONF_RPKI_RRDP, &t->rrdp);
	app_conf_lines(c, CONF_ORG_ASNS, &t->asns);
	app_conf_lines(c, CONF_ORG_PREFIXES, &t->prefixes);
	app_conf_lines(c, CONF_FETCH_HOSTS, &t->hosts);
	app_conf_lines(c, CONF_RPKI_SLURM, &t->slurm);
	exceptions_text(c, &t->exceptions);
	app_conf_lines(c, CONF_RTR_ALLOW, &t->allow);
	app_conf_lines(c, CONF_ALARM_MAIL_TO, &t->mail_to);
	for (size_t i = 0; i < p->auth.n_md5; i++)
		buf_printf(&t->md5, "%s\n", ip_prefix_str(&p->auth.md5[i].peers, text));
	(void)snprintf(t->objects, sizeof(t->objects), "%s/objects", app_conf_str(c, CONF_STATE));
	(void)snprintf(t->scratch, sizeof(t->scratch), "%s/rsync", app_conf_str(c, CONF_STATE));
	zone_conf_text(c, &t->zones);
	name_conf_names(buf_get(&t->zones), &t->names);
	token_conf_read(c, &t->token);
	if (app_conf_str(c, CONF_DNS_KEYS)[0] != '\0')
		(void)snprintf(t->keys, sizeof(t->keys), "%s", app_conf_str(c, CONF_DNS_KEYS));
	else
		(void)snprintf(t->keys, sizeof(t->keys), "%s/keys", app_conf_str(c, CONF_STATE));
	(void)snprintf(t->mail, sizeof(t->mail), "%s/mail", app_conf_str(c, CONF_STATE));
	mail_sign_conf_text(c, &t->signs);
	(void)snprintf(t->mail_keys, sizeof(t->mail_keys), "%s/mail-keys", app_conf_str(c, CONF_STATE));
}

union conf_msg {
	struct msg_store_conf		store;
	struct msg_validate_conf	validate;
	struct msg_rtr_conf		rtr;
	struct msg_web_conf		web;
	struct msg_fetch_conf		fetch;
	struct msg_rsync_conf		rsync;
	struct msg_verify_conf		verify;
	struct msg_mail_conf		mail;
	struct msg_zone_conf		zone;
	struct msg_key_conf		key;
	struct msg_name_conf		name;
	struct msg_seal_conf		seal;
	struct msg_milter_conf		milter;
	struct msg_report_conf		report;
	struct msg_mark_conf		mark;
};

static enum msg_type
msg_fill_fetch(const struct conf *c, const struct conf_texts *t, union conf_msg *m)
{
	static const char *const rsync[] = { "never", "fallback", "always" };

	m->fetch = (struct msg_fetch_conf){
		.hosts = buf_get(&t->hosts),
		.ca_file = sv_str(app_conf_str(c, CONF_FETCH_CA_FILE)),
		.refresh = app_conf_u32(c, CONF_FETCH_REFRESH),
		.timeout = app_conf_u32(c, CONF_FETCH_TIMEOUT),
		.max_mb = app_conf_u32(c, CONF_FETCH_MAX_MB),
		.rsync = word_index(c, CONF_FETCH_RSYNC, rsync, ARRAY_LEN(rsync)),
		.rrdp = strcmp(app_conf_str(c, CONF_FETCH_RRDP), "yes") == 0,
	};
	return MSG_fetch_conf;
}

static enum msg_type
msg_fill_rsync(const struct conf *c, const struct conf_texts *t, union conf_msg *m)
{
	m->rsync = (struct msg_rsync_conf){
		.program = sv_str(app_conf_str(c, CONF_FETCH_RSYNC_PROGRAM)),
		.scratch = sv_str(t->scratch),
		.hosts = buf_get(&t->hosts),
		.timeout = app_conf_u32(c, CONF_FETCH_TIMEOUT),
		.max_mb = app_conf_u32(c, CONF_FETCH_MAX_MB),
	};
	return MSG_rsync_conf;
}

static enum msg_type
msg_fill_validate(const struct conf *c, const struct conf_texts *t, union conf_msg *m)
{
	m->validate = (struct msg_validate_conf){
		.tals = sv_str(app_conf_str(c, CONF_RPKI_TALS)),
		.trees = buf_get(&t->trees), .rrdp = buf_get(&t->rrdp),
		.interval = app_conf_u32(c, CONF_RPKI_INTERVAL),
		.jobs = app_conf_u32(c, CONF_RPKI_JOBS),
		.objects = sv_str(conf_live(c) ? t->objects : ""),
		.facts = 1,
		.settle = app_conf_u32(c, CONF_FETCH_TIMEOUT) + 30,
		.guard_share = app_conf_u32(c, CONF_RPKI_GUARD_SHARE),
		.guard_min = app_conf_u32(c, CONF_RPKI_GUARD_MIN),
		.guard_hold = app_conf_u32(c, CONF_RPKI_GUARD_HOLD),
		.org_name = sv_str(app_conf_str(c, CONF_ORG_NAME)),
		.org_asns = buf_get(&t->asns),
		.org_prefixes = buf_get(&t->prefixes),
	};
	return MSG_validate_conf;
}

static enum msg_type
msg_fill_store(const struct parent *p, const struct conf_texts *t, union conf_msg *m)
{
	const struct conf *c = p->conf;

	m->store = (struct msg_store_conf){
		.state = sv_str(app_conf_str(c, CONF_STATE)),
		.keep = app_conf_u32(c, CONF_RPKI_KEEP),
		.object_log = p->logs.object,
		.object_log_per_hour = app_conf_u32(c, CONF_LOG_OBJECT_PER_HOUR),
		.live = conf_live(c),
		.objects_mb = app_conf_u32(c, CONF_FETCH_STORE_MB),
		.grace = app_conf_u32(c, CONF_FETCH_GRACE),
		.history_keep = app_conf_u32(c, CONF_HISTORY_KEEP),
		.org_asns = buf_get(&t->asns), .org_prefixes = buf_get(&t->prefixes),
		.expiry_warn = app_conf_u32(c, CONF_ALARM_EXPIRY),
		.repository_age = app_conf_u32(c, CONF_ALARM_REPOSITORY),
		.data_age = app_conf_u32(c, CONF_ALARM_DATA),
		.alarm_after = app_conf_u32(c, CONF_ALARM_AFTER),
		.alarm_repeat = app_conf_u32(c, CONF_ALARM_REPEAT),
		.key_lead = app_conf_u32(c, CONF_ALARM_KEY_LEAD),
		.webhook = sv_str(app_conf_str(c, CONF_ALARM_WEBHOOK)),
		.mail = c->values[CONF_ALARM_MAIL_TO].n > 0,
		.mail_lang = strcmp(app_conf_str(c, CONF_ALARM_MAIL_LANG), "ja") == 0,
		.mail_gap = app_conf_u32(c, CONF_ALARM_MAIL_GAP),
		.org_name = sv_str(app_conf_str(c, CONF_ORG_NAME)),
	};
	return MSG_store_conf;
}

static enum msg_type
msg_fill_mail(const struct conf *c, const struct conf_texts *t, union conf_msg *m)
{
	m->mail = (struct msg_mail_conf){
		.program = sv_str(app_conf_str(c, CONF_ALARM_MAIL_SENDMAIL)),
		.folder = sv_str(t->mail),
		.from = sv_str(app_conf_str(c, CONF_ALARM_MAIL_FROM)),
		.to = buf_get(&t->mail_to),
		.timeout = app_conf_u32(c, CONF_ALARM_MAIL_TIMEOUT),
	};
	return MSG_mail_conf;
}

static enum msg_type
msg_fill_rtr(const struct parent *p, const struct conf_texts *t, union conf_msg *m)
{
	const struct conf *c = p->conf;

	m->rtr = (struct msg_rtr_conf){
		.refresh = app_conf_u32(c, CONF_RTR_REFRESH),
		.retry = app_conf_u32(c, CONF_RTR_RETRY),
		.expire = app_conf_u32(c, CONF_RTR_EXPIRE),
		.max_clients = app_conf_u32(c, CONF_RTR_MAX_CLIENTS),
		.max_version = app_conf_u32(c, CONF_RTR_MAX_VERSION),
		.allow = buf_get(&t->allow),
		.md5 = buf_get(&t->md5),
		.tls_cert = buf_get(&p->auth.tls.cert),
		.tls_key = buf_get(&p->auth.tls.key),
		.tls_ca = buf_get(&p->auth.tls.ca),
	};
	return MSG_rtr_conf;
}

/* Both get the same list of zones. */
static enum msg_type
msg_fill_names(const struct conf *c, enum role_id id, const struct conf_texts *t, union conf_msg *m)
{
	if (id == ROLE_KEY) {
		m->key = (struct msg_key_conf){ .folder = sv_str(t->keys), .zones = t->zones_fd,
		    .looks = conf_wants(c, ROLE_NAME),
		    .module = t->token.module, .token = t->token.token, .pin_file = t->token.pin_file,
		    .sessions = t->token.sessions, .timeout = t->token.timeout_sec,
		    .connect = t->token.connect, .read_paths = buf_get(&t->token.read),
		    .write_paths = buf_get(&t->token.write),
		    .environment = buf_get(&t->token.environment), .stamp = t->token.stamp };
		return MSG_key_conf;
	}
	m->zone = (struct msg_zone_conf){ .state = sv_str(app_conf_str(c, CONF_STATE)),
	    .zones = t->zones_fd, .jobs = app_conf_u32(c, CONF_DNS_JOBS) };
	return MSG_zone_conf;
}

static enum msg_type
msg_fill(const struct parent *p, enum role_id id, struct conf_texts *t,
    union conf_msg *m)
{
	const struct conf *c = p->conf;

	switch (id) {
	case ROLE_STORE:
		return msg_fill_store(p, t, m);
	case ROLE_VALIDATE:
		return msg_fill_validate(c, t, m);
	case ROLE_RTR:
		return msg_fill_rtr(p, t, m);
	case ROLE_FETCH:
		return msg_fill_fetch(c, t, m);
	case ROLE_RSYNC:
		return msg_fill_rsync(c, t, m);
	case ROLE_MAIL:
		return msg_fill_mail(c, t, m);
	case ROLE_NAME:
		m->name = name_conf_fill(c, &t->servers);
		m->name.zones = t->zones_fd;
		return MSG_name_conf;
	case ROLE_MILTER:
		m->milter = milter_conf_fill(c, &t->milter);
		return MSG_milter_conf;
	case ROLE_REPORT:
		m->report = report_conf_fill(c, &t->report);
		return MSG_report_conf;
	case ROLE_MARK:
		m->mark = mark_conf_fill(c, buf_get(&t->hosts), t->marks, sizeof(t->marks));
		return MSG_mark_conf;
	case ROLE_SEAL:
		m->seal = (struct msg_seal_conf){ .folder = sv_str(t->mail_keys), .rows = t->zones_fd,
		    .stamp = mail_sign_conf_stamp(c) };
		return MSG_seal_conf;
	case ROLE_ZONE:
	case ROLE_KEY:
		return msg_fill_names(c, id, t, m);
	case ROLE_VERIFY:
		m->verify = (struct msg_verify_conf){
			.jobs = app_conf_u32(c, CONF_RPKI_JOBS) };
		return MSG_verify_conf;
	default:
		m->web = (struct msg_web_conf){
			.token = sv_str(p->token),
			.org_name = sv_str(app_conf_str(c, CONF_ORG_NAME)),
			.org_asns = buf_get(&t->asns),
			.org_prefixes = buf_get(&t->prefixes),
		};
		return MSG_web_conf;
	}
}

/* The message as bytes, to see whether it has changed. */
static int
msg_bytes(const struct frame_def *d, enum role_id id, const void *msg, struct buf *ret)
{
	uint8_t out[FRAME_MAX];
	struct wr w = wr_mem(out, sizeof(out));
	int fds[FRAME_FDS_MAX], rc;
	unsigned n_fds;

	if ((rc = frame_write(d, ROLE_PARENT, (uint8_t)id, msg, &w, fds, &n_fds)) < 0)
		return rc;
	buf_bytes(ret, out, w.len);
	return ret->rc;
}

/* What is local goes before the configuration of validate. */
static struct msg_validate_local
local_fill(const struct conf_texts *t)
{
	return (struct msg_validate_local){ .slurm = buf_get(&t->slurm),
	    .exceptions = buf_get(&t->exceptions) };
}

static struct msg_store_zones
zones_fill(const struct parent *p, const struct conf_texts *t)
{
	return (struct msg_store_zones){ .state = sv_str(app_conf_str(p->conf, CONF_STATE)),
	    .zones = t->zones_fd };
}

/* The zones as this role gets them. */
static const struct buf *
zones_text(const struct conf_texts *t, enum role_id id)
{
	return id == ROLE_NAME ? &t->names : id == ROLE_SEAL ? &t->signs : &t->zones;
}

static bool
is_told_zones(enum role_id id)
{
	return id == ROLE_STORE || id == ROLE_ZONE || id == ROLE_KEY || id == ROLE_NAME || id == ROLE_SEAL;
}

/* All that a role is told, as bytes; of what is in a memfd its hash. */
static int
conf_bytes(const struct parent *p, enum role_id id, const struct conf_texts *t, enum msg_type type,
    const void *m, struct buf *ret)
{
	struct msg_validate_local l = local_fill(t);
	struct msg_store_zones z = zones_fill(p, t);
	struct msg_crypto c;
	int rc;

	ret->len = 0;
	rc = msg_bytes(message_def((uint16_t)type), id, m, ret);
	if (rc == 0 && crypto_fill(p, id, &c))
		rc = msg_bytes(message_def(MSG_crypto), id, &c, ret);
	if (rc == 0 && id == ROLE_VALIDATE)
		rc = msg_bytes(message_def(MSG_validate_local), id, &l, ret);
	if (rc == 0 && id == ROLE_STORE)
		rc = msg_bytes(message_def(MSG_store_zones), id, &z, ret);
	if (rc == 0 && id == ROLE_ZONE)
		tsig_mark(p, ret);
	if (rc == 0 && is_told_zones(id))
		conf_mark(buf_get(zones_text(t, id)), ret);
	return rc < 0 ? rc : ret->rc;
}

int
conf_send(struct child *c)
{
	struct msg_validate_local l;
	struct msg_store_zones z;
	struct msg_crypto crypto;
	struct conf_texts t;
	union conf_msg m;
	enum msg_type type;
	int rc;

	texts_init(&t, c->p);
	rc = !is_told_zones(c->id) ? 0 : memfd_of("zones", buf_get(zones_text(&t, c->id)), &t.zones_fd);
	l = local_fill(&t);
	z = zones_fill(c->p, &t);
	type = msg_fill(c->p, c->id, &t, &m);
	if (rc == 0)
		rc = conf_bytes(c->p, c->id, &t, type, &m, &c->conf);
	if (rc == 0 && crypto_fill(c->p, c->id, &crypto))
		rc = child_send(c, MSG_crypto, &crypto);
	if (rc == 0 && c->id == ROLE_VALIDATE)
		rc = child_send(c, MSG_validate_local, &l);
	if (rc == 0 && c->id == ROLE_STORE)
		rc = child_send(c, MSG_store_zones, &z);
	if (rc == 0 && c->id == ROLE_ZONE)
		rc = tsig_send(c);
	if (rc == 0)
		rc = child_send(c, type, &m);
	texts_done(&t);
	return rc;
}

bool
conf_changed(struct child *c)
{
	struct buf now = BUF_INIT;
	struct conf_texts t;
	enum msg_type type;
	union conf_msg m;
	bool changed;

	texts_init(&t, c->p);
	type = msg_fill(c->p, c->id, &t, &m);
	changed = conf_bytes(c->p, c->id, &t, type, &m, &now) < 0 ||
	    !sv_eq(buf_get(&now), buf_get(&c->conf));
	buf_done(&now);
	texts_done(&t);
	return changed;
}
