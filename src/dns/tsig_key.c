/* TSIG keys and the two texts they come in: BIND's clause, and dig's one word. */
#include <errno.h>
#include <stdlib.h>

#include "base/base64.h"
#include "dns/wire.h"
#include "dns/wire_internal.h"

/* RFC 8945 section 6; the first row of an algorithm has the name that goes into messages. */
static const struct {
	const char		*name;
	enum crypto_hmac_alg	 alg;
} algs[] = {
	{ "hmac-sha256",		CRYPTO_HMAC_SHA256 },
	{ "hmac-sha512",		CRYPTO_HMAC_SHA512 },
	{ "hmac-sha384",		CRYPTO_HMAC_SHA384 },
	{ "hmac-sha224",		CRYPTO_HMAC_SHA224 },
	{ "hmac-sha1",			CRYPTO_HMAC_SHA1 },
	{ "hmac-md5.sig-alg.reg.int",	CRYPTO_HMAC_MD5 },
	{ "hmac-md5",			CRYPTO_HMAC_MD5 },
};

#define SECRET_TEXT_MAX	((TSIG_SECRET_MAX + 2) / 3 * 4)

void
tsig_key_wipe(struct tsig_key *k)
{
	crypto_wipe(k, sizeof(*k));
}

const char *
tsig_alg_str(enum crypto_hmac_alg alg)
{
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (algs[i].alg == alg)
			return algs[i].name;
	return "";
}

size_t
tsig_mac_min(enum crypto_hmac_alg alg)
{
	return max_size(10, crypto_hmac_len(alg) / 2);
}

/* BIND's "-128": bits of a truncated MAC. */
static int
alg_bits(struct sv bits, enum crypto_hmac_alg alg, uint8_t *ret_len)
{
	uint32_t n;

	if (num_u32(bits, (uint32_t)tsig_mac_min(alg) * 8, (uint32_t)crypto_hmac_len(alg) * 8, &n) < 0 ||
	    n % 8 != 0)
		return -EINVAL;
	*ret_len = (uint8_t)(n / 8);
	return 0;
}

static int
alg_parse(struct sv text, struct tsig_key *k)
{
	if (text.n > 1 && text.p[text.n - 1] == '.')
		text.n--;
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		struct sv name = sv_str(algs[i].name), rest = sv_skip(text, name.n);

		if (crypto_hmac_len(algs[i].alg) == 0 || !sv_caseeq(sv_take(text, name.n), name))
			continue;
		k->alg = algs[i].alg;
		k->mac_len = (uint8_t)crypto_hmac_len(k->alg);
		if (rest.n == 0)
			return 0;
		if (rest.p[0] == '-')
			return alg_bits(sv_skip(rest, 1), k->alg, &k->mac_len);
	}
	return -EINVAL;
}

/* Everything may be said of a key but its secret. */
static void
key_bad(struct findings *fs, enum wire_code code, unsigned line, struct sv name)
{
	finding_add(fs, &wire_findings[code], FA_U("line", line), FA_SV("key", name));
}

static int
name_set(struct tsig_key *k, struct sv text, unsigned line, struct findings *fs)
{
	if (text.n == 0 || dname_parse(text, NULL, &k->name) < 0) {
		key_bad(fs, TSIG_KEY_NAME, line, text);
		return -EINVAL;
	}
	dns_lower(k->name.w, k->name.len);
	return 0;
}

static int
secret_set(struct tsig_key *k, struct sv text)
{
	uint8_t room[SECRET_TEXT_MAX / 4 * 3 + 3];
	size_t n = 0;
	int rc = text.n > SECRET_TEXT_MAX ? -EINVAL : base64_decode(room, text, &n);

	if (rc == 0 && n > 0 && n <= TSIG_SECRET_MAX) {
		memcpy(k->secret, room, n);
		k->secret_len = (uint8_t)n;
	}
	crypto_wipe(room, sizeof(room));
	return k->secret_len > 0 ? 0 : -EINVAL;
}

/* What may be used, but is not advised. */
static void
key_advise(const struct tsig_key *k, unsigned line, struct sv name, struct findings *fs)
{
	if (k->alg == CRYPTO_HMAC_MD5 || k->alg == CRYPTO_HMAC_SHA1)
		key_bad(fs, TSIG_KEY_OLD_ALGORITHM, line, name);
	else if (k->secret_len < crypto_hmac_len(k->alg) / 2)
		key_bad(fs, TSIG_KEY_SHORT, line, name);
}

