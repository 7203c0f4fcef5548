/*
 * Files of test scenarios, as those who wrote the standards of mail publish
 * them: YAML documents, one a scenario, each with its tests and the DNS in
 * which they hold. Read with libyaml, a scenario at a time.
 *
 *	struct suite s;
 *	if (suite_open(&s, path) < 0) …
 *	while (suite_next(&s) > 0) {
 *		yaml_node_t *tests = suite_get(&s, suite_root(&s), "tests");
 *		for (size_t i = 0; i < suite_count(tests); i++)
 *			… suite_key(&s, tests, i), suite_item(&s, tests, i)
 *	}
 *	suite_close(&s);
 *
 * All functions take NULL for a node that is not there, and say that there is
 * nothing in it.
 */
#ifndef TESTS_MAIL_SUITE_H
#define TESTS_MAIL_SUITE_H

#include <stdio.h>
#include <yaml.h>

#include "dns_fake.h"

struct suite {
	FILE		*file;
	yaml_parser_t	 parser;
	yaml_document_t	 doc;
	bool		 has_doc;
};

/* -EIO: said on stderr. */
int	 suite_open(struct suite *, const char *path) MUST_USE;
void	 suite_close(struct suite *);
/* The next scenario: 1, or 0 at the end. -EINVAL: no YAML, said on stderr. */
int	 suite_next(struct suite *) MUST_USE;

yaml_node_t *suite_root(struct suite *);
/* A member of a map, or NULL. */
yaml_node_t *suite_get(struct suite *, const yaml_node_t *map, const char *key);
/* Members of a list or map, 1 for a scalar, 0 for NULL. */
size_t	 suite_count(const yaml_node_t *);
/* The i-th: a list's item, a map's value, the scalar itself. */
yaml_node_t *suite_item(struct suite *, yaml_node_t *, size_t i);
/* The i-th key of a map. */
struct sv suite_key(struct suite *, const yaml_node_t *map, size_t i);
/* A scalar's octets, which may hold NUL; else .p is NULL. */
struct sv suite_text(const yaml_node_t *);
/* suite_text(suite_get()). */
struct sv suite_field(struct suite *, const yaml_node_t *map, const char *key);

/*
 * "zonedata" of the SPF suite: names, each with a list of records {A: …} and TIMEOUT. Its
 * records of type SPF stand for TXT where a name has no TXT; "TXT: NONE" says that it has
 * none. -EINVAL: a record that cannot be read, said on stderr.
 */
int	 suite_zone(struct suite *, yaml_node_t *zonedata, struct dns_fake *) MUST_USE;
/* "txt-records" of the ARC suite: names, each with one text. */
int	 suite_txts(struct suite *, yaml_node_t *records, struct dns_fake *) MUST_USE;

/* Tests that were run; those that fail; and those where we keep to the standard, not to the file. */
struct suite_tally {
	unsigned n, n_failed, n_deviating;
};
/* A program for one file: 0, or 1 where a test failed; 3: the file is no suite, or an empty one. */
int	 suite_main(int argc, char **argv, int (*scenario_run)(struct suite *, struct suite_tally *));

#endif
