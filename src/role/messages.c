/* The table of messages, made from messages.def. */
#include <stddef.h>

#include "role/role.h"

static const char *const role_names[ROLE_MAX] = {
	[ROLE_PARENT] = "parent",
	[ROLE_STORE] = "store",
	[ROLE_VALIDATE] = "validate",
	[ROLE_RTR] = "rtr",
	[ROLE_WEB] = "web",
	[ROLE_FETCH] = "fetch",
	[ROLE_RSYNC] = "rsync",
	[ROLE_VERIFY] = "verify",
	[ROLE_MAIL] = "mail",
	[ROLE_ZONE] = "zone",
	[ROLE_KEY] = "key",
	[ROLE_NAME] = "name",
	[ROLE_SEAL] = "seal",
	[ROLE_MILTER] = "milter",
	[ROLE_REPORT] = "report",
	[ROLE_MARK] = "mark",
};

const char *
role_name(enum role_id id)
{
	return id < ROLE_MAX ? role_names[id] : "?";
}

/* fields_NAME[], ended by a row without a name (a message may have none). */
#define ROW(name, f, t, max)	\
	{ #f, FRAME_##t, offsetof(struct msg_##name, f), (max) },
#define MSG_BEGIN(name, no, from, to)	\
	static const struct frame_field fields_##name[] = {
#define U32(name, f)		ROW(name, f, U32, 0)
#define U64(name, f)		ROW(name, f, U64, 0)
#define I64(name, f)		ROW(name, f, I64, 0)
#define FD(name, f)		ROW(name, f, FD, 0)
#define STR(name, f, max)	ROW(name, f, STR, max)
#define BYTES(name, f, max)	ROW(name, f, BYTES, max)
#define MSG_END(name)		{ NULL, FRAME_U32, 0, 0 } };
#include "role/messages.def"

static const struct frame_def defs[] = {
#define MSG_BEGIN(name, no, from, to)	\
	{ #name, (no), (from), (to), sizeof(struct msg_##name), \
	    fields_##name, (unsigned)ARRAY_LEN(fields_##name) - 1 },
#define U32(name, f)
#define U64(name, f)
#define I64(name, f)
#define FD(name, f)
#define STR(name, f, max)
#define BYTES(name, f, max)
#define MSG_END(name)
#include "role/messages.def"
};

_Static_assert(ROLE_MAX <= FRAME_PEERS_MAX, "each role has a share of each queue");

const struct frame_table messages = { defs, ARRAY_LEN(defs), ROLE_MAX };

const struct frame_def *
message_def(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(defs); i++)
		if (defs[i].type == type)
			return &defs[i];
	return NULL;
}
