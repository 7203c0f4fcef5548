/* Reading the text of histories. */
#include <errno.h>
#include <stdlib.h>

#include "history.h"

/* Room for one more at the end of *arr; NULL: no memory. Sizes double. */
static void *
more(void *arr, size_t *n, size_t size)
{
	void **p = arr;
	void *q;

	if ((*n & (*n - 1)) == 0) {
		q = reallocarray(*p, *n == 0 ? 1 : *n * 2, size);
		if (q == NULL)
			return NULL;
		*p = q;
	}
	memset((char *)*p + *n * size, 0, size);
	return (char *)*p + (*n)++ * size;
}
#define MORE(arr, n)	((__typeof__(arr))more(&(arr), &(n), sizeof(*(arr))))

static int
time_parse(struct sv s, int64_t *ret)
{
	uint64_t v;

	if (sv_eq_str(s, "never")) {
		*ret = NEVER;
		return 0;
	}
	if (num_u64(s, 0, TIME_MAX, &v) < 0)
		return -EINVAL;
	*ret = (int64_t)v;
	return 0;
}

static int
word_time(struct sv *line, int64_t *ret)
{
	struct sv w;

	return sv_word(line, &w) ? time_parse(w, ret) : -EINVAL;
}

static int
word_finite(struct sv *line, int64_t max, int64_t *ret)
{
	int rc = word_time(line, ret);

	return rc < 0 || *ret > max ? -EINVAL : 0;
}

static int
span_parse(struct sv *line, struct span *ret)
{
	if (word_time(line, &ret->from) < 0 || word_time(line, &ret->until) < 0)
		return -EINVAL;
	return ret->from < ret->until ? 0 : -EINVAL;
}

static int
key_find(const struct history *h, struct sv name, unsigned *ret)
{
	for (size_t i = 0; i < h->n_keys; i++) {
		if (sv_eq(h->keys[i].name, name)) {
			*ret = (unsigned)i;
			return 0;
		}
	}
	return -EINVAL;
}

static struct version *
version_find(struct history *h, struct sv id)
{
	/* From the end: most often the last that was named is meant. */
	for (size_t i = h->n_versions; i > 0; i--) {
		if (sv_eq(h->versions[i - 1].id, id))
			return &h->versions[i - 1];
	}
	return NULL;
}

static int
version_add(struct history *h, struct sv *line, struct version **ret)
{
	struct version *v;
	struct sv id;

	if (!sv_word(line, &id) || version_find(h, id) != NULL)
		return -EINVAL;
	v = MORE(h->versions, h->n_versions);
	if (v == NULL)
		return -ENOMEM;
	v->id = id;
	*ret = v;
	return 0;
}

static int
version_key(const struct history *h, struct version *v, struct sv name)
{
	unsigned key, *p;

	if (key_find(h, name, &key) < 0)
		return -EINVAL;
	for (size_t i = 0; i < v->n_keys; i++) {
		if (v->keys[i] == key)
			return -EINVAL;
	}
	p = MORE(v->keys, v->n_keys);
	if (p == NULL)
		return -ENOMEM;
	*p = key;
	return 0;
}

/* K:INC:EXP */
static int
version_sig(const struct history *h, struct version *v, struct sv w)
{
	struct sig s, *p;

	if (key_find(h, sv_cut(&w, ':'), &s.key) < 0 || time_parse(sv_cut(&w, ':'), &s.inc) < 0 ||
	    time_parse(w, &s.exp) < 0)
		return -EINVAL;
	p = MORE(v->sigs, v->n_sigs);
	if (p == NULL)
		return -ENOMEM;
	*p = s;
	return 0;
}

static int
version_sigs(const struct history *h, struct version *v, struct sv *line)
{
	struct sv w;
	int rc = 0;

	while (rc == 0 && sv_word(line, &w))
		rc = version_sig(h, v, w);
	return rc;
}

static int
key_line(struct history *h, struct sv *line)
{
	struct key *k;
	struct sv name, alg;
	uint32_t n;
	unsigned old;

	if (!sv_word(line, &name) || sv_find(name, ':') < name.n || key_find(h, name, &old) == 0 ||
	    !sv_word(line, &alg) || num_u32(alg, 0, UINT8_MAX, &n) < 0)
		return -EINVAL;
	k = MORE(h->keys, h->n_keys);
	if (k == NULL)
		return -ENOMEM;
	*k = (struct key){ name, (uint8_t)n };
	return 0;
}

static int
skew_line(struct history *h, struct sv *line)
{
	return word_finite(line, TTL_MAX, &h->skew_sec);
}

static int
strict_line(struct history *h, struct sv *line)
{
	struct sv w;

	if (!sv_word(line, &w) || (!sv_eq_str(w, "yes") && !sv_eq_str(w, "no")))
		return -EINVAL;
	h->strict = sv_eq_str(w, "yes");
	return 0;
}

