#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "app/input.h"
#include "base/err.h"
#include "base/hash.h"
#include "sys/file.h"

#define INFLATE_CHUNK	(256 * 1024)
#define PATH_LEN_MAX	4096
/* host, module and a few folders: deep enough to see a new file arrive. */
#define INPUT_TREE_DEPTH	16

struct input {
	struct complain	 complain;
	int		 tree_fd[INPUT_TREES_MAX];
	size_t		 n_trees;
	struct pool	*pool;		/* RRDP objects and their URIs */
	struct map	 objects;	/* URI -> struct object */
	unsigned	 n_rrdp;
	atomic_size_t	 unreadable;
	atomic_bool	 broken;
};

struct object {
	struct sv	bytes;
	unsigned	file;		/* which of the RRDP files */
};

void
complain(const struct complain *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->fn != NULL)
		c->fn(c->arg, text);
}

struct input *
input_new(const struct complain *c)
{
	struct input *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->complain = *c;
	if ((in->pool = pool_new(INPUT_RRDP_MAX)) == NULL)
		return input_free(in);
	return in;
}

struct input *
input_free(struct input *in)
{
	if (in == NULL)
		return NULL;
	for (size_t i = 0; i < in->n_trees; i++)
		fd_close(&in->tree_fd[i]);
	map_done(&in->objects);
	(void)pool_free(in->pool);
	free(in);
	return NULL;
}

size_t
input_unreadable(const struct input *in)
{
	return atomic_load(&in->unreadable);
}

bool
input_broken(const struct input *in)
{
	return atomic_load(&in->broken);
}

int
input_add_tree(struct input *in, const char *dir)
{
	int rc = in->n_trees == INPUT_TREES_MAX ? SE_LIMIT :
	    dir_open(dir, &in->tree_fd[in->n_trees]);

	if (rc == 0)
		in->n_trees++;
	else
		complain(&in->complain, tr(in->complain.lang,
		    N_("cannot open the folder %s: %s; give the folder that holds host/module/path")),
		    dir, err_str(rc));
	return rc;
}

static int
object_add(void *arg, struct sv uri, struct sv bytes)
{
	struct input *in = arg;
	const struct object *old = map_find(&in->objects, uri);
	struct object *o;
	struct sv key;

	/* Another file has it: the first one given counts. */
	if (old != NULL)
		return old->file == in->n_rrdp ? -EEXIST : 0;
	o = pool_alloc(in->pool, sizeof(*o));
	key = pool_sv(in->pool, uri);
	if (o == NULL || key.p == NULL)
		return -ENOMEM;
	o->file = in->n_rrdp;
	o->bytes = pool_sv(in->pool, bytes);
	if (o->bytes.p == NULL)
		return -ENOMEM;
	return map_add(&in->objects, key, o);
}

static int
plain_feed(struct rrdp_snapshot *s, struct sv data)
{
	int rc = 0;

	do {
		struct sv piece = sv_take(data, INFLATE_CHUNK);

		data = sv_skip(data, piece.n);
		rc = rrdp_snapshot_feed(s, piece.p, piece.n, data.n == 0);
	} while (rc == 0 && data.n > 0);
	return rc;
}

/* *ret_gz tells a broken compression from a broken snapshot. */
static int
gz_feed(struct rrdp_snapshot *s, struct sv data, bool *ret_gz)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data.p, .avail_in = (uInt)data.n };
	char *out = malloc(INFLATE_CHUNK);
	size_t total = 0;
	int zrc = Z_OK, rc = 0;

	if (out == NULL)
		return -ENOMEM;
	if (inflateInit2(&z, 15 + 16) != Z_OK) {
		free(out);
		return -ENOMEM;
	}
	while (rc == 0 && zrc == Z_OK) {
		z.next_out = (Bytef *)out;
		z.avail_out = INFLATE_CHUNK;
		zrc = inflate(&z, Z_NO_FLUSH);
		if (zrc != Z_OK && zrc != Z_STREAM_END) {
			*ret_gz = true;
			rc = SE_SYNTAX;
			break;
		}
		total += INFLATE_CHUNK - z.avail_out;
		if (total > INPUT_RRDP_MAX)
			rc = SE_LIMIT;
		else
			rc = rrdp_snapshot_feed(s, out, INFLATE_CHUNK - z.avail_out,
			    zrc == Z_STREAM_END);
	}
	(void)inflateEnd(&z);
	free(out);
	return rc;
}

