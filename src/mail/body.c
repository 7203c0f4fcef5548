/*
 * The body in its canonical forms (RFC 6376 sections 3.4.3 and 3.4.4), hashed while it goes by.
 *
 * Both forms are one machine over octets. What it holds back is what later
 * octets may take away: a CR (part of a line end?), white space (at the end of
 * a line?), line ends (at the end of the body?). In nearly all of a mail
 * nothing is changed, so blocks that are their own canonical form are found
 * first, many octets at a time, and hashed where they lie.
 */
#include <errno.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "mail/message.h"

/* Octets looked at together: one register of any machine of today. */
typedef uint8_t vec __attribute__((vector_size(16)));
/* Short pieces gather here, for a digest is slow to feed with them. */
#define ROOM		2048
#define LONG		256	/* from here on a piece is hashed where it lies */

/* One digest: of all of a form, or of its first max octets. */
struct cut {
	uint64_t		 max, n_hashed;
	uint8_t			 digest[SHA256_LEN];
};

/*
 * However many digests are wanted, each octet of a form is hashed once: they are taken in the
 * order of their length, of a copy each of what was hashed so far.
 */
struct form {
	struct crypto_sha256 *sha, *copy;
	struct cut	*cuts;		/* the shortest first */
	size_t		 n_cuts, n_done, n_room;
	uint64_t	 n_canon, n_hashed;
	uint64_t	 n_ends;	/* line ends held back */
	bool		 cr, blank;	/* held back, too */
	char		 room[ROOM];
};

struct mail_body {
	struct mail_body_want	*wants;
	size_t			 n_wants;
	struct form		 forms[MAIL_CANON_MAX];
	struct cut		 cuts[];
};

/* --- out: what is canonical, to the digests --- */

static void
cut_end(struct form *f)
{
	struct cut *c = &f->cuts[f->n_done++];

	crypto_sha256_copy(f->copy, f->sha);
	crypto_sha256_final(f->copy, c->digest);
	c->n_hashed = f->n_hashed;
}

static void
cuts_end(struct form *f)
{
	while (f->n_done < f->n_cuts && f->cuts[f->n_done].max == f->n_hashed)
		cut_end(f);
}

static void
form_hash(struct form *f, struct sv s)
{
	cuts_end(f);
	while (s.n > 0 && f->n_done < f->n_cuts) {
		uint64_t left = f->cuts[f->n_done].max - f->n_hashed;
		size_t n = left < s.n ? (size_t)left : s.n;

		crypto_sha256_update(f->sha, s.p, n);
		f->n_hashed += n;
		s = sv_skip(s, n);
		cuts_end(f);
	}
}

static void
room_flush(struct form *f)
{
	form_hash(f, (struct sv){ f->room, f->n_room });
	f->n_room = 0;
}

/* Room for n octets, of up to LONG. */
static char *
room_make(struct form *f, size_t n)
{
	if (n > ROOM - f->n_room)
		room_flush(f);
	return f->room + f->n_room;
}

static void
form_put(struct form *f, struct sv s)
{
	f->n_canon += s.n;
	if (s.n > LONG) {
		room_flush(f);
		form_hash(f, s);
		return;
	}
	memcpy(room_make(f, s.n), s.p, s.n);
	f->n_room += s.n;
}

/* An octet comes that stays: so does what was held back before it. */
static void
form_settle(struct form *f)
{
	for (; f->n_ends > 0; f->n_ends--)
		form_put(f, SV("\r\n"));
	if (f->blank)
		form_put(f, SV(" "));
	f->blank = false;
}

/* --- in: octet by octet --- */

/* Section 2.8: WSP, of which the relaxed form leaves one at most. */
static inline bool
is_blank(enum mail_canon canon, char c)
{
	return canon == MAIL_RELAXED && (c == ' ' || c == '\t');
}

static void
octet_put(struct form *f, char c)
{
	form_settle(f);
	form_put(f, (struct sv){ &c, 1 });
}

static void
octet_feed(struct form *f, enum mail_canon canon, char c)
{
	if (c == '\n') {
		f->n_ends++;
		f->cr = f->blank = false;
		return;
	}
	if (f->cr)
		octet_put(f, '\r');	/* it ended no line */
	f->cr = c == '\r';
	if (f->cr)
		return;
	if (is_blank(canon, c))
		f->blank = true;
	else
		octet_put(f, c);
}

/* --- many octets at a time --- */

static inline vec
vec_at(const char *p)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Where the comparison held nowhere. */
static inline bool
vec_is_none(vec v)
{
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
	return (half[0] | half[1]) == 0;
}

