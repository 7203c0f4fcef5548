/*
 * The vendors, a row each. Places in templates: @asn@ @router_id@ @n@ @addr@
 * @host@ (in brackets or quotes as the language wants) @port@ @peer_asn@
 * @refresh@ @retry@ @expire@ @hold@ @response@ @lp@ @user@ @key@ @host_key@
 * @caches@. In notes, which are texts for people, {sec} {min} {max}.
 */
#include "app/kit_internal.h"

/* --- notes that several share --- */

#define NOTE_CACHES \
	N_("Two caches: while one is away, the router keeps what the other has (RFC 7115 section 3). They should be two machines that do not fail together.")
#define NOTE_ONE_CACHE \
	N_("ONLY ONE CACHE: while it is away, the router soon knows nothing. Name a second one.")
#define CACHES_SAID \
	{ KIT_IF_CACHES, KIT_ONCE, NOTE_CACHES, NULL }, \
	{ KIT_IF_ONE_CACHE, KIT_ONCE, NOTE_ONE_CACHE, NULL }
#define NOTE_TCP \
	N_("Plain TCP: whoever can write on the path can change what is valid. Keep it inside a network that you trust (RFC 8210 section 9).")
#define NOTE_OBSERVE \
	N_("Policy \"observe\": invalid routes are told apart, and used as before. Look at what would be lost, then choose \"drop\".")
#define NOTE_PREFER \
	N_("Policy \"prefer\": invalid routes get a low preference. It does not stop a more specific hijack, which has no competitor; \"drop\" does (RFC 7115 section 5).")
#define NOTE_DROP \
	N_("Policy \"drop\": invalid routes are refused (RFC 7115 section 5). Routes that no ROA covers are not invalid and stay.")
#define NOTE_EBGP \
	N_("At the import of external sessions only, and of all of them (RFC 7115 section 4): at internal sessions, routers that learn of a change at different moments would disagree about routes, and loops would follow.")
#define NOTE_EACH \
	N_("No external session was named with --peer. Do this for each that you have:")
#define NOTE_KEEP \
	N_("What the router refuses is kept, so that a changed ROA is applied without asking all neighbours for all routes again (RFC 9324).")
#define NOTE_SSH \
	N_("The cache's machine needs an SSH server with this user and a subsystem \"rpki-rtr\" that connects to the cache's port (RFC 8210 section 9.1).")

#define WHY_REFRESH \
	N_("asks for changes after {sec} s, and at once when the cache notifies; RFC 8210 section 6 recommends 3600, allowed are {min} to {max}")
#define WHY_RETRY \
	N_("tries again {sec} s after a failure; RFC 8210 section 6 recommends 600, allowed are {min} to {max}")
#define WHY_EXPIRE \
	N_("forgets a cache's data after {sec} s without it: an outage may last that long; longer means to work with old data. RFC 8210 section 6 recommends 7200, allowed are {min} to {max}")
#define WHY_HOLD \
	N_("takes a silent session for dead after {sec} s: twice the refresh time, so that one lost answer is not the end; allowed are {min} to {max}")

/* --- BIRD --- */

static const struct kit_timer kit_timers_bird[] = {
	{ "refresh", KIT_REFRESH, 1, 86400, WHY_REFRESH },
	{ "retry", KIT_RETRY, 1, 7200, WHY_RETRY },
	{ "expire", KIT_EXPIRE, 600, 172800, WHY_EXPIRE },
};

#define BIRD_FILTERS(what)						\
	"filter rpki_in4 {\n"						\
	"\tif roa_check(rpki4, net, bgp_path.last) = ROA_INVALID then " what ";\n" \
	"\taccept;\n"							\
	"}\n"								\
	"filter rpki_in6 {\n"						\
	"\tif roa_check(rpki6, net, bgp_path.last) = ROA_INVALID then " what ";\n" \
	"\taccept;\n"							\
	"}\n"

