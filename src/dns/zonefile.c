/*
 * The reader of zone text (RFC 1035 section 5, RFC 2308 section 4).
 *
 * Workload: a million records of a hundred bytes, once; nearly all have a name
 * or a blank, perhaps a TTL and a class, a type and few items. So an entry is
 * read in one pass over the bytes as they lie in the buffer. Where the buffer
 * ends within an entry, what is there of it moves to the front, more is read
 * behind it, and the entry is begun anew: nothing of the reader's state changes
 * before an entry is complete.
 */
#include <errno.h>
#include <stdlib.h>

#include "dns/zonefile_internal.h"

#define CHUNK		(64 * 1024)	/* read at once */
#define BUFFER_SIZE	(ZONEFILE_ENTRY_MAX + CHUNK)

/* What the reader does at the place where it stands. */
enum mode {
	READ_ENTRY,
	SKIP_ENTRY,		/* to the end of one with a fault */
	SKIP_LINE,		/* its parentheses or quotation marks cannot be trusted */
};

/* A file, or one that another includes. */
struct source {
	struct source	*up;
	void		*arg;
	struct sv	 name;		/* of an included file: on the heap */
	bool		 eof, begun;
	enum mode	 mode;
	struct text_at	 at;		/* of the next entry */
	const char	*end;
	/* What the file that includes it goes on with (RFC 1035 section 5.1). */
	struct dname	 up_origin;
	struct dname	 up_owner;
	bool		 up_has_owner;
	char		 buf[BUFFER_SIZE];
};

struct zonefile {
	struct zonefile_opts opts;
	zonefile_read_fn read;
	struct findings	*fs;
	struct source	*src;
	unsigned	 depth, n_errors;
	struct dname	 origin;
	/* The last owner, and where the next one is read to. */
	struct dname	 owners[2];
	unsigned	 owner;
	bool		 has_owner;
	bool		 owner_bad;	/* the last one could not be read: what inherits it is passed over */
	/* The text of the last owner: the same text is the same name. */
	char		 owner_text[DNS_NAME_MAX];
	size_t		 owner_text_len;
	bool		 has_ttl, has_last_ttl;
	uint32_t	 ttl, last_ttl;	/* of $TTL; the last that a record had */
	uint8_t		 rdata[DNS_RDATA_MAX];
};

/* What became of an entry. */
enum {
	ENTRY_RECORD = 1,
	ENTRY_NOTHING = 0,		/* a blank line, a directive */
	/* -EAGAIN: the text ends within it; -EINVAL: a fault; others: no memory, no reading */
};

static struct source *
source_free(struct source *s)
{
	free(s);
	return NULL;
}

static struct source *
source_new(struct sv name, void *arg)
{
	struct source *s = malloc(sizeof(*s));

	if (s == NULL)
		return NULL;
	s->up = NULL;
	s->arg = arg;
	s->name = name;
	s->eof = s->begun = false;
	s->mode = READ_ENTRY;
	s->at = (struct text_at){ s->buf, s->buf, 1 };
	s->end = s->buf;
	return s;
}

struct zonefile *
zonefile_new(const struct zonefile_opts *opts, zonefile_read_fn read, void *arg, struct findings *fs)
{
	struct zonefile *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return NULL;
	if ((z->src = source_new(opts->name, arg)) == NULL)
		return zonefile_free(z);
	z->opts = *opts;
	z->read = read;
	z->fs = fs;
	z->origin = opts->origin;
	return z;
}

/* Back to the file that includes this one. */
static void
source_pop(struct zonefile *z)
{
	struct source *s = z->src;

	z->src = s->up;
	z->depth--;
	z->origin = s->up_origin;
	z->owners[z->owner] = s->up_owner;
	z->has_owner = s->up_has_owner;
	z->owner_text_len = 0;
	if (z->opts.include_close != NULL)
		z->opts.include_close(z->opts.include_arg, s->arg);
	free((void *)(uintptr_t)s->name.p);
	(void)source_free(s);
}

struct zonefile *
zonefile_free(struct zonefile *z)
{
	if (z == NULL)
		return NULL;
	while (z->src != NULL && z->src->up != NULL)
		source_pop(z);
	(void)source_free(z->src);
	free(z);
	return NULL;
}

/* --- faults --- */

/* Names of a stranger's file are cut: a finding is no place for half a megabyte. */
#define WORD_MAX	80

