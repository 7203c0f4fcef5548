/* What role name is told. */
#include <string.h>

#include "role/parent_name.h"

/* dns.look-families as bits; "auto": none. */
static uint32_t
families(const struct conf *c)
{
	static const char *const words[] = { "auto", "ipv4", "ipv6", "both" };

	for (uint32_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(app_conf_str(c, CONF_DNS_LOOK_FAMILIES), words[i]) == 0)
			return i;
	return 0;
}

void
name_conf_names(struct sv zones, struct buf *names)
{
	struct sv line;

	while (sv_line(&zones, &line)) {
		buf_sv(names, sv_cut(&line, '\t'));
		buf_char(names, '\n');
	}
}

/* dns.resolver; where only mail needs one, the first of mail.resolver will do. */
static struct sv
resolver(const struct conf *c)
{
	struct sv mail = sv_str(app_conf_str(c, CONF_MAIL_RESOLVER)), word = SV("");
	const char *own = app_conf_str(c, CONF_DNS_RESOLVER);

	if (own[0] == '\0' && c->values[CONF_DNS_ZONES].n == 0)
		(void)sv_word(&mail, &word);
	return own[0] != '\0' ? sv_str(own) : word;
}

struct msg_name_conf
name_conf_fill(const struct conf *c, struct buf *hosts)
{
	app_conf_lines(c, CONF_DNS_HOSTS, hosts);
	return (struct msg_name_conf){
		.zones = -1, .hosts = buf_get(hosts),
		.resolver = resolver(c),
		.interval = app_conf_u32(c, CONF_DNS_LOOK_INTERVAL),
		.families = families(c),
	};
}
