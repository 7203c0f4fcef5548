/* What all servers of a transfer give at this moment. */
#include <errno.h>

#include "base/err.h"
#include "base/rd.h"
#include "cmd/zone_transfer.h"

#define QUESTIONS	3	/* for each server */

static const uint16_t questions[TRANSFER_AT_MAX][QUESTIONS] = {
	[TRANSFER_AT_LOSING] = { RR_DNSKEY, RR_SOA, RR_NS },
	[TRANSFER_AT_GAINING] = { RR_DNSKEY, RR_SOA, RR_NS },
	/* The delegation comes as a referral; the SOA behind "no DS" says how long that is kept. */
	[TRANSFER_AT_PARENT] = { RR_DS, RR_NS, 0 },
};

/* --- who is asked --- */

static int
servers_keep(struct transfer_work *w, enum transfer_place place, const struct ask_servers *s)
{
	for (size_t i = 0; i < s->n; i++) {
		bool there = false;

		for (size_t k = 0; k < w->watch.n_servers[place]; k++)
			there |= sv_eq_str(w->watch.server[place][k], s->s[i].address);
		if (there)
			continue;
		if (w->watch.n_servers[place] == TRANSFER_WATCH_SERVERS_MAX)
			return SE_LIMIT;
		w->watch.server[place][w->watch.n_servers[place]++] = sv_str(s->s[i].address);
	}
	return 0;
}

/* Those of the options, those of the state, or those that the DNS names now: kept from then on. */
static int
servers_find(struct transfer_work *w)
{
	struct ask_servers parents = { .n = 0 }, found;
	int rc = 0;

	for (unsigned p = 0; p < TRANSFER_AT_MAX && rc == 0; p++) {
		found.n = 0;
		rc = ask_given(w->pool, w->server[p], w->n_server[p], &found);
		if (rc == 0)
			rc = servers_keep(w, (enum transfer_place)p, &found);
	}
	if (rc == 0 && w->watch.n_servers[TRANSFER_AT_PARENT] == 0) {
		rc = ask_parents(w->pool, &w->ask, &w->watch.zone, &parents);
		if (rc == 0)
			rc = servers_keep(w, TRANSFER_AT_PARENT, &parents);
	}
	if (rc == 0 && w->watch.n_servers[TRANSFER_AT_LOSING] == 0) {
		found.n = 0;
		rc = ask_servers(w->pool, &w->ask, &w->watch.zone, &parents, &found);
		if (rc == 0)
			rc = servers_keep(w, TRANSFER_AT_LOSING, &found);
	}
	return rc;
}

/* --- what came --- */

static void
set_take(struct pool *pool, const struct ask *a, enum dns_section section, uint16_t type, struct transfer_set *to)
{
	struct ask_rrs rrs;

	if (ask_records(pool, a, section, &a->name, type, &rrs) < 0)
		return;
	to->n = min_size(rrs.n, INTAKE_RECORDS_MAX);
	to->ttl = rrs.n > 0 ? rrs.ttl : 0;
	for (size_t i = 0; i < to->n; i++)
		to->rdata[i] = rrs.rdata[i];
}

/* RFC 2308 section 5: the lesser of the SOA's MINIMUM and TTL. */
static uint32_t
negative_ttl(struct pool *pool, const struct ask *a, enum dns_section section)
{
	struct ask_rrs rrs;
	struct rd r;

	if (ask_records(pool, a, section, NULL, RR_SOA, &rrs) < 0 || rrs.n == 0 || rrs.rdata[0].n < 20)
		return 0;
	r = rd_sv(sv_skip(rrs.rdata[0], rrs.rdata[0].n - 4));
	return (uint32_t)min_i64(rd_be32(&r), rrs.ttl);
}

static void
child_take(struct pool *pool, const struct ask *a, struct transfer_look *l)
{
	bool good = true;

	for (size_t i = 0; i < QUESTIONS; i++)
		good &= a[i].rc == 0 && a[i].rcode == 0 && a[i].aa;
	if (!good)
		return;
	l->answered = true;
	set_take(pool, &a[0], DNS_ANSWER, RR_DNSKEY, &l->keys);
	set_take(pool, &a[0], DNS_ANSWER, RR_RRSIG, &l->key_sigs);
	set_take(pool, &a[1], DNS_ANSWER, RR_RRSIG, &l->soa_sigs);
	set_take(pool, &a[2], DNS_ANSWER, RR_NS, &l->ns);
	l->negative_ttl = negative_ttl(pool, &a[1], DNS_ANSWER);
}

static void
parent_take(struct pool *pool, const struct ask *a, struct transfer_look *l)
{
	if (a[0].rc < 0 || a[0].rcode != 0 || !a[0].aa || a[1].rc < 0 || a[1].rcode != 0)
		return;
	l->answered = true;
	set_take(pool, &a[0], DNS_ANSWER, RR_DS, &l->ds);
	set_take(pool, &a[1], a[1].aa ? DNS_ANSWER : DNS_AUTHORITY, RR_NS, &l->ns);
	l->negative_ttl = negative_ttl(pool, &a[0], DNS_AUTHORITY);
}

static size_t
questions_make(struct transfer_work *w, struct ask_server *servers, struct ask *asks, struct transfer_look *looks,
    size_t *ret_n_looks)
{
	size_t n = 0, n_looks = 0;

	for (unsigned p = 0; p < TRANSFER_AT_MAX; p++)
		for (size_t i = 0; i < w->watch.n_servers[p]; i++) {
			struct sv s = w->watch.server[p][i];
			struct sv text = pool_sv(w->pool, (struct sv){ s.p, s.n });
			struct buf b = BUF_INIT;

			buf_sv(&b, text);
			buf_char(&b, '\0');
			servers[n_looks].address = ask_address(w->pool, b.p == NULL ? "" : b.p);
			servers[n_looks].name = servers[n_looks].address;
			buf_done(&b);
			looks[n_looks] = (struct transfer_look){ .place = (enum transfer_place)p, .server = s };
			for (size_t q = 0; q < QUESTIONS; q++)
				asks[n++] = (struct ask){ .server = &servers[n_looks], .name = w->watch.zone,
					.type = questions[p][q] == 0 ? RR_NS : questions[p][q] };
			n_looks++;
		}
	*ret_n_looks = n_looks;
	return n;
}

int
transfer_look(struct transfer_work *w, struct transfer_look **ret, size_t *ret_n)
{
	size_t max = TRANSFER_AT_MAX * TRANSFER_WATCH_SERVERS_MAX, n, n_looks, n_answered = 0;
	struct ask_server *servers = pool_alloc(w->pool, max * sizeof(*servers));
	struct transfer_look *looks = pool_alloc(w->pool, max * sizeof(*looks));
	struct ask *asks = pool_alloc(w->pool, max * QUESTIONS * sizeof(*asks));
	int rc = servers_find(w);

	if (servers == NULL || looks == NULL || asks == NULL)
		return -ENOMEM;
	if (rc < 0)
		return rc;
	n = questions_make(w, servers, asks, looks, &n_looks);
	ask_all(asks, n, &w->ask);
	for (size_t i = 0; i < n_looks; i++) {
		if (looks[i].place == TRANSFER_AT_PARENT)
			parent_take(w->pool, &asks[i * QUESTIONS], &looks[i]);
		else
			child_take(w->pool, &asks[i * QUESTIONS], &looks[i]);
		n_answered += looks[i].answered;
	}
	ask_done(asks, n);
	*ret = looks;
	*ret_n = n_looks;
	return n_answered > 0 ? 0 : -ENOENT;
}
