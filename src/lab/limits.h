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
#define LAB_STEPS_MAX	1000		/* each keeps its snapshots on the disk */
#define LAB_SERVERS_MAX	10000		/* publication points' hosts */
#define LAB_DELTAS_MAX	20		/* in a notification; older ones are not listed */
#define LAB_BATCH_OBJS	4096		/* made at a time: their bytes are the memory needed */
#define LAB_CHILDREN_MAX 200000		/* certificates of "children"; one manifest lists them */
#define LAB_VRPS_MAX	8000000		/* of a list: ten times today's */
#define LAB_LIST_MAX	((size_t)512 << 20) /* bytes of its file, packed or not */
#define LAB_LIST_PLAIN_MAX ((size_t)2 << 30) /* unpacked: 25 times today's */
#define LAB_TREE_OBJS_MAX 50000		/* "--rsync" by itself writes trees up to here */
#define LAB_OBJ_BYTES_MAX ((size_t)1 << 30) /* one file, after a fault made it huge */

#endif
