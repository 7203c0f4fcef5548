/* What leaves a world: tree, RRDP, TALs, what it should yield. */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "lab/internal.h"
#include "sys/file.h"

#define GZ_CHUNK	65536
#define B64_LINE	64	/* of a TAL (RFC 8630 section 2.2 lets us choose) */

size_t
lab_n_objects(const struct lab_world *w)
{
	return w->n_objs;
}

size_t
lab_n_cas(const struct lab_world *w)
{
	return w->n_cas;
}

size_t
lab_n_servers(const struct lab_world *w)
{
	return w->n_servers;
}

uint32_t
lab_n_steps(const struct lab_world *w)
{
	return w->n_steps;
}

int64_t
lab_now(const struct lab_world *w)
{
	return w->now;
}

/* --- tree --- */

/* "rsync://host/module/path" lies at host/module/path. */
static const char *
uri_path(const char *uri)
{
	return uri + sizeof("rsync://") - 1;
}

static int
tree_file(const struct lab_world *w, struct pool *pool, const struct lab_obj *o,
    const char *dir)
{
	const char *path;
	size_t slash;
	char *folder;
	int rc;

	if (o->uri == NULL)
		return 0;
	if ((path = pool_printf(pool, "%s/%s", dir, uri_path(o->uri))) == NULL)
		return -ENOMEM;
	if (o->kind == LAB_MFT || o->ca == NULL) {	/* the first of its folder */
		slash = sv_rfind(sv_str(path), '/');
		folder = pool_printf(pool, "%.*s", (int)slash, path);
		if (folder == NULL)
			return -ENOMEM;
		if ((rc = dir_make(folder)) < 0)
			return rc;
	}
	if (o->hidden || !lab_alive(w, o))
		return 0;
	return file_write(path, (struct sv){ (const char *)o->bytes, o->n_bytes });
}

int
lab_tree_write(const struct lab_world *w, const char *dir)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LAB_POOL_MAX);
	int rc = 0;

	if (pool == NULL)
		return -ENOMEM;
	if (w->dir != NULL)
		return lab_servers_tree(w, dir);
	for (size_t i = 0; i < w->n_objs && rc == 0; i++) {
		rc = tree_file(w, pool, w->objs[i], dir);
		pool_reset(pool);
	}
	return rc;
}

/* --- base64 --- */

#define B64_PIECE	3072		/* bytes at a time; a multiple of 3 */

void
lab_b64_line(struct buf *b, struct sv s)
{
	char out[B64_PIECE / 3 * 4];

	for (; s.n > 0; s = sv_skip(s, B64_PIECE))
		buf_bytes(b, out, base64_encode(out, s.p, min_size(s.n, B64_PIECE)));
}

/* Lines of so many letters, a multiple of 4. */
static void
b64_lines(struct buf *b, struct sv s, size_t letters)
{
	for (; s.n > 0; s = sv_skip(s, letters / 4 * 3)) {
		lab_b64_line(b, sv_take(s, letters / 4 * 3));
		buf_char(b, '\n');
	}
}

/* --- trust anchor locators --- */

static const struct lab_ca *
ta_at(const struct lab_world *w, size_t i)
{
	for (const struct lab_ca *ca = w->cas; ca != NULL; ca = ca->next)
		if (ca->parent == NULL && i-- == 0)
			return ca;
	return NULL;
}

size_t
lab_n_tas(const struct lab_world *w)
{
	size_t n = 0;

	while (ta_at(w, n) != NULL)
		n++;
	return n;
}

const char *
lab_ta_name(const struct lab_world *w, size_t i)
{
	return ta_at(w, i)->name;
}

void
lab_tal_write(const struct lab_world *w, size_t i, struct buf *b)
{
	const struct lab_ca *ta = ta_at(w, i);

	for (size_t k = 0; k < ta->n_uris; k++)
		buf_printf(b, "%s\n", ta->uris[k]);
	buf_char(b, '\n');
	b64_lines(b, ta->tal_spki, B64_LINE);
}

