/*
 * Publication servers as folders (sekisho-lab(1), "Servers"). A snapshot is
 * streamed to its file, batch by batch; the next step copies from it what did
 * not change, so that a step costs signatures for what moved, and copying for
 * the rest. Trees for rsync are unpacked from the snapshots.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "lab/internal.h"
#include "sys/atomicfile.h"
#include "sys/file.h"

#define PUBLISH		"<publish uri=\""

/* An XML file on its way: counted, hashed, replaced as a whole. */
struct xml_file {
	struct atomicfile	 f;
	struct buf		 b;
	struct crypto_sha256	*sha;
	uint64_t		 n;		/* bytes that left b */
	uint8_t			 hash[SHA256_LEN];
};

struct publisher {
	struct lab_world	*w;
	const struct lab_servers *opts;
	struct lab_error	*err;
	struct lab_server	*s;
	struct pool		*pool;		/* of one server: paths */
	struct xml_file		 snapshot, delta;
	struct file_map		 old;		/* the snapshot of the last step */
	bool			 first;		/* no delta: nothing to differ from */
	struct lab_batch	 batch;
};

static int
xml_sink(void *arg, const void *p, size_t n)
{
	struct xml_file *x = arg;

	crypto_sha256_update(x->sha, p, n);
	x->n += n;
	return fd_write_all(&x->f.fd, p, n);
}

static int
xml_open(struct xml_file *x, const char *path)
{
	*x = (struct xml_file){ .b = BUF_SINK(xml_sink, x), .sha = crypto_sha256_new() };
	x->f.fd = -1;
	if (path == NULL || x->sha == NULL)
		return -ENOMEM;
	return atomicfile_open(&x->f, path);
}

static uint64_t
xml_at(const struct xml_file *x)
{
	return x->n + x->b.len;
}

static int
xml_commit(struct xml_file *x)
{
	int rc = buf_flush(&x->b);

	if (rc < 0)
		return rc;
	crypto_sha256_final(x->sha, x->hash);
	return atomicfile_commit(&x->f);
}

static void
xml_done(struct xml_file *x)
{
	if (x->sha == NULL)
		return;
	atomicfile_done(&x->f);
	buf_done(&x->b);
	x->sha = crypto_sha256_free(x->sha);
}

/* --- paths --- */

static const char *
server_path(struct publisher *p, const char *name)
{
	return pool_printf(p->pool, "%s/servers/%s/%s", p->opts->dir, p->s->host, name);
}

static const char *
snapshot_path(struct publisher *p, const char *kind, uint64_t serial)
{
	return pool_printf(p->pool, "%s/servers/%s/rrdp/%s-%llu.xml", p->opts->dir, p->s->host,
	    kind, (unsigned long long)serial);
}

static int
folder_make(struct publisher *p, const char *name)
{
	const char *path = server_path(p, name);

	return path == NULL ? -ENOMEM : dir_make(path);
}

static int
text_write(const char *path, const struct buf *b)
{
	if (path == NULL || b->rc < 0)
		return path == NULL ? -ENOMEM : b->rc;
	return file_write(path, buf_get(b));
}

/* --- snapshot and delta --- */

static void
head_write(struct publisher *p, struct buf *b, const char *element)
{
	buf_printf(b, "<%s xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" session_id=\"", element);
	lab_session_write(p->w, p->s, b);
	buf_printf(b, "\" serial=\"%llu\">\n", (unsigned long long)p->s->serial + 1);
}

static void
publish_write(struct buf *b, const struct lab_obj *o, const uint8_t *replaces)
{
	char hex[2 * SHA256_LEN + 1];

	buf_printf(b, PUBLISH "%s\"", o->uri);
	if (replaces != NULL)
		buf_printf(b, " hash=\"%s\"", hex_encode(hex, replaces, SHA256_LEN));
	buf_char(b, '>');
	lab_b64_line(b, (struct sv){ (const char *)o->bytes, o->n_bytes });
	buf_str(b, "</publish>\n");
}

static void
withdraw_write(struct buf *b, const struct lab_obj *o)
{
	char hex[2 * SHA256_LEN + 1];

	buf_printf(b, "<withdraw uri=\"%s\" hash=\"%s\"/>\n", o->uri,
	    hex_encode(hex, o->published_hash, SHA256_LEN));
}

