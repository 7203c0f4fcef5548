/*
 * Every object of a small tree is broken in every place, one at a time, and
 * the whole tree is judged again: nothing may crash, hang or fail to be done,
 * and no payload may come out that the clean tree has not.
 *
 *	mutate DIR TAL AT STEP BYTES SEED
 *
 * DIR is a tree (host/module/path), AT Unix seconds. Each object is cut to
 * every STEP-th length, has BYTES single bytes changed at random (seeded)
 * places, and one byte added at its end. A manifest's hash stops most of it
 * before it is parsed, so each broken object is also read alone.
 * Prints one line a file:
 *
 *	URI size tries clean lost silent
 *
 * tries: trees judged; clean: how many gave all payloads; lost: how many gave
 * fewer; silent: how often the broken object, read alone, had no REJECT (a
 * change in a signature that only its issuer's key can show). Exit status 0;
 * 1 if a payload came out of nothing or something could not be judged; 3 if
 * the input is no clean tree.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rpki/rpki.h"

#define FILES_MAX	1024
#define PATH_LEN	4096
#define TRY_SECONDS	20	/* one judgement of the tree takes milliseconds */
#define TA_POOL		(1u << 20)
#define OBJECT_POOL	(4u << 20)

struct file {
	char	*uri;
	uint8_t	*p;
	size_t	 n;
	bool	 ta;		/* the trust anchor's certificate */
};

struct world {
	struct file	 files[FILES_MAX];
	size_t		 n;
	struct pool	*tal_pool;
	struct tal	 tal;
	struct rpki_opt	 opt;
	/* The broken copy of files[broken]; the rest is as it is on disk. */
	size_t		 broken;
	struct sv	 bytes;
};

struct outcome {
	struct vrp	*vrps;
	size_t		 n_vrps;
	struct aspa	*aspas;		/* providers are heap, too */
	size_t		 n_aspas;
};

static struct world w;
static uint64_t seed;

static void
die(const char *what, const char *which)
{
	fprintf(stderr, "mutate: %s: %s\n", what, which);
	exit(3);
}

/* xorshift64*: the same seed breaks the same bytes everywhere. */
static uint64_t
rnd(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 2685821657736338717u;
}

static void *
grown(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (p == NULL)
		die("reallocarray", strerror(errno));
	return p;
}

static uint8_t *
slurp(const char *path, size_t *ret_n)
{
	struct stat st;
	uint8_t *p;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || fstat(fd, &st) != 0)
		die(path, strerror(errno));
	p = grown(NULL, (size_t)st.st_size + 1, 1);
	if (read(fd, p, (size_t)st.st_size) != st.st_size)
		die(path, "short read");
	(void)close(fd);
	*ret_n = (size_t)st.st_size;
	return p;
}

static void
tree_read(const char *dir, size_t root_len)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		die(dir, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		char path[PATH_LEN];
		struct stat st;
		struct file *f = &w.files[w.n];

		if (e->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= PATH_LEN ||
		    stat(path, &st) != 0)
			die(dir, e->d_name);
		if (S_ISDIR(st.st_mode)) {
			tree_read(path, root_len);
			continue;
		}
		if (++w.n == FILES_MAX)
			die(dir, "too many files");
		f->p = slurp(path, &f->n);
		if (asprintf(&f->uri, "rsync://%s", path + root_len + 1) < 0)
			die("asprintf", strerror(errno));
	}
	(void)closedir(d);
}

static struct sv
file_bytes(size_t i)
{
	return i == w.broken ? w.bytes : (struct sv){ (const char *)w.files[i].p, w.files[i].n };
}

static int
world_get(void *arg, struct pool *pool, struct sv uri, struct sv *ret)
{
	(void)arg;
	(void)pool;
	for (size_t i = 0; i < w.n; i++)
		if (sv_eq_str(uri, w.files[i].uri)) {
			*ret = file_bytes(i);
			return 0;
		}
	return -ENOENT;
}

