/*
 * The milter's journal when the power goes: what is acknowledged is on the disk. The disk is a
 * strict one: octets are on it once their file was synced, names once their folder was.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "journal_kit.h"

int	__real_fsync(int);
int	__real_fdatasync(int);
int	__wrap_fsync(int);
int	__wrap_fdatasync(int);

#define FILES_MAX	256

struct disk {
	const char	*folder;	/* NULL: nobody looks */
	struct file {
		ino_t		 ino;
		int		 held;		/* so that the number is not used again */
		struct buf	 octets;
	}		 files[FILES_MAX];
	size_t		 n_files;
	struct name {
		char		 name[64];
		ino_t		 ino;
	}		 names[FILES_MAX];
	size_t		 n_names;
};

static struct disk *
disk(void)
{
	static struct disk d;

	return &d;
}

static struct file *
file_of(ino_t ino)
{
	struct disk *d = disk();
	size_t i = 0;

	while (i < d->n_files && d->files[i].ino != ino)
		i++;
	return i < d->n_files ? &d->files[i] : NULL;
}

static void
octets_synced(int fd, ino_t ino)
{
	struct disk *d = disk();
	struct file *f = file_of(ino);
	char path[64], part[4096];
	ssize_t n;
	int in;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true((in = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
	if (f == NULL) {
		assert_true(d->n_files < FILES_MAX);
		f = &d->files[d->n_files++];
		*f = (struct file){ .ino = ino, .held = dup(in), .octets = BUF_INIT };
	}
	f->octets.len = 0;
	while ((n = read(in, part, sizeof(part))) > 0)
		buf_bytes(&f->octets, part, (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(f->octets.rc, 0);
	(void)close(in);
}

static void
names_synced(void)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct disk *d = disk();
	struct sv *names;

	assert_int_equal(dir_list(pool, d->folder, FILES_MAX, &names, &d->n_names), 0);
	for (size_t i = 0; i < d->n_names; i++) {
		char path[MAIL_JOURNAL_PATH_MAX];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%.*s", d->folder, SV_ARG(names[i]));
		assert_int_equal(stat(path, &st), 0);
		d->names[i].ino = st.st_ino;
		(void)snprintf(d->names[i].name, sizeof(d->names[i].name), "%.*s", SV_ARG(names[i]));
	}
}

static void
synced(int fd)
{
	struct stat st;

	if (disk()->folder == NULL)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	if (S_ISDIR(st.st_mode))
		names_synced();
	else
		octets_synced(fd, st.st_ino);
}

int
__wrap_fsync(int fd)
{
	int rc = __real_fsync(fd);

	synced(fd);
	return rc;
}

int
__wrap_fdatasync(int fd)
{
	int rc = __real_fdatasync(fd);

	synced(fd);
	return rc;
}

static void
disk_init(const char *folder)
{
	disk()->folder = folder;
}

static void
disk_done(void)
{
	struct disk *d = disk();

	for (size_t i = 0; i < d->n_files; i++) {
		buf_done(&d->files[i].octets);
		(void)close(d->files[i].held);
	}
	*d = (struct disk){ .folder = NULL };
}

/* What is left of it, in a folder of its own; a name of which no octet was synced is an empty file. */
static void
power_goes(struct world *left)
{
	struct disk *d = disk();
	const char *folder = d->folder;

	world_init(left);
	d->folder = NULL;
	for (size_t i = 0; i < d->n_names; i++) {
		const struct file *f = file_of(d->names[i].ino);
		char path[MAIL_JOURNAL_PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s/%s", left->folder, d->names[i].name);
		assert_int_equal(file_write(path, f == NULL ? SV("") : buf_get(&f->octets)), 0);
	}
	d->folder = folder;
}

/* All rows up to this one are there, each once, after the next start. */
static void
left_check(uint32_t last)
{
	static struct seen s;
	const char *folder = disk()->folder;
	struct mail_journal_found found;
	struct world left;

	power_goes(&left);
	disk()->folder = NULL;
	(void)mail_journal_free(open_journal(&left, 1000, 60, &found));
	disk()->folder = folder;
	look(&left, &s);
	for (uint32_t id = 1; id <= last; id++)
		assert_int_equal(s.n[id], 1);
	assert_int_equal(s.n_rows, last);
	assert_int_equal(found.n_damaged, 0);
	world_done(&left);
}

static void
test_power(void **state)
{
	struct world w;
	struct mail_journal *j;

	(void)state;
	world_init(&w);
	disk_init(w.folder);
	j = open_journal(&w, 1000, 60, NULL);
	for (uint32_t id = 1; id <= 40; id++) {
		assert_int_equal(append(j, id, id * 7, NOW + id), 0);
		left_check(id);
		assert_int_equal(mail_journal_turn(j, NOW + id, id % 5 == 0), 0);
		left_check(id);
	}
	(void)mail_journal_free(j);
	left_check(40);
	disk_done();
	world_done(&w);
}

TESTS_MAIN("mail_journal_power", T(test_power))
