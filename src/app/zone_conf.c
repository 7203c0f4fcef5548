/* The zones of the configuration: checked, and as text for the roles. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_conf.h"
#include "app/zone_list.h"
#include "base/err.h"

#define POOL_MAX	((size_t)64 * 1024)	/* findings of a policy */

_Static_assert(CONF_TABLE_MAX <= ZONE_LIST_MAX, "a file has no more zones than the roles take");

static const struct conf_value *
zone_col(const struct conf_item *it, enum app_conf_row row)
{
	return &it->cols[row - CONF_DNS_ZONES - 1];
}

static const struct conf_value *
policy_col(const struct conf_item *it, size_t row)
{
	return &it->cols[row - CONF_DNS_POLICIES - 1];
}

static struct sv
text_of(const struct conf_value *v)
{
	return v->n > 0 ? v->items[0].text : SV("");
}

static int
refuse(const struct conf *c, const struct conf_item *it, enum conf_errc code,
    struct sv found, const char *expected, struct conf_error *err)
{
	*err = (struct conf_error){ .code = code, .rc = code == CONF_E_LIMIT ? SE_LIMIT : SE_SYNTAX,
	    .line = it->line, .col = it->col, .expected = expected };
	(void)snprintf(err->found, sizeof(err->found), "%.*s", SV_ARG(found));
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return err->rc;
}

/* --- policies --- */

static const struct conf_item *
policy_find(const struct conf *c, struct sv name)
{
	const struct conf_value *t = &c->values[CONF_DNS_POLICIES];

	for (size_t i = 0; i < t->n; i++)
		if (sv_eq(text_of(policy_col(&t->items[i], CONF_POL_NAME)), name))
			return &t->items[i];
	return NULL;
}

/* What the entry says; all else is as by default. The index of the option that is wrong, or -1. */
static int
policy_read(const struct conf_item *it, struct dnssec_policy *p)
{
	const struct policy_row *rows;
	size_t n;

	*p = policy_default();
	rows = policy_rows(&n);
	for (size_t i = 0; i < n && it != NULL; i++) {
		const struct conf_value *v = policy_col(it, CONF_POL_NAME + 1 + i);
		bool word = rows[i].type == POLICY_WORD || rows[i].type == POLICY_BOOL;

		if (v->n > 0 && (word ? policy_set_text(p, &rows[i], v->items[0].text) :
		    policy_set(p, &rows[i], v->items[0].u)) < 0)
			return (int)i;
	}
	return -1;
}

/* The first thing that may not be so, as a msgid; NULL: nothing. */
static const char *
policy_fault(const struct dnssec_policy *p, struct sv *ret_code)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	struct findings fs;

	if (pool == NULL)
		return NULL;
	findings_init(&fs, pool);
	policy_check(p, &fs);
	for (const struct finding *f = fs.head; f != NULL; f = f->next)
		if (f->def->severity == SEV_REJECT) {
			*ret_code = sv_str(f->def->code);
			return f->def->remedy;
		}
	return NULL;
}

static int
policies_check(const struct conf *c, struct conf_error *err)
{
	const struct conf_value *t = &c->values[CONF_DNS_POLICIES];

	for (size_t i = 0; i < t->n; i++) {
		const struct conf_item *it = &t->items[i];
		struct sv name = text_of(policy_col(it, CONF_POL_NAME)), code;
		struct dnssec_policy p;
		const char *fault;

		if (name.n == 0 || !sv_graphic(name))
			return refuse(c, it, CONF_E_MISSING, SV("name"),
			    N_("every policy has a name, one word"), err);
		if (policy_find(c, name) != it)
			return refuse(c, it, CONF_E_RULE, name, N_("each policy once"), err);
		if (policy_read(it, &p) >= 0)
			return refuse(c, it, CONF_E_RANGE, name, N_("options within their bounds"), err);
		if ((fault = policy_fault(&p, &code)) != NULL)
			return refuse(c, it, CONF_E_RULE, code, fault, err);
		if (p.ds_handover == POLICY_BY_EPP && app_conf_str(c, CONF_DNS_DS_HOOK)[0] == '\0')
			return refuse(c, it, CONF_E_RULE, SV("ds-handover: epp"),
			    N_("dns.ds-hook, the program that sends the EPP command"), err);
	}
	return 0;
}

