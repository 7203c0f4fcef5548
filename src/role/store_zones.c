/* Signed zones on the disk (role/store_zones.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_file.h"
#include "app/zone_list.h"
#include "base/err.h"
#include "role/store_zones.h"
#include "role/zone_keep.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/stream.h"
#include "sys/tree.h"

#define ZONE_TEXT_MAX	((size_t)4 << 30)	/* as the zone role's */
#define ZONE_IMAGE_MAX	((size_t)16 << 30)

struct store_zones {
	struct zone_list	 list;
	char			 folder[4200];	/* of all that is kept */
};

static int
folder_name(void *arg, const char *folder)
{
	struct role *r = arg;
	int rc = role_path(r, folder, SANDBOX_WRITE);

	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s; zones cannot be written there", folder, err_str(rc));
	return rc;
}

/* Each folder once. When one finds no room, the others are not tried. */
static void
folders_name(struct role *r, const struct zone_list *l)
{
	struct zone_folders f = { 0 };

	for (size_t i = 0; i < l->n; i++)
		if (zone_folders_add(&f, l->v[i].output, folder_name, r) == -E2BIG)
			break;
	zone_folders_done(&f);
}

int
store_zones_new(struct role *r, const struct msg_store_zones *m, struct store_zones **ret)
{
	struct store_zones *z;
	int rc;

	if ((z = calloc(1, sizeof(*z))) == NULL)
		return -ENOMEM;
	(void)snprintf(z->folder, sizeof(z->folder), "%.*s/zones", SV_ARG(m->state));
	rc = zone_list_read(m->zones, m->state, &z->list);
	if (rc == 0 && z->list.n > 0 && (rc = tree_make(z->folder)) == 0)
		rc = role_path(r, z->folder, SANDBOX_WRITE);
	if (rc < 0 || z->list.n == 0) {
		zone_list_done(&z->list);
		free(z);
		return rc;
	}
	folders_name(r, &z->list);
	*ret = z;
	return 0;
}

void
store_zones_start(struct role *r, const struct store_zones *z)
{
	const struct msg_zone_kept m = { .req = 0 };
	const struct msg_told_ask ask = { 0 };

	if (z == NULL)
		return;
	(void)msg_zone_kept_send(r, ROLE_ZONE, &m);
	(void)msg_told_ask_send(r, ROLE_ZONE, &ask);
	(void)msg_told_ask_send(r, ROLE_KEY, &ask);
}

static int
text_put(const char *path, struct sv text)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	int rc = atomicfile_open(&f, path);

	if (rc < 0)
		return rc;
	if ((rc = fd_write_all(&f.fd, text.p, text.n)) < 0)
		return rc;
	return atomicfile_commit(&f);
}

static const struct zone_list_entry *
entry_of(const struct store_zones *z, struct sv wire)
{
	struct rd rd = rd_sv(wire);
	struct dname name;

	dname_rd(&rd, &name);
	return z != NULL && rd_done(&rd) ? zone_list_find(&z->list, &name) : NULL;
}

static int
zone_put(struct store_zones *z, const struct msg_zone_put *m)
{
	const struct zone_list_entry *e = entry_of(z, m->zone);
	struct file_map map;
	int rc;

	if (e == NULL || e->output[0] == '\0')
		return -ENOENT;
	if ((rc = memfd_map(m->text, false, ZONE_TEXT_MAX, &map)) < 0)
		return rc;
	rc = text_put(e->output, map.data);
	file_unmap(&map);
	return rc;
}

int
store_zones_put(struct role *r, struct store_zones *z, const struct msg_zone_put *m)
{
	const struct msg_zone_kept a = { .req = m->req, .code = zone_put(z, m) };

	return msg_zone_kept_send(r, ROLE_ZONE, &a);
}

/* --- between lives of the zone role --- */

/* "…/zones/example.jp./out.journal", and its folder made. */
static int
keep_path(const struct store_zones *z, struct sv zone, unsigned side, bool image, char *dst, size_t n)
{
	static const char *const sides[KEEP_SIDE_MAX] = { "in", "out" };
	_cleanup_(buf_done) struct buf name = BUF_INIT;
	const struct zone_list_entry *e = entry_of(z, zone);
	int rc, len;

	if (e == NULL || side >= KEEP_SIDE_MAX)
		return -ENOENT;
	zone_file_name(&name, &e->name);
	if (name.rc < 0)
		return name.rc;
	len = snprintf(dst, n, "%s/%.*s", z->folder, SV_ARG(buf_get(&name)));
	if (len < 0 || (size_t)len + 20 > n)
		return -ENAMETOOLONG;
	if ((rc = tree_make(dst)) < 0)
		return rc;
	(void)snprintf(dst + len, n - (size_t)len, "/%s.%s", sides[side], image ? "image" : "journal");
	return 0;
}

static int
zone_keep(struct store_zones *z, const struct msg_zone_keep *m)
{
	char path[4600];
	struct file_map map;
	int rc = keep_path(z, m->zone, m->side, m->kind == KEEP_IMAGE, path, sizeof(path));

	if (rc < 0)
		return rc;
	if ((rc = memfd_map(m->octets, false, ZONE_IMAGE_MAX, &map)) < 0)
		return rc;
	rc = m->kind == KEEP_ENTRY ? file_append(path, m->at, map.data) : text_put(path, map.data);
	file_unmap(&map);
	return rc;
}

int
store_zones_keep(struct role *r, struct store_zones *z, const struct msg_zone_keep *m)
{
	const struct msg_zone_kept a = { .req = m->req, .code = zone_keep(z, m) };

	return msg_zone_kept_send(r, ROLE_ZONE, &a);
}

/* The file, or empty memory. */
static int
keep_open(struct store_zones *z, const struct msg_zone_recall *m, bool image, int *ret_fd)
{
	char path[4600];

	if (keep_path(z, m->zone, m->side, image, path, sizeof(path)) == 0 &&
	    file_open_read(path, ret_fd) == 0)
		return 0;
	return memfd_of("zone", SV(""), ret_fd);
}

int
store_zones_recall(struct role *r, struct store_zones *z, const struct msg_zone_recall *m)
{
	struct msg_zone_recalled a = { .req = m->req, .image = -1, .journal = -1 };
	int rc = keep_open(z, m, true, &a.image);

	if (rc == 0)
		rc = keep_open(z, m, false, &a.journal);
	if (rc == 0)
		rc = msg_zone_recalled_send(r, ROLE_ZONE, &a);
	fd_close(&a.image);
	fd_close(&a.journal);
	return rc;
}
