#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/vrps_csv.h"
#include "base/err.h"
#include "base/timefmt.h"

static bool
is_head(struct sv line)
{
	return line.n >= 3 && sv_caseeq(sv_take(line, 3), SV("ASN"));
}

static struct sv
field(struct sv *line)
{
	struct sv f = sv_trim(sv_cut(line, ','));

	if (f.n >= 2 && f.p[0] == '"' && f.p[f.n - 1] == '"')
		f = (struct sv){ f.p + 1, f.n - 2 };
	return f;
}

/* A number of seconds, a time, or nothing. */
static int
expires_parse(struct sv s, int64_t *ret)
{
	uint64_t u;

	*ret = TIME_NEVER;
	if (s.n == 0)
		return 0;
	if (num_u64(s, 0, INT64_MAX - 1, &u) == 0) {
		*ret = (int64_t)u;
		return 0;
	}
	return time_parse(s, ret);
}

static int
row_parse(struct sv line, struct payloads *p, struct vrp *v)
{
	struct sv asn = field(&line), px = field(&line), max = field(&line), ta = field(&line);
	struct ip_prefix x;
	uint32_t max_len;
	int rc;

	if (asn_parse(asn, &v->asn) < 0 || ip_prefix_parse(px, &x) < 0)
		return SE_SYNTAX;
	max_len = x.len;
	if (max.n > 0 && num_u32(max, x.len, ip_bits(x.af), &max_len) < 0)
		return SE_SYNTAX;
	if (expires_parse(field(&line), &v->expires) < 0 || line.n > 0)
		return SE_SYNTAX;
	if ((rc = payloads_ta(p, ta.n > 0 ? ta : SV("-"))) < 0)
		return rc == -E2BIG ? SE_LIMIT : rc == -EINVAL ? SE_SYNTAX : rc;
	memcpy(v->addr, x.addr, sizeof(v->addr));
	v->af = x.af;
	v->len = x.len;
	v->max_len = (uint8_t)max_len;
	v->ta = (uint8_t)rc;
	v->ca = PAYLOAD_CA_NONE;
	return vrp_is_sound(v) ? 0 : SE_SYNTAX;
}

bool
vrps_csv_is(struct sv text)
{
	struct payloads p = { 0 };
	struct vrp v = { 0 };
	struct sv line;

	if (!sv_line(&text, &line))
		return false;
	return is_head(line) || row_parse(line, &p, &v) == 0;
}

static size_t
lines_count(struct sv text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

int
vrps_csv_read(struct sv text, struct payloads *ret, uint64_t *ret_line)
{
	struct sv line;
	int rc;

	*ret_line = 0;
	if (text.n > VRPS_CSV_MAX)
		return SE_LIMIT;
	if ((ret->vrps = calloc(lines_count(text), sizeof(*ret->vrps))) == NULL)
		return -ENOMEM;
	while (sv_line(&text, &line)) {
		if ((*ret_line)++ == 0 && is_head(line))
			continue;
		if (sv_trim(line).n == 0 && text.n == 0)
			break;
		if ((rc = row_parse(line, ret, &ret->vrps[ret->n_vrps])) < 0)
			return rc;
		ret->n_vrps++;
	}
	return 0;
}
