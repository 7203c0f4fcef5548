/* The sockets that roles listen on, and what authenticates RTR there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "role/parent.h"
#include "sys/file.h"
#include "sys/net_udp.h"

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

bool
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
