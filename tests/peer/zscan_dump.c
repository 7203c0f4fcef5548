/*
 * zscan_dump ORIGIN TTL FILE...: what libzscanner reads, for test_zonetext.py,
 * which compiles this program where the library is. It is no part of Sekisho
 * and is linked with nothing of it. Lines: "= FILE", "r OWNER TYPE CLASS TTL
 * DATA" (names and data in hexadecimal), "e LINE TEXT".
 */
#include <stdio.h>
#include <stdlib.h>

#include <libzscanner/scanner.h>

static void
hex(const uint8_t *p, size_t n)
{
	if (n == 0)
		putchar('-');
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
}

static void
record(zs_scanner_t *s)
{
	printf("r ");
	hex(s->r_owner, s->r_owner_length);
	printf(" %u %u %u ", s->r_type, s->r_class, s->r_ttl);
	hex(s->r_data, s->r_data_length);
	putchar('\n');
}

static void
fault(zs_scanner_t *s)
{
	printf("e %llu %s\n", (unsigned long long)s->line_counter, zs_strerror(s->error.code));
}

int
main(int argc, char **argv)
{
	static zs_scanner_t s;

	for (int i = 3; i < argc; i++) {
		printf("= %s\n", argv[i]);
		if (zs_init(&s, argv[1], 1, (uint32_t)atoi(argv[2])) != 0 ||
		    zs_set_input_file(&s, argv[i]) != 0 ||
		    zs_set_processing(&s, record, fault, NULL) != 0)
			printf("e 0 %s\n", zs_strerror(s.error.code));
		else if (zs_parse_all(&s) != 0 && s.error.counter == 0)
			printf("e 0 %s\n", zs_strerror(s.error.code));
		zs_deinit(&s);
	}
	return 0;
}
