/*
 * sim [-m auto|joint|sets|step|jump] [-e] <HISTORIES
 *
 * Prints for each history of the batch its bad intervals, or "safe", parted by
 * "--". -m: the fleet (sim.h); -e: each validator for itself.
 * 0: all are safe, 1: some are not, 2: usage, 3: could not.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "sim.h"

static int
text_read(FILE *f, struct buf *b)
{
	char block[64 * 1024];
	size_t n;

	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_bytes(b, block, n);
	return ferror(f) ? -EIO : b->rc;
}

static int
one(struct sv text, enum fleet_kind fleet, bool each, bool *safe)
{
	_cleanup_(history_done) struct history h = { 0 };
	_cleanup_(bads_done) struct bads bads = { 0 };
	unsigned line = 0;
	int rc;

	rc = history_parse(text, &h, &line);
	if (rc < 0) {
		fprintf(stderr, "sim: line %u of this history is wrong:\n%.*s", line, SV_ARG(text));
		return rc;
	}
	rc = sim_run(&h, fleet, each, &bads);
	if (rc < 0)
		return rc;
	*safe &= bads.n == 0;
	bads_print(stdout, &h, &bads);
	return 0;
}

int
main(int argc, char **argv)
{
	_cleanup_(buf_done) struct buf input = BUF_INIT;
	enum fleet_kind fleet = FLEET_AUTO;
	bool each = false, first = true, safe = true;
	struct sv batch, text;
	int opt;

	while ((opt = getopt(argc, argv, "m:e")) != -1) {
		if (opt == 'e') {
			each = true;
			continue;
		}
		for (fleet = 0; opt == 'm' && fleet < FLEET_MAX; fleet++) {
			if (sv_eq_str(sv_str(optarg), fleet_names[fleet]))
				break;
		}
		if (opt != 'm' || fleet == FLEET_MAX)
			return 2;
	}
	if (text_read(stdin, &input) < 0)
		return 3;
	batch = buf_get(&input);
	for (; history_next(&batch, &text); first = false) {
		int rc;

		if (!first)
			puts("--");
		rc = one(text, fleet, each, &safe);
		if (rc < 0) {
			fprintf(stderr, "sim: could not: %d\n", rc);
			return 3;
		}
	}
	return fflush(stdout) != 0 ? 3 : safe ? 0 : 1;
}
