/* Signed zones on the disk (role/store_zones.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_list.h"
#include "base/err.h"
#include "role/store_zones.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/tree.h"

#define ZONE_TEXT_MAX	((size_t)4 << 30)	/* as the zone role's */

struct store_zones {
	struct zone_list	 list;
};

/* Each folder once: sandboxes have room for a few dozen. */
static void
folder_name(struct role *r, const struct zone_list *l, size_t i)
{
	char folder[4200], other[4200];
	int rc;

	zone_list_folder(l->v[i].output, folder, sizeof(folder));
	for (size_t k = 0; k < i; k++) {
		zone_list_folder(l->v[k].output, other, sizeof(other));
		if (strcmp(folder, other) == 0)
			return;
	}
	if ((rc = role_path(r, folder, SANDBOX_WRITE)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s; zones cannot be written there", folder, err_str(rc));
}

int
store_zones_new(struct role *r, const struct msg_store_zones *m, struct store_zones **ret)
{
	struct store_zones *z;
	char folder[4200];
	int rc;

	if (m->zones.n == 0)
		return 0;
	if ((z = calloc(1, sizeof(*z))) == NULL)
		return -ENOMEM;
	(void)snprintf(folder, sizeof(folder), "%.*s/zones", SV_ARG(m->state));
	if ((rc = zone_list_parse(m->zones, m->state, &z->list)) < 0 || (rc = tree_make(folder)) < 0) {
		free(z);
		return rc;
	}
	for (size_t i = 0; i < z->list.n; i++)
		folder_name(r, &z->list, i);
	*ret = z;
	return 0;
}

void
store_zones_start(struct role *r, const struct store_zones *z)
{
	const struct msg_zone_kept m = { .req = 0 };

	if (z != NULL)
		(void)msg_zone_kept_send(r, ROLE_ZONE, &m);
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

static int
zone_put(struct store_zones *z, const struct msg_zone_put *m)
{
	const struct zone_list_entry *e = NULL;
	struct rd rd = rd_sv(m->zone);
	struct file_map map;
	struct dname name;
	int rc;

	dname_rd(&rd, &name);
	if (z != NULL && rd_done(&rd))
		e = zone_list_find(&z->list, &name);
	if (e == NULL)
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
