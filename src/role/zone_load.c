/* What a former life left of a zone (role/zone_keep.h), on a thread: read, and all of it verified. */
#include <errno.h>
#include <string.h>

#include "app/zone_file.h"
#include "base/err.h"
#include "role/zone_role.h"
#include "sys/file.h"
#include "sys/memfd.h"

#define IMAGE_MAX	((size_t)16 << 30)
#define JOURNAL_MAX	((size_t)16 << 30)

struct loading {
	struct zone_work	*w;
	struct zone		*zone;		/* the image, then what is played on it */
	struct zone_kept	 kept;
	struct zone_history	*history;	/* NULL: none is kept */
};

static struct rd
journal_open(struct sv journal, uint64_t epoch)
{
	struct rd r = rd_sv(journal);
	uint32_t magic = rd_be32(&r), zero = rd_be32(&r);
	uint64_t of = rd_be64(&r);

	if (r.bad || magic != KEEP_MAGIC || zero != 0 || of != epoch)
		r.bad = true;
	return r;
}

/* It goes on where we are: the next version. */
static int
entry_play(struct loading *l, struct xfr_diff *d)
{
	_cleanup_(zone_edit_freep) struct zone_edit *e = NULL;
	struct zone *next = NULL;
	struct findings fs;
	int rc;

	findings_init(&fs, l->w->pool);
	if ((e = zone_edit_new(l->zone, &fs)) == NULL)
		return -ENOMEM;
	if ((rc = xfr_diff_edit(d, e)) < 0 || (rc = zone_edit_done(e, &next)) < 0)
		return rc;
	(void)zone_unref(l->zone);
	l->zone = next;
	return 0;
}

static int
entry_take(struct loading *l, struct xfr_diff *d, size_t octets)
{
	struct zone_step *s = zone_step_new(d, octets);
	uint32_t at;
	int rc = 0;

	if (s == NULL) {
		(void)xfr_diff_free(d);
		return SE_FORMAT;
	}
	if (zone_serial(l->zone, &at) && s->from == at)
		rc = entry_play(l, d);
	if (rc < 0 || l->history == NULL)
		(void)zone_step_unref(s);
	else
		zone_history_add(l->history, s, max_size(ZONE_HISTORY_MIN, l->kept.image_octets / 2));
	return rc;
}

/* What is cut off at its end was not in service. */
static int
journal_read(struct loading *l, struct sv journal)
{
	struct rd r = journal_open(journal, l->kept.epoch);
	struct xfr_diff *d;
	int rc;

	if (r.bad)
		return 0;
	l->kept.journal_octets = KEEP_HEAD_LEN;
	for (;;) {
		size_t left = rd_left(&r);

		if ((rc = xfr_diff_parse(&r, &l->w->z->e->name, 0, &d)) <= 0)
			break;
		if ((rc = entry_take(l, d, left - rd_left(&r))) < 0)
			break;
		l->kept.journal_octets = journal.n - rd_left(&r);
	}
	return rc == -ENOMEM ? rc : 0;
}

/* History that does not lead to what we have is none. */
static void
history_check(struct loading *l)
{
	uint32_t at;

	if (l->history != NULL && l->history->n > 0 && (!zone_serial(l->zone, &at) ||
	    l->history->v[l->history->n - 1]->to != at))
		zone_history_done(l->history);
}

/* *ret NULL: there is none, or none that can be read. */
static int
side_load(struct zone_work *w, enum keep_side side, struct zone_history *h, struct zone **ret)
{
	struct loading l = { .w = w, .history = h };
	struct file_map image = { 0 }, journal = { 0 };
	struct findings fs;
	int rc = memfd_map(w->image[side], true, IMAGE_MAX, &image);

	findings_init(&fs, w->pool);
	if (rc == 0 && image.data.n > 0)
		rc = zone_image_read(image.data, &w->z->e->name, &fs, &l.kept.epoch, &l.zone);
	if (rc == 0 && l.zone != NULL) {
		l.kept.image_octets = image.data.n;
		rc = memfd_map(w->journal[side], true, JOURNAL_MAX, &journal);
	}
	if (rc == 0 && l.zone != NULL)
		rc = journal_read(&l, journal.data);
	file_unmap(&image);
	file_unmap(&journal);
	if (rc < 0 || l.zone == NULL) {
		(void)zone_unref(l.zone);
		if (h != NULL)
			zone_history_done(h);
		return rc == SE_SUM || rc == SE_FORMAT ? 0 : rc;
	}
	history_check(&l);
	/* A journal that could not be used is begun anew with the next image. */
	w->kept[side] = l.kept.journal_octets > 0 ? l.kept : (struct zone_kept){ 0 };
	*ret = l.zone;
	return 0;
}

/* Is the output another version than this? Its first record is the SOA. */
static bool
text_differs(struct zone_work *w, const struct zone *z)
{
	struct zone_text text = { 0 };
	struct zonefile_opts o = { .origin = w->z->e->name };
	_cleanup_(zonefile_freep) struct zonefile *f = NULL;
	struct file_map map = { 0 };
	struct findings fs;
	struct dns_rr rr;
	uint32_t a, b;
	bool same;

	if (w->z->e->output[0] == '\0')
		return false;
	if (w->z->policy.serial == SIGN_SERIAL_KEEP ||
	    file_map(w->z->e->output, ZONE_TEXT_MAX, &map) < 0)
		return true;
	text.rest = map.data;
	findings_init(&fs, w->pool);
	f = zonefile_new(&o, zone_text_read, &text, &fs);
	same = f != NULL && zonefile_next(f, &rr) == 1 && rr.type == RR_SOA &&
	    soa_serial(rr.rdata, &a) == 0 && zone_serial(z, &b) && a == b;
	file_unmap(&map);
	return !same;
}

void
zone_load(struct zone_work *w)
{
	int rc;

	if (zone_is_fed(w->z) && (rc = side_load(w, KEEP_IN, NULL, &w->next.plain)) < 0) {
		(void)zone_fail(w, "what was kept of it cannot be read", rc);
		return;
	}
	if ((rc = side_load(w, KEEP_OUT, &w->loaded, &w->next.signed_zone)) < 0) {
		(void)zone_fail(w, "what was kept of it cannot be read", rc);
		return;
	}
	if (w->next.signed_zone == NULL)
		return;
	w->text_wanted = text_differs(w, w->next.signed_zone);
	w->next.ttl_max = zone_ttl_max(w->next.signed_zone);
	/* It is not served before all of it was verified; one without keys waits for key's word. */
	if (zone_verify(w) < 0 && w->refused) {
		w->stale = true;
		w->rc = 0;
	}
	if (w->next.audit != NULL && w->next.audit->first_expiry != INT64_MAX)
		w->next.horizon = w->next.audit->first_expiry;
}
