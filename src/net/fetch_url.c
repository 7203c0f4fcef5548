/* Which URLs and which addresses a stranger may send us to. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/ip.h"
#include "net/fetch.h"

/* --- addresses --- */

struct block {
	const char	*text;			/* its prefix, as reported */
	uint8_t		 addr[16];
	uint8_t		 len;
};

/*
 * IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its updates, as of
 * November 2026): what is not globally reachable, or no place of a server.
 */
static const struct block blocks_v4[] = {
	{ "0.0.0.0/8", { 0 }, 8 },			/* this network */
	{ "10.0.0.0/8", { 10 }, 8 },			/* private */
	{ "100.64.0.0/10", { 100, 64 }, 10 },		/* carrier NAT */
	{ "127.0.0.0/8", { 127 }, 8 },			/* loopback */
	{ "169.254.0.0/16", { 169, 254 }, 16 },		/* link local, metadata services */
	{ "172.16.0.0/12", { 172, 16 }, 12 },		/* private */
	{ "192.0.0.0/24", { 192, 0, 0 }, 24 },		/* protocol assignments */
	{ "192.0.2.0/24", { 192, 0, 2 }, 24 },		/* documentation */
	{ "192.88.99.0/24", { 192, 88, 99 }, 24 },	/* 6to4 relays, withdrawn */
	{ "192.168.0.0/16", { 192, 168 }, 16 },		/* private */
	{ "198.18.0.0/15", { 198, 18 }, 15 },		/* benchmarks */
	{ "198.51.100.0/24", { 198, 51, 100 }, 24 },	/* documentation */
	{ "203.0.113.0/24", { 203, 0, 113 }, 24 },	/* documentation */
	{ "224.0.0.0/4", { 224 }, 4 },			/* multicast */
	{ "240.0.0.0/4", { 240 }, 4 },			/* reserved, broadcast */
};

/*
 * IANA IPv6 Special-Purpose Address Registry, within 2000::/3. Everything
 * outside of 2000::/3 is refused as a whole, IPv4-mapped addresses included;
 * only NAT64's well-known prefix is judged by the IPv4 address in it.
 */
static const struct block blocks_v6[] = {
	{ "2001::/23", { 0x20, 0x01 }, 23 },		/* protocols: Teredo, ORCHID … */
	{ "2001:db8::/32", { 0x20, 0x01, 0x0d, 0xb8 }, 32 },	/* documentation */
	{ "2002::/16", { 0x20, 0x02 }, 16 },		/* 6to4 */
	{ "3fff::/20", { 0x3f, 0xff }, 20 },		/* documentation */
};

static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

static bool
block_has(const struct block *b, const uint8_t *addr)
{
	size_t bytes = b->len / 8;
	unsigned rest = b->len % 8;

	if (memcmp(addr, b->addr, bytes) != 0)
		return false;
	return rest == 0 || ((addr[bytes] ^ b->addr[bytes]) >> (8 - rest)) == 0;
}

static const char *
block_find(const struct block *b, size_t n, const uint8_t *addr)
{
	for (size_t i = 0; i < n; i++)
		if (block_has(&b[i], addr))
			return b[i].text;
	return NULL;
}

bool
fetch_addr_global(const uint8_t *addr, size_t n, const char **ret_block)
{
	const char *found;

	if (n == 16 && memcmp(addr, nat64, sizeof(nat64)) == 0) {
		addr += sizeof(nat64);
		n = 4;
	}
	if (n == 4)
		found = block_find(blocks_v4, ARRAY_LEN(blocks_v4), addr);
	else if (n != 16)
		found = "?";
	else if (memcmp(addr, mapped, sizeof(mapped)) == 0)
		found = "::ffff:0:0/96";
	else if ((addr[0] & 0xe0) != 0x20)
		found = "::/0 without 2000::/3";
	else
		found = block_find(blocks_v6, ARRAY_LEN(blocks_v6), addr);
	if (found != NULL && ret_block != NULL)
		*ret_block = found;
	return found == NULL;
}

