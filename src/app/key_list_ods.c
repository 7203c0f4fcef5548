/*
 * What ods-enforcer prints (app/key_list.h), as OpenDNSSEC 2.1 prints it:
 *
 *	key list -v -p	zone;role;state;time;bits;algorithm;CKA_ID;repository;tag
 *	key list -d -p	zone;role;DS;DNSKEY;RRSIGDNSKEY;RRSIG;pub;act;CKA_ID
 *	rollover list	zone role time
 *
 * and without -p the same in columns, below two lines of heading. A time is a
 * date and a time of day, or words: "now", "waiting for ds-seen".
 */
#include <errno.h>
#include <string.h>

#include "app/key_list_internal.h"
#include "base/err.h"
#include "dnssec/dnssec.h"

#define FIELDS	9
#define WORDS	14	/* nine fields, and a time of up to four words more */

struct line {
	size_t		 n;
	struct sv	 f[WORDS];
};

static bool
is_word(struct sv s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sv_eq_str(s, words[i]))
			return true;
	return false;
}

/* "2026-11-22 21:58:27"; its parts are neighbours in one line. 0: no date. */
static int64_t
date_take(struct sv day, struct sv clock)
{
	char text[24];
	int64_t at;

	if (day.n != 10 || clock.n != 8)
		return 0;
	memcpy(text, day.p, 10);
	text[10] = 'T';
	memcpy(text + 11, clock.p, 8);
	text[19] = 'Z';
	return time_parse((struct sv){ text, 20 }, &at) < 0 ? 0 : at;
}

static int64_t
date_of_field(struct sv s)
{
	return s.n == 19 ? date_take(sv_take(s, 10), sv_skip(s, 11)) : 0;
}

/* --- one key --- */

static bool
roles_take(struct sv s, bool *ret_ksk, bool *ret_zsk)
{
	*ret_ksk = sv_eq_str(s, "KSK") || sv_eq_str(s, "CSK");
	*ret_zsk = sv_eq_str(s, "ZSK") || sv_eq_str(s, "CSK");
	return *ret_ksk || *ret_zsk;
}

