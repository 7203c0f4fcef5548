/* The resolver's files; see role/role.h. */
#include <errno.h>

#include "role/role.h"
#include "sys/file.h"
#include "sys/sandbox.h"

static uint64_t
signature(void)
{
	uint64_t v = 1;	/* no file there is a state, too */

	for (size_t i = 0; sandbox_resolver_files[i] != NULL; i++)
		v = v * 31 + file_signature(sandbox_resolver_files[i], 0);
	return v;
}

int
role_resolver(struct role *r, uint64_t *ret)
{
	for (size_t i = 0; sandbox_resolver_files[i] != NULL; i++) {
		int rc = role_path(r, sandbox_resolver_files[i], SANDBOX_READ);

		if (rc < 0 && rc != -ENOENT)
			return rc;
	}
	*ret = signature();
	return 0;
}

bool
role_resolver_changed(struct role *r, uint64_t was)
{
	if (was == signature())
		return false;
	role_log(r, LOG_LEVEL_NOTICE, "the resolver's configuration has changed, starting anew");
	role_stop(r, 0);
	return true;
}
