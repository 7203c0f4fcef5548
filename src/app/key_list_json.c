/* What "keymgr -j ZONE list" prints: an array with an object a key (app/key_list.h). */
#include <errno.h>
#include <jansson.h>

#include "app/key_list_internal.h"
#include "base/err.h"
#include "dnssec/dnssec.h"

static bool
number_take(const json_t *o, const char *name, int64_t max, int64_t *ret)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return false;
	*ret = json_integer_value(v);
	return true;
}

static bool
flag_take(const json_t *o, const char *name, bool *ret)
{
	const json_t *v = json_object_get(o, name);

	*ret = json_is_true(v);
	return json_is_boolean(v);
}

/*
 * Times that a version does not have are not set. 2026-11: keymgr 3.2.6 prints times after
 * 2038-01-19 as negative numbers here, and rightly without -j. They are refused.
 */
static bool
times_take(json_t *o, struct key_list_row *r)
{
	enum key_list_time t;
	const char *name;
	json_t *v;

	json_object_foreach(o, name, v) {
		if (!key_list_time_find(sv_str(name), &t))
			continue;
		if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > INT64_MAX / 4)
			return false;
		r->time[t] = json_integer_value(v);
	}
	return true;
}

/* 1: ours; 0: of another zone. */
static int
key_take(json_t *o, const struct dname *zone, struct key_list_row *r)
{
	const char *id = json_string_value(json_object_get(o, "id"));
	const char *of = json_string_value(json_object_get(o, "zone"));
	struct dname name;
	int64_t tag, alg;

	if (id == NULL || !key_list_id(sv_str(id), r->id) || !number_take(o, "tag", UINT16_MAX, &tag) ||
	    !number_take(o, "algorithm", UINT8_MAX, &alg) || dnssec_alg_find((uint8_t)alg) == NULL ||
	    !flag_take(o, "ksk", &r->ksk) || !flag_take(o, "zsk", &r->zsk) || (!r->ksk && !r->zsk) ||
	    !flag_take(o, "public-only", &r->public_only) || !times_take(o, r))
		return -EBADMSG;
	r->tag = (uint16_t)tag;
	r->alg = (uint8_t)alg;
	if (of != NULL && dname_parse(sv_str(of), NULL, &name) < 0)
		return -EBADMSG;
	return of == NULL || dname_eq(&name, zone);
}

static int
keys_take(json_t *root, const struct dname *zone, struct key_list *ret)
{
	size_t i;
	json_t *o;

	json_array_foreach(root, i, o) {
		struct key_list_row r = { 0 }, *dst;
		int rc = key_take(o, zone, &r);

		if (rc < 0)
			return rc;
		if (rc == 0) {
			ret->n_others++;
			continue;
		}
		if ((dst = key_list_add(ret, r.id)) == NULL)
			return SE_LIMIT;
		*dst = r;
	}
	return 0;
}

int
key_list_json(struct sv text, const struct dname *zone, struct key_list *ret, unsigned *ret_line)
{
	json_error_t e;
	json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &e);
	int rc;

	*ret_line = e.line > 0 ? (unsigned)e.line : 1;
	if (root == NULL)
		return -EBADMSG;
	*ret_line = 1;
	rc = json_is_array(root) ? keys_take(root, zone, ret) : -EBADMSG;
	json_decref(root);
	return rc;
}
