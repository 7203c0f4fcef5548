#include <stdio.h>
#include <string.h>

#include "app/crypto_choice.h"
#include "cmd/status_crypto.h"

/* The parent's word in English (crypto_choice_why()), as a msgid. */
static const char *
why_text(const char *why, const char *path)
{
	if (strcmp(why, "asked") == 0)
		return N_("as asked for");
	if (strcmp(why, "unavailable") == 0)
		return N_("what was asked for cannot be had on this machine");
	if (strcmp(path, crypto_path_name(CRYPTO_IFMA)) == 0)
		return N_("this processor has AVX-512 IFMA");
	return strcmp(why, "architecture") == 0 ? N_("AVX-512 IFMA is for x86-64 only") :
	    N_("this processor has no AVX-512 IFMA");
}

/* P-256 tables of all roles. */
static long long
tables_count(const json_t *details)
{
	const char *role;
	json_t *line;
	long long n = 0;

	json_object_foreach((json_t *)(uintptr_t)details, role, line) {
		const json_t *crypto = json_object_get(json_object_get(line, "status"), "crypto");

		n += (long long)json_integer_value(json_object_get(crypto, "tables"));
	}
	return n;
}

void
status_crypto_print(const struct cmd_ctx *ctx, const json_t *house, const json_t *details)
{
	const json_t *crypto = json_object_get(house, "crypto");
	const char *path = json_string_value(json_object_get(crypto, "path"));
	const char *why = json_string_value(json_object_get(crypto, "why"));

	if (path == NULL || why == NULL)
		return;		/* a daemon of before */
	printf(tr(ctx->lang, N_("signatures are verified by way of: %s (%s); tables of P-256 keys: %lld\n")),
	    path, tr(ctx->lang, why_text(why, path)), tables_count(details));
}
