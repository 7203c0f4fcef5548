/* BIND's private key files: one table of fields (dnssec/keyfile.h). */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/base64.h"
#include "dnssec/dnssec.h"
#include "dnssec/keyfile_internal.h"

struct reader {
	struct keyfile	*kf;
	struct findings	*fs;
	unsigned	 line;
	bool		 has_version, has_alg;
};

static int
refuse(const struct reader *r, enum dnssec_code code, struct sv field)
{
	finding_add(r->fs, &dnssec_findings[code], FA_U("line", r->line), FA_SV("field", field));
	return -EBADMSG;
}

/* --- the values --- */

static int
version_read(struct reader *r, struct sv value, size_t offset)
{
	(void)offset;
	/* v1.2 and v1.3 are in use; a later 1.x adds fields only. */
	if (!sv_starts(value, SV("v1.")))
		return -EINVAL;
	r->has_version = true;
	return 0;
}

/* "13 (ECDSAP256SHA256)": the number counts. */
static int
alg_read(struct reader *r, struct sv value, size_t offset)
{
	struct sv word;
	uint32_t n;

	(void)offset;
	if (!sv_word(&value, &word) || num_u32(word, 1, 255, &n) < 0)
		return -EINVAL;
	r->kf->alg = (uint8_t)n;
	r->has_alg = true;
	return 0;
}

static int
number_read(struct reader *r, struct sv value, size_t offset)
{
	struct keyfile *kf = r->kf;
	struct sv *dst = (struct sv *)(void *)((char *)kf + offset);
	uint8_t *p = kf->room + kf->n_room;
	size_t n;

	if (dst->p != NULL || base64_room(value.n) > sizeof(kf->room) - kf->n_room ||
	    base64_decode(p, value, &n) < 0 || n == 0)
		return -EINVAL;
	*dst = (struct sv){ (const char *)p, n };
	kf->n_room += n;
	return 0;
}

static int
text_read(struct reader *r, struct sv value, size_t offset)
{
	struct sv *dst = (struct sv *)(void *)((char *)r->kf + offset);

	if (value.n == 0)
		return -EINVAL;
	*dst = value;
	return 0;
}

/* n digits at the head of s as a number. */
static int
digits(struct sv *s, size_t n, int *ret)
{
	uint32_t v;

	if (s->n < n || num_u32(sv_take(*s, n), 0, 9999, &v) < 0)
		return -EINVAL;
	*ret = (int)v;
	*s = sv_skip(*s, n);
	return 0;
}

int
keyfile_time_parse(struct sv value, int64_t *ret)
{
	struct civil c;

	if (value.n != 14 || digits(&value, 4, &c.year) < 0 || digits(&value, 2, &c.mon) < 0 ||
	    digits(&value, 2, &c.day) < 0 || digits(&value, 2, &c.hour) < 0 ||
	    digits(&value, 2, &c.min) < 0 || digits(&value, 2, &c.sec) < 0)
		return -EINVAL;
	return time_from_civil(&c, ret);
}

static int
time_read(struct reader *r, struct sv value, size_t offset)
{
	return keyfile_time_parse(value, (int64_t *)(void *)((char *)r->kf + offset));
}

/* --- the fields --- */

#define NUMBER(name, field) \
	{ name, number_read, offsetof(struct keyfile, numbers.field) }
#define TIME(name, which) \
	{ name, time_read, offsetof(struct keyfile, time) + sizeof(int64_t) * (which) }

static const struct field {
	const char	*name;
	int		(*read)(struct reader *, struct sv value, size_t offset);
	size_t		 offset;
} fields[] = {
	{ "Private-key-format", version_read, 0 },
	{ "Algorithm", alg_read, 0 },
	NUMBER("Modulus", n),
	NUMBER("PublicExponent", e),
	NUMBER("PrivateExponent", d),
	NUMBER("Prime1", p),
	NUMBER("Prime2", q),
	NUMBER("Exponent1", dp),
	NUMBER("Exponent2", dq),
	NUMBER("Coefficient", qinv),
	NUMBER("PrivateKey", private_key),
	{ "Engine", text_read, offsetof(struct keyfile, engine) },
	{ "Label", text_read, offsetof(struct keyfile, label) },
	TIME("Created", KEYFILE_CREATED),
	TIME("Publish", KEYFILE_PUBLISH),
	TIME("Activate", KEYFILE_ACTIVATE),
	TIME("Revoke", KEYFILE_REVOKE),
	TIME("Inactive", KEYFILE_INACTIVE),
	TIME("Delete", KEYFILE_DELETE),
	TIME("DSPublish", KEYFILE_DS_PUBLISH),
	TIME("SyncPublish", KEYFILE_SYNC_PUBLISH),
	TIME("SyncDelete", KEYFILE_SYNC_DELETE),
};

static int
line_read(struct reader *r, struct sv line)
{
	struct sv value = line, name = sv_cut(&value, ':');

	line = sv_trim(line);
	if (line.n == 0 || line.p[0] == ';')
		return 0;
	if (name.n == line.n)
		/* What stands there may be a secret: it is not repeated. */
		return refuse(r, KEYFILE_SYNTAX, SV(""));
	value = sv_trim(value);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (sv_eq_str(name, fields[i].name))
			return fields[i].read(r, value, fields[i].offset) == 0 ? 0 :
			    refuse(r, KEYFILE_VALUE, name);
	return 0;
}

/* Is everything there that the algorithm needs? */
static int
whole(const struct reader *r)
{
	const struct crypto_numbers *k = &r->kf->numbers;
	bool rsa = r->kf->alg == 5 || r->kf->alg == 7 || r->kf->alg == 8 || r->kf->alg == 10;

	if (!r->has_version)
		return refuse(r, KEYFILE_MISSING, SV("Private-key-format"));
	if (!r->has_alg)
		return refuse(r, KEYFILE_MISSING, SV("Algorithm"));
	if (r->kf->label.n > 0)
		return 0;
	if (!rsa)
		return k->private_key.n > 0 ? 0 : refuse(r, KEYFILE_MISSING, SV("PrivateKey"));
	if (k->n.n == 0)
		return refuse(r, KEYFILE_MISSING, SV("Modulus"));
	if (k->e.n == 0)
		return refuse(r, KEYFILE_MISSING, SV("PublicExponent"));
	return k->d.n > 0 ? 0 : refuse(r, KEYFILE_MISSING, SV("PrivateExponent"));
}

int
keyfile_parse(struct sv text, struct findings *fs, struct keyfile *ret)
{
	struct reader r = { .kf = ret, .fs = fs };
	struct sv line;
	int rc = 0;

	*ret = (struct keyfile){ 0 };
	for (unsigned i = 0; i < KEYFILE_TIME_MAX; i++)
		ret->time[i] = TIME_NEVER;
	if (text.n > KEYFILE_SIZE_MAX)
		rc = refuse(&r, KEYFILE_SYNTAX, SV(""));
	while (rc == 0 && sv_line(&text, &line)) {
		if (++r.line > KEYFILE_LINES_MAX)
			rc = refuse(&r, KEYFILE_SYNTAX, SV(""));
		else
			rc = line_read(&r, line);
	}
	if (rc == 0)
		rc = whole(&r);
	if (rc < 0)
		keyfile_done(ret);
	return rc;
}

void
keyfile_done(struct keyfile *kf)
{
	explicit_bzero(kf, sizeof(*kf));
}
