/*
 * Signs a zone file with new keys, as `sekisho zone sign` does, but without
 * files of keys: for tests against other implementations.
 *
 *	sign_zone ZONE FILE ALGORITHM[,ALGORITHM] nsec|nsec3|opt-out csk|split NOW
 *
 * The signed zone goes to standard output, findings' codes to standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnssec/dnssec.h"

struct keys {
	struct sign_key		 key[8];
	struct crypto_priv	*priv[8];
	uint8_t			 rdata[8][DNSKEY_RDATA_MAX];
	size_t			 n;
};

static int
file_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	ssize_t n = read(*(int *)arg, dst, cap);

	if (n < 0)
		return -errno;
	*ret_n = (size_t)n;
	return 0;
}

static int
out_write(void *arg, const void *p, size_t n)
{
	(void)arg;
	return fwrite(p, 1, n, stdout) == n ? 0 : -EIO;
}

static int
key_sign(void *arg, const struct sign_key *k, struct crypto_make *m, size_t n)
{
	(void)arg;
	return crypto_make_batch(k->arg, m, n);
}

static int
key_add(struct keys *ks, uint8_t alg, uint16_t flags, unsigned uses)
{
	struct dnskey d = { .flags = flags, .protocol = 3, .alg = alg };
	size_t i = ks->n, n;
	int rc = crypto_priv_generate(alg, 1024, &ks->priv[i]);	/* small: the test is quick */

	if (rc < 0)
		return rc;
	d.public_key = crypto_priv_public(ks->priv[i]);
	n = dnskey_write(&d, ks->rdata[i]);
	ks->n++;
	return sign_key_init(&ks->key[i], (struct sv){ (char *)ks->rdata[i], n }, uses, ks->priv[i]);
}

static int
keys_add(struct keys *ks, struct sv algs, bool split)
{
	int rc = 0;

	while (rc == 0 && algs.n > 0) {
		uint32_t alg;

		if (num_u32(sv_cut(&algs, ','), 1, 255, &alg) < 0)
			return -EINVAL;
		rc = key_add(ks, (uint8_t)alg, DNSKEY_ZONE | DNSKEY_SEP, SIGN_USE_PUBLISH | SIGN_USE_DNSKEY |
		    SIGN_USE_CDS | (split ? 0 : SIGN_USE_ZONE));
		if (rc == 0 && split)
			rc = key_add(ks, (uint8_t)alg, DNSKEY_ZONE, SIGN_USE_PUBLISH | SIGN_USE_ZONE);
	}
	return rc;
}

static int
zone_load(const struct dname *apex, const char *path, struct findings *fs, struct zone **ret)
{
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(apex, fs);
	struct zonefile_opts opts = { .origin = *apex, .name = sv_str(path) };
	int fd = open(path, O_RDONLY), rc;
	_cleanup_(zonefile_freep) struct zonefile *f = zonefile_new(&opts, file_read, &fd, fs);
	struct dns_rr rr;

	if (fd < 0 || f == NULL || b == NULL)
		return -EIO;
	while ((rc = zonefile_next(f, &rr)) > 0)
		if ((rc = zone_builder_add(b, &rr)) < 0)
			break;
	(void)close(fd);
	return rc < 0 ? rc : zone_builder_done(b, ret);
}

static int
run(char **argv, struct findings *fs)
{
	_cleanup_(zone_unrefp) struct zone *z = NULL, *s = NULL;
	_cleanup_(sign_state_freep) struct sign_state *state = NULL;
	struct keys *ks = calloc(1, sizeof(*ks));
	struct buf out = BUF_SINK(out_write, NULL);
	struct sign_policy policy;
	struct sign_input in = { .policy = &policy, .sign = key_sign };
	struct sign_stats stats;
	struct dname apex;
	uint64_t now;
	int rc;

	if (ks == NULL || dname_parse(sv_str(argv[1]), NULL, &apex) < 0 ||
	    num_u64(sv_str(argv[6]), 0, INT64_MAX, &now) < 0)
		return -EINVAL;
	sign_policy_init(&policy);
	policy.denial = strcmp(argv[4], "nsec") == 0 ? SIGN_NSEC : SIGN_NSEC3;
	policy.opt_out = strcmp(argv[4], "opt-out") == 0;
	rc = keys_add(ks, sv_str(argv[3]), strcmp(argv[5], "split") == 0);
	if (rc == 0)
		rc = zone_load(&apex, argv[2], fs, &z);
	if (rc < 0)
		return rc;
	in.now_unsigned = z;
	in.keys = (struct sign_keys){ .keys = ks->key, .n = ks->n, .cds_digests = 1 << 2, .cdnskey = true };
	in.now = (int64_t)now;
	rc = sign_zone(&in, fs, &s, &state, &stats);
	for (size_t i = 0; i < ks->n; i++)
		(void)crypto_priv_free(ks->priv[i]);
	free(ks);
	if (rc < 0 || s == NULL)
		return rc < 0 ? rc : 1;
	zone_print(&out, s, 0);
	rc = buf_flush(&out);
	buf_done(&out);
	return rc;
}

int
main(int argc, char **argv)
{
	struct pool *pool = pool_new(16 << 20);
	struct findings fs;
	int rc;

	if (argc != 7 || pool == NULL)
		return 2;
	findings_init(&fs, pool);
	rc = run(argv, &fs);
	for (const struct finding *f = fs.head; f != NULL; f = f->next) {
		struct buf b = BUF_INIT;

		finding_text(&b, f, LANG_EN);
		fprintf(stderr, "%s %.*s\n", f->def->code, (int)b.len, b.p);
		buf_done(&b);
	}
	if (rc < 0)
		fprintf(stderr, "failed: %d\n", rc);
	(void)pool_free(pool);
	return rc == 0 ? 0 : 1;
}