static int
key_make(struct sv name, struct sv alg, struct sv secret, unsigned line, struct findings *fs,
    struct tsig_key *ret)
{
	if (name_set(ret, name, line, fs) < 0)
		return -EINVAL;
	if (alg_parse(alg, ret) < 0) {
		finding_add(fs, &wire_findings[TSIG_KEY_ALGORITHM], FA_U("line", line),
		    FA_SV("algorithm", alg));
		return -EINVAL;
	}
	if (secret_set(ret, secret) < 0) {
		key_bad(fs, TSIG_KEY_SECRET, line, name);
		return -EINVAL;
	}
	key_advise(ret, line, name, fs);
	return 0;
}

int
tsig_key_parse(struct sv text, struct findings *fs, struct tsig_key *ret)
{
	struct sv part[3], rest = text;
	struct tsig_key k = { .secret_len = 0 };
	unsigned n = 0;
	int rc;

	/* The secret stands behind the last colon; findings show what is in front of it. */
	while (n < 3) {
		bool last = sv_find(rest, ':') == rest.n;

		part[n++] = sv_cut(&rest, ':');
		if (last)
			break;
	}
	if (n < 2 || rest.n > 0) {
		finding_add(fs, &wire_findings[TSIG_KEY_SYNTAX], FA_U("line", 1), FA_STR("want", ":"));
		return -EINVAL;
	}
	rc = key_make(part[n - 2], n == 3 ? part[0] : SV("hmac-sha256"), part[n - 1], 1, fs, &k);
	if (rc == 0)
		*ret = k;
	tsig_key_wipe(&k);
	return rc;
}

/* --- BIND's clauses --- */

struct lexer {
	struct sv	 rest;
	unsigned	 line;
	struct findings	*fs;
	bool		 unclosed;	/* the text ended within a comment */
};

static void
skip(struct lexer *x, size_t n)
{
	for (size_t i = 0; i < n && i < x->rest.n; i++)
		x->line += x->rest.p[i] == '\n';
	x->rest = sv_skip(x->rest, n);
}

/* Octets of the comment that begins here, 0 if none does; more than there are: not closed. */
static size_t
comment_len(struct sv s)
{
	if (sv_starts(s, SV("#")) || sv_starts(s, SV("//")))
		return sv_find(s, '\n');
	if (!sv_starts(s, SV("/*")))
		return 0;
	for (size_t i = 2; i + 1 < s.n; i++)
		if (s.p[i] == '*' && s.p[i + 1] == '/')
			return i + 2;
	return s.n + 1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_mark(char c)
{
	return c == '{' || c == '}' || c == ';';
}

/* Up to the closing quotation mark; one behind a backslash is a name's, and stays as it is. */
static size_t
string_len(struct sv s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '"')
		n += s.p[n] == '\\' ? 2 : 1;
	return min_size(n, s.n);
}

/* The next word, string (without its quotes) or mark; false at the end. */
static bool
token_next(struct lexer *x, struct sv *ret)
{
	size_t n = 0;

	while (x->rest.n > 0 && (n = comment_len(x->rest)) + is_blank(x->rest.p[0]) > 0) {
		x->unclosed |= n > x->rest.n;
		skip(x, max_size(n, 1));
	}
	if (x->rest.n == 0)
		return false;
	if (x->rest.p[0] == '"') {
		skip(x, 1);
		n = string_len(x->rest);
		*ret = sv_take(x->rest, n);
		skip(x, n + 1);
		return true;
	}
	n = is_mark(x->rest.p[0]) ? 1 : 0;
	while (n == 0 || (n < x->rest.n && !is_mark(x->rest.p[0]) && !is_mark(x->rest.p[n]) &&
	    !is_blank(x->rest.p[n]) && x->rest.p[n] != '"'))
		n++;
	*ret = sv_take(x->rest, n);
	skip(x, n);
	return true;
}

static int
wanted(struct lexer *x, const char *word)
{
	finding_add(x->fs, &wire_findings[TSIG_KEY_SYNTAX], FA_U("line", x->line), FA_STR("want", word));
	return -EINVAL;
}

static int
want(struct lexer *x, const char *word)
{
	struct sv t;

	return token_next(x, &t) && sv_caseeq(t, sv_str(word)) ? 0 : wanted(x, word);
}

/* "algorithm NAME;" or "secret TEXT;", each once. */
static int
option_parse(struct lexer *x, struct sv word, struct sv *alg, struct sv *secret)
{
	struct sv *to = NULL;

	if (sv_caseeq(word, SV("algorithm")))
		to = alg;
	else if (sv_caseeq(word, SV("secret")))
		to = secret;
	if (to == NULL || to->p != NULL || !token_next(x, to))
		return wanted(x, alg->p == NULL ? "algorithm" : secret->p == NULL ? "secret" : "}");
	return want(x, ";");
}