static const struct kit_part parts_bird[] = {
	{ KIT_IF_ROUTER_ID, KIT_ONCE, NULL, "router id @router_id@;\n" },
	CACHES_SAID,
	{ 0, KIT_ONCE, NULL,
	    "roa4 table rpki4;\n"
	    "roa6 table rpki6;\n" },
	{ KIT_IF_TCP, KIT_ONCE, NOTE_TCP, NULL },
	{ KIT_IF_SSH, KIT_ONCE, NOTE_SSH, NULL },
	{ 0, KIT_ONCE, N_("What the cache itself sends as timers (rtr.refresh, rtr.retry, rtr.expire of sekisho.conf) takes their place; write \"keep\" before a number to hold on to yours."), NULL },
	{ KIT_IF_TCP, KIT_CACHE, NULL,
	    "protocol rpki cache@n@ {\n"
	    "\troa4 { table rpki4; };\n"
	    "\troa6 { table rpki6; };\n"
	    "\ttransport tcp;\n"
	    "\tremote @addr@ port @port@;\n"
	    "\trefresh @refresh@;\n"
	    "\tretry @retry@;\n"
	    "\texpire @expire@;\n"
	    "}\n" },
	{ KIT_IF_SSH, KIT_CACHE, NULL,
	    "protocol rpki cache@n@ {\n"
	    "\troa4 { table rpki4; };\n"
	    "\troa6 { table rpki6; };\n"
	    "\ttransport ssh {\n"
	    "\t\tuser \"@user@\";\n"
	    "\t\tbird private key \"@key@\";\n"
	    "\t\tremote public key \"@host_key@\";\n"
	    "\t};\n"
	    "\tremote @addr@ port @port@;\n"
	    "\trefresh @refresh@;\n"
	    "\tretry @retry@;\n"
	    "\texpire @expire@;\n"
	    "}\n" },
	{ KIT_IF_OBSERVE, KIT_ONCE, NOTE_OBSERVE,
	    "attribute int rpki_state;\n"
	    BIRD_FILTERS("rpki_state = 2") },
	{ KIT_IF_PREFER, KIT_ONCE, NOTE_PREFER, BIRD_FILTERS("bgp_local_pref = @lp@") },
	{ KIT_IF_DROP, KIT_ONCE, NOTE_DROP, BIRD_FILTERS("reject") },
	{ 0, KIT_ONCE, NOTE_EBGP, NULL },
	{ 0, KIT_ONCE, NOTE_KEEP,
	    "template bgp rpki_external4 {\n"
	    "\tlocal as @asn@;\n"
	    "\tipv4 { import table yes; import filter rpki_in4; export none; };\n"
	    "}\n"
	    "template bgp rpki_external6 {\n"
	    "\tlocal as @asn@;\n"
	    "\tipv6 { import table yes; import filter rpki_in6; export none; };\n"
	    "}\n" },
	{ KIT_IF_PEERS, KIT_ONCE, N_("What you announce is yours to say: put your export filter in the place of \"none\"."),
	    "protocol device { }\n" },
	{ KIT_IF_PEERS, KIT_PEER4, NULL,
	    "protocol bgp peer@n@ from rpki_external4 {\n"
	    "\tneighbor @addr@ as @peer_asn@;\n"
	    "}\n" },
	{ KIT_IF_PEERS, KIT_PEER6, NULL,
	    "protocol bgp peer@n@ from rpki_external6 {\n"
	    "\tneighbor @addr@ as @peer_asn@;\n"
	    "}\n" },
	{ KIT_IF_NO_PEERS, KIT_ONCE, NOTE_EACH,
	    "# protocol bgp NAME from rpki_external4 { neighbor ADDRESS as ASN; }\n" },
};

static const struct kit_check checks_bird[] = {
	{ 0, "birdc show protocols all cache1", N_("up, Established, and a serial number"),
	    N_("Connecting, Transport-Error, or no serial number") },
	{ 0, "birdc show route table rpki4 count", N_("hundreds of thousands of routes on the Internet"),
	    N_("0 of 0 routes: no data came, and nothing is invalid") },
	{ KIT_IF_OBSERVE, "birdc 'show route table master4 where rpki_state = 2'",
	    N_("the routes that \"drop\" would refuse"), N_("a route that you need: tell its origin") },
	{ KIT_IF_PREFER, "birdc 'show route table master4 where bgp_local_pref = 50'",
	    N_("each invalid route stands there"), N_("nothing, while rpki4 has data") },
	{ KIT_IF_DROP, "birdc 'show route table master4 where roa_check(rpki4, net, bgp_path.last) = ROA_INVALID'",
	    N_("no route"), N_("a route from an external session: its filter is missing") },
};

/* --- FRR --- */

static const struct kit_timer kit_timers_frr[] = {
	{ "polling_period", KIT_REFRESH, 1, 86400, WHY_REFRESH },
	{ "retry_interval", KIT_RETRY, 1, 7200, WHY_RETRY },
	{ "expire_interval", KIT_EXPIRE, 600, 172800, WHY_EXPIRE },
};

