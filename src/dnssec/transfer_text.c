/* Facts of a transfer as text: tables of names, one reader, one printer. */
#include <errno.h>
#include <stddef.h>

#include "base/err.h"
#include "dns/zone.h"
#include "dnssec/transfer.h"

static const struct {
	const char	*name;
	uint32_t	 std;
	const char	*text;
} numbers[TRANSFER_NUMBER_MAX] = {
#define N(id, name, std, text) { name, std, text },
#include "dnssec/transfer_facts.def"
#undef N
};

static const char *const moves[TRANSFER_MOVE_MAX] = { "operator", "registrar", "both" };
static const char *const helps[TRANSFER_HELP_MAX] = { "none", "copy", "import", "exchange", "cds", "shared-ksk" };
static const char *const yes_no[] = { "no", "yes" };
static const char *const directions[] = { "out", "in" };
static const char *const kept[] = { "lost", "kept" };

static const struct choice {
	const char		*name;
	size_t			 offset;
	bool			 is_bool;
	const char *const	*words;
	size_t			 n;
} choices[] = {
#define PLACE(x) offsetof(struct transfer_facts, x)
	{ "move", PLACE(move), false, moves, TRANSFER_MOVE_MAX },
	{ "help", PLACE(help), false, helps, TRANSFER_HELP_MAX },
	{ "direction", PLACE(inward), true, directions, 2 },
	{ "signed-before", PLACE(signed_before), true, yes_no, 2 },
	{ "signed-after", PLACE(signed_after), true, yes_no, 2 },
	{ "common-algorithm", PLACE(common_alg), true, yes_no, 2 },
	{ "ds-at-transfer", PLACE(ds_kept), true, kept, 2 },
};

static const struct {
	const char	*name;
	size_t		 offset;
} names[] = {
	{ "zone", PLACE(zone) },
	{ "losing-server", PLACE(losing_server) },
	{ "gaining-server", PLACE(gaining_server) },
	{ "parent-server", PLACE(parent_server) },
};
_Static_assert(sizeof(enum transfer_move) == sizeof(unsigned) &&
    sizeof(enum transfer_help) == sizeof(unsigned), "choices are read as unsigned");

const char *
transfer_number_name(enum transfer_number n)
{
	return n < TRANSFER_NUMBER_MAX ? numbers[n].name : "?";
}

const char *
transfer_number_text(enum transfer_number n)
{
	return n < TRANSFER_NUMBER_MAX ? numbers[n].text : "?";
}

void
transfer_facts_init(struct transfer_facts *f)
{
	*f = (struct transfer_facts){ .inward = true, .signed_before = true, .signed_after = true,
		.common_alg = true, .ds_kept = true };
	for (size_t i = 0; i < TRANSFER_NUMBER_MAX; i++)
		f->number[i] = numbers[i].std;
}

static unsigned
choice_get(const struct transfer_facts *f, const struct choice *c)
{
	const char *at = (const char *)f + c->offset;

	return c->is_bool ? *(const bool *)at : *(const unsigned *)(const void *)at;
}

static int
choice_set(struct transfer_facts *f, const struct choice *c, struct sv value)
{
	char *at = (char *)f + c->offset;

	for (unsigned i = 0; i < c->n; i++) {
		if (!sv_eq_str(value, c->words[i]))
			continue;
		if (c->is_bool)
			*(bool *)at = i != 0;
		else
			*(unsigned *)(void *)at = i;
		return 0;
	}
	return -EINVAL;
}

static int
number_set(struct transfer_facts *f, unsigned n, struct sv value, const char **ret_what)
{
	bool alg = n == TRANSFER_LOSING_ALG || n == TRANSFER_GAINING_ALG;
	uint32_t v;

	if (n == TRANSFER_LOSING_KEEPS && sv_eq_str(value, "always"))
		v = TRANSFER_ALWAYS;
	else if (alg && num_u32(value, 1, 254, &v) < 0) {
		*ret_what = N_("an algorithm is a number from 1 to 254");
		return -EINVAL;
	} else if (!alg && (ttl_parse(value, &v) < 0 || v > TRANSFER_SEC_MAX)) {
		*ret_what = N_("a time is seconds, or like 1d or 2h30m, up to a year");
		return -EINVAL;
	}
	f->number[n] = v;
	f->given |= UINT64_C(1) << n;
	return 0;
}

int
transfer_fact_set(struct transfer_facts *f, struct sv name, struct sv value, const char **ret_what)
{
	struct dname any;

	for (unsigned i = 0; i < TRANSFER_NUMBER_MAX; i++)
		if (sv_eq_str(name, numbers[i].name))
			return number_set(f, i, value, ret_what);
	for (size_t i = 0; i < ARRAY_LEN(choices); i++)
		if (sv_eq_str(name, choices[i].name)) {
			*ret_what = N_("this word is not one of those that it may be; \"sekisho zone transfer\" alone lists them");
			return choice_set(f, &choices[i], value);
		}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (sv_eq_str(name, names[i].name)) {
			*ret_what = N_("it is no domain name, or has blanks");
			if (value.n == 0 || value.n > TRANSFER_NAME_MAX || !sv_graphic(value) ||
			    dname_parse(value, NULL, &any) < 0)
				return -EINVAL;
			*(struct sv *)(void *)((char *)f + names[i].offset) = value;
			return 0;
		}
	*ret_what = N_("there is no such fact; \"sekisho zone transfer\" alone lists them");
	return -EINVAL;
}

int
transfer_facts_parse(struct sv text, struct findings *fs, struct transfer_facts *f)
{
	struct sv line, name, value, more;
	unsigned n = 0;

	if (text.n > TRANSFER_TEXT_MAX)
		return SE_LIMIT;
	while (sv_line(&text, &line)) {
		const char *what = N_("a line is NAME VALUE");

		n++;
		line = sv_take(line, sv_find(line, '#'));
		if (!sv_word(&line, &name))
			continue;
		if (sv_word(&line, &value) && !sv_word(&line, &more) &&
		    transfer_fact_set(f, name, value, &what) == 0)
			continue;
		finding_add(fs, &transfer_findings[TRANSFER_FACT], FA_U("line", n), FA_SV("fact", name),
		    FA_MSG("what", what));
		return SE_SYNTAX;
	}
	return 0;
}

void
transfer_facts_print(const struct transfer_facts *f, struct buf *b)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct sv v = *(const struct sv *)(const void *)((const char *)f + names[i].offset);

		if (v.n > 0)
			buf_printf(b, "%s %.*s\n", names[i].name, SV_ARG(v));
	}
	for (size_t i = 0; i < ARRAY_LEN(choices); i++)
		buf_printf(b, "%s %s\n", choices[i].name, choices[i].words[choice_get(f, &choices[i])]);
	for (unsigned i = 0; i < TRANSFER_NUMBER_MAX; i++) {
		const char *by = (f->given >> i & 1) != 0 ? "" : "\t# assumed";

		if (f->number[i] == TRANSFER_ALWAYS)
			buf_printf(b, "%s always%s\n", numbers[i].name, by);
		else
			buf_printf(b, "%s %u%s\n", numbers[i].name, f->number[i], by);
	}
}
