/*
 * dns: names, resource records and zone text, as values and as bytes.
 *
 * What enters is the text of a zone file, or wire bytes of a message; what
 * leaves are names, records and findings. Nothing here opens a file or a
 * socket, looks at a clock or logs. Three doors:
 *
 *	dns/dns.h	names, record types, zone text (this file)
 *	dns/zone.h	a zone in memory: sorted, immutable, shared by versions
 *	dns/wire.h	messages, TSIG, AXFR and IXFR, NOTIFY
 *
 * A name (struct dname) is its wire form, uncompressed, in a fixed room of 255
 * octets (RFC 1035 section 3.1): no allocation, no pointer to follow. Text
 * (RFC 1035 section 5.1, with \X and \DDD) is read and written at the edges.
 *
 * The order of a zone is the canonical one (RFC 4034 section 6.1). Comparing
 * names label by label from the right is slow, so a name has a *key* (struct
 * dkey): its labels below the apex in lower case, rightmost first, each with a
 * zero octet behind it (zero and one inside a label are escaped, so that no
 * label can look like two). Then memcmp() is the canonical order, and "a is at
 * or below b" is "b's key is the head of a's".
 *
 * A record type is a row of types.def: its mnemonic, number, and the fields of
 * its data. From the row come the reader and writer of text (also RFC 3597's
 * \# form for every type, known or not), the check of wire bytes, and which
 * embedded names are lower-cased in the canonical form (RFC 4034 section 6.2
 * as changed by RFC 6840 section 5.1: not NSEC's). One table, no twins.
 *
 * The zone reader (struct zonefile) pulls text through a fixed buffer and
 * hands out a record at a time; it keeps no zone. $ORIGIN, $TTL, parentheses,
 * comments, quoted strings and inherited owners as in RFC 1035 and RFC 2308
 * section 4; $INCLUDE only with the caller's own opener, as a stranger's zone
 * file must not read other files. Each error is a finding with line and
 * column. BIND's $GENERATE is not DNS, and is refused by name.
 *
 * Names and data are kept as they were written; whoever signs makes them
 * canonical (dns/zone.h does so for all that enters a zone).
 *
 * RFCs: 1035, 2181, 2308 (TTLs), 3597 (unknown types), 4034, 6840, and for
 * each type the one that its row in types.def names.
 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/finding.h"
#include "base/rd.h"
#include "base/sv.h"
#include "base/util.h"
#include "dns/limits.h"

enum dns_code {
#define F FINDING_ENUM_
#include "dns/findings.def"
#undef F
	DNS_CODE_MAX
};
extern const struct finding_def dns_findings[DNS_CODE_MAX];

/* --- names (name.c) --- */

/* Wire form with the root's zero octet; len is at least 1. */
struct dname {
	uint8_t	len;
	uint8_t	w[DNS_NAME_MAX];
};

#define DNAME_ROOT	((struct dname){ .len = 1 })

/*
 * Presentation form. A name without a final dot is completed with origin;
 * without an origin it is taken as complete. -EINVAL: no name.
 */
int	 dname_parse(struct sv text, const struct dname *origin, struct dname *ret) MUST_USE;
/* Uncompressed wire form; a bad one leaves rd bad and *ret untouched. */
void	 dname_rd(struct rd *, struct dname *ret);
/* The octets of the name that begins at p, which was checked before. */
size_t	 dname_len_at(const uint8_t *p);
/* Presentation form with the final dot; the root is ".". */
void	 dname_print(struct buf *, const uint8_t *wire);
/* The same, NUL-terminated; DNAME_STRLEN is always enough. */
#define DNAME_STRLEN	(4 * DNS_NAME_MAX + 1)
const char *dname_str(const struct dname *, char dst[static DNAME_STRLEN]);
/* Lower-case the ASCII letters of n octets (lengths are below 64, so they stay). */
void	 dns_lower(uint8_t *, size_t n);
/* Letter case does not count in these three. */
bool	 dname_eq(const struct dname *, const struct dname *);
int	 dname_cmp(const struct dname *, const struct dname *);	/* canonical order */
bool	 dname_within(const struct dname *, const struct dname *apex);	/* at or below */
/* Labels without the root's: 0 for ".". */
unsigned dname_labels(const uint8_t *wire);
/* The name without its first label. The root has none: -ENOENT. */
int	 dname_parent(const struct dname *, struct dname *ret) MUST_USE;
static inline bool
dname_is_wild(const uint8_t *wire)
{
	return wire[0] == 1 && wire[1] == '*';
}
/* "label." + name; -E2BIG beyond 255 octets, -EINVAL for a label of 0 or over 63. */
int	 dname_prepend(struct sv label, const struct dname *, struct dname *ret) MUST_USE;

/* A name below an apex, so that memcmp() is the canonical order (above). */
struct dkey {
	uint16_t len;			/* 0: the apex itself */
	uint8_t	 b[DNS_KEY_MAX];
};

