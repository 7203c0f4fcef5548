/*
 * The answer as it comes: headers that are wanted, the body inflated piece by
 * piece, and the limits on both sides of the inflating.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/fetch.h"
#include "sys/clock.h"

/* One step of inflating. */
#define OUT_MAX		(64 * 1024)
/* windowBits of zlib: the largest window, gzip's wrapping only. */
#define GZIP_BITS	(15 + 16)

void
fetch_body_reset(struct fetch *f)
{
	if (f->z_open)
		(void)inflateEnd(&f->z);
	memset(&f->z, 0, sizeof(f->z));
	f->z_open = f->z_end = f->gzip = f->foreign_coding = f->in_body = f->location_long = false;
	f->status = 0;
	f->header_bytes = f->wire = f->bytes = 0;
	f->etag[0] = f->modified[0] = f->type[0] = f->location[0] = '\0';
	free(f->held);
	f->held = NULL;
	f->held_len = f->held_off = 0;
}

/* --- headers --- */

/* Too long to be kept: as if it were not there. */
static void
value_keep(char *dst, size_t max, struct sv value)
{
	if (value.n > max)
		value.n = 0;
	memcpy(dst, value.p, value.n);
	dst[value.n] = '\0';
}

static void
coding_read(struct fetch *f, struct sv value)
{
	if (sv_caseeq(value, SV("gzip")) || sv_caseeq(value, SV("x-gzip")))
		f->gzip = true;
	else if (value.n > 0 && !sv_caseeq(value, SV("identity")))
		f->foreign_coding = true;
}

static void
header_read(struct fetch *f, struct sv line)
{
	struct sv name = sv_cut(&line, ':'), value = sv_trim(line);

	if (sv_caseeq(name, SV("etag")))
		value_keep(f->etag, FETCH_HEADER_MAX, value);
	else if (sv_caseeq(name, SV("last-modified")))
		value_keep(f->modified, FETCH_HEADER_MAX, value);
	else if (sv_caseeq(name, SV("content-type")))
		value_keep(f->type, FETCH_HEADER_MAX, value);
	else if (sv_caseeq(name, SV("content-encoding")))
		coding_read(f, value);
	else if (sv_caseeq(name, SV("location"))) {
		value_keep(f->location, FETCH_URL_MAX, value);
		f->location_long = value.n > FETCH_URL_MAX;
	}
}

/* "HTTP/1.1 200 OK": what came before it was provisional (1xx). */
static void
status_read(struct fetch *f, struct sv line)
{
	uint32_t status = 0;

	(void)sv_cut(&line, ' ');
	f->status = num_u32(sv_take(line, 3), 100, 999, &status) < 0 ? 0 : status;
	f->gzip = f->foreign_coding = f->location_long = false;
	f->etag[0] = f->modified[0] = f->type[0] = f->location[0] = '\0';
}

size_t
fetch_on_header(char *p, size_t one UNUSED, size_t n, void *arg)
{
	struct fetch *f = arg;
	struct sv line = sv_trim((struct sv){ p, n });

	f->header_bytes += n;
	if (f->header_bytes > FETCH_HEADERS_BYTES_MAX) {
		FAIL(f, FETCH_HEADERS, FA_STR("url", f->url.text),
		    FA_U("limit", FETCH_HEADERS_BYTES_MAX));
		return 0;
	}
	if (f->in_body)			/* trailers: nothing in them is wanted */
		return n;
	if (sv_starts(line, SV("HTTP/")))
		status_read(f, line);
	else
		header_read(f, line);
	return n;
}

/* --- the body --- */

static bool
body_fail(struct fetch *f, const char *what)
{
	FAIL(f, FETCH_BODY, FA_STR("url", f->url.text), FA_MSG("what", what));
	return false;
}

static bool
too_large(struct fetch *f, uint64_t limit, const char *what)
{
	FAIL(f, FETCH_TOO_LARGE, FA_STR("url", f->url.text), FA_U("limit", limit),
	    FA_MSG("what", what));
	return false;
}

