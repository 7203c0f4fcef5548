/*
 * RRDP deltas: the same answer whole, in pieces, and by expat alone; and what
 * each change must be.
 */
#include "base/err.h"
#include "fuzz_rpki.h"
#include "rpki/rrdp.h"

struct seen {
	size_t		n, bytes;
	uint64_t	sum;
};

static int
take(void *arg, const struct rrdp_change *c)
{
	struct seen *s = arg;

	must(rsync_uri_valid(c->uri) && strlen(c->uri.p) == c->uri.n);
	must(c->op == RRDP_PUBLISH || (c->op == RRDP_WITHDRAW && c->has_hash && c->bytes.n == 0));
	s->bytes += c->bytes.n;
	for (size_t i = 0; i < c->bytes.n; i++)
		s->sum = s->sum * 31 + (uint8_t)c->bytes.p[i];
	for (size_t i = 0; i < SHA256_LEN && c->has_hash; i++)
		s->sum = s->sum * 31 + c->hash[i];
	s->n++;
	return 0;
}

static int
feed(struct seen *s, const uint8_t *p, size_t n, size_t piece, bool all_shown,
    struct findings *fs)
{
	/* The seeds are of this session, the serial is theirs. */
	struct rrdp_parser *x = rrdp_delta_new(NULL, 0, take, s);
	int rc;

	must(x != NULL);
	x->all_shown = all_shown;
	do {
		size_t k = min_size(piece, n);

		rc = rrdp_parser_feed(x, p, k, k == n);
		p = k > 0 ? p + k : p;
		n -= k;
	} while (rc == 0 && n > 0);
	must(rc < 0 || (rrdp_parser_serial(x) > 0 && strlen(rrdp_parser_session(x)) == RRDP_SESSION_LEN));
	rrdp_parser_report(x, SV("https://rrdp.example/delta.xml"), fs);
	(void)rrdp_parser_free(x);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen whole = { 0 }, pieces = { 0 }, alone = { 0 };
	FUZZ_BEGIN(f);
	int a = feed(&whole, p, n, n, false, &f.fs);

	must((a < 0) == (f.fs.n_kept == 1));
	must(a == feed(&pieces, p, n, n % 61 + 1, false, &f.fs));
	must(a == feed(&alone, p, n, n, true, &f.fs));
	must(a < 0 || (whole.n == pieces.n && whole.bytes == pieces.bytes && whole.sum == pieces.sum));
	must(whole.n == alone.n && whole.bytes == alone.bytes && whole.sum == alone.sum);
	fuzz_end(&f);
	return 0;
}