int
input_add_rrdp(struct input *in, const char *file)
{
	_cleanup_(rrdp_snapshot_freep) struct rrdp_snapshot *s = NULL;
	const struct complain *c = &in->complain;
	struct file_map map;
	unsigned long line;
	const char *why;
	bool gz = false;
	int rc;

	if ((rc = file_map(file, INPUT_RRDP_MAX, &map)) < 0) {
		complain(c, tr(c->lang, N_("cannot read the RRDP snapshot %s: %s; give the path of a snapshot.xml or snapshot.xml.gz")),
		    file, err_str(rc));
		return rc;
	}
	if ((s = rrdp_snapshot_new(object_add, in)) == NULL)
		rc = -ENOMEM;
	else if (map.data.n >= 2 && (uint8_t)map.data.p[0] == 0x1f &&
	    (uint8_t)map.data.p[1] == 0x8b && map.data.n <= UINT32_MAX)
		rc = gz_feed(s, map.data, &gz);
	else
		rc = plain_feed(s, map.data);
	file_unmap(&map);
	in->n_rrdp++;
	if (rc == 0 && rrdp_snapshot_large(s, &why) > 0)
		complain(c, tr(c->lang, N_("%s: objects larger than %u bytes were left out, the first is %s; their CAs count as incomplete")),
		    file, (unsigned)RPKI_OBJECT_SIZE_MAX, why);
	if (rc == 0)
		return 0;
	why = s != NULL ? rrdp_snapshot_why(s, &line) : NULL;
	if (gz)
		complain(c, tr(c->lang, N_("%s: the compression is broken; fetch the file again")), file);
	else if (why != NULL)
		complain(c, tr(c->lang, N_("%s:%lu: %s; fetch the file again, or report it to its publisher")),
		    file, line, tr(c->lang, why));
	else
		complain(c, "%s: %s", file, err_str(rc));
	return rc;
}

/* rsync://host/module/path -> host/module/path; likewise https. */
static struct sv
uri_path(struct sv uri)
{
	size_t i = sv_find(uri, ':');

	return sv_skip(uri, i + 3);
}

/* The first tree that has the file. */
static int
tree_read(struct input *in, struct pool *pool, struct sv path, struct sv *ret)
{
	char name[PATH_LEN_MAX];
	int rc = -ENOENT;

	if (path.n == 0 || path.n >= sizeof(name))
		return -ENOENT;
	memcpy(name, path.p, path.n);
	name[path.n] = '\0';
	for (size_t i = 0; i < in->n_trees && (rc == -ENOENT || rc == -ENOTDIR); i++)
		rc = file_read(pool, in->tree_fd[i], name, RPKI_OBJECT_SIZE_MAX, ret);
	/* too large is said of the object, not of this machine */
	if (rc == 0 || rc == -ENOENT || rc == -ENOMEM || rc == SE_LIMIT)
		return rc;
	/* A folder or a device of that name is what a stranger published. */
	if (rc == -ENOTDIR || rc == -EISDIR || rc == -EINVAL || rc == -ELOOP ||
	    rc == -ENXIO || rc == -ENAMETOOLONG)
		return -ENOENT;
	if (rc != -EACCES && rc != -EPERM)
		atomic_store(&in->broken, true);
	atomic_fetch_add(&in->unreadable, 1);
	complain(&in->complain, tr(in->complain.lang,
	    N_("cannot read %s in the tree: %s; check its owner and mode")), name, err_str(rc));
	return rc;
}

int
input_get(void *arg, struct pool *pool, struct sv uri, struct sv *ret)
{
	struct input *in = arg;
	const struct object *o = map_find(&in->objects, uri);

	if (o != NULL) {
		*ret = o->bytes;
		return 0;
	}
	if (in->n_trees == 0 || !rsync_uri_valid(uri))
		return -ENOENT;
	return tree_read(in, pool, uri_path(uri), ret);
}

/* A TAL's certificate by its key: self-issued, with the very same SPKI. */
static const struct object *
object_by_key(const struct input *in, struct pool *pool, struct sv spki, struct sv *ret_uri)
{
	for (size_t i = 0; i < in->objects.cap; i++) {
		const struct map_slot *slot = &in->objects.slots[i];
		const struct object *o = slot->value;

		if (slot->key.p == NULL || rpki_type_of(slot->key) != RPKI_CER ||
		    memmem(o->bytes.p, o->bytes.n, spki.p, spki.n) == NULL ||
		    !rpki_cert_is_anchor(pool, o->bytes, spki))
			continue;
		*ret_uri = slot->key;
		return o;
	}
	return NULL;
}

/* rpki-client keeps trust anchors' certificates as ta/NAME/FILE. */
static int
tree_ta(struct input *in, struct pool *pool, const struct tal *t, struct sv uri,
    struct sv *ret)
{
	struct sv base = sv_skip(uri, sv_rfind(uri, '/') + 1);
	char path[PATH_LEN_MAX];
	int rc;

	if ((rc = tree_read(in, pool, uri_path(uri), ret)) != -ENOENT)
		return rc;
	(void)snprintf(path, sizeof(path), "ta/%s/%.*s", t->name, SV_ARG(base));
	return tree_read(in, pool, sv_str(path), ret);
}

int
input_get_ta(struct input *in, struct pool *pool, const struct tal *t,
    struct sv *ret_uri, struct sv *ret)
{
	const struct object *o;
	int rc;

	for (size_t i = 0; i < t->n_uris; i++) {
		*ret_uri = t->uris[i];
		if ((o = map_find(&in->objects, t->uris[i])) != NULL) {
			*ret = o->bytes;
			return 0;
		}
		if ((rc = tree_ta(in, pool, t, t->uris[i], ret)) != -ENOENT)
			return rc;
	}
	*ret_uri = t->uris[0];
	if ((o = object_by_key(in, pool, t->spki, ret_uri)) == NULL)
		return -ENOENT;
	*ret = o->bytes;
	return 0;
}

uint64_t
input_signature(const char *const *paths, size_t n)
{
	uint64_t sig = 0;

	for (size_t i = 0; i < n; i++)
		sig = sig * 31 + file_signature(paths[i], INPUT_TREE_DEPTH);
	return sig;
}
