/* See app/zone_tsig.h. */
#include <errno.h>
#include <string.h>

#include "app/zone_conf.h"
#include "app/zone_list.h"
#include "app/zone_tsig.h"
#include "base/err.h"
#include "dns/wire.h"
#include "sys/file.h"

#define FILE_MAX	((size_t)4 << 20)	/* TSIG_KEYS_MAX keys of the longest secrets */
#define POOL_MAX	(FILE_MAX + (1 << 20))	/* and the findings */

static void
finding_tell(enum lang lang, const char *path, const struct findings *fs, struct buf *err)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		if (f->def->severity == SEV_REJECT) {
			buf_printf(err, "%s: %s: ", path, f->def->code);
			finding_text(err, f, lang);
			return;
		}
	buf_str(err, path);
}

/* Each key that a zone names is in the file. */
static int
named_check(const struct zone_peers *l, const struct tsig_keys *ks, const char *path, enum lang lang,
    struct buf *err)
{
	char name[DNAME_STRLEN];

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].has_key && tsig_keys_find(ks, &l->v[i].key) == NULL) {
			buf_printf(err, tr(lang, N_("%s: there is no key \"%s\", which dns.zones names")),
			    path, dname_str(&l->v[i].key, name));
			return SE_USAGE;
		}
	return 0;
}

static int
zones_check(const struct conf *c, const struct tsig_keys *ks, const char *path, enum lang lang,
    struct buf *err)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct zone_list l;
	int rc;

	zone_conf_text(c, &text);
	if (text.rc < 0)
		return text.rc;
	if ((rc = zone_list_parse(buf_get(&text), sv_str(app_conf_str(c, CONF_STATE)), &l)) < 0)
		return rc;
	for (size_t i = 0; i < l.n && rc == 0; i++) {
		const struct zone_peers *const lists[] = { &l.v[i].primaries, &l.v[i].notify,
		    &l.v[i].transfer, &l.v[i].hear };

		for (size_t k = 0; k < ARRAY_LEN(lists) && rc == 0; k++)
			rc = named_check(lists[k], ks, path, lang, err);
	}
	zone_list_done(&l);
	return rc;
}

static int
text_check(const struct conf *c, struct sv text, const char *path, struct pool *pool, enum lang lang,
    struct buf *err)
{
	_cleanup_(tsig_keys_donep) struct tsig_keys ks = { 0 };
	struct findings fs;
	int rc;

	findings_init(&fs, pool);
	if ((rc = tsig_keys_parse(text, sv_str(path), &fs, &ks)) < 0) {
		finding_tell(lang, path, &fs, err);
		return rc;
	}
	return zones_check(c, &ks, path, lang, err);
}

int
zone_tsig_read(const struct conf *c, enum lang lang, struct buf *ret, struct buf *err)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	const char *path = app_conf_str(c, CONF_DNS_TSIG_KEYS);
	struct sv text;
	int rc;

	if (path[0] == '\0')
		return 0;
	if (pool == NULL)
		return -ENOMEM;
	if ((rc = file_read(pool, FILE_CWD, path, FILE_MAX, &text)) < 0) {
		buf_printf(err, "%s: %s", path, err_str(rc));
		return rc;
	}
	if (file_is_open_to_others(path)) {
		buf_printf(err, tr(lang, N_("%s: others may read these secrets; chmod 600 %s")), path, path);
		rc = SE_USAGE;
	} else
		rc = text_check(c, text, path, pool, lang, err);
	if (rc == 0) {
		buf_sv(ret, text);
		rc = ret->rc;
	}
	explicit_bzero((void *)(uintptr_t)text.p, text.n);
	return rc;
}
