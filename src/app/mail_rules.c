/* Rules of mail from text: see app/mail_rules.h. */
#include <errno.h>
#include <stddef.h>

#include "app/mail_rules.h"

struct reader {
	struct pool		*pool;
	struct mail_policy	*p;
	struct mail_path	*paths;
	struct ip_prefix	*own, *relays;
	struct sv		*aliases;
	size_t			 n_aliases;
};

/* --- acts --- */

static const struct act_row {
	struct sv	word;
	size_t		at;		/* in struct mail_policy */
} acts[] = {
	{ { "on-reject", 9 }, offsetof(struct mail_policy, on_reject) },
	{ { "on-quarantine", 13 }, offsetof(struct mail_policy, on_quarantine) },
	{ { "on-indirect", 11 }, offsetof(struct mail_policy, on_indirect) },
	{ { "on-spf-fail", 11 }, offsetof(struct mail_policy, on_spf_fail) },
	{ { "on-temperror", 12 }, offsetof(struct mail_policy, on_temperror) },
	{ { "on-temperror", 12 }, offsetof(struct mail_policy, on_unproven) },	/* they differ unless it is said */
	{ { "on-doubt", 8 }, offsetof(struct mail_policy, on_doubt) },
	{ { "on-failure", 10 }, offsetof(struct mail_policy, on_failure) },
	{ { "on-unsigned", 11 }, offsetof(struct mail_policy, on_unsigned) },
};

static int
act_read(struct reader *r, struct sv key, struct sv rest)
{
	enum mail_act act;
	bool known = false;

	if (mail_act_parse(rest, &act) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		if (sv_eq(key, acts[i].word)) {
			*(enum mail_act *)(void *)((char *)r->p + acts[i].at) = act;
			known = true;
		}
	return known ? 0 : -EBADMSG;
}

static int
policy_read(struct reader *r, struct sv rest)
{
	if (sv_eq(rest, SV("enforce")))
		*r->p = MAIL_POLICY_ENFORCE;
	else if (sv_eq(rest, SV("observe")))
		*r->p = MAIL_POLICY_OBSERVE;
	else
		return -EBADMSG;
	return 0;
}

/* --- networks and paths --- */

static int
network_add(struct ip_prefix *list, size_t *n, struct sv rest)
{
	return ip_prefix_parse(rest, &list[(*n)++]) < 0 ? -EBADMSG : 0;
}

static int
path_read(struct reader *r, enum mail_path_kind kind, struct sv rest)
{
	struct mail_path *p = &r->paths[r->p->n_paths++];
	struct sv head = sv_cut(&rest, '\t'), name = sv_cut(&head, ' ');

	*p = (struct mail_path){ .kind = kind, .list_id = pool_sv(r->pool, head),
	    .comment = pool_sv(r->pool, rest) };
	if (p->list_id.p == NULL || p->comment.p == NULL)
		return -ENOMEM;
	if (kind == MAIL_PATH_CLIENT)
		return ip_prefix_parse(name, &p->client) < 0 ? -EBADMSG : 0;
	return dname_parse(name, NULL, &p->domain) < 0 ? -EBADMSG : 0;
}

static int
text_take(struct reader *r, struct sv s, struct sv *ret)
{
	*ret = pool_sv(r->pool, s);
	return ret->p == NULL ? -ENOMEM : 0;
}

static int
line_read(struct reader *r, struct sv line)
{
	struct sv key = sv_cut(&line, ' ');

	if (sv_eq(key, SV("own")))
		return network_add(r->own, &r->p->n_own, line);
	if (sv_eq(key, SV("relay")))
		return network_add(r->relays, &r->p->n_relays, line);
	if (sv_eq(key, SV("client")))
		return path_read(r, MAIL_PATH_CLIENT, line);
	if (sv_eq(key, SV("sealer")))
		return path_read(r, MAIL_PATH_SEALER, line);
	if (sv_eq(key, SV("list")))
		return path_read(r, MAIL_PATH_LIST, line);
	if (sv_eq(key, SV("alias")))
		return text_take(r, line, &r->aliases[r->n_aliases++]);
	if (sv_eq(key, SV("mark")))
		return text_take(r, line, &r->p->mark);
	return sv_eq(key, SV("help")) ? text_take(r, line, &r->p->help) : act_read(r, key, line);
}

static size_t
lines_count(struct sv text)
{
	struct sv line;
	size_t n = 0;

	while (sv_line(&text, &line))
		n++;
	return n;
}

int
mail_rules_read(struct sv text, struct pool *pool, struct mail_rules *ret)
{
	size_t n = lines_count(text);
	struct mail_policy p;
	struct reader r = { .pool = pool, .p = &p };
	struct sv line;
	int rc;

	if (n > MAIL_RULES_LINES_MAX || !sv_line(&text, &line) || !sv_eq(sv_cut(&line, ' '), SV("policy")))
		return -EBADMSG;
	if ((rc = policy_read(&r, line)) < 0)
		return rc;
	r.paths = pool_calloc(pool, n, sizeof(*r.paths));
	r.own = pool_calloc(pool, n, sizeof(*r.own));
	r.relays = pool_calloc(pool, n, sizeof(*r.relays));
	r.aliases = pool_calloc(pool, n, sizeof(*r.aliases));
	if (r.paths == NULL || r.own == NULL || r.relays == NULL || r.aliases == NULL)
		return -ENOMEM;
	while (rc == 0 && sv_line(&text, &line))
		rc = line_read(&r, line);
	p.paths = r.paths;
	p.own = r.own;
	p.relays = r.relays;
	if (rc == 0)
		*ret = (struct mail_rules){ p, r.aliases, r.n_aliases };
	return rc;
}
