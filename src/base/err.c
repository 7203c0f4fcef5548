#include <string.h>

#include "base/err.h"
#include "base/util.h"

static const struct {
	int		 code;
	const char	*name;
	enum err_cat	 cat;
	const char	*text;
} errs[] = {
#define X(name, value, cat, text) { value, #name, cat, text },
#include "base/err.def"
#undef X
};

const char *
err_str(int rc)
{
	const char *s;

	for (size_t i = 0; i < ARRAY_LEN(errs); i++)
		if (errs[i].code == rc)
			return errs[i].text;
	/* strerrordesc_np() is constant and thread-safe, unlike strerror(). */
	s = rc < 0 ? strerrordesc_np(-rc) : NULL;
	return s != NULL ? s : "unknown error";
}

const char *
err_name(int rc)
{
	const char *s;

	for (size_t i = 0; i < ARRAY_LEN(errs); i++)
		if (errs[i].code == rc)
			return errs[i].name;
	s = rc < 0 ? strerrorname_np(-rc) : NULL;
	return s != NULL ? s : "unknown";
}

enum err_cat
err_cat(int rc)
{
	for (size_t i = 0; i < ARRAY_LEN(errs); i++)
		if (errs[i].code == rc)
			return errs[i].cat;
	return ERR_IO;
}
