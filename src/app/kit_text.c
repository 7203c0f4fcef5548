/* Text of routers as words: lines, words with quotes, sections in braces. */
#include <string.h>

#include "app/kit_internal.h"
#include "base/err.h"

void
kit_words_add(struct kit_words *w, struct sv s)
{
	if (w->n < KIT_WORDS_MAX)
		w->w[w->n++] = s;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

unsigned
kit_words_split(struct sv line, struct kit_words *ret)
{
	struct kit_lexer l = { .s = line, .marks = "", .runs = "", .comments = "" };
	unsigned indent = 0;
	struct sv word;

	while (indent < line.n && is_blank(line.p[indent]))
		indent++;
	ret->n = 0;
	while (kit_lex(&l, &word))
		kit_words_add(ret, word);
	return indent;
}

unsigned
kit_words_find(const struct kit_words *w, unsigned i, const char *s)
{
	while (i < w->n && !sv_eq_str(w->w[i], s))
		i++;
	return i;
}

void
kit_lex_back(struct kit_lexer *l, struct sv word)
{
	l->back = word;
	l->has_back = true;
}

static bool
in(const char *set, char c)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* A comment in slash and star; false: it is none. */
static bool
block_skip(struct kit_lexer *l)
{
	if (!sv_starts(l->s, SV("/*")))
		return false;
	while (l->s.n > 0 && !sv_starts(l->s, SV("*/"))) {
		l->line += l->s.p[0] == '\n';
		l->s = sv_skip(l->s, 1);
	}
	l->s = sv_skip(l->s, 2);
	return true;
}

/* Blanks, comments and joined lines; true: a line end stands here. */
static bool
space_skip(struct kit_lexer *l)
{
	while (l->s.n > 0) {
		char c = l->s.p[0];

		if (c == '\n') {
			if (l->newlines)
				return true;
			l->line++;
			l->s = sv_skip(l->s, 1);
		} else if (in(l->comments, c)) {
			l->s = sv_skip(l->s, sv_find(l->s, '\n'));
		} else if (l->newlines && sv_starts(l->s, SV("\\\n"))) {
			l->line++;
			l->s = sv_skip(l->s, 2);
		} else if (is_blank(c)) {
			l->s = sv_skip(l->s, 1);
		} else if (l->comments[0] == '\0' || !block_skip(l)) {
			return false;
		}
	}
	return false;
}

static struct sv
quoted(struct kit_lexer *l)
{
	struct sv rest = sv_skip(l->s, 1), s = sv_take(rest, sv_find(rest, '"'));

	for (size_t i = 0; i < s.n; i++)
		l->line += s.p[i] == '\n';
	l->s = sv_skip(rest, s.n + 1);
	return s;
}

bool
kit_lex(struct kit_lexer *l, struct sv *ret)
{
	size_t n = 0;

	*ret = SV("");		/* what a caller sees who goes on at the end */
	if (l->has_back) {
		l->has_back = false;
		*ret = l->back;
		return true;
	}
	if (space_skip(l)) {
		l->line++;
		n = 1;
	} else if (l->s.n == 0) {
		return false;
	} else if (l->s.p[0] == '"') {
		*ret = quoted(l);
		return true;
	} else if (in(l->marks, l->s.p[0])) {
		n = 1;
	} else if (in(l->runs, l->s.p[0])) {
		while (n < l->s.n && in(l->runs, l->s.p[n]))
			n++;
	} else {
		while (n < l->s.n && !is_blank(l->s.p[n]) && l->s.p[n] != '\n' &&
		    !in(l->marks, l->s.p[n]) && !in(l->runs, l->s.p[n]))
			n++;
	}
	*ret = sv_take(l->s, n);
	l->s = sv_skip(l->s, n);
	return true;
}

/* --- sections --- */

struct tree {
	struct kit_model	*m;
	struct kit_lexer	*l;
	kit_leaf		*leaf;
	struct kit_words	 words;		/* of all sections, and the statement */
	unsigned		 at[KIT_DEPTH_MAX];	/* where each section's words end */
	unsigned		 depth;
	unsigned		 line;		/* of the statement */
};

static unsigned
section_end(const struct tree *t)
{
	return t->depth == 0 ? 0 : t->at[t->depth - 1];
}

static void
statement_end(struct tree *t)
{
	if (t->words.n > section_end(t))
		t->leaf(t->m, &t->words, t->line);
	t->words.n = section_end(t);
}

/* OpenBGPD's rules have lists in braces that are no sections. */
static bool
is_rule(const struct tree *t)
{
	return t->l->newlines && t->depth == 0 && (kit_is(&t->words, 0, "allow") ||
	    kit_is(&t->words, 0, "deny") || kit_is(&t->words, 0, "match"));
}

static void
list_skip(struct tree *t)
{
	struct sv word;

	while (kit_lex(t->l, &word) && !sv_eq(word, SV("}")))
		if (!sv_eq(word, SV("\n")) && !sv_eq(word, SV("{")))
			kit_words_add(&t->words, word);
}

static int
section_open(struct tree *t)
{
	if (is_rule(t)) {
		list_skip(t);
		return 0;
	}
	if (t->depth == KIT_DEPTH_MAX)
		return SE_LIMIT;
	/* The section itself is a statement, too: "neighbor 192.0.2.1 {". */
	if (t->words.n > section_end(t))
		t->leaf(t->m, &t->words, t->line);
	t->at[t->depth++] = t->words.n;
	return 0;
}

int
kit_tree_read(struct kit_model *m, struct kit_lexer *l, kit_leaf *leaf)
{
	struct tree *t = pool_calloc(m->pool, 1, sizeof(*t));
	struct sv word;
	int rc = 0;

	if (t == NULL)
		return SE_LIMIT;
	t->m = m;
	t->l = l;
	t->leaf = leaf;
	while (rc == 0 && kit_lex(l, &word)) {
		if (sv_eq(word, SV("{"))) {
			rc = section_open(t);
		} else if (sv_eq(word, SV("}"))) {
			statement_end(t);
			t->depth -= t->depth > 0;
			t->words.n = section_end(t);
		} else if (sv_eq(word, SV(";")) || sv_eq(word, SV("\n"))) {
			statement_end(t);
		} else {
			if (t->words.n == section_end(t))
				t->line = l->line;
			kit_words_add(&t->words, word);
		}
	}
	statement_end(t);
	return rc;
}
