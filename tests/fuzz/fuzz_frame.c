/* A frame of the house: any bytes end in 0 or -EBADMSG; what is read is written alike. */
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "role/role.h"
#include "sys/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
round_trip(struct frame *f)
{
	static uint8_t out[FRAME_MAX];
	alignas(16) char msg[1024];
	struct wr w = wr_mem(out, sizeof(out));
	int fds[FRAME_FDS_MAX];
	unsigned n_fds = 0;

	if (f->def->size > sizeof(msg))
		abort();
	if (frame_read(f, msg) < 0)
		return;
	if (frame_write(f->def, f->from, f->to, msg, &w, fds, &n_fds) < 0 ||
	    w.len != f->whole.n || memcmp(out, f->whole.p, w.len) != 0)
		abort();
	frame_msg_close(f->def, msg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sv whole = { (const char *)p, n };

	for (unsigned n_fds = 0; n_fds <= 1; n_fds++) {
		struct frame f = { .fds = { -1, -1, -1, -1 } };

		if (frame_head(&messages, whole, n_fds, &f) == 0)
			round_trip(&f);
	}
	return 0;
}
