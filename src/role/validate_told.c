#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/pool.h"
#include "role/validate_told.h"

/* The plan follows 4000 places; rsync and trust anchors come on top. */
#define TOLD_SOURCES_MAX	16384
/* A fetcher that was taken over may tell no more than this; an attempt has some 2 KB. */
#define TOLD_BYTES_MAX		((size_t)32 << 20)
#define TOLD_KEYS_MAX		((size_t)40 << 20)

struct source {
	struct source	*next;
	char		*lines;		/* NULL: nothing to say */
	size_t		 len;
	bool		 said;		/* told_lines() had them */
	char		*missed;	/* of an attempt before, that it had not; or NULL */
	size_t		 missed_len;
};

struct told {
	struct pool	*pool;		/* keys and sources */
	struct map	 map;
	struct source	*head, **tail;	/* in the order of their first word */
	size_t		 bytes;
};

struct told *
told_new(void)
{
	struct told *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->pool = pool_new(TOLD_KEYS_MAX)) == NULL) {
		free(t);
		return NULL;
	}
	t->tail = &t->head;
	return t;
}

struct told *
told_free(struct told *t)
{
	if (t == NULL)
		return NULL;
	for (struct source *s = t->head; s != NULL; s = s->next) {
		free(s->lines);
		free(s->missed);
	}
	map_done(&t->map);
	pool_freep(&t->pool);
	free(t);
	return NULL;
}

/* What follows this in s; empty if it is not there. */
static struct sv
behind(struct sv s, struct sv what)
{
	for (size_t i = 0; i + what.n <= s.n; i++)
		if (memcmp(s.p + i, what.p, what.n) == 0)
			return sv_skip(s, i + what.n);
	return sv_skip(s, s.n);
}

/* The length of the object at the head of s, which opens with '{'; 0: it has no end. */
static size_t
object_len(struct sv s)
{
	bool text = false;
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (text && c == '\\')
			i++;
		else if (c == '"')
			text = !text;
		else if (!text && (c == '{' || c == '['))
			depth++;
		else if (!text && (c == '}' || c == ']') && --depth == 0)
			return i + 1;
	}
	return 0;
}

/*
 * The objects of the member "findings", one a line. Quotes inside of texts
 * are written \", so this sequence is found at no other place than the member.
 */
static void
findings_lines(struct sv json, struct buf *b)
{
	struct sv s = behind(json, SV("\"findings\":["));
	size_t n;

	while (s.n > 0 && s.p[0] == '{' && (n = object_len(s)) > 0) {
		buf_sv(b, (struct sv){ s.p, n });
		buf_char(b, '\n');
		s = sv_skip(s, n);
		if (s.n > 0 && s.p[0] == ',')
			s = sv_skip(s, 1);
	}
}

static struct source *
source_of(struct told *t, struct sv key)
{
	struct source *s = map_find(&t->map, key);
	struct sv k;

	if (s != NULL || t->map.n >= TOLD_SOURCES_MAX)
		return s;
	k = pool_sv(t->pool, key);
	s = pool_calloc(t->pool, 1, sizeof(*s));
	if (k.p == NULL || s == NULL || map_add(&t->map, k, s) < 0)
		return NULL;
	*t->tail = s;
	t->tail = &s->next;
	return s;
}

/* Ours escape all that a line of a log cannot have: with it, whoever told this is not ours. */
static bool
is_line(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20)
			return false;
	return true;
}

/* The lines give way to others: to nothing, or once more into what is said next. */
static void
lines_leave(struct told *t, struct source *s)
{
	if (s->said || s->len == 0 || s->missed != NULL) {
		free(s->lines);
		t->bytes -= s->len;
		return;
	}
	s->missed = s->lines;
	s->missed_len = s->len;
}

bool
told_put(struct told *t, struct sv key, struct sv json)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct source *s = map_find(&t->map, key);
	char *copy = NULL;
	struct sv now;

	if (!is_line(json))
		return false;
	findings_lines(json, &b);
	now = buf_get(&b);
	if (b.rc < 0 || (s == NULL && (now.n == 0 || (s = source_of(t, key)) == NULL)))
		return false;
	if (now.n == s->len && (now.n == 0 || memcmp(now.p, s->lines, now.n) == 0))
		return false;
	if (t->bytes + now.n > TOLD_BYTES_MAX ||
	    (now.n > 0 && (copy = malloc(now.n)) == NULL))
		return false;
	if (now.n > 0)
		memcpy(copy, now.p, now.n);
	lines_leave(t, s);
	t->bytes += now.n;
	s->lines = copy;
	s->len = now.n;
	s->said = false;
	return true;
}

static bool
has_line(struct sv lines, struct sv line)
{
	struct sv x;

	while (sv_line(&lines, &x))
		if (sv_eq(x, line))
			return true;
	return false;
}

static void
missed_lines(const struct source *s, struct buf *ret)
{
	struct sv missed = { s->missed, s->missed_len }, line;

	while (sv_line(&missed, &line))
		if (!has_line((struct sv){ s->lines, s->len }, line)) {
			buf_sv(ret, line);
			buf_char(ret, '\n');
		}
}

bool
told_lines(struct told *t, struct buf *ret)
{
	bool over = false;

	for (struct source *s = t->head; s != NULL; s = s->next) {
		missed_lines(s, ret);
		buf_sv(ret, (struct sv){ s->lines, s->len });
		over = over || s->missed != NULL;
		free(s->missed);
		t->bytes -= s->missed_len;
		s->missed = NULL;
		s->missed_len = 0;
		s->said = true;
	}
	return over;
}
