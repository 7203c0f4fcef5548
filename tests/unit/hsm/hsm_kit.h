/* SoftHSM in a folder of its own, the module that fails on command, and DNSSEC above both. */
#ifndef TESTS_HSM_KIT_H
#define TESTS_HSM_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "crypto/dnskey.h"
#include "faulty.h"
#include "hsm/internal.h"

#define PIN	"sekisho-1234"

struct kit {
	char		 dir[64], pin[96];
	const char	*softhsm, *faulty;
	struct faulty	*ctl;
	struct pool	*pool;
	struct findings	 fs;
	unsigned	 n_pauses;
	unsigned	 msec;		/* of all pauses */
};

/* NULL: all is ready; else the reason to skip. */
const char *kit_begin(struct kit *, const char *faulty);
void	 kit_end(struct kit *);
/* As a test finds it: nothing fails, no findings. */
void	 kit_reset(struct kit *);
/* $dir/name with this content; path is good until the next call. */
const char *kit_file(struct kit *, const char *name, const char *text, mode_t);
/* Through the faulty module. */
struct hsm *kit_open(struct kit *, unsigned n_sessions);
void	 kit_pause(void *kit, unsigned msec);
/* The only finding there is, by its code. */
void	 kit_expect(struct kit *, const char *code);

/* DNSSEC's number for a kind. */
uint8_t	 kit_alg(enum hsm_kind);
struct crypto_pub *kit_public(const struct hsm_key *);
/* Sign n messages and verify each: what hsm_sign() returned, or 1 when one does not verify. */
int	 kit_sign(struct hsm *, struct hsm_key *, const struct crypto_pub *, size_t n);

#endif
