/* Every limit on descriptions of mail worlds, with its reason. */
#ifndef LAB_MAIL_LIMITS_H
#define LAB_MAIL_LIMITS_H

#define LAB_MAIL_POOL_MAX	(64u << 20)	/* bytes of a description's values: 10,000 flows need some 20 MB */
#define LAB_MAIL_KEYS_MAX	256		/* keys of a world: one of RSA takes some 50 ms */
#define LAB_MAIL_ROWS_MAX	10000		/* flows */
#define LAB_MAIL_BODY_MAX	(1u << 20)	/* octets of a body that a description asks for */
#define LAB_MAIL_WEIGHT_MAX	100000		/* of a flow: one message in so many */

#endif
