/*
 * The milter's journal: whatever was acknowledged is there once, though the writer is killed,
 * its file torn, its disk full, and though many write at a time.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "journal_kit.h"

/* --- one thread --- */

static void
test_segments(void **state)
{
	static struct seen s;
	struct world w;
	struct mail_journal *j;
	uint64_t *numbers;
	size_t n;

	(void)state;
	world_init(&w);
	j = open_journal(&w, 1000, 60, NULL);
	assert_int_equal(mail_journal_append(j, NOW, SV("")), -EINVAL);
	assert_int_equal(mail_journal_append(j, NOW, (struct sv){ w.folder,
	    MAIL_JOURNAL_ROW_MAX + 1 }), SE_LIMIT);
	assert_int_equal(append(j, 1, 100, NOW), 0);
	look(&w, &s);
	assert_int_equal(s.n_segments, 0);		/* it is young and small */
	for (uint32_t i = 2; i < 12; i++)		/* … and 9 of these make 1000 octets */
		assert_int_equal(append(j, i, 100, NOW), 0);
	look(&w, &s);
	assert_int_equal(s.n_segments, 1);
	assert_int_equal(s.n_rows, 9);
	assert_int_equal(s.last, 9);
	assert_int_equal(mail_journal_turn(j, NOW + 59, false), 0);
	look(&w, &s);
	assert_int_equal(s.n_segments, 1);
	assert_int_equal(mail_journal_turn(j, NOW + 60, false), 0);
	look(&w, &s);
	assert_int_equal(s.n_segments, 2);
	assert_int_equal(s.n_rows, 11);
	assert_int_equal(append(j, 12, 1, NOW + 61), 0);
	assert_int_equal(mail_journal_turn(j, NOW + 61, true), 0);
	assert_int_equal(mail_journal_turn(j, NOW + 61, true), 0);	/* nothing there: no segment */
	look(&w, &s);
	assert_int_equal(s.n_segments, 3);
	assert_int_equal(mail_journal_list(w.folder, w.pool, &numbers, &n), 0);
	assert_int_equal(mail_journal_remove(w.folder, numbers[0]), 0);
	assert_int_equal(mail_journal_remove(w.folder, numbers[0]), 0);
	look(&w, &s);
	assert_int_equal(s.n_rows, 3);
	assert_int_equal(append(j, 13, 1, NOW + 61), 0);
	(void)mail_journal_free(j);			/* an orderly end seals */
	look(&w, &s);
	assert_int_equal(s.last, 13);
	world_done(&w);
}

/* --- half a row at the end --- */

static struct sv
made(struct buf *b, uint64_t number, unsigned n)
{
	uint8_t head[JOURNAL_HEAD_LEN];
	char row[32];

	journal_head(head, number);
	buf_bytes(b, head, sizeof(head));
	for (unsigned i = 0; i < n; i++)
		journal_frame(b, number, (struct sv){ row, (size_t)snprintf(row, sizeof(row),
		    "%u row", i) });
	assert_int_equal(b->rc, 0);
	return buf_get(b);
}

static void
test_torn(void **state)
{
	static struct seen s;
	struct buf b = BUF_INIT;
	struct sv whole = made(&b, 7, 5);

	(void)state;
	for (size_t len = 0; len <= whole.n + 20; len++) {
		struct mail_journal_found found;
		char path[MAIL_JOURNAL_PATH_MAX], zeros[256] = { 0 };
		struct sv file = sv_take(whole, len);
		size_t n = len < JOURNAL_HEAD_LEN ? 0 : (min_size(len,
		    whole.n) - JOURNAL_HEAD_LEN) / 13;
		struct world w;

		world_init(&w);
		memcpy(zeros, file.p, file.n);		/* beyond the end: zeros, as some file systems leave */
		file = (struct sv){ zeros, len };
		assert_int_equal(journal_path(w.folder, 7, JOURNAL_OPEN, path), 0);
		assert_int_equal(file_write(path, file), 0);
		(void)mail_journal_free(open_journal(&w, 1000, 60, &found));
		look(&w, &s);
		assert_int_equal(s.n_rows, n);
		assert_int_equal(s.lost, 0);		/* it was cut */
		assert_int_equal(found.n_damaged, len < JOURNAL_HEAD_LEN);
		assert_int_equal(found.n_cut, len >= JOURNAL_HEAD_LEN &&
		    len != JOURNAL_HEAD_LEN + 13 * n);
		assert_int_equal(found.n_waiting, n > 0);
		world_done(&w);
	}
	buf_done(&b);
}

