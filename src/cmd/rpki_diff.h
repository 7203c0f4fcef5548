/*
 * rpki diff: the two results (rpki_diff.c), where they differ
 * (…_compare.c), why (…_cause.c), and how that is told (…_show.c).
 */
#ifndef CMD_RPKI_DIFF_H
#define CMD_RPKI_DIFF_H

#include "app/watch_source.h"
#include "cmd/rpki_diff_cause.h"

#define DIFF_KINDS	(HK_KEY + 1)	/* lists are indexed by enum history_kind */
#define DIFF_SHOWN_MAX	100		/* lines on a terminal; the formats have all */

/* One of the two. */
struct diff_result {
	const char		*name;
	struct payloads		 p;		/* merged */
	struct watch_source	 info;		/* "snapshot": it is ours */
	bool			 ours;
	struct state_snapshot	 s;		/* if it is ours */
	char			 state[STATE_DIR_MAX];	/* … and the folder it is from, or "" */
};

/*
 * What A has and what B has: a struct vrp, aspa or router_key, as the list
 * says, of that result's payloads; NULL: it has none. Two VRPs together
 * differ in max_len alone, two ASPAs in their providers.
 */
struct diff_entry {
	const void	*in[2];
};

enum diff_side {
	DIFF_ONLY_A,
	DIFF_ONLY_B,
	DIFF_BOTH,
	DIFF_SIDES
};

struct diff_list {
	bool			 compared;	/* both can tell */
	struct diff_entry	*e;
	size_t			 n, cap;
	size_t			 n_equal, n_side[DIFF_SIDES];
};

struct rpki_diff {
	struct cmd_ctx		*ctx;
	bool			 nagios, summary;
	uint32_t		 warn, crit;
	const char		*csv;
	struct diff_result	 r[2];
	struct diff_list	 lists[DIFF_KINDS];
	struct diff_causes	*causes;	/* NULL: none of the two is ours */
	int			 ours;		/* whose causes those are: the newer, if both are */
	int			 out;		/* descriptor */
	struct buf		 b;		/* goes there */
};

static inline enum diff_side
diff_side(const struct diff_entry *e)
{
	return e->in[1] == NULL ? DIFF_ONLY_A : e->in[0] == NULL ? DIFF_ONLY_B : DIFF_BOTH;
}

/* Of the result that is named by the side; of A where both have it. */
static inline const void *
diff_payload(const struct diff_entry *e)
{
	return e->in[0] != NULL ? e->in[0] : e->in[1];
}

/* Fills the lists. -ENOMEM. */
int	 rpki_diff_compare(struct rpki_diff *) MUST_USE;
void	 rpki_diff_lists_done(struct rpki_diff *);
size_t	 rpki_diff_count(const struct rpki_diff *);

void	 rpki_diff_text(struct rpki_diff *);
void	 rpki_diff_json(struct rpki_diff *);
int	 rpki_diff_nagios(struct rpki_diff *);	/* and its exit status */
/* The VRPs that differ. */
int	 rpki_diff_csv(const struct rpki_diff *, const char *path) MUST_USE;

#endif
