/*
 * What the store keeps of a zone, in STATE/zones/NAME/, for the next life of
 * the zone role:
 *
 *	in.image	in.journal	what came from the primaries, unsigned
 *	out.image	out.journal	what is in service, signed
 *
 * An image is a version as dns/zone.h writes it, with a number: its epoch. A
 * journal begins with "SKJ1", four zero octets and the same epoch (8 octets);
 * then differences (dns/wire.h), each going on where the one before ended. The
 * image is one of the versions that they lead from, through or to: what comes
 * behind it is played, what stands before it is history for secondaries. A
 * journal of another epoch is not of this image, and is nothing.
 *
 * So a new image is written first, of a new epoch, and the journal after it; a
 * crash in between costs the history, and nothing else. The zone role says at
 * which octet an entry goes: what a crash left behind there is cut off. The
 * store does not look into either.
 */
#ifndef ROLE_ZONE_KEEP_H
#define ROLE_ZONE_KEEP_H

enum keep_side {
	KEEP_IN,
	KEEP_OUT,
	KEEP_SIDE_MAX
};

enum keep_kind {
	KEEP_IMAGE,		/* replaces the image */
	KEEP_JOURNAL,		/* replaces the journal */
	KEEP_ENTRY,		/* goes into the journal at .at */
	KEEP_KIND_MAX
};

#define KEEP_MAGIC	0x534b4a31u
#define KEEP_HEAD_LEN	16

#endif
