/*
 * The same messages by libopendkim, with a DNS that answers at once.
 *
 *	mail_opendkim verify|sign DIR SECONDS	as mail.c
 */
#include <opendkim/dkim.h>
#include <string.h>

#include "kit.h"

#define TEXT_MAX	(1024 * 1024)

static char record[4096];	/* the look-up is given nothing of ours */

struct text {
	char	*p;
	size_t	 n;
};

static struct text
file_text(const char *dir, const char *name)
{
	struct text t = { calloc(1, TEXT_MAX), 0 };
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (t.p == NULL || (f = fopen(path, "rb")) == NULL)
		die(path);
	t.n = fread(t.p, 1, TEXT_MAX - 1, f);
	(void)fclose(f);
	return t;
}

static DKIM_CBSTAT
key_find(DKIM *d, DKIM_SIGINFO *sig, unsigned char *to, size_t n)
{
	(void)d;
	(void)sig;
	(void)snprintf((char *)to, n, "%s", record);
	return DKIM_CBSTAT_CONTINUE;
}

/* Field by field, as a milter gives them. */
static void
head_feed(DKIM *d, struct text t, const char **ret_body)
{
	char *p = t.p, *end = strstr(t.p, "\r\n\r\n");

	if (end == NULL)
		die("a head");
	while (p < end + 2) {
		char *q = strstr(p, "\r\n");

		while (q[2] == ' ' || q[2] == '\t')
			q = strstr(q + 2, "\r\n");
		if (dkim_header(d, (u_char *)p, (size_t)(q - p)) != DKIM_STAT_OK)
			die("dkim_header");
		p = q + 2;
	}
	*ret_body = end + 4;
}

static void
message_feed(DKIM *d, struct text t)
{
	const char *body;

	head_feed(d, t, &body);
	if (dkim_eoh(d) != DKIM_STAT_OK ||
	    dkim_body(d, (u_char *)body, t.n - (size_t)(body - t.p)) != DKIM_STAT_OK ||
	    dkim_eom(d, NULL) != DKIM_STAT_OK)
		die("the message");
}

struct bench {
	DKIM_LIB	*lib;
	struct text	 message, signed_, key;
};

static void
verify(struct bench *b)
{
	DKIM_STAT st;
	DKIM *d = dkim_verify(b->lib, (const unsigned char *)"bench", NULL, &st);

	if (d == NULL)
		die("dkim_verify");
	message_feed(d, b->signed_);
	(void)dkim_free(d);
}

static void
sign(struct bench *b)
{
	unsigned char field[4096];
	DKIM_STAT st;
	DKIM *d = dkim_sign(b->lib, (const unsigned char *)"bench", NULL, (unsigned char *)b->key.p,
	    (const unsigned char *)"s", (const unsigned char *)"example.jp", DKIM_CANON_RELAXED,
	    DKIM_CANON_RELAXED, DKIM_SIGN_RSASHA256, -1, &st);

	if (d == NULL)
		die("dkim_sign");
	message_feed(d, b->message);
	if (dkim_getsighdr(d, field, sizeof(field), 16) != DKIM_STAT_OK)
		die("dkim_getsighdr");
	(void)dkim_free(d);
}

int
main(int argc, char **argv)
{
	void (*run)(struct bench *);
	struct bench b = { .lib = dkim_init(NULL, NULL) };
	double begin, seconds;
	size_t n = 0;

	if (argc != 4 || b.lib == NULL)
		die("the command line");
	run = strcmp(argv[1], "sign") == 0 ? sign : verify;
	seconds = number(argv[3]);
	b.message = file_text(argv[2], "message");
	b.key = file_text(argv[2], "key.pem");
	if (run == verify)
		b.signed_ = file_text(argv[2], "signed");
	(void)snprintf(record, sizeof(record), "%s", file_text(argv[2], "record").p);
	record[strcspn(record, "\n")] = '\0';
	(void)dkim_set_key_lookup(b.lib, key_find);
	run(&b);
	begin = cpu_usec();
	for (; cpu_usec() - begin < seconds * 1e6; n++)
		run(&b);
	printf("{\"n\": %zu, \"usec\": %.3f}\n", n, (cpu_usec() - begin) / (double)n);
	return 0;
}
