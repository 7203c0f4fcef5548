/* The state files of BIND: what is taken is what its own form says again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "dnssec/keyfile.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const words[BIND_STATE_MAX] = { NULL, "hidden", "rumoured", "omnipresent", "unretentive" };

static size_t
time_write(char *dst, size_t n, const char *name, int64_t at)
{
	struct civil c;

	if (at == TIME_NEVER)
		return 0;
	time_to_civil(at, &c);
	return (size_t)snprintf(dst, n, "%s: %04d%02d%02d%02d%02d%02d (for people)\n", name, c.year, c.mon, c.day,
	    c.hour, c.min, c.sec);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bind_state s, again;
	char text[600];
	unsigned line;
	size_t at;

	if (bind_state_parse((struct sv){ (const char *)data, n }, &s, &line) < 0)
		return 0;
	at = (size_t)snprintf(text, sizeof(text), "Algorithm: %u\nLifetime: %u\nPredecessor: %u\nSuccessor: %u\n", s.alg,
	    s.lifetime, s.predecessor, s.successor);
	at += time_write(text + at, sizeof(text) - at, "Published", s.published);
	at += time_write(text + at, sizeof(text) - at, "Active", s.active);
	at += time_write(text + at, sizeof(text) - at, "Retired", s.retired);
	at += time_write(text + at, sizeof(text) - at, "Removed", s.removed);
	at += time_write(text + at, sizeof(text) - at, "ZRRSIGChange", s.data_change);
	if (s.goal != BIND_NA)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "GoalState: %s\n", words[s.goal]);
	if (bind_state_parse((struct sv){ text, at }, &again, &line) < 0 || again.alg != s.alg ||
	    again.lifetime != s.lifetime || again.predecessor != s.predecessor || again.successor != s.successor ||
	    again.published != s.published || again.active != s.active || again.retired != s.retired ||
	    again.removed != s.removed || again.data_change != s.data_change || again.goal != s.goal)
		abort();
	return 0;
}