/* Behind the word "key". */
static int
clause_parse(struct lexer *x, struct tsig_key *ret)
{
	struct sv name = { NULL, 0 }, alg = name, secret = name, word;
	unsigned line = x->line;

	if (!token_next(x, &name))
		return wanted(x, "NAME");
	if (want(x, "{") < 0)
		return -EINVAL;
	while (token_next(x, &word) && !sv_eq(word, SV("}")))
		if (option_parse(x, word, &alg, &secret) < 0)
			return -EINVAL;
	if (want(x, ";") < 0)
		return -EINVAL;
	return key_make(name, alg, secret, line, x->fs, ret);
}

/* A place for one more; its memory moves only by copying and wiping. */
static struct tsig_key *
keys_more(struct tsig_keys *ks, size_t *cap)
{
	struct tsig_keys more = { NULL, ks->n };

	if (ks->n < *cap)
		return &ks->keys[ks->n];
	more.keys = calloc(*cap * 2 + 4, sizeof(*more.keys));
	if (more.keys == NULL)
		return NULL;
	if (ks->n > 0)
		memcpy(more.keys, ks->keys, ks->n * sizeof(*ks->keys));
	*cap = *cap * 2 + 4;
	tsig_keys_done(ks);
	*ks = more;
	return &ks->keys[ks->n];
}

static int
keys_add(struct lexer *x, struct tsig_keys *ks, size_t *cap)
{
	unsigned line = x->line;
	struct tsig_key *k;
	char name[DNAME_STRLEN];

	if (ks->n >= TSIG_KEYS_MAX)
		return SE_LIMIT;
	if ((k = keys_more(ks, cap)) == NULL)
		return -ENOMEM;
	if (clause_parse(x, k) < 0) {
		tsig_key_wipe(k);
		return -EINVAL;
	}
	if (tsig_keys_find(ks, &k->name) != NULL) {
		key_bad(x->fs, TSIG_KEY_DOUBLE, line, sv_str(dname_str(&k->name, name)));
		tsig_key_wipe(k);
		return -EINVAL;
	}
	ks->n++;
	return 0;
}

int
tsig_keys_parse(struct sv text, struct sv file, struct findings *fs, struct tsig_keys *ret)
{
	_cleanup_(tsig_keys_donep) struct tsig_keys ks = { NULL, 0 };
	struct lexer x = { text, 1, fs, false };
	struct sv was = fs->subject, word;
	size_t cap = 0;
	int rc = 0;

	fs->subject = file;
	while (rc == 0 && token_next(&x, &word))
		rc = sv_caseeq(word, SV("key")) ? keys_add(&x, &ks, &cap) : wanted(&x, "key");
	if (rc == 0 && x.unclosed)	/* keys may be in there that somebody counts on */
		rc = wanted(&x, "*/");
	fs->subject = was;
	if (rc < 0)
		return rc;
	*ret = ks;
	ks = (struct tsig_keys){ NULL, 0 };
	return 0;
}

void
tsig_key_print(struct buf *b, const struct tsig_key *k)
{
	char secret[SECRET_TEXT_MAX];
	size_t n = base64_encode(secret, k->secret, k->secret_len);

	buf_str(b, "key \"");
	dname_print(b, k->name.w);
	buf_str(b, "\" {\n\talgorithm ");
	buf_str(b, tsig_alg_str(k->alg));
	if (k->mac_len < crypto_hmac_len(k->alg)) {
		buf_char(b, '-');
		buf_u64(b, k->mac_len * 8u);
	}
	buf_str(b, ";\n\tsecret \"");
	buf_bytes(b, secret, n);
	buf_str(b, "\";\n};\n");
	crypto_wipe(secret, sizeof(secret));
}

const struct tsig_key *
tsig_keys_find(const struct tsig_keys *ks, const struct dname *name)
{
	for (size_t i = 0; i < ks->n; i++)
		if (dname_eq(&ks->keys[i].name, name))
			return &ks->keys[i];
	return NULL;
}

void
tsig_keys_done(struct tsig_keys *ks)
{
	if (ks->keys != NULL)
		crypto_wipe(ks->keys, ks->n * sizeof(*ks->keys));
	free(ks->keys);
	*ks = (struct tsig_keys){ NULL, 0 };
}
