#include "app/watch_cache.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sys/clock.h"

#define READ_MAX	(128 * 1024)

struct watch_cache {
	struct watch_conf	 conf;
	struct rtr_client	*client;
	struct link		 link;
	struct watch_facts	 facts;
	int64_t			 queried;	/* usec; 0: no answer is awaited */
	uint64_t		 queried_at;	/* link.n_received then */
	bool			 reset;		/* Cache Reset came in this answer */
	struct rd		 in;		/* what was read and not yet taken */
	uint8_t			 buf[READ_MAX];
};

struct watch_cache *
watch_cache_new(const struct watch_conf *conf, struct findings *fs)
{
	struct watch_cache *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->conf = *conf;
	w->link = (struct link)LINK_INIT;
	w->in = rd_mem(w->buf, 0);
	w->facts.asked = conf->version;
	w->facts.timers = RTR_TIMERS_DEFAULT;
	w->client = rtr_client_new(conf->version, fs);
	return w->client != NULL ? w : watch_cache_free(w);
}

struct watch_cache *
watch_cache_free(struct watch_cache *w)
{
	if (w == NULL)
		return NULL;
	w->client = rtr_client_free(w->client);
	link_done(&w->link, false);
	free(w);
	return NULL;
}

const char *
watch_answer_name(enum watch_answer a)
{
	static const char *const names[WATCH_ANSWER_MAX] = {
		[WATCH_UNASKED] = "unasked",
		[WATCH_SAME] = "same",
		[WATCH_CHANGES] = "changes",
		[WATCH_RESET] = "reset",
		[WATCH_ERROR] = "error",
	};

	return a < WATCH_ANSWER_MAX ? names[a] : "unknown";
}

const struct watch_facts *
watch_cache_facts(const struct watch_cache *w)
{
	return &w->facts;
}

const struct payloads *
watch_cache_payloads(const struct watch_cache *w)
{
	return rtr_client_payloads(w->client);
}

const struct link *
watch_cache_link(const struct watch_cache *w)
{
	return &w->link;
}

/* --- bytes --- */

/* Have bytes in w->in. 1: there are; 0: not in this time; negative: over. */
static int
fill(struct watch_cache *w, int64_t until)
{
	int64_t left = (until - clock_mono_usec()) / 1000;
	long n;
	int rc;

	if (rd_left(&w->in) > 0)
		return 1;
	rc = link_wait(&w->link, false, (int)(left > 0 ? left + 1 : 0));
	if (rc == -ETIMEDOUT || rc == -EAGAIN)
		return 0;
	if (rc < 0)
		return rc;
	n = link_read(&w->link, w->buf, READ_MAX);
	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return n < 0 ? (int)n : SE_CLOSED;
	if (w->queried > 0 && w->facts.first_usec == 0)
		w->facts.first_usec = clock_mono_usec() - w->queried;
	w->in = rd_mem(w->buf, (size_t)n);
	return 1;
}

/* --- asking --- */

int
watch_cache_ask(struct watch_cache *w)
{
	uint8_t room[RTR_CLIENT_OUT];
	struct wr out = wr_mem(room, sizeof(room));

	if (w->queried > 0)
		return 0;	/* one question at a time */
	rtr_client_ask(w->client, &out);
	w->queried = clock_mono_usec();
	w->queried_at = w->link.n_received;
	return link_write_all(&w->link, out.buf, out.len, w->conf.timeout_msec);
}

static int
connect_and_ask(struct watch_cache *w)
{
	int64_t began = clock_mono_usec();
	int rc;

	link_done(&w->link, false);
	w->in = rd_mem(w->buf, 0);
	w->queried = 0;
	rtr_client_connect(w->client);
	rc = w->conf.dial(w->conf.arg, w->conf.address, w->conf.timeout_msec, &w->link);
	if (rc < 0)
		return rc;
	w->facts.connected = true;
	w->facts.connect_usec = clock_mono_usec() - began;
	return watch_cache_ask(w);
}

/* --- what an answer tells --- */

static void
counts_take(struct watch_cache *w)
{
	const struct payloads *p = rtr_client_payloads(w->client);
	struct watch_facts *f = &w->facts;

	f->n_v4 = 0;
	for (size_t i = 0; i < p->n_vrps; i++)
		f->n_v4 += p->vrps[i].af == IP_V4;
	f->n_v6 = p->n_vrps - f->n_v4;
	f->n_keys = p->n_router_keys;
	f->n_aspas = p->n_aspas;
}

static void
data_take(struct watch_cache *w)
{
	struct watch_facts *f = &w->facts;
	int64_t now = clock_mono_usec();

	if (!f->synced) {
		f->sync_usec = now - w->queried;
		f->bytes = w->link.n_received - w->queried_at;
		f->serial_since = now;
	} else if (f->serial != rtr_client_serial(w->client) ||
	    f->session != rtr_client_session(w->client)) {
		f->serial_since = now;
		f->n_serials++;
	}
	f->synced = true;
	f->no_data = false;
	f->version = rtr_client_version(w->client);
	f->session = rtr_client_session(w->client);
	f->serial = rtr_client_serial(w->client);
	f->timers = *rtr_client_timers(w->client);
	counts_take(w);
	w->queried = 0;
}

/* 1: a whole answer; 0: go on; negative: over. */
static int
on_event(struct watch_cache *w, int ev)
{
	switch (ev) {
	case RTR_EV_MORE:
		return 0;
	case RTR_EV_DATA:
		data_take(w);
		return 1;
	case RTR_EV_RESET:
		w->reset = true;
		w->queried = 0;
		return watch_cache_ask(w);
	case RTR_EV_NOTIFY:
		return watch_cache_ask(w);
	case RTR_EV_DOWNGRADE:
		w->facts.n_refused++;
		return connect_and_ask(w);
	case RTR_EV_NO_DATA:
		w->facts.no_data = true;
		return -ENODATA;
	case RTR_EV_GOING:
		return SE_CLOSED;
	default:
		return SE_PEER;
	}
}

