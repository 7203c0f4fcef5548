/* The limits of policy and key states, each with its reason. */
#ifndef DNSSEC_KEYSTATE_LIMITS_H
#define DNSSEC_KEYSTATE_LIMITS_H

/* Of one zone, with those that wait for deletion: sets of keys are 32 bits. */
#define KEYSTATE_KEYS_MAX	32
/* Alive at a time. A roll makes six; two providers and three rolls thirty. */
#define KEYSTATE_SETS_MAX	96
#define KEYSTATE_SEEN_MAX	16	/* contents that differ, at the servers of one zone */
#define KEYSTATE_PUBLIC_MAX	520	/* octets: an RSA key of 4096 bits (crypto/dnskey.h) */
#define KEYSTATE_ACTIONS_MAX	(4 * KEYSTATE_KEYS_MAX)
#define KEYSTATE_WAITS_MAX	(4 * KEYSTATE_KEYS_MAX)
/* Of the text: every key and set at its longest. */
#define KEYSTATE_TEXT_MAX	(128 * 1024)
/* Versions of one history: signatures made anew each week in a hundred years. */
#define KEYSTATE_HISTORY_MAX	16384

#endif
