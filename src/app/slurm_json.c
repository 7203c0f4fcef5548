#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "app/slurm.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "sys/file.h"

struct reader {
	struct slurm	*s;
	struct findings	*fs;
	unsigned	 version;
	uint32_t	 file;
	struct sv	 where;
	int		 rc;		/* sticky: the work could not be done */
};

static const struct finding_def *
code(enum rpki_code c)
{
	return &rpki_findings[c];
}

static void
bad(struct reader *r, enum rpki_code c, const char *name)
{
	finding_add(r->fs, code(c), FA_SV("where", r->where), FA_STR("name", name));
}

static void
limit_add(struct reader *r, const char *what, uint64_t limit)
{
	finding_add(r->fs, code(RPKI_SLURM_LIMIT), FA_MSG("what", what), FA_U("limit", limit));
}

/* --- one member of an entry --- */

static void
asn_read(struct reader *r, const char *name, const json_t *v, struct slurm_entry *e)
{
	json_int_t n = json_integer_value(v);

	/* Who has customers is an AS; 0 is nobody. */
	if (n < (e->kind == SLURM_ASPA_FILTER || e->kind == SLURM_ASPA_ASSERTION) || n > UINT32_MAX) {
		bad(r, RPKI_SLURM_VALUE, name);
		return;
	}
	e->asn = (uint32_t)n;
	e->has_asn = true;
}

static void
prefix_read(struct reader *r, const char *name, const json_t *v, struct slurm_entry *e)
{
	if (ip_prefix_parse(sv_str(json_string_value(v)), &e->px) < 0)
		bad(r, RPKI_SLURM_VALUE, name);
}

static void
max_len_read(struct reader *r, const char *name, const json_t *v, struct slurm_entry *e)
{
	json_int_t n = json_integer_value(v);

	if (n < 0 || n > 128) {
		bad(r, RPKI_SLURM_VALUE, name);
		return;
	}
	e->max_len = (uint8_t)n;
	e->has_max_len = true;
}

/* Base64 into room bytes; false is a finding already. */
static bool
base64_read(struct reader *r, const char *name, const json_t *v, uint8_t *room, size_t cap,
    size_t *ret_n)
{
	struct sv text = { json_string_value(v), json_string_length(v) };

	if (base64_room(text.n) <= cap && base64url_decode(room, text, ret_n) == 0)
		return true;
	bad(r, RPKI_SLURM_BASE64, name);
	return false;
}

static void
ski_read(struct reader *r, const char *name, const json_t *v, struct slurm_entry *e)
{
	uint8_t room[64];
	size_t n;

	if (!base64_read(r, name, v, room, sizeof(room), &n))
		return;
	if (n != SHA1_LEN) {
		bad(r, RPKI_SLURM_BASE64, name);
		return;
	}
	memcpy(e->ski, room, SHA1_LEN);
	e->has_ski = true;
}

static void
key_read(struct reader *r, const char *name, const json_t *v, struct slurm_entry *e)
{
	uint8_t room[1024];
	size_t n;

	if (!base64_read(r, name, v, room, sizeof(room), &n))
		return;
	if (!slurm_key_sound((struct sv){ (const char *)room, n })) {
		finding_add(r->fs, code(RPKI_SLURM_KEY), FA_SV("where", r->where));
		return;
	}
	e->spki = pool_sv(r->s->pool, (struct sv){ (const char *)room, n });
	if (e->spki.p == NULL)
		r->rc = -ENOMEM;
}

static void
providers_read(struct reader *r, const char *name, const json_t *v, struct slurm_entry *e)
{
	size_t n = json_array_size(v);
	uint32_t *p;

	if (n > RPKI_ASPA_PROVIDERS_MAX) {
		limit_add(r, N_("providers of one customer"), RPKI_ASPA_PROVIDERS_MAX);
		return;
	}
	if ((p = pool_calloc(r->s->pool, n + 1, sizeof(*p))) == NULL) {
		r->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *x = json_array_get(v, i);

		if (!json_is_integer(x)) {
			bad(r, RPKI_SLURM_TYPE, name);
			return;
		}
		if (json_integer_value(x) < 0 || json_integer_value(x) > UINT32_MAX) {
			bad(r, RPKI_SLURM_VALUE, name);
			return;
		}
		p[i] = (uint32_t)json_integer_value(x);
	}
	e->providers = p;
	e->n_providers = (uint32_t)n;
}

