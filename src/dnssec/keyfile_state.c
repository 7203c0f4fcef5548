/* BIND's X.state: how far a key of a dnssec-policy has come (dnssec/keyfile.h). */
#include <errno.h>
#include <stddef.h>

#include "dnssec/dnssec.h"
#include "dnssec/keyfile_internal.h"

static const char *const words[BIND_STATE_MAX] = { "na", "hidden", "rumoured", "omnipresent", "unretentive" };

struct reader {
	struct bind_state	*s;
	bool			 any;
};

/* --- the values: the first word; behind a time stands the same for people --- */

static int
word_read(struct bind_state *s, struct sv word, size_t offset)
{
	enum bind_word *dst = (enum bind_word *)(void *)((char *)s + offset);

	for (unsigned i = BIND_HIDDEN; i < BIND_STATE_MAX; i++)
		if (sv_eq_str(word, words[i])) {
			*dst = (enum bind_word)i;
			return 0;
		}
	return -EINVAL;
}

static int
number_read(struct bind_state *s, struct sv word, size_t offset)
{
	return num_u32(word, 0, UINT32_MAX, (uint32_t *)(void *)((char *)s + offset));
}

static int
time_read(struct bind_state *s, struct sv word, size_t offset)
{
	return keyfile_time_parse(word, (int64_t *)(void *)((char *)s + offset));
}

#define AT(field)	offsetof(struct bind_state, field)

static const struct field {
	const char	*name;
	int		(*read)(struct bind_state *, struct sv word, size_t offset);
	size_t		 offset;
} fields[] = {
	{ "Algorithm", number_read, AT(alg) },
	{ "Lifetime", number_read, AT(lifetime) },
	{ "Predecessor", number_read, AT(predecessor) },
	{ "Successor", number_read, AT(successor) },
	{ "Published", time_read, AT(published) },
	{ "Active", time_read, AT(active) },
	{ "Retired", time_read, AT(retired) },
	{ "Removed", time_read, AT(removed) },
	{ "ZRRSIGChange", time_read, AT(data_change) },
	{ "DNSKEYState", word_read, AT(dnskey) },
	{ "KRRSIGState", word_read, AT(keysig) },
	{ "ZRRSIGState", word_read, AT(data) },
	{ "DSState", word_read, AT(ds) },
	{ "GoalState", word_read, AT(goal) },
};

static int
line_read(struct reader *r, struct sv line)
{
	struct sv value = sv_trim(line), name = value, word;

	if (value.n == 0 || value.p[0] == ';')
		return 0;
	name = sv_cut(&value, ':');
	if (!sv_word(&value, &word))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (sv_eq_str(name, fields[i].name)) {
			r->any = true;
			return fields[i].read(r->s, word, fields[i].offset);
		}
	return 0;	/* a later version's, or one that does not matter here */
}

int
bind_state_parse(struct sv text, struct bind_state *ret, unsigned *ret_line)
{
	struct bind_state s = { .published = TIME_NEVER, .active = TIME_NEVER, .retired = TIME_NEVER,
	    .removed = TIME_NEVER, .data_change = TIME_NEVER };
	struct reader r = { .s = &s };
	struct sv line;

	*ret_line = 0;
	if (text.n > KEYFILE_SIZE_MAX)
		return -EBADMSG;
	while (sv_line(&text, &line))
		if (++*ret_line > KEYFILE_LINES_MAX || line_read(&r, line) < 0)
			return -EBADMSG;
	/* Without its algorithm it is no such file, or the head of one. */
	if (!r.any || s.alg == 0)
		return -EBADMSG;
	*ret = s;
	return 0;
}
