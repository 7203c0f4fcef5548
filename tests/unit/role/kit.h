/* What a part of a role needs of its process, for tests that run the part alone. */
#ifndef TESTS_UNIT_ROLE_KIT_H
#define TESTS_UNIT_ROLE_KIT_H

#include "../tap.h"

#include "role/role.h"

/* Seconds; stands unless the test moves it. */
static int64_t kit_now = 1795305600;
/* What the part says to others; none may be said while this is NULL. */
static void (*kit_sent)(enum msg_type, enum role_id to, const void *msg);
/* The part ends its role; no part may while this is NULL. */
static void (*kit_stopped)(int rc);

int64_t
role_now(const struct role *r UNUSED)
{
	return kit_now;
}

int
role_send(struct role *r UNUSED, enum msg_type type, enum role_id to, const void *msg)
{
	assert_non_null(kit_sent);
	kit_sent(type, to, msg);
	return 0;
}

void
role_log(struct role *r UNUSED, enum log_level l UNUSED, const char *fmt UNUSED, ...)
{
}

void
role_audit(struct role *r UNUSED, const char *event UNUSED, struct sv json UNUSED)
{
}

void
role_stop(struct role *r UNUSED, int rc)
{
	assert_non_null(kit_stopped);
	kit_stopped(rc);
}

#endif
