/* One value of a configuration: from its text to what its row's type says. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "sys/conf_internal.h"

#define SPAN_LEN	12	/* 4294967295s */

static const struct {
	const char	*name;
} types[CONF_TYPE_MAX] = {
	[CONF_STR] = { N_("a text") },
	[CONF_U32] = { N_("a number") },
	[CONF_SECONDS] = { N_("a time span such as 90, 15m, 2h or 1d") },
	[CONF_WORD] = { N_("one of the known words") },
	[CONF_PATH] = { N_("a path") },
	[CONF_ADDR] = { N_("an address and port such as 127.0.0.1:8282 or [::1]:8282") },
	[CONF_ASN] = { N_("an AS number") },
	[CONF_PREFIX] = { N_("an IP prefix without host bits") },
	[CONF_NAME] = { N_("a domain name") },
	[CONF_TIME] = { N_("a date such as 2026-12-31, or a time such as 2026-12-31T09:00:00Z") },
	[CONF_TABLE] = { N_("a list of entries (\"- key: value\", further keys indented below)") },
};

const char *
conf_type_name(enum conf_type t)
{
	return t < CONF_TYPE_MAX ? types[t].name : "?";
}

static int
seconds_parse(struct sv s, uint32_t *ret)
{
	static const struct {
		char	 unit;
		uint32_t n;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	uint32_t v, mul = 1;

	for (size_t i = 0; i < ARRAY_LEN(units) && s.n > 0; i++)
		if (s.p[s.n - 1] == units[i].unit) {
			mul = units[i].n;
			s.n--;
			break;
		}
	if (num_u32(s, 0, UINT32_MAX / mul, &v) < 0)
		return -EINVAL;
	*ret = v * mul;
	return 0;
}

static int
addr_port_parse(struct sv s, struct conf_item *it)
{
	size_t colon = sv_rfind(s, ':');
	struct sv host = sv_take(s, colon), port = sv_skip(s, colon + 1);

	if (colon == s.n || num_u32(port, 0, 65535, &it->u) < 0)
		return -EINVAL;
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = sv_take(sv_skip(host, 1), host.n - 2);
	else if (sv_find(host, ':') < host.n)
		return -EINVAL;
	if (sv_find(host, '/') < host.n)
		return -EINVAL;
	return ip_prefix_parse_host(host, &it->px);
}

/* The port may be left out where the row has one: min. The text gets it, then. */
static int
addr_parse(struct conf *c, const struct conf_row *row, struct sv s, struct conf_item *it)
{
	struct sv text = s;
	char *whole;

	if (row->min != 0 && s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = sv_take(sv_skip(s, 1), s.n - 2);
	if (row->min == 0 || sv_find(s, '/') < s.n || ip_prefix_parse_host(s, &it->px) < 0)
		return addr_port_parse(text, it);
	it->u = row->min;
	whole = it->px.af == IP_V6 ? pool_printf(c->pool, "[%.*s]:%u", SV_ARG(s), row->min) :
	    pool_printf(c->pool, "%.*s:%u", SV_ARG(s), row->min);
	if (whole == NULL)
		return -ENOMEM;
	it->text = sv_str(whole);
	return 0;
}

static bool
name_ok(struct sv s)
{
	if (s.n == 0 || s.n > 253)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '/' || s.p[i] == '@')
			return false;
	return true;
}

static bool
word_known(struct sv words, struct sv w, struct conf_error *e)
{
	unsigned best = UINT32_MAX;
	struct sv known;

	while (sv_word(&words, &known)) {
		if (sv_eq(known, w)) {
			e->meant[0] = '\0';	/* one before it may be much alike */
			return true;
		}
		conf_meant(e, w, known, &best);
	}
	return false;
}

/* A number may have a name: "NAME=NUMBER …". */
static bool
number_named(struct sv words, struct sv w, uint32_t *ret)
{
	struct sv pair;

	while (sv_word(&words, &pair)) {
		struct sv name = sv_cut(&pair, '=');

		if (sv_caseeq(name, w))
			return num_u32(pair, 0, UINT32_MAX, ret) == 0;
	}
	return false;
}

static char *
path_abs(struct conf *c, struct sv s)
{
	struct sv file = sv_str(c->file);
	size_t slash = sv_rfind(file, '/');

	if (s.n == 0 || s.p[0] == '/' || slash == file.n)
		return pool_printf(c->pool, "%.*s", SV_ARG(s));
	return pool_printf(c->pool, "%.*s/%.*s", (int)slash, file.p, SV_ARG(s));
}

/* "Until the 31st" means that the 31st still counts. */
static int
until_parse(struct sv s, int64_t *ret)
{
	int rc = time_parse(s, ret);

	if (rc == 0 && s.n == strlen("2026-12-31") && s.p[0] != '@')
		*ret += 86400;
	return rc;
}

/* CONF_OK, or what is wrong with it. */
static enum conf_errc
item_parse(struct conf *c, const struct conf_row *row, struct sv s,
    struct conf_item *it, struct conf_error *e)
{
	bool ok = true;

	it->text = row->type == CONF_PATH ? sv_str(path_abs(c, s)) :
	    pool_sv(c->pool, s);
	if (it->text.p == NULL)
		return CONF_E_LIMIT;
	switch (row->type) {
	case CONF_U32:
		ok = num_u32(s, 0, UINT32_MAX, &it->u) == 0 ||
		    (row->words != NULL && number_named(sv_str(row->words), s, &it->u));
		break;
	case CONF_SECONDS:
		ok = seconds_parse(s, &it->u) == 0;
		break;
	case CONF_WORD:
		ok = word_known(sv_str(row->words), s, e);
		break;
	case CONF_ADDR:
		ok = addr_parse(c, row, s, it) == 0;
		break;
	case CONF_ASN:
		ok = asn_parse(s, &it->u) == 0;
		break;
	case CONF_PREFIX:
		ok = ip_prefix_parse(s, &it->px) == 0;
		break;
	case CONF_NAME:
		ok = name_ok(s);
		break;
	case CONF_TIME:
		ok = until_parse(s, &it->t) == 0;
		break;
	case CONF_STR:
	case CONF_PATH:
	case CONF_TABLE:
	case CONF_TYPE_MAX:
		break;
	}
	if (!ok)
		return CONF_E_TYPE;
	if ((row->type == CONF_U32 || row->type == CONF_SECONDS) &&
	    (it->u < row->min || it->u > row->max))
		return CONF_E_RANGE;
	return CONF_OK;
}

/* As one writes it: 34560000 seconds are 400d. */
static const char *
span_text(uint32_t sec, char room[static SPAN_LEN])
{
	static const struct {
		uint32_t	 sec;
		char		 unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } };

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (sec > 0 && sec % units[i].sec == 0) {
			(void)snprintf(room, SPAN_LEN, "%u%c", sec / units[i].sec, units[i].unit);
			return room;
		}
	(void)snprintf(room, SPAN_LEN, "%u", sec);
	return room;
}

