/* Files of test scenarios: YAML's nodes by name, and the DNS that they describe. */
#include <errno.h>
#include <string.h>

#include "suite.h"

int
suite_open(struct suite *s, const char *path)
{
	memset(s, 0, sizeof(*s));
	if ((s->file = fopen(path, "rb")) == NULL || yaml_parser_initialize(&s->parser) == 0) {
		(void)fprintf(stderr, "%s: cannot be read\n", path);
		if (s->file != NULL)
			(void)fclose(s->file);
		return -EIO;
	}
	yaml_parser_set_input_file(&s->parser, s->file);
	return 0;
}

static void
document_done(struct suite *s)
{
	if (s->has_doc)
		yaml_document_delete(&s->doc);
	s->has_doc = false;
}

void
suite_close(struct suite *s)
{
	document_done(s);
	yaml_parser_delete(&s->parser);
	(void)fclose(s->file);
}

int
suite_next(struct suite *s)
{
	document_done(s);
	if (yaml_parser_load(&s->parser, &s->doc) == 0) {
		(void)fprintf(stderr, "line %zu: %s\n", s->parser.problem_mark.line + 1,
		    s->parser.problem == NULL ? "no YAML" : s->parser.problem);
		return -EINVAL;
	}
	s->has_doc = true;
	return suite_root(s) != NULL;
}

/* --- nodes --- */

yaml_node_t *
suite_root(struct suite *s)
{
	return yaml_document_get_root_node(&s->doc);
}