/* The address of a socket: its bytes and how many; 0: of no known family. */
static size_t
sockaddr_addr(const struct sockaddr *sa, uint8_t ret[static 16], uint16_t *ret_port)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, sa, sizeof(v4));
		memcpy(ret, &v4.sin_addr, 4);
		*ret_port = ntohs(v4.sin_port);
		return 4;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, sa, sizeof(v6));
		memcpy(ret, &v6.sin6_addr, 16);
		*ret_port = ntohs(v6.sin6_port);
		return 16;
	}
	return 0;
}

const char *
fetch_sockaddr_block(const struct sockaddr *sa, char ret_text[static 64])
{
	uint8_t addr[16] = { 0 };
	const char *block = "?";
	uint16_t port;
	size_t n = sockaddr_addr(sa, addr, &port);

	(void)snprintf(ret_text, 64, "?");
	if (n == 0)
		return block;
	(void)ip_addr_str(addr, n == 4 ? IP_V4 : IP_V6, ret_text);
	return fetch_addr_global(addr, n, &block) ? NULL : block;
}

bool
sockaddr_same(const struct sockaddr *a, const struct sockaddr_storage *b)
{
	uint8_t x[16] = { 0 }, y[16] = { 0 };
	uint16_t port_x = 0, port_y = 0;
	size_t n = sockaddr_addr(a, x, &port_x);

	return n > 0 && n == sockaddr_addr((const struct sockaddr *)b, y, &port_y) &&
	    memcmp(x, y, n) == 0 && port_x == port_y;
}

/* --- the hosts mapping --- */

/* "NAME:PORT", "[ADDRESS]:PORT"; brackets are taken off. */
static bool
end_parse(struct sv s, char ret_host[static HOST_MAX], uint16_t *ret_port)
{
	size_t colon = sv_rfind(s, ':');
	struct sv host = sv_take(s, colon);
	uint32_t port;

	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct sv){ host.p + 1, host.n - 2 };
	if (host.n == 0 || host.n >= HOST_MAX || num_u32(sv_skip(s, colon + 1), 1, 65535, &port) < 0)
		return false;
	memcpy(ret_host, host.p, host.n);
	ret_host[host.n] = '\0';
	*ret_port = (uint16_t)port;
	return true;
}

static bool
sockaddr_make(const char *addr, uint16_t port, struct host_map *ret)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, addr, &v4.sin_addr) == 1) {
		memcpy(&ret->to, &v4, sizeof(v4));
		ret->to_len = sizeof(v4);
		return true;
	}
	if (inet_pton(AF_INET6, addr, &v6.sin6_addr) == 1) {
		memcpy(&ret->to, &v6, sizeof(v6));
		ret->to_len = sizeof(v6);
		return true;
	}
	return false;
}

static bool
host_map_parse(struct sv line, struct host_map *m)
{
	struct sv name = sv_cut(&line, '=');
	char addr[HOST_MAX];
	uint16_t port;
	const char *open, *close;

	if (!end_parse(name, m->name, &m->port) || !end_parse(line, addr, &port) ||
	    !sockaddr_make(addr, port, m))
		return false;
	open = m->to.ss_family == AF_INET6 ? "[" : "";
	close = m->to.ss_family == AF_INET6 ? "]" : "";
	/* Empty host and port: whatever the URL says; each fetch has its own. */
	(void)snprintf(m->connect_to, sizeof(m->connect_to), "::%s%s%s:%u", open, addr, close, port);
	return true;
}

