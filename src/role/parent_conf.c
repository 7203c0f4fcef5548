/* From the configuration to sockets, logs and the roles' messages. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/exceptions.h"
#include "app/token_conf.h"
#include "app/zone_conf.h"
#include "base/err.h"
#include "role/parent.h"
#include "role/parent_name.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/net_udp.h"

#define TALS_MAX	1000			/* names in a folder; five are in use */
#define TALS_POOL	((size_t)512 * 1024)

/* --- listening sockets --- */

/* What a role listens on. */
struct listening {
	enum role_id		role;
	enum app_conf_row	row;
	bool			tls, udp;
};

static struct listener *
listener_find(struct parent *p, const struct listening *w, const char *asked)
{
	for (unsigned i = 0; i < p->n_listeners; i++)
		if (p->listeners[i].role == w->role && p->listeners[i].tls == w->tls &&
		    p->listeners[i].udp == w->udp &&
		    strcmp(p->listeners[i].asked, asked) == 0)
			return &p->listeners[i];
	return NULL;
}

/* Are the secrets of RFC 2385 for it? TLS has its own. */
static bool
listener_signed(enum role_id role, bool tls)
{
	return role == ROLE_RTR && !tls;
}

/* What to do about it; "": nothing that is known. */
static const char *
listen_hint(int rc)
{
	switch (rc) {
	case -EADDRINUSE:
		return N_("; another sekisho or another server listens there: see \"ss -ltnp\"");
	case -EADDRNOTAVAIL:
		return N_("; this machine does not have that address: see \"ip address\"");
	case -EACCES:
		return N_("; ports below 1024 are for root: start as root with \"user\" in the configuration, or take another port");
	default:
		return "";
	}
}

/* Into fresh: the old socket if it is the same address, else a new one. */
static int
listener_add(struct parent *p, const struct listening *w, const char *asked,
    const struct auth *auth, struct listener *fresh, unsigned *n, struct buf *err)
{
	const struct listener *old = listener_find(p, w, asked);
	struct listener *l = &fresh[*n];
	int rc;

	if (*n == LISTENERS_MAX) {
		buf_printf(err, tr(p->lang, N_("more than %d addresses to listen on")),
		    LISTENERS_MAX);
		return SE_LIMIT;
	}
	if (old != NULL)
		*l = *old;
	else {
		*l = (struct listener){ .role = w->role, .tls = w->tls, .udp = w->udp };
		(void)snprintf(l->asked, sizeof(l->asked), "%s", asked);
		rc = w->udp ? udp_listen(asked, &l->fd, &l->bound) :
		    tcp_listen_md5(asked, auth->md5, listener_signed(w->role, w->tls) ?
		    auth->n_md5 : 0, &l->fd, &l->bound);
		if (rc < 0) {
			buf_printf(err, tr(p->lang, N_("cannot listen on %s: %s")),
			    asked, err_str(rc));
			if (listen_hint(rc)[0] != '\0')
				buf_str(err, tr(p->lang, listen_hint(rc)));
			return rc;
		}
	}
	(*n)++;
	return 0;
}

static bool
fd_among(int fd, const struct listener *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (l[i].fd == fd)
			return true;
	return false;
}

/* Close those of a that are not in b. */
static void
listeners_close(struct listener *a, unsigned n_a, const struct listener *b,
    unsigned n_b)
{
	for (unsigned i = 0; i < n_a; i++)
		if (!fd_among(a[i].fd, b, n_b))
			fd_close(&a[i].fd);
}

static bool
secret_held(const struct auth *a, const struct ip_prefix *peers)
{
	for (size_t i = 0; i < a->n_md5; i++)
		if (ip_prefix_cmp(&a->md5[i].peers, peers) == 0)
			return true;
	return false;
}

/*
 * The sockets that stay: new secrets in, then those that are no longer
 * there out. When the kernel does not take one, the old ones come back.
 */