/* LF without its CR before it. */
static inline vec
lf_alone(vec here, vec next)
{
	return (vec)(here != '\r') & (vec)(next == '\n');
}

/* A blank that does not stay as it is: a tab, or before another blank. */
static inline vec
blank_odd(vec here, vec next)
{
	return (vec)(here == '\t') | ((vec)(here == ' ') & (vec)(next == ' '));
}

/* The octets in front, by vectors, each pair of which may stand in the canonical form. */
static size_t
simple_run(struct sv s)
{
	size_t n = 0;

	for (; s.n - n > sizeof(vec); n += sizeof(vec))
		if (!vec_is_none(lf_alone(vec_at(s.p + n), vec_at(s.p + n + 1))))
			break;
	return n;
}

static size_t
relaxed_run(struct sv s)
{
	size_t n = 0;

	for (; s.n - n > sizeof(vec); n += sizeof(vec)) {
		vec here = vec_at(s.p + n), next = vec_at(s.p + n + 1);

		if (!vec_is_none(lf_alone(here, next) | blank_odd(here, next) |
		    ((vec)(here == ' ') & (vec)(next == '\r'))))
			break;
	}
	return n;
}

/* --- in: a line, or part of one --- */

/* Octets copied in which each pair of blanks is one. */
static inline size_t
words_copy(char *dst, struct sv s)
{
	size_t n = 0;

	for (; s.n - n > sizeof(vec); n += sizeof(vec)) {
		vec here = vec_at(s.p + n);

		if (!vec_is_none(blank_odd(here, vec_at(s.p + n + 1))))
			break;
		memcpy(dst + n, &here, sizeof(here));
	}
	return n;
}

/* Runs of blanks become one space; s neither begins nor ends with one. */
static void
blanks_put(struct form *f, struct sv s)
{
	char *dst = room_make(f, s.n);
	bool is_after = false;
	size_t n = 0;

	while (s.n > 0) {
		size_t n_copied = is_after ? 0 : words_copy(dst + n, s);
		size_t some;

		n += n_copied;
		s = sv_skip(s, n_copied);
		some = min_size(s.n, sizeof(vec));
		is_after = n > 0 && dst[n - 1] == ' ';
		for (size_t i = 0; i < some; i++) {
			bool blank = (s.p[i] == ' ') | (s.p[i] == '\t');

			/* No branches: where the blanks are nobody can foretell. */
			dst[n] = blank ? ' ' : s.p[i];
			n += !(blank & is_after);
			is_after = blank;
		}
		s = sv_skip(s, some);
	}
	f->n_room += n;
	f->n_canon += n;
}

/* Octets of one line; a CR among them is none of its end. */
static void
line_feed(struct form *f, enum mail_canon canon, struct sv s)
{
	size_t from = 0, to = s.n;
	bool is_blank_last;

	if (s.n == 0)
		return;
	if (f->cr)
		octet_put(f, '\r');
	f->cr = false;
	while (from < s.n && is_blank(canon, s.p[from]))
		from++;
	f->blank |= from > 0;
	if (from == s.n)
		return;
	while (is_blank(canon, s.p[to - 1]))
		to--;
	is_blank_last = to < s.n;
	form_settle(f);
	s = (struct sv){ s.p + from, to - from };
	if (canon == MAIL_RELAXED)
		blanks_put(f, s);
	else
		form_put(f, s);
	f->blank = is_blank_last;
}

/* What is left of a line, as far as there is room for it; returns the octets taken. */
static size_t
odd_feed(struct form *f, enum mail_canon canon, struct sv s)
{
	struct sv line = sv_take(s, LONG);
	size_t n = sv_find(line, '\n'), n_end = n < line.n ? 1 : 0;

	if (n > 0 && line.p[n - 1] == '\r') {
		n--;
		n_end++;
	}
	line_feed(f, canon, sv_take(line, n));
	for (size_t i = 0; i < n_end; i++)
		octet_feed(f, canon, line.p[n + i]);
	return n + n_end;
}

/* --- in: many octets that need no change --- */

/* May another octet before or behind change what becomes of this one? */
static inline bool
is_held(enum mail_canon canon, char c)
{
	return c == '\r' || c == '\n' || is_blank(canon, c);
}