static void
fault_add(struct zonefile *z, enum dns_code code, struct text_at at, const struct farg *more, unsigned n_more)
{
	struct farg args[FARG_PER_FINDING_MAX] = {
		FA_SV("file", z->src->name),
		FA_U("line", at.line),
		FA_U("column", at.p - at.line_at + 1),
	};

	for (unsigned i = 0; i < n_more; i++)
		args[3 + i] = more[i];
	finding_add_args(z->fs, &dns_findings[code], args, 3 + n_more);
	z->n_errors++;
}

static void
fault_report(struct zonefile *z, const struct lex *lx, uint16_t type)
{
	char name[RRTYPE_STRLEN];
	const struct farg met = FA_SV("word", sv_take(lx->item, WORD_MAX));
	const struct farg end = FA_MSG("word", N_("the end of the line"));
	const struct farg word[] = { lx->item.n == 0 ? end : met };
	const struct farg rdata[] = { FA_STR("type", rrtype_str(type, name)),
		FA_MSG("fault", text_faults[lx->fault]) };
	const struct farg value[] = { FA_U("value", lx->at.p < lx->end ? (uint8_t)*lx->at.p : 0) };
	const struct farg depth[] = { FA_U("max", ZONEFILE_INCLUDE_MAX) };

	switch (lx->code) {
	case ZONE_RDATA:
		fault_add(z, lx->code, lx->at, rdata, ARRAY_LEN(rdata));
		break;
	case ZONE_CHARACTER:
		fault_add(z, lx->code, lx->at, value, ARRAY_LEN(value));
		break;
	case ZONE_INCLUDE_DEPTH:
		fault_add(z, lx->code, lx->at, depth, ARRAY_LEN(depth));
		break;
	case ZONE_NAME:
	case ZONE_TTL:
	case ZONE_CLASS:
	case ZONE_TYPE:
	case ZONE_META_TYPE:
	case ZONE_DIRECTIVE:
	case ZONE_INCLUDE_OPEN:
		fault_add(z, lx->code, lx->at, word, ARRAY_LEN(word));
		break;
	default:
		fault_add(z, lx->code, lx->at, NULL, 0);
	}
}

/* Go on behind the line of this place. */
static void
line_skip(struct source *s, struct text_at at)
{
	s->at = at;
	s->at.line_at = at.p;
	s->mode = SKIP_LINE;
}

static void
fault_end(struct zonefile *z, const struct lex *lx, uint16_t type)
{
	fault_report(z, lx, type);
	/* Marks without partners may reach over all that follows. */
	if (lx->code == ZONE_PAREN || lx->code == ZONE_QUOTE || z->src->mode == SKIP_ENTRY)
		line_skip(z->src, lx->at);
	else
		z->src->mode = SKIP_ENTRY;
}

/* --- the buffer --- */

/* More text behind what is there. -E2BIG: there is no room. */
static int
source_fill(struct zonefile *z)
{
	struct source *s = z->src;
	size_t have = (size_t)(s->end - s->at.p), room, want;
	bool first = !s->begun;
	char *end;

	if (s->at.p > s->buf) {
		memmove(s->buf, s->at.p, have);
		s->at.line_at = s->buf;		/* an entry begins a line */
		s->at.p = s->buf;
	}
	s->end = end = s->buf + have;
	if ((room = sizeof(s->buf) - have) == 0)
		return -E2BIG;
	for (want = min_size(room, CHUNK); want > 0 && !s->eof;) {
		size_t n = 0;
		int rc = z->read(s->arg, end, want, &n);

		if (rc < 0)
			return rc;
		if (n > want)
			return -EIO;
		s->eof = n == 0;
		s->end = end += n;
		want -= n;
	}
	s->begun = true;
	/* Some editors put a mark of UTF-8 in front. */
	if (first && s->end - s->buf >= 3 && memcmp(s->buf, "\xef\xbb\xbf", 3) == 0)
		s->at.p = s->at.line_at = s->buf + 3;
	return 0;
}

/* The buffer is full of one entry. */
static void
too_long(struct zonefile *z, const struct lex *lx)
{
	const struct farg max[] = { FA_U("max", ZONEFILE_ENTRY_MAX) };

	if (lx->depth > 0) {
		fault_add(z, ZONE_PAREN, lx->open, NULL, 0);
		line_skip(z->src, lx->open);
		return;
	}
	fault_add(z, ZONE_TOO_LONG, z->src->at, max, ARRAY_LEN(max));
	line_skip(z->src, z->src->at);
}

/* --- an entry --- */

struct entry {
	struct lex	 lx;
	uint16_t	 type;
	bool		 inherits;	/* no name of its own */
	bool		 has_ttl;
	uint32_t	 ttl;
};

