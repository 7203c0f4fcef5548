/* Rows of the history as JSON, for the page. */
#include "base/hash.h"
#include "store/history_internal.h"

static void
asns_json(struct json *j, const char *key, bool there, struct sv list)
{
	struct rd r = rd_sv(list);

	json_key(j, key);
	if (!there) {
		json_nil(j);
		return;
	}
	json_open(j, '[');
	while (rd_left(&r) >= 4)
		json_u64(j, rd_be32(&r));
	json_close(j, ']');
}

static void
payload_json(struct json *j, const struct history_change *c)
{
	char px[IP_PREFIX_STRLEN], hex[41];
	struct sv ski = c->announce ? c->after : c->before;

	if (c->kind == HK_VRP) {
		json_kv_str(j, "prefix", ip_prefix_str(&c->prefix, px));
		json_kv_u64(j, "maxLength", c->max_len);
	} else if (c->kind == HK_ASPA) {
		asns_json(j, "before", c->had, c->before);
		asns_json(j, "after", c->has, c->after);
	} else if (ski.n == 20)
		json_kv_str(j, "ski", hex_encode(hex, ski.p, ski.n));
}

void
history_change_json(struct json *j, const struct history_change *c)
{
	static const char *const kinds[] = { "vrp", "aspa", "key" };

	json_open(j, '{');
	json_kv_i64(j, "at", c->at);
	json_kv_u64(j, "serial", c->serial);
	json_kv_str(j, "kind", kinds[c->kind <= HK_KEY ? c->kind : HK_KEY]);
	json_kv_bool(j, "announce", c->announce);
	json_kv_u64(j, "asn", c->asn);
	payload_json(j, c);
	json_kv_sv(j, "ta", c->ta);
	json_kv_sv(j, "ca", c->ca);
	json_kv_str(j, "cause", history_cause_name((enum history_cause)c->cause));
	json_kv_str(j, "state", payload_ca_state_name((enum payload_ca_state)c->state));
	json_kv_sv(j, "speaker", c->speaker);
	json_kv_sv(j, "code", c->code);
	json_close(j, '}');
}

void
history_point_json(struct json *j, const struct history_point_row *p)
{
	const uint64_t n[] = { p->span, p->serial, p->n_v4, p->n_v6, p->n_aspas, p->n_keys,
	    p->n_reject, p->n_warn, p->n_note, p->n_held };

	json_open(j, '[');
	json_i64(j, p->at);
	for (size_t i = 0; i < ARRAY_LEN(n); i++)
		json_u64(j, n[i]);
	json_close(j, ']');
}
