/* Lines of keymgr, and which tool a text is of (app/key_list.h). */
#include <errno.h>
#include <string.h>

#include "app/key_list_internal.h"
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

bool
key_list_id(struct sv s, char ret[static KEY_LIST_ID_MAX + 1])
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

struct key_list_row *
key_list_add(struct key_list *l, const char *id)
{
	struct key_list_row *r = &l->row[l->n];

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->row[i].id, id) == 0)
			return &l->row[i];
	if (l->n == KEY_LIST_MAX)
		return NULL;
	*r = (struct key_list_row){ 0 };
	(void)memcpy(r->id, id, strlen(id) + 1);
	l->n++;
	return r;
}

/* --- keymgr --- */

bool
key_list_time_find(struct sv name, enum key_list_time *ret)
{
	static const char *const names[KEY_LIST_TIME_MAX] = { "publish", "ready", "active", "retire-active",
	    "retire", "post-active", "remove" };

	for (unsigned i = 0; i < KEY_LIST_TIME_MAX; i++)
		if (sv_eq_str(name, names[i])) {
			*ret = (enum key_list_time)i;
			return true;
		}
	return false;
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

static bool
flag_take(struct sv value, bool *ret)
{
	*ret = sv_eq_str(value, "yes");
	return *ret || sv_eq_str(value, "no");
}

/*
 * Seconds, or ISO 8601. "-1M29D" of "list human" is refused: a time that is
 * passed over would let a key live for ever.
 */
static bool
time_take(struct sv value, int64_t *ret)
{
	uint64_t at;

	if (num_u64(value, 0, INT64_MAX / 4, &at) < 0)
		return sv_find(value, 'T') < value.n && time_parse(value, ret) == 0 && *ret >= 0;
	*ret = (int64_t)at;
	return true;
}

/* One "name=value"; those that we do not need are passed over. */
static bool
attribute_take(struct sv w, struct key_list_row *r)
{
	struct sv name = sv_cut(&w, '=');
	enum key_list_time t;

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
	return !key_list_time_find(name, &t) || time_take(w, &r->time[t]);
}

static bool
knot_take(const struct words *l, struct key_list_row *r)
{
	size_t i = 1;

	if (l->n < 4 || !key_list_id(l->w[0], r->id))
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

/* --- all of it --- */

static int
line_parse(struct sv line, const struct dname *zone, struct key_list *ret, struct key_list_rolls *rolls)
{
	struct key_list_row r = { 0 }, *dst;
	struct words l;

	if (!words_cut(line, &l))
		return -EBADMSG;
	if (l.n == 0)
		return 0;
	if (!knot_take(&l, &r))
		return key_list_ods(line, zone, ret, rolls);
	if ((dst = key_list_add(ret, r.id)) == NULL)
		return SE_LIMIT;
	*dst = r;
	return 0;
}

int
key_list_parse(struct sv text, const struct dname *zone, struct key_list *ret, unsigned *ret_line)
{
	struct key_list_rolls rolls = { { 0, 0 } };
	struct sv line;
	int rc = 0;

	ret->n = ret->n_others = 0;
	*ret_line = 0;
	if (text.n > KEY_LIST_TEXT_MAX)
		return SE_LIMIT;
	if (sv_starts(sv_trim(text), SV("[")))
		return key_list_json(text, zone, ret, ret_line);
	while (rc == 0 && sv_line(&text, &line)) {
		++*ret_line;
		rc = line_parse(line, zone, ret, &rolls);
	}
	return rc < 0 ? rc : key_list_ods_end(ret, &rolls);
}
