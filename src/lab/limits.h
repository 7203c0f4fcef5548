/* What a description may ask for. The lab's input is our own text, so these
 * only keep a slip of the pen from eating the machine. */
#ifndef LAB_LIMITS_H
#define LAB_LIMITS_H

#define LAB_TEXT_MAX	(64 << 20)	/* bytes; --scale 100000,20 fits */
#define LAB_POOL_MAX	((size_t)4 << 30) /* plan of a world, without its bytes */
#define LAB_DEPTH_MAX	256		/* nesting; deeper than any validator goes */
#define LAB_WORDS_MAX	20000		/* words in a line: ASPAs of 16,000 providers */
#define LAB_OBJS_MAX	1500000		/* files; keys of CRYPTO_PRIMES_MAX suffice */
#define LAB_NAME_MAX	63		/* a label becomes a folder or file name */
#define LAB_OBJ_BYTES_MAX ((size_t)1 << 30) /* one file, after a fault made it huge */

#endif