/* To the receiver. */
static bool
body_give(struct fetch *f, const void *p, size_t n)
{
	int rc;

	if (n == 0)
		return true;
	f->bytes += n;
	if (f->bytes > f->limits.max_bytes)
		return too_large(f, f->limits.max_bytes, N_("inflated"));
	if (f->bytes > FETCH_RATIO_FREE && f->bytes / FETCH_RATIO_MAX > f->wire)
		return too_large(f, f->wire * FETCH_RATIO_MAX, N_("a hundred times what was sent"));
	rc = f->data(f->arg, p, n);
	if (rc < 0) {
		f->rc = rc;
		return false;
	}
	f->is_paused = rc == FETCH_PAUSE;
	if (f->is_paused)
		f->paused_at = clock_mono_usec();
	return true;
}

/* What was not inflated yet stays for fetch_body_drain(). */
static bool
body_hold(struct fetch *f, const uint8_t *p, size_t n)
{
	uint8_t *held;

	if (n == 0)
		return true;
	if ((held = malloc(n)) == NULL) {
		f->rc = -ENOMEM;
		return false;
	}
	memcpy(held, p, n);
	free(f->held);
	f->held = held;
	f->held_len = n;
	f->held_off = 0;
	return true;
}

/* Until the input is used up or the receiver pauses; *ret_left is the rest. */
static bool
body_inflate(struct fetch *f, const uint8_t *p, size_t n, size_t *ret_left)
{
	uint8_t out[OUT_MAX];
	int rc = Z_OK;

	if (!f->z_open) {
		if (inflateInit2(&f->z, GZIP_BITS) != Z_OK) {
			f->rc = -ENOMEM;
			return false;
		}
		f->z_open = true;
	}
	f->z.next_in = (z_const Bytef *)(uintptr_t)p;
	f->z.avail_in = (uInt)n;
	/* A full output may mean that more is waiting in zlib. */
	do {
		f->z.next_out = out;
		f->z.avail_out = sizeof(out);
		rc = inflate(&f->z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return body_fail(f, N_("its gzip data are damaged"));
		if (!body_give(f, out, sizeof(out) - f->z.avail_out))
			return false;
	} while (rc == Z_OK && !f->is_paused && (f->z.avail_in > 0 || f->z.avail_out == 0));
	f->z_end = rc == Z_STREAM_END;
	*ret_left = f->z.avail_in;
	if (f->z_end && f->z.avail_in > 0)
		return body_fail(f, N_("there are bytes behind its gzip data"));
	return true;
}

static bool
body_take(struct fetch *f, const uint8_t *p, size_t n)
{
	size_t left = 0;

	f->wire += n;
	if (f->wire > f->limits.max_wire)
		return too_large(f, f->limits.max_wire, N_("as sent"));
	if (f->foreign_coding)
		return body_fail(f, N_("it has an encoding that was not asked for"));
	if (!f->gzip)
		return body_give(f, p, n);
	if (f->z_end)
		return body_fail(f, N_("there are bytes behind its gzip data"));
	if (!body_inflate(f, p, n, &left))
		return false;
	return body_hold(f, p + n - left, left);
}

size_t
fetch_on_body(char *p, size_t one UNUSED, size_t n, void *arg)
{
	struct fetch *f = arg;

	f->in_body = true;
	/* Other answers' bodies are of no use; the transfer ends, the status stays. */
	if (f->phase == FETCH_DEAD || f->status != 200)
		return 0;
	if (f->is_paused)
		return CURL_WRITEFUNC_PAUSE;
	return body_take(f, (const uint8_t *)p, n) ? n : 0;
}

bool
fetch_body_drain(struct fetch *f)
{
	size_t left = 0;

	if (!f->z_open || f->z_end)
		return true;
	/* Also without input: zlib may hold output back. */
	if (!body_inflate(f, f->held == NULL ? NULL : f->held + f->held_off,
	    f->held_len - f->held_off, &left))
		return false;
	f->held_off = f->held_len - left;
	if (left == 0) {
		free(f->held);
		f->held = NULL;
		f->held_len = f->held_off = 0;
	}
	return true;
}

void
fetch_body_end(struct fetch *f)
{
	if (f->status == 200 && f->gzip && !f->z_end)
		(void)body_fail(f, N_("its gzip data end too early"));
}
