/* A mark's files over HTTPS: see app/mail_mark_fetch.h. */
#include <errno.h>
#include <stdlib.h>

#include "app/mail_mark_fetch.h"

enum part_no {
	IMAGE,
	EVIDENCE,
	PARTS
};

struct part {
	struct mail_mark_fetch	*of;
	enum part_no		 no;
	struct fetch		*fetch;		/* NULL: not begun, or ended */
	struct buf		 b;
};

struct mail_mark_fetch {
	struct part		 parts[PARTS];
	unsigned		 n_left;
	bool			 is_bad;
	struct findings		*fs;
	mail_mark_fetch_fn	 done;
	void			*arg;
};

struct mail_mark_fetch *
mail_mark_fetch_free(struct mail_mark_fetch *f)
{
	if (f == NULL)
		return NULL;
	for (unsigned i = 0; i < PARTS; i++) {
		if (f->parts[i].fetch != NULL)
			fetch_cancel(f->parts[i].fetch);
		buf_done(&f->parts[i].b);
	}
	free(f);
	return NULL;
}

/* "image/svg+xml; charset=utf-8" */
void
mail_mark_type_check(struct sv url, struct sv type, bool is_evidence, struct findings *fs)
{
	static const struct sv images[] = { SV("image/svg+xml") };
	static const struct sv chains[] = { SV("application/pem-certificate-chain"),
		SV("application/x-pem-file") };
	const struct sv *good = is_evidence ? chains : images;
	struct sv said = sv_trim(sv_take(type, sv_find(type, ';')));

	for (size_t i = 0; i < (is_evidence ? ARRAY_LEN(chains) : ARRAY_LEN(images)); i++)
		if (sv_caseeq(said, good[i]))
			return;
	finding_add(fs, &bimi_findings[BIMI_TYPE], FA_SV("url", url),
	    FA_SV("type", said.n > 0 ? said : SV("-")), FA_SV("wanted", good[0]));
}

static int
on_data(void *arg, const void *p, size_t n)
{
	struct part *part = arg;

	buf_bytes(&part->b, p, n);	/* the fetch has the limit */
	return part->b.rc;
}

static void
on_done(void *arg, const struct fetch_result *r)
{
	struct part *part = arg;
	struct mail_mark_fetch *f = part->of;

	part->fetch = NULL;
	if (!fetch_result_good(r) || part->b.len == 0) {
		fetch_result_report(r, f->fs);
		f->is_bad = true;
	} else {
		mail_mark_type_check(r->url, r->type, part->no == EVIDENCE, f->fs);
	}
	if (--f->n_left == 0)
		f->done(f->arg, !f->is_bad);
}

static int
part_start(struct fetcher *fetcher, struct part *part, struct sv url, uint64_t max, uint32_t msec)
{
	const struct fetch_req req = { .url = url, .limits = { .max_wire = max, .max_bytes = max,
		.connect_msec = MAIL_MARK_CONNECT_MSEC, .total_msec = msec } };
	int rc = fetch_start(fetcher, &req, on_data, on_done, part, &part->fetch);

	part->of->n_left += rc == 0;
	return rc;
}

int
mail_mark_fetch_new(struct fetcher *fetcher, const struct mail_mark_fetch_in *in, struct findings *fs,
    mail_mark_fetch_fn done, void *arg, struct mail_mark_fetch **ret)
{
	uint32_t msec = in->total_msec == 0 ? MAIL_MARK_TOTAL_MSEC : in->total_msec;
	struct mail_mark_fetch *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL)
		return -ENOMEM;
	f->fs = fs;
	f->done = done;
	f->arg = arg;
	for (unsigned i = 0; i < PARTS; i++)
		f->parts[i] = (struct part){ .of = f, .no = (enum part_no)i, .b = BUF_INIT };
	rc = part_start(fetcher, &f->parts[IMAGE], in->location, MAIL_MARK_IMAGE_MAX, msec);
	if (rc == 0 && in->evidence.n > 0)
		rc = part_start(fetcher, &f->parts[EVIDENCE], in->evidence, MAIL_MARK_EVIDENCE_MAX, msec);
	if (rc < 0)
		f = mail_mark_fetch_free(f);
	*ret = f;
	return rc;
}

struct sv
mail_mark_fetch_image(const struct mail_mark_fetch *f)
{
	return buf_get(&f->parts[IMAGE].b);
}

struct sv
mail_mark_fetch_evidence(const struct mail_mark_fetch *f)
{
	return buf_get(&f->parts[EVIDENCE].b);
}
