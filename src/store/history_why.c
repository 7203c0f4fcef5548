/* Why a payload is no longer there: what two snapshots say about it. */
#include <string.h>

#include "store/history.h"

static bool
ta_there(const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->n_tas; i++)
		if (strcmp(s->tas[i], name) == 0)
			return true;
	return false;
}

/* The CA itself in the new table, or the nearest above it that is there. */
static bool
speaker_find(const struct snapshot *from, const struct snapshot *to, uint32_t ca,
    struct snapshot_ca *ret)
{
	for (unsigned depth = 0; depth < PAYLOAD_CA_DEPTH_MAX && ca < from->n_cas; depth++) {
		struct snapshot_ca x;

		snapshot_ca(from, ca, &x);
		if (snapshot_ca_find(to, x.ca.id, ret))
			return true;
		ca = x.ca.parent;
	}
	return false;
}

/* A CA that fares as it did before gave what it gave before. */
static bool
fares_as_before(const struct snapshot *from, uint32_t ca, const struct history_why *w)
{
	struct snapshot_ca x;

	snapshot_ca(from, ca, &x);
	return w->spoken && x.ca.id == w->speaker.ca.id && x.ca.state == w->speaker.ca.state;
}

struct history_why
history_why_gone(const struct snapshot *from, const struct snapshot *to, int64_t at,
    const struct history_gone *g)
{
	struct history_why w = { .cause = HC_TA };

	/* store_expire() leaves the time of building as it was. */
	if (g->expires <= at || g->expires <= to->built ||
	    (to->built == from->built && g->expires <= at + 2))
		w.cause = HC_EXPIRED;
	else if (g->ca >= from->n_cas)
		w.cause = HC_LOCAL;
	if (w.cause == HC_LOCAL || !ta_there(to, from->tas[g->ta]))
		return w;
	w.spoken = speaker_find(from, to, g->ca, &w.speaker);
	if (w.cause == HC_TA)
		w.cause = w.spoken && w.speaker.ca.state == PCA_GOOD ? HC_SIGNED : HC_FAILED;
	if (g->filtered && (w.cause == HC_SIGNED ||
	    (w.cause == HC_FAILED && fares_as_before(from, g->ca, &w))))
		return (struct history_why){ .cause = HC_LOCAL };
	return w;
}