static const struct kit_part parts_frr[] = {
	{ 0, KIT_ONCE, N_("bgpd must be started with the module (\"-M rpki\" in /etc/frr/daemons; Debian: package frr-rpki-rtrlib)."), NULL },
	CACHES_SAID,
	{ KIT_IF_TCP, KIT_ONCE, NOTE_TCP, NULL },
	{ KIT_IF_SSH, KIT_ONCE, NOTE_SSH, NULL },
	{ 0, KIT_ONCE, N_("FRR uses the cache with the lowest preference that answers, and goes to the next when it is lost."),
	    "rpki\n"
	    " rpki polling_period @refresh@\n"
	    " rpki retry_interval @retry@\n"
	    " rpki expire_interval @expire@\n" },
	{ KIT_IF_TCP, KIT_CACHE, NULL, " rpki cache @addr@ @port@ preference @n@\n" },
	{ KIT_IF_SSH, KIT_CACHE, NULL,
	    " rpki cache @addr@ @port@ @user@ @key@ @host_key@ preference @n@\n" },
	{ 0, KIT_ONCE, NULL, "exit\n!\n" },
	{ KIT_IF_OBSERVE, KIT_ONCE, NOTE_OBSERVE,
	    "route-map RPKI-IN permit 10\n"
	    " match rpki invalid\n"
	    "exit\n!\n" },
	{ KIT_IF_PREFER, KIT_ONCE, NOTE_PREFER,
	    "route-map RPKI-IN permit 10\n"
	    " match rpki invalid\n"
	    " set local-preference @lp@\n"
	    "exit\n!\n" },
	{ KIT_IF_DROP, KIT_ONCE, NOTE_DROP,
	    "route-map RPKI-IN deny 10\n"
	    " match rpki invalid\n"
	    "exit\n!\n" },
	{ 0, KIT_ONCE, NULL,
	    "route-map RPKI-IN permit 20\n"
	    "exit\n!\n" },
	{ 0, KIT_ONCE, NOTE_EBGP, NULL },
	{ 0, KIT_ONCE, NOTE_KEEP, "router bgp @asn@\n" },
	{ KIT_IF_ROUTER_ID, KIT_ONCE, NULL, " bgp router-id @router_id@\n" },
	{ KIT_IF_PEERS, KIT_PEER, NULL, " neighbor @addr@ remote-as @peer_asn@\n" },
	{ KIT_IF_PEERS4, KIT_ONCE, NULL, " address-family ipv4 unicast\n" },
	{ KIT_IF_PEERS4, KIT_PEER4, NULL,
	    "  neighbor @addr@ activate\n"
	    "  neighbor @addr@ soft-reconfiguration inbound\n"
	    "  neighbor @addr@ route-map RPKI-IN in\n" },
	{ KIT_IF_PEERS4, KIT_ONCE, NULL, " exit-address-family\n" },
	{ KIT_IF_PEERS6, KIT_ONCE, NULL, " address-family ipv6 unicast\n" },
	{ KIT_IF_PEERS6, KIT_PEER6, NULL,
	    "  neighbor @addr@ activate\n"
	    "  neighbor @addr@ soft-reconfiguration inbound\n"
	    "  neighbor @addr@ route-map RPKI-IN in\n" },
	{ KIT_IF_PEERS6, KIT_ONCE, NULL, " exit-address-family\n" },
	{ KIT_IF_NO_PEERS, KIT_ONCE, NOTE_EACH,
	    "!  neighbor ADDRESS soft-reconfiguration inbound\n"
	    "!  neighbor ADDRESS route-map RPKI-IN in\n" },
	{ 0, KIT_ONCE, NULL, "exit\n!\n" },
};

static const struct kit_check checks_frr[] = {
	{ 0, "vtysh -c 'show rpki cache-connection'", N_("each cache, and one with \"(connected)\""),
	    N_("No connection to RPKI cache server") },
	{ 0, "vtysh -c 'show rpki prefix-table'", N_("hundreds of thousands of prefixes on the Internet"),
	    N_("Number of IPv4 Prefixes: 0, or no answer") },
	{ KIT_IF_OBSERVE, "vtysh -c 'show bgp ipv4 unicast rpki invalid'",
	    N_("the routes that \"drop\" would refuse"), N_("a route that you need: tell its origin") },
	{ KIT_IF_PREFER, "vtysh -c 'show bgp ipv4 unicast rpki invalid'",
	    N_("each route there has LocPrf 50"), N_("another LocPrf: its session lacks the policy") },
	{ KIT_IF_DROP, "vtysh -c 'show bgp ipv4 unicast rpki invalid'",
	    N_("no route"), N_("a route from an external session: its policy is missing") },
};

/* --- OpenBGPD --- */

static const struct kit_part parts_openbgpd[] = {
	{ 0, KIT_ONCE, NULL, "AS @asn@\n" },
	{ KIT_IF_ROUTER_ID, KIT_ONCE, NULL, "router-id @router_id@\n" },
	CACHES_SAID,
	{ KIT_IF_TCP, KIT_ONCE, NOTE_TCP, NULL },
	{ 0, KIT_ONCE, N_("OpenBGPD takes its timers from the cache: rtr.refresh, rtr.retry and rtr.expire of sekisho.conf. There are none to set here."), NULL },
	{ 0, KIT_CACHE, NULL,
	    "rtr @addr@ {\n"
	    "\tdescr \"cache@n@\"\n"
	    "\tport @port@\n"
	    "}\n" },
	{ KIT_IF_PEERS, KIT_PEER, NULL,
	    "neighbor @addr@ {\n"
	    "\tremote-as @peer_asn@\n"
	    "}\n" },
	{ 0, KIT_ONCE, N_("Of the filter rules that match, the last decides: these stand behind all that allow. OpenBGPD lets nothing in from external sessions that no rule allows."), NULL },
	{ 0, KIT_ONCE, NOTE_EBGP, NULL },
	{ KIT_IF_OBSERVE, KIT_ONCE, NOTE_OBSERVE, "match from ebgp ovs invalid\n" },
	{ KIT_IF_PREFER, KIT_ONCE, NOTE_PREFER, "match from ebgp ovs invalid set localpref @lp@\n" },
	{ KIT_IF_DROP, KIT_ONCE, NOTE_DROP, "deny from ebgp ovs invalid\n" },
};

