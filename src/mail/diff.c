/* Two copies of a message, one comparison after the other: see mail/diff.h. */
#include "mail/diff_internal.h"

#define F FINDING_ROW_
const struct finding_def mail_diff_findings[MAIL_DIFF_CODE_MAX] = {
#include "mail/diff_findings.def"
};
#undef F

const char *
mail_diff_act_name(enum mail_diff_act a)
{
	static const char *const names[DIFF_ACT_MAX] = {
		[DIFF_KEPT] = "kept", [DIFF_MOVED] = "moved", [DIFF_CHANGED] = "changed",
		[DIFF_ADDED] = "added", [DIFF_REMOVED] = "removed",
	};

	return a < DIFF_ACT_MAX ? names[a] : "?";
}

const char *
mail_diff_level_name(enum mail_diff_level l)
{
	static const char *const names[DIFF_LEVEL_MAX] = {
		[DIFF_SAME] = "same", [DIFF_FOLDED] = "folded", [DIFF_BLANKS] = "blanks",
		[DIFF_RECODED] = "recoded", [DIFF_OTHER] = "other",
	};

	return l < DIFF_LEVEL_MAX ? names[l] : "?";
}

const char *
mail_diff_where_name(enum mail_diff_where w)
{
	static const char *const names[DIFF_WHERE_MAX] = {
		[DIFF_NOWHERE] = "nowhere", [DIFF_AT_END] = "end", [DIFF_AT_BEGIN] = "begin",
		[DIFF_AT_BOTH] = "both", [DIFF_INSIDE] = "inside", [DIFF_CUT] = "cut",
	};

	return w < DIFF_WHERE_MAX ? names[w] : "?";
}

const char *
mail_diff_part_name(enum mail_diff_part_kind k)
{
	static const char *const names[DIFF_PART_MAX] = {
		[DIFF_PART_WRAPPED] = "wrapped", [DIFF_PART_REMOVED] = "removed",
		[DIFF_PART_ADDED] = "added", [DIFF_PART_RECODED] = "recoded",
		[DIFF_PART_CHARSET] = "charset", [DIFF_PART_APPENDED] = "appended",
		[DIFF_PART_PREPENDED] = "prepended", [DIFF_PART_CHANGED] = "changed",
		[DIFF_PART_REBUILT] = "rebuilt",
	};

	return k < DIFF_PART_MAX ? names[k] : "?";
}

const char *
mail_diff_fate_name(enum mail_diff_fate f)
{
	static const char *const names[DIFF_FATE_MAX] = {
		[DIFF_HOLDS] = "holds", [DIFF_BROKEN] = "broken", [DIFF_GONE] = "gone",
		[DIFF_WAS_BROKEN] = "was-broken",
	};

	return f < DIFF_FATE_MAX ? names[f] : "?";
}

const char *
mail_diff_kind_text(enum dkim_kind k)
{
	static const char *const texts[DKIM_KIND_MAX] = {
		[DKIM_SIGNATURE] = N_("DKIM signature"),
		[DKIM_ARC_MESSAGE] = N_("ARC signature"),
		[DKIM_ARC_SEAL] = N_("ARC seal"),
	};

	return k < DKIM_KIND_MAX ? texts[k] : "?";
}

/* A list may give a message a new one, but seldom does. */
static bool
is_other(const struct diff_of *o)
{
	const struct mail_field *x = mail_head_last(o->head[0], SV("Message-ID"), 0);
	const struct mail_field *y = mail_head_last(o->head[1], SV("Message-ID"), 0);

	return x != NULL && y != NULL && !diff_text_is_wrapped(x->value, y->value);
}

int
mail_diff(struct pool *pool, const struct mail_diff_side *before,
    const struct mail_diff_side *after, struct findings *fs, struct mail_diff *ret)
{
	struct diff_of o = { .pool = pool, .side = { before, after }, .d = ret,
		.head = { before->judge->head, after->judge->head } };
	int rc;

	*ret = (struct mail_diff){ .program = DIFF_BY_MAX };
	if ((rc = diff_fields_pair(&o)) < 0 || (rc = diff_sigs_compare(&o)) < 0 ||
	    (rc = diff_parts_compare(&o)) < 0)
		return rc;
	ret->is_other = is_other(&o);
	diff_tell(&o, fs);
	diff_program_find(&o, fs);
	return pool_has_failed(pool) ? -ENOMEM : 0;
}