/* What was made in this step, or lies in the last snapshot. */
static void
object_copy(struct publisher *p, struct lab_obj *o)
{
	uint64_t at = xml_at(&p->snapshot);

	if (o->bytes != NULL)
		publish_write(&p->snapshot.b, o, NULL);
	else
		buf_sv(&p->snapshot.b, sv_take(sv_skip(p->old.data, o->at), o->at_len));
	o->at = at;
	o->at_len = xml_at(&p->snapshot) - at;
}

static void
object_write(struct publisher *p, struct lab_obj *o)
{
	bool had = o->published, has = lab_alive(p->w, o) && !o->hidden;

	if (!has && had && !p->first)
		withdraw_write(&p->delta.b, o);
	o->published = has;
	if (!has)
		return;
	object_copy(p, o);
	if (o->bytes == NULL)
		return;
	if (!p->first && !(had && memcmp(o->hash, o->published_hash, SHA256_LEN) == 0))
		publish_write(&p->delta.b, o, had ? o->published_hash : NULL);
	memcpy(o->published_hash, o->hash, SHA256_LEN);
}

static int
batch_write(struct publisher *p)
{
	int rc = lab_batch_make(p->w, &p->batch, p->err);

	for (size_t i = 0; i < p->batch.n && rc == 0; i++)
		object_write(p, p->batch.v[i]);
	lab_batch_drop(p->w, &p->batch);
	return rc < 0 ? rc : p->snapshot.b.rc < 0 ? p->snapshot.b.rc : p->delta.b.rc;
}

static int
cas_write(struct publisher *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->s->n_cas && rc == 0; i++) {
		struct lab_ca *ca = p->s->cas[i];

		if (p->first || ca->touched)
			rc = lab_batch_ca(&p->batch, ca);
		else
			for (struct lab_obj *o = ca->objs; o != NULL; o = o->next)
				object_write(p, o);
		if (rc == 0 && p->batch.n >= LAB_BATCH_OBJS)
			rc = batch_write(p);
	}
	return rc < 0 ? rc : batch_write(p);
}

static int
delta_commit(struct publisher *p)
{
	struct lab_delta *d = pool_calloc(p->w->pool, 1, sizeof(*d));
	int rc;

	if (d == NULL)
		return -ENOMEM;
	buf_str(&p->delta.b, "</delta>\n");
	if ((rc = xml_commit(&p->delta)) < 0)
		return rc;
	d->serial = p->s->serial + 1;
	memcpy(d->hash, p->delta.hash, sizeof(d->hash));
	d->next = p->s->deltas;
	p->s->deltas = d;
	return 0;
}

/* The next serial's files; the old snapshot is open where there is one. */
static int
serial_write(struct publisher *p)
{
	int rc = xml_open(&p->snapshot, snapshot_path(p, "snapshot", p->s->serial + 1));

	if (rc == 0 && !p->first)
		rc = xml_open(&p->delta, snapshot_path(p, "delta", p->s->serial + 1));
	if (rc < 0)
		return rc;
	head_write(p, &p->snapshot.b, "snapshot");
	if (!p->first)
		head_write(p, &p->delta.b, "delta");
	if ((rc = cas_write(p)) < 0)
		return rc;
	buf_str(&p->snapshot.b, "</snapshot>\n");
	if ((rc = xml_commit(&p->snapshot)) < 0 || (!p->first && (rc = delta_commit(p)) < 0))
		return rc;
	p->s->serial++;
	p->s->n_bytes = p->snapshot.n;
	memcpy(p->s->snapshot_hash, p->snapshot.hash, SHA256_LEN);
	return 0;
}

static int
server_publish(struct publisher *p)
{
	const char *old = snapshot_path(p, "snapshot", p->s->serial);
	bool moved = false;
	int rc = old == NULL ? -ENOMEM : 0;

	p->first = p->s->serial == 0;
	for (size_t i = 0; i < p->s->n_cas; i++)
		moved = moved || p->s->cas[i]->touched;
	if (rc < 0 || (!p->first && !moved))
		return rc;
	if (!p->first && (rc = file_map(old, SIZE_MAX, &p->old)) < 0)
		return rc;
	rc = serial_write(p);
	xml_done(&p->snapshot);
	xml_done(&p->delta);
	if (!p->first)
		file_unmap(&p->old);
	return rc;
}

