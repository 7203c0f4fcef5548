/* Large worlds: a description, so that they go the same way as small ones. */
#include "lab/internal.h"

/* Each ROA has a /28 of 10.0.0.0/8, every second one a /64 of 2001:db8::/32, too. */
#define V4_BASE		0x0a000000u
#define ASN_BASE	4200000000u

static void
v4_print(struct buf *b, uint32_t a)
{
	buf_printf(b, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

static void
scale_ca(struct buf *b, uint32_t i, uint32_t n_roas)
{
	uint32_t first = i * n_roas, last = first + n_roas - 1;

	buf_printf(b, "\tca ca%u {\n\t\tresources AS%u 2001:db8:%x:%x::-2001:db8:%x:%x:"
	    "ffff:ffff:ffff:ffff ", i, ASN_BASE + i, first >> 16, first & 0xffff,
	    last >> 16, last & 0xffff);
	v4_print(b, V4_BASE + first * 16);
	buf_char(b, '-');
	v4_print(b, V4_BASE + last * 16 + 15);
	buf_char(b, '\n');
	for (uint32_t k = first; k <= last; k++) {
		buf_printf(b, "\t\troa AS%u ", ASN_BASE + i);
		v4_print(b, V4_BASE + k * 16);
		buf_str(b, "/28");
		if (k % 2 == 1)
			buf_printf(b, " 2001:db8:%x:%x::/64", k >> 16, k & 0xffff);
		buf_char(b, '\n');
	}
	buf_str(b, "\t}\n");
}

void
lab_scale(struct buf *b, uint32_t n_cas, uint32_t n_roas)
{
	buf_str(b, "ta scale {\n\tresources 10.0.0.0/8 2001:db8::/32 AS4200000000-AS4294967294\n");
	for (uint32_t i = 0; i < n_cas; i++)
		scale_ca(b, i, n_roas);
	buf_str(b, "}\n");
}
