/* The named limits of hsm, each with its reason. */
#ifndef HSM_LIMITS_H
#define HSM_LIMITS_H

/* Of a resolved path: what realpath() gives at most (PATH_MAX of Linux). */
#define HSM_PATH_MAX		4096
/* Network HSMs allow some dozens for a client; small USB tokens have two or three. */
#define HSM_SESSIONS_MAX	32
#define HSM_SESSIONS		4
/* Attempts of one call: with their pauses 0.75 s, less than a resolver waits. */
#define HSM_TRIES		5
/* … and when the token is known to be away: one, and one with a new session. */
#define HSM_TRIES_LOST		2
/* Before the third attempt; doubled before each further one. */
#define HSM_PAUSE_MSEC		100U
/* For a free session, when all are in calls: the slowest tokens need 1 s for RSA 4096. */
#define HSM_WAIT_MSEC		10000
/* Slots of one module: partitions of a large HSM. */
#define HSM_SLOTS_MAX		256
/* Private keys of one token: some hundred zones with two keys, old ones included. */
#define HSM_KEYS_MAX		4096
/* Bytes of a CKA_ID: 20 are usual (a hash), ours have 16. */
#define HSM_ID_MAX		64
/* Bytes of a CKA_LABEL. */
#define HSM_LABEL_MAX		256
/* Bytes of a PIN; SoftHSM allows 255. */
#define HSM_PIN_MAX		255
/* Bytes of any attribute that is read: RSA of 4096 bits has 512. */
#define HSM_ATTR_MAX		1024
/* Bytes of a pkcs11: URI: every field of a token percent-encoded, an id and a label. */
#define HSM_URI_MAX		2048
/* Octets of a question: what a ring's may have (128 KiB), with DigestInfo before each digest. */
#define HSM_ASK_MAX	(192 * 1024)
/* … of an answer: a list of HSM_KEYS_MAX keys. */
#define HSM_ANSWER_MAX	(2 * 1024 * 1024)
/* Signatures of one question: a ring's has 255 items at the most. */
#define HSM_SIGN_MAX	256
/* Pause before the second process after one that died early; doubled until the longest. */
#define HSM_AGAIN_MSEC	1000U
#define HSM_AGAIN_MAX_MSEC 30000U
/* One that died after so long did not die early. */
#define HSM_EARLY_MSEC	60000U
/* For C_Finalize of a process that is not needed any more. */
#define HSM_END_MSEC	1000U
/* Octets of a text about a module that did not start. */
#define HSM_TEXT_MAX	400

#endif
