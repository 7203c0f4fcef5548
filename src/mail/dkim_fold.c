/* Signature fields as text: tags one behind the other, folded (RFC 5322 section 2.1.1). */
#include <inttypes.h>
#include <stdio.h>

#include "base/base64.h"
#include "mail/dkim.h"

#define COLUMNS		78
#define TAB		8
#define OCTETS_MAX	512	/* of a digest or a signature */

void
dkim_fold_init(struct dkim_fold *f, struct buf *out, const char *field)
{
	*f = (struct dkim_fold){ out, strlen(field) + 1 };
	buf_str(out, field);
	buf_char(out, ':');
}

static void
put(struct dkim_fold *f, struct sv s)
{
	buf_sv(f->out, s);
	f->column += s.n;
}

static void
fold(struct dkim_fold *f)
{
	buf_sv(f->out, SV("\r\n\t"));
	f->column = TAB;
}

/* A blank, or a fold where what follows would not fit behind it. */
static void
gap(struct dkim_fold *f, size_t n)
{
	if (f->column + 1 + n > COLUMNS)
		fold(f);
	else
		put(f, SV(" "));
}

void
dkim_fold_tag(struct dkim_fold *f, const char *name, struct sv value)
{
	gap(f, strlen(name) + 1 + value.n + 1);
	put(f, sv_str(name));
	put(f, SV("="));
	put(f, value);
	put(f, SV(";"));
}

void
dkim_fold_number(struct dkim_fold *f, const char *name, int64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, v);
	dkim_fold_tag(f, name, sv_str(text));
}

void
dkim_fold_octets(struct dkim_fold *f, const char *name, const void *octets, size_t n)
{
	char text[(OCTETS_MAX + 2) / 3 * 4];
	size_t len = base64_encode(text, octets, min_size(n, OCTETS_MAX));

	dkim_fold_tag(f, name, (struct sv){ text, len });
}

/* White space may stand on both sides of h='s colons (section 3.5). */
void
dkim_fold_names(struct dkim_fold *f, const char *name, const struct sv *names, size_t n)
{
	gap(f, strlen(name) + 1 + (n > 0 ? names[0].n : 0) + 1);
	put(f, sv_str(name));
	put(f, SV("="));
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && f->column + names[i].n + 1 > COLUMNS)
			fold(f);
		put(f, names[i]);
		put(f, i + 1 < n ? SV(":") : SV(";"));
	}
}

void
dkim_fold_b(struct dkim_fold *f)
{
	gap(f, 3);
	put(f, SV("b="));
}

void
dkim_fold_b_octets(struct dkim_fold *f, const void *octets, size_t n)
{
	char text[(OCTETS_MAX + 2) / 3 * 4];
	struct sv left = { text, base64_encode(text, octets, min_size(n, OCTETS_MAX)) };

	while (left.n > 0) {
		size_t room = COLUMNS - f->column;

		put(f, sv_take(left, room));
		left = sv_skip(left, room);
		if (left.n > 0)
			fold(f);
	}
}
