/*
 * Complaints for tests in other languages:
 *
 *	feedback_tool read FILE		what is read of it, a line each: NAME TAB VALUE
 *	feedback_tool write FILE	a complaint about the message, with fixed addresses
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/feedback.h"

#define FILE_MAX	((size_t)4 << 20)

static void
must(bool ok)
{
	if (!ok)
		exit(3);
}

static struct sv
file_read(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *p = malloc(FILE_MAX);
	size_t n;

	must(f != NULL && p != NULL);
	n = fread(p, 1, FILE_MAX, f);
	(void)fclose(f);
	return (struct sv){ p, n };
}

static void
line(const char *name, struct sv value)
{
	(void)printf("%s\t%.*s\n", name, SV_ARG(value));
}

static void
list(const char *name, const struct feedback_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		line(name, l->v[i]);
}

static void
feedback_print(const struct feedback *f)
{
	char text[IP_ADDR_STRLEN];

	line("type", sv_str(feedback_type_name(f->type)));
	line("agent", f->agent);
	line("version", f->version);
	if (f->has_source)
		line("source", sv_str(ip_addr_str(f->source.addr, f->source.af, text)));
	if (f->has_arrival)
		(void)printf("arrived\t%lld\n", (long long)f->arrived);
	if (f->has_mail_from)
		(void)printf("mail_from\t%.*s@%.*s\n", SV_ARG(f->mail_from.local), SV_ARG(f->mail_from.domain));
	list("recipient", &f->recipients);
	list("domain", &f->domains);
	list("uri", &f->uris);
	list("results", &f->results);
	for (size_t i = 0; i < f->original.n; i++)
		line("field", f->original.fields[i].name);
}

static void
complaint_read(struct pool *pool, struct sv text)
{
	struct feedback *f = NULL;
	struct findings fs;

	findings_init(&fs, pool);
	must(feedback_parse(pool, text, &fs, &f) == 0);
	for (const struct finding *i = fs.head; i != NULL; i = i->next)
		line("finding", sv_str(i->def->code));
	if (f != NULL)
		feedback_print(f);
}

static void
complaint_write(struct pool *pool, struct sv text)
{
	struct feedback_out out = { .type = FEEDBACK_ABUSE, .from = SV("abuse@example.net"),
		.to = SV("fbl@example.com"), .submitter = SV("mx.example.net"), .id = SV("0123abc"),
		.agent = SV("Sekisho/0.1.0"), .domain = SV("example.com"),
		.auth_results = SV(" mx.example.net; dkim=pass header.d=example.com"), .at = 1795320420,
		.arrived = 1795320410, .has_source = true, .incidents = 1, .key = SV("0123456789abcdef") };
	struct mail_address sender;
	struct mail_head head;
	struct findings fs;
	struct buf b = BUF_INIT;
	struct sv body;

	findings_init(&fs, pool);
	mail_head_init(&head, pool);
	must(mail_head_parse(&head, text, &body, &fs) == 0);
	must(ip_prefix_parse_host(SV("2001:db8::1"), &out.source) == 0);
	must(mail_envelope(pool, SV("bounce@example.com"), &sender) == 0);
	out.mail_from = &sender;
	out.head = &head;
	must(feedback_write(&b, pool, &out) == 0);
	must(fwrite(b.p, 1, b.len, stdout) == b.len);
	buf_done(&b);
}

int
main(int argc, char **argv)
{
	struct pool *pool = pool_new(2 * MAIL_POOL_MAX);
	struct sv text;

	must(argc == 3 && pool != NULL);
	text = file_read(argv[2]);
	if (strcmp(argv[1], "write") == 0)
		complaint_write(pool, text);
	else
		complaint_read(pool, text);
	free((char *)text.p);
	(void)pool_free(pool);
	return 0;
}