static const struct kit_check checks_openbgpd[] = {
	{ 0, "bgpctl show rtr", N_("each cache with a serial number and \"RTR RefreshTimer\""),
	    N_("no serial number, or a last error") },
	{ 0, "bgpctl show sets", N_("RPKI ROA with hundreds of thousands of prefixes on the Internet"),
	    N_("RPKI ROA with 0: no data came, and nothing is invalid") },
	{ KIT_IF_OBSERVE | KIT_IF_PREFER, "bgpctl show rib ovs invalid",
	    N_("the invalid routes, marked with \"!\""), N_("a route that you need: tell its origin") },
	{ KIT_IF_DROP, "bgpctl show rib ovs invalid",
	    N_("no route"), N_("a route from an external session: a rule behind ours allows it") },
};

/* --- IOS XR --- */

static const struct kit_timer kit_timers_ios_xr[] = {
	{ "refresh-time", KIT_REFRESH, 15, 3600, WHY_REFRESH },
	{ "response-time", KIT_RESPONSE, 15, 3600,
	    N_("waits {sec} s for an answer: a full list over a slow line takes minutes; allowed are {min} to {max}") },
	{ "purge-time", KIT_EXPIRE, 30, 360,
	    N_("forgets a cache's data {sec} s after its session was lost; the vendor allows {min} to {max} only, so a longer outage is bridged by the other cache alone") },
};

#define XR_POLICY(what)							\
	"route-policy RPKI-IN\n"					\
	"  if validation-state is invalid then\n"			\
	"    " what "\n"						\
	"  else\n"							\
	"    pass\n"							\
	"  endif\n"							\
	"end-policy\n!\n"

static const struct kit_part parts_ios_xr[] = {
	{ KIT_IF_OBSERVE, KIT_ONCE, NOTE_OBSERVE, XR_POLICY("pass") },
	{ KIT_IF_PREFER, KIT_ONCE, NOTE_PREFER, XR_POLICY("set local-preference @lp@") },
	{ KIT_IF_DROP, KIT_ONCE, NOTE_DROP, XR_POLICY("drop") },
	{ 0, KIT_ONCE, N_("Without \"allow invalid\" the router itself would leave invalid routes out of its choice, whatever the policy says (RFC 8481 section 5)."),
	    "router bgp @asn@\n" },
	{ KIT_IF_ROUTER_ID, KIT_ONCE, NULL, " bgp router-id @router_id@\n" },
	{ 0, KIT_ONCE, NULL,
	    " bgp bestpath origin-as allow invalid\n"
	    " address-family ipv4 unicast\n"
	    "  bgp origin-as validation enable\n"
	    " !\n"
	    " address-family ipv6 unicast\n"
	    "  bgp origin-as validation enable\n"
	    " !\n" },
	CACHES_SAID,
	{ KIT_IF_TCP, KIT_ONCE, NOTE_TCP, NULL },
	{ KIT_IF_SSH, KIT_ONCE, NOTE_SSH, NULL },
	{ KIT_IF_SSH, KIT_ONCE, N_("SSH asks for a password: type \"password\" in each rpki server section by hand, and commit."), NULL },
	{ KIT_IF_TCP, KIT_CACHE, NULL,
	    " rpki server @addr@\n"
	    "  transport tcp port @port@\n"
	    "  refresh-time @refresh@\n"
	    "  response-time @response@\n"
	    "  purge-time @expire@\n"
	    " !\n" },
	{ KIT_IF_SSH, KIT_CACHE, NULL,
	    " rpki server @addr@\n"
	    "  username @user@\n"
	    "  transport ssh port @port@\n"
	    "  refresh-time @refresh@\n"
	    "  response-time @response@\n"
	    "  purge-time @expire@\n"
	    " !\n" },
	{ 0, KIT_ONCE, NOTE_EBGP, NULL },
	{ 0, KIT_ONCE, NOTE_KEEP, NULL },
	{ KIT_IF_PEERS4, KIT_PEER4, NULL,
	    " neighbor @addr@\n"
	    "  remote-as @peer_asn@\n"
	    "  address-family ipv4 unicast\n"
	    "   route-policy RPKI-IN in\n"
	    "   soft-reconfiguration inbound always\n"
	    "  !\n"
	    " !\n" },
	{ KIT_IF_PEERS6, KIT_PEER6, NULL,
	    " neighbor @addr@\n"
	    "  remote-as @peer_asn@\n"
	    "  address-family ipv6 unicast\n"
	    "   route-policy RPKI-IN in\n"
	    "   soft-reconfiguration inbound always\n"
	    "  !\n"
	    " !\n" },
	{ KIT_IF_NO_PEERS, KIT_ONCE, NOTE_EACH,
	    "! neighbor ADDRESS\n"
	    "!  address-family ipv4 unicast\n"
	    "!   route-policy RPKI-IN in\n"
	    "!   soft-reconfiguration inbound always\n" },
	{ 0, KIT_ONCE, NULL, "!\n" },
};

