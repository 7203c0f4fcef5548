/* The zones of a configuration as roles read them: what is taken is written, and read to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
peer(struct sv s, int (*parse)(struct sv, struct zone_peer *))
{
	struct zone_peer p, again;
	struct buf a = BUF_INIT, b = BUF_INIT;

	if (parse(s, &p) < 0)
		return;
	zone_peer_print(&a, &p);
	if (parse(buf_get(&a), &again) < 0)
		abort();
	zone_peer_print(&b, &again);
	if (a.len != b.len || memcmp(a.p, b.p, a.len) != 0)
		abort();
	buf_done(&a);
	buf_done(&b);
}

static void
list_put(const struct zone_list *l, struct buf *b)
{
	for (size_t i = 0; i < l->n; i++)
		zone_list_put(b, &l->v[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv s = { (const char *)bytes, n };
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct zone_list l, again;

	peer(s, zone_peer_parse);
	peer(s, zone_asker_parse);
	/* Between roles no text holds a NUL (sys/frame.h). */
	if (memchr(bytes, 0, n) != NULL || n > ZONE_LIST_TEXT_MAX || zone_list_parse(s, SV("/s"), &l) < 0)
		return 0;
	list_put(&l, &a);
	if (a.len > 0 && zone_list_parse(buf_get(&a), SV("/s"), &again) < 0)
		abort();
	if (a.len > 0) {
		list_put(&again, &b);
		if (a.len != b.len || memcmp(a.p, b.p, a.len) != 0)
			abort();
		zone_list_done(&again);
	}
	zone_list_done(&l);
	buf_done(&a);
	buf_done(&b);
	return 0;
}
