/*
 * What a lab of real programs needs beside a mail world: Postfix on loopback, which takes the
 * clients' addresses from PROXY lines, a resolver that answers from this world, and sekisho.
 *
 * Ports are high ones, folders are below the lab's; the system's own Postfix is neither read nor
 * touched. What comes to forward@gate.example goes out again to a second smtpd, without a
 * milter, and is delivered there: so one sees what our seal looks like to the next one.
 */
#include <stdio.h>

#include "lab/mail_internal.h"
#include "lab/mail_zone.h"

/* From the first port on. */
enum {
	PORT_IN,	/* smtpd with PROXY and milter */
	PORT_NEXT,	/* the next host */
	PORT_DNS,
	PORT_RTR,	/* sekisho has no way without these two */
	PORT_WEB,
};

static void
main_cf(struct buf *b, const struct lab_mail_folder *to)
{
	const char *dir = to->dir;

	buf_printf(b, "compatibility_level = 3.6\n"
	    "queue_directory = %s/postfix/queue\ndata_directory = %s/postfix/data\n"
	    "maillog_file = %s/postfix/log\nmaillog_file_prefixes = %s\n", dir, dir, dir, dir);
	buf_printf(b, "multi_instance_name = postfix-sekisho-lab\n"
	    "myhostname = mx.gate.example\nmynetworks = 127.0.0.0/8\ninet_interfaces = 127.0.0.1\n"
	    "inet_protocols = ipv4, ipv6\nmydestination =\nalias_maps =\nalias_database =\n"
	    "disable_dns_lookups = yes\nsmtp_host_lookup = native\nsmtpd_peername_lookup = no\n"
	    "smtpd_relay_restrictions = reject_unauth_destination\nsmtpd_recipient_restrictions =\n"
	    "smtpd_client_connection_count_limit = 0\nsmtpd_upstream_proxy_timeout = 5s\nin_flow_delay = 0\n");
	buf_str(b, "virtual_mailbox_domains = gate.example, list.example, next.example\n"
	    "virtual_mailbox_maps = static:in\nvirtual_transport = discard\n"
	    "virtual_alias_maps = inline:{forward@gate.example=reader@next.example}\n"
	    "transport_maps = inline:{next.example=smtp:[127.0.0.1]:");
	buf_printf(b, "%u}\n", to->first_port + PORT_NEXT);
	buf_printf(b, "smtpd_milters = unix:%s/run/milter\nmilter_default_action = tempfail\n"
	    "milter_connect_timeout = 5s\n", dir);
}

static void
master_cf(struct buf *b, const struct lab_mail_folder *to)
{
	buf_printf(b,
	    "127.0.0.1:%u inet n - n - 100 smtpd\n    -o smtpd_upstream_proxy_protocol=haproxy\n",
	    to->first_port + PORT_IN);
	buf_printf(b, "127.0.0.1:%u inet n - n - 20 smtpd\n    -o smtpd_milters=\n"
	    "    -o cleanup_service_name=cleanup_next\n", to->first_port + PORT_NEXT);
	buf_str(b, "cleanup unix n - n - 0 cleanup\n"
	    "cleanup_next unix n - n - 0 cleanup\n    -o virtual_alias_maps=\n"
	    "qmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\n"
	    "bounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\n"
	    "error unix - - n - - error\nretry unix - - n - - error\ndiscard unix - - n - - discard\n"
	    "smtp unix - - n - - smtp\nvirtual unix - n n - - virtual\nanvil unix - - n - 1 anvil\n"
	    "proxymap unix - - n - - proxymap\npostlog unix-dgram n - n - 1 postlogd\n");
}

/* Who else is asked for names has none of this world. */
static void
unbound_conf(struct buf *b, const struct lab_mail *w, const struct lab_mail_folder *to)
{
	const char *dir = to->dir;

	buf_printf(b, "# unbound -d -c %s/unbound.conf\nserver:\n\tinterface: 127.0.0.1@%u\n", dir,
	    to->first_port + PORT_DNS);
	buf_printf(b, "\tdo-daemonize: no\n\tchroot: \"\"\n\tusername: \"\"\n\tdirectory: \"%s\"\n"
	    "\tpidfile: \"\"\n\tuse-syslog: no\n\tmodule-config: \"iterator\"\n\tlocal-zone: \".\" static\n", dir);
	lab_mail_records(w, b, "\tlocal-data: '", "'\n");
	buf_str(b, "remote-control:\n\tcontrol-enable: no\n");
}

static void
sekisho_conf(struct buf *b, const struct lab_mail *w, const struct lab_mail_folder *to)
{
	const char *dir = to->dir;

	buf_printf(b, "# sekisho serve -c %s/sekisho.conf\nstate: %s/state\n"
	    "rpki:\n  tals: %s/lab.tal\nfetch:\n  mode: off\nrtr:\n  listen: 127.0.0.1:%u\n"
	    "web:\n  listen: 127.0.0.1:%u\nlog:\n  op: %s/op.log\n", dir, dir, dir, to->first_port + PORT_RTR,
	    to->first_port + PORT_WEB, dir);
	buf_printf(b, "mail:\n  milter:\n    listen: unix:%s/run/milter\n    mode: \"0666\"\n"
	    "  authserv-id: gate.example\n  own-networks: 198.51.100.1/32\n  policy: enforce\n"
	    "  resolver: 127.0.0.1:%u\n", dir, to->first_port + PORT_DNS);
	if (lab_mail_key_find(w, SV("gate.example"), SV("g1")) == NULL)
		return;
	buf_printf(b,
	    "  sign:\n    - domain: gate.example\n      selector: g1\n      key: %s/keys/g1.gate.example.pem\n",
	    dir);
	buf_str(b, "  arc-seal:\n    domain: gate.example\n    selector: g1\n");
}

int
lab_mail_conf_write(const struct lab_mail *w, const struct lab_mail_folder *to)
{
	_cleanup_(buf_done) struct buf m = BUF_INIT, s = BUF_INIT, u = BUF_INIT, k = BUF_INIT;
	int rc;

	main_cf(&m, to);
	master_cf(&s, to);
	unbound_conf(&u, w, to);
	sekisho_conf(&k, w, to);
	if ((rc = lab_mail_file(to->dir, "postfix/main.cf", &m)) < 0 ||
	    (rc = lab_mail_file(to->dir, "postfix/master.cf", &s)) < 0 ||
	    (rc = lab_mail_file(to->dir, "unbound.conf", &u)) < 0)
		return rc;
	return lab_mail_file(to->dir, "sekisho.conf", &k);
}