static const struct kit_check checks_ios_xr[] = {
	{ 0, "show bgp rpki server summary", N_("each cache, ESTAB, and a number of ROAs"),
	    N_("NONE or CONNECT, or no ROAs") },
	{ 0, "show bgp rpki table ipv4", N_("hundreds of thousands of entries on the Internet"),
	    N_("no entry: no data came, and nothing is invalid") },
	{ KIT_IF_OBSERVE, "show bgp origin-as validity invalid",
	    N_("the routes that \"drop\" would refuse"), N_("a route that you need: tell its origin") },
	{ KIT_IF_PREFER, "show bgp origin-as validity invalid",
	    N_("each route there has LocPrf 50"), N_("another LocPrf: its session lacks the policy") },
	{ KIT_IF_DROP, "show bgp origin-as validity invalid",
	    N_("no route"), N_("a route from an external session: its policy is missing") },
};

/* --- EOS --- */

static const struct kit_timer kit_timers_eos[] = {
	{ "refresh-interval", KIT_REFRESH, 1, 86400, WHY_REFRESH },
	{ "retry-interval", KIT_RETRY, 1, 7200, WHY_RETRY },
	{ "expire-interval", KIT_EXPIRE, 600, 172800, WHY_EXPIRE },
};

static const struct kit_part parts_eos[] = {
	{ KIT_IF_OBSERVE, KIT_ONCE, NOTE_OBSERVE,
	    "route-map RPKI-IN permit 10\n"
	    "   match origin-as validity invalid\n!\n" },
	{ KIT_IF_PREFER, KIT_ONCE, NOTE_PREFER,
	    "route-map RPKI-IN permit 10\n"
	    "   match origin-as validity invalid\n"
	    "   set local-preference @lp@\n!\n" },
	{ KIT_IF_DROP, KIT_ONCE, NOTE_DROP,
	    "route-map RPKI-IN deny 10\n"
	    "   match origin-as validity invalid\n!\n" },
	{ 0, KIT_ONCE, NULL, "route-map RPKI-IN permit 20\n!\n" },
	{ 0, KIT_ONCE, NULL, "router bgp @asn@\n" },
	{ KIT_IF_ROUTER_ID, KIT_ONCE, NULL, "   router-id @router_id@\n" },
	CACHES_SAID,
	{ KIT_IF_TCP, KIT_ONCE, NOTE_TCP, NULL },
	{ 0, KIT_CACHE, NULL,
	    "   rpki cache cache@n@\n"
	    "      host @addr@ port @port@\n"
	    "      refresh-interval @refresh@\n"
	    "      retry-interval @retry@\n"
	    "      expire-interval @expire@\n"
	    "   !\n" },
	{ 0, KIT_ONCE, NULL,
	    "   rpki origin-validation\n"
	    "      ebgp local\n"
	    "   !\n" },
	{ 0, KIT_ONCE, NOTE_EBGP, NULL },
	{ KIT_IF_PEERS, KIT_PEER, NULL, "   neighbor @addr@ remote-as @peer_asn@\n" },
	{ KIT_IF_PEERS4, KIT_ONCE, NULL, "   address-family ipv4\n" },
	{ KIT_IF_PEERS4, KIT_PEER4, NULL,
	    "      neighbor @addr@ activate\n"
	    "      neighbor @addr@ route-map RPKI-IN in\n" },
	{ KIT_IF_PEERS4, KIT_ONCE, NULL, "   !\n" },
	{ KIT_IF_PEERS6, KIT_ONCE, NULL, "   address-family ipv6\n" },
	{ KIT_IF_PEERS6, KIT_PEER6, NULL,
	    "      neighbor @addr@ activate\n"
	    "      neighbor @addr@ route-map RPKI-IN in\n" },
	{ KIT_IF_PEERS6, KIT_ONCE, NULL, "   !\n" },
	{ KIT_IF_NO_PEERS, KIT_ONCE, NOTE_EACH,
	    "!   neighbor ADDRESS route-map RPKI-IN in\n" },
	{ 0, KIT_ONCE, NULL, "!\n" },
};

static const struct kit_check checks_eos[] = {
	{ 0, "show bgp rpki cache", N_("each cache synced, with a number of entries"),
	    N_("another state, or no entries") },
	{ 0, "show bgp rpki roa summary", N_("hundreds of thousands of ROAs on the Internet"),
	    N_("0: no data came, and nothing is invalid") },
	{ KIT_IF_OBSERVE | KIT_IF_PREFER, "show ip bgp",
	    N_("invalid routes are marked with \"I\""), N_("a route that you need is invalid: tell its origin") },
	{ KIT_IF_DROP, "show ip bgp",
	    N_("no route is marked with \"I\""), N_("a route from an external session: its policy is missing") },
};

