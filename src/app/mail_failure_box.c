/* Failure reports between threads and the loop: see app/mail_failure_box.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "app/mail_failure_box.h"
#include "crypto/crypto.h"

#define HOUR_SEC	3600

struct slot {
	int64_t		 hour;
	unsigned	 n;
};

struct item {
	char		*p;
	size_t		 n;
};

struct mail_failure_box {
	pthread_mutex_t	 lock;		/* over all below */
	struct item	 items[MAIL_FAILURE_BOX_MAX];
	size_t		 n;
	struct slot	 slots[MAIL_FAILURE_BOX_SLOTS];
};

int
mail_failure_box_new(struct mail_failure_box **ret)
{
	struct mail_failure_box *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return -ENOMEM;
	(void)pthread_mutex_init(&b->lock, NULL);
	*ret = b;
	return 0;
}

struct mail_failure_box *
mail_failure_box_free(struct mail_failure_box *b)
{
	if (b == NULL)
		return NULL;
	for (size_t i = 0; i < b->n; i++)
		free(b->items[i].p);
	(void)pthread_mutex_destroy(&b->lock);
	free(b);
	return NULL;
}

/* An attacker who finds names that share a slot keeps reports of them down; he could as well flood each. */
static bool
slot_count(struct mail_failure_box *b, struct sv domain, int64_t now)
{
	uint8_t sum[SHA256_LEN];
	struct slot *s;

	crypto_sha256(domain.p, domain.n, sum);
	s = &b->slots[((unsigned)sum[0] << 8 | sum[1]) % MAIL_FAILURE_BOX_SLOTS];
	if (s->hour != now / HOUR_SEC)
		*s = (struct slot){ now / HOUR_SEC, 0 };
	return s->n++ < MAIL_FAILURE_BOX_HOUR;
}

bool
mail_failure_box_put(struct mail_failure_box *b, const struct mail_failure *f, int64_t now)
{
	uint8_t octets[MAIL_FAILURE_OCTETS_MAX];
	struct wr w = wr_mem(octets, sizeof(octets));
	struct item item = { NULL, 0 };
	bool has_room;

	if (mail_failure_write(&w, f) < 0 || (item.p = malloc(w.len)) == NULL)
		return false;
	memcpy(item.p, octets, w.len);
	item.n = w.len;
	(void)pthread_mutex_lock(&b->lock);
	has_room = slot_count(b, f->domain, now) && b->n < MAIL_FAILURE_BOX_MAX;
	if (has_room)
		b->items[b->n++] = item;
	(void)pthread_mutex_unlock(&b->lock);
	if (!has_room)
		free(item.p);
	return has_room;
}

int
mail_failure_box_take(struct mail_failure_box *b, mail_failure_box_fn fn, void *arg)
{
	struct item items[MAIL_FAILURE_BOX_MAX];
	size_t n;
	int rc = 0;

	(void)pthread_mutex_lock(&b->lock);
	n = b->n;
	memcpy(items, b->items, n * sizeof(*items));
	b->n = 0;
	(void)pthread_mutex_unlock(&b->lock);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = fn(arg, (struct sv){ items[i].p, items[i].n });
		free(items[i].p);
	}
	return rc;
}
