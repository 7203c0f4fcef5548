/* What all servers of a zone give at the name of a key. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/mail_key.h"
#include "mail/dkim.h"

enum { TXT, SOA, QUESTIONS };

/* --- who is asked --- */

/* The zone is that of "_domainkey.DOMAIN", or the next one above. */
static int
servers_find(struct pool *pool, const struct ask_opts *o, const struct dname *record, struct dname *ret_zone,
    struct ask_servers *ret)
{
	const struct ask_servers none = { .n = 0 };
	struct dname at, up;
	int rc = dname_parent(record, &at);

	while (rc == 0 && dname_labels(at.w) > 0) {
		rc = ask_servers(pool, o, &at, &none, ret);
		if (rc != -ENOENT || ret->n > 0) {
			*ret_zone = at;
			return rc;
		}
		if ((rc = dname_parent(&at, &up)) == 0)
			at = up;
	}
	return -ENOENT;
}

/* --- what came --- */

/* RFC 2308 section 5: the lesser of the SOA's MINIMUM and TTL. false: there is none. */
static bool
negative_ttl(struct pool *pool, const struct ask *a, enum dns_section section, uint32_t *ret)
{
	struct ask_rrs rrs;
	struct rd r;

	if (a->rc < 0 || ask_records(pool, a, section, NULL, RR_SOA, &rrs) < 0 || rrs.n == 0 ||
	    rrs.rdata[0].n < 20)
		return false;
	r = rd_sv(sv_skip(rrs.rdata[0], rrs.rdata[0].n - 4));
	*ret = (uint32_t)min_i64(rd_be32(&r), rrs.ttl);
	return true;
}

/* Is that text the record of the same key? Tags that do not change the key may differ. */
static bool
same_key(struct pool *pool, struct sv text, struct sv record)
{
	struct dkim_key got, want;

	if (record.n == 0)
		return true;
	return dkim_key_parse(pool, text, &got) == 0 && dkim_key_parse(pool, record, &want) == 0 &&
	    got.why == DKIM_FINE && want.why == DKIM_FINE && got.type == want.type &&
	    sv_eq(got.public_key, want.public_key);
}

/* RFC 6376 section 3.6.2.2: "TXT RRs MUST be unique for a particular selector name". */
static enum mail_key_at
answer_judge(struct pool *pool, const struct ask *a, struct sv record, const char **ret_why, uint32_t *ttl)
{
	struct ask_rrs rrs = { .n = 0 };

	if (ask_records(pool, a, DNS_ANSWER, &a->name, RR_TXT, &rrs) < 0)
		rrs.n = 0;
	*ret_why = N_("no such record");
	if (rrs.n == 0)
		return MAIL_KEY_AT_OTHER;
	if (rrs.n == 1 && same_key(pool, mail_txt(pool, rrs.rdata[0]), record)) {
		*ret_why = NULL;
		return MAIL_KEY_AT_HAS;
	}
	if (rrs.ttl > *ttl)
		*ttl = rrs.ttl;
	*ret_why = rrs.n > 1 ? N_("several records; there may be one") : N_("another record");
	return MAIL_KEY_AT_OTHER;
}

static void
server_take(struct pool *pool, const struct ask a[static QUESTIONS], struct sv record, struct mail_key_look *l)
{
	struct mail_key_server *s = &l->v[l->n];
	uint32_t ttl = 0;
	bool has_ttl;

	if (ask_is_unreachable(&a[TXT]))
		return;
	*s = (struct mail_key_server){ .server = a[TXT].server, .at = MAIL_KEY_AT_SILENT };
	has_ttl = negative_ttl(pool, &a[SOA], DNS_ANSWER, &ttl) ||
	    negative_ttl(pool, &a[SOA], DNS_AUTHORITY, &ttl);
	if (a[TXT].rc < 0 || !a[TXT].aa || (a[TXT].rcode != 0 && a[TXT].rcode != DNS_NXDOMAIN) || !has_ttl)
		s->why = a[TXT].rc == 0 && a[TXT].aa && (a[TXT].rcode == 0 || a[TXT].rcode == DNS_NXDOMAIN) ?
		    N_("no SOA; how long answers are kept is not known") : ask_why(&a[TXT]);
	else
		s->at = answer_judge(pool, &a[TXT], record, &s->why, &ttl);
	l->roll.n_has += s->at == MAIL_KEY_AT_HAS;
	l->roll.n_other += s->at == MAIL_KEY_AT_OTHER;
	l->roll.n_silent += s->at == MAIL_KEY_AT_SILENT;
	if (s->at != MAIL_KEY_AT_SILENT && ttl > l->roll.ttl_sec)
		l->roll.ttl_sec = ttl;
	l->n++;
}

int
mail_key_look(struct pool *pool, const struct ask_opts *o, const struct mail_roll_key *k, struct sv record,
    struct mail_key_look *ret)
{
	struct ask_servers *servers = pool_calloc(pool, 1, sizeof(*servers));
	struct ask *asks = pool_calloc(pool, ASK_SERVERS_MAX * QUESTIONS, sizeof(*asks));
	struct mail_key_look l = { .n = 0 };
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct dname name, zone;
	int rc;

	mail_keys_name(k, &text);
	if (servers == NULL || asks == NULL || text.rc < 0)
		return -ENOMEM;
	if (dname_parse(buf_get(&text), NULL, &name) < 0)
		return -EINVAL;
	if ((rc = servers_find(pool, o, &name, &zone, servers)) < 0)
		return rc;
	for (size_t i = 0; i < servers->n; i++) {
		asks[QUESTIONS * i + TXT] = (struct ask){ .server = &servers->s[i], .name = name, .type = RR_TXT };
		asks[QUESTIONS * i + SOA] = (struct ask){ .server = &servers->s[i], .name = zone, .type = RR_SOA };
	}
	ask_all(asks, QUESTIONS * servers->n, o);
	for (size_t i = 0; i < servers->n; i++)
		server_take(pool, &asks[QUESTIONS * i], record, &l);
	ask_done(asks, QUESTIONS * servers->n);
	*ret = l;
	return 0;
}
