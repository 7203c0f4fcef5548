/* A transfer that is being watched, as text: one NAME and its values a line. */
#include <errno.h>

#include "base/err.h"
#include "dnssec/transfer_watch.h"

static const char *const places[TRANSFER_AT_MAX] = { "losing", "gaining", "parent" };

struct reader {
	struct pool		*pool;
	struct transfer_watch	*w;
	const char		*what;		/* is wrong; a msgid */
	int			 rc;		/* cannot: -ENOMEM */
	bool			 headed;
};

#define VERSION	"1"

static bool
place_find(struct sv word, enum transfer_place max, enum transfer_place *ret)
{
	for (unsigned i = 0; i < max; i++)
		if (sv_eq_str(word, places[i])) {
			*ret = (enum transfer_place)i;
			return true;
		}
	return false;
}

static struct sv
keep(struct reader *r, struct sv s)
{
	struct sv copy = pool_sv(r->pool, s);

	if (copy.p == NULL)
		r->rc = -ENOMEM;
	return copy;
}

static bool
data_read(struct reader *r, uint16_t type, struct sv text, struct transfer_set *to)
{
	uint8_t rdata[DNS_RDATA_MAX];
	size_t n;

	if (to->n == INTAKE_RECORDS_MAX || rdata_parse(type, sv_trim(text), NULL, rdata, &n) < 0)
		return false;
	to->rdata[to->n++] = keep(r, (struct sv){ (const char *)rdata, n });
	return true;
}

/* --- lines --- */

static bool
zone_line(struct reader *r, struct sv rest)
{
	return dname_parse(sv_trim(rest), NULL, &r->w->zone) == 0;
}

static bool
fact_line(struct reader *r, struct sv rest)
{
	struct sv name, value;
	const char *what;

	return sv_word(&rest, &name) && sv_word(&rest, &value) && sv_trim(rest).n == 0 &&
	    transfer_fact_set(&r->w->facts, name, keep(r, value), &what) == 0;
}

static bool
time_read(struct sv text, int64_t *ret)
{
	uint64_t v;

	if (num_u64(sv_trim(text), 1, INT64_MAX / 2, &v) < 0)
		return false;
	*ret = (int64_t)v;
	return true;
}

static bool
begun_line(struct reader *r, struct sv rest)
{
	return time_read(rest, &r->w->begun);
}

static bool
looked_line(struct reader *r, struct sv rest)
{
	return time_read(rest, &r->w->looked);
}

static bool
server_line(struct reader *r, struct sv rest)
{
	enum transfer_place p;
	struct sv word, address;

	if (!sv_word(&rest, &word) || !place_find(word, TRANSFER_AT_MAX, &p) || !sv_word(&rest, &address) ||
	    sv_trim(rest).n > 0 || r->w->n_servers[p] == TRANSFER_WATCH_SERVERS_MAX || !sv_graphic(address) ||
	    address.n > TRANSFER_NAME_MAX)
		return false;
	r->w->server[p][r->w->n_servers[p]++] = keep(r, address);
	return true;
}

static bool
key_line(struct reader *r, struct sv rest)
{
	enum transfer_place p;
	struct sv word;

	return sv_word(&rest, &word) && place_find(word, TRANSFER_AT_PARENT, &p) &&
	    data_read(r, RR_DNSKEY, rest, &r->w->keys[p]);
}

static bool
ns_line(struct reader *r, struct sv rest)
{
	enum transfer_place p;
	struct sv word;

	return sv_word(&rest, &word) && place_find(word, TRANSFER_AT_PARENT, &p) &&
	    data_read(r, RR_NS, rest, &r->w->ns[p]);
}

static bool
ds_line(struct reader *r, struct sv rest)
{
	return data_read(r, RR_DS, rest, &r->w->ds_first);
}

static bool
step_read(struct reader *r, struct sv rest, bool told)
{
	struct sv word;

	if (!sv_word(&rest, &word))
		return false;
	for (unsigned c = 0; c < TRANSFER_CODE_MAX; c++)
		if (sv_eq_str(word, transfer_findings[c].code)) {
			r->w->told[c] = told;
			return time_read(rest, &r->w->seen[c]);
		}
	return false;
}