size_t
suite_count(const yaml_node_t *n)
{
	if (n == NULL)
		return 0;
	if (n->type == YAML_MAPPING_NODE)
		return (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
	if (n->type == YAML_SEQUENCE_NODE)
		return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
	return 1;
}

yaml_node_t *
suite_item(struct suite *s, yaml_node_t *n, size_t i)
{
	if (i >= suite_count(n))
		return NULL;
	if (n->type == YAML_MAPPING_NODE)
		return yaml_document_get_node(&s->doc, n->data.mapping.pairs.start[i].value);
	if (n->type == YAML_SEQUENCE_NODE)
		return yaml_document_get_node(&s->doc, n->data.sequence.items.start[i]);
	return n;
}

struct sv
suite_key(struct suite *s, const yaml_node_t *n, size_t i)
{
	if (n == NULL || n->type != YAML_MAPPING_NODE || i >= suite_count(n))
		return (struct sv){ NULL, 0 };
	return suite_text(yaml_document_get_node(&s->doc, n->data.mapping.pairs.start[i].key));
}

struct sv
suite_text(const yaml_node_t *n)
{
	if (n == NULL || n->type != YAML_SCALAR_NODE)
		return (struct sv){ NULL, 0 };
	return (struct sv){ (const char *)n->data.scalar.value, n->data.scalar.length };
}

static yaml_node_t *
suite_value(struct suite *s, const yaml_node_t *map, size_t i)
{
	return yaml_document_get_node(&s->doc, map->data.mapping.pairs.start[i].value);
}

yaml_node_t *
suite_get(struct suite *s, const yaml_node_t *map, const char *key)
{
	if (map == NULL || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (size_t i = 0; i < suite_count(map); i++)
		if (sv_eq(suite_key(s, map, i), sv_str(key)))
			return suite_value(s, map, i);
	return NULL;
}

struct sv
suite_field(struct suite *s, const yaml_node_t *map, const char *key)
{
	return suite_text(suite_get(s, map, key));
}

/* --- records: one writer a type --- */

static void
name_write(struct buf *b, struct sv text)
{
	struct dname name = DNAME_ROOT;

	if (text.n > 0 && mail_name(text, &name) < 0)
		b->rc = -EINVAL;
	buf_bytes(b, name.w, name.len);
}

static void
ptr_write(struct suite *s, yaml_node_t *n, struct buf *b)
{
	(void)s;
	name_write(b, suite_text(n));
}

static void
mx_write(struct suite *s, yaml_node_t *n, struct buf *b)
{
	uint32_t preference = 0;
	uint8_t wire[2];

	if (num_u32(suite_text(suite_item(s, n, 0)), 0, UINT16_MAX, &preference) < 0)
		b->rc = -EINVAL;
	put_be16(wire, (uint16_t)preference);
	buf_bytes(b, wire, sizeof(wire));
	name_write(b, suite_text(suite_item(s, n, 1)));
}

static void
address_write(struct suite *s, yaml_node_t *n, struct buf *b)
{
	struct ip_prefix px = { .af = 0 };

	(void)s;
	if (ip_prefix_parse_host(suite_text(n), &px) < 0)
		b->rc = -EINVAL;
	buf_bytes(b, px.addr, ip_bits(px.af) / 8);
}

/* One text, or a list of strings as they stand in the record; none are one that is empty. */
static void
txt_write(struct suite *s, yaml_node_t *n, struct buf *b)
{
	size_t count = suite_count(n);

	if (count == 0)
		buf_char(b, 0);
	for (size_t i = 0; i < count; i++) {
		struct sv text = suite_text(suite_item(s, n, i));

		do {
			struct sv part = sv_take(text, 255);

			buf_char(b, (char)part.n);
			buf_sv(b, part);
			text = sv_skip(text, part.n);
		} while (text.n > 0);
	}
}

#define TYPE_SPF	99		/* RFC 7208 section 3.1: "no longer used" */

static const struct {
	const char	*name;
	uint16_t	 type;
	void		(*write)(struct suite *, yaml_node_t *, struct buf *);
} types[] = {
	{ "A", RR_A, address_write },
	{ "AAAA", RR_AAAA, address_write },
	{ "CNAME", RR_CNAME, ptr_write },
	{ "MX", RR_MX, mx_write },
	{ "PTR", RR_PTR, ptr_write },
	{ "SPF", TYPE_SPF, txt_write },
	{ "TXT", RR_TXT, txt_write },
};

static int
record_add(struct suite *s, struct sv name, struct sv type, yaml_node_t *value, bool is_spf_txt,
    struct dns_fake *d)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc = -EINVAL;

	if (sv_eq(suite_text(value), SV("NONE")))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (sv_eq_str(type, types[i].name)) {
			types[i].write(s, value, &b);
			if ((rc = b.rc) == 0)
				rc = dns_fake_add_wire(d, name, types[i].type, buf_get(&b));
			if (rc == 0 && types[i].type == TYPE_SPF && is_spf_txt)
				rc = dns_fake_add_wire(d, name, RR_TXT, buf_get(&b));
		}
	return rc;
}

static bool
list_has(struct suite *s, yaml_node_t *list, const char *type)
{
	for (size_t i = 0; i < suite_count(list); i++)
		if (suite_get(s, suite_item(s, list, i), type) != NULL)
			return true;
	return false;
}

static int
name_add(struct suite *s, struct sv name, yaml_node_t *list, struct dns_fake *d)
{
	bool is_spf_txt = !list_has(s, list, "TXT");

	for (size_t i = 0; i < suite_count(list); i++) {
		yaml_node_t *n = suite_item(s, list, i);
		int rc;

		if (sv_eq(suite_text(n), SV("TIMEOUT")))
			rc = dns_fake_fail(d, name);
		else
			rc = record_add(s, name, suite_key(s, n, 0), suite_item(s, n, 0),
			    is_spf_txt, d);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
suite_zone(struct suite *s, yaml_node_t *zone, struct dns_fake *d)
{
	for (size_t i = 0; i < suite_count(zone); i++) {
		struct sv name = suite_key(s, zone, i);
		int rc = name_add(s, name, suite_item(s, zone, i), d);

		if (rc < 0) {
			(void)fprintf(stderr, "%.*s: no data for a DNS\n", SV_ARG(name));
			return rc;
		}
	}
	return 0;
}

int
suite_txts(struct suite *s, yaml_node_t *records, struct dns_fake *d)
{
	for (size_t i = 0; i < suite_count(records); i++) {
		int rc = dns_fake_add_txt(d, suite_key(s, records, i),
		    suite_text(suite_item(s, records, i)));

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- a program --- */

int
suite_main(int argc, char **argv, int (*scenario_run)(struct suite *, struct suite_tally *))
{
	struct suite_tally t = { 0 };
	struct suite s;
	int rc;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 2;
	}
	if (suite_open(&s, argv[1]) < 0)
		return 3;
	while ((rc = suite_next(&s)) > 0 && (rc = scenario_run(&s, &t)) == 0)
		;
	suite_close(&s);
	(void)printf("1..%u\n", t.n);
	if (rc < 0 || t.n == 0)
		return 3;
	(void)printf("# %u of %u\n", t.n - t.n_failed, t.n);
	if (t.n_deviating > 0)
		(void)printf("# %u of %u deviate from the file where the standard does\n", t.n_deviating, t.n);
	return t.n_failed > 0;
}