static int
secrets_swap(struct parent *p, const struct auth *fresh, struct buf *err)
{
	const struct auth *old = &p->auth;
	int rc = 0;

	for (unsigned i = 0; i < p->n_listeners && rc == 0; i++) {
		struct listener *l = &p->listeners[i];

		if (!listener_signed(l->role, l->tls))
			continue;
		if ((rc = tcp_md5_all(l->fd, fresh->md5, fresh->n_md5)) < 0) {
			buf_printf(err, "rtr.md5: %s: %s", l->asked, err_str(rc));
			if (tcp_md5_all(l->fd, old->md5, old->n_md5) < 0)
				parent_log(p, LOG_LEVEL_ERROR, "rtr.md5: %s: the secrets before "
				    "could not be restored; restart sekisho", l->asked);
			break;
		}
		for (size_t k = 0; old != fresh && k < old->n_md5; k++) {
			const struct tcp_secret none = { .peers = old->md5[k].peers };

			/* -ENOENT, or of the other family: it was never there. */
			if (!secret_held(fresh, &none.peers) && tcp_md5(l->fd, &none) == 0)
				parent_log(p, LOG_LEVEL_DEBUG, "rtr.md5: a secret was removed");
		}
	}
	return rc;
}

int
conf_listeners(struct parent *p, const struct conf *c, const struct auth *auth, struct buf *err)
{
	static const struct listening who[] = {
		{ ROLE_RTR, CONF_RTR_LISTEN, false, false },
		{ ROLE_RTR, CONF_RTR_TLS_LISTEN, true, false },
		{ ROLE_WEB, CONF_WEB_LISTEN, false, false },
		{ ROLE_ZONE, CONF_DNS_LISTEN, false, true },
		{ ROLE_ZONE, CONF_DNS_LISTEN, false, false },
	};
	struct listener fresh[LISTENERS_MAX];
	unsigned n = 0;
	int rc = 0;

	for (size_t w = 0; w < ARRAY_LEN(who) && rc == 0; w++) {
		const struct conf_value *v = &c->values[who[w].row];

		if (!conf_wants(c, who[w].role))
			continue;
		for (size_t i = 0; i < v->n && rc == 0; i++)
			rc = listener_add(p, &who[w], v->items[i].text.p, auth, fresh, &n, err);
	}
	if (rc == 0)
		rc = secrets_swap(p, auth, err);
	if (rc < 0) {
		listeners_close(fresh, n, p->listeners, p->n_listeners);
		return rc;
	}
	listeners_close(p->listeners, p->n_listeners, fresh, n);
	memcpy(p->listeners, fresh, n * sizeof(fresh[0]));
	p->n_listeners = n;
	return 0;
}

/* --- what authenticates RTR --- */

void
auth_done(struct auth *a)
{
	rtr_tls_pems_done(&a->tls);
	explicit_bzero(a->md5, sizeof(a->md5));
	a->n_md5 = 0;
	buf_wipe(&a->tsig);
}

static int
secrets_read(struct parent *p, const struct conf *c, struct auth *a, struct buf *err)
{
	const struct conf_value *v = &c->values[CONF_RTR_MD5];
	int rc;

	if (v->n > RTR_MD5_MAX) {
		buf_printf(err, tr(p->lang, N_("rtr.md5: more than %d secrets")), RTR_MD5_MAX);
		return SE_LIMIT;
	}
	for (size_t i = 0; i < v->n; i++) {
		struct tcp_secret *s = &a->md5[a->n_md5];

		if ((rc = rtr_secret_parse(v->items[i].text, p->lang, s, err)) < 0)
			return rc;
		if (secret_held(a, &s->peers)) {
			buf_printf(err, tr(p->lang, N_("rtr.md5: \"%.*s\": there is one for these "
			    "addresses already")), SV_ARG(v->items[i].text));
			return SE_SYNTAX;
		}
		a->n_md5++;
	}
	return 0;
}

int
conf_auth(struct parent *p, const struct conf *c, struct auth *ret, struct buf *err)
{
	const struct rtr_tls_files files = {
		.cert = app_conf_str(c, CONF_RTR_TLS_CERT),
		.key = app_conf_str(c, CONF_RTR_TLS_KEY),
		.ca = app_conf_str(c, CONF_RTR_TLS_CA),
		.server = true,
	};
	_cleanup_(auth_done) struct auth a = { 0 };
	_cleanup_(tls_ctx_freep) struct tls_ctx *judged = NULL;
	int rc = secrets_read(p, c, &a, err);

	if (rc == 0 && files.cert[0] != '\0')
		rc = rtr_tls_load(&files, parent_now(p), p->lang, &a.tls, &judged, err);
	if (rc == 0)
		rc = tsig_read(p, c, &a.tsig, err);
	if (rc < 0)
		return rc;
	*ret = a;
	a = (struct auth){ 0 };
	return 0;
}