static int
ds_line(struct history *h, struct sv *line)
{
	struct version *v;
	struct sv w;
	int rc = version_add(h, line, &v);

	if (rc < 0)
		return rc;
	v->slot = SLOT_DS;
	if (!sv_word(line, &w))
		return -EINVAL;
	if (sv_eq_str(w, "none")) {
		v->none = true;
		return 0;
	}
	do
		rc = version_key(h, v, w);
	while (rc == 0 && sv_word(line, &w));
	return rc;
}

static int
dnskey_line(struct history *h, struct sv *line)
{
	struct version *v;
	struct sv w;
	int rc = version_add(h, line, &v);

	if (rc < 0)
		return rc;
	v->slot = SLOT_DNSKEY;
	if (!sv_word(line, &w) || !sv_eq_str(w, "keys"))
		return -EINVAL;
	while (sv_word(line, &w)) {
		if (sv_eq_str(w, "sigs"))
			return version_sigs(h, v, line);
		rc = version_key(h, v, w);
		if (rc < 0)
			return rc;
	}
	return -EINVAL;
}

static int
class_find(struct history *h, struct sv name, unsigned *ret)
{
	struct sv *p;

	for (size_t i = 0; i < h->n_classes; i++) {
		if (sv_eq(h->classes[i], name)) {
			*ret = (unsigned)i;
			return 0;
		}
	}
	p = MORE(h->classes, h->n_classes);
	if (p == NULL)
		return -ENOMEM;
	*p = name;
	*ret = (unsigned)h->n_classes - 1;
	return 0;
}

static int
data_line(struct history *h, struct sv *line)
{
	struct version *v;
	struct sv w;
	unsigned class;
	int rc = version_add(h, line, &v);

	if (rc < 0)
		return rc;
	if (!sv_word(line, &w))
		return -EINVAL;
	rc = class_find(h, w, &class);
	if (rc < 0)
		return rc;
	v->slot = SLOT_DATA + class;
	if (!sv_word(line, &w))
		return -EINVAL;
	if (sv_eq_str(w, "unsigned"))
		return 0;
	return sv_eq_str(w, "sigs") ? version_sigs(h, v, line) : -EINVAL;
}

static int
serve_line(struct history *h, struct sv *line)
{
	struct version *v;
	struct serve s, *p;
	struct sv id;

	if (!sv_word(line, &id) || (v = version_find(h, id)) == NULL ||
	    span_parse(line, &s.span) < 0 || word_finite(line, TTL_MAX, &s.ttl_sec) < 0)
		return -EINVAL;
	p = MORE(v->serves, v->n_serves);
	if (p == NULL)
		return -ENOMEM;
	*p = s;
	return 0;
}

static int
secure_line(struct history *h, struct sv *line)
{
	struct span s, *p;

	if (span_parse(line, &s) < 0)
		return -EINVAL;
	p = MORE(h->secure, h->n_secure);
	if (p == NULL)
		return -ENOMEM;
	*p = s;
	return 0;
}

static const struct {
	const char	*word;
	int		(*parse)(struct history *, struct sv *);
} statements[] = {
	{ "key", key_line }, { "skew", skew_line }, { "strict", strict_line }, { "ds", ds_line },
	{ "dnskey", dnskey_line }, { "data", data_line }, { "serve", serve_line },
	{ "secure", secure_line },
};

static int
statement_parse(struct history *h, struct sv line)
{
	struct sv word, rest;
	int rc;

	line = sv_take(line, sv_find(line, '#'));
	if (!sv_word(&line, &word))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		if (!sv_eq_str(word, statements[i].word))
			continue;
		rc = statements[i].parse(h, &line);
		return rc == 0 && sv_word(&line, &rest) ? -EINVAL : rc;
	}
	return -EINVAL;
}

int
history_parse(struct sv text, struct history *ret, unsigned *ret_line)
{
	struct history h = { .strict = true };
	struct sv line;
	unsigned n = 0;
	int rc = 0;

	while (rc == 0 && sv_line(&text, &line)) {
		n++;
		rc = statement_parse(&h, line);
	}
	if (rc < 0) {
		history_done(&h);
		*ret_line = n;
		return rc;
	}
	*ret = h;
	return 0;
}

void
history_done(struct history *h)
{
	for (size_t i = 0; i < h->n_versions; i++) {
		free(h->versions[i].keys);
		free(h->versions[i].sigs);
		free(h->versions[i].serves);
	}
	free(h->versions);
	free(h->keys);
	free(h->classes);
	free(h->secure);
	*h = (struct history){ 0 };
}

bool
history_next(struct sv *batch, struct sv *ret_text)
{
	struct sv line, rest = *batch;

	if (batch->n == 0)
		return false;
	while (sv_line(&rest, &line)) {
		if (!sv_eq_str(sv_trim(line), "--"))
			continue;
		*ret_text = sv_take(*batch, (size_t)(line.p - batch->p));
		*batch = rest;
		return true;
	}
	*ret_text = *batch;
	*batch = (struct sv){ 0 };
	return true;
}
