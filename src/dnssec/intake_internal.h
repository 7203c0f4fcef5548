/* intake: what its files share. */
#ifndef DNSSEC_INTAKE_INTERNAL_H
#define DNSSEC_INTAKE_INTERNAL_H

#include "base/pool.h"
#include "dnssec/dnssec.h"
#include "dnssec/intake.h"

/* --- the set (intake.c, intake_set.c) --- */

struct intake_key {
	struct sv	rdata;
	uint16_t	tag, flags;
	uint8_t		alg;
	bool		signs;		/* the DNSKEY set, now */
	int64_t		ends;		/* … until then */
};

/* An entered record as the DS that it stands for. */
struct intake_ds {
	struct sv	rdata;
	struct ds	ds;
	uint8_t		room[DS_RDATA_MAX];	/* of a key's */
	bool		holds;		/* it names a key that signs */
};

struct intake {
	const struct intake_input	*in;
	struct findings			*fs;
	struct intake_key		 key[INTAKE_RECORDS_MAX];
	size_t				 n_keys;
	struct intake_ds		 set[INTAKE_RECORDS_MAX];
	size_t				 n_set;
};

#define SAY(k, code, ...) finding_add((k)->fs, &intake_findings[code], __VA_ARGS__)

/* The key of the zone that a DS names, bit for bit; NULL. */
const struct intake_key *intake_key_named(const struct intake *, struct sv ds);
int	 intake_set_check(struct intake *) MUST_USE;

/* --- text (intake_text.c, intake_json.c) --- */

enum intake_field {
	FIELD_TAG,
	FIELD_ALG,
	FIELD_DIGEST_TYPE,
	FIELD_DIGEST,
	FIELD_FLAGS,
	FIELD_PROTOCOL,
	FIELD_KEY,
	FIELD_TYPE,		/* of a record in JSON */
	FIELD_RECORD,		/* the whole of it */
	FIELD_MAX
};

struct intake_fields {
	struct sv	f[FIELD_MAX];
};

struct intake_reader {
	struct pool			*pool;
	const struct dname		*zone;
	struct findings			*fs;
	struct intake_record		*ret;
	size_t				 n;		/* records so far */
	unsigned			 n_seen;	/* with those that are none */
	unsigned			 n_skipped;	/* of other types, that come along with a copy */
	struct intake_fields		 fields;	/* of labelled lines */
};

/* What a label means, written in whatever way; FIELD_MAX: nothing to us. */
enum intake_field intake_label(struct sv label);
/* All fields of a DS, or of a DNSKEY, as a record; and taken out. 0 also where they are not all there. */
int	 intake_fields_take(struct intake_reader *, struct intake_fields *) MUST_USE;
bool	 intake_fields_left(const struct intake_fields *);
void	 intake_bad_say(struct intake_reader *);
/* [OWNER] [TTL] [IN] TYPE DATA, or DATA alone. */
int	 intake_record_read(struct intake_reader *, struct sv line) MUST_USE;
/* JSON of any shape; text is changed in place. SE_SYNTAX: it is none. */
int	 intake_json_read(struct intake_reader *, char *text, size_t n) MUST_USE;

#endif
