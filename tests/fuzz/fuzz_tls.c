/*
 * Any bytes from a TLS peer: neither side opens (the peer knows no key),
 * nothing grows, and what is left over is not taken. The first byte chooses
 * the side and how many bytes come at once.
 */
#include <stdint.h>
#include <stdlib.h>

#include "crypto/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW	INT64_C(1795305600)

static struct tls_ctx *
ctx_new(bool server)
{
	static const char *const names[] = { "rtr.example.net", NULL };
	const struct tls_plan plan = { "fuzz", names, true, NOW - 1000, NOW + 1000 };
	_cleanup_(tls_made_freep) struct tls_made *m = NULL;
	struct tls_ctx *c = NULL;
	enum tls_why why;

	if (tls_make(&plan, NULL, &m) < 0)
		abort();
	if (tls_ctx_new(&(struct tls_ctx_conf){ .server = server,
	    .certs = server ? tls_made_cert(m) : (struct sv){ 0 },
	    .key = server ? tls_made_key(m) : (struct sv){ 0 },
	    .anchors = tls_made_cert(m) }, &c, &why) < 0)
		abort();
	return c;
}

static void
judge(struct tls *t)
{
	char buf[512], name[TLS_NAME_LEN];
	struct sv out = tls_out(t);

	if (out.n > TLS_OUT_MAX || tls_state(t) == TLS_OPEN || tls_read(t, buf, sizeof(buf)) > 0 ||
	    tls_write(t, buf, 1) > 0 || tls_peer_name(t, name)[0] != '\0')
		abort();
	tls_sent(t, out.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct tls_ctx *both[2];		/* a key costs more than a handshake */
	struct tls *t;
	size_t at = 1, chunk, side;

	if (n == 0)
		return 0;
	side = p[0] & 1;
	chunk = (size_t)(p[0] >> 1) * 16 + 1;
	if (both[side] == NULL)
		both[side] = ctx_new(side == 1);
	t = tls_new(both[side], side == 1 ? (struct sv){ 0 } : SV("rtr.example.net"), NOW);
	if (t == NULL)
		abort();
	while (at < n) {
		size_t took = tls_feed(t, p + at, min_size(chunk, n - at));

		judge(t);
		if (took == 0)
			break;
		at += took;
	}
	tls_feed_end(t);
	judge(t);
	if (tls_state(t) != TLS_FAILED || tls_why(t) == TLS_WHY_NONE)
		abort();
	(void)tls_free(t);
	return 0;
}
