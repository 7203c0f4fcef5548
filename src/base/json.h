/*
 * A JSON writer (RFC 8259) over struct buf. Commas, indentation and escapes
 * are its business; bytes that are not UTF-8 are written as U+FFFD.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/timefmt.h"

#define JSON_DEPTH_MAX	32

struct json {
	struct buf	*b;
	unsigned	 depth;
	bool		 pretty;	/* one member a line, two spaces */
	bool		 more[JSON_DEPTH_MAX];
	bool		 after_key;
};

static inline struct json
json_on(struct buf *b, bool pretty)
{
	return (struct json){ .b = b, .pretty = pretty };
}

void	 json_open(struct json *, char c);	/* '{' or '[' */
void	 json_close(struct json *, char c);	/* '}' or ']' */
void	 json_key(struct json *, const char *);
void	 json_key_sv(struct json *, struct sv);
void	 json_sv(struct json *, struct sv);
void	 json_str(struct json *, const char *);	/* NULL writes null */
void	 json_u64(struct json *, uint64_t);
void	 json_i64(struct json *, int64_t);
void	 json_bool(struct json *, bool);
/* Not "null": libjansson has that name, and would call ours. */
void	 json_nil(struct json *);
/* Text that is JSON already. */
void	 json_raw(struct json *, struct sv);

static inline void
json_kv_sv(struct json *j, const char *k, struct sv v)
{
	json_key(j, k);
	json_sv(j, v);
}

static inline void
json_kv_str(struct json *j, const char *k, const char *v)
{
	json_key(j, k);
	json_str(j, v);
}

static inline void
json_kv_u64(struct json *j, const char *k, uint64_t v)
{
	json_key(j, k);
	json_u64(j, v);
}

static inline void
json_kv_i64(struct json *j, const char *k, int64_t v)
{
	json_key(j, k);
	json_i64(j, v);
}

static inline void
json_kv_bool(struct json *j, const char *k, bool v)
{
	json_key(j, k);
	json_bool(j, v);
}

/* Seconds since 1970, or null where there is no end (TIME_NEVER). */
static inline void
json_kv_end(struct json *j, const char *k, int64_t t)
{
	json_key(j, k);
	if (t == TIME_NEVER)
		json_nil(j);
	else
		json_i64(j, t);
}

/* A list of numbers. */
static inline void
json_kv_u32s(struct json *j, const char *k, const uint32_t *v, size_t n)
{
	json_key(j, k);
	json_open(j, '[');
	for (size_t i = 0; i < n; i++)
		json_u64(j, v[i]);
	json_close(j, ']');
}

/* The length of the UTF-8 sequence at the head of s (1..4), 0 if it is bad. */
size_t	 utf8_len(struct sv s);

#endif
