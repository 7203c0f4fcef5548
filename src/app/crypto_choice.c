#include <errno.h>

#include "app/crypto_choice.h"

#if defined(__x86_64__)
#define HAS_LANES	true	/* IFMA is for this kind of processor; not all of them have it */
#else
#define HAS_LANES	false
#endif

int
crypto_choice_parse(struct sv wish, enum crypto_path *ret)
{
	enum crypto_path p;

	*ret = crypto_path();
	if (sv_eq_str(wish, CRYPTO_CHOICE_AUTO))
		return 0;
	if (crypto_path_parse(wish, &p) < 0)
		return -EINVAL;
	if (!crypto_path_can(p))
		return -ENOTSUP;
	*ret = p;
	return 0;
}

int
crypto_choice_take(struct sv wish)
{
	enum crypto_path p;
	int rc = crypto_choice_parse(wish, &p);

	if (rc < 0 || sv_eq_str(wish, CRYPTO_CHOICE_AUTO))
		return rc;
	return crypto_path_force(p);
}

void
crypto_choice_list(struct buf *b)
{
	buf_str(b, CRYPTO_CHOICE_AUTO);
	for (unsigned p = 0; p < CRYPTO_PATH_MAX; p++)
		if (crypto_path_can((enum crypto_path)p))
			buf_printf(b, " %s", crypto_path_name((enum crypto_path)p));
}

const char *
crypto_choice_why(struct sv wish)
{
	enum crypto_path p;

	if (crypto_choice_parse(wish, &p) < 0)
		return "unavailable";
	if (!sv_eq_str(wish, CRYPTO_CHOICE_AUTO))
		return "asked";
	return HAS_LANES ? "processor" : "architecture";
}

void
crypto_choice_json(struct json *j, struct sv wish)
{
	enum crypto_path p;

	(void)crypto_choice_parse(wish, &p);
	json_open(j, '{');
	json_kv_str(j, "path", crypto_path_name(p));
	json_kv_sv(j, "asked", wish);
	json_kv_str(j, "why", crypto_choice_why(wish));
	json_close(j, '}');
}
