/*
 * The script of the lab's servers, a line a rule:
 *
 *	HOST [/PATH] BEHAVIOUR [NAME=VALUE]... [from X] [until X] [times N] [every N]
 *
 * HOST and PATH are globs with "*" and "?". X is a step, or seconds ("90s").
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "lab/serve.h"

#define ANY		SERVE_ANY
#define NOTIFICATION	SERVE_NOTIFICATION
#define SNAPSHOT	SERVE_SNAPSHOT
#define B(id, name, at, docs, number_name, number, text_name, text_default, text, clause) \
	[SERVE_B_##id] = { name, SERVE_AT_##at, docs, number_name, number, text_name, \
	    text_default, text, clause },
const struct serve_behaviour serve_behaviours[SERVE_B_MAX] = {
#include "lab/serve_behaviours.def"
};
#undef B

bool
serve_glob(struct sv pattern, struct sv text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = t;
		} else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++from;
		} else
			return false;
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

/* --- reading --- */

static int
refuse(struct lab_error *err, struct sv word, const char *msg)
{
	err->msg = msg;
	err->word = word;
	return -EINVAL;
}

static int
behaviour_find(struct sv name, enum serve_b *ret)
{
	for (unsigned i = 0; i < SERVE_B_MAX; i++)
		if (sv_eq_str(name, serve_behaviours[i].name)) {
			*ret = (enum serve_b)i;
			return 0;
		}
	return -ENOENT;
}

/* "12" or "90s" */
static int
when_parse(struct sv word, struct serve_when *ret)
{
	struct sv digits = word;
	bool is_time = word.n > 1 && word.p[word.n - 1] == 's';
	uint64_t n;

	if (is_time)
		digits.n--;
	if (num_u64(digits, 0, SERVE_NUMBER_MAX, &n) < 0)
		return -EINVAL;
	*ret = (struct serve_when){ true, is_time, n };
	return 0;
}

/* "from X": 0, -ENOENT if it is another word, -EINVAL. */
static int
word_parse(struct serve_rule *r, struct sv word, struct sv *rest)
{
	struct sv value;
	bool found = false;

	for (size_t i = 0; i < 4 && !found; i++)
		found = sv_eq_str(word, ((const char *const[]){ "from", "until", "times", "every" })[i]);
	if (!found)
		return -ENOENT;
	if (!sv_word(rest, &value))
		return -EINVAL;
	if (word.p[0] == 'f')
		return when_parse(value, &r->from);
	if (word.p[0] == 'u')
		return when_parse(value, &r->until);
	return num_u64(value, 1, SERVE_NUMBER_MAX, word.p[0] == 't' ? &r->times : &r->every);
}

/* "rate=10" */
static int
arg_parse(struct serve_rule *r, struct sv word, struct lab_error *err)
{
	const struct serve_behaviour *b = &serve_behaviours[r->b];
	struct sv value = word, name;

	if (sv_find(word, '=') == word.n)
		return refuse(err, word, N_("is no argument; write NAME=VALUE, from, until, times or every"));
	name = sv_cut(&value, '=');
	if (b->number_name != NULL && sv_eq_str(name, b->number_name))
		return num_u64(value, 0, SERVE_NUMBER_MAX, &r->number) < 0 ?
		    refuse(err, word, N_("is no number in the allowed range")) : 0;
	if (b->text_name == NULL || !sv_eq_str(name, b->text_name))
		return refuse(err, word, N_("is no argument of this behaviour; see sekisho lab serve --list"));
	if (value.n == 0 || value.n >= SERVE_TEXT_MAX)
		return refuse(err, word, N_("is empty or too long"));
	r->text = value;
	return 0;
}

