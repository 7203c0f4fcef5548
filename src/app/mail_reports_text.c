/* A packed report, unpacked: see app/mail_reports_text.h. */
#include <errno.h>
#include <stdint.h>
#include <zlib.h>

#include "app/mail_reports_text.h"

#define PIECE	((size_t)16 * 1024)

static int
unpack(z_stream *z, mail_reports_piece_fn fn, void *arg)
{
	char piece[PIECE];
	int zrc = Z_OK, rc = 0;

	while (rc == 0 && zrc == Z_OK) {
		z->next_out = (Bytef *)piece;
		z->avail_out = PIECE;
		zrc = inflate(z, Z_NO_FLUSH);
		if (z->avail_out < PIECE)
			rc = fn(arg, (struct sv){ piece, PIECE - z->avail_out });
	}
	return rc != 0 ? rc : zrc == Z_STREAM_END && z->avail_in == 0 ? 0 : -EBADMSG;
}

int
mail_reports_text(struct sv gz, mail_reports_piece_fn fn, void *arg)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)gz.p, .avail_in = (uInt)gz.n };
	int rc;

	if (gz.n > UINT32_MAX)
		return -EBADMSG;
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return -ENOMEM;
	rc = unpack(&z, fn, arg);
	(void)inflateEnd(&z);
	return rc;
}
