/*
 * A good signed zone, spoilt: for tests of who sees it.
 *
 *	zone_spoil FOLDER NOW <LINES		of NAME, nsec|nsec3|opt-out, SCRIPT, tabs between
 *
 * The scripts are those of tests/unit/dnssec/audit_kit.h. FOLDER/NAME.zone each; the DS of
 * the zone's KSK goes to standard output, one a line.
 */
#include <stdint.h>

static int64_t now_sec;
#define KIT_NOW	now_sec
#include "../unit/dnssec/audit_kit.h"

static void
zone_write(const char *folder, struct sv name, const struct zone *z)
{
	struct buf b = BUF_INIT;
	char path[512];
	FILE *f;

	zone_print(&b, z, 0);
	(void)snprintf(path, sizeof(path), "%s/%.*s.zone", folder, SV_ARG(name));
	if ((f = fopen(path, "w")) == NULL || fwrite(b.p, 1, b.len, f) != b.len || fclose(f) != 0)
		exit(1);
	buf_done(&b);
}

int
main(int argc, char **argv)
{
	static const char *const kinds[] = { "nsec", "nsec3", "opt-out" };
	struct audit_kit *kits[3];
	char line[2048];

	if (argc != 3)
		return 2;
	now_sec = kit_num(sv_str(argv[2]));
	for (unsigned i = 0; i < 3; i++) {
		kits[i] = kit_new((enum kit_denial)i);
		(void)kit_good(kits[i]);
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct sv rest = sv_trim(sv_str(line)), name = sv_cut(&rest, '\t');
		struct sv kind = sv_cut(&rest, '\t');
		struct buf ds = BUF_INIT;
		unsigned i = 0;
		struct zone *z;

		while (i < 2 && !sv_eq_str(kind, kinds[i]))
			i++;
		line[rest.p + rest.n - line] = '\0';
		z = kit_script(kits[i], kits[i]->z, rest.p);
		zone_write(argv[1], name, z);
		rdata_print(&ds, RR_DS, kits[i]->anchor.rdata);
		printf("%.*s\t%.*s\n", SV_ARG(name), SV_ARG(buf_get(&ds)));
		buf_done(&ds);
		(void)zone_unref(z);
	}
	for (unsigned i = 0; i < 3; i++)
		kit_free(kits[i]);
	return 0;
}