/* Any octet of it that is another: rows before it stand, no row is another one. */
static void
test_damaged(void **state)
{
	struct buf b = BUF_INIT;
	struct sv whole = made(&b, 7, 5);
	uint64_t lost;

	(void)state;
	for (size_t i = 0; i < whole.n; i++) {
		static struct seen s;
		int rc;

		memset(&s, 0, sizeof(s));
		b.p[i] = (char)(b.p[i] ^ 0x21);
		rc = mail_journal_read(whole, seen_row, &s, &lost);
		b.p[i] = (char)(b.p[i] ^ 0x21);
		assert_int_equal(rc, i < 8 ? -EBADMSG : 0);
		assert_int_equal(s.n_rows, i < JOURNAL_HEAD_LEN ? 0 : (i - JOURNAL_HEAD_LEN) / 13);
		assert_true(rc < 0 || lost == whole.n - JOURNAL_HEAD_LEN - 13 * s.n_rows);
	}
	buf_done(&b);
}

/* A sealed segment of the same number is never written over. */
static void
test_numbers(void **state)
{
	static struct seen s;
	struct mail_journal_found found;
	struct mail_journal *j;
	struct world w;

	(void)state;
	world_init(&w);
	for (uint32_t i = 0; i < 5; i++) {		/* five starts within a second */
		j = open_journal(&w, 1000, 60, &found);
		assert_int_equal(found.n_waiting, i);
		assert_int_equal(append(j, i, 1, NOW), 0);
		(void)mail_journal_free(j);
	}
	look(&w, &s);
	assert_int_equal(s.n_segments, 5);
	world_done(&w);
}

/* --- a full disk, played by a limit on files --- */

static void
full_child(const struct world *w)
{
	const struct rlimit small = { 2000, RLIM_INFINITY }, none = { RLIM_INFINITY,
	    RLIM_INFINITY };
	struct mail_journal *j = open_journal(w, 1 << 20, 60, NULL);
	uint32_t id = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &small) < 0)
		_exit(10);
	while (id < 100 && append(j, id, 90, NOW) == 0)
		id++;
	if (id == 100 || append(j, 99, 90, NOW) != -EFBIG || append(j, id, 1, NOW) != 0)
		_exit(11);				/* a small one still fits */
	if (setrlimit(RLIMIT_FSIZE, &none) < 0 || append(j, 99, 90, NOW) != 0)
		_exit(12);
	(void)mail_journal_free(j);
	_exit((int)id);
}

static void
test_full(void **state)
{
	static struct seen s;
	struct world w;
	int status = 0;
	pid_t pid;

	(void)state;
	world_init(&w);
	if ((pid = fork()) == 0)
		full_child(&w);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) > 12);
	look(&w, &s);
	assert_int_equal(s.n_rows, WEXITSTATUS(status) + 2);
	assert_int_equal(s.lost, 0);
	for (int i = 0; i <= WEXITSTATUS(status); i++)
		assert_int_equal(s.n[i], 1);
	assert_int_equal(s.n[99], 1);
	world_done(&w);
}

/* --- many threads --- */

#define THREADS	8

struct worker {
	struct mail_journal	*j;
	uint32_t		 from, n;
	int			 fd;		/* of a pipe for what was acknowledged; -1: none */
	int			 rc;
};

static void *
work(void *arg)
{
	struct worker *k = arg;

	for (uint32_t i = k->from; i < k->from + k->n; i++) {
		if ((k->rc = append(k->j, i, 10 + i % 500, NOW + i / 100)) < 0)
			return NULL;
		if (k->fd >= 0 && write(k->fd, &i, sizeof(i)) != sizeof(i))
			return NULL;
	}
	return NULL;
}

