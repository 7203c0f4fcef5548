/* Which addresses may come, which came, and of which was spoken. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/rtr_server_internal.h"

/* --- who may come --- */

static int
list_copy(const struct ip_prefix *p, size_t n, size_t max, struct ip_prefix **ret)
{
	*ret = NULL;
	if (n > max)
		return -E2BIG;
	if (n == 0)
		return 0;
	if ((*ret = reallocarray(NULL, n, sizeof(*p))) == NULL)
		return -ENOMEM;
	memcpy(*ret, p, n * sizeof(*p));
	return 0;
}

int
rtr_access_set(struct rtr_access *a, const struct rtr_admission *from)
{
	struct rtr_access fresh = { .n_allow = from->n_allow, .n_md5 = from->n_md5 };
	int rc = list_copy(from->allow, from->n_allow, RTR_ALLOW_MAX, &fresh.allow);

	if (rc == 0)
		rc = list_copy(from->md5, from->n_md5, RTR_MD5_MAX, &fresh.md5);
	if (rc < 0) {
		rtr_access_done(&fresh);
		return rc;
	}
	rtr_access_done(a);
	*a = fresh;
	return 0;
}

void
rtr_access_done(struct rtr_access *a)
{
	free(a->allow);
	free(a->md5);
	*a = (struct rtr_access){ 0 };
}

static bool
covered(const struct ip_prefix *list, size_t n, const struct ip_prefix *host)
{
	for (size_t i = 0; i < n; i++)
		if (ip_prefix_covers(&list[i], host))
			return true;
	return false;
}

bool
rtr_access_signed(const struct rtr_access *a, const struct ip_prefix *host)
{
	return covered(a->md5, a->n_md5, host);
}

bool
rtr_access_allows(const struct rtr_access *a, const struct ip_prefix *host, bool tls)
{
	static const struct ip_prefix here[] = {
		{ .af = IP_V4, .len = 8, .addr = { 127 } },
		{ .af = IP_V6, .len = 128, .addr = { [15] = 1 } },
	};

	if (a->n_allow > 0)
		return covered(a->allow, a->n_allow, host);
	if (tls || a->n_md5 == 0)
		return true;
	return rtr_access_signed(a, host) || covered(here, ARRAY_LEN(here), host);
}

/* --- who came --- */

static struct rtr_peer *
peer_find(struct rtr_peers *ps, const struct ip_prefix *host)
{
	for (size_t i = 0; i < ps->n; i++)
		if (ip_prefix_cmp(&ps->list[i].host, host) == 0)
			return &ps->list[i];
	return NULL;
}

/* A free row, else that of the address which left first. */
static struct rtr_peer *
peer_room(struct rtr_peers *ps)
{
	struct rtr_peer *oldest = NULL;

	if (ps->list == NULL &&
	    (ps->list = calloc(RTR_PEERS_MAX, sizeof(*ps->list))) == NULL)
		return NULL;
	if (ps->n < RTR_PEERS_MAX)
		return &ps->list[ps->n++];
	for (size_t i = 0; i < ps->n; i++)
		if (ps->list[i].n_now == 0 && (oldest == NULL || ps->list[i].last < oldest->last))
			oldest = &ps->list[i];
	return oldest;
}

struct rtr_peer *
rtr_peers_join(struct rtr_peers *ps, const struct ip_prefix *host, int64_t now)
{
	struct rtr_peer *p = peer_find(ps, host);

	if (p == NULL) {
		if ((p = peer_room(ps)) == NULL)
			return NULL;
		*p = (struct rtr_peer){ .host = *host };
	}
	p->n_now++;
	p->n_accepted++;
	p->last = now;
	return p;
}

void
rtr_peer_leave(struct rtr_peer *p, uint64_t sent, uint64_t received, int64_t now)
{
	if (p == NULL)
		return;
	p->n_now--;
	p->sent += sent;
	p->received += received;
	p->last = now;
}

void
rtr_peers_done(struct rtr_peers *ps)
{
	free(ps->list);
	*ps = (struct rtr_peers){ 0 };
}

/* --- what was said of strangers --- */

enum rtr_tell
rtr_told_ask(struct rtr_told *t, const struct ip_prefix *host, int64_t now)
{
	struct ip_prefix key = *host;

	if (key.af == IP_V6) {
		key.len = 64;
		ip_mask(key.addr, key.len);
	}
	if (t->n == 0 || now - t->since >= TOLD_SEC) {
		t->n = 0;
		t->since = now;
	}
	for (unsigned i = 0; i < t->n && i < TOLD_MAX; i++)
		if (ip_prefix_cmp(&t->hosts[i], &key) == 0)
			return RTR_TELL_NOT;
	if (t->n > TOLD_MAX)
		return RTR_TELL_NOT;
	if (t->n == TOLD_MAX) {
		t->n++;
		return RTR_TELL_LAST;
	}
	t->hosts[t->n++] = key;
	return RTR_TELL;
}
