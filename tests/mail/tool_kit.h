/* What the tools for tests against other implementations share: files in, and a DNS out of lines. */
#ifndef TESTS_MAIL_TOOL_KIT_H
#define TESTS_MAIL_TOOL_KIT_H

#include <stdio.h>
#include <stdlib.h>

#include "dns_fake.h"

/* Or the tool ends with status 3. */
static inline void
must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s: failed\n", what);
	exit(3);
}

/* A whole file, on the heap: free() it. */
static inline struct sv
file_read(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n = 0, cap = 1 << 20, got;
	char *p = malloc(cap);

	must(f != NULL && p != NULL, path);
	while ((got = fread(p + n, 1, cap - n, f)) > 0)
		if ((n += got) == cap)
			must((p = realloc(p, cap *= 2)) != NULL, path);
	(void)fclose(f);
	return (struct sv){ p, n };
}

/* Lines of a name, a blank, and the text of its TXT record. */
static inline struct dns_fake *
records_read(const char *path)
{
	struct dns_fake *dns = dns_fake_new();
	struct sv text = file_read(path), left = text, line;

	must(dns != NULL, path);
	while (sv_line(&left, &line)) {
		struct sv name = sv_cut(&line, ' ');

		if (name.n > 0)
			must(dns_fake_add_txt(dns, name, line) == 0, path);
	}
	free((char *)text.p);
	return dns;
}

#endif
