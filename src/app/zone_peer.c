/* Name servers of a zone (app/zone_peer.h). */
#include <errno.h>

#include "app/zone_peer.h"

/* "… key NAME" at the end. */
static int
key_cut(struct sv *s, struct zone_peer *p)
{
	struct sv rest = *s, word, name;

	while (rest.n > 0) {
		struct sv before = rest;

		if (!sv_word(&rest, &word))
			break;
		if (!sv_eq_str(word, "key"))
			continue;
		if (!sv_word(&rest, &name) || sv_trim(rest).n > 0 ||
		    dname_parse(name, NULL, &p->key) < 0)
			return -EINVAL;
		dns_lower(p->key.w, p->key.len);
		p->has_key = true;
		*s = sv_trim(sv_take(*s, s->n - before.n));
		return 0;
	}
	*s = sv_trim(*s);
	return 0;
}

static int
host_parse(struct sv s, struct zone_peer *p)
{
	size_t colon = sv_rfind(s, ':');
	bool bracket = s.n > 2 && s.p[0] == '[';
	struct sv host = s;
	uint32_t port = ZONE_PEER_PORT;

	if (sv_find(s, '/') < s.n)
		return -EINVAL;
	if (colon < s.n && (bracket ? s.p[colon - 1] == ']' : sv_find(s, ':') == colon)) {
		if (num_u32(sv_skip(s, colon + 1), 1, 65535, &port) < 0)
			return -EINVAL;
		host = sv_take(s, colon);
	}
	if (bracket) {
		if (host.p[host.n - 1] != ']')
			return -EINVAL;
		host = sv_take(sv_skip(host, 1), host.n - 2);
	}
	p->port = (uint16_t)port;
	return ip_prefix_parse_host(host, &p->addr) < 0 ||
	    (bracket && p->addr.af != IP_V6) ? -EINVAL : 0;
}

int
zone_peer_parse(struct sv s, struct zone_peer *ret)
{
	struct zone_peer p = { .key = DNAME_ROOT };
	int rc = key_cut(&s, &p);

	if (rc == 0)
		rc = host_parse(s, &p);
	if (rc == 0)
		*ret = p;
	return rc;
}

int
zone_asker_parse(struct sv s, struct zone_peer *ret)
{
	struct zone_peer p = { .key = DNAME_ROOT };

	if (key_cut(&s, &p) < 0 || (s.n == 0 && !p.has_key) ||
	    (s.n > 0 && ip_prefix_parse_host(s, &p.addr) < 0))
		return -EINVAL;
	*ret = p;
	return 0;
}

void
zone_peer_print(struct buf *b, const struct zone_peer *p)
{
	char text[IP_PREFIX_STRLEN];

	if (p->port != 0)
		buf_printf(b, p->addr.af == IP_V6 ? "[%s]:%u" : "%s:%u",
		    ip_addr_str(p->addr.addr, p->addr.af, text), p->port);
	else if (p->addr.af != 0)
		buf_str(b, ip_prefix_str(&p->addr, text));
	if (!p->has_key)
		return;
	buf_str(b, p->port != 0 || p->addr.af != 0 ? " key " : "key ");
	dname_print(b, p->key.w);
}

bool
zone_peers_allow(const struct zone_peers *l, const struct ip_prefix *host, const struct dname *key)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct zone_peer *p = &l->v[i];

		if (p->addr.af != 0 && !ip_prefix_covers(&p->addr, host))
			continue;
		if (!p->has_key || (key != NULL && dname_eq(&p->key, key)))
			return true;
	}
	return false;
}
