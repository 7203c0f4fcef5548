/* Bodies: bytes from memory, then from a file, then made as they are sent. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/err.h"
#include "lab/serve.h"
#include "sys/file.h"

#define GZIP_WINDOW	(15 + 16)	/* zlib: the largest window, in gzip's frame */
#define GZIP_LEVEL	1		/* the lab's processor is the fetcher's, too */
#define GZIP_IN		(16 * 1024)
#define BOMB_BLOCK	(1024 * 1024)	/* blanks in one block of a bomb */
#define CHUNK_FRAME	16		/* a chunk's size line and its end */

struct serve_gzip {
	z_stream	 z;
	bool		 end_of_input;
	uint8_t		 in[GZIP_IN];
};

void
serve_body_done(struct serve_body *b)
{
	buf_done(&b->mem);
	buf_done(&b->piece);
	buf_done(&b->tail);
	fd_close(&b->fd);
	if (b->gzip != NULL) {
		(void)deflateEnd(&b->gzip->z);
		free(b->gzip);
		b->gzip = NULL;
	}
}

uint64_t
serve_body_size(const struct serve_body *b)
{
	return b->mem.len - b->mem_at + b->left + b->tail.len - b->tail_at;
}

/* --- plain --- */

static long
buf_read(const struct buf *b, size_t *at, void *p, size_t n)
{
	n = min_size(n, b->len - *at);
	if (n > 0)
		memcpy(p, b->p + *at, n);
	*at += n;
	return (long)n;
}

static long
file_part(struct serve_body *b, void *p, size_t n)
{
	long got;

	if (b->left == 0)
		return 0;
	got = stream_read(&b->fd, p, b->left < n ? (size_t)b->left : n);
	if (got == 0)
		return -EIO;		/* it shrank: the length that we told is wrong */
	if (got > 0)
		b->left -= (uint64_t)got;
	return got;
}

static long
piece_part(struct serve_body *b, void *p, size_t n)
{
	if (b->max == 0)
		return 0;
	if (b->piece_at == b->piece.len) {
		b->piece_at = 0;
		if (b->unit != NULL) {
			b->piece.len = 0;
			b->unit(&b->piece, b->n_pieces);
		}
		b->n_pieces++;
		if (b->piece.rc < 0 || b->piece.len == 0)
			return -ENOMEM;
	}
	n = (size_t)buf_read(&b->piece, &b->piece_at, p, b->max < n ? (size_t)b->max : n);
	b->max -= n;
	return (long)n;
}

static long
plain_part(struct serve_body *b, void *p, size_t n)
{
	long got = buf_read(&b->mem, &b->mem_at, p, n);

	if (got == 0)
		got = file_part(b, p, n);
	if (got == 0)
		got = piece_part(b, p, n);
	return got != 0 ? got : buf_read(&b->tail, &b->tail_at, p, n);
}

/* As much as there is room for: pieces are small. */
static long
plain_read(struct serve_body *b, uint8_t *p, size_t n)
{
	size_t have = 0;
	long got = 1;

	while (have < n && got > 0) {
		if ((got = plain_part(b, p + have, n - have)) < 0)
			return got;
		have += (size_t)got;
	}
	return (long)have;
}

/* --- compressed, chunked --- */