static void
notification_write(struct publisher *p, struct buf *b)
{
	char hex[2 * SHA256_LEN + 1];
	unsigned n = 0;

	buf_str(b, "<notification xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" session_id=\"");
	lab_session_write(p->w, p->s, b);
	buf_printf(b, "\" serial=\"%llu\">\n<snapshot uri=\"https://%s/rrdp/snapshot-%llu.xml\" hash=\"%s\"/>\n",
	    (unsigned long long)p->s->serial, p->s->host, (unsigned long long)p->s->serial,
	    hex_encode(hex, p->s->snapshot_hash, SHA256_LEN));
	for (const struct lab_delta *d = p->s->deltas; d != NULL && n < LAB_DELTAS_MAX; d = d->next, n++)
		buf_printf(b, "<delta serial=\"%llu\" uri=\"https://%s/rrdp/delta-%llu.xml\" hash=\"%s\"/>\n",
		    (unsigned long long)d->serial, p->s->host, (unsigned long long)d->serial,
		    hex_encode(hex, d->hash, SHA256_LEN));
	buf_str(b, "</notification>\n");
}

static int
notifications_write(struct publisher *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct lab_world *w = p->w;
	int rc = 0;

	notification_write(p, &b);
	if (w->n_steps > 0) {
		const char *name = pool_printf(p->pool, "rrdp/notification.%u.xml", w->step);

		rc = name == NULL ? -ENOMEM : text_write(server_path(p, name), &b);
	}
	if (rc == 0 && w->step == w->n_steps)
		rc = text_write(server_path(p, "rrdp/notification.xml"), &b);
	return rc;
}

/* --- what was published, read again --- */

/* One line of a snapshot: its URI and its base64. */
static bool
line_object(struct sv line, struct sv *ret_uri, struct sv *ret_b64)
{
	if (!sv_starts(line, SV(PUBLISH)))
		return false;
	line = sv_skip(line, sizeof(PUBLISH) - 1);
	*ret_uri = sv_cut(&line, '"');
	(void)sv_cut(&line, '>');
	*ret_b64 = sv_cut(&line, '<');
	return true;
}

static int
snapshot_each(const char *path, lab_object_fn fn, void *arg)
{
	struct file_map m;
	struct sv rest, line, uri, b64;
	int rc = file_map(path, SIZE_MAX, &m);

	if (rc < 0)
		return rc;
	rest = m.data;
	while (rc == 0 && sv_line(&rest, &line))
		if (line_object(line, &uri, &b64))
			rc = fn(arg, uri, b64);
	file_unmap(&m);
	return rc;
}

int
lab_servers_each(const struct lab_world *w, lab_object_fn fn, void *arg)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	int rc = pool == NULL ? -ENOMEM : 0;

	for (const struct lab_server *s = w->servers; s != NULL && rc == 0; s = s->next) {
		const char *path = pool_printf(pool, "%s/servers/%s/rrdp/snapshot-%llu.xml", w->dir,
		    s->host, (unsigned long long)s->serial);

		rc = path == NULL ? -ENOMEM : snapshot_each(path, fn, arg);
		pool_reset(pool);
	}
	return rc;
}

/* --- trees for rsync --- */

struct tree {
	const char	*dir;		/* instead of "rsync://HOST" */
	size_t		 head;		/* letters of the URI that it stands for */
	struct buf	 folder;	/* the last one made */
	/*
	 * RFC 9589: files are as old as what is in them, for rsync takes
	 * one of the same size and second for the same.
	 */
	int64_t		 time;
};

/* The file of an object, and its folder when that is another than the last one. */
static int
tree_write(struct tree *t, struct sv uri, struct sv bytes)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	struct sv folder;
	int rc;

	buf_printf(&path, "%s/%.*s", t->dir, SV_ARG(sv_skip(uri, t->head)));
	buf_char(&path, '\0');
	if (path.rc < 0)
		return path.rc;
	folder = sv_take(buf_get(&path), sv_rfind(sv_str(path.p), '/'));
	if (!sv_eq(folder, sv_take(buf_get(&t->folder), t->folder.len > 0 ? t->folder.len - 1 : 0))) {
		t->folder.len = 0;
		buf_sv(&t->folder, folder);
		buf_char(&t->folder, '\0');
		if ((rc = t->folder.rc) < 0 || (rc = dir_make(t->folder.p)) < 0)
			return rc;
	}
	return file_write_dated(path.p, bytes, t->time);
}