static bool
seen_line(struct reader *r, struct sv rest)
{
	return step_read(r, rest, false);
}

static bool
told_line(struct reader *r, struct sv rest)
{
	return step_read(r, rest, true);
}

static const struct {
	const char	*name;
	bool		(*read)(struct reader *, struct sv rest);
} lines[] = {
	{ "zone", zone_line }, { "fact", fact_line }, { "begun", begun_line }, { "looked", looked_line },
	{ "server", server_line }, { "key", key_line }, { "ns", ns_line }, { "ds", ds_line },
	{ "seen", seen_line }, { "told", told_line },
};

static bool
line_read(struct reader *r, struct sv line)
{
	struct sv name;

	if (!sv_word(&line, &name))
		return true;
	if (!r->headed) {
		r->headed = sv_eq_str(name, "sekisho-transfer") && sv_eq_str(sv_trim(line), VERSION);
		return r->headed;
	}
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (sv_eq_str(name, lines[i].name))
			return lines[i].read(r, line);
	return false;
}

int
transfer_watch_parse(struct pool *pool, struct sv text, struct findings *fs, struct transfer_watch *w)
{
	struct reader r = { .pool = pool, .w = w };
	struct sv line;
	unsigned n = 0;

	*w = (struct transfer_watch){ .begun = 0 };
	transfer_facts_init(&w->facts);
	if (text.n > TRANSFER_WATCH_TEXT_MAX)
		return SE_LIMIT;
	while (sv_line(&text, &line)) {
		n++;
		if (line_read(&r, line) && r.rc == 0)
			continue;
		if (r.rc < 0)
			return r.rc;
		finding_add(fs, &transfer_findings[TRANSFER_STATE], FA_U("line", n));
		return SE_SYNTAX;
	}
	if (r.headed && w->zone.len > 0)
		return 0;
	finding_add(fs, &transfer_findings[TRANSFER_STATE], FA_U("line", n));
	return SE_SYNTAX;
}

/* --- printing --- */

static void
set_print(struct buf *b, const char *name, const char *place, uint16_t type, const struct transfer_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		buf_printf(b, "%s%s%s ", name, place == NULL ? "" : " ", place == NULL ? "" : place);
		rdata_print(b, type, s->rdata[i]);
		buf_char(b, '\n');
	}
}

static void
facts_print(const struct transfer_facts *f, struct buf *b)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct sv rest, line;

	transfer_facts_print(f, &text);
	rest = buf_get(&text);
	while (sv_line(&rest, &line)) {
		bool assumed = sv_find(line, '#') < line.n;

		if (!assumed)
			buf_printf(b, "fact %.*s\n", SV_ARG(line));
	}
}

void
transfer_watch_print(const struct transfer_watch *w, struct buf *b)
{
	char name[DNAME_STRLEN];

	buf_printf(b, "sekisho-transfer " VERSION "\nzone %s\n", dname_str(&w->zone, name));
	facts_print(&w->facts, b);
	if (w->begun > 0)
		buf_printf(b, "begun %lld\n", (long long)w->begun);
	if (w->looked > 0)
		buf_printf(b, "looked %lld\n", (long long)w->looked);
	for (unsigned p = 0; p < TRANSFER_AT_MAX; p++)
		for (size_t i = 0; i < w->n_servers[p]; i++)
			buf_printf(b, "server %s %.*s\n", places[p], SV_ARG(w->server[p][i]));
	for (unsigned p = 0; p < 2; p++) {
		set_print(b, "key", places[p], RR_DNSKEY, &w->keys[p]);
		set_print(b, "ns", places[p], RR_NS, &w->ns[p]);
	}
	set_print(b, "ds", NULL, RR_DS, &w->ds_first);
	for (unsigned c = 0; c < TRANSFER_CODE_MAX; c++)
		if (w->seen[c] != 0)
			buf_printf(b, "%s %s %lld\n", w->told[c] ? "told" : "seen", transfer_findings[c].code,
			    (long long)w->seen[c]);
}
