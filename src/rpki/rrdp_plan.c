/*
 * What is remembered of an RRDP server, and what to fetch from it next
 * (RFC 8182 section 3.4.1, RFC 9697).
 */
#include <string.h>

#include "rpki/rrdp.h"

const struct finding_def rrdp_findings[RRDP_CODE_MAX] = {
#define F FINDING_ROW_
#include "rpki/rrdp_findings.def"
#undef F
};

/* --- the state as bytes: version, then fields with their lengths --- */

#define STATE_VERSION	1

_Static_assert(1 + 1 + RRDP_SESSION_LEN + 8 + 2 * (2 + RRDP_VALIDATOR_MAX) + 2 +
    RRDP_KNOWN_MAX * (8 + SHA256_LEN) <= RRDP_STATE_MAX, "a state fits");

static void
text_write(struct wr *w, const char *s)
{
	size_t n = strlen(s);

	wr_be16(w, (uint16_t)n);
	wr_bytes(w, s, n);
}

void
rrdp_state_write(const struct rrdp_state *s, struct wr *w)
{
	size_t n = strlen(s->session);

	wr_u8(w, STATE_VERSION);
	wr_u8(w, (uint8_t)n);
	wr_bytes(w, s->session, n);
	wr_be64(w, s->serial);
	text_write(w, s->etag);
	text_write(w, s->modified);
	wr_be16(w, (uint16_t)s->n_known);
	for (size_t i = 0; i < s->n_known; i++) {
		wr_be64(w, s->known[i].serial);
		wr_bytes(w, s->known[i].hash, SHA256_LEN);
	}
}

