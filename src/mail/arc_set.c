/* Fields of ARC as sets, and whether these are a chain (RFC 8617 section 5.2, steps 1 to 3). */
#include <errno.h>

#include "mail/arc_internal.h"
#include "mail/authres_internal.h"
#include "mail/dkim_internal.h"

static const char *const part_names[ARC_PART_MAX] = {
	[ARC_RESULTS] = "ARC-Authentication-Results",
	[ARC_MESSAGE] = "ARC-Message-Signature",
	[ARC_SEAL] = "ARC-Seal",
};

const char *
arc_part_name(enum arc_part p)
{
	return p < ARC_PART_MAX ? part_names[p] : "";
}

bool
arc_name_is_forbidden(struct sv name)
{
	return sv_caseeq(sv_take(name, 4), SV("ARC-")) || sv_caseeq(name, SV("Authentication-Results"));
}

struct collector {
	struct pool	*pool;
	struct arc	*arc;
	size_t		 n_fields[ARC_PART_MAX];
};

/* The first fault counts. */
static void
fault(struct arc *a, enum arc_code why, uint32_t at, enum arc_part part)
{
	if (a->why != ARC_FINE)
		return;
	a->why = why;
	a->at = at;
	a->part = part;
}

/*
 * instance = [CFWS] %s"i" [CFWS] "=" [CFWS] position; what stands behind the semicolon is
 * *ret_payload. 0: there is none.
 */
static uint32_t
results_read(struct pool *pool, struct sv value, struct sv *ret_payload)
{
	struct authres_lex l;
	struct sv digits;
	uint32_t i;

	authres_lex_init(&l, pool, value);
	(void)authres_lex_blank(&l);
	if (!authres_lex_next(&l, 'i'))
		return 0;
	(void)authres_lex_blank(&l);
	if (!authres_lex_next(&l, '='))
		return 0;
	(void)authres_lex_blank(&l);
	digits = authres_lex_run(&l, AUTHRES_DIGIT);
	(void)authres_lex_blank(&l);
	if (!authres_lex_next(&l, ';') || num_u32(digits, 1, ARC_SETS_MAX, &i) < 0)
		return 0;
	*ret_payload = l.left;
	return i;
}

/* Reads an AMS or a seal. 0 with *ret; -ENOMEM. */
static int
signature_read(struct pool *pool, enum arc_part part, const struct mail_field *f, const struct dkim_sig **ret)
{
	struct dkim_sig *s = pool_alloc(pool, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	*ret = s;
	return dkim_sig_parse(pool, part == ARC_SEAL ? DKIM_ARC_SEAL : DKIM_ARC_MESSAGE, f, s);
}

static int
field_add(struct collector *c, enum arc_part part, const struct mail_field *f)
{
	const struct dkim_sig *sig = NULL;
	struct sv payload = { NULL, 0 };
	struct arc_set *set;
	uint32_t i;
	int rc;

	if (part == ARC_RESULTS)
		i = results_read(c->pool, f->value, &payload);
	else {
		if ((rc = signature_read(c->pool, part, f, &sig)) < 0)
			return rc;
		i = sig->instance;
	}
	if (i == 0) {
		fault(c->arc, ARC_INSTANCE, 0, part);
		return 0;
	}
	if (i > c->arc->n)
		c->arc->n = i;
	set = &c->arc->sets[i - 1];
	if (set->field[part] != NULL) {
		fault(c->arc, ARC_DOUBLE, i, part);
		return 0;
	}
	set->field[part] = f;
	if (part == ARC_RESULTS)
		set->payload = payload;
	else
		*(part == ARC_SEAL ? &set->seal : &set->ams) = sig;
	return 0;
}

/* ARC_PART_MAX: none of ours. */
static enum arc_part
part_of(const struct mail_field *f)
{
	unsigned p = 0;

	if (f->name.n < 4 || (f->name.p[0] | 0x20) != 'a')
		return ARC_PART_MAX;
	while (p < ARC_PART_MAX && !sv_caseeq(f->name, sv_str(part_names[p])))
		p++;
	return p;
}

/* "The maximum number of ARC Sets that can be attached to a message is 50." */
static int
collect(struct collector *c)
{
	const struct mail_head *head = c->arc->head;
	int rc = 0;

	for (size_t i = 0; i < head->n && rc == 0; i++) {
		enum arc_part part = part_of(&head->fields[i]);

		if (part == ARC_PART_MAX)
			continue;
		if (!c->arc->is_there)
			c->arc->sets = pool_calloc(c->pool, ARC_SETS_MAX, sizeof(*c->arc->sets));
		if (c->arc->sets == NULL)
			return -ENOMEM;
		c->arc->is_there = true;
		if (++c->n_fields[part] > ARC_SETS_MAX) {
			c->arc->why = ARC_FINE;
			fault(c->arc, ARC_LIMIT, 0, part);
			return 0;
		}
		rc = field_add(c, part, &head->fields[i]);
	}
	return rc;
}

static bool
says(const struct arc_set *set, const char *status)
{
	return set->seal != NULL && sv_caseeq(set->seal->chain, sv_str(status));
}

static void
set_judge(struct arc *a, uint32_t i)
{
	const struct arc_set *set = &a->sets[i - 1];
	unsigned n = 0;

	for (unsigned p = 0; p < ARC_PART_MAX; p++)
		n += set->field[p] != NULL;
	if (n == 0)
		fault(a, ARC_GAP, i, ARC_PART_MAX);
	for (unsigned p = 0; p < ARC_PART_MAX; p++)
		if (set->field[p] == NULL)
			fault(a, ARC_MISSING, i, p);
}

/* Steps 2 and 3. */
static void
structure_judge(struct arc *a)
{
	if (a->why == ARC_LIMIT)
		return;
	if (a->n > 0 && says(&a->sets[a->n - 1], "fail")) {
		a->why = ARC_FINE;
		fault(a, ARC_CV_FAIL, a->n, ARC_SEAL);
	}
	for (uint32_t i = 1; i <= a->n; i++)
		set_judge(a, i);
	for (uint32_t i = 1; i <= a->n; i++)
		if (!says(&a->sets[i - 1], i == 1 ? "none" : "pass"))
			fault(a, ARC_CV, i, ARC_SEAL);
}

static int
wants_make(struct pool *pool, struct arc *a)
{
	if (a->why != ARC_FINE || a->n == 0)
		return 0;
	a->wants = pool_calloc(pool, a->n, sizeof(*a->wants));
	a->memos = pool_calloc(pool, 2 * a->n, sizeof(*a->memos));
	if (a->wants == NULL || a->memos == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < a->n; i++) {
		const struct dkim_sig *s = a->sets[i].ams;

		if (dkim_memo_init(pool, s, &a->memos[2 * i]) < 0)
			return -ENOMEM;
		if (s->why == DKIM_FINE)
			a->wants[a->n_wants++] = (struct mail_body_want){
				.canon = s->body_canon,
				.max = s->has_length ? s->length : UINT64_MAX,
			};
	}
	return 0;
}

int
arc_begin(struct pool *pool, const struct mail_head *head, struct arc *ret)
{
	struct arc a = { .head = head, .why = ARC_FINE };
	struct collector c = { .pool = pool, .arc = &a };
	int rc = collect(&c);

	if (rc < 0)
		return rc;
	structure_judge(&a);
	if ((rc = wants_make(pool, &a)) < 0)
		return rc;
	*ret = a;
	return 0;
}