void
conf_range_text(const struct conf_row *row, char *buf, size_t n)
{
	char least[SPAN_LEN], most[SPAN_LEN];

	if (row->type == CONF_WORD)
		(void)snprintf(buf, n, "%s", row->words);
	else if (row->type == CONF_SECONDS)
		(void)snprintf(buf, n, "%s - %s%s%s", span_text(row->min, least), span_text(row->max, most),
		    row->words == NULL ? "" : "; ", row->words == NULL ? "" : row->words);
	else if (row->type == CONF_U32)
		(void)snprintf(buf, n, "%u - %u%s%s", row->min, row->max, row->words == NULL ? "" : "; ",
		    row->words == NULL ? "" : row->words);
}

struct conf_item *
conf_item_room(struct conf *c, struct conf_value *v)
{
	/* Doubling in a pool wastes at most what it holds. */
	if ((v->n & (v->n - 1)) == 0) {
		struct conf_item *bigger = pool_calloc(c->pool,
		    v->n == 0 ? 1 : 2 * v->n, sizeof(*bigger));

		if (bigger == NULL)
			return NULL;
		if (v->n > 0)
			memcpy(bigger, v->items, v->n * sizeof(*bigger));
		v->items = bigger;
	}
	return &v->items[v->n];
}

int
conf_value_add(struct conf *c, size_t row, struct sv s, unsigned line, unsigned col,
    struct conf_error *e)
{
	struct conf_value *v = &c->values[row];
	const struct conf_row *rw = &c->rows[row];
	size_t cap = rw->list ? CONF_LIST_MAX : 1;
	enum conf_errc code;

	if (s.n > CONF_TEXT_MAX || v->n == cap || conf_item_room(c, v) == NULL)
		return conf_fail(e, CONF_E_LIMIT, line, col, sv_take(s, 40), NULL);
	code = memchr(s.n > 0 ? s.p : "x", 0, s.n > 0 ? s.n : 1) != NULL ?
	    CONF_E_TYPE : item_parse(c, rw, s, &v->items[v->n], e);
	if (code != CONF_OK) {
		conf_range_text(rw, e->range, sizeof(e->range));
		return conf_fail(e, code, line, col, s, types[rw->type].name);
	}
	v->n++;
	return 0;
}
