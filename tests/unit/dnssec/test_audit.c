/* The audit: good zones are good; each way to spoil one has its code, and the gate agrees. */
#include "audit_kit.h"

#define CODES	6

#define PARAM_AB	"add @ NSEC3PARAM 1 0 0 AB;sign @ NSEC3PARAM"
#define TWO		"also @ nsec3 AB;" PARAM_AB
#define APEX_BOTH	"set @ NSEC dn.example. NS SOA MX RRSIG NSEC DNSKEY NSEC3PARAM CDS CDNSKEY;" \
			"ttl @ NSEC 300;sign @ NSEC"
#define BOTH		"also @ nsec;" APEX_BOTH

struct row {
	enum kit_denial	denial;
	const char	*script;
	enum audit_code	codes[CODES];	/* all that warn or reject; 0 ends */
	enum audit_code	note;		/* and a note, or 0 */
};

#define ED25519	"l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="
#define RSA1024	"AwEAAcM2FSTJJ5ZLKAx8PlpC2zIuSCDVuvqNqRA5bRZjiGhxcd8Yzg1+oG4M5vGQdQ9XcQhGr9Pvjy0pQb8vyc2Zl7Nq5" \
	"kzYc4Yh2mCCwVJqVqBtk1RzSYQJ7d5jLQyXc3VQ9BmJkX6mB3qf3lqk5oN5m3Wbq0yqWQ3Ym1mCx8pB"

/* An address for all names below wild that are not there. */
#define WILD_A	"add *.wild A 192.0.2.9;sign *.wild A;" \
	"set *.wild NSEC www.example. A TXT RRSIG NSEC;sign *.wild NSEC"