static void
plain_feed(struct form *f, enum mail_canon canon, struct sv s)
{
	size_t from = 0, to = s.n;

	for (; from < s.n && is_held(canon, s.p[from]); from++)
		octet_feed(f, canon, s.p[from]);
	while (to > from && is_held(canon, s.p[to - 1]))
		to--;
	if (to > from) {
		if (f->cr)
			octet_put(f, '\r');
		f->cr = false;
		form_settle(f);
		form_put(f, (struct sv){ s.p + from, to - from });
	}
	for (; to < s.n; to++)
		octet_feed(f, canon, s.p[to]);
}

static void
form_feed(struct form *f, enum mail_canon canon, struct sv s)
{
	while (s.n > 0) {
		size_t n = canon == MAIL_SIMPLE ? simple_run(s) : relaxed_run(s);

		if (n > 0)
			plain_feed(f, canon, sv_take(s, n));
		else
			n = odd_feed(f, canon, s);
		s = sv_skip(s, n);
	}
}

/*
 * Section 3.4.3: "If there is no body or no trailing CRLF on the message body, a CRLF is
 * added", so that an empty body is one CRLF. Section 3.4.4 adds it only to what is not empty.
 */
static void
form_end(struct form *f, enum mail_canon canon)
{
	if (f->cr)
		octet_put(f, '\r');
	if (f->n_canon > 0 || canon == MAIL_SIMPLE)
		form_put(f, SV("\r\n"));
	room_flush(f);
	while (f->n_done < f->n_cuts)
		cut_end(f);
}

/* --- the door --- */

static struct cut *
cut_find(struct form *f, uint64_t max)
{
	for (size_t i = 0; i < f->n_cuts; i++)
		if (f->cuts[i].max == max)
			return &f->cuts[i];
	return NULL;
}

static void
cut_add(struct form *f, uint64_t max)
{
	size_t i = f->n_cuts++;

	for (; i > 0 && f->cuts[i - 1].max > max; i--)
		f->cuts[i] = f->cuts[i - 1];
	f->cuts[i] = (struct cut){ .max = max };
}

/* The digests of one form lie together: at *next, which is moved behind them. */
static int
form_init(struct form *f, enum mail_canon canon, const struct mail_body *b, struct cut **next)
{
	f->cuts = *next;
	for (size_t i = 0; i < b->n_wants; i++) {
		const struct mail_body_want *w = &b->wants[i];

		if (w->canon == canon && cut_find(f, w->max) == NULL)
			cut_add(f, w->max);
	}
	*next += f->n_cuts;
	if (f->n_cuts == 0)
		return 0;
	f->sha = crypto_sha256_new();
	f->copy = crypto_sha256_new();
	return f->sha == NULL || f->copy == NULL ? -ENOMEM : 0;
}

int
mail_body_new(struct mail_body_want *wants, size_t n, struct mail_body **ret)
{
	_cleanup_(mail_body_freep) struct mail_body *b = NULL;
	struct cut *next;

	if (n > SIZE_MAX / sizeof(struct cut) / 2 ||
	    (b = calloc(1, sizeof(*b) + n * sizeof(struct cut))) == NULL)
		return -ENOMEM;
	b->wants = wants;
	b->n_wants = n;
	next = b->cuts;
	for (unsigned c = 0; c < MAIL_CANON_MAX; c++)
		if (form_init(&b->forms[c], c, b, &next) < 0)
			return -ENOMEM;
	*ret = TAKE_PTR(b);
	return 0;
}

void
mail_body_feed(struct mail_body *b, struct sv piece)
{
	for (unsigned c = 0; c < MAIL_CANON_MAX; c++)
		if (b->forms[c].n_cuts > 0)
			form_feed(&b->forms[c], c, piece);
}

static void
want_fill(struct mail_body_want *w, struct form *f)
{
	const struct cut *c = cut_find(f, w->max);

	if (c == NULL)
		return;		/* cannot be: there is one for each want */
	memcpy(w->digest, c->digest, sizeof(w->digest));
	w->n_hashed = c->n_hashed;
	w->n_canon = f->n_canon;
}

void
mail_body_end(struct mail_body *b)
{
	for (unsigned c = 0; c < MAIL_CANON_MAX; c++)
		form_end(&b->forms[c], c);
	for (size_t i = 0; i < b->n_wants; i++)
		want_fill(&b->wants[i], &b->forms[b->wants[i].canon]);
}

struct mail_body *
mail_body_free(struct mail_body *b)
{
	if (b == NULL)
		return NULL;
	for (unsigned c = 0; c < MAIL_CANON_MAX; c++) {
		(void)crypto_sha256_free(b->forms[c].sha);
		(void)crypto_sha256_free(b->forms[c].copy);
	}
	free(b);
	return NULL;
}