static bool
state_take(struct sv s, struct key_list_row *r)
{
	static const struct {
		const char		*word;
		enum key_list_use	 use;
	} rows[] = {
		{ "generate", KEY_LIST_COMING }, { "publish", KEY_LIST_COMING }, { "ready", KEY_LIST_COMING },
		{ "active", KEY_LIST_USED }, { "retire", KEY_LIST_LEAVING }, { "mixed", KEY_LIST_UNSAID },
		{ "unknown", KEY_LIST_UNSAID },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (sv_eq_str(s, rows[i].word)) {
			r->use = rows[i].use;
			r->ready = sv_eq_str(s, "ready");
			return true;
		}
	return false;
}

/* Zone and role of the line; 1: ours; 0: another's. */
static int
zone_take(const struct line *l, const struct dname *ours, struct key_list *dst)
{
	struct dname name;

	if (dname_parse(l->f[0], NULL, &name) < 0)
		return -EBADMSG;
	if (dname_eq(&name, ours))
		return 1;
	dst->n_others++;
	return 0;
}

/* last: bits, algorithm, CKA_ID, repository, tag. */
static int
verbose_take(const struct line *l, const struct sv last[static 5], int64_t next, const struct dname *ours,
    struct key_list *dst)
{
	const struct dnssec_alg *alg = dnssec_alg_parse(last[1]);
	struct key_list_row row = { .next = next }, *r;
	uint32_t tag;
	int rc;

	if (!roles_take(l->f[1], &row.ksk, &row.zsk) || !state_take(l->f[2], &row) || alg == NULL ||
	    !key_list_id(last[2], row.id) || num_u32(last[4], 0, UINT16_MAX, &tag) < 0)
		return -EBADMSG;
	if ((rc = zone_take(l, ours, dst)) <= 0)
		return rc;
	if ((r = key_list_add(dst, row.id)) == NULL)
		return SE_LIMIT;
	row.alg = alg->number;
	row.tag = (uint16_t)tag;
	row.has_records = r->has_records;
	row.mixing = r->mixing;
	*r = row;
	return 0;
}

static int
debug_take(const struct line *l, const struct dname *ours, struct key_list *dst)
{
	static const char *const states[] = { "NA", "hidden", "rumoured", "omnipresent", "unretentive" };
	char id[KEY_LIST_ID_MAX + 1];
	struct key_list_row *r;
	bool ksk, zsk;
	int rc;

	for (size_t i = 2; i < 6; i++)
		if (!is_word(l->f[i], states, ARRAY_LEN(states)))
			return -EBADMSG;
	if (!roles_take(l->f[1], &ksk, &zsk) || !key_list_id(l->f[8], id))
		return -EBADMSG;
	if ((rc = zone_take(l, ours, dst)) <= 0)
		return rc;
	if ((r = key_list_add(dst, id)) == NULL)
		return SE_LIMIT;
	r->has_records = true;
	r->mixing = sv_eq_str(l->f[5], "unretentive");
	return 0;
}

/* --- lines --- */

static bool
is_flag(struct sv s)
{
	return sv_eq_str(s, "0") || sv_eq_str(s, "1");
}

static bool
is_debug(const struct line *l)
{
	return l->n == FIELDS && is_flag(l->f[6]) && is_flag(l->f[7]);
}

static int
parsable(struct sv text, const struct dname *ours, struct key_list *dst)
{
	struct line l = { 0 };

	while (l.n < FIELDS && text.n > 0)
		l.f[l.n++] = sv_cut(&text, ';');
	if (l.n != FIELDS || text.n > 0)
		return -EBADMSG;
	if (is_debug(&l))
		return debug_take(&l, ours, dst);
	return verbose_take(&l, &l.f[4], date_of_field(l.f[3]), ours, dst);
}

static int
rolls_take(const struct line *l, const struct dname *ours, struct key_list *dst, struct key_list_rolls *rolls)
{
	int64_t at = date_take(l->f[2], l->f[3]);
	bool ksk, zsk;
	int rc;

	if (at <= 0 || !roles_take(l->f[1], &ksk, &zsk))
		return -EBADMSG;
	if ((rc = zone_take(l, ours, dst)) <= 0)
		return rc;
	rolls->at[ksk ? 0 : 1] = at;
	if (ksk && zsk)
		rolls->at[1] = at;
	return 0;
}

static bool
is_heading(struct sv text)
{
	/* "sock set to": ods-enforcer -s says first which socket it takes. */
	return sv_eq_str(text, "Keys:") || sv_starts(text, SV("Zone:")) || sv_starts(text, SV("sock set to "));
}

int
key_list_ods(struct sv text, const struct dname *ours, struct key_list *dst, struct key_list_rolls *rolls)
{
	struct line l = { 0 };
	struct sv rest = sv_trim(text), w;

	if (is_heading(rest))
		return 0;
	if (sv_find(rest, ';') < rest.n)
		return parsable(rest, ours, dst);
	while (sv_word(&rest, &w)) {
		if (l.n == WORDS)
			return -EBADMSG;
		l.f[l.n++] = w;
	}
	if (is_debug(&l))
		return debug_take(&l, ours, dst);
	if (l.n == 4)
		return rolls_take(&l, ours, dst, rolls);
	if (l.n < FIELDS)
		return -EBADMSG;
	return verbose_take(&l, &l.f[l.n - 5], date_take(l.f[3], l.f[4]), ours, dst);
}

/* --- what they say together --- */

/* A key that is made only when its predecessor's time has come. */
static bool
has_ready(const struct key_list *l, const struct key_list_row *old)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->row[i].ready && l->row[i].zsk && l->row[i].alg == old->alg && &l->row[i] != old)
			return true;
	return false;
}

int
key_list_ods_end(struct key_list *l, const struct key_list_rolls *rolls)
{
	for (size_t i = 0; i < l->n; i++) {
		struct key_list_row *r = &l->row[i];

		if (r->alg == 0)
			return -EBADMSG;	/* -d alone: nobody says which algorithm and tag */
		if (r->use == KEY_LIST_USED || r->ready)
			r->end = rolls->at[r->ksk ? 0 : 1];
		/* Without -d: two ZSKs change places, and nobody says how far they are. */
		if (r->zsk && r->use == KEY_LIST_LEAVING && !r->has_records)
			r->mixing = has_ready(l, r);
	}
	return 0;
}
