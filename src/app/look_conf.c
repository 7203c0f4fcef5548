/* dns.resolver and dns.hosts: addresses, checked before anybody starts. */
#include <stdio.h>

#include "app/look_conf.h"
#include "base/err.h"
#include "net/dnsask.h"

static int
refuse(const struct conf *c, enum app_conf_row row, struct sv found, int rc, const char *expected,
    struct conf_error *err)
{
	*err = (struct conf_error){ .code = rc == SE_LIMIT ? CONF_E_LIMIT : CONF_E_RULE, .rc = rc,
	    .line = c->values[row].line, .col = c->values[row].col, .expected = expected };
	(void)snprintf(err->found, sizeof(err->found), "%.*s", SV_ARG(found));
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return rc;
}

int
look_conf_check(const struct conf *c, struct conf_error *err)
{
	const struct conf_value *hosts = &c->values[CONF_DNS_HOSTS];
	struct sv resolver = sv_str(app_conf_str(c, CONF_DNS_RESOLVER));
	struct ip_prefix from;
	struct dnsask_to to;

	if (resolver.n > 0 && dnsask_to_parse(resolver, &to) < 0)
		return refuse(c, CONF_DNS_RESOLVER, resolver, SE_SYNTAX,
		    N_("an address such as 127.0.0.1, 192.0.2.1:5300 or [2001:db8::1]:53"), err);
	if (hosts->n > DNSASK_MAP_MAX)
		return refuse(c, CONF_DNS_HOSTS, SV("dns.hosts"), SE_LIMIT, NULL, err);
	for (size_t i = 0; i < hosts->n; i++)
		if (dnsask_map_parse(hosts->items[i].text, &from, &to) < 0)
			return refuse(c, CONF_DNS_HOSTS, hosts->items[i].text, SE_SYNTAX,
			    N_("lines such as 192.0.2.1=127.0.0.1:5300"), err);
	return 0;
}
