/* The image and the evidence together: see app/mail_bimi.h. */
#include <errno.h>

#include "app/mail_bimi.h"

struct judging {
	const struct mail_bimi_in	*in;
	struct pool			*pool;
	struct findings			*fs;
	struct mail_bimi		*m;
};

static void
differs_tell(struct judging *g, const char *what)
{
	finding_add(g->fs, &bimi_findings[BIMI_DIFFERS], FA_MSG("what", what));
}

/* The certificate's image, plain: it is the one that is shown (draft section 7.9). */
static int
logo_take(struct judging *g)
{
	const struct bimi_evidence *e = &g->m->evidence;
	int rc;

	if (!e->has_logo)
		return 0;
	if ((rc = mail_svg_plain(g->pool, e->logo, g->fs, &g->m->svg)) < 0)
		return rc;
	/* RFC 6170 section 5.2 has the digest over the image as it is referred to; some have the plain one's. */
	if (e->has_digest && !bimi_digest_ok(e, e->logo) && !bimi_digest_ok(e, g->m->svg))
		differs_tell(g, N_("it has another digest than the certificate says"));
	return 0;
}

static int
image_take(struct judging *g)
{
	struct sv svg;
	int rc;

	if (g->in->svg.n == 0)
		return 0;
	if ((rc = mail_svg_plain(g->pool, g->in->svg, g->fs, &svg)) < 0)
		return rc;
	if (g->m->svg.n > 0 && !sv_eq(svg, g->m->svg))
		differs_tell(g, N_("the file of l= is another"));
	else
		g->m->svg = svg;
	return 0;
}

int
mail_bimi_judge(const struct mail_bimi_in *in, struct pool *pool, struct findings *fs, struct mail_bimi *ret)
{
	struct mail_bimi m = { .result = in->out->result, .authority = BIMI_UNCHECKED };
	const struct bimi_evidence_in evidence = { in->pem, in->roots, in->out, in->now };
	struct judging g = { in, pool, fs, &m };
	uint64_t before = fs->n_by_severity[SEV_REJECT];
	int rc;

	if (in->pem.n > 0) {
		if ((rc = bimi_evidence_check(&evidence, pool, fs, &m.evidence)) < 0 || (rc = logo_take(&g)) < 0)
			return rc;
		m.authority = fs->n_by_severity[SEV_REJECT] == before ? BIMI_VOUCHED : BIMI_DISPROVED;
	}
	if ((rc = image_take(&g)) < 0 || (m.svg.n > 0 && (rc = mail_svg_check(m.svg, fs)) < 0))
		return rc;
	if (fs->n_by_severity[SEV_REJECT] != before) {
		m.result = BIMI_FAIL;
		m.svg = SV("");
	}
	*ret = m;
	return 0;
}