static void
work_all(struct mail_journal *j, uint32_t from, uint32_t each, int fd)
{
	struct worker k[THREADS];
	pthread_t t[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		k[i] = (struct worker){ j, from + i * each, each, fd, 0 };
		assert_int_equal(pthread_create(&t[i], NULL, work, &k[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_int_equal(k[i].rc, 0);
	}
}

static void
test_threads(void **state)
{
	static struct seen s;
	struct mail_journal *j;
	struct world w;

	(void)state;
	world_init(&w);
	j = open_journal(&w, 50000, 60, NULL);
	work_all(j, 0, 400, -1);
	(void)mail_journal_free(j);
	look(&w, &s);
	assert_int_equal(s.n_rows, THREADS * 400);
	for (unsigned i = 0; i < THREADS * 400; i++)
		assert_int_equal(s.n[i], 1);
	assert_true(s.n_segments > 5);
	world_done(&w);
}

/* --- killed --- */

/* At most max of what it says. */
static uint32_t
acknowledged(int fd, uint8_t *ack, uint32_t max)
{
	uint32_t id, n = 0;

	while (n < max && read(fd, &id, sizeof(id)) == sizeof(id)) {
		ack[id] = 1;
		n++;
	}
	return n;
}

static uint32_t
life(const struct world *w, uint32_t from, uint32_t n_before, uint8_t *ack)
{
	int fds[2], status;
	uint32_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		(void)close(fds[0]);
		work_all(open_journal(w, 20000, 1, NULL), from, 100, fds[1]);
		_exit(0);
	}
	(void)close(fds[1]);
	n = acknowledged(fds[0], ack, n_before);
	assert_int_equal(kill(pid, SIGKILL), 0);
	n += acknowledged(fds[0], ack, UINT32_MAX);
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return n;
}

static void
test_killed(void **state)
{
	static uint8_t ack[IDS_MAX];
	static struct seen s;
	uint32_t n_ack = 0, n_killed = 0;
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned i = 0; i < 40; i++) {
		uint32_t n = life(&w, i * THREADS * 100, i * 31 % 50, ack);

		n_ack += n;
		n_killed += n > 0 && n < THREADS * 100;
	}
	(void)mail_journal_free(open_journal(&w, 20000, 1, NULL));
	look(&w, &s);
	assert_int_equal(s.lost, 0);
	for (unsigned i = 0; i < IDS_MAX; i++) {
		assert_true(s.n[i] <= 1);
		assert_true(s.n[i] == 1 || !ack[i]);
	}
	print_message("# %u acknowledged, %zu there, %u of 40 killed in the middle\n", n_ack,
	    s.n_rows, n_killed);
	assert_true(n_killed > 0 && n_ack > 100);
	world_done(&w);
}

/* While many wait, the next one is open for longer: the number of files is what is bounded. */
static void
test_slow(void **state UNUSED)
{
	struct mail_journal *j;
	uint64_t *numbers;
	struct world w;
	size_t n;

	world_init(&w);
	j = open_journal(&w, 1 << 20, 10, NULL);
	for (unsigned i = 0; i <= MAIL_JOURNAL_FEW; i++) {
		assert_int_equal(mail_journal_append(j, NOW + i * 10, SV("1 row")), 0);
		assert_int_equal(mail_journal_turn(j, NOW + i * 10 + 10, false), 0);
		assert_int_equal(mail_journal_list(w.folder, w.pool, &numbers, &n), 0);
		assert_int_equal(n, i + 1);
	}
	assert_int_equal(mail_journal_append(j, NOW + 1000, SV("2 row")), 0);
	assert_int_equal(mail_journal_turn(j, NOW + 1000 + MAIL_JOURNAL_SLOW_SEC - 1, false), 0);
	assert_int_equal(mail_journal_list(w.folder, w.pool, &numbers, &n), 0);
	assert_int_equal(n, MAIL_JOURNAL_FEW + 1);
	assert_int_equal(mail_journal_turn(j, NOW + 1000 + MAIL_JOURNAL_SLOW_SEC, false), 0);
	assert_int_equal(mail_journal_list(w.folder, w.pool, &numbers, &n), 0);
	assert_int_equal(n, MAIL_JOURNAL_FEW + 2);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(mail_journal_remove(w.folder, numbers[i]), 0);
	assert_int_equal(mail_journal_append(j, NOW + 3000, SV("3 row")), 0);
	assert_int_equal(mail_journal_turn(j, NOW + 3010, false), 0);
	assert_int_equal(mail_journal_list(w.folder, w.pool, &numbers, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(mail_journal_damaged(w.folder, numbers[0]), 0);
	assert_int_equal(mail_journal_damaged(w.folder, numbers[0]), -ENOENT);
	assert_int_equal(mail_journal_list(w.folder, w.pool, &numbers, &n), 0);
	assert_int_equal(n, 0);
	(void)mail_journal_free(j);
	world_done(&w);
}

TESTS_MAIN("mail_journal", T(test_segments), T(test_torn), T(test_damaged), T(test_numbers),
    T(test_full), T(test_threads), T(test_killed), T(test_slow))
