/* What is found (key_import.c) and written (key_import_write.c). */
#ifndef APP_KEY_IMPORT_INTERNAL_H
#define APP_KEY_IMPORT_INTERNAL_H

#include "app/key_import.h"
#include "base/pool.h"
#include "dnssec/dnssec.h"

struct key_import {
	struct pool		*pool;
	struct dname		 zone;
	int64_t			 now;
	struct keyring		*ring;		/* BIND's; NULL: none was read */
	size_t			 n, n_priv, n_missing;
	struct import_key	 key[KEY_IMPORT_MAX];
	struct crypto_priv	*priv[KEY_IMPORT_MAX];	/* of PEM files */
};

#endif
