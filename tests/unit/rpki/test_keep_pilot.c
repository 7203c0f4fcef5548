/* Every good point of a real repository, written and read again: the same, field by field. */
#include "../tap.h"
#include "same.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/routes.h"

#define PILOT_AT	INT64_C(1691132400)	/* 2023-08-04T07:00:00Z, as tests/peer */

static void
complain_print(void *arg UNUSED, const char *text)
{
	printf("# %s\n", text);
}

static int
pilot_run(struct routes **ret)
{
	const char *data = getenv("SEKISHO_DATA"), *src = getenv("SEKISHO_SRC");
	char dir[4096], tal[8192], rrdp[8192];
	const char *tals[] = { tal }, *rrdps[] = { rrdp };
	const struct routes_conf conf = { .tals = tals, .n_tals = 1, .rrdp = rrdps, .n_rrdp = 1,
	    .now = PILOT_AT, .jobs = 1, .tolerate = RPKI_TOL_DEFAULT, .keep = true,
	    .complain = { complain_print, NULL, LANG_EN } };

	(void)snprintf(dir, sizeof(dir), "%s%s/rpki/pilot", data != NULL ? data :
	    src != NULL ? src : ".", data != NULL ? "" : "/../shared/data");
	(void)snprintf(tal, sizeof(tal), "%s/ripe-pilot.tal", dir);
	(void)snprintf(rrdp, sizeof(rrdp), "%s/snapshot.xml.gz", dir);
	if (access(rrdp, R_OK) != 0)
		return -ENOENT;
	return routes_run(&conf, ret);
}

static size_t
point_round(const struct rpki_point *pt, const struct rpki_opt *opt, size_t *n_reported)
{
	struct buf kept = BUF_INIT, again = BUF_INIT;
	uint8_t print[SHA256_LEN];
	struct rpki_point back;
	size_t n;
	bool ok;

	assert_int_equal(rpki_point_fingerprint(pt->ca, opt, SV("build"), print), 0);
	assert_int_equal(rpki_point_write(pt, print, &kept), 0);
	assert_int_equal(rpki_point_read(pt->ca, buf_get(&kept), print, &back, &ok), 0);
	assert_true(ok);
	same_point(pt, &back);
	assert_int_equal(rpki_point_write(&back, print, &again), 0);
	same_sv(buf_get(&kept), buf_get(&again));
	n = kept.len;
	*n_reported += back.n_objects;
	rpki_point_done(&back);
	buf_done(&kept);
	buf_done(&again);
	return n;
}

static void
test_pilot(void **state UNUSED)
{
	struct routes *r = NULL;
	size_t n = 0, bytes = 0, n_vrps = 0, n_reported = 0;
	int rc = pilot_run(&r);

	if (rc == -ENOENT)
		skip();
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < r->n_points; i++)
		if (rpki_point_keepable(r->points[i])) {
			bytes += point_round(r->points[i], &r->opt, &n_reported);
			n_vrps += r->points[i]->n_vrps;
			n++;
		}
	printf("# %zu of %zu points are kept, with %zu VRPs in %zu bytes\n", n, r->n_points, n_vrps,
	    bytes);
	/* One has no manifest; 51 ROAs of the others have RPKI_ROA_ORDER. */
	assert_int_equal(n + 1, r->n_points);
	assert_int_equal(n_vrps, r->n_vrps_all);
	assert_int_equal(n_reported, 51);
	(void)routes_free(r);
}

TESTS_MAIN("rpki keep pilot", T(test_pilot))