static void
comment_read(struct reader *r, const char *name UNUSED, const json_t *v, struct slurm_entry *e)
{
	struct sv text = { json_string_value(v), json_string_length(v) };

	if (text.n > SLURM_COMMENT_MAX) {
		limit_add(r, N_("bytes of a comment"), SLURM_COMMENT_MAX);
		return;
	}
	if ((e->comment = pool_sv(r->s->pool, text)).p == NULL)
		r->rc = -ENOMEM;
}

/* --- which members an entry has --- */

enum member {
	M_ASN = 1 << 0,
	M_PREFIX = 1 << 1,
	M_MAX_LEN = 1 << 2,
	M_SKI = 1 << 3,
	M_KEY = 1 << 4,
	M_CUSTOMER = 1 << 5,
	M_PROVIDERS = 1 << 6,
	M_COMMENT = 1 << 7,
};

static const struct {
	const char	*name;
	enum member	 member;
	json_type	 type;
	void		(*read)(struct reader *, const char *name, const json_t *, struct slurm_entry *);
	const char	*now;		/* an earlier draft's name for this */
} members[] = {
	{ "asn", M_ASN, JSON_INTEGER, asn_read, NULL },
	{ "prefix", M_PREFIX, JSON_STRING, prefix_read, NULL },
	{ "maxPrefixLength", M_MAX_LEN, JSON_INTEGER, max_len_read, NULL },
	{ "SKI", M_SKI, JSON_STRING, ski_read, NULL },
	{ "routerPublicKey", M_KEY, JSON_STRING, key_read, NULL },
	{ "customerAsn", M_CUSTOMER, JSON_INTEGER, asn_read, NULL },
	{ "customerAsid", M_CUSTOMER, JSON_INTEGER, asn_read, "customerAsn" },
	{ "providerAsns", M_PROVIDERS, JSON_ARRAY, providers_read, NULL },
	{ "providerSet", M_PROVIDERS, JSON_ARRAY, providers_read, "providerAsns" },
	{ "providers", M_PROVIDERS, JSON_ARRAY, providers_read, "providerAsns" },
	{ "comment", M_COMMENT, JSON_STRING, comment_read, NULL },
};

static const struct {
	unsigned	may, must, any;	/* bits of enum member; any: at least one */
} rules[SLURM_KIND_MAX] = {
	[SLURM_PREFIX_FILTER] = { M_PREFIX | M_ASN | M_COMMENT, 0, M_PREFIX | M_ASN },
	[SLURM_BGPSEC_FILTER] = { M_ASN | M_SKI | M_COMMENT, 0, M_ASN | M_SKI },
	[SLURM_ASPA_FILTER] = { M_CUSTOMER | M_COMMENT, M_CUSTOMER, 0 },
	[SLURM_PREFIX_ASSERTION] = { M_PREFIX | M_ASN | M_MAX_LEN | M_COMMENT, M_PREFIX | M_ASN, 0 },
	[SLURM_BGPSEC_ASSERTION] = { M_ASN | M_SKI | M_KEY | M_COMMENT, M_ASN | M_SKI | M_KEY, 0 },
	[SLURM_ASPA_ASSERTION] = { M_CUSTOMER | M_PROVIDERS | M_COMMENT, M_CUSTOMER | M_PROVIDERS, 0 },
};

/* The row of a name, ARRAY_LEN() if it is not one of this kind's. */
static size_t
member_find(enum slurm_kind kind, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(members); i++)
		if (strcmp(members[i].name, name) == 0 && (rules[kind].may & members[i].member) != 0)
			break;
	return i;
}