static int
tree_object(void *arg, struct sv uri, struct sv b64)
{
	uint8_t *p = malloc(base64_room(b64.n));
	size_t n;
	int rc;

	if (p == NULL)
		return -ENOMEM;
	if ((rc = base64_decode(p, b64, &n)) == 0)
		rc = tree_write(arg, uri, (struct sv){ (const char *)p, n });
	free(p);
	return rc;
}

static int
ta_copy(struct publisher *p, const struct lab_ca *ta, const char *folder)
{
	struct sv bytes = { (const char *)ta->cert->bytes, ta->cert->n_bytes };
	const char *name = pool_printf(p->pool, "%s/%s", folder, ta->cert->file), *path;
	int rc = folder_make(p, folder);

	if (rc < 0)
		return rc;
	if (name == NULL || (path = server_path(p, name)) == NULL)
		return -ENOMEM;
	return ta->cert->hidden ? 0 : file_write(path, bytes);
}

static int
tas_copy(struct publisher *p, const char *folder)
{
	int rc = 0;

	for (const struct lab_ca *ca = p->w->cas; ca != NULL && rc == 0; ca = ca->next)
		if (ca->parent == NULL && ca->server == p->s)
			rc = ta_copy(p, ca, folder);
	return rc;
}

/* By name, by "all" or "none"; by itself where the world is small. */
static bool
wants_tree(const struct publisher *p)
{
	struct sv rest = sv_str(p->opts->rsync);

	if (rest.n == 0)
		return p->w->n_objs <= LAB_TREE_OBJS_MAX;
	if (sv_eq(rest, SV("all")) || sv_eq(rest, SV("none")))
		return sv_eq(rest, SV("all"));
	while (rest.n > 0)
		if (sv_eq_str(sv_cut(&rest, ','), p->s->host))
			return true;
	return false;
}

static int
server_tree(struct publisher *p)
{
	const char *name = p->w->step == p->w->n_steps ? "rsync" :
	    pool_printf(p->pool, "rsync.%u", p->w->step);
	const char *ta = name == NULL ? NULL : pool_printf(p->pool, "%s/ta", name);
	struct tree t = { .dir = name == NULL ? NULL : server_path(p, name),
		.head = sizeof("rsync://") + strlen(p->s->host), .time = lab_time(p->w, p->w->step) };
	int rc;

	if (!wants_tree(p))
		return 0;
	if (t.dir == NULL || ta == NULL)
		return -ENOMEM;
	if ((rc = dir_make(t.dir)) == 0)
		rc = snapshot_each(snapshot_path(p, "snapshot", p->s->serial), tree_object, &t);
	buf_done(&t.folder);
	return rc < 0 ? rc : tas_copy(p, ta);
}

int
lab_servers_tree(const struct lab_world *w, const char *dir)
{
	struct tree t = { .dir = dir, .head = sizeof("rsync://") - 1, .time = lab_time(w, w->step) };
	int rc = lab_servers_each(w, tree_object, &t);

	for (const struct lab_ca *ca = w->cas; ca != NULL && rc == 0; ca = ca->next)
		if (ca->parent == NULL && !ca->cert->hidden)
			rc = tree_write(&t, sv_str(ca->cert->uri),
			    (struct sv){ (const char *)ca->cert->bytes, ca->cert->n_bytes });
	buf_done(&t.folder);
	return rc;
}

/* --- trust anchors, what to expect, what there is --- */

/* Their certificates stay as they are, and in memory. */
static int
tas_make(struct publisher *p)
{
	struct lab_batch b = { 0 };
	int rc = 0;

	for (struct lab_ca *ca = p->w->cas; ca != NULL && rc == 0; ca = ca->next)
		if (ca->parent == NULL)
			rc = lab_batch_add(&b, ca->cert);
	if (rc == 0)
		rc = lab_batch_make(p->w, &b, p->err);
	for (size_t i = 0; i < b.n; i++)
		b.v[i]->dirty = b.v[i]->in_batch = false;
	lab_batch_done(&b);
	return rc;
}