int
host_maps_parse(struct sv text, struct host_map **ret, size_t *ret_n)
{
	struct host_map *maps = calloc(FETCH_HOSTS_MAX, sizeof(*maps));
	struct sv line;
	size_t n = 0;

	if (maps == NULL)
		return -ENOMEM;
	while (sv_line(&text, &line)) {
		line = sv_trim(line);
		if (line.n == 0)
			continue;
		if (n == FETCH_HOSTS_MAX || !host_map_parse(line, &maps[n])) {
			free(maps);
			return n == FETCH_HOSTS_MAX ? SE_LIMIT : SE_SYNTAX;
		}
		n++;
	}
	*ret = maps;
	*ret_n = n;
	return 0;
}

const struct host_map *
host_map_find(const struct host_map *maps, size_t n, const struct fetch_url *url)
{
	for (size_t i = 0; i < n; i++)
		if (maps[i].port == url->port && sv_caseeq(sv_str(maps[i].name), sv_str(url->host)))
			return &maps[i];
	return NULL;
}

/* --- URLs --- */

static bool
part_get(CURLU *u, CURLUPart part, unsigned flags, char *dst, size_t max)
{
	char *text = NULL;
	bool ok = curl_url_get(u, part, &text, flags) == CURLUE_OK && strlen(text) < max;

	if (ok)
		memcpy(dst, text, strlen(text) + 1);
	curl_free(text);
	return ok;
}

static bool
part_absent(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	CURLUcode rc = curl_url_get(u, part, &text, 0);

	curl_free(text);
	return rc != CURLUE_OK;
}

static int
url_read(CURLU *u, struct fetch_url *ret, const char **ret_why, bool *ret_scheme)
{
	char scheme[16], port[8];
	size_t n;
	uint32_t port_no;

	if (!part_get(u, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) ||
	    strcmp(scheme, "https") != 0) {
		*ret_why = N_("it is not https");
		*ret_scheme = true;
		return -EINVAL;
	}
	if (!part_absent(u, CURLUPART_USER) || !part_absent(u, CURLUPART_PASSWORD) ||
	    !part_absent(u, CURLUPART_OPTIONS)) {
		*ret_why = N_("it carries a user name or password");
		return -EINVAL;
	}
	(void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (!part_get(u, CURLUPART_HOST, 0, ret->host, sizeof(ret->host)) || ret->host[0] == '\0' ||
	    !part_get(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) ||
	    num_u32(sv_str(port), 1, 65535, &port_no) < 0) {
		*ret_why = N_("it has no valid host and port");
		return -EINVAL;
	}
	if (!part_get(u, CURLUPART_URL, 0, ret->text, sizeof(ret->text))) {
		*ret_why = N_("it is too long");
		return -EINVAL;
	}
	n = strlen(ret->host);
	if (ret->host[0] == '[' && ret->host[n - 1] == ']') {
		memmove(ret->host, ret->host + 1, n - 2);
		ret->host[n - 2] = '\0';
	}
	ret->port = (uint16_t)port_no;
	return 0;
}

int
fetch_url_parse(struct sv text, const struct fetch_url *base, struct fetch_url *ret,
    const char **ret_why, bool *ret_scheme)
{
	char copy[FETCH_URL_MAX + 1];
	struct fetch_url url;
	CURLU *u;
	int rc = -EINVAL;

	*ret_scheme = false;
	*ret_why = N_("it is too long");
	if (text.n > FETCH_URL_MAX)
		return -EINVAL;
	*ret_why = N_("it is no URL");
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return -EINVAL;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if ((u = curl_url()) == NULL)
		return -ENOMEM;
	/* A scheme that libcurl does not know is a scheme, too. */
	if ((base == NULL || curl_url_set(u, CURLUPART_URL, base->text, 0) == CURLUE_OK) &&
	    curl_url_set(u, CURLUPART_URL, copy, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		rc = url_read(u, &url, ret_why, ret_scheme);
	curl_url_cleanup(u);
	if (rc == 0)
		*ret = url;
	return rc;
}

bool
fetch_url_same_origin(const struct fetch_url *a, const struct fetch_url *b)
{
	return a->port == b->port && sv_caseeq(sv_str(a->host), sv_str(b->host));
}
