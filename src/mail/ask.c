/* Results by name, and what is asked of the DNS. */
#include <errno.h>
#include <string.h>

#include "base/rd.h"
#include "mail/mail.h"

static const char *const results[MAIL_RESULT_MAX] = {
	[MAIL_NONE] = "none",
	[MAIL_PASS] = "pass",
	[MAIL_FAIL] = "fail",
	[MAIL_SOFTFAIL] = "softfail",
	[MAIL_POLICY] = "policy",
	[MAIL_NEUTRAL] = "neutral",
	[MAIL_TEMPERROR] = "temperror",
	[MAIL_PERMERROR] = "permerror",
};

static const char *const rcodes[MAIL_DNS_MAX] = {
	[MAIL_DNS_FOUND] = N_("found"),
	[MAIL_DNS_NODATA] = N_("no such record"),
	[MAIL_DNS_NXDOMAIN] = N_("no such name"),
	[MAIL_DNS_FAILED] = N_("no answer"),
};

const char *
mail_result_name(enum mail_result r)
{
	return r < MAIL_RESULT_MAX ? results[r] : "?";
}

int
mail_result_parse(struct sv text, enum mail_result *ret)
{
	for (unsigned i = 0; i < MAIL_RESULT_MAX; i++)
		if (sv_caseeq(text, sv_str(results[i]))) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

const char *
mail_rcode_name(enum mail_rcode r)
{
	return r < MAIL_DNS_MAX ? rcodes[r] : "?";
}

static void
question_note(struct mail_ask *a, const struct mail_question *q)
{
	for (size_t i = 0; i < a->n_missing; i++)
		if (a->missing[i].type == q->type && dname_eq(&a->missing[i].name, &q->name))
			return;
	if (a->n_missing < MAIL_MISSING_MAX)
		a->missing[a->n_missing++] = *q;
}

int
mail_ask(struct mail_ask *a, const struct dname *name, uint16_t type, const struct mail_answer **ret)
{
	struct mail_question q = { *name, type };
	const struct mail_answer *found = a->find(a->arg, &q);

	if (found == NULL) {
		question_note(a, &q);
		return MAIL_WAIT;
	}
	*ret = found;
	return 0;
}

int
mail_name(struct sv text, struct dname *ret)
{
	struct dname n = { .len = 0 };

	if (sv_ends(text, SV(".")))
		text.n--;
	for (;;) {
		struct sv label = sv_take(text, sv_find(text, '.'));

		if (label.n == 0 || label.n > DNS_LABEL_MAX || n.len + 2 + label.n > DNS_NAME_MAX)
			return -EINVAL;
		n.w[n.len++] = (uint8_t)label.n;
		memcpy(n.w + n.len, label.p, label.n);
		n.len = (uint8_t)(n.len + label.n);
		if (label.n == text.n)
			break;
		text = sv_skip(text, label.n + 1);
	}
	n.w[n.len++] = 0;
	*ret = n;
	return 0;
}

struct sv
mail_name_str(const struct dname *name, char room[static DNAME_STRLEN])
{
	struct sv s = sv_str(dname_str(name, room));

	return sv_take(s, max_size(s.n - 1, 1));
}

struct sv
mail_name_text(struct pool *pool, const struct dname *name)
{
	char text[DNAME_STRLEN];

	return pool_sv(pool, mail_name_str(name, text));
}

struct sv
mail_txt(struct pool *pool, struct sv rdata)
{
	char *p = pool_alloc(pool, rdata.n + 1);
	struct rd r = rd_sv(rdata);
	size_t n = 0;

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	while (rd_left(&r) > 0) {
		struct sv s = rd_slice(&r, rd_u8(&r));

		if (s.n > 0)
			memcpy(p + n, s.p, s.n);
		n += s.n;
	}
	return (struct sv){ p, n };
}