/* Printable: it goes into a request's header one day. */
static bool
text_parse(struct rd *r, char ret[static RRDP_VALIDATOR_MAX + 1])
{
	struct sv s = rd_slice(r, rd_be16(r));

	if (r->bad || s.n > RRDP_VALIDATOR_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
	return true;
}

static bool
known_parse(struct rd *r, struct rrdp_state *s)
{
	size_t n = rd_be16(r);
	uint64_t before = 0;

	if (n > RRDP_KNOWN_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct rrdp_known *k = &s->known[i];
		const uint8_t *hash;

		k->serial = rd_be64(r);
		if ((hash = rd_bytes(r, SHA256_LEN)) == NULL || k->serial <= before ||
		    k->serial > s->serial)
			return false;
		memcpy(k->hash, hash, SHA256_LEN);
		before = k->serial;
	}
	s->n_known = n;
	return true;
}

/* Nothing is known of a server without a session: neither may the rest say so. */
static bool
state_consistent(const struct rrdp_state *s)
{
	bool known = s->session[0] != '\0';

	return known == (s->serial != 0) &&
	    (known || (s->etag[0] == '\0' && s->modified[0] == '\0' && s->n_known == 0));
}

int
rrdp_state_parse(struct sv bytes, struct rrdp_state *ret)
{
	struct rd r = rd_sv(bytes);
	struct sv session;
	struct rrdp_state s;

	memset(&s, 0, sizeof(s));
	if (bytes.n == 0) {
		*ret = s;
		return 0;
	}
	if (rd_u8(&r) != STATE_VERSION)
		return SE_FORMAT;
	session = rd_slice(&r, rd_u8(&r));
	/* As we wrote it: in lower case. */
	if (session.n > 0 && (!rrdp_session_parse(session, s.session) ||
	    memcmp(session.p, s.session, session.n) != 0))
		return SE_FORMAT;
	s.serial = rd_be64(&r);
	if (!text_parse(&r, s.etag) || !text_parse(&r, s.modified) || !known_parse(&r, &s) ||
	    !rd_done(&r) || !state_consistent(&s))
		return SE_FORMAT;
	*ret = s;
	return 0;
}

void
rrdp_state_set(struct rrdp_state *s, const struct rrdp_notification *note)
{
	size_t n = min_size(note->n_deltas, RRDP_KNOWN_MAX);
	const struct rrdp_link *l = note->n_deltas == 0 ? NULL : note->deltas + note->n_deltas - n;

	memset(s, 0, sizeof(*s));
	memcpy(s->session, note->session, sizeof(s->session));
	s->serial = note->serial;
	for (size_t i = 0; i < n; i++) {
		s->known[i].serial = l[i].serial;
		memcpy(s->known[i].hash, l[i].hash, SHA256_LEN);
	}
	s->n_known = n;
}

/* --- the decision --- */

/*
 * RFC 9697 section 3: a delta that is listed in both must have the same hash
 * in both. Returns the newest one that has not, or 0.
 */
static uint64_t
mutated(const struct rrdp_state *s, const struct rrdp_notification *note)
{
	size_t i = s->n_known, j = note->n_deltas;

	while (i > 0 && j > 0) {
		const struct rrdp_known *k = &s->known[i - 1];
		const struct rrdp_link *l = &note->deltas[j - 1];

		if (k->serial == l->serial && memcmp(k->hash, l->hash, SHA256_LEN) != 0)
			return k->serial;
		i -= k->serial >= l->serial;
		j -= l->serial >= k->serial;
	}
	return 0;
}

static void
snapshot_because(struct rrdp_plan *plan, enum rrdp_code why)
{
	plan->todo = RRDP_SNAPSHOT;
	plan->why = why;
}

/* The same session and a higher serial: deltas, if the chain reaches us. */
static void
plan_deltas(const struct rrdp_notification *note, size_t deltas_max, struct rrdp_plan *plan)
{
	plan->n_wanted = plan->serial - plan->known_serial;
	plan->limit = deltas_max != 0 ? deltas_max : RRDP_DELTAS_PLAN_MAX;
	if (plan->n_wanted > plan->limit)
		return snapshot_because(plan, RRDP_DELTAS_MANY);
	if (plan->n_wanted > note->n_deltas) {
		plan->delta_serial = plan->serial - note->n_deltas;
		return snapshot_because(plan, RRDP_DELTA_MISSING);
	}
	plan->todo = RRDP_DELTAS;
	plan->n_deltas = (size_t)plan->n_wanted;
	plan->deltas = note->deltas + note->n_deltas - plan->n_deltas;
}

void
rrdp_plan(const struct rrdp_state *s, const struct rrdp_notification *note, size_t deltas_max,
    struct rrdp_plan *ret)
{
	struct rrdp_plan plan = {
		.why = RRDP_CODE_MAX, .known_serial = s->serial, .serial = note->serial,
	};

	if (s->session[0] == '\0')
		snapshot_because(&plan, RRDP_CODE_MAX);
	else if (strcmp(s->session, note->session) != 0)
		snapshot_because(&plan, RRDP_SESSION_CHANGED);
	else if ((plan.delta_serial = mutated(s, note)) != 0)
		snapshot_because(&plan, RRDP_DELTA_MUTATED);
	else if (note->serial < s->serial && s->serial - note->serial > RRDP_SERIAL_BACK_MAX)
		snapshot_because(&plan, RRDP_SERIAL_BACK);
	else if (note->serial < s->serial) {
		plan.keep_state = true;
		plan.why = RRDP_SERIAL_BACK;
	} else if (note->serial > s->serial)
		plan_deltas(note, deltas_max, &plan);
	*ret = plan;
}

void
rrdp_plan_report(const struct rrdp_plan *p, struct findings *fs)
{
	const struct finding_def *def = &rrdp_findings[p->why];

	switch (p->why) {
	case RRDP_SESSION_CHANGED:
		finding_add0(fs, def);
		break;
	case RRDP_SERIAL_BACK:
		finding_add(fs, def, FA_U("known", p->known_serial), FA_U("serial", p->serial));
		break;
	case RRDP_DELTA_MUTATED:
		finding_add(fs, def, FA_U("delta", p->delta_serial));
		break;
	case RRDP_DELTA_MISSING:
		finding_add(fs, def, FA_U("delta", p->delta_serial), FA_U("known", p->known_serial),
		    FA_U("serial", p->serial));
		break;
	case RRDP_DELTAS_MANY:
		finding_add(fs, def, FA_U("n", p->n_wanted), FA_U("known", p->known_serial),
		    FA_U("serial", p->serial), FA_U("limit", p->limit));
		break;
	default:
		break;
	}
}