static void
outcome_add(struct outcome *o, const struct rpki_point *pt)
{
	o->vrps = grown(o->vrps, o->n_vrps + pt->n_vrps + 1, sizeof(*o->vrps));
	for (size_t i = 0; i < pt->n_vrps; i++)
		o->vrps[o->n_vrps++] = pt->vrps[i];
	o->aspas = grown(o->aspas, o->n_aspas + pt->n_aspas + 1, sizeof(*o->aspas));
	for (size_t i = 0; i < pt->n_aspas; i++) {
		struct aspa a = pt->aspas[i];
		uint32_t *p = grown(NULL, a.n_providers + 1, sizeof(*p));

		memcpy(p, a.providers, a.n_providers * sizeof(*p));
		a.providers = p;
		o->aspas[o->n_aspas++] = a;
	}
}

static void
outcome_done(struct outcome *o)
{
	for (size_t i = 0; i < o->n_aspas; i++)
		free((void *)(uintptr_t)o->aspas[i].providers);
	free(o->aspas);
	free(o->vrps);
	*o = (struct outcome){ 0 };
}

static int
point_judge(const struct rpki_ca *ca, struct outcome *o)
{
	const struct rpki_source source = { .get = world_get };
	struct rpki_point pt = { 0 };
	int rc = rpki_point_check(ca, &source, &w.opt, &pt);

	if (rc == 0)
		outcome_add(o, &pt);
	for (size_t i = 0; rc == 0 && i < pt.n_children; i++)
		rc = point_judge(&pt.children[i], o);
	rpki_point_done(&pt);
	return rc;
}

/* Judge the tree as it is now. */
static int
world_judge(struct outcome *o)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(TA_POOL);
	struct findings fs;
	struct rpki_ca ca = { 0 };
	bool ok = false;
	int rc;

	(void)alarm(TRY_SECONDS);
	*o = (struct outcome){ 0 };
	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	for (size_t i = 0; i < w.n && !ok; i++) {
		if (!w.files[i].ta)
			continue;
		fs.subject = sv_str(w.files[i].uri);
		rc = rpki_ta_check(pool, &w.tal, file_bytes(i), &w.opt, &fs, &ca, &ok);
		if (rc < 0)
			return rc;
		if (!ok)
			return 0;
		ca.uri = sv_str(w.files[i].uri);
	}
	return ok ? point_judge(&ca, o) : 0;
}

static bool
vrp_known(const struct outcome *clean, const struct vrp *v)
{
	for (size_t i = 0; i < clean->n_vrps; i++)
		if (vrp_cmp(&clean->vrps[i], v) == 0)
			return true;
	return false;
}

static bool
aspa_known(const struct outcome *clean, const struct aspa *a)
{
	for (size_t i = 0; i < clean->n_aspas; i++) {
		const struct aspa *c = &clean->aspas[i];

		if (c->customer == a->customer && c->n_providers == a->n_providers &&
		    memcmp(c->providers, a->providers, a->n_providers * sizeof(*a->providers)) == 0)
			return true;
	}
	return false;
}

static bool
outcome_within(const struct outcome *clean, const struct outcome *o)
{
	for (size_t i = 0; i < o->n_vrps; i++)
		if (!vrp_known(clean, &o->vrps[i]))
			return false;
	for (size_t i = 0; i < o->n_aspas; i++)
		if (!aspa_known(clean, &o->aspas[i]))
			return false;
	return o->n_vrps <= clean->n_vrps && o->n_aspas <= clean->n_aspas;
}

struct score {
	size_t	tries, clean, lost, silent, wrong;
};

/* The object alone: the whole of its parser sees the broken bytes. */
static int
object_judge(size_t i, struct sv bytes, struct score *s)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(OBJECT_POOL);
	struct rpki_object o;
	struct findings fs;
	struct sv ski, aki, aia;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	rc = rpki_object_check(pool, sv_str(w.files[i].uri), bytes, &w.opt, &fs, &o,
	    &ski, &aki, &aia);
	if (rc == 0 && !findings_reject(&fs))
		s->silent++;
	return rc;
}

/* Judge with files[i] replaced; what says how it was broken. */
static void
try_bytes(size_t i, const uint8_t *p, size_t n, const struct outcome *clean,
    struct score *s, const char *what, size_t where)
{
	struct outcome o;
	uint8_t *copy = grown(NULL, n + (n == 0), 1);	/* exact: sanitizers see beyond */
	int rc;