static int
args_parse(struct serve_rule *r, struct sv rest, struct lab_error *err)
{
	struct sv word;
	int rc;

	while (sv_word(&rest, &word)) {
		rc = word_parse(r, word, &rest);
		if (rc == -EINVAL)
			return refuse(err, word, N_("needs a number; steps are written 3, seconds 90s"));
		if (rc == -ENOENT)
			rc = arg_parse(r, word, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
rule_parse(struct serve_rule *r, struct sv line, struct lab_error *err)
{
	struct sv rest = line, word;

	if (!sv_word(&rest, &r->host) || !sv_word(&rest, &word))
		return refuse(err, line, N_("is no rule; write HOST [/PATH] BEHAVIOUR"));
	if (word.p[0] == '/') {
		r->path = word;
		if (!sv_word(&rest, &word))
			return refuse(err, line, N_("is no rule; write HOST [/PATH] BEHAVIOUR"));
	}
	if (behaviour_find(word, &r->b) < 0)
		return refuse(err, word, N_("is no behaviour; see sekisho lab serve --list"));
	r->number = serve_behaviours[r->b].number;
	r->text = sv_str(serve_behaviours[r->b].text_default);
	r->every = 1;
	return args_parse(r, rest, err);
}

static int
rules_room(struct serve_script *s)
{
	size_t cap = s->cap == 0 ? 16 : s->cap * 2;
	struct serve_rule *more;

	if (s->n < s->cap)
		return 0;
	if (s->n >= SERVE_RULES_MAX)
		return SE_LIMIT;
	if ((more = reallocarray(s->rules, cap, sizeof(*more))) == NULL)
		return -ENOMEM;
	s->rules = more;
	s->cap = cap;
	return 0;
}

int
serve_rule_add(struct serve_script *s, struct sv line, struct lab_error *err)
{
	struct serve_rule r = { 0 };
	int rc;

	line = sv_trim(sv_take(line, sv_find(line, '#')));
	if (line.n == 0)
		return 0;
	if (line.n > SERVE_LINE_MAX)
		return SE_LIMIT;
	/* Refusals point into the caller's line, the rule into its own. */
	if ((rc = rule_parse(&r, line, err)) < 0 || (rc = rules_room(s)) < 0)
		return rc;
	r = (struct serve_rule){ .line = malloc(line.n + 1) };
	if (r.line == NULL)
		return -ENOMEM;
	memcpy(r.line, line.p, line.n);
	r.line[line.n] = '\0';
	if ((rc = rule_parse(&r, sv_str(r.line), err)) < 0) {
		free(r.line);
		return rc;
	}
	s->rules[s->n++] = r;
	return 0;
}

static void
rules_cut(struct serve_script *s, size_t n)
{
	while (s->n > n)
		free(s->rules[--s->n].line);
}

int
serve_script_parse(struct serve_script *s, struct sv text, struct lab_error *err)
{
	size_t before = s->n;
	unsigned n = 0;
	struct sv line;
	int rc;

	while (sv_line(&text, &line)) {
		n++;
		if ((rc = serve_rule_add(s, line, err)) < 0) {
			err->line = n;
			rules_cut(s, before);
			return rc;
		}
	}
	return 0;
}

void
serve_script_done(struct serve_script *s)
{
	rules_cut(s, 0);
	free(s->rules);
	*s = (struct serve_script){ 0 };
}

size_t
serve_script_heal(struct serve_script *s, struct sv host, struct sv name)
{
	size_t kept = 0, all = s->n;

	for (size_t i = 0; i < all; i++) {
		struct serve_rule *r = &s->rules[i];

		if ((sv_eq(host, SV("*")) || sv_eq(host, r->host)) &&
		    (name.n == 0 || sv_eq_str(name, serve_behaviours[r->b].name)))
			free(r->line);
		else
			s->rules[kept++] = *r;
	}
	s->n = kept;
	return all - kept;
}

/* --- asking --- */

static bool
when_reached(const struct serve_when *w, const struct serve_case *c)
{
	return (w->is_time ? c->time_sec : c->step) >= w->n;
}

/* A path takes a rule to other documents only where it can do something. */
static bool
path_matches(const struct serve_rule *r, const struct serve_case *c)
{
	const struct serve_behaviour *b = &serve_behaviours[r->b];

	if (!serve_glob(r->path, c->path))
		return false;
	if (b->at != SERVE_AT_DOC || (b->docs & c->doc) != 0 || r->b == SERVE_B_TRUNCATED)
		return true;
	return c->doc != SERVE_OTHER &&
	    (r->b == SERVE_B_DOCTYPE || r->b == SERVE_B_LAUGHS || r->b == SERVE_B_EXTERNAL);
}

static bool
rule_matches(const struct serve_rule *r, const struct serve_case *c)
{
	const struct serve_behaviour *b = &serve_behaviours[r->b];

	if (b->at != c->at || !serve_glob(r->host, c->host))
		return false;
	if (r->from.given && !when_reached(&r->from, c))
		return false;
	if (r->until.given && when_reached(&r->until, c))
		return false;
	if (r->times > 0 && r->hits >= r->times)
		return false;
	/* Connections have no path: there every rule of the host matches. */
	if (c->path.n == 0)
		return true;
	return r->path.n > 0 ? path_matches(r, c) : (b->docs & c->doc) != 0;
}

struct serve_strike
serve_script_pick(struct serve_script *s, const struct serve_case *c)
{
	struct serve_strike k = { 0 };

	for (size_t i = 0; i < s->n && !k.on; i++) {
		struct serve_rule *r = &s->rules[i];

		if (!rule_matches(r, c) || ++r->seen % r->every != 0)
			continue;
		k.on = true;
		k.b = r->b;
		k.number = r->number;
		k.nth = r->hits++;
		if (r->text.n > 0)
			memcpy(k.text, r->text.p, r->text.n);
	}
	return k;
}

void
serve_rule_print(const struct serve_rule *r, struct buf *b)
{
	buf_str(b, r->line);
}
