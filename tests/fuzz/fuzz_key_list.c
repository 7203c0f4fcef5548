/* Lists of keys of other signers: what is taken is whole, and stands the second reading. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/key_list.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* As ods-enforcer key list -v -p has it. */
static void
row_write(const struct key_list_row *r, char *dst, size_t n)
{
	(void)snprintf(dst, n, "example.jp;%s;active;now;0;%u;%s;x;%u\n", r->ksk && r->zsk ? "CSK" :
	    r->ksk ? "KSK" : "ZSK", r->alg, r->id, r->tag);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct key_list l, again;
	struct dname zone;
	char text[512];
	unsigned line;

	if (dname_parse(SV("example.jp"), NULL, &zone) < 0)
		abort();
	if (key_list_parse((struct sv){ (const char *)data, n }, &zone, &l, &line) < 0)
		return 0;
	for (size_t i = 0; i < l.n; i++) {
		const struct key_list_row *a = &l.row[i], *b = &again.row[0];

		if (a->alg == 0 || (!a->ksk && !a->zsk) || strlen(a->id) < 8)
			abort();
		row_write(a, text, sizeof(text));
		if (key_list_parse(sv_str(text), &zone, &again, &line) < 0 || again.n != 1 ||
		    strcmp(a->id, b->id) != 0 || a->tag != b->tag || a->alg != b->alg ||
		    a->ksk != b->ksk || a->zsk != b->zsk)
			abort();
	}
	return 0;
}
