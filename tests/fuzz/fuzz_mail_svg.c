/* mail_svg: any octets end in findings at bounded cost; gzip first. */
#include <stdint.h>
#include <stdlib.h>

#include "app/mail_svg.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct findings fs;
	struct sv svg;

	if (pool == NULL)
		abort();
	findings_init(&fs, pool);
	if (mail_svg_plain(pool, (struct sv){ (const char *)bytes, n }, &fs, &svg) < 0 || svg.n > MAIL_SVG_MAX + n)
		abort();
	if (mail_svg_check(svg, &fs) < 0 || fs.n_dropped > 0)
		abort();
	(void)pool_free(pool);
	return 0;
}
