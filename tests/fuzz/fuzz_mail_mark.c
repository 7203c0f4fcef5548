/* mail_mark: a mark in octets (its sum is put behind it here): what is read is written as the same octets. */
#include <stdint.h>
#include <stdlib.h>

#include "app/mail_mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
mark_look(struct sv octets)
{
	struct mail_mark_key key;
	struct mail_mark mark;
	struct buf b = BUF_INIT;

	if (mail_mark_read(octets, &key, &mark) == 0) {
		must(mail_mark_write(&b, &key, &mark) == 0);
		must(sv_eq(buf_get(&b), octets));
	}
	buf_done(&b);
}

static void
key_look(struct sv octets)
{
	struct mail_mark_key key;
	struct buf b = BUF_INIT;

	if (mail_mark_key_read(octets, &key) == 0) {
		must(mail_mark_key_write(&b, &key) == 0);
		must(sv_eq(buf_get(&b), octets));
	}
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv octets = { (const char *)bytes, n };
	struct buf b = BUF_INIT;
	uint8_t sum[SHA256_LEN];

	mark_look(octets);
	key_look(octets);
	crypto_sha256(bytes, n, sum);
	buf_sv(&b, octets);
	buf_bytes(&b, sum, sizeof(sum));
	must(b.rc == 0);
	mark_look(buf_get(&b));
	buf_done(&b);
	return 0;
}