/* --- zones --- */

static bool
plain(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
zone_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	struct sv name = text_of(zone_col(it, CONF_ZONE_NAME)), policy = text_of(zone_col(it, CONF_ZONE_POLICY));
	struct sv file = text_of(zone_col(it, CONF_ZONE_FILE)), out = text_of(zone_col(it, CONF_ZONE_OUTPUT));
	struct dname d;

	if (name.n == 0)
		return refuse(c, it, CONF_E_MISSING, SV("name"), N_("every zone has a name"), err);
	if (dname_parse(name, NULL, &d) < 0)
		return refuse(c, it, CONF_E_TYPE, name, N_("a domain name"), err);
	if (!plain(file) || !plain(out))
		return refuse(c, it, CONF_E_TYPE, name, N_("paths without control characters"), err);
	if (file.n > 0 && sv_eq(file, out))
		return refuse(c, it, CONF_E_RULE, out, N_("an output that is not the zone file itself"), err);
	if (policy.n > 0 && policy_find(c, policy) == NULL)
		return refuse(c, it, CONF_E_RULE, policy, N_("the name of an entry of dns.policies"), err);
	return 0;
}

/* --- who gives and who takes --- */

static const struct list_row {
	enum app_conf_row	row;
	int			(*parse)(struct sv, struct zone_peer *);
	const char		*expected;
} lists[] = {
	{ CONF_ZONE_PRIMARIES, zone_peer_parse, N_("ADDRESS, ADDRESS:PORT, or either with \"key NAME\" behind it") },
	{ CONF_ZONE_NOTIFY, zone_peer_parse, N_("ADDRESS, ADDRESS:PORT, or either with \"key NAME\" behind it") },
	{ CONF_ZONE_TRANSFER, zone_asker_parse, N_("PREFIX, \"key NAME\", or PREFIX with \"key NAME\" behind it") },
	{ CONF_ZONE_HEAR, zone_asker_parse, N_("PREFIX, \"key NAME\", or PREFIX with \"key NAME\" behind it") },
};

static int
peers_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	bool keys = app_conf_str(c, CONF_DNS_TSIG_KEYS)[0] != '\0';
	size_t n_files = zone_col(it, CONF_ZONE_FILE)->n;
	struct zone_peer p;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct conf_value *v = zone_col(it, lists[i].row);

		if (v->n > ZONE_PEERS_MAX)
			return refuse(c, it, CONF_E_LIMIT, sv_str(c->rows[lists[i].row].path), NULL, err);
		for (size_t k = 0; k < v->n; k++) {
			if (!plain(v->items[k].text) || lists[i].parse(v->items[k].text, &p) < 0)
				return refuse(c, it, CONF_E_TYPE, v->items[k].text, lists[i].expected, err);
			if (p.has_key && !keys)
				return refuse(c, it, CONF_E_RULE, v->items[k].text,
				    N_("dns.tsig-keys, which says what the key is"), err);
		}
	}
	if ((zone_col(it, CONF_ZONE_PRIMARIES)->n > 0) == (n_files > 0))
		return refuse(c, it, n_files > 0 ? CONF_E_RULE : CONF_E_MISSING, n_files > 0 ?
		    SV("primaries") : SV("file"), N_("every zone has either a file or primaries"), err);
	return 0;
}

/* A zone may come and go only where somebody listens. */
static int
listen_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	if (c->values[CONF_DNS_LISTEN].n == 0 && zone_col(it, CONF_ZONE_TRANSFER)->n > 0)
		return refuse(c, it, CONF_E_RULE, SV("allow-transfer"),
		    N_("dns.listen, an address where the zone can be had"), err);
	return 0;
}

/* --- as text --- */

