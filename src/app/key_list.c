/* Lines of keymgr and of ods-enforcer (app/key_list.h). */
#include <errno.h>

#include "app/key_list.h"
#include "base/err.h"
#include "dnssec/dnssec.h"

#define WORDS_MAX	24

struct words {
	size_t		 n;
	struct sv	 w[WORDS_MAX];
};

static bool
words_cut(struct sv line, struct words *ret)
{
	struct sv w;

	ret->n = 0;
	while (sv_word(&line, &w)) {
		if (ret->n == WORDS_MAX)
			return false;
		ret->w[ret->n++] = w;
	}
	return true;
}

/* Hex digits, in pairs. */
static bool
id_take(struct sv s, char ret[static KEY_LIST_ID_MAX + 1])
{
	if (s.n < 8 || s.n > KEY_LIST_ID_MAX || s.n % 2 != 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		ret[i] = c;
	}
	ret[s.n] = '\0';
	return true;
}

static bool
tag_take(struct sv s, uint16_t *ret)
{
	uint32_t v;

	if (num_u32(s, 0, UINT16_MAX, &v) < 0)
		return false;
	*ret = (uint16_t)v;
	return true;
}

/* "ECDSAP256SHA256", "RSASHA256/2048", "13" */
static bool
alg_take(struct sv s, uint8_t *ret)
{
	const struct dnssec_alg *alg = dnssec_alg_parse(sv_cut(&s, '/'));

	if (alg == NULL)
		return false;
	*ret = alg->number;
	return true;
}

static bool
role_take(struct sv s, struct key_list_row *r)
{
	r->ksk = sv_eq_str(s, "KSK") || sv_eq_str(s, "CSK");
	r->zsk = sv_eq_str(s, "ZSK") || sv_eq_str(s, "CSK");
	return r->ksk || r->zsk;
}

/* --- keymgr --- */

static bool
flag_take(struct sv value, bool *ret)
{
	*ret = sv_eq_str(value, "yes");
	return *ret || sv_eq_str(value, "no");
}

/* One "name=value"; those that we do not need are passed over. */
static bool
attribute_take(struct sv w, struct key_list_row *r)
{
	struct sv name = sv_cut(&w, '=');
	uint64_t at;

	if (sv_eq_str(name, "ksk"))
		return flag_take(w, &r->ksk);
	if (sv_eq_str(name, "zsk"))
		return flag_take(w, &r->zsk);
	if (sv_eq_str(name, "public-only"))
		return flag_take(w, &r->public_only);
	if (sv_eq_str(name, "tag"))
		return tag_take(w, &r->tag);
	if (sv_eq_str(name, "algorithm"))
		return alg_take(w, &r->alg);
	/* 0: not set. Times as words ("+1d") are of keymgr set, never of list. */
	if (sv_eq_str(name, "remove") && num_u64(w, 1, INT64_MAX - 1, &at) == 0)
		r->remove = (int64_t)at;
	return true;
}

static bool
knot_take(const struct words *l, struct key_list_row *r)
{
	size_t i = 1;

	if (l->n < 4 || !id_take(l->w[0], r->id))
		return false;
	/* "ID TAG ROLE ALGORITHM publish=…": what -e says in attributes. */
	if (sv_find(l->w[1], '=') == l->w[1].n) {
		if (!tag_take(l->w[1], &r->tag) || !role_take(l->w[2], r) || !alg_take(l->w[3], &r->alg))
			return false;
		i = 4;
	}
	for (; i < l->n; i++) {
		if (sv_eq_str(l->w[i], "public-only"))
			r->public_only = true;
		else if (!attribute_take(l->w[i], r))
			return false;
	}
	return r->alg != 0 && (r->ksk || r->zsk);
}

/* --- ods-enforcer --- */

/* 1: a key of ours; 0: of another zone. */
static int
ods_fields(struct sv zone, struct sv role, const struct sv last[static 5], const struct dname *ours,
    struct key_list_row *r)
{
	struct dname name;

	if (dname_parse(zone, NULL, &name) < 0 || !role_take(role, r) || !alg_take(last[1], &r->alg) ||
	    !id_take(last[2], r->id) || !tag_take(last[4], &r->tag))
		return -EBADMSG;
	return dname_eq(&name, ours);
}

/* zone;role;state;time;bits;algorithm;id;repository;tag */
static int
ods_parsable(struct sv line, const struct dname *ours, struct key_list_row *r)
{
	struct sv f[9];
	size_t n = 0;

	while (n < ARRAY_LEN(f) && line.n > 0)
		f[n++] = sv_cut(&line, ';');
	return n != ARRAY_LEN(f) || line.n > 0 ? -EBADMSG : ods_fields(f[0], f[1], &f[4], ours, r);
}

/* The same in columns; its time is one word ("now") or several ("waiting for ds-seen"). */
static int
ods_columns(const struct words *l, const struct dname *ours, struct key_list_row *r)
{
	return l->n < 9 ? -EBADMSG : ods_fields(l->w[0], l->w[1], &l->w[l->n - 5], ours, r);
}

static bool
is_head(const struct words *l)
{
	return sv_eq_str(l->w[0], "Keys:") || sv_eq_str(l->w[0], "Zone:");
}

/* --- all of it --- */

/* 1: a key; 0: nothing of ours. */
static int
line_parse(struct sv line, const struct dname *zone, struct key_list_row *r)
{
	struct words l;
	int rc;

	*r = (struct key_list_row){ .remove = TIME_NEVER };
	if (!words_cut(line, &l))
		return -EBADMSG;
	if (l.n == 0 || is_head(&l))
		return 0;
	if (sv_find(line, ';') < line.n)
		return ods_parsable(sv_trim(line), zone, r);
	if (knot_take(&l, r))
		return 1;
	*r = (struct key_list_row){ .remove = TIME_NEVER };
	rc = ods_columns(&l, zone, r);
	return rc;
}

int
key_list_parse(struct sv text, const struct dname *zone, struct key_list *ret, unsigned *ret_line)
{
	struct key_list_row row;
	struct sv line;

	ret->n = 0;
	*ret_line = 0;
	if (text.n > KEY_LIST_TEXT_MAX)
		return SE_LIMIT;
	while (sv_line(&text, &line)) {
		int rc;

		++*ret_line;
		if ((rc = line_parse(line, zone, &row)) < 0)
			return rc;
		if (rc == 0)
			continue;
		if (ret->n == KEY_LIST_MAX)
			return SE_LIMIT;
		ret->row[ret->n++] = row;
	}
	return 0;
}
