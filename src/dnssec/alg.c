#include "dnssec/dnssec.h"

#define ROW_(n, name, us, uv, is, iv, adv, why) \
	{ n, name, ALG_##us, ALG_##uv, ALG_##is, ALG_##iv, adv, why },

static const struct dnssec_alg algs[] = {
#define A ROW_
#include "dnssec/algs.def"
};
static const struct dnssec_alg digests[] = {
#define D ROW_
#include "dnssec/algs.def"
};

const char *
alg_level_str(enum alg_level l)
{
	static const char *const words[ALG_LEVEL_MAX] = {
		"MUST NOT", "NOT RECOMMENDED", "MAY", "RECOMMENDED", "MUST",
	};

	return words[l];
}

static const struct dnssec_alg *
row_find(const struct dnssec_alg *rows, size_t n, uint8_t number)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].number == number)
			return &rows[i];
	return NULL;
}

static const struct dnssec_alg *
row_parse(const struct dnssec_alg *rows, size_t n, struct sv text)
{
	uint32_t number;

	for (size_t i = 0; i < n; i++)
		if (sv_caseeq(text, sv_str(rows[i].name)))
			return &rows[i];
	if (num_u32(text, 0, 255, &number) < 0)
		return NULL;
	return row_find(rows, n, (uint8_t)number);
}

const struct dnssec_alg *
dnssec_alg_find(uint8_t number)
{
	return row_find(algs, ARRAY_LEN(algs), number);
}

const struct dnssec_alg *
dnssec_digest_find(uint8_t number)
{
	return row_find(digests, ARRAY_LEN(digests), number);
}

const struct dnssec_alg *
dnssec_alg_parse(struct sv text)
{
	return row_parse(algs, ARRAY_LEN(algs), text);
}

const struct dnssec_alg *
dnssec_digest_parse(struct sv text)
{
	return row_parse(digests, ARRAY_LEN(digests), text);
}

const struct dnssec_alg *
dnssec_algs(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(algs);
	return algs;
}

const struct dnssec_alg *
dnssec_digests(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(digests);
	return digests;
}