/* -EAGAIN or -EINVAL for an item that is none. */
static int
item_next(struct lex *lx)
{
	switch (lex_next(lx)) {
	case LEX_MORE:
		return -EAGAIN;
	case LEX_BAD:
		return -EINVAL;
	default:
		return 0;
	}
}

/* The name of the record, into the other place. */
static int
owner_read(struct zonefile *z, struct lex *lx)
{
	struct sv s = lx->item;

	if (lx->kind != LEX_WORD)
		return lex_fault(lx, ZONE_NAME);
	if (z->has_owner && s.n == z->owner_text_len && memcmp(s.p, z->owner_text, s.n) == 0) {
		z->owners[!z->owner] = z->owners[z->owner];
		return 0;
	}
	if (dname_parse(s, &z->origin, &z->owners[!z->owner]) < 0)
		return lex_fault(lx, ZONE_NAME);
	return 0;
}

static bool
is_class(struct sv s, bool *ret_in)
{
	static const char *const others[] = { "CH", "HS", "CS", "NONE" };
	uint32_t v;

	*ret_in = sv_caseeq(s, SV("IN"));
	if (*ret_in)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (sv_caseeq(s, sv_str(others[i])))
			return true;
	/* RFC 3597 section 5. */
	if (s.n < 6 || !sv_caseeq(sv_take(s, 5), SV("CLASS")) ||
	    num_u32(sv_skip(s, 5), 0, UINT16_MAX, &v) < 0)
		return false;
	*ret_in = v == DNS_CLASS_IN;
	return true;
}

/* RFC 1035 section 5.1: [TTL] [class] type, or [class] [TTL] type. */
static int
type_read(struct entry *e)
{
	struct lex *lx = &e->lx;
	bool has_class = false, in = false;
	int rc;

	for (;;) {
		if (lx->kind != LEX_WORD)
			return lex_fault(lx, ZONE_TYPE);
		if (!e->has_ttl && lx->item.p[0] >= '0' && lx->item.p[0] <= '9') {
			if (ttl_parse(lx->item, &e->ttl) < 0)
				return lex_fault(lx, ZONE_TTL);
			e->has_ttl = true;
		} else if (!has_class && is_class(lx->item, &in)) {
			if (!in)
				return lex_fault(lx, ZONE_CLASS);
			has_class = true;
		} else {
			break;
		}
		if ((rc = item_next(lx)) < 0)
			return rc;
	}
	if (rrtype_parse(lx->item, &e->type) < 0)
		return lex_fault(lx, ZONE_TYPE);
	return rrtype_is_meta(e->type) ? lex_fault(lx, ZONE_META_TYPE) : 0;
}

/* RFC 2308 section 4; before it, the last record's (RFC 1035 section 5.1). */
static int
ttl_find(struct zonefile *z, struct entry *e)
{
	if (e->has_ttl)
		return 0;
	if (z->has_ttl)
		e->ttl = z->ttl;
	else if (z->has_last_ttl)
		e->ttl = z->last_ttl;
	else if (z->opts.has_ttl)
		e->ttl = z->opts.ttl;
	else
		return lex_fault(&e->lx, ZONE_NO_TTL);
	return 0;
}

/*
 * RFC 2308 section 4: "SIG records without a explicit TTL get their TTL from the 'original
 * TTL' of the SIG record." RRSIG has taken their place (RFC 4034), with the same data.
 */
static bool
has_ttl_of_data(const struct entry *e)
{
	return !e->has_ttl && (e->type == RR_RRSIG || e->type == RR_SIG);
}

static uint32_t
ttl_of_data(const uint8_t *rdata, size_t n)
{
	struct rd r = rd_mem(rdata, n);
	uint32_t ttl;

	(void)rd_be32(&r);			/* type, algorithm, labels */
	ttl = rd_be32(&r);
	return r.bad || ttl > INT32_MAX ? 0 : ttl;
}

static void
owner_commit(struct zonefile *z, struct sv text)
{
	z->owner = !z->owner;
	z->has_owner = true;
	z->owner_bad = false;
	z->owner_text_len = text.n <= sizeof(z->owner_text) ? text.n : 0;
	memcpy(z->owner_text, text.p, z->owner_text_len);
}