/* --- Junos --- */

static const struct kit_timer kit_timers_junos[] = {
	{ "refresh-time", KIT_REFRESH, 1, 1800, WHY_REFRESH },
	{ "hold-time", KIT_HOLD, 10, 3600, WHY_HOLD },
	{ "record-lifetime", KIT_EXPIRE, 60, 604800, WHY_EXPIRE },
};

#define JUNOS_POLICY(what)						\
	"policy-options {\n"						\
	"    policy-statement rpki-in {\n"				\
	"        term invalid {\n"					\
	"            from {\n"						\
	"                protocol bgp;\n"				\
	"                validation-database invalid;\n"		\
	"            }\n"						\
	"            then {\n"						\
	"                validation-state invalid;\n"			\
	what								\
	"            }\n"						\
	"        }\n"							\
	"        term valid {\n"					\
	"            from {\n"						\
	"                protocol bgp;\n"				\
	"                validation-database valid;\n"			\
	"            }\n"						\
	"            then {\n"						\
	"                validation-state valid;\n"			\
	"                next policy;\n"				\
	"            }\n"						\
	"        }\n"							\
	"        then {\n"						\
	"            validation-state unknown;\n"			\
	"            next policy;\n"					\
	"        }\n"							\
	"    }\n"							\
	"}\n"

static const struct kit_part parts_junos[] = {
	{ 0, KIT_ONCE, NULL, "routing-options {\n" },
	{ KIT_IF_ROUTER_ID, KIT_ONCE, NULL, "    router-id @router_id@;\n" },
	{ 0, KIT_ONCE, NULL, "    autonomous-system @asn@;\n" },
	CACHES_SAID,
	{ KIT_IF_TCP, KIT_ONCE, NOTE_TCP,
	    "    validation {\n"
	    "        group rpki {\n"
	    "            max-sessions @caches@;\n" },
	{ 0, KIT_CACHE, NULL,
	    "            session @addr@ {\n"
	    "                port @port@;\n"
	    "                refresh-time @refresh@;\n"
	    "                hold-time @hold@;\n"
	    "                record-lifetime @expire@;\n"
	    "            }\n" },
	{ 0, KIT_ONCE, NULL, "        }\n    }\n}\n" },
	{ KIT_IF_OBSERVE, KIT_ONCE, NOTE_OBSERVE, JUNOS_POLICY("                next policy;\n") },
	{ KIT_IF_PREFER, KIT_ONCE, NOTE_PREFER, JUNOS_POLICY(
	    "                local-preference @lp@;\n"
	    "                next policy;\n") },
	{ KIT_IF_DROP, KIT_ONCE, NOTE_DROP, JUNOS_POLICY("                reject;\n") },
	{ 0, KIT_ONCE, NOTE_EBGP, NULL },
	{ KIT_IF_PEERS, KIT_ONCE, NULL,
	    "protocols {\n"
	    "    bgp {\n"
	    "        group rpki-external {\n"
	    "            type external;\n"
	    "            import rpki-in;\n" },
	{ KIT_IF_PEERS, KIT_PEER, NULL,
	    "            neighbor @addr@ {\n"
	    "                peer-as @peer_asn@;\n"
	    "            }\n" },
	{ KIT_IF_PEERS, KIT_ONCE, NULL, "        }\n    }\n}\n" },
	{ KIT_IF_NO_PEERS, KIT_ONCE, NOTE_EACH,
	    "# set protocols bgp group NAME import rpki-in\n" },
};

static const struct kit_check checks_junos[] = {
	{ 0, "show validation session", N_("each cache in state Up, with counts of prefixes"),
	    N_("state Connect, or counts of 0") },
	{ 0, "show validation database", N_("hundreds of thousands of records on the Internet"),
	    N_("no record: no data came, and nothing is invalid") },
	{ KIT_IF_OBSERVE, "show route protocol bgp validation-state invalid",
	    N_("the routes that \"drop\" would refuse"), N_("a route that you need: tell its origin") },
	{ KIT_IF_PREFER, "show route protocol bgp validation-state invalid",
	    N_("each route there has localpref 50"), N_("another localpref: its session lacks the policy") },
	{ KIT_IF_DROP, "show route protocol bgp validation-state invalid",
	    N_("no route"), N_("a route from an external session: its policy is missing") },
};

/* --- SR OS, classic CLI --- */

static const struct kit_timer kit_timers_sros[] = {
	{ "connect-retry", KIT_RETRY, 1, 65535, WHY_RETRY },
	{ "refresh-time", KIT_REFRESH, 30, 32767, WHY_REFRESH },
	{ "hold-time", KIT_HOLD, 60, 65535, WHY_HOLD },
	{ "stale-time", KIT_EXPIRE, 60, 3600, WHY_EXPIRE },
};