static void
peers_read(const struct conf_item *it, enum app_conf_row row,
    int (*parse)(struct sv, struct zone_peer *), struct zone_peer *v, struct zone_peers *ret)
{
	const struct conf_value *t = zone_col(it, row);

	*ret = (struct zone_peers){ .v = v };
	for (size_t i = 0; i < t->n && i < ZONE_PEERS_MAX; i++)
		if (parse(t->items[i].text, &v[ret->n]) == 0)
			ret->n++;
}

static void
zone_put(const struct conf *c, const struct conf_item *it, struct buf *b)
{
	struct zone_peer v[ARRAY_LEN(lists)][ZONE_PEERS_MAX];
	const struct conf_value *out = zone_col(it, CONF_ZONE_OUTPUT);
	const struct conf_value *file = zone_col(it, CONF_ZONE_FILE);
	struct zone_list_entry e = { .file = file->n > 0 ? file->items[0].text.p : "",
		.output = out->n > 0 ? out->items[0].text.p : "" };
	struct zone_peers *const into[] = { &e.primaries, &e.notify, &e.transfer, &e.hear };
	struct sv policy = text_of(zone_col(it, CONF_ZONE_POLICY));

	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		peers_read(it, lists[k].row, lists[k].parse, v[k], into[k]);
	(void)policy_read(policy.n > 0 ? policy_find(c, policy) : NULL, &e.policy);
	if (dname_parse(text_of(zone_col(it, CONF_ZONE_NAME)), NULL, &e.name) == 0)
		zone_list_put(b, &e);
}

void
zone_conf_text(const struct conf *c, struct buf *b)
{
	const struct conf_value *t = &c->values[CONF_DNS_ZONES];

	for (size_t i = 0; i < t->n; i++)
		zone_put(c, &t->items[i], b);
}

/* --- all of them --- */

/* What was met already: names, in wire form and lower case, and outputs. */
struct met {
	struct dname	*names;
	struct map	 zones, outputs;
	struct buf	 text;
	size_t		 n_servers;
};

static void
met_done(struct met *m)
{
	free(m->names);
	map_done(&m->zones);
	map_done(&m->outputs);
	buf_done(&m->text);
}

/* -EEXIST: it was there before. */
static int
met_add(struct met *m, size_t i, const struct conf_item *it)
{
	struct sv out = text_of(zone_col(it, CONF_ZONE_OUTPUT));
	struct dname *d = &m->names[i];
	int rc;

	if (dname_parse(text_of(zone_col(it, CONF_ZONE_NAME)), NULL, d) < 0)
		return -EEXIST;		/* checked before */
	dns_lower(d->w, d->len);
	rc = map_add(&m->zones, (struct sv){ (const char *)d->w, d->len }, d);
	return rc < 0 || out.n == 0 ? rc : map_add(&m->outputs, out, d);
}

static int
item_check(const struct conf *c, struct met *m, size_t i, struct conf_error *err)
{
	const struct conf_item *it = &c->values[CONF_DNS_ZONES].items[i];
	int rc;

	if ((rc = zone_check(c, it, err)) < 0 || (rc = peers_check(c, it, err)) < 0 ||
	    (rc = listen_check(c, it, err)) < 0)
		return rc;
	if ((rc = met_add(m, i, it)) == -EEXIST)
		return refuse(c, it, CONF_E_RULE, text_of(zone_col(it, CONF_ZONE_NAME)),
		    N_("each zone and each output once"), err);
	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		m->n_servers += zone_col(it, lists[k].row)->n;
	zone_put(c, it, &m->text);
	if (m->text.len > ZONE_LIST_TEXT_MAX || m->n_servers > ZONE_LIST_SERVERS_MAX)
		return refuse(c, it, CONF_E_LIMIT, SV("dns.zones"), NULL, err);
	return rc < 0 ? rc : m->text.rc;
}

int
zone_conf_check(const struct conf *c, struct conf_error *err)
{
	const struct conf_value *t = &c->values[CONF_DNS_ZONES];
	_cleanup_(met_done) struct met m = { .text = BUF_INIT };
	int rc = policies_check(c, err);

	if (rc < 0 || t->n == 0)
		return rc;
	if ((m.names = calloc(t->n, sizeof(*m.names))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n && rc == 0; i++)
		rc = item_check(c, &m, i, err);
	return rc;
}
