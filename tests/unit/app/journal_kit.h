/* A folder of its own for a test of the milter's journal, and which rows are in it. */
#ifndef TESTS_UNIT_APP_JOURNAL_KIT_H
#define TESTS_UNIT_APP_JOURNAL_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../tap.h"
#include "app/mail_journal_internal.h"
#include "base/err.h"
#include "sys/file.h"
#include "sys/statedir.h"

#define NOW	1795219200

/* --- a folder, and what is in it --- */

struct world {
	char		 folder[64];
	struct pool	*pool;
};

static inline void
world_init(struct world *w)
{
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/journal.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	w->pool = pool_new(64 << 20);
	assert_non_null(w->pool);
}

static inline void
world_done(struct world *w)
{
	char path[MAIL_JOURNAL_PATH_MAX];
	struct sv *names;
	size_t n;

	assert_int_equal(dir_list(w->pool, w->folder, 5000, &names, &n), 0);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%.*s", w->folder, SV_ARG(names[i]));
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(w->folder), 0);
	(void)pool_free(w->pool);
}

static inline struct mail_journal *
open_journal(const struct world *w, uint64_t bytes, unsigned sec, struct mail_journal_found *found)
{
	const struct mail_journal_conf c = { w->folder, bytes, sec };
	struct mail_journal_found f;
	struct mail_journal *j;

	assert_int_equal(mail_journal_open(&c, NOW, &j, found == NULL ? &f : found), 0);
	return j;
}

#define IDS_MAX	100000

struct seen {
	uint8_t		n[IDS_MAX];
	uint32_t	last;		/* in the order of the disk */
	size_t		n_rows, n_segments;
	uint64_t	lost;
};

/* "ID filler…" */
static inline int
seen_row(void *arg, struct sv row)
{
	struct seen *s = arg;
	uint32_t id;

	assert_int_equal(num_u32(sv_cut(&row, ' '), 0, IDS_MAX - 1, &id), 0);
	s->n[id]++;
	s->last = id;
	s->n_rows++;
	return 0;
}

static inline void
look(struct world *w, struct seen *s)
{
	uint64_t *numbers, lost;

	memset(s, 0, sizeof(*s));
	assert_int_equal(mail_journal_list(w->folder, w->pool, &numbers, &s->n_segments), 0);
	for (size_t i = 0; i < s->n_segments; i++) {
		char path[MAIL_JOURNAL_PATH_MAX];
		struct file_map map;

		assert_true(i == 0 || numbers[i - 1] < numbers[i]);
		assert_int_equal(mail_journal_path(w->folder, numbers[i], path), 0);
		assert_int_equal(file_map(path, MAIL_JOURNAL_SEGMENT_MAX, &map), 0);
		assert_int_equal(mail_journal_read(map.data, seen_row, s, &lost), 0);
		s->lost += lost;
		file_unmap(&map);
	}
}

static inline int
append(struct mail_journal *j, uint32_t id, size_t filler, int64_t now)
{
	char row[4096];
	int n = snprintf(row, sizeof(row), "%u %0*u", id, (int)filler, id);

	return mail_journal_append(j, now, (struct sv){ row, (size_t)n });
}

#endif