/* --- RRDP (RFC 8182) --- */

/* A stage between a buffer of plain XML and the caller's: hash, compress. */
struct filter {
	struct buf		*out;
	struct crypto_sha256	*sha;
	z_stream		 z;
	bool			 gz;
};

static int
filter_deflate(struct filter *f, const void *p, size_t n, int flush)
{
	uint8_t chunk[GZ_CHUNK];
	int rc;

	f->z.next_in = (Bytef *)(uintptr_t)p;
	f->z.avail_in = (uInt)n;
	do {
		f->z.next_out = chunk;
		f->z.avail_out = sizeof(chunk);
		rc = deflate(&f->z, flush);
		if (rc == Z_STREAM_ERROR)
			return -EIO;
		buf_bytes(f->out, chunk, sizeof(chunk) - f->z.avail_out);
	} while (f->z.avail_out == 0);
	return f->out->rc;
}

static int
filter_sink(void *arg, const void *p, size_t n)
{
	struct filter *f = arg;

	crypto_sha256_update(f->sha, p, n);
	if (f->gz)
		return filter_deflate(f, p, n, Z_NO_FLUSH);
	buf_bytes(f->out, p, n);
	return f->out->rc;
}

/* A random-looking UUID of version 4, the same for the same world. */
void
lab_session_write(const struct lab_world *w, const struct lab_server *server, struct buf *b)
{
	uint64_t n = server == NULL ? 0 : 2 * server->index;
	uint8_t id[16];
	char hex[33];

	lab_serial(w, "session", n, id);
	lab_serial(w, "session", n + 1, id + 8);
	id[6] = (uint8_t)(0x40 | (id[6] & 0x0f));
	id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
	hex_encode(hex, id, sizeof(id));
	buf_printf(b, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void
publish_bytes(struct buf *b, const struct lab_obj *o)
{
	if (o->hidden || o->bytes == NULL)
		return;
	buf_printf(b, "<publish uri=\"%s\">", o->uri);
	lab_b64_line(b, (struct sv){ (const char *)o->bytes, o->n_bytes });
	buf_str(b, "</publish>\n");
}

static int
publish_copy(void *arg, struct sv uri, struct sv b64)
{
	struct buf *b = arg;

	buf_printf(b, "<publish uri=\"%.*s\">", SV_ARG(uri));
	buf_sv(b, b64);
	buf_str(b, "</publish>\n");
	return b->rc;
}

/* With the trust anchors' certificates; of servers: all in one. */
static int
snapshot_write(const struct lab_world *w, struct buf *b)
{
	int rc = 0;

	buf_str(b, "<snapshot xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" session_id=\"");
	lab_session_write(w, NULL, b);
	buf_str(b, "\" serial=\"1\">\n");
	for (size_t i = 0; i < w->n_objs; i++)
		publish_bytes(b, w->objs[i]);
	if (w->dir != NULL)
		rc = lab_servers_each(w, publish_copy, b);
	buf_str(b, "</snapshot>\n");
	return rc;
}

static int
filter_run(const struct lab_world *w, struct filter *f)
{
	struct buf plain = BUF_SINK(filter_sink, f);
	int rc;

	if ((rc = snapshot_write(w, &plain)) == 0)
		rc = buf_flush(&plain);
	buf_done(&plain);
	if (rc == 0 && f->gz)
		rc = filter_deflate(f, NULL, 0, Z_FINISH);
	return rc;
}

int
lab_rrdp_write(const struct lab_world *w, struct buf *out, bool gz, uint8_t ret_hash[static 32])
{
	struct filter f = { .out = out, .sha = crypto_sha256_new(), .gz = gz };
	int rc;

	if (f.sha == NULL)
		return -ENOMEM;
	/* 15 + 16: the largest window, a gzip header (without a time) */
	if (gz && deflateInit2(&f.z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		rc = -ENOMEM;
	else
		rc = filter_run(w, &f);
	if (gz)
		(void)deflateEnd(&f.z);
	crypto_sha256_final(f.sha, ret_hash);
	(void)crypto_sha256_free(f.sha);
	return rc;
}

void
lab_notification_write(const struct lab_world *w, struct buf *b, const uint8_t hash[static 32])
{
	char hex[2 * 32 + 1];

	buf_str(b, "<notification xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" session_id=\"");
	lab_session_write(w, NULL, b);
	buf_printf(b, "\" serial=\"1\">\n<snapshot uri=\"https://%s/rrdp/snapshot.xml\" hash=\"%s\"/>\n"
	    "</notification>\n", w->host, hex_encode(hex, hash, 32));
}

/* --- what the world should yield --- */

static const char *
ta_name_of(const struct lab_ca *ca)
{
	while (ca->parent != NULL)
		ca = ca->parent;
	return ca->name;
}

/* It and the certificates above it are there. */
static bool
is_reached(const struct lab_world *w, const struct lab_obj *o)
{
	while (lab_alive(w, o) && o->ca != NULL)
		o = o->ca->cert;
	return lab_alive(w, o);
}

void
lab_vrps_csv(const struct lab_world *w, struct buf *b)
{
	buf_str(b, "ASN,IP Prefix,Max Length,Trust Anchor\n");
	for (size_t i = 0; i < w->n_objs; i++) {
		const struct lab_obj *o = w->objs[i];

		for (size_t k = 0; k < o->n_pfx && is_reached(w, o); k++) {
			char px[IP_PREFIX_STRLEN];

			buf_printf(b, "AS%u,%s,%u,%s\n", o->asn,
			    ip_prefix_str(&o->pfx[k].px, px), o->pfx[k].max_len,
			    ta_name_of(o->ca));
		}
	}
}

static void
obj_json(struct json *j, const struct lab_obj *o)
{
	const struct lab_ca *ca = o->kind == LAB_CER ? o->subject : o->ca;

	json_open(j, '{');
	json_kv_str(j, "type", lab_kind_name(o->kind));
	json_kv_str(j, "ca", ca == NULL ? NULL : ca->name);
	json_kv_str(j, "name", o->label);
	json_kv_str(j, "uri", o->uri);
	json_kv_u64(j, "size", o->n_bytes);
	json_kv_bool(j, "published", !o->hidden);
	json_close(j, '}');
}

static void
aspas_json(struct json *j, const struct lab_world *w)
{
	json_open(j, '[');
	for (size_t i = 0; i < w->n_objs; i++) {
		const struct lab_obj *o = w->objs[i];

		if (o->kind != LAB_ASPA || !is_reached(w, o))
			continue;
		json_open(j, '{');
		json_kv_u64(j, "customer", o->asn);
		json_kv_u32s(j, "providers", o->providers, o->n_providers);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
faults_json(struct json *j, const struct lab_world *w)
{
	json_open(j, '[');
	for (const struct lab_planted *p = w->faults; p != NULL; p = p->next) {
		json_open(j, '{');
		json_kv_str(j, "fault", p->fault->name);
		json_kv_str(j, "code", p->fault->code);
		json_kv_str(j, "uri", p->obj == NULL ? NULL : p->obj->uri);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void
lab_json(const struct lab_world *w, struct json *j)
{
	char now[TIME_STRLEN];

	json_open(j, '{');
	json_kv_str(j, "at", time_str(w->now, now));
	json_key(j, "faults");
	faults_json(j, w);
	json_key(j, "aspas");
	aspas_json(j, w);
	json_key(j, "objects");
	json_open(j, '[');
	for (size_t i = 0; i < w->n_objs; i++)
		if (w->objs[i]->uri != NULL)
			obj_json(j, w->objs[i]);
	json_close(j, ']');
	json_close(j, '}');
}