	memcpy(copy, p, n);
	w.broken = i;
	w.bytes = (struct sv){ (const char *)copy, n };
	rc = world_judge(&o);
	if (rc == 0)
		rc = object_judge(i, w.bytes, s);
	s->tries++;
	if (rc < 0 || !outcome_within(clean, &o)) {
		s->wrong++;
		printf("# %s %s %zu: %s\n", w.files[i].uri, what, where,
		    rc < 0 ? "could not be judged" : "a payload out of nothing");
	} else if (o.n_vrps == clean->n_vrps && o.n_aspas == clean->n_aspas)
		s->clean++;
	else
		s->lost++;
	outcome_done(&o);
	free(copy);
	w.broken = SIZE_MAX;
}

static void
file_break(size_t i, size_t step, size_t bytes, const struct outcome *clean, struct score *s)
{
	const struct file *f = &w.files[i];
	uint8_t *p = grown(NULL, f->n + 1, 1);

	memcpy(p, f->p, f->n);
	p[f->n] = 0;
	for (size_t n = 0; n < f->n; n += step)
		try_bytes(i, p, n, clean, s, "cut to", n);
	for (size_t k = 0; k < bytes; k++) {
		size_t at = (size_t)(rnd() % f->n);
		uint8_t was = p[at];

		p[at] ^= (uint8_t)(1 + rnd() % 255);
		try_bytes(i, p, f->n, clean, s, "byte changed at", at);
		p[at] = was;
	}
	try_bytes(i, p, f->n + 1, clean, s, "byte added at", f->n);
	free(p);
}

static void
tal_read(const char *path)
{
	const char *why;
	unsigned line;
	size_t n;
	uint8_t *p = slurp(path, &n);

	if ((w.tal_pool = pool_new(TA_POOL)) == NULL)
		die("pool_new", "no memory");
	if (tal_parse(w.tal_pool, (struct sv){ (const char *)p, n }, &w.tal, &why, &line) < 0)
		die(path, "is no TAL");
	free(p);
	for (size_t i = 0; i < w.n; i++)
		for (size_t k = 0; k < w.tal.n_uris; k++)
			w.files[i].ta |= sv_eq_str(w.tal.uris[k], w.files[i].uri);
}

static size_t
number(const char *s)
{
	uint64_t v;

	if (num_u64(sv_str(s), 0, INT64_MAX, &v) < 0)
		die(s, "is no number");
	return (size_t)v;
}

int
main(int argc, char **argv)
{
	struct outcome clean;
	size_t step, wrong = 0;

	if (argc != 7) {
		fprintf(stderr, "usage: mutate DIR TAL AT STEP BYTES SEED\n");
		return 2;
	}
	tree_read(argv[1], strlen(argv[1]));
	tal_read(argv[2]);
	w.opt = (struct rpki_opt){ .now = (int64_t)number(argv[3]),
	    .tolerate = RPKI_TOL_DEFAULT, .keep_objects = true };
	step = number(argv[4]) + (number(argv[4]) == 0);
	seed = number(argv[6]) + 1;
	w.broken = SIZE_MAX;
	if (world_judge(&clean) < 0 || clean.n_vrps == 0)
		die(argv[1], "the clean tree gives no payloads");
	printf("# %zu files, %zu VRPs, %zu ASPAs\n", w.n, clean.n_vrps, clean.n_aspas);
	for (size_t i = 0; i < w.n; i++) {
		struct score s = { 0 };

		file_break(i, step, number(argv[5]), &clean, &s);
		printf("%s %zu %zu %zu %zu %zu\n", w.files[i].uri, w.files[i].n,
		    s.tries, s.clean, s.lost, s.silent);
		fflush(stdout);
		wrong += s.wrong;
	}
	outcome_done(&clean);
	for (size_t i = 0; i < w.n; i++) {
		free(w.files[i].uri);
		free(w.files[i].p);
	}
	w.tal_pool = pool_free(w.tal_pool);
	return wrong > 0 ? 1 : 0;
}