/* A record, its name passed: TTL, class, type and data. */
static int
record_read(struct zonefile *z, struct entry *e, struct dns_rr *ret)
{
	struct rdata_text t = { .lx = &e->lx, .origin = &z->origin,
		.w = wr_mem(z->rdata, sizeof(z->rdata)) };
	int rc;

	if ((rc = type_read(e)) < 0 || (!has_ttl_of_data(e) && (rc = ttl_find(z, e)) < 0) ||
	    (rc = rdata_text(&t, e->type)) < 0)
		return rc;
	if (has_ttl_of_data(e))
		e->ttl = ttl_of_data(z->rdata, t.w.len);
	*ret = (struct dns_rr){ .type = e->type, .class = DNS_CLASS_IN, .ttl = e->ttl,
		.rdata = { (const char *)z->rdata, t.w.len }, .line = z->src->at.line };
	if (e->has_ttl) {
		z->has_last_ttl = true;
		z->last_ttl = e->ttl;
	}
	return ENTRY_RECORD;
}

/* --- directives --- */

static int
word_next(struct lex *lx)
{
	int rc = item_next(lx);

	if (rc < 0)
		return rc;
	return lx->kind == LEX_WORD ? 0 : lex_fault(lx, ZONE_DIRECTIVE);
}

static int
end_next(struct lex *lx)
{
	int rc = item_next(lx);

	if (rc < 0)
		return rc;
	return lx->kind == LEX_END ? 0 : lex_fault(lx, ZONE_DIRECTIVE);
}

static int
origin_read(struct zonefile *z, struct lex *lx)
{
	struct dname d;
	int rc = word_next(lx);

	if (rc < 0)
		return rc;
	if (dname_parse(lx->item, &z->origin, &d) < 0)
		return lex_fault(lx, ZONE_NAME);
	if ((rc = end_next(lx)) < 0)
		return rc;
	z->origin = d;
	z->owner_text_len = 0;
	return ENTRY_NOTHING;
}

static int
default_ttl_read(struct zonefile *z, struct lex *lx)
{
	uint32_t ttl;
	int rc = word_next(lx);

	if (rc < 0)
		return rc;
	if (ttl_parse(lx->item, &ttl) < 0)
		return lex_fault(lx, ZONE_TTL);
	if ((rc = end_next(lx)) < 0)
		return rc;
	z->has_ttl = true;
	z->ttl = ttl;
	return ENTRY_NOTHING;
}

/* The file is open: read it next, and this one from here on. */
static int
source_push(struct zonefile *z, struct lex *lx, struct sv name, void *arg, const struct dname *origin)
{
	struct source *s;
	char *copy = sv_dup(name);

	if (copy == NULL || (s = source_new((struct sv){ copy, name.n }, arg)) == NULL) {
		free(copy);
		if (z->opts.include_close != NULL)
			z->opts.include_close(z->opts.include_arg, arg);
		return -ENOMEM;
	}
	z->src->at = lx->now;
	s->up = z->src;
	s->up_origin = z->origin;
	s->up_owner = z->owners[z->owner];
	s->up_has_owner = z->has_owner;
	z->origin = *origin;
	z->owner_text_len = 0;
	z->src = s;
	z->depth++;
	return ENTRY_NOTHING;
}

/* $INCLUDE FILE [ORIGIN] */
static int
include_read(struct zonefile *z, struct lex *lx)
{
	struct dname origin = z->origin;
	struct lex name;
	void *arg;
	int rc = item_next(lx);

	if (rc < 0)
		return rc;
	if (lx->kind != LEX_WORD && lx->kind != LEX_QUOTED)
		return lex_fault(lx, ZONE_DIRECTIVE);
	name = *lx;
	if ((rc = item_next(lx)) < 0)
		return rc;
	if (lx->kind == LEX_WORD) {
		if (dname_parse(lx->item, &z->origin, &origin) < 0)
			return lex_fault(lx, ZONE_NAME);
		rc = end_next(lx);
	} else if (lx->kind != LEX_END)
		rc = lex_fault(lx, ZONE_DIRECTIVE);
	if (rc < 0)
		return rc;
	lx->at = name.at;
	lx->item = name.item;
	if (z->opts.include_open == NULL)
		return lex_fault(lx, ZONE_INCLUDE_REFUSED);
	if (z->depth == ZONEFILE_INCLUDE_MAX)
		return lex_fault(lx, ZONE_INCLUDE_DEPTH);
	if (z->opts.include_open(z->opts.include_arg, name.item, &arg) < 0)
		return lex_fault(lx, ZONE_INCLUDE_OPEN);
	return source_push(z, lx, name.item, arg, &origin);
}

static int
generate_read(struct zonefile *z UNUSED, struct lex *lx)
{
	return lex_fault(lx, ZONE_GENERATE);
}