static int
tals_write(struct publisher *p)
{
	const char *dir = pool_printf(p->pool, "%s/tals", p->opts->dir);
	size_t n = lab_n_tas(p->w);
	int rc = dir == NULL ? -ENOMEM : dir_make(dir);

	for (size_t i = 0; i < n && rc == 0; i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		lab_tal_write(p->w, i, &b);
		rc = text_write(pool_printf(p->pool, "%s/%s.tal", dir, lab_ta_name(p->w, i)), &b);
	}
	return rc;
}

static int
expected_write(struct publisher *p)
{
	const char *path = pool_printf(p->pool, "%s/expected-%u.csv", p->opts->dir, p->w->step);
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	_cleanup_(buf_done) struct buf b = BUF_SINK(fd_write_all, &f.fd);
	int rc = path == NULL ? -ENOMEM : atomicfile_open(&f, path);

	if (rc < 0)
		return rc;
	lab_vrps_csv(p->w, &b);
	if ((rc = buf_flush(&b)) < 0)
		return rc;
	return atomicfile_commit(&f);
}

static void
server_json(struct json *j, const struct lab_server *s)
{
	json_open(j, '{');
	json_kv_str(j, "host", s->host);
	json_kv_u64(j, "serial", s->serial);
	json_kv_u64(j, "snapshot_bytes", s->n_bytes);
	json_kv_u64(j, "cas", s->n_cas);
	json_close(j, '}');
}

/* For programs that serve or judge the folder. */
void
lab_servers_json(const struct lab_world *w, struct json *j)
{
	char now[TIME_STRLEN];

	json_open(j, '{');
	json_kv_str(j, "at", time_str(w->now, now));
	json_kv_i64(j, "every_sec", w->every);
	json_kv_u64(j, "steps", w->n_steps);
	json_kv_u64(j, "objects", w->n_objs);
	json_kv_u64(j, "cas", w->n_cas);
	json_key(j, "servers");
	json_open(j, '[');
	for (const struct lab_server *s = w->servers; s != NULL; s = s->next)
		server_json(j, s);
	json_close(j, ']');
	json_close(j, '}');
}

static int
world_json_write(struct publisher *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);

	lab_servers_json(p->w, &j);
	buf_char(&b, '\n');
	return text_write(pool_printf(p->pool, "%s/world.json", p->opts->dir), &b);
}

/* --- all --- */

static int
server_step(struct publisher *p)
{
	int rc;

	pool_reset(p->pool);
	if (p->w->step == 0 && ((rc = folder_make(p, "rrdp")) < 0 || (rc = tas_copy(p, "ta")) < 0))
		return rc;
	if ((rc = server_publish(p)) < 0 || (rc = notifications_write(p)) < 0)
		return rc;
	return server_tree(p);
}

static int
step_run(struct publisher *p)
{
	int rc = 0;

	for (p->s = p->w->servers; p->s != NULL && rc == 0; p->s = p->s->next)
		rc = server_step(p);
	pool_reset(p->pool);
	return rc < 0 ? rc : expected_write(p);
}

static int
world_publish(struct publisher *p)
{
	struct lab_world *w = p->w;
	int rc;

	if ((rc = dir_make(p->opts->dir)) < 0 || (rc = lab_begin(w, p->err)) < 0 ||
	    (rc = tas_make(p)) < 0 || (rc = tals_write(p)) < 0 || (rc = step_run(p)) < 0)
		return rc;
	while (w->step < w->n_steps)
		if ((rc = lab_step_next(w)) < 0 || (rc = step_run(p)) < 0)
			return rc;
	return world_json_write(p);
}

int
lab_servers_write(struct lab_world *w, const struct lab_servers *opts, struct lab_error *err)
{
	struct publisher p = { .w = w, .opts = opts, .err = err, .pool = pool_new(1 << 24) };
	int rc = -ENOMEM;

	w->dir = opts->dir;
	w->scratch = pool_new(LAB_POOL_MAX);
	if (p.pool != NULL && w->scratch != NULL)
		rc = world_publish(&p);
	lab_batch_done(&p.batch);
	(void)pool_free(p.pool);
	return rc;
}