/* --- logs --- */

static int
log_file(struct parent *p, const struct conf *c, enum app_conf_row row,
    const char *name, const struct proc_user *u, struct buf *err)
{
	char path[4200];
	int rc = app_conf_log(c, row, name, path, sizeof(path));

	if (rc == 0)
		rc = log_open(path);
	if (rc >= 0 && u != NULL && proc_user_own(u, path) < 0)
		rc = -EPERM;
	if (rc < 0)
		buf_printf(err, tr(p->lang, N_("cannot write the log %s: %s")), path,
		    err_str(rc));
	return rc;
}

int
conf_logs(struct parent *p, const struct conf *c, const struct proc_user *u,
    struct buf *err)
{
	struct logs l = { .op = 2, .object = -1, .audit = -1 };

	if (app_conf_str(c, CONF_LOG_OP)[0] != '\0')
		l.op = log_file(p, c, CONF_LOG_OP, "", u, err);
	l.journal = l.op == 2 && log_is_journal(2);
	if (l.op >= 0)
		l.object = log_file(p, c, CONF_LOG_OBJECT, "objects.jsonl", u, err);
	if (l.object >= 0)
		l.audit = log_file(p, c, CONF_LOG_AUDIT, "audit.jsonl", u, err);
	if (l.op < 0 || l.object < 0 || l.audit < 0) {
		if (l.op > 2)
			fd_close(&l.op);
		fd_close(&l.object);
		fd_close(&l.audit);
		return -EIO;
	}
	if (p->logs.op > 2)
		fd_close(&p->logs.op);
	fd_close(&p->logs.object);
	fd_close(&p->logs.audit);
	p->logs = l;
	return 0;
}

int
conf_token(const struct conf *c, char token[static TOKEN_MAX + 1], struct buf *err)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(8192);
	const char *path = app_conf_str(c, CONF_WEB_TOKEN_FILE);
	struct sv s;
	int rc;

	token[0] = '\0';
	if (path[0] == '\0')
		return 0;
	if (pool == NULL)
		return -ENOMEM;
	if ((rc = file_read(pool, FILE_CWD, path, 4096, &s)) < 0) {
		buf_printf(err, "%s: %s", path, err_str(rc));
		return rc;
	}
	s = sv_trim(s);
	if (s.n < 16 || s.n > TOKEN_MAX || sv_find(s, '\n') < s.n ||
	    memchr(s.p, 0, s.n) != NULL) {
		buf_printf(err, "%s: 16 - %d", path, TOKEN_MAX);
		return SE_SYNTAX;
	}
	(void)snprintf(token, TOKEN_MAX + 1, "%.*s", SV_ARG(s));
	return 0;
}

/* --- messages --- */

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
 * signed, no option is about routes, and nobody brought a trust anchor.
 */
static bool
conf_routes(const struct conf *c)
{
	static const struct sv sections[] = { { "rpki.", 5 }, { "rtr.", 4 }, { "fetch.", 6 } };

	if (c->values[CONF_DNS_ZONES].n == 0)
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
	if (id == ROLE_ZONE || id == ROLE_KEY || id == ROLE_NAME)
		return c->values[CONF_DNS_ZONES].n > 0;
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
	struct buf	zones, names, servers;
	int		zones_fd;	/* what this role is told of them; -1: not made */
	char		objects[4200], scratch[4200], mail[4200], keys[4200];
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
	fd_close(&t->zones_fd);
	token_conf_done(&t->token);
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
	return id == ROLE_NAME ? &t->names : &t->zones;
}

static bool
is_told_zones(enum role_id id)
{
	return id == ROLE_STORE || id == ROLE_ZONE || id == ROLE_KEY || id == ROLE_NAME;
}