/* -ENOENT: the name is not at or below apex. */
int	 dkey_of(const struct dname *, const struct dname *apex, struct dkey *ret) MUST_USE;
/* Back to the (lower-case) name; the key is one of dkey_of(). */
void	 dkey_name(const uint8_t *key, size_t len, const struct dname *apex, struct dname *ret);
int	 dkey_cmp(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);
/* Is b the head of a: a at or below b? */
static inline bool
dkey_within(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len >= b_len && (b_len == 0 || memcmp(a, b, b_len) == 0);
}
/* The key of the parent name: the same octets, so many of them. 0 has none. */
size_t	 dkey_parent(const uint8_t *key, size_t len);
/* Labels below the apex. */
unsigned dkey_labels(const uint8_t *key, size_t len);

/* --- types (type.c, types.def) --- */

/* RR_A, RR_NS … with "-" as "_" (RR_NSAP_PTR). */
enum rrtype {
#define RRTYPE(name, number, ...)	RR_##name = (number),
#include "dns/types.def"
#undef RRTYPE
};

#define DNS_CLASS_IN	1

#define RRTYPE_STRLEN	11		/* "NSEC3PARAM", "TYPE65535" */
/* "MX", or "TYPE1234" (RFC 3597 section 5). */
const char *rrtype_str(uint16_t, char dst[static RRTYPE_STRLEN]);
/* Letter case free, TYPEn for any n. -EINVAL. */
int	 rrtype_parse(struct sv, uint16_t *ret) MUST_USE;
/* Types that no zone holds (OPT, TSIG, AXFR, ANY …). */
bool	 rrtype_is_meta(uint16_t);

/*
 * Serial numbers (RFC 1982 section 3.2): does a come after b? Half the circle apart,
 * neither does.
 */
static inline bool
serial_gt(uint32_t a, uint32_t b)
{
	uint32_t d = a - b;

	return d != 0 && d < UINT32_C(0x80000000);
}

/* --- data (rdata.c) --- */

/* Are these well-formed data of the type? Unknown types always are. */
bool	 rdata_ok(uint16_t type, struct sv rdata);
/* Canonical form in place (RFC 4034 section 6.2); well-formed data only. */
void	 rdata_canonical(uint16_t type, uint8_t *rdata, size_t n);
/*
 * Presentation form on one line, names with their final dot. Data that are
 * not well-formed, and unknown types, in RFC 3597's form.
 */
void	 rdata_print(struct buf *, uint16_t type, struct sv rdata);
/*
 * Data in presentation form, without owner and TTL: for tests, options and
 * hooks. -EINVAL; *ret_n octets of dst (DNS_RDATA_MAX) are set.
 */
int	 rdata_parse(uint16_t type, struct sv text, const struct dname *origin,
	    uint8_t dst[static DNS_RDATA_MAX], size_t *ret_n) MUST_USE;
/* TTLs as text: "3600" or BIND's "1h30m". -EINVAL; RFC 2181 section 8: below 2^31. */
int	 ttl_parse(struct sv, uint32_t *ret) MUST_USE;

/* --- zone text (zonefile.c) --- */

/* One record; all of it is valid until the next call. */
struct dns_rr {
	const struct dname	*owner;
	uint16_t		 type, class;
	uint32_t		 ttl;
	struct sv		 rdata;		/* uncompressed wire form, as written */
	unsigned		 line;		/* where it begins; 0: not from text */
};

struct zonefile;

/* The next bytes of the text: *ret_n of at most cap, 0 at the end. 0 or -Exxx. */
typedef int (*zonefile_read_fn)(void *arg, char *dst, size_t cap, size_t *ret_n);

struct zonefile_opts {
	struct dname	 origin;	/* of relative names, until $ORIGIN */
	struct sv	 name;		/* what findings call the file */
	bool		 has_ttl;	/* a default where neither $TTL nor a TTL came */
	uint32_t	 ttl;
	/*
	 * $INCLUDE: open the named file and set *ret_arg for read; NULL refuses
	 * it. Called with the text as it was written; nesting is limited
	 * (ZONEFILE_INCLUDE_MAX). close gets the same arg back.
	 */
	int		(*include_open)(void *arg, struct sv path, void **ret_arg);
	void		(*include_close)(void *arg, void *file);
	void		*include_arg;
};

/* NULL: no memory. */
struct zonefile	*zonefile_new(const struct zonefile_opts *, zonefile_read_fn, void *arg,
		    struct findings *);
struct zonefile	*zonefile_free(struct zonefile *);
DEFINE_CLEANUP(struct zonefile, zonefile_free)
/*
 * The next record: 1 with *ret set, 0 at the end, negative when reading or
 * memory failed. What is wrong in the text is a REJECT finding with file, line and
 * column in its arguments; the reader goes on behind it, so that one run
 * shows every error (up to ZONEFILE_ERRORS_MAX, then it ends with 0).
 */
int	 zonefile_next(struct zonefile *, struct dns_rr *ret) MUST_USE;

/* One record as a line: owner, TTL, class, type, data, a line end. */
void	 rr_print(struct buf *, const struct dns_rr *);

#endif