static int
directive_read(struct zonefile *z, struct lex *lx)
{
	static const struct {
		const char	*name;
		int		(*read)(struct zonefile *, struct lex *);
	} directives[] = {
		{ "$ORIGIN", origin_read },
		{ "$TTL", default_ttl_read },
		{ "$INCLUDE", include_read },
		{ "$GENERATE", generate_read },
	};

	for (size_t i = 0; i < ARRAY_LEN(directives); i++)
		if (sv_caseeq(lx->item, sv_str(directives[i].name)))
			return directives[i].read(z, lx);
	return lex_fault(lx, ZONE_DIRECTIVE);
}

/* --- the whole --- */

static int
entry_skip(struct lex *lx)
{
	int rc;

	do
		rc = item_next(lx);
	while (rc == 0 && lx->kind != LEX_END);
	return rc;
}

/* What stands where a name should: the lines that inherit it have none. */
static int
owner_bad(struct zonefile *z)
{
	z->has_owner = false;
	z->owner_bad = true;
	return -EINVAL;
}

/* An entry: a record, a directive, or an empty line. */
static int
entry_read(struct zonefile *z, struct entry *e, struct dns_rr *ret)
{
	struct lex *lx = &e->lx;
	const char *p = lx->now.p;
	struct sv text;
	int rc;

	e->inherits = p < lx->end && (*p == ' ' || *p == '\t' || *p == '\r');
	if ((rc = item_next(lx)) < 0)
		return rc == -EINVAL && !e->inherits ? owner_bad(z) : rc;
	if (lx->kind == LEX_END)
		return ENTRY_NOTHING;
	if (!e->inherits && lx->kind == LEX_WORD && lx->item.p[0] == '$')
		return directive_read(z, lx);
	if (e->inherits && !z->has_owner)
		return z->owner_bad ? entry_skip(lx) : lex_fault(lx, ZONE_NO_OWNER);
	text = lx->item;
	if (!e->inherits) {
		if (owner_read(z, lx) < 0)
			return owner_bad(z);
		rc = item_next(lx);
	}
	if (rc == 0)
		rc = record_read(z, e, ret);
	/* Also of a record with a fault: the next line may inherit the name. */
	if (!e->inherits && rc != -EAGAIN)
		owner_commit(z, text);
	ret->owner = &z->owners[z->owner];
	return rc;
}

/* 0 behind the end of the line, -EAGAIN. */
static int
line_end_find(struct source *s)
{
	const char *p = memchr(s->at.p, '\n', (size_t)(s->end - s->at.p));

	if (p == NULL && !s->eof) {
		s->at.p = s->end;
		return -EAGAIN;
	}
	s->at.p = s->at.line_at = p == NULL ? s->end : p + 1;
	s->at.line++;
	s->mode = READ_ENTRY;
	return ENTRY_NOTHING;
}

static int
step(struct zonefile *z, struct entry *e, struct dns_rr *ret)
{
	struct source *s = z->src;
	int rc;

	if (s->mode == SKIP_LINE)
		return line_end_find(s);
	e->has_ttl = false;
	e->type = 0;
	lex_init(&e->lx, s->at, s->end, s->eof);
	e->lx.lenient = s->mode == SKIP_ENTRY;
	rc = s->mode == SKIP_ENTRY ? entry_skip(&e->lx) : entry_read(z, e, ret);
	if (rc >= 0) {
		s->at = e->lx.now;
		s->mode = READ_ENTRY;
	} else if (rc == -EINVAL) {
		fault_end(z, &e->lx, e->type);
		rc = ENTRY_NOTHING;
	}
	return rc;
}

/* Up to where the text is worth reading. */
static bool
is_enough(struct zonefile *z)
{
	const struct farg max[] = { FA_U("max", ZONEFILE_ERRORS_MAX) };

	if (z->n_errors == ZONEFILE_ERRORS_MAX)
		fault_add(z, ZONE_ERRORS, z->src->at, max, ARRAY_LEN(max));
	return z->n_errors > ZONEFILE_ERRORS_MAX;
}

int
zonefile_next(struct zonefile *z, struct dns_rr *ret)
{
	struct entry e;
	int rc;

	while (!is_enough(z)) {
		struct source *s = z->src;

		if (s->at.p == s->end && s->eof) {
			if (s->up == NULL)
				return 0;
			source_pop(z);
			continue;
		}
		rc = step(z, &e, ret);
		if (rc == -EAGAIN && (rc = source_fill(z)) == -E2BIG) {
			too_long(z, &e.lx);
			rc = 0;
		}
		if (rc != 0)
			return rc;
	}
	return 0;
}
