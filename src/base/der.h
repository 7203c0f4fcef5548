/*
 * A strict DER reader over struct rd (X.690): definite shortest lengths,
 * one-byte tags, no trailing bytes.
 *
 * The first fault is kept in the document's context together with the name
 * of the field that was being read; after it every read yields nothing, so a
 * parser reads straight through and asks once.
 */
#ifndef BASE_DER_H
#define BASE_DER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rd.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13,
	DER_IA5 = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};

/* [n] IMPLICIT primitive and [n] constructed (EXPLICIT, or IMPLICIT SEQUENCE). */
#define DER_CTX(n)	(uint8_t)(0x80 | (n))
#define DER_CTX_C(n)	(uint8_t)(0xa0 | (n))

/* What der_peek() says of a tag octet of zero; no value has it. */
#define DER_TAG_NONE	0x1f

enum der_fault {
	DER_OK,
	DER_E_SHORT,
	DER_E_LENGTH,
	DER_E_TAG,
	DER_E_VALUE,
	DER_E_TRAILING,
	DER_E_ORDER,
	DER_FAULT_MAX
};

struct der_doc {
	const uint8_t	*base;
	const char	*where;		/* field being read, a constant */
	enum der_fault	 fault;
	const char	*fault_where;
	size_t		 fault_off;
};

struct der {
	struct rd	 r;
	struct der_doc	*doc;
};

struct der	 der_on(struct der_doc *, struct sv bytes);
void		 der_fail(struct der *, enum der_fault);
static inline void
der_at(struct der *d, const char *where)
{
	d->doc->where = where;
}
static inline bool
der_ok(const struct der *d)
{
	return d->doc->fault == DER_OK;
}

/* The next tag, 0 at the end of this value. Reads nothing. */
uint8_t		 der_peek(const struct der *);
/* Any value: its tag, content, and (if not NULL) its whole encoding. */
struct sv	 der_any(struct der *, uint8_t *ret_tag, struct sv *ret_whole);
/* The content of a value of this tag. */
struct sv	 der_value(struct der *, uint8_t tag);
/* The same as a reader; finish it with der_end(). */
struct der	 der_enter(struct der *, uint8_t tag);
/* The whole encoding of the next value, of this tag. */
struct sv	 der_whole(struct der *, uint8_t tag);
/* Nothing may be left; otherwise DER_E_TRAILING. */
void		 der_end(struct der *);

/* INTEGER: content octets, checked to be minimal. */
struct sv	 der_integer(struct der *);
/* INTEGER 0..UINT32_MAX; a negative or larger one is DER_E_VALUE. */
uint32_t	 der_u32(struct der *);
bool		 der_boolean(struct der *);
struct sv	 der_oid(struct der *);
void		 der_null(struct der *);
/* BIT STRING: the bits; *ret_unused 0..7, unused bits checked to be zero. */
struct sv	 der_bits(struct der *, unsigned *ret_unused);
/* BIT STRING of whole octets: signatures and keys. */
struct sv	 der_octet_bits(struct der *);
/* How many values are left; reads nothing. */
size_t		 der_count(struct der);
/* UTCTime or GeneralizedTime in RFC 5280's form. *ret_tag says which. */
int64_t		 der_time(struct der *, uint8_t *ret_tag);

/* Is content (of an INTEGER) positive / zero or positive? */
bool		 der_int_positive(struct sv);
bool		 der_int_negative(struct sv);
/* Without the leading zero octet. */
struct sv	 der_int_magnitude(struct sv);

/* "1.3.6.1…" */
void		 oid_print(struct buf *, struct sv oid);

#endif
