/* Batches through the door, on each way, against what the oracle said. */
#ifndef TESTS_DIFF_RUN_H
#define TESTS_DIFF_RUN_H

#include "trial.h"

#define KINDS_MAX	64
#define FAULTS_MAX	5	/* then a run ends */

struct kind {
	const char	*name;
	uint64_t	 n, n_good;
	uint64_t	 n_unhoped;	/* came out otherwise than the generator hoped */
};

struct run {
	const char	*name;
	bool		 paths[CRYPTO_PATH_MAX];
	unsigned	 every[CRYPTO_PATH_MAX];	/* so many batches; 0: each */
	uint64_t	 n_batches, n_trials;
	unsigned	 n_faults;
	unsigned	 bad_keys;	/* of one opinion here, of another there */
	unsigned	 faults[CRYPTO_PATH_MAX];
	uint64_t	 tried[CRYPTO_PATH_MAX];
	size_t		 n_kinds;
	struct kind	 kinds[KINDS_MAX];
};

/* Their answers were asked; n up to BATCH_MAX. */
void	 run_batch(struct run *, const struct trial *, size_t n);
/* Lines of TAP. */
unsigned run_lines(const struct run *);
void	 run_report(const struct run *);

#endif
