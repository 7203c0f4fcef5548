#include "base/near.h"

/* How many letters must change (Levenshtein's distance), for short words. */
static unsigned
distance(struct sv a, struct sv b)
{
	unsigned row[NEAR_MAX + 1];

	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diag = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned up = row[j], cost = a.p[i - 1] != b.p[j - 1];
			unsigned best = diag + cost;

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diag = up;
		}
	}
	return row[b.n];
}

bool
near_check(struct sv found, struct sv known, unsigned *best)
{
	unsigned n;

	if (found.n == 0 || found.n > NEAR_MAX || known.n > NEAR_MAX)
		return false;
	n = distance(found, known);
	if (n >= *best || n > 1 + found.n / 3)
		return false;
	*best = n;
	return true;
}
