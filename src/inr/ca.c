/* The table of CAs: merged, written, checked, looked up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inr/internal.h"

#define ROW_TEXT_LENS	20	/* where a row says how long its URI and code are */

const char *
payload_ca_state_name(enum payload_ca_state st)
{
	static const char *const names[PCA_MAX] = {
		[PCA_GOOD] = "good", [PCA_RETAINED] = "retained",
		[PCA_FAILED] = "failed", [PCA_LOST] = "lost",
	};

	return (size_t)st < PCA_MAX ? names[st] : "unknown";
}

uint32_t
payload_ca_find(const struct payloads *p, uint64_t id)
{
	size_t lo = 0, hi = p->n_cas;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->cas[mid].id == id)
			return (uint32_t)mid;
		if (p->cas[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return PAYLOAD_CA_NONE;
}

/* --- merging --- */

struct place {
	uint64_t	id;
	uint32_t	at;		/* before the sort */
};

static int
place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static bool
ascending(const struct payloads *p)
{
	for (size_t i = 1; i < p->n_cas; i++)
		if (p->cas[i - 1].id >= p->cas[i].id)
			return false;
	return true;
}

/* The same point seen again: it is as good as it was at its best. */
static void
row_join(struct payload_ca *a, const struct payload_ca *b)
{
	if (b->state < a->state) {
		a->state = b->state;
		a->code = b->code;
	}
	if (a->held_since == 0)
		a->held_since = b->held_since;
	if (a->uri.n == 0)
		a->uri = b->uri;
}

/* to[] gets the rows in order, map[] where each old one went. */
static size_t
rows_sort(const struct payloads *p, struct place *places, struct payload_ca *to,
    uint32_t *map)
{
	size_t n = 0;

	for (uint32_t i = 0; i < p->n_cas; i++)
		places[i] = (struct place){ p->cas[i].id, i };
	qsort(places, p->n_cas, sizeof(*places), place_cmp);
	for (size_t i = 0; i < p->n_cas; i++) {
		const struct payload_ca *ca = &p->cas[places[i].at];

		if (n == 0 || to[n - 1].id != ca->id)
			to[n++] = *ca;
		else
			row_join(&to[n - 1], ca);
		map[places[i].at] = (uint32_t)(n - 1);
	}
	return n;
}

static uint32_t
mapped(uint32_t ca, const uint32_t *map, size_t n)
{
	return ca < n ? map[ca] : PAYLOAD_CA_NONE;
}

static void
indexes_follow(struct payloads *p, const uint32_t *map, size_t n)
{
	for (size_t i = 0; i < p->n_cas; i++)
		p->cas[i].parent = mapped(p->cas[i].parent, map, n);
	for (size_t i = 0; i < p->n_vrps; i++)
		p->vrps[i].ca = mapped(p->vrps[i].ca, map, n);
	for (size_t i = 0; i < p->n_aspas; i++)
		p->aspas[i].ca = mapped(p->aspas[i].ca, map, n);
	for (size_t i = 0; i < p->n_router_keys; i++)
		p->router_keys[i].ca = mapped(p->router_keys[i].ca, map, n);
}

static bool
chain_ends(const struct payloads *p, uint32_t ca)
{
	for (unsigned depth = 0; depth < PAYLOAD_CA_DEPTH_MAX; depth++) {
		if (ca >= p->n_cas)
			return true;
		ca = p->cas[ca].parent;
	}
	return false;
}

/*
 * Two CAs that certify each other make a ring of what was a chain when the
 * rows were added: cut it, so that every walk upwards ends.
 */
static void
rings_cut(struct payloads *p)
{
	for (uint32_t i = 0; i < p->n_cas; i++)
		if (!chain_ends(p, i))
			p->cas[i].parent = PAYLOAD_CA_NONE;
}

int
cas_merge(struct payloads *p)
{
	size_t n = p->n_cas;
	struct payload_ca *to;
	struct place *places;
	uint32_t *map;

	if (n > CAS_MAX)
		return -E2BIG;
	if (!ascending(p)) {
		places = calloc(n, sizeof(*places));
		map = calloc(n, sizeof(*map));
		to = calloc(n, sizeof(*to));
		if (places != NULL && map != NULL && to != NULL) {
			p->n_cas = rows_sort(p, places, to, map);
			free(p->cas);
			p->cas = TAKE_PTR(to);
			indexes_follow(p, map, n);
			n = 0;
		}
		free(places);
		free(map);
		free(to);
		if (n != 0)
			return -ENOMEM;
	}
	rings_cut(p);
	return 0;
}

static void
chain_mark(const struct payloads *p, uint32_t ca, uint32_t *keep)
{
	for (; ca < p->n_cas && keep[ca] == 0; ca = p->cas[ca].parent)
		keep[ca] = 1;
}

int
cas_unused_drop(struct payloads *p)
{
	uint32_t *map = calloc(p->n_cas + 1, sizeof(*map)), n = 0;

	if (map == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_vrps; i++)
		chain_mark(p, p->vrps[i].ca, map);
	for (size_t i = 0; i < p->n_aspas; i++)
		chain_mark(p, p->aspas[i].ca, map);
	for (size_t i = 0; i < p->n_router_keys; i++)
		chain_mark(p, p->router_keys[i].ca, map);
	/* The parents of what is kept are kept: their new places are known below. */
	for (size_t i = 0; i < p->n_cas; i++)
		map[i] = map[i] != 0 ? n++ : PAYLOAD_CA_NONE;
	indexes_follow(p, map, p->n_cas);
	for (size_t i = 0; i < p->n_cas; i++)
		if (map[i] != PAYLOAD_CA_NONE)
			p->cas[map[i]] = p->cas[i];
	p->n_cas = n;
	free(map);
	return 0;
}

size_t
cas_text_len(const struct payloads *p)
{
	size_t sum = 0;

	for (size_t i = 0; i < p->n_cas; i++)
		sum += p->cas[i].uri.n + p->cas[i].code.n;
	return sum;
}

static struct sv
text_move(char **at, struct sv s)
{
	char *p = *at;

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	*at += s.n;
	return (struct sv){ p, s.n };
}

void
cas_text_own(struct payloads *p, char *text)
{
	char *at = text;

	for (size_t i = 0; i < p->n_cas; i++) {
		p->cas[i].uri = text_move(&at, p->cas[i].uri);
		p->cas[i].code = text_move(&at, p->cas[i].code);
	}
	free(p->ca_text);
	p->ca_text = text;
}

/* --- in a snapshot --- */

/* What of a row's text goes into the file that has *sum bytes of it already. */
static void
text_kept(const struct payload_ca *ca, size_t *sum, size_t *ret_uri, size_t *ret_code)
{
	*ret_uri = ca->uri.n <= CA_URI_MAX && sv_graphic(ca->uri) ? ca->uri.n : 0;
	*ret_code = ca->code.n <= PAYLOAD_CA_CODE_MAX && sv_graphic(ca->code) ?
	    ca->code.n : 0;
	if (*sum + *ret_uri + *ret_code > CA_TEXT_MAX)
		*ret_uri = *ret_code = 0;
	*sum += *ret_uri + *ret_code;
}

size_t
cas_text_size(const struct payloads *p)
{
	size_t sum = 0, uri, code;

	for (size_t i = 0; i < p->n_cas; i++)
		text_kept(&p->cas[i], &sum, &uri, &code);
	return sum;
}

void
cas_write(struct wr *w, const struct payloads *p)
{
	size_t sum = 0, uri, code, at, rows = w->len;

	for (size_t i = 0; i < p->n_cas; i++) {
		const struct payload_ca *ca = &p->cas[i];

		at = sum;
		text_kept(ca, &sum, &uri, &code);
		wr_be64(w, ca->id);
		wr_be64(w, (uint64_t)ca->held_since);
		wr_be32(w, ca_or_none(ca->parent, p->n_cas));
		wr_be16(w, (uint16_t)uri);
		wr_u8(w, (uint8_t)code);
		wr_u8(w, ca->state);
		wr_u8(w, ca->ta);
		wr_bytes(w, (const uint8_t[3]){ 0 }, 3);
		wr_be32(w, (uint32_t)at);
	}
	if (w->bad)
		return;
	/* How much of each text is good stands in the rows. */
	for (size_t i = 0; i < p->n_cas; i++) {
		struct rd r = rd_mem(w->buf + rows + CA_ROW_LEN * i + ROW_TEXT_LENS, 3);

		uri = rd_be16(&r);
		code = rd_u8(&r);
		wr_bytes(w, p->cas[i].uri.p, uri);
		wr_bytes(w, p->cas[i].code.p, code);
	}
}

/* What snapshot_open() will refuse, said to the maker. */
bool
cas_sound(const struct payloads *p)
{
	for (uint32_t i = 0; i < p->n_cas; i++)
		if (p->cas[i].state >= PCA_MAX || p->cas[i].ta >= p->n_tas ||
		    p->cas[i].held_since < 0 || !chain_ends(p, i))
			return false;
	return ascending(p);
}

void
snapshot_ca(const struct snapshot *s, size_t i, struct snapshot_ca *ret)
{
	struct rd r = rd_sv(sv_skip(s->section[SNAP_CAS], CA_ROW_LEN * i));
	struct snapshot_ca x = { .index = (uint32_t)i };
	size_t uri, code;
	struct rd text;

	x.ca.id = rd_be64(&r);
	x.ca.held_since = (int64_t)rd_be64(&r);
	x.ca.parent = rd_be32(&r);
	uri = rd_be16(&r);
	code = rd_u8(&r);
	x.ca.state = rd_u8(&r);
	x.ca.ta = rd_u8(&r);
	(void)rd_bytes(&r, 3);
	text = rd_sv(sv_skip(s->section[SNAP_CA_TEXT], rd_be32(&r)));
	x.ca.uri = rd_slice(&text, uri);
	x.ca.code = rd_slice(&text, code);
	*ret = x;
}

bool
snapshot_ca_find(const struct snapshot *s, uint64_t id, struct snapshot_ca *ret)
{
	size_t lo = 0, hi = s->n_cas;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct snapshot_ca x;

		snapshot_ca(s, mid, &x);
		if (x.ca.id == id) {
			*ret = x;
			return true;
		}
		if (x.ca.id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static bool
parents_check(const struct snapshot *s, uint32_t ca)
{
	for (unsigned depth = 0; depth < PAYLOAD_CA_DEPTH_MAX; depth++) {
		struct snapshot_ca x;

		if (ca == PAYLOAD_CA_NONE)
			return true;
		if (ca >= s->n_cas)
			return false;
		snapshot_ca(s, ca, &x);
		ca = x.ca.parent;
	}
	return false;
}

/* Rows ascend, their texts lie one behind the other, their chains end. */
bool
cas_check(const struct snapshot *s)
{
	struct rd r = rd_sv(s->section[SNAP_CAS]);
	size_t at = 0;
	uint64_t last = 0;

	for (size_t i = 0; i < s->n_cas; i++) {
		struct snapshot_ca x;
		const uint8_t *zero;

		snapshot_ca(s, i, &x);
		(void)rd_bytes(&r, 8 + 8 + 4 + 2 + 1 + 1 + 1);
		zero = rd_bytes(&r, 3);
		if (rd_be32(&r) != at || zero == NULL || (zero[0] | zero[1] | zero[2]) != 0)
			return false;
		if ((i > 0 && x.ca.id <= last) || x.ca.held_since < 0 ||
		    x.ca.state >= PCA_MAX || x.ca.ta >= s->n_tas ||
		    x.ca.uri.n > CA_URI_MAX || x.ca.code.n > PAYLOAD_CA_CODE_MAX ||
		    !sv_graphic(x.ca.uri) || !sv_graphic(x.ca.code) ||
		    !parents_check(s, x.ca.parent))
			return false;
		last = x.ca.id;
		at += x.ca.uri.n + x.ca.code.n;
		if (at > s->section[SNAP_CA_TEXT].n)
			return false;
	}
	return rd_done(&r) && at == s->section[SNAP_CA_TEXT].n;
}
