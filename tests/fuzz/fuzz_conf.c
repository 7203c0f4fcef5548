/* The configuration: any text is read or refused with a place and a sentence. */
#include <stdint.h>
#include <stdlib.h>

#include "app/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sv text = { (const char *)p, n };
	struct conf_error err = { 0 };
	struct conf *c = NULL;
	struct buf b = BUF_INIT;

	if (app_conf_parse(text, "fuzz.conf", &c, &err) < 0) {
		if (c != NULL || err.code == CONF_OK)
			abort();
		conf_error_text(&err, LANG_JA, &b);
		if (b.len == 0)
			abort();
	}
	buf_done(&b);
	conf_free(c);
	return 0;
}
