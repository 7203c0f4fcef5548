/* Manifests (RFC 9286 section 4). */
#include <errno.h>
#include <stdlib.h>

#include "rpki/internal.h"

/*
 * RFC 9286 section 4.2.2: letters, digits, - and _, then one dot and three
 * lower-case letters. Which endings IANA has registered is not asked: an
 * unknown type is counted, not judged.
 */
static bool
file_name_valid(struct sv name)
{
	if (name.n < 5 || name.n > RPKI_FILE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool lower = c >= 'a' && c <= 'z';

		if (i == name.n - 4) {
			if (c != '.')
				return false;
		} else if (i > name.n - 4) {
			if (!lower)
				return false;
		} else if (!lower && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return true;
}

static void
file_parse(struct der *list, struct mft_file *f, struct findings *fs)
{
	struct der seq = der_enter(list, DER_SEQUENCE);
	unsigned unused;

	f->name = der_value(&seq, DER_IA5);
	f->hash = der_bits(&seq, &unused);
	if (der_ok(&seq) && (f->hash.n != SHA256_LEN || unused != 0))
		der_fail(&seq, DER_E_VALUE);
	der_end(&seq);
	if (der_ok(list) && !file_name_valid(f->name))
		finding_add(fs, F(RPKI_MFT_FILE_NAME), FA_SV("file", sv_take(f->name, 300)));
}

static int
name_cmp(const void *a, const void *b)
{
	return sv_cmp((*(const struct mft_file *const *)a)->name,
	    (*(const struct mft_file *const *)b)->name);
}

static int
duplicates_check(struct pool *pool, const struct mft *m, struct findings *fs)
{
	const struct mft_file **p = pool_calloc(pool, m->n + 1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < m->n; i++)
		p[i] = &m->files[i];
	qsort(p, m->n, sizeof(*p), name_cmp);
	for (size_t i = 1; i < m->n; i++)
		if (sv_eq(p[i]->name, p[i - 1]->name)) {
			finding_add(fs, F(RPKI_MFT_FILE_TWICE), FA_SV("file", p[i]->name));
			break;
		}
	return 0;
}

static int
files_parse(struct der *d, struct pool *pool, struct mft *m, struct findings *fs)
{
	struct der list, count;
	size_t n;
	uint8_t tag;

	der_at(d, "fileList");
	list = count = der_enter(d, DER_SEQUENCE);
	n = der_count(count);
	if (!der_ok(d))
		return 0;
	if (n > RPKI_MFT_FILES_MAX) {
		finding_add(fs, F(RPKI_MFT_FILES_MANY), FA_U("count", n),
		    FA_U("limit", RPKI_MFT_FILES_MAX));
		while (der_peek(&list) != 0)
			(void)der_any(&list, &tag, NULL);
		return 0;
	}
	if ((m->files = pool_calloc(pool, n + 1, sizeof(*m->files))) == NULL)
		return -ENOMEM;
	while (der_peek(&list) != 0)
		file_parse(&list, &m->files[m->n++], fs);
	return der_ok(d) ? duplicates_check(pool, m, fs) : 0;
}

static void
times_parse(struct der *d, struct mft *m, struct findings *fs)
{
	uint8_t t1, t2;

	der_at(d, "thisUpdate");
	m->this_update = der_time(d, &t1);
	der_at(d, "nextUpdate");
	m->next_update = der_time(d, &t2);
	if (der_ok(d) && (t1 != DER_GENERALIZED_TIME ||
	    t2 != DER_GENERALIZED_TIME || m->this_update >= m->next_update))
		finding_add0(fs, F(RPKI_MFT_TIME));
}

int
mft_parse(struct pool *pool, struct sv content, struct findings *fs,
    struct mft **ret)
{
	struct der_doc doc;
	struct der d = der_on(&doc, content), seq;
	struct mft *m = pool_alloc(pool, sizeof(*m));
	uint8_t tag;
	int rc;

	*ret = NULL;
	if (m == NULL)
		return -ENOMEM;
	der_at(&d, "manifest");
	seq = der_enter(&d, DER_SEQUENCE);
	der_end(&d);
	if (der_peek(&seq) == DER_CTX_C(0)) {	/* DEFAULT 0 is never written */
		(void)der_any(&seq, &tag, NULL);
		finding_add0(fs, F(RPKI_MFT_VERSION));
	}
	der_at(&d, "manifestNumber");
	m->number = der_integer(&seq);
	if (der_ok(&d) && (der_int_negative(m->number) || m->number.n > RPKI_SERIAL_MAX))
		finding_add0(fs, F(RPKI_MFT_NUMBER));
	times_parse(&seq, m, fs);
	der_at(&d, "fileHashAlg");
	if (!sv_eq(der_oid(&seq), oid_sha256) && der_ok(&d)) {
		/* The hashes are then of another length: no more can be said. */
		finding_add0(fs, F(RPKI_MFT_HASH_ALG));
		return 0;
	}
	if ((rc = files_parse(&seq, pool, m, fs)) < 0)
		return rc;
	der_at(&d, "manifest");
	der_end(&seq);
	if (!der_report(&doc, fs))
		*ret = m;
	return 0;
}

void
mft_check(const struct mft *m, const struct cert *ee, int64_t now,
    struct findings *fs)
{
	const struct resources *r = &ee->res;

	if (now < m->this_update)
		finding_add(fs, F(RPKI_MFT_NOT_YET), FA_TIME("this_update", m->this_update));
	if (now > m->next_update)
		finding_add(fs, F(RPKI_MFT_STALE), FA_TIME("next_update", m->next_update));
	if (m->this_update < ee->not_before || m->next_update > ee->not_after)
		finding_add0(fs, F(RPKI_MFT_EE_TIME));
	if ((r->v4.present && !r->v4.inherit) || (r->v6.present && !r->v6.inherit) ||
	    (r->as.present && !r->as.inherit))
		finding_add0(fs, F(RPKI_MFT_INHERIT));
}