static unsigned
members_read(struct reader *r, json_t *o, struct slurm_entry *e)
{
	unsigned have = 0;
	const char *name;
	json_t *v;

	json_object_foreach(o, name, v) {
		size_t i = member_find(e->kind, name);

		if (i == ARRAY_LEN(members) || (have & members[i].member) != 0) {
			bad(r, RPKI_SLURM_MEMBER, name);
			continue;
		}
		have |= members[i].member;
		if (members[i].now != NULL)
			finding_add(r->fs, code(RPKI_SLURM_NAME), FA_SV("where", r->where),
			    FA_STR("name", name), FA_STR("expected", members[i].now));
		if (json_typeof(v) != members[i].type)
			bad(r, RPKI_SLURM_TYPE, name);
		else
			members[i].read(r, name, v, e);
	}
	return have;
}

static void
missing_add(struct reader *r, enum slurm_kind kind, unsigned have)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (members[i].now == NULL && (rules[kind].must & ~have & members[i].member) != 0)
			bad(r, RPKI_SLURM_MISSING, members[i].name);
	if (rules[kind].any != 0 && (rules[kind].any & have) == 0)
		finding_add(r->fs, code(RPKI_SLURM_EMPTY), FA_SV("where", r->where));
}

static bool
providers_sound(const struct slurm_entry *e)
{
	for (uint32_t i = 0; i < e->n_providers; i++)
		if (e->providers[i] == e->asn || (e->providers[i] == 0 && e->n_providers > 1) ||
		    (i > 0 && e->providers[i - 1] >= e->providers[i]))
			return false;
	return e->n_providers > 0;
}

/* Rules between members, on those that could be read. */
static void
entry_check(struct reader *r, const struct slurm_entry *e)
{
	uint8_t hash[SHA1_LEN];

	if (e->has_max_len && e->px.af != 0 &&
	    (e->max_len < e->px.len || e->max_len > ip_bits(e->px.af)))
		bad(r, RPKI_SLURM_VALUE, "maxPrefixLength");
	if (e->providers != NULL && !providers_sound(e))
		finding_add(r->fs, code(RPKI_SLURM_PROVIDERS), FA_SV("where", r->where));
	if (e->spki.n == 0 || !e->has_ski)
		return;
	/* The bits of the key: the point, 65 bytes at the end. */
	crypto_sha1(e->spki.p + e->spki.n - 65, 65, hash);
	if (memcmp(hash, e->ski, SHA1_LEN) != 0)
		finding_add(r->fs, code(RPKI_SLURM_SKI), FA_SV("where", r->where));
}

static void
entry_read(struct reader *r, enum slurm_kind kind, size_t no, json_t *o)
{
	struct slurm_entry e = { .kind = kind, .file = r->file, .expires = TIME_NEVER };
	char *where = pool_printf(r->s->pool, "%s[%zu]", slurm_kind_name(kind), no);
	unsigned have;

	if (where == NULL) {
		r->rc = -ENOMEM;
		return;
	}
	e.where = r->where = sv_str(where);
	if (!json_is_object(o)) {
		bad(r, RPKI_SLURM_TYPE, where);
		return;
	}
	have = members_read(r, o, &e);
	missing_add(r, kind, have);
	entry_check(r, &e);
	if (r->rc == 0)
		r->rc = slurm_add(r->s, &e);
}

/* --- the frame --- */

static void
list_read(struct reader *r, enum slurm_kind kind, json_t *parent)
{
	json_t *list = json_object_get(parent, slurm_kind_name(kind));

	if (list == NULL)
		bad(r, RPKI_SLURM_MISSING, slurm_kind_name(kind));
	else if (!json_is_array(list))
		bad(r, RPKI_SLURM_TYPE, slurm_kind_name(kind));
	else if (json_array_size(list) > SLURM_ENTRIES_MAX - r->s->n)
		limit_add(r, N_("entries of all files"), SLURM_ENTRIES_MAX);
	else
		for (size_t i = 0; i < json_array_size(list) && r->rc == 0; i++)
			entry_read(r, kind, i, json_array_get(list, i));
}

