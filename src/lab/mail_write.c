/* A mail world as a folder. */
#include <errno.h>
#include <stdio.h>

#include "lab/mail_internal.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/par.h"

#define PATH_MAX_	4096

static int
path_make(char ret[static PATH_MAX_], const char *dir, const char *name)
{
	int n = snprintf(ret, PATH_MAX_, "%s/%s", dir, name);

	return n < 0 || n >= PATH_MAX_ ? -ENAMETOOLONG : 0;
}

int
lab_mail_file(const char *dir, const char *name, const struct buf *b)
{
	char path[PATH_MAX_];
	int rc = path_make(path, dir, name);

	if (rc < 0 || b->rc < 0)
		return rc < 0 ? rc : b->rc;
	return file_write(path, buf_get(b));
}

/* Sekisho takes no key that others may read. */
static int
key_file(const char *dir, const struct lab_mail_key *k)
{
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	_cleanup_(buf_done) struct buf pem = BUF_INIT, name = BUF_INIT;
	char path[PATH_MAX_];
	int rc;

	buf_printf(&name, "keys/%.*s.%.*s.pem%c", SV_ARG(k->selector), SV_ARG(k->domain), '\0');
	if ((rc = name.rc) < 0 || (rc = crypto_priv_write(k->priv, &pem)) < 0 ||
	    (rc = path_make(path, dir, name.p)) < 0 || (rc = atomicfile_open_secret(&f,
	    path)) < 0 ||
	    (rc = fd_write_all(&f.fd, pem.p, pem.len)) < 0)
		return rc;
	return atomicfile_commit(&f);
}

/* --- flows, in parallel: signing is arithmetic --- */

struct flows {
	const struct lab_mail	*w;
	const char		*dir;
	int			*rc;
};

static void
flow_file(void *arg, size_t i)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct flows *f = arg;
	char name[32];

	(void)snprintf(name, sizeof(name), "flows/%03zu.eml", i + 1);
	f->rc[i] = lab_mail_message(f->w, i, 0, &b);
	if (f->rc[i] == 0)
		f->rc[i] = lab_mail_file(f->dir, name, &b);
}

static int
flows_write(const struct lab_mail *w, const char *dir, unsigned jobs)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LAB_MAIL_ROWS_MAX * sizeof(int) + 64);
	struct flows f = { w, dir, pool == NULL ? NULL : pool_calloc(pool, w->n_rows,
	    sizeof(int)) };
	int rc = 0;

	if (f.rc == NULL)
		return -ENOMEM;
	par_for(jobs, w->n_rows, flow_file, &f);
	for (size_t i = 0; i < w->n_rows && rc == 0; i++)
		rc = f.rc[i];
	return rc;
}

/* --- the rest --- */

static int
dirs_make(const char *dir)
{
	static const char *const names[] = { "keys", "flows", "postfix/queue", "run" };
	char path[PATH_MAX_];
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(names) && rc == 0; i++)
		if ((rc = path_make(path, dir, names[i])) == 0)
			rc = dir_make(path);
	return rc;
}

static int
json_file(const struct lab_mail *w, const char *dir, const char *name,
    void (*fn)(const struct lab_mail *, struct json *))
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);

	fn(w, &j);
	buf_char(&b, '\n');
	return lab_mail_file(dir, name, &b);
}

/* With the seed that was used, so that the same keys can be made again. */
static int
text_file(const struct lab_mail *w, const char *dir)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_sv(&b, w->text);
	buf_printf(&b, "\nseed %llu\n", (unsigned long long)w->seed);
	return lab_mail_file(dir, "world.lab", &b);
}

int
lab_mail_write(const struct lab_mail *w, const struct lab_mail_folder *to)
{
	const char *dir = to->dir;
	_cleanup_(buf_done) struct buf zone = BUF_INIT;
	int rc = dirs_make(dir);

	for (const struct lab_mail_key *k = w->keys; k != NULL && rc == 0; k = k->next)
		rc = key_file(dir, k);
	if (rc == 0)
		rc = flows_write(w, dir, to->jobs);
	if (rc < 0)
		return rc;
	lab_mail_zone(w, &zone);
	if ((rc = text_file(w, dir)) < 0 || (rc = lab_mail_file(dir, "world.zone", &zone)) < 0 ||
	    (rc = json_file(w, dir, "flows.json", lab_mail_json)) < 0 ||
	    (rc = json_file(w, dir, "expected-report.json", lab_mail_report_json)) < 0)
		return rc;
	return lab_mail_conf_write(w, to);
}