#define SROS_POLICY(what)						\
	"        policy-options\n"					\
	"            begin\n"						\
	"            policy-statement \"rpki-in\"\n"			\
	"                entry 10\n"					\
	"                    from\n"					\
	"                        origin-validation-state invalid\n"	\
	"                    exit\n"					\
	what								\
	"                    exit\n"					\
	"                exit\n"					\
	"                entry 20\n"					\
	"                    from\n"					\
	"                        origin-validation-state notFound\n"	\
	"                    exit\n"					\
	"                    action accept\n"				\
	"                    exit\n"					\
	"                exit\n"					\
	"                entry 30\n"					\
	"                    from\n"					\
	"                        origin-validation-state valid\n"	\
	"                    exit\n"					\
	"                    action accept\n"				\
	"                    exit\n"					\
	"                exit\n"					\
	"            exit\n"						\
	"            commit\n"						\
	"        exit\n"

static const struct kit_part parts_sros[] = {
	{ 0, KIT_ONCE, NULL,
	    "configure\n"
	    "    router Base\n"
	    "        autonomous-system @asn@\n" },
	{ KIT_IF_ROUTER_ID, KIT_ONCE, NULL, "        router-id @router_id@\n" },
	CACHES_SAID,
	{ KIT_IF_TCP, KIT_ONCE, NOTE_TCP,
	    "        origin-validation\n" },
	{ 0, KIT_CACHE, NULL,
	    "            rpki-session @addr@\n"
	    "                port @port@\n"
	    "                connect-retry @retry@\n"
	    "                refresh-time @refresh@ hold-time @hold@\n"
	    "                stale-time @expire@\n"
	    "                no shutdown\n"
	    "            exit\n" },
	{ 0, KIT_ONCE, NULL, "        exit\n" },
	{ KIT_IF_OBSERVE, KIT_ONCE, NOTE_OBSERVE, SROS_POLICY("                    action accept\n") },
	{ KIT_IF_PREFER, KIT_ONCE, NOTE_PREFER, SROS_POLICY(
	    "                    action accept\n"
	    "                        local-preference @lp@\n") },
	{ KIT_IF_DROP, KIT_ONCE, NOTE_DROP, SROS_POLICY("                    action drop\n") },
	{ 0, KIT_ONCE, NOTE_EBGP, NULL },
	{ KIT_IF_PEERS, KIT_ONCE, NULL,
	    "        bgp\n"
	    "            group \"rpki-external\"\n"
	    "                import \"rpki-in\"\n"
	    "                enable-origin-validation ipv4 ipv6\n" },
	{ KIT_IF_PEERS, KIT_PEER, NULL,
	    "                neighbor @addr@\n"
	    "                    peer-as @peer_asn@\n"
	    "                exit\n" },
	{ KIT_IF_PEERS, KIT_ONCE, NULL,
	    "            exit\n"
	    "            no shutdown\n"
	    "        exit\n" },
	{ KIT_IF_NO_PEERS, KIT_ONCE, NOTE_EACH,
	    "# bgp group NAME import \"rpki-in\"\n"
	    "# bgp group NAME enable-origin-validation ipv4 ipv6\n" },
	{ 0, KIT_ONCE, NULL, "    exit\nexit all\n" },
};

static const struct kit_check checks_sros[] = {
	{ 0, "show router origin-validation rpki-session", N_("each cache established, with counts of records"),
	    N_("connect or idle, or counts of 0") },
	{ 0, "show router origin-validation database", N_("hundreds of thousands of records on the Internet"),
	    N_("no record: no data came, and nothing is invalid") },
	{ KIT_IF_OBSERVE | KIT_IF_PREFER, "show router bgp routes origin-validation-state invalid",
	    N_("the routes that \"drop\" would refuse"), N_("a route that you need: tell its origin") },
	{ KIT_IF_DROP, "show router bgp routes origin-validation-state invalid",
	    N_("no used route"), N_("a used route from an external session: its policy is missing") },
};

/* --- SR OS, MD-CLI: the vendor's YANG model, nokia-conf, in braces --- */

#define SROS_MD_POLICY(what)						\
	"    policy-options {\n"					\
	"        policy-statement \"rpki-in\" {\n"			\
	"            entry 10 {\n"					\
	"                from {\n"					\
	"                    origin-validation-state invalid\n"	\
	"                }\n"						\
	"                action {\n"					\
	what								\
	"                }\n"						\
	"            }\n"						\
	"            entry 20 {\n"					\
	"                from {\n"					\
	"                    origin-validation-state not-found\n"	\
	"                }\n"						\
	"                action {\n"					\
	"                    action-type accept\n"			\
	"                }\n"						\
	"            }\n"						\
	"            entry 30 {\n"					\
	"                from {\n"					\
	"                    origin-validation-state valid\n"		\
	"                }\n"						\
	"                action {\n"					\
	"                    action-type accept\n"			\
	"                }\n"						\
	"            }\n"						\
	"        }\n"							\
	"    }\n"

