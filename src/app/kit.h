/*
 * app/kit: the router kit. What an operator types into a router so that it
 * uses validated payloads, and what is missing in what was typed already.
 *
 * kit_config() prints: sessions to two caches or more, timers with the reason
 * for each value, the policy for invalid routes at external sessions, and how
 * to see on the router that it works. What enters is checked word by word
 * (kit_word_ok): addresses, numbers, names and paths of letters that mean
 * nothing to any of these languages; so no value can end a statement, a quote
 * or a comment. There is no quoting, because there is nothing to quote.
 *
 * kit_lint() reads a router's configuration, text of anybody, with a reader
 * for each vendor that knows the statements in question and counts the rest.
 * All readers fill one model (kit_internal.h): caches, policies as lists of
 * entries, sessions with the policies at their import. Then one judge walks
 * the policies of each external session with a route that is invalid, and says
 * whether it is dropped, less preferred, or taken like any other. Where an
 * entry depends on something that the reader does not know, the answer is
 * "unsure", which is a finding, too: what cannot be decided is not passed.
 *
 * A vendor is a row of kit_vendors.c: its words, its timers with their bounds,
 * its parts of a configuration, the commands that show that it works, its
 * reader. BIRD, FRR and OpenBGPD are held to the real programs by tests/peer;
 * IOS XR, Junos, EOS and SR OS (both CLIs) to their vendors' documentation only.
 *
 * RFC 8210 section 6 (timers), RFC 7115 = BCP 185 (operation), RFC 8481 and
 * RFC 9324 (policy is the operator's, and needs the routes that were dropped).
 * Not here: filters by anything but origin validation, BGPsec, ASPA policies.
 */
#ifndef APP_KIT_H
#define APP_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/finding.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/tr.h"

/* A router has two caches, a cautious operator four. */
#define KIT_CACHES_MAX		8
/* External sessions on a command line; larger routers are merged by hand. */
#define KIT_PEERS_MAX		64
/* The largest router configurations seen have some 200,000 lines. */
#define KIT_FILE_MAX		((size_t)16 * 1024 * 1024)

enum kit_policy {
	KIT_OBSERVE,		/* mark or count, change nothing */
	KIT_PREFER,		/* invalid routes are used when there is no other */
	KIT_DROP,
	KIT_POLICY_MAX
};

enum kit_transport {
	KIT_TCP,
	KIT_SSH,
};

enum kit_time {
	KIT_REFRESH,
	KIT_RETRY,
	KIT_EXPIRE,
	KIT_HOLD,		/* silence after which a session is down */
	KIT_RESPONSE,		/* how long an answer may take */
	KIT_TIME_MAX
};

struct kit_vendor;

struct kit_host {
	char		 addr[IP_ADDR_STRLEN];
	uint8_t		 af;		/* enum ip_af */
	bool		 loopback;
	uint16_t	 port;		/* 0: the default of the transport */
	uint32_t	 asn;		/* of peers */
};

struct kit_want {
	const struct kit_vendor	*vendor;
	enum kit_policy		 policy;
	enum kit_transport	 transport;
	enum lang		 lang;
	uint32_t		 asn;
	uint32_t		 sec[KIT_TIME_MAX];	/* REFRESH, RETRY, EXPIRE are read */
	struct kit_host		 caches[KIT_CACHES_MAX], peers[KIT_PEERS_MAX];
	size_t			 n_caches, n_peers;
	const char		*router_id;		/* or NULL */
	const char		*ssh_user, *ssh_key, *ssh_host_key;	/* or NULL */
};

/* By name, "bird"; NULL: there is none. The i-th; NULL: no more. */
const struct kit_vendor *kit_vendor_find(struct sv);
const struct kit_vendor *kit_vendor_at(size_t i);
const char *kit_vendor_name(const struct kit_vendor *);
bool	 kit_vendor_has(const struct kit_vendor *, enum kit_transport);
/* Comments must be ASCII there. */
bool	 kit_vendor_is_ascii(const struct kit_vendor *);
/* Was its output loaded into the program by our tests? */
bool	 kit_vendor_is_tested(const struct kit_vendor *);

bool	 kit_policy_parse(struct sv, enum kit_policy *ret);
const char *kit_policy_name(enum kit_policy);

/* "192.0.2.1", "192.0.2.1:323", "[2001:db8::1]:323", "2001:db8::1". -EINVAL. */
int	 kit_host_parse(struct sv, struct kit_host *ret) MUST_USE;
/*
 * The only gate for free words (names, paths): letters, digits and "._/+-",
 * not beginning with "-", at most 128. All that a router's language could
 * take for something else is refused.
 */
bool	 kit_word_ok(const char *);

/* The configuration, with comments in want->lang where the vendor takes them. */
void	 kit_config(struct buf *, const struct kit_want *);
/* The reasons and the checks alone, without comment marks, in want->lang. */
void	 kit_explain(struct buf *, const struct kit_want *);
/* Members "configuration", "timers", "notes", "checks" of an open object. */
void	 kit_json(struct json *, const struct kit_want *);

enum kit_code {
#define F FINDING_ENUM_
#include "app/kit_findings.def"
#undef F
	KIT_CODE_MAX
};
extern const struct finding_def kit_findings[KIT_CODE_MAX];

struct kit_report {
	unsigned	n_lines;	/* that hold something */
	unsigned	n_read;		/* understood, or known not to matter */
	unsigned	n_unread;	/* amid what matters, and not understood */
	unsigned	first_unread;	/* its line, 0: none */
	unsigned	n_caches, n_policies;
	unsigned	n_external, n_internal, n_covered, n_unsure;
};

/*
 * outage_sec: how long a cache may be away without the router forgetting all.
 * 0, or negative when it could not be done (-ENOMEM, SE_LIMIT).
 */
int	 kit_lint(const struct kit_vendor *, struct sv text, uint32_t outage_sec,
	    struct findings *, struct kit_report *ret) MUST_USE;

#endif