/* All that a role is told, as bytes; of what is in a memfd its hash. */
static int
conf_bytes(const struct parent *p, enum role_id id, const struct conf_texts *t, enum msg_type type,
    const void *m, struct buf *ret)
{
	struct msg_validate_local l = local_fill(t);
	struct msg_store_zones z = zones_fill(p, t);
	int rc;

	ret->len = 0;
	rc = msg_bytes(message_def((uint16_t)type), id, m, ret);
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

/* --- reload --- */

static bool
listeners_changed(const struct parent *p, const struct listener *old, unsigned n_old,
    enum role_id role)
{
	unsigned a = 0, b = 0;

	for (unsigned i = 0; i < n_old; i++)
		if (old[i].role == role) {
			a++;
			b += fd_among(old[i].fd, p->listeners, p->n_listeners);
		}
	for (unsigned i = 0; i < p->n_listeners; i++)
		if (p->listeners[i].role == role &&
		    !fd_among(p->listeners[i].fd, old, n_old))
			return true;
	return a != b;
}

/* Rtr and web take a new one as they run; the others open files with it. */
static void
child_reconf(struct child *c, bool listeners)
{
	struct conf_texts t;
	union conf_msg m;
	struct buf now = BUF_INIT;
	enum msg_type type;
	bool changed;

	texts_init(&t, c->p);
	type = msg_fill(c->p, c->id, &t, &m);
	changed = conf_bytes(c->p, c->id, &t, type, &m, &now) < 0 ||
	    !sv_eq(buf_get(&now), buf_get(&c->conf));
	buf_done(&now);
	texts_done(&t);
	if (listeners)
		child_restart(c, "other addresses to listen on");
	else if (changed && c->id != ROLE_RTR && c->id != ROLE_WEB)
		child_restart(c, "its configuration has changed");
	/* The store gets its log anew in any case: it may have been rotated. */
	else if ((changed || c->id == ROLE_STORE) && c->chan != NULL && conf_send(c) < 0)
		child_restart(c, "it did not take its configuration");
}

static int
fixed_check(struct parent *p, const struct conf *fresh, struct buf *err)
{
	static const enum app_conf_row fixed[] = { CONF_STATE, CONF_USER };

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (strcmp(app_conf_str(p->conf, fixed[i]),
		    app_conf_str(fresh, fixed[i])) != 0) {
			buf_printf(err, tr(p->lang,
			    N_("\"%s\" cannot be changed while sekisho runs; restart it")),
			    fresh->rows[fixed[i]].path);
			return SE_USAGE;
		}
	return 0;
}

int
conf_reload(struct parent *p, struct buf *err)
{
	_cleanup_(conf_freep) struct conf *fresh = NULL;
	struct listener old[LISTENERS_MAX];
	unsigned n_old = p->n_listeners;
	char token[TOKEN_MAX + 1];
	struct conf_error e;
	_cleanup_(auth_done) struct auth auth = { 0 };
	int rc;

	memcpy(old, p->listeners, sizeof(old));
	if ((rc = app_conf_load(p->conf_file, p->state_opt, &fresh, &e)) < 0) {
		conf_error_text(&e, p->lang, err);
		return rc;
	}
	if ((rc = fixed_check(p, fresh, err)) < 0 ||
	    (rc = conf_token(fresh, token, err)) < 0 ||
	    (rc = conf_auth(p, fresh, &auth, err)) < 0 ||
	    (rc = conf_logs(p, fresh, NULL, err)) < 0)
		return rc;
	if ((rc = conf_listeners(p, fresh, &auth, err)) < 0) {
		_cleanup_(buf_done) struct buf ignored = BUF_INIT;

		(void)conf_logs(p, p->conf, NULL, &ignored);
		return rc;
	}
	memcpy(p->token, token, sizeof(token));
	auth_done(&p->auth);
	p->auth = auth;
	auth = (struct auth){ 0 };
	conf_free(p->conf);
	p->conf = TAKE_PTR(fresh);
	p->reloads++;
	for (int i = ROLE_STORE; i < ROLE_MAX; i++)
		if (!conf_wants(p->conf, (enum role_id)i))
			child_retire(&p->children[i]);
		else if (p->children[i].pid == 0)
			child_start_soon(&p->children[i]);
		else
			child_reconf(&p->children[i],
			    listeners_changed(p, old, n_old, (enum role_id)i));
	(void)child_send(&p->children[ROLE_VALIDATE], MSG_validate_now,
	    &(struct msg_validate_now){ 0 });
	house_send(p);
	return 0;
}