static const struct kit_part parts_sros_md[] = {
	{ 0, KIT_ONCE, NULL, "configure {\n" },
	{ KIT_IF_OBSERVE, KIT_ONCE, NOTE_OBSERVE, SROS_MD_POLICY(
	    "                    action-type accept\n") },
	{ KIT_IF_PREFER, KIT_ONCE, NOTE_PREFER, SROS_MD_POLICY(
	    "                    action-type accept\n"
	    "                    local-preference @lp@\n") },
	{ KIT_IF_DROP, KIT_ONCE, NOTE_DROP, SROS_MD_POLICY(
	    "                    action-type reject\n") },
	{ 0, KIT_ONCE, NULL,
	    "    router \"Base\" {\n"
	    "        autonomous-system @asn@\n" },
	{ KIT_IF_ROUTER_ID, KIT_ONCE, NULL, "        router-id @router_id@\n" },
	CACHES_SAID,
	{ KIT_IF_TCP, KIT_ONCE, NOTE_TCP,
	    "        origin-validation {\n" },
	{ 0, KIT_CACHE, NULL,
	    "            rpki-session @addr@ {\n"
	    "                admin-state enable\n"
	    "                port @port@\n"
	    "                connect-retry @retry@\n"
	    "                stale-time @expire@\n"
	    "                refresh-time {\n"
	    "                    value @refresh@\n"
	    "                    hold-time @hold@\n"
	    "                }\n"
	    "            }\n" },
	{ 0, KIT_ONCE, NULL, "        }\n" },
	{ 0, KIT_ONCE, NOTE_EBGP, NULL },
	{ KIT_IF_PEERS, KIT_ONCE, NULL,
	    "        bgp {\n"
	    "            group \"rpki-external\" {\n"
	    "                type external\n"
	    "                import {\n"
	    "                    policy [\"rpki-in\"]\n"
	    "                }\n"
	    "                origin-validation {\n"
	    "                    ipv4 true\n"
	    "                    ipv6 true\n"
	    "                }\n"
	    "            }\n" },
	{ KIT_IF_PEERS, KIT_PEER, NULL,
	    "            neighbor \"@addr@\" {\n"
	    "                group \"rpki-external\"\n"
	    "                peer-as @peer_asn@\n"
	    "            }\n" },
	{ KIT_IF_PEERS, KIT_ONCE, NULL, "        }\n" },
	{ KIT_IF_NO_PEERS, KIT_ONCE, NOTE_EACH,
	    "# bgp group NAME import policy [\"rpki-in\"]\n"
	    "# bgp group NAME origin-validation ipv4 true ipv6 true\n" },
	{ 0, KIT_ONCE, NULL, "    }\n}\n" },
};

#define ROWS(x)	x, ARRAY_LEN(x)

static const struct kit_vendor vendors[] = {
	{ "ios-xr", "Cisco IOS XR", "! ", true, false, true, false, true,
	    ROWS(kit_timers_ios_xr), ROWS(parts_ios_xr), ROWS(checks_ios_xr), kit_read_ios_xr },
	{ "junos", "Juniper Junos", "# ", true, false, false, true, false,
	    ROWS(kit_timers_junos), ROWS(parts_junos), ROWS(checks_junos), kit_read_junos },
	{ "eos", "Arista EOS", "! ", true, false, false, true, true,
	    ROWS(kit_timers_eos), ROWS(parts_eos), ROWS(checks_eos), kit_read_eos },
	{ "sros", "Nokia SR OS", "# ", true, false, false, true, true,
	    ROWS(kit_timers_sros), ROWS(parts_sros), ROWS(checks_sros), kit_read_sros },
	{ "frr", "FRR", "! ", false, true, true, false, false,
	    ROWS(kit_timers_frr), ROWS(parts_frr), ROWS(checks_frr), kit_read_frr },
	{ "bird", "BIRD 2", "# ", false, true, true, false, false,
	    ROWS(kit_timers_bird), ROWS(parts_bird), ROWS(checks_bird), kit_read_bird },
	{ "openbgpd", "OpenBGPD", "# ", false, true, false, true, false,
	    NULL, 0, ROWS(parts_openbgpd), ROWS(checks_openbgpd), kit_read_openbgpd },
	{ "sros-md", "Nokia SR OS (MD-CLI)", "# ", true, false, false, true, true,
	    ROWS(kit_timers_sros), ROWS(parts_sros_md), ROWS(checks_sros), kit_read_sros },
};

const struct kit_vendor *
kit_vendor_at(size_t i)
{
	return i < ARRAY_LEN(vendors) ? &vendors[i] : NULL;
}

const struct kit_vendor *
kit_vendor_find(struct sv name)
{
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
		if (sv_eq_str(name, vendors[i].name))
			return &vendors[i];
	return NULL;
}

const char *
kit_vendor_name(const struct kit_vendor *v)
{
	return v->name;
}

bool
kit_vendor_has(const struct kit_vendor *v, enum kit_transport t)
{
	return t == KIT_TCP || v->ssh;
}

bool
kit_vendor_is_ascii(const struct kit_vendor *v)
{
	return v->ascii;
}

bool
kit_vendor_is_tested(const struct kit_vendor *v)
{
	return v->tested;
}