static const struct row rows[] = {
	/* signatures */
	{ KIT_NSEC, "unsign mail A", { DNS_SIG_MISSING }, 0 },
	{ KIT_NSEC, "unsign sec DS", { DNS_SIG_MISSING }, 0 },
	{ KIT_NSEC, "unsign @ SOA", { DNS_SIG_MISSING }, 0 },
	{ KIT_NSEC3, "unsign #mail NSEC3", { DNS_SIG_MISSING }, 0 },
	{ KIT_NSEC, "flip mail A", { DNS_SIG_BAD }, 0 },
	{ KIT_NSEC3, "flip #b.ent NSEC3", { DNS_SIG_BAD }, 0 },
	{ KIT_NSEC, "set mail A 192.0.2.99", { DNS_SIG_BAD }, 0 },
	{ KIT_NSEC, "add mail A 192.0.2.99", { DNS_SIG_BAD }, 0 },
	{ KIT_NSEC, "set two A 192.0.2.7", { DNS_SIG_BAD }, 0 },
	{ KIT_NSEC, "sign mail A exp=-10", { DNS_SIG_EXPIRED }, 0 },
	{ KIT_NSEC, "sign mail A inc=10", { DNS_SIG_EARLY }, 0 },
	{ KIT_NSEC, "sign mail A exp=-2000 inc=-1000", { DNS_SIG_PERIOD }, 0 },
	{ KIT_NSEC, "sign mail A key=x", { DNS_SIG_NO_KEY }, 0 },
	{ KIT_NSEC, "sign mail A key=k", { 0 }, 0 },
	{ KIT_NSEC, "sign mail A signer=other.", { DNS_SIG_SIGNER }, 0 },
	{ KIT_NSEC, "sign mail A signer=mail.example.", { DNS_SIG_SIGNER }, 0 },
	{ KIT_NSEC, "sign mail A labels=1", { DNS_SIG_LABELS }, 0 },
	{ KIT_NSEC, "sign *.wild TXT labels=3", { DNS_SIG_LABELS }, 0 },
	{ KIT_NSEC, "sigttl mail A 60", { DNS_SIG_TTL }, 0 },
	{ KIT_NSEC, "ttl mail A 60;sigttl mail A 60", { DNS_SIG_TTL_ORIGINAL }, 0 },
	{ KIT_NSEC, "sign mail A ttl=60", { DNS_SIG_TTL_ORIGINAL }, 0 },
	{ KIT_NSEC, "sign mail A exp=100", { DNS_SIG_TTL_BEYOND }, 0 },
	{ KIT_NSEC, "cut mail A", { DNS_SIG_FORM, DNS_SIG_ALG_MISSING }, 0 },
	{ KIT_NSEC, "dup mail A key=x", { 0 }, DNS_SIG_UNPUBLISHED },
	{ KIT_NSEC, "dup mail A exp=-5", { DNS_SIG_SUPERFLUOUS }, 0 },
	{ KIT_NSEC, "dup mail A", { DNS_SIG_DUPLICATE }, 0 },
	{ KIT_NSEC, "dup mail A;dup mail A;dup mail A;dup mail A;dup mail A;dup mail A;dup mail A;"
	    "dup mail A", { DNS_SIG_DUPLICATE, DNS_SIG_MANY }, 0 },
	{ KIT_NSEC, "sign mail A ttl=60;dup mail A ttl=61;dup mail A ttl=62;dup mail A ttl=60 exp=500",
	    { DNS_SIG_TTL_ORIGINAL, DNS_SIG_SUPERFLUOUS, DNS_SIG_DUPLICATE, DNS_SIG_TTL_BEYOND }, 0 },
	{ KIT_NSEC, "del two MX", { DNS_SIG_ORPHAN, DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC, "add two TXT x;sign two TXT;del two TXT", { DNS_SIG_ORPHAN }, 0 },
	{ KIT_NSEC, "add q A 192.0.2.1;sign q A;del q A", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC, "drop two MX", { DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC, "add two TXT x;sign two TXT", { DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC, "sign sub NS", { DNS_SIG_GLUE }, 0 },
	{ KIT_NSEC, "sign ns.sub A", { DNS_SIG_GLUE }, 0 },
	{ KIT_NSEC, "add @ DNSKEY %rk;sign @ DNSKEY", { 0 }, DNS_KEY_REVOKED },
	{ KIT_NSEC, "add @ DNSKEY %rk;sign @ DNSKEY;dup @ DNSKEY key=r", { 0 }, DNS_KEY_REVOKED },
	{ KIT_NSEC, "add @ DNSKEY %rk;sign @ DNSKEY;sign mail A key=r", { DNS_SIG_KEY_REVOKED },
	    DNS_KEY_REVOKED },
	{ KIT_NSEC, "add @ DNSKEY 257 3 15 " ED25519 ";sign @ DNSKEY", { DNS_SIG_ALG_MISSING }, 0 },

	/* NSEC */
	{ KIT_NSEC, "drop mail NSEC", { DNS_DENIAL_MISSING }, 0 },
	{ KIT_NSEC, "node mail", { DNS_CHAIN_NEXT }, 0 },
	{ KIT_NSEC, "drop mail A", { DNS_DENIAL_EXTRA, DNS_CHAIN_NEXT }, 0 },
	{ KIT_NSEC, "add new A 192.0.2.1;sign new A", { DNS_DENIAL_MISSING, DNS_CHAIN_GAP }, 0 },
	{ KIT_NSEC, "add new A 192.0.2.1", { DNS_DENIAL_MISSING, DNS_CHAIN_GAP, DNS_SIG_MISSING }, 0 },
	{ KIT_NSEC, "add ns.sub NSEC zz.example. A", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC, "add b.ent NSEC c.ent.example. RRSIG NSEC;sign b.ent NSEC", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC, "add mail NSEC zzzz.example. A;sign mail NSEC", { DNS_DENIAL_MANY }, 0 },
	{ KIT_NSEC, "ttl mail NSEC 200;sign mail NSEC", { DNS_DENIAL_TTL }, 0 },
	{ KIT_NSEC, "set mail NSEC ns1.example. RRSIG NSEC;sign mail NSEC", { DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC, "set mail NSEC ns1.example. A NSEC;sign mail NSEC", { DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC, "set mail NSEC ns1.example. A AAAA RRSIG NSEC;sign mail NSEC",
	    { DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC, "set two NSEC *.wild.example. A MX RRSIG NSEC TYPE4712;sign two NSEC",
	    { DNS_BITMAP_MISSING, DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC, "set sub NSEC two.example. NS A RRSIG NSEC;sign sub NSEC", { DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC, "set mail NSEC sec.example. A RRSIG NSEC;sign mail NSEC", { DNS_CHAIN_GAP }, 0 },
	{ KIT_NSEC, "set mail NSEC nn.example. A RRSIG NSEC;sign mail NSEC", { DNS_CHAIN_NEXT }, 0 },
	{ KIT_NSEC, "set mail NSEC dn.example. A RRSIG NSEC;sign mail NSEC", { DNS_CHAIN_LOOP }, 0 },
	{ KIT_NSEC, "set mail NSEC mail.example. A RRSIG NSEC;sign mail NSEC", { DNS_CHAIN_LOOP }, 0 },
	{ KIT_NSEC, "set mail NSEC example. A RRSIG NSEC;sign mail NSEC", { DNS_CHAIN_GAP }, 0 },
	{ KIT_NSEC, "set sub NSEC ns.sub.example. NS RRSIG NSEC;sign sub NSEC", { DNS_CHAIN_NEXT }, 0 },
	{ KIT_NSEC, "set x.y NSEC dn.example. NS RRSIG NSEC;sign x.y NSEC", { DNS_CHAIN_LOOP }, 0 },
	{ KIT_NSEC, "add #mail NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A",
	    { DNS_SIG_MISSING, DNS_DENIAL_TTL }, DNS_DENIAL_MIXED },
	{ KIT_NSEC, "add sub A 192.0.2.77", { 0 }, 0 },

	/* NSEC3 */
	{ KIT_NSEC3, "skip #mail", { DNS_DENIAL_MISSING }, 0 },
	{ KIT_NSEC3, "drop #mail NSEC3", { DNS_DENIAL_MISSING, DNS_CHAIN_NEXT }, 0 },
	{ KIT_NSEC3, "skip #sec", { DNS_DENIAL_MISSING }, 0 },
	{ KIT_NSEC3, "skip #@", { DNS_DENIAL_MISSING }, 0 },
	{ KIT_NSEC3, "skip #b.ent", { DNS_DENIAL_ENT }, 0 },
	{ KIT_NSEC3, "skip #wild", { DNS_DENIAL_ENT }, 0 },
	{ KIT_NSEC3, "skip #y", { DNS_DENIAL_ENT }, 0 },
	{ KIT_NSEC3, "skip #ins", { DNS_OPTOUT_COVER }, 0 },
	{ KIT_NSEC3, "plant #nothere", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, "plant #ns.sub", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, "n3 #mail salt=AB;sign #mail NSEC3", { DNS_NSEC3_PARAM }, 0 },
	{ KIT_NSEC3, "n3 #@ iter=1;sign #@ NSEC3", { DNS_NSEC3_PARAM }, 0 },
	{ KIT_NSEC3, "n3 #mail alg=2;sign #mail NSEC3", { DNS_NSEC3_PARAM }, 0 },
	{ KIT_NSEC3, "n3 #mail flags=2;sign #mail NSEC3", { DNS_NSEC3_FLAGS }, 0 },
	{ KIT_NSEC3, "n3 #mail flags=1;sign #mail NSEC3", { 0 }, 0 },
	{ KIT_NSEC3, "n3 #mail types=RRSIG;sign #mail NSEC3", { DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC3, "n3 #mail types=A,MX,RRSIG;sign #mail NSEC3", { DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC3, "n3 #b.ent types=RRSIG;sign #b.ent NSEC3", { DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC3, "n3 #ins types=NS,RRSIG;sign #ins NSEC3", { DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC3, "n3 #mail raw=0007400000000200;sign #mail NSEC3", { DNS_BITMAP_FORM }, 0 },
	{ KIT_NSEC3, "n3 #mail next=#nothere;sign #mail NSEC3", { DNS_CHAIN_NEXT }, 0 },
	{ KIT_NSEC3, "ttl #mail NSEC3 200;sign #mail NSEC3", { DNS_DENIAL_TTL }, 0 },
	{ KIT_NSEC3, "del #mail NSEC3", { DNS_DENIAL_MISSING, DNS_SIG_ORPHAN }, 0 },
	{ KIT_NSEC3, "add #mail NSEC3 1 0 0 - vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv A;sign #mail NSEC3",
	    { DNS_DENIAL_MANY }, 0 },
	{ KIT_NSEC3, "add mail NSEC ns1.example. A",
	    { DNS_SIG_MISSING, DNS_BITMAP_MISSING, DNS_DENIAL_TTL }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, "add ns.sub NSEC two.example. A RRSIG NSEC", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, "add b.ent NSEC c.ent.example. RRSIG NSEC;sign b.ent NSEC", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, "add mail NSEC3 1 0 0 - vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv A", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, "drop @ NSEC3PARAM", { DNS_NSEC3PARAM_MISSING, DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC3, "set @ NSEC3PARAM 1 1 0 -;sign @ NSEC3PARAM", { DNS_NSEC3PARAM_MISSING }, 0 },
	{ KIT_NSEC3, "set @ NSEC3PARAM 1 0 0 AB;sign @ NSEC3PARAM", { DNS_NSEC3PARAM_MISMATCH }, 0 },
	{ KIT_NSEC3, "set @ NSEC3PARAM 1 0 7 -;sign @ NSEC3PARAM", { DNS_NSEC3PARAM_MISMATCH }, 0 },
	{ KIT_NSEC, "add @ NSEC3PARAM 1 0 0 -;sign @ NSEC3PARAM",
	    { DNS_NSEC3PARAM_MISMATCH, DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC3, "node c.ent;skip #c.ent", { 0 }, 0 },
	{ KIT_NSEC3, "node c.ent", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, "node a.b.ent;skip #a.b.ent;skip #b.ent", { 0 }, 0 },
	{ KIT_NSEC3, "node a.b.ent;skip #a.b.ent", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, "node x.y;skip #x.y;skip #y", { 0 }, 0 },
	{ KIT_NSEC3, "add q.r A 192.0.2.1;sign q.r A;plant #q.r;n3 #q.r types=A,RRSIG;sign #q.r NSEC3",
	    { DNS_DENIAL_ENT }, 0 },

	/* opt-out */
	{ KIT_OPTOUT, "clear #ins", { DNS_OPTOUT_COVER, DNS_DENIAL_ENT }, 0 },
	{ KIT_OPTOUT, "clear #x.y", { DNS_OPTOUT_COVER }, 0 },
	{ KIT_OPTOUT, "skip #mail", { DNS_OPTOUT_SPAN }, 0 },
	{ KIT_OPTOUT, "skip #sec", { DNS_OPTOUT_SPAN }, 0 },
	{ KIT_OPTOUT, "skip #b.ent", { DNS_DENIAL_ENT }, 0 },
	{ KIT_OPTOUT, "plant #ins;n3 #ins types=NS;sign #ins NSEC3", { 0 }, 0 },
	{ KIT_OPTOUT, "plant #y;n3 #y types=;sign #y NSEC3", { 0 }, 0 },
	{ KIT_OPTOUT, "plant #nothere", { DNS_DENIAL_EXTRA }, 0 },
	{ KIT_OPTOUT, "node ins", { 0 }, 0 },
	{ KIT_OPTOUT, "add more NS ns1", { 0 }, 0 },
	{ KIT_OPTOUT, "drop ins NS;add ins A 192.0.2.1;sign ins A", { DNS_OPTOUT_SPAN }, 0 },
	{ KIT_OPTOUT, "drop x.y NS;add x.y A 192.0.2.1;sign x.y A;plant #x.y;n3 #x.y types=A,RRSIG;"
	    "sign #x.y NSEC3", { DNS_DENIAL_ENT }, 0 },

	/* names */
	{ KIT_NSEC, "add mail DS 1 13 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F;"
	    "sign mail DS", { DNS_DS_WITHOUT_NS, DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC, "drop ns.sub A", { DNS_GLUE_MISSING }, 0 },
	{ KIT_NSEC, "set ins NS nothere", { DNS_NS_NO_ADDRESS }, 0 },
	{ KIT_NSEC, "set ins NS www", { DNS_NS_CNAME }, 0 },
	/* wildcards (RFC 4592 section 3.3.1): the kit's *.wild has TXT only */
	{ KIT_NSEC, "set ins NS ns7.wild", { DNS_NS_NO_ADDRESS }, 0 },
	{ KIT_NSEC, WILD_A ";set ins NS ns7.wild", { 0 }, 0 },
	{ KIT_NSEC, WILD_A ";set ins NS a.b.c.wild", { 0 }, 0 },
	{ KIT_NSEC, WILD_A ";set ins NS *.wild", { 0 }, 0 },
	{ KIT_NSEC, WILD_A ";set ins NS wild", { DNS_NS_NO_ADDRESS }, 0 },
	{ KIT_NSEC, WILD_A ";set ins NS nothere", { DNS_NS_NO_ADDRESS }, 0 },
	{ KIT_NSEC, WILD_A ";set ins NS a.ns1.wild;add b.ns1.wild TXT x;sign b.ns1.wild TXT;"
	    "add b.ns1.wild NSEC www.example. TXT RRSIG NSEC;ttl b.ns1.wild NSEC 300;sign b.ns1.wild NSEC;"
	    "set *.wild NSEC b.ns1.wild.example. A TXT RRSIG NSEC;sign *.wild NSEC",
	    { DNS_NS_NO_ADDRESS }, 0 },
	{ KIT_NSEC, "add *.wild CNAME mail;drop *.wild TXT;sign *.wild CNAME;"
	    "set *.wild NSEC www.example. CNAME RRSIG NSEC;sign *.wild NSEC;set ins NS ns7.wild",
	    { DNS_NS_CNAME }, 0 },
	{ KIT_NSEC, "set ins NS b.ent", { DNS_NS_NO_ADDRESS }, 0 },
	{ KIT_NSEC, "set ins NS ns.x.y", { 0 }, 0 },
	{ KIT_NSEC, "add two SOA ns1 hostmaster 1 7200 900 1209600 300;sign two SOA",
	    { DNS_SOA_BELOW, DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC, "add ns.sub SOA ns1 hostmaster 1 7200 900 1209600 300",
	    { DNS_SOA_BELOW, DNS_OCCLUDED }, 0 },
	{ KIT_NSEC, "add ns.sub TXT x", { DNS_OCCLUDED }, 0 },
	{ KIT_NSEC, "add sub TXT x", { DNS_OCCLUDED }, 0 },
	{ KIT_NSEC, "add a.dn A 192.0.2.1", { DNS_DNAME_BELOW }, 0 },
	{ KIT_NSEC, "add a.dn A 192.0.2.1;sign a.dn A", { DNS_DNAME_BELOW, DNS_SIG_GLUE }, 0 },
	{ KIT_NSEC, "add www TXT x;sign www TXT", { DNS_CNAME_OTHER, DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC, "add www CNAME two;sign www CNAME", { DNS_CNAME_MANY }, 0 },
	{ KIT_NSEC, "add dn DNAME two;sign dn DNAME", { DNS_CNAME_MANY }, 0 },
	{ KIT_NSEC, "drop *.wild TXT;add *.wild NS ns1;set *.wild NSEC www.example. NS RRSIG NSEC;"
	    "sign *.wild NSEC", { DNS_WILDCARD_CUT }, 0 },
	{ KIT_NSEC, "add *.wild DNAME mail;sign *.wild DNAME", { DNS_WILDCARD_DNAME, DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC, "add ent NS ns1", { DNS_SIG_GLUE, DNS_DENIAL_EXTRA, DNS_DENIAL_MISSING,
	    DNS_CHAIN_NEXT, DNS_OCCLUDED }, 0 },
	{ KIT_NSEC, "drop sub NS", { DNS_DENIAL_EXTRA, DNS_SIG_MISSING, DNS_DENIAL_MISSING,
	    DNS_CHAIN_NEXT }, 0 },

	/* the apex */
	{ KIT_NSEC, "add @ SOA ns1 hostmaster 2 7200 900 1209600 300;sign @ SOA", { DNS_SOA_COUNT },
	    DNS_SOA_EXPIRE },
	{ KIT_NSEC, "drop @ SOA", { DNS_SOA_COUNT, DNS_BITMAP_EXTRA, DNS_DENIAL_TTL }, 0 },
	{ KIT_NSEC, "set @ SOA ns1 hostmaster 1 0 900 1209600 300;sign @ SOA", { DNS_SOA_TIMES }, 0 },
	{ KIT_NSEC, "set @ SOA ns1 hostmaster 1 7200 900 1209600 600;sign @ SOA", { DNS_DENIAL_TTL }, 0 },
	{ KIT_NSEC, "drop @ NS", { DNS_APEX_NS, DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC, "drop @ DNSKEY", { DNS_DNSKEY_MISSING, DNS_BITMAP_EXTRA }, 0 },
	{ KIT_NSEC, "set @ DNSKEY %rk", { DNS_DNSKEY_MISSING }, DNS_KEY_REVOKED },
	{ KIT_NSEC, "add @ DNSKEY 256 2 13 " ED25519 ";sign @ DNSKEY", { DNS_KEY_PROTOCOL }, 0 },
	{ KIT_NSEC, "add @ DNSKEY 0 3 13 " ED25519 ";sign @ DNSKEY", { 0 }, DNS_KEY_NOT_ZONE },
	{ KIT_NSEC, "add @ DNSKEY 256 3 13 " ED25519 ";sign @ DNSKEY", { DNS_KEY_FORM }, 0 },
	{ KIT_NSEC, "add @ DNSKEY 256 3 8 " RSA1024 ";sign @ DNSKEY",
	    { DNS_KEY_SIZE, DNS_SIG_ALG_MISSING }, 0 },
	{ KIT_NSEC, "add @ DNSKEY 256 3 253 AAEC;sign @ DNSKEY",
	    { DNS_ALG_UNKNOWN, DNS_SIG_ALG_MISSING }, 0 },
	{ KIT_NSEC, "set @ DNSKEY %zk;sign @ DNSKEY key=z", { DNS_DS_MISMATCH, DNS_CDS_NO_KEY,
	    DNS_CDS_BREAKS, DNS_CDS_SIGNER, DNS_SIG_NO_KEY }, DNS_KEY_SEP },
	{ KIT_NSEC, "sign @ DNSKEY key=z", { DNS_DS_SILENT, DNS_CDS_BREAKS }, 0 },

	/* CDS */
	{ KIT_NSEC, "add @ CDS 1 13 99 AABB;sign @ CDS", { DNS_CDS_FORM }, 0 },
	{ KIT_NSEC, "set @ CDS 0 0 0 00;set @ CDNSKEY 0 3 0 AA==;sign @ CDS;sign @ CDNSKEY", { 0 },
	    DNS_CDS_DELETE },
	{ KIT_NSEC, "add @ CDS 0 0 0 00;sign @ CDS", { DNS_CDS_DELETE_MIXED, DNS_CDS_DIFFER }, 0 },
	{ KIT_NSEC, "set @ CDS 0 0 0 00;sign @ CDS", { DNS_CDS_DIFFER }, DNS_CDS_DELETE },
	{ KIT_NSEC, "add @ CDNSKEY %xk;sign @ CDNSKEY", { DNS_CDS_NO_KEY, DNS_CDS_DIFFER }, 0 },
	{ KIT_NSEC, "add @ CDS %xd;add @ CDNSKEY %xk;sign @ CDS;sign @ CDNSKEY", { DNS_CDS_NO_KEY }, 0 },
	{ KIT_NSEC, "set @ CDS %xd;set @ CDNSKEY %xk;sign @ CDS;sign @ CDNSKEY",
	    { DNS_CDS_NO_KEY, DNS_CDS_BREAKS }, 0 },
	{ KIT_NSEC, "set @ CDS %zd;set @ CDNSKEY %zk;sign @ CDS;sign @ CDNSKEY", { DNS_CDS_BREAKS }, 0 },
	{ KIT_NSEC, "sign @ CDS key=z", { DNS_CDS_SIGNER }, 0 },
};

/* What the gate does not judge: several chains are for a full audit. */
static const struct row chain_rows[] = {
	/* several chains: each that NSEC3PARAM names is whole (RFC 5155 section 7.3) */
	{ KIT_NSEC3, TWO, { DNS_NSEC3_SALT }, 0 },
	{ KIT_NSEC3, TWO ";skip #mail", { DNS_NSEC3_SALT, DNS_DENIAL_MISSING }, 0 },
	{ KIT_NSEC3, TWO ";skip #mail/AB", { DNS_NSEC3_SALT, DNS_DENIAL_MISSING }, 0 },
	{ KIT_NSEC3, TWO ";drop #mail/AB NSEC3", { DNS_NSEC3_SALT, DNS_DENIAL_MISSING, DNS_CHAIN_NEXT }, 0 },
	{ KIT_NSEC3, TWO ";skip #@/AB", { DNS_NSEC3_SALT, DNS_DENIAL_MISSING }, 0 },
	{ KIT_NSEC3, TWO ";skip #b.ent/AB", { DNS_NSEC3_SALT, DNS_DENIAL_ENT }, 0 },
	{ KIT_NSEC3, TWO ";skip #ins/AB", { DNS_NSEC3_SALT, DNS_OPTOUT_COVER }, 0 },
	{ KIT_NSEC3, TWO ";plant #nothere/AB", { DNS_NSEC3_SALT, DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, TWO ";flip #mail/AB NSEC3", { DNS_NSEC3_SALT, DNS_SIG_BAD }, 0 },
	{ KIT_NSEC3, TWO ";n3 #mail/AB types=RRSIG;sign #mail/AB NSEC3",
	    { DNS_NSEC3_SALT, DNS_BITMAP_MISSING }, 0 },
	{ KIT_NSEC3, TWO ";n3 #mail/AB next=#mail;sign #mail/AB NSEC3", { DNS_NSEC3_SALT, DNS_CHAIN_NEXT }, 0 },
	{ KIT_NSEC3, TWO ";n3 #mail/AB next=#two/AB;sign #mail/AB NSEC3", { DNS_NSEC3_SALT, DNS_CHAIN_GAP }, 0 },
	{ KIT_NSEC3, TWO ";n3 #mail/AB salt=CD;sign #mail/AB NSEC3", { DNS_NSEC3_SALT, DNS_NSEC3_PARAM }, 0 },
	{ KIT_NSEC3, TWO ";node c.ent", { DNS_NSEC3_SALT, DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, TWO ";node c.ent;skip #c.ent", { DNS_NSEC3_SALT, DNS_DENIAL_EXTRA }, 0 },
	{ KIT_NSEC3, TWO ";node c.ent;skip #c.ent;skip #c.ent/AB", { DNS_NSEC3_SALT }, 0 },
	{ KIT_NSEC3, "also @ opt-out AB;" PARAM_AB, { DNS_NSEC3_SALT }, 0 },
	{ KIT_NSEC3, "also @ opt-out AB;" PARAM_AB ";clear #ins/AB", { DNS_NSEC3_SALT, DNS_OPTOUT_COVER }, 0 },
	{ KIT_NSEC3, PARAM_AB, { DNS_NSEC3PARAM_MISMATCH }, 0 },
	{ KIT_NSEC3, "add @ NSEC3PARAM 1 0 0 AA;add @ NSEC3PARAM 1 0 0 BB;add @ NSEC3PARAM 1 0 0 CC;"
	    "add @ NSEC3PARAM 1 0 0 DD;sign @ NSEC3PARAM",
	    { DNS_NSEC3PARAM_MANY, DNS_NSEC3PARAM_MISMATCH }, 0 },
	/* one that it does not name may be any part of a chain; but it is signed */
	{ KIT_NSEC3, "also @ nsec3 AB", { 0 }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, "also @ nsec3 AB;drop #mail/AB NSEC3;drop #two/AB NSEC3", { 0 }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, "also @ nsec3 AB;unsign #mail/AB NSEC3", { DNS_SIG_MISSING }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, "also @ nsec3 AB;skip #mail", { DNS_DENIAL_MISSING }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, "also @ nsec3 AB;skip #b.ent", { DNS_DENIAL_ENT }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, "also @ nsec3 AB;plant #nothere", { DNS_DENIAL_EXTRA }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, "also @ nsec3 AB;n3 #mail next=#two/AB;sign #mail NSEC3",
	    { DNS_CHAIN_NEXT, DNS_NSEC3_PARAM }, DNS_DENIAL_MIXED },
	{ KIT_OPTOUT, "also @ nsec3 AB;skip #mail", { DNS_OPTOUT_SPAN }, DNS_DENIAL_MIXED },
	{ KIT_OPTOUT, "also @ nsec3 AB;clear #ins", { DNS_OPTOUT_COVER, DNS_DENIAL_ENT }, DNS_DENIAL_MIXED },
	{ KIT_OPTOUT, "also @ nsec3 AB", { 0 }, DNS_DENIAL_MIXED },
	/* NSEC to NSEC3 (section 10.4): at first NSEC is in force … */
	{ KIT_NSEC, "also @ nsec3", { 0 }, DNS_DENIAL_MIXED },
	{ KIT_NSEC, "also @ nsec3;drop #mail NSEC3;drop #@ NSEC3", { 0 }, DNS_DENIAL_MIXED },
	{ KIT_NSEC, "also @ nsec3;drop mail NSEC", { DNS_DENIAL_MISSING }, DNS_DENIAL_MIXED },
	{ KIT_NSEC, "also @ nsec3;add @ NSEC3PARAM 1 1 0 -;sign @ NSEC3PARAM;" APEX_BOTH, { 0 }, DNS_DENIAL_MIXED },
	/* … and then NSEC3; the other way (section 10.5) has the same states */
	{ KIT_NSEC3, BOTH, { 0 }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, BOTH ";drop mail NSEC;drop @ NSEC", { 0 }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, BOTH ";skip #mail", { DNS_DENIAL_MISSING }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, BOTH ";set mail NSEC sec.example. A RRSIG NSEC;sign mail NSEC", { DNS_CHAIN_GAP },
	    DNS_DENIAL_MIXED },
	{ KIT_NSEC3, BOTH ";set mail NSEC ns1.example. RRSIG NSEC;sign mail NSEC", { DNS_BITMAP_MISSING },
	    DNS_DENIAL_MIXED },
	{ KIT_NSEC3, BOTH ";unsign mail NSEC", { DNS_SIG_MISSING }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, BOTH ";n3 #mail types=A,RRSIG,NSEC;sign #mail NSEC3", { 0 }, DNS_DENIAL_MIXED },
	{ KIT_NSEC3, BOTH ";n3 #mail types=A,NSEC;sign #mail NSEC3", { DNS_BITMAP_MISSING, DNS_BITMAP_EXTRA },
	    DNS_DENIAL_MIXED },
	{ KIT_NSEC3, BOTH ";drop @ NSEC3PARAM;set @ NSEC dn.example. NS SOA MX RRSIG NSEC DNSKEY CDS CDNSKEY;"
	    "sign @ NSEC", { 0 }, DNS_DENIAL_MIXED },
};

static bool
is_wanted(const struct row *r, enum audit_code code)
{
	for (unsigned i = 0; i < CODES; i++)
		if (r->codes[i] != 0 && r->codes[i] == code)
			return true;
	return code == r->note;
}

static bool
row_holds(const struct row *r, const struct audit_result *res)
{
	bool ok = r->note == 0 || audit_has(res, r->note);

	for (unsigned i = 0; i < CODES; i++)
		ok &= r->codes[i] == 0 || audit_has(res, r->codes[i]);
	for (size_t i = 0; i < res->n_groups; i++)
		ok &= audit_rows[res->groups[i].code].severity == SEV_NOTE ||
		    is_wanted(r, res->groups[i].code);
	return ok;
}

static void
row_tell(const char *script, const struct audit_result *res)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct findings fs;
	struct buf b = BUF_INIT;

	findings_init(&fs, pool);
	audit_findings(res, &fs);
	for (const struct finding *f = fs.head; f != NULL; f = f->next) {
		buf_printf(&b, "# %s %s: ", script, f->def->code);
		finding_text(&b, f, LANG_EN);
		buf_char(&b, '\n');
	}
	buf_char(&b, '\0');
	print_message("%s", b.p);
	buf_done(&b);
}

static struct audit_result *
audited(const struct audit_kit *k, struct zone *z)
{
	struct audit_result *r = NULL;

	assert_int_equal(audit_zone(z, &k->opts, &r), 0);
	return r;
}

/* The gate, coming from the good zone: the same verdict, or that it cannot tell. */
static bool
gate_agrees(const struct audit_kit *k, const struct audit_result *good, struct zone *z,
    const struct audit_result *full, unsigned *n_again)
{
	_cleanup_(audit_result_freep) struct audit_result *r = NULL;

	assert_int_equal(audit_change(k->z, good, z, &k->opts, &r), 0);
	*n_again += r->state == AUDIT_AGAIN;
	if (r->state == AUDIT_AGAIN)
		return true;
	return (r->state == AUDIT_BAD) == (full->state == AUDIT_BAD);
}

/* How many of them the gate could not tell. */
static unsigned
rows_run(const struct row *v, size_t n)
{
	struct audit_kit *kits[] = { kit_new(KIT_NSEC), kit_new(KIT_NSEC3), kit_new(KIT_OPTOUT) };
	struct audit_result *good[3];
	unsigned n_wrong = 0, n_again = 0;

	for (unsigned i = 0; i < 3; i++) {
		good[i] = audited(kits[i], kit_good(kits[i]));
		assert_int_equal(good[i]->state, AUDIT_GOOD);
		assert_int_equal(good[i]->n_by_severity[SEV_WARN], 0);
	}
	for (const struct row *r = v; r < v + n; r++) {
		struct audit_kit *k = kits[r->denial];
		struct zone *z = kit_script(k, k->z, r->script);
		struct audit_result *res = audited(k, z);

		if (!row_holds(r, res)) {
			n_wrong++;
			row_tell(r->script, res);
		}
		if (!gate_agrees(k, good[r->denial], z, res, &n_again)) {
			n_wrong++;
			print_message("# %s: the gate differs\n", r->script);
		}
		(void)audit_result_free(res);
		(void)zone_unref(z);
	}
	assert_int_equal(n_wrong, 0);
	for (unsigned i = 0; i < 3; i++) {
		(void)audit_result_free(good[i]);
		kit_free(kits[i]);
	}
	return n_again;
}

static void
test_rows(void **state)
{
	unsigned n_again = rows_run(rows, ARRAY_LEN(rows));

	(void)state;
	/* "Again" is an answer only for keys, parameters and what cannot be placed. */
	print_message("# again: %u of %zu\n", n_again, ARRAY_LEN(rows));
	assert_true(n_again < ARRAY_LEN(rows) / 3);
}

static void
test_chains(void **state)
{
	(void)state;
	(void)rows_run(chain_rows, ARRAY_LEN(chain_rows));
}

/* From a version with several chains the gate cannot tell; from one chain to another, neither. */
static void
test_chains_gate(void **state)
{
	static const char *const scripts[] = { TWO, "also @ nsec3 AB", BOTH };
	struct audit_kit *k = kit_new(KIT_NSEC3);
	struct zone *good = kit_good(k);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct zone *z = kit_script(k, good, scripts[i]), *next = kit_script(k, z, "skip #mail");
		struct audit_result *passed = audited(k, z), *r = NULL;

		assert_int_equal(passed->state, AUDIT_GOOD);
		assert_true(passed->mixed);
		assert_int_equal(audit_change(z, passed, next, &k->opts, &r), 0);
		assert_int_equal(r->state, AUDIT_AGAIN);
		(void)audit_result_free(passed);
		(void)audit_result_free(r);
		(void)zone_unref(z);
		(void)zone_unref(next);
	}
	kit_free(k);
}

/* --- what no script says --- */

static void
has_only(const struct audit_result *r, enum audit_state state, enum audit_code code)
{
	const struct row row = { KIT_NSEC, "", { audit_rows[code].severity == SEV_NOTE ? 0 : code },
	    audit_rows[code].severity == SEV_NOTE ? code : 0 };

	if (!row_holds(&row, r))
		row_tell(audit_rows[code].code, r);
	assert_true(row_holds(&row, r));
	assert_int_equal(r->state, state);
}

static void
check_opts(const struct audit_kit *k, struct zone *z, const struct audit_opts *opts,
    enum audit_state state, enum audit_code code)
{
	_cleanup_(audit_result_freep) struct audit_result *r = NULL;

	(void)k;
	assert_int_equal(audit_zone(z, opts, &r), 0);
	has_only(r, state, code);
}

static void
test_unsigned(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC);
	struct zone *z = kit_zone(&k->apex, sv_str(kit_text));
	struct audit_opts opts = { .now = KIT_NOW };

	(void)state;
	check_opts(k, z, &opts, AUDIT_UNSIGNED, DNS_UNSIGNED);
	check_opts(k, z, &k->opts, AUDIT_BAD, DNS_UNSIGNED_DS);
	(void)zone_unref(z);
	kit_free(k);
}

static void
test_anchors(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC);
	struct zone *z = kit_good(k);
	uint8_t other[DS_RDATA_MAX], odd[] = { 0x12, 0x34, 13, 99, 1, 2 };
	struct audit_anchor two[2] = { k->anchor, { RR_DNSKEY, kit_rdata(&k->key[0]) } };
	struct audit_opts opts = { .now = KIT_NOW };
	size_t n;

	(void)state;
	check_opts(k, z, &opts, AUDIT_GOOD, DNS_ANCHOR_NONE);
	opts.anchors = &two[1];
	opts.n_anchors = 1;
	check_opts(k, z, &opts, AUDIT_GOOD, DNS_SOA_EXPIRE);	/* a DNSKEY serves as well */
	opts.anchors = two;
	opts.n_anchors = 2;
	assert_int_equal(ds_write(&k->apex, kit_rdata(&k->key[2]), 2, other, &n), 0);
	two[1] = (struct audit_anchor){ RR_DS, { (const char *)other, n } };
	check_opts(k, z, &opts, AUDIT_GOOD, DNS_DS_UNUSED);
	two[1].rdata = (struct sv){ (const char *)odd, sizeof(odd) };
	check_opts(k, z, &opts, AUDIT_GOOD, DNS_DS_FORM);
	/* A digest that we do not compute, though the registry has it. */
	odd[3] = 5;
	check_opts(k, z, &opts, AUDIT_GOOD, DNS_DS_FORM);
	/* SHA-1 does, alone; beside SHA-256 it counts for nothing (RFC 4509 section 3). */
	assert_int_equal(ds_write(&k->apex, kit_rdata(&k->key[0]), 1, other, &n), 0);
	two[0] = (struct audit_anchor){ RR_DS, { (const char *)other, n } };
	opts.n_anchors = 1;
	check_opts(k, z, &opts, AUDIT_GOOD, DNS_SOA_EXPIRE);
	k->ds[10] ^= 1;
	two[1] = k->anchor;
	opts.n_anchors = 2;
	_cleanup_(audit_result_freep) struct audit_result *mixed = NULL;
	assert_int_equal(audit_zone(z, &opts, &mixed), 0);
	assert_true(audit_has(mixed, DNS_DS_MISMATCH));
	opts.n_anchors = 1;
	opts.anchors = &k->anchor;
	_cleanup_(audit_result_freep) struct audit_result *r = NULL;
	assert_int_equal(audit_zone(z, &opts, &r), 0);
	assert_int_equal(r->state, AUDIT_BAD);
	assert_true(audit_has(r, DNS_DS_MISMATCH) && audit_has(r, DNS_DS_UNUSED));
	kit_free(k);
}

/* Each algorithm, and two keys of one tag: the right one is found. */
static void
test_algs(void **state)
{
	static const struct {
		uint8_t		alg;
		struct row	row;
	} algs[] = {
		{ 8, { 0, "8", { DNS_KEY_SIZE }, 0 } },
		{ 10, { 0, "10", { DNS_KEY_SIZE, DNS_ALG_DEPRECATED }, 0 } },
		{ 14, { 0, "14", { 0 }, 0 } },
		{ 15, { 0, "15", { 0 }, 0 } },
		{ 16, { 0, "16", { 0 }, 0 } },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(algs); i++) {
		struct audit_kit *k = kit_new_alg(KIT_NSEC3, algs[i].alg);
		struct audit_result *r = audited(k, kit_good(k));

		assert_true(row_holds(&algs[i].row, r));
		assert_int_equal(r->state, AUDIT_GOOD);
		if (algs[i].alg == 15) {
			struct zone *z = kit_script(k, k->z, "add @ DNSKEY %zt;sign @ DNSKEY");

			check_opts(k, z, &k->opts, AUDIT_GOOD, DNS_KEY_TAGS);
			(void)zone_unref(z);
		}
		(void)audit_result_free(r);
		kit_free(k);
	}
}

static void
test_alg_none(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC);
	struct zone *z = kit_script(k, kit_good(k), "set @ DNSKEY 257 3 253 AAEC;sign @ DNSKEY");
	_cleanup_(audit_result_freep) struct audit_result *r = audited(k, z);

	(void)state;
	assert_int_equal(r->state, AUDIT_BAD);
	assert_true(audit_has(r, DNS_ALG_NONE));
	(void)zone_unref(z);
	kit_free(k);
}

/* More keys than are looked at. */
static void
test_keys_many(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC);
	struct zone *z = zone_ref(kit_good(k));

	(void)state;
	for (unsigned i = 0; i < AUDIT_KEYS_MAX - 2; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "add @ DNSKEY \\# 6 000003FD%04X", i);
		kit_statement(k, &z, sv_str(line));
	}
	kit_statement(k, &z, SV("sign @ DNSKEY"));
	check_opts(k, z, &k->opts, AUDIT_GOOD, DNS_KEY_NOT_ZONE);
	kit_statement(k, &z, SV("add @ DNSKEY \\# 6 000003FDFFFF"));
	kit_statement(k, &z, SV("sign @ DNSKEY"));
	_cleanup_(audit_result_freep) struct audit_result *r = audited(k, z);
	assert_true(audit_has(r, DNS_KEYS_MANY));
	assert_int_equal(r->state, AUDIT_BAD);
	(void)zone_unref(z);
	kit_free(k);
}

/* --- NSEC3 parameters --- */

/* One field of all records of the chain and of NSEC3PARAM, signed again. */
static struct zone *
chain_of(struct audit_kit *k, const char *field, const char *param)
{
	struct zone *z = zone_ref(kit_good(k));
	struct zone_it it = zone_begin(k->z, ZONE_NSEC3);
	struct sv value = sv_str(field), name = sv_cut(&value, '=');
	const struct znode *n;
	char line[64];

	while ((n = zone_next(&it)) != NULL) {
		struct kit_at at = { .part = ZONE_NSEC3, .key_len = NSEC3_HASH_LEN };
		struct kit_set *s;

		memcpy(at.key, znode_key(n).p, NSEC3_HASH_LEN);
		assert_int_equal(nsec3_owner(at.key, &k->apex, &at.name), 0);
		s = kit_get(z, &at, RR_NSEC3);
		kit_n3_field(k, &s->rr[0], name, value);
		kit_n3_put(k, &z, &at, s);
	}
	(void)snprintf(line, sizeof(line), "set @ NSEC3PARAM %s", param);
	kit_statement(k, &z, sv_str(line));
	kit_statement(k, &z, SV("sign @ NSEC3PARAM"));
	return z;
}

static void
test_nsec3_params(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC3);
	struct zone *z = chain_of(k, "alg=2", "2 0 0 -");

	(void)state;
	check_opts(k, z, &k->opts, AUDIT_BAD, DNS_NSEC3_ALG);
	(void)zone_unref(z);
	z = chain_of(k, "iter=2501", "1 0 2501 -");
	check_opts(k, z, &k->opts, AUDIT_BAD, DNS_NSEC3_ITERATIONS_MAX);
	(void)zone_unref(z);
	k->policy.allow_iterations = true;
	k->policy.iterations = 3;
	check_opts(k, kit_good(k), &k->opts, AUDIT_GOOD, DNS_NSEC3_ITERATIONS);
	k->policy.iterations = 0;
	k->policy.salt_len = 2;
	check_opts(k, kit_good(k), &k->opts, AUDIT_GOOD, DNS_NSEC3_SALT);
	kit_free(k);
}

/* --- sizes --- */

/* As many as BIND takes, and one more: records of a type, and types with their signatures. */
static void
test_sizes(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC);
	struct zone *z = zone_ref(kit_good(k)), *types = zone_ref(z);
	char line[64];

	(void)state;
	for (unsigned i = 0; i < AUDIT_RRS_TOLD + 1; i++) {
		_cleanup_(audit_result_freep) struct audit_result *r = NULL;

		(void)snprintf(line, sizeof(line), "add ns.sub A 10.0.0.%u", i);
		kit_statement(k, &z, sv_str(line));	/* beside the one that is there */
		if (i + 2 < AUDIT_RRS_TOLD)
			continue;
		r = audited(k, z);
		assert_int_equal(audit_has(r, DNS_RRSET_LARGE), i + 2 > AUDIT_RRS_TOLD);
		assert_int_equal(r->state, AUDIT_GOOD);
	}
	/* mail: A, NSEC and their signatures; then unsigned ones. */
	for (unsigned i = 4; i < AUDIT_TYPES_TOLD + 1; i++) {
		_cleanup_(audit_result_freep) struct audit_result *r = NULL;

		(void)snprintf(line, sizeof(line), "add mail TYPE%u \\# 1 00", 1000 + i);
		kit_statement(k, &types, sv_str(line));
		if (i + 1 < AUDIT_TYPES_TOLD)
			continue;
		r = audited(k, types);
		assert_int_equal(audit_has(r, DNS_TYPES_MANY), i + 1 > AUDIT_TYPES_TOLD);
		assert_int_equal(audit_rows[DNS_TYPES_MANY].severity, SEV_NOTE);
	}
	(void)zone_unref(z);
	(void)zone_unref(types);
	kit_free(k);
}

/* --- counts and times --- */

static void
test_groups(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC);
	struct zone *z = zone_ref(kit_good(k));
	char line[64];

	(void)state;
	for (unsigned i = 0; i < 700; i++) {
		(void)snprintf(line, sizeof(line), "add h%u TXT x", i);
		kit_statement(k, &z, sv_str(line));
	}
	_cleanup_(audit_result_freep) struct audit_result *r = audited(k, z);
	assert_int_equal(r->n_by_severity[SEV_REJECT], 700 + 700 + 1);
	for (size_t i = 0; i < r->n_groups; i++) {
		const struct audit_group *g = &r->groups[i];

		if (g->code == DNS_SIG_MISSING) {
			assert_int_equal(g->type, RR_TXT);
			assert_int_equal(g->n, 700);
			assert_int_equal(g->n_examples, AUDIT_EXAMPLES);
		}
		assert_true(i == 0 || audit_rows[r->groups[i - 1].code].severity >=
		    audit_rows[g->code].severity);
	}
	(void)zone_unref(z);
	kit_free(k);
}

static void
test_horizon(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC);
	struct zone *z = kit_script(k, kit_good(k), "sign mail A exp=86400");
	_cleanup_(audit_result_freep) struct audit_result *r = audited(k, z);

	(void)state;
	assert_int_equal(r->first_expiry, KIT_NOW + 86400);
	assert_int_equal(r->first_type, RR_A);
	assert_int_equal(r->counts.n_delegations, 4);
	assert_int_equal(r->counts.n_secure, 1);
	assert_int_equal(r->n_keys, 2);
	assert_int_equal(r->keys[0].n_sigs + r->keys[1].n_sigs, r->counts.n_sigs);
	k->opts.horizon_sec = 86400;
	check_opts(k, z, &k->opts, AUDIT_GOOD, DNS_SOA_EXPIRE);
	k->opts.horizon_sec = 86401;
	check_opts(k, z, &k->opts, AUDIT_GOOD, DNS_SIG_EXPIRES_SOON);
	k->opts.now += 86401;
	check_opts(k, z, &k->opts, AUDIT_BAD, DNS_SIG_EXPIRED);
	(void)zone_unref(z);
	kit_free(k);
}

/* RRSIG times are modulo 2^32: the year 2106 is no wall. */
static void
test_2106(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC);
	_cleanup_(audit_result_freep) struct audit_result *r = NULL;

	(void)state;
	(void)kit_good(k);
	k->opts.now += (int64_t)1 << 32;
	assert_int_equal(audit_zone(k->z, &k->opts, &r), 0);
	assert_int_equal(r->state, AUDIT_GOOD);
	assert_true(r->first_expiry > k->opts.now);
	kit_free(k);
}

/* Units in any order: the same result. */
static void
test_units(void **state)
{
	struct audit_kit *k = kit_new(KIT_NSEC3);
	struct zone *z = zone_ref(kit_good(k));
	_cleanup_(audit_result_freep) struct audit_result *r = NULL, *s = NULL;
	_cleanup_(audit_freep) struct audit *a = NULL;
	char line[64];

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		(void)snprintf(line, sizeof(line), "add h%u TXT x", i);
		kit_statement(k, &z, sv_str(line));
	}
	r = audited(k, z);
	assert_int_equal(audit_begin(z, &k->opts, &a), 0);
	assert_true(audit_n_units(a) > 3);
	assert_int_equal(audit_end(a, &s), -EINVAL);
	(void)audit_free(TAKE_PTR(a));
	assert_int_equal(audit_begin(z, &k->opts, &a), 0);
	for (size_t i = audit_n_units(a); i > 0; i--)
		assert_int_equal(audit_unit(a, i - 1), 0);
	assert_int_equal(audit_end(a, &s), 0);
	assert_int_equal(r->n_groups, s->n_groups);
	for (size_t i = 0; i < r->n_groups; i++) {
		assert_int_equal(r->groups[i].code, s->groups[i].code);
		assert_int_equal(r->groups[i].n, s->groups[i].n);
	}
	assert_memory_equal(&r->counts, &s->counts, sizeof(r->counts));
	(void)zone_unref(z);
	kit_free(k);
}

TESTS_MAIN("dnssec/audit", T(test_rows), T(test_chains), T(test_chains_gate), T(test_unsigned), T(test_anchors), T(test_algs),
    T(test_alg_none), T(test_keys_many), T(test_nsec3_params), T(test_sizes), T(test_groups), T(test_horizon),
    T(test_2106), T(test_units))
