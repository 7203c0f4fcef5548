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

/* Octets looked at together: the compilers make vectors of a fixed number. */
#define BLOCK		64
/* Short pieces gather here, for a digest is slow to feed with them. */
#define ROOM		2048
#define LONG		256	/* hashed where it lies */

/* One digest: of all of a form, or of its first max octets. */
struct cut {
	struct crypto_sha256	*sha;
	uint64_t		 max, n_hashed;
	uint8_t			 digest[SHA256_LEN];
};

struct form {
	struct cut	*cuts;
	size_t		 n_cuts, n_room;
	uint64_t	 n_canon;
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
form_hash(struct form *f, struct sv s)
{
	for (size_t i = 0; i < f->n_cuts; i++) {
		struct cut *c = &f->cuts[i];
		uint64_t left = c->max - c->n_hashed;
		size_t n = left < s.n ? (size_t)left : s.n;

		if (n > 0)
			crypto_sha256_update(c->sha, s.p, n);
		c->n_hashed += n;
	}
}

static void
room_flush(struct form *f)
{
	form_hash(f, (struct sv){ f->room, f->n_room });
	f->n_room = 0;
}

static void
form_put(struct form *f, struct sv s)
{
	f->n_canon += s.n;
	if (s.n > ROOM - f->n_room || s.n >= LONG)
		room_flush(f);
	if (s.n >= LONG) {
		form_hash(f, s);
		return;
	}
	memcpy(f->room + f->n_room, s.p, s.n);
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

/* Section 2.8: "The term 'white space' (WSP) is used to mean a space or tab". */
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

static void
octets_feed(struct form *f, enum mail_canon canon, struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		octet_feed(f, canon, s.p[i]);
}

/* --- in: many octets that need no change --- */

static inline bool
simple_block(const char *p)
{
	unsigned char odd = 0;

	for (size_t i = 0; i < BLOCK; i++)
		odd |= (unsigned char)((p[i] != '\r') & (p[i + 1] == '\n'));
	return odd == 0;
}

/* A blank that is a tab, or before another or before a line's end, does not stay as it is. */
static inline bool
relaxed_block(const char *p)
{
	unsigned char odd = 0;

	for (size_t i = 0; i < BLOCK; i++)
		odd |= (unsigned char)((p[i] == '\t') |
		    ((p[i] == ' ') & ((p[i + 1] == ' ') | (p[i + 1] == '\r'))) |
		    ((p[i] != '\r') & (p[i + 1] == '\n')));
	return odd == 0;
}

/* The octets in front, by blocks, each pair of which may stand in the canonical form. */
static size_t
plain_run(enum mail_canon canon, struct sv s)
{
	size_t n = 0;

	if (canon == MAIL_SIMPLE)
		while (s.n - n > BLOCK && simple_block(s.p + n))
			n += BLOCK;
	else
		while (s.n - n > BLOCK && relaxed_block(s.p + n))
			n += BLOCK;
	return n;
}

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

	while (from < s.n && is_held(canon, s.p[from]))
		from++;
	octets_feed(f, canon, sv_take(s, from));
	while (to > from && is_held(canon, s.p[to - 1]))
		to--;
	if (to > from) {
		if (f->cr)
			octet_put(f, '\r');
		f->cr = false;
		form_settle(f);
		form_put(f, (struct sv){ s.p + from, to - from });
	}
	octets_feed(f, canon, sv_skip(s, to));
}

static void
form_feed(struct form *f, enum mail_canon canon, struct sv s)
{
	while (s.n > 0) {
		size_t n = plain_run(canon, s);

		if (n > 0) {
			plain_feed(f, canon, sv_take(s, n));
		} else {
			n = min_size(BLOCK, s.n);
			octets_feed(f, canon, sv_take(s, n));
		}
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
	for (size_t i = 0; i < f->n_cuts; i++)
		crypto_sha256_final(f->cuts[i].sha, f->cuts[i].digest);
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

/* The digests of one form lie together: at *next, which is moved behind them. */
static int
form_init(struct form *f, enum mail_canon canon, const struct mail_body *b, struct cut **next)
{
	f->cuts = *next;
	for (size_t i = 0; i < b->n_wants; i++) {
		const struct mail_body_want *w = &b->wants[i];

		if (w->canon != canon || cut_find(f, w->max) != NULL)
			continue;
		if (((*next)->sha = crypto_sha256_new()) == NULL)
			return -ENOMEM;
		(*next)++->max = w->max;
		f->n_cuts++;
	}
	return 0;
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
	for (size_t i = 0; i < b->n_wants; i++)
		(void)crypto_sha256_free(b->cuts[i].sha);
	free(b);
	return NULL;
}
