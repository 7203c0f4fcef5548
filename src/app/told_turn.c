/* Which zones are told next (app/told_turn.h). */
#include "app/told_turn.h"

int
told_turn_init(struct told_turn *t, size_t n)
{
	*t = (struct told_turn){ .n = n };
	return turn_queue_init(&t->changed, n);
}

void
told_turn_done(struct told_turn *t)
{
	turn_queue_done(&t->changed);
	*t = (struct told_turn){ 0 };
}

void
told_turn_all(struct told_turn *t)
{
	size_t zone;

	while (turn_queue_take(&t->changed, &zone))
		;
	t->at = 0;
}

void
told_turn_changed(struct told_turn *t, size_t zone)
{
	if (zone < t->at)		/* else its turn comes anyway */
		turn_queue_add(&t->changed, zone);
}

bool
told_turn_waits(const struct told_turn *t)
{
	return t->at < t->n || t->changed.n_in > 0;
}

void
told_turn_begin(struct told_turn *t, struct json *j)
{
	t->n_page = 0;
	if (t->at > 0)
		json_kv_bool(j, "more", true);
}

bool
told_turn_next(struct told_turn *t, const struct json *j, size_t *ret_zone)
{
	if (t->n_page == TOLD_PAGE_ZONES || j->b->len > TOLD_PAGE_OCTETS)
		return false;
	if (t->at < t->n)
		*ret_zone = t->at++;
	else if (!turn_queue_take(&t->changed, ret_zone))
		return false;
	t->n_page++;
	return true;
}

void
told_turn_end(const struct told_turn *t, struct json *j)
{
	json_kv_u64(j, "next", t->at);
	json_kv_u64(j, "left", t->n - t->at);
}
