/* Keys from their files: each file once, however many domains it signs for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_sign_file.h"
#include "base/err.h"
#include "role/seal_role.h"

static int
file_add(struct seal_role *s, const char *path, struct seal_file **ret)
{
	struct seal_file *f;

	if (s->n_files == s->cap_files) {
		size_t cap = max_size(16, 2 * s->cap_files);
		struct seal_file **list = reallocarray(s->list, cap, sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		s->list = list;
		s->cap_files = cap;
	}
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return -ENOMEM;
	s->list[s->n_files++] = f;
	if ((f->path = strdup(path)) == NULL)
		return -ENOMEM;
	*ret = f;
	return map_add(&s->files, sv_str(f->path), f);
}

int
seal_file_take(struct seal_role *s, const char *path, const char *whose, const struct seal_file **ret)
{
	struct seal_file *f = map_find(&s->files, sv_str(path));
	const char *why = "";
	int rc;

	if (f == NULL) {
		if ((rc = file_add(s, path, &f)) < 0)
			return rc;
		if ((rc = mail_sign_file_read(path, &f->priv, &why)) == -ENOMEM)
			return rc;
		if (rc < 0) {
			s->n_bad++;
			role_log(s->role, LOG_LEVEL_ERROR, "%s: mail is not signed with this key: %s: %s", whose,
			    path, why);
		}
	}
	*ret = f;
	return 0;
}

void
seal_files_free(struct seal_role *s)
{
	for (size_t i = 0; i < s->n_files; i++) {
		(void)crypto_priv_free(s->list[i]->priv);
		free(s->list[i]->path);
		free(s->list[i]);
	}
	free(s->list);
	s->list = NULL;
	s->n_files = s->cap_files = 0;
	map_done(&s->files);
}