/* The other side hung up: maybe over a version that it does not know. */
static int
on_end(struct watch_cache *w, int rc)
{
	if (rc == SE_PEER || w->facts.synced ||
	    rtr_client_closed(w->client) != RTR_EV_DOWNGRADE)
		return rc == -ECONNRESET ? SE_CLOSED : rc;
	w->facts.n_refused++;
	return connect_and_ask(w);
}

/* Until `until`: 1, a whole answer; 0, none; negative: over. */
static int
listen_until(struct watch_cache *w, int64_t until)
{
	int rc = 0;

	while (rc == 0) {
		uint8_t room[RTR_CLIENT_OUT];
		struct wr out = wr_mem(room, sizeof(room));
		int ev;

		if ((rc = fill(w, until)) < 0) {
			rc = on_end(w, rc);
			continue;
		}
		if (rc == 0) {
			if (clock_mono_usec() >= until)
				return 0;
			continue;
		}
		ev = rtr_client_input(w->client, &w->in, &out);
		if (ev < 0)
			return ev;
		if (ev == RTR_EV_FAILED)
			(void)link_write_all(&w->link, out.buf, out.len, w->conf.timeout_msec);
		rc = on_event(w, ev);
	}
	return rc;
}

static int
answer_await(struct watch_cache *w)
{
	int rc = listen_until(w, clock_mono_usec() + (int64_t)w->conf.timeout_msec * 1000);

	return rc == 0 ? SE_TIMEOUT : rc < 0 ? rc : 0;
}

int
watch_cache_sync(struct watch_cache *w)
{
	int rc = connect_and_ask(w);

	return rc < 0 ? rc : answer_await(w);
}

int
watch_cache_wait(struct watch_cache *w, int msec)
{
	int64_t now = clock_mono_usec();

	if (w->queried > 0 && now - w->queried > (int64_t)w->conf.timeout_msec * 1000)
		return SE_TIMEOUT;
	return listen_until(w, now + (int64_t)msec * 1000);
}

/* --- what it answers to serials --- */

static int
ask_current(struct watch_cache *w)
{
	const struct rtr_client_counts *c;
	int rc;

	w->reset = false;
	w->facts.to_current = WATCH_ERROR;
	if ((rc = watch_cache_ask(w)) < 0 || (rc = answer_await(w)) < 0)
		return rc;
	c = rtr_client_counts(w->client);
	w->facts.to_current = w->reset ? WATCH_RESET :
	    c->n_announce + c->n_withdraw + c->n_aspa_announce + c->n_aspa_withdraw +
	    c->n_key_announce + c->n_key_withdraw > 0 ? WATCH_CHANGES : WATCH_SAME;
	return 0;
}

/* The next bytes, or (to NULL) over so many of them. */
static int
bytes_take(struct watch_cache *w, int64_t until, size_t n, uint8_t *to)
{
	while (n > 0) {
		size_t k;
		const uint8_t *p;
		int rc = fill(w, until);

		if (rc < 0)
			return rc;
		if (rc == 0 && clock_mono_usec() >= until)
			return SE_TIMEOUT;
		k = min_size(n, rd_left(&w->in));
		p = rd_bytes(&w->in, k);
		for (size_t i = 0; to != NULL && i < k; i++)
			*to++ = p[i];
		n -= k;
	}
	return 0;
}

/* Answers to a question that our client did not ask: only their kinds count. */
static int
previous_read(struct watch_cache *w, int64_t until)
{
	struct watch_facts *f = &w->facts;
	uint8_t bytes[RTR_HEAD_LEN];
	struct rtr_head h;
	int rc;

	for (;;) {
		if ((rc = bytes_take(w, until, sizeof(bytes), bytes)) < 0)
			return rc;
		rtr_head_parse(bytes, &h);
		if (rtr_head_check(&h) != RTR_PDU_OK)
			return SE_PEER;
		if ((rc = bytes_take(w, until, h.len - RTR_HEAD_LEN, NULL)) < 0)
			return rc;
		switch (h.type) {
		case RTR_SERIAL_NOTIFY:
		case RTR_CACHE_RESPONSE:
			continue;
		case RTR_END_OF_DATA:
			f->to_previous = f->n_previous > 0 ? WATCH_CHANGES : WATCH_SAME;
			return 0;
		case RTR_CACHE_RESET:
			f->to_previous = WATCH_RESET;
			return 0;
		case RTR_ERROR_REPORT:
			return SE_PEER;
		default:
			f->n_previous++;
		}
	}
}

static int
ask_previous(struct watch_cache *w)
{
	const struct rtr_pdu q = {
		.head = { w->facts.version, RTR_SERIAL_QUERY, w->facts.session, 0 },
		.serial = w->facts.serial - 1,
	};
	uint8_t room[RTR_CLIENT_OUT];
	struct wr out = wr_mem(room, sizeof(room));
	int rc;

	w->facts.to_previous = WATCH_ERROR;
	rtr_pdu_write(&out, &q);
	if ((rc = link_write_all(&w->link, out.buf, out.len, w->conf.timeout_msec)) < 0)
		return rc;
	return previous_read(w, clock_mono_usec() + (int64_t)w->conf.timeout_msec * 1000);
}

int
watch_cache_probe(struct watch_cache *w)
{
	int rc = ask_current(w);

	return rc < 0 ? rc : ask_previous(w);
}
