#include "app/crypto_choice.h"
#include "role/crypto.h"

static void
status(struct json *j)
{
	size_t n, max;

	crypto_path_tables(&n, &max);
	json_key(j, "crypto");
	json_open(j, '{');
	json_kv_str(j, "path", crypto_path_name(crypto_path()));
	json_kv_u64(j, "tables", n);
	json_kv_u64(j, "tables_max", max);
	json_close(j, '}');
}

const struct role_crypto role_crypto = { .take = crypto_choice_take, .status = status };