/* ASPAs came with version 2. */
static bool
kind_of_version(const struct reader *r, enum slurm_kind k)
{
	return r->version == 2 || (k != SLURM_ASPA_FILTER && k != SLURM_ASPA_ASSERTION);
}

static void
half_read(struct reader *r, json_t *root, const char *name, bool filters)
{
	json_t *half = json_object_get(root, name), *v;
	const char *key;

	r->where = sv_str(name);
	if (half == NULL)
		return;			/* said by frame_read() */
	if (!json_is_object(half)) {
		bad(r, RPKI_SLURM_TYPE, name);
		return;
	}
	json_object_foreach(half, key, v) {
		int k;

		for (k = 0; k < SLURM_KIND_MAX; k++)
			if (strcmp(slurm_kind_name((enum slurm_kind)k), key) == 0)
				break;
		if (k == SLURM_KIND_MAX || slurm_is_filter((enum slurm_kind)k) != filters ||
		    !kind_of_version(r, (enum slurm_kind)k))
			bad(r, RPKI_SLURM_MEMBER, key);
	}
	for (int k = 0; k < SLURM_KIND_MAX && r->rc == 0; k++)
		if (slurm_is_filter((enum slurm_kind)k) == filters &&
		    kind_of_version(r, (enum slurm_kind)k)) {
			r->where = sv_str(name);
			list_read(r, (enum slurm_kind)k, half);
		}
}

static void
frame_read(struct reader *r, json_t *root)
{
	static const char *const names[] = { "slurmVersion", "validationOutputFilters",
	    "locallyAddedAssertions" };
	const json_t *version = json_object_get(root, names[0]);
	const char *key;
	json_t *v;

	r->where = SV("{}");
	json_object_foreach(root, key, v) {
		size_t i;

		for (i = 0; i < ARRAY_LEN(names) && strcmp(names[i], key) != 0; i++)
			;
		if (i == ARRAY_LEN(names))
			bad(r, RPKI_SLURM_MEMBER, key);
	}
	for (size_t i = 1; i < ARRAY_LEN(names); i++)
		if (json_object_get(root, names[i]) == NULL)
			bad(r, RPKI_SLURM_MISSING, names[i]);
	if (!json_is_integer(version) || json_integer_value(version) < 1 ||
	    json_integer_value(version) > 2) {
		finding_add0(r->fs, code(RPKI_SLURM_VERSION));
		return;
	}
	r->version = (unsigned)json_integer_value(version);
	half_read(r, root, names[1], true);
	half_read(r, root, names[2], false);
}

int
slurm_json_parse(struct slurm *s, struct sv text, const char *file, struct findings *fs)
{
	struct reader r = { .s = s, .fs = fs };
	json_error_t e;
	json_t *root;
	int no = slurm_file(s, file);

	if (no < 0)
		return no;
	r.file = (uint32_t)no;
	fs->subject = sv_str(file);
	if (text.n > SLURM_SIZE_MAX) {
		limit_add(&r, N_("bytes of a file"), SLURM_SIZE_MAX);
		return 0;
	}
	root = json_loadb(text.n > 0 ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &e);
	if (root == NULL || !json_is_object(root)) {
		bool oom = root == NULL && json_error_code(&e) == json_error_out_of_memory;

		finding_add(fs, code(RPKI_SLURM_JSON),
		    FA_STR("detail", root == NULL ? e.text : "not an object"),
		    FA_U("line", root == NULL ? e.line : 1));
		json_decref(root);
		return oom ? -ENOMEM : 0;
	}
	frame_read(&r, root);
	json_decref(root);
	return r.rc;
}

int
slurm_files_read(struct slurm *s, const char *const *paths, size_t n, struct findings *fs,
    const struct complain *c)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct file_map map;

		if ((rc = file_map(paths[i], SLURM_SIZE_MAX, &map)) == 0) {
			rc = slurm_json_parse(s, map.data, paths[i], fs);
			file_unmap(&map);
		}
		if (rc < 0)
			complain(c, tr(c->lang, N_("cannot read the SLURM file %s: %s")), paths[i],
			    err_str(rc));
	}
	return rc;
}