int
serve_body_gzip(struct serve_body *b)
{
	struct serve_gzip *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return -ENOMEM;
	if (deflateInit2(&g->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(g);
		return -ENOMEM;
	}
	b->gzip = g;
	return 0;
}

static long
gzip_read(struct serve_body *b, void *p, size_t n)
{
	struct serve_gzip *g = b->gzip;
	int rc = Z_OK;

	g->z.next_out = p;
	g->z.avail_out = (uInt)n;
	while (g->z.avail_out > 0 && rc != Z_STREAM_END) {
		if (g->z.avail_in == 0 && !g->end_of_input) {
			long got = plain_read(b, g->in, sizeof(g->in));

			if (got < 0)
				return got;
			g->end_of_input = got == 0;
			g->z.next_in = g->in;
			g->z.avail_in = (uInt)got;
		}
		rc = deflate(&g->z, g->end_of_input ? Z_FINISH : Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END)
			return rc == Z_BUF_ERROR ? (long)(n - g->z.avail_out) : -EIO;
	}
	return (long)(n - g->z.avail_out);
}

/* RFC 9112 section 7.1. The last chunk is sent once. */
static long
chunk_read(struct serve_body *b, uint8_t *p, size_t n)
{
	char size[CHUNK_FRAME];
	long got;
	int len;

	if (b->ended)
		return 0;
	n -= CHUNK_FRAME;
	got = b->gzip != NULL ? gzip_read(b, p + CHUNK_FRAME, n) : plain_read(b, p + CHUNK_FRAME, n);
	if (got < 0)
		return got;
	if (got == 0) {
		b->ended = true;
		memcpy(p, "0\r\n\r\n", 5);
		return 5;
	}
	len = snprintf(size, sizeof(size), "%lx\r\n", (unsigned long)got);
	memcpy(p, size, (size_t)len);
	memmove(p + len, p + CHUNK_FRAME, (size_t)got);
	memcpy(p + len + got, "\r\n", 2);
	return len + got + 2;
}

long
serve_body_read(struct serve_body *b, void *p, size_t n)
{
	if (b->mem.rc < 0 || b->tail.rc < 0)
		return -ENOMEM;
	if (b->chunked)
		return chunk_read(b, p, n);
	return b->gzip != NULL ? gzip_read(b, p, n) : plain_read(b, p, n);
}

/* --- made --- */

static int
deflate_all(z_stream *z, const void *p, size_t n, int flush, struct buf *to)
{
	uint8_t out[4096];
	int rc;

	z->next_in = (Bytef *)(uintptr_t)p;
	z->avail_in = (uInt)n;
	do {
		z->next_out = out;
		z->avail_out = sizeof(out);
		rc = deflate(z, flush);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return -EIO;
		buf_bytes(to, out, sizeof(out) - z->avail_out);
	} while (z->avail_out == 0);
	return to->rc;
}

/* A block that ends flushed can follow itself: nothing in it looks back. */
static int
bomb_blocks(struct serve_body *b, z_stream *z, const char *blanks, struct sv head)
{
	int rc = deflate_all(z, head.p, head.n, Z_FULL_FLUSH, &b->mem);

	if (rc == 0)
		rc = deflate_all(z, blanks, BOMB_BLOCK, Z_FULL_FLUSH, &b->piece);
	b->piece_at = b->piece.len;
	return rc;
}

static void
bomb_tail(struct serve_body *b, const char *blanks, struct sv head, uint64_t blocks)
{
	uLong crc = crc32(0, (const Bytef *)head.p, (uInt)head.n);
	uLong one = crc32(0, (const Bytef *)blanks, BOMB_BLOCK);
	uint64_t size = head.n + blocks * BOMB_BLOCK;

	for (uint64_t i = 0; i < blocks; i++)
		crc = crc32_combine(crc, one, BOMB_BLOCK);
	buf_bytes(&b->tail, "\x03\x00", 2);	/* an empty last block */
	for (unsigned i = 0; i < 4; i++)
		buf_char(&b->tail, (char)(crc >> 8 * i & 0xff));
	for (unsigned i = 0; i < 4; i++)
		buf_char(&b->tail, (char)(size >> 8 * i & 0xff));
}

int
serve_body_bomb(struct serve_body *b, uint64_t blanks)
{
	const struct sv head = SV("<?xml version=\"1.0\"?>\n");
	uint64_t blocks = (blanks + BOMB_BLOCK - 1) / BOMB_BLOCK;
	z_stream z = { 0 };
	char *block;
	int rc;

	if ((block = malloc(BOMB_BLOCK)) == NULL)
		return -ENOMEM;
	memset(block, ' ', BOMB_BLOCK);
	buf_bytes(&b->mem, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03", 10);
	if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(block);
		return -ENOMEM;
	}
	rc = bomb_blocks(b, &z, block, head);
	(void)deflateEnd(&z);
	if (rc == 0) {
		bomb_tail(b, block, head, blocks);
		b->max = blocks * b->piece.len;
	}
	free(block);
	return rc;
}

#define DELTA_SERIAL	4000000000u	/* of a notification without end */

/* Serials go down one by one, as they would in a true notification. */
void
serve_unit_delta(struct buf *b, uint64_t i)
{
	for (unsigned k = 0; k < 100; k++) {
		uint64_t serial = DELTA_SERIAL - (i * 100 + k) % DELTA_SERIAL;

		buf_printf(b, "<delta serial=\"%llu\" uri=\"https://lab.example.net/%llu/delta.xml\" hash=\"",
		    (unsigned long long)serial, (unsigned long long)serial);
		for (unsigned n = 0; n < 8; n++)
			buf_printf(b, "%08llx", (unsigned long long)(serial & 0xffffffff));
		buf_str(b, "\"/>\n");
	}
}

void
serve_unit_publish(struct buf *b, uint64_t i)
{
	buf_printf(b, "<publish uri=\"rsync://lab.example.net/repo/%llu.roa\">", (unsigned long long)i);
	for (unsigned k = 0; k < 1024; k++)
		buf_str(b, "MIIFmwYJKoZIhvcNAQcCoIIFjDCCBYgCAQMxDTALBglghkgBZQMEAgEwMAYLKoZI");
	buf_str(b, "</publish>\n");
}

void
serve_unit_header(struct buf *b, uint64_t i)
{
	buf_printf(b, "X-Lab-%llu: there is more to come, and more, and more\r\n", (unsigned long long)i);
}

void
serve_unit_continue(struct buf *b, uint64_t i UNUSED)
{
	buf_str(b, "HTTP/1.1 100 Continue\r\n\r\n");
}

void
serve_unit_line(struct buf *b, uint64_t i)
{
	buf_printf(b, "line %llu of a text without end\n", (unsigned long long)i);
}
