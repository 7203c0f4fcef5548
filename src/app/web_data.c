/* What the role holds: configuration and the snapshot in service. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/web_internal.h"

bool
web_is_loopback(struct sv a)
{
	return sv_starts(a, SV("127.")) || sv_starts(a, SV("[::1]")) ||
	    sv_starts(a, SV("localhost")) || sv_eq(a, SV("::1"));
}

static int
asns_parse(struct web_conf *c, struct sv text)
{
	struct sv line;

	if ((c->asns = calloc(WEB_ORG_MAX, sizeof(*c->asns))) == NULL)
		return -ENOMEM;
	while (sv_line(&text, &line)) {
		if (line.n == 0)
			continue;
		if (c->n_asns == WEB_ORG_MAX || asn_parse(line, &c->asns[c->n_asns]) < 0)
			return -EINVAL;
		c->n_asns++;
	}
	return 0;
}

static int
prefixes_parse(struct web_conf *c, struct sv text)
{
	struct sv line;

	if ((c->prefixes = calloc(WEB_ORG_MAX, sizeof(*c->prefixes))) == NULL)
		return -ENOMEM;
	while (sv_line(&text, &line)) {
		if (line.n == 0)
			continue;
		if (c->n_prefixes == WEB_ORG_MAX ||
		    ip_prefix_parse(line, &c->prefixes[c->n_prefixes]) < 0)
			return -EINVAL;
		c->n_prefixes++;
	}
	return 0;
}

int
web_conf_init(struct web_conf *c, struct sv token, struct sv org_name,
    struct sv asns, struct sv prefixes)
{
	int rc;

	*c = (struct web_conf){ 0 };
	c->token = sv_dup(token);
	c->org_name = sv_dup(org_name);
	if (c->token == NULL || c->org_name == NULL) {
		web_conf_done(c);
		return -ENOMEM;
	}
	if ((rc = asns_parse(c, asns)) < 0 || (rc = prefixes_parse(c, prefixes)) < 0)
		web_conf_done(c);
	return rc;
}

void
web_conf_done(struct web_conf *c)
{
	if (c->token != NULL)
		explicit_bzero(c->token, strlen(c->token));
	free(c->token);
	free(c->org_name);
	free(c->asns);
	free(c->prefixes);
	*c = (struct web_conf){ 0 };
}

bool
web_ours_asn(const struct web_conf *c, uint32_t asn)
{
	for (size_t i = 0; i < c->n_asns; i++)
		if (c->asns[i] == asn)
			return true;
	return false;
}

bool
web_ours_prefix(const struct web_conf *c, const struct ip_prefix *px)
{
	for (size_t i = 0; i < c->n_prefixes; i++)
		if (ip_prefix_covers(&c->prefixes[i], px) ||
		    ip_prefix_covers(px, &c->prefixes[i]))
			return true;
	return false;
}

static json_t *
report_load(struct sv text)
{
	json_t *j = NULL;

	if (text.n > 0 && text.n <= WEB_REPORT_MAX)
		j = json_loadb(text.p, text.n, 0, NULL);
	if (!json_is_object(j)) {
		json_decref(j);
		j = json_object();
	}
	return j;
}

static void
tas_count(struct web_data *d)
{
	for (size_t i = 0; i < snapshot_n_vrps(&d->snap); i++) {
		uint8_t ta = snapshot_vrp_ta(&d->snap, i);

		if (ta >= TA_MAX)
			continue;
		if (i < d->snap.n_v4)
			d->tas[ta].v4++;
		else
			d->tas[ta].v6++;
	}
	for (size_t i = 0; i < d->snap.n_aspas; i++) {
		struct snapshot_aspa a;

		snapshot_aspa(&d->snap, i, &a);
		if (a.ta < TA_MAX)
			d->tas[a.ta].aspas++;
	}
	for (size_t i = 0; i < d->snap.n_router_keys; i++) {
		struct router_key k;

		snapshot_router_key(&d->snap, i, &k);
		if (k.ta < TA_MAX)
			d->tas[k.ta].keys++;
	}
}

int
web_data_new(const void *map, size_t size, snapshot_digest_fn digest,
    struct web_data **ret)
{
	_cleanup_(web_data_freep) struct web_data *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return -ENOMEM;
	if ((rc = snapshot_open(map, size, digest, &d->snap)) < 0)
		return rc;
	if ((d->report = report_load(snapshot_report(&d->snap))) == NULL)
		return -ENOMEM;
	tas_count(d);
	*ret = TAKE_PTR(d);
	return 0;
}

struct web_data *
web_data_free(struct web_data *d)
{
	if (d == NULL)
		return NULL;
	json_decref(d->report);
	free(d);
	return NULL;
}

uint64_t
web_report_u64(const json_t *obj, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(obj, key));

	return v < 0 ? 0 : (uint64_t)v;
}

json_t *
web_report_array(const struct web_data *d, const char *key)
{
	json_t *a = json_object_get(d->report, key);

	return json_is_array(a) ? a : NULL;
}

static bool
has_role(const json_t *house, const char *name)
{
	json_t *roles = json_object_get(house, "roles"), *r;
	size_t i;

	json_array_foreach(roles, i, r) {
		const char *n = json_string_value(json_object_get(r, "name"));

		if (n != NULL && strcmp(n, name) == 0)
			return true;
	}
	return false;
}

bool
web_has_role(const struct web_ctx *ctx, const char *name)
{
	return has_role(ctx->house, name);
}

bool
web_names_only(const struct web_ctx *ctx)
{
	return (has_role(ctx->house, "zone") || has_role(ctx->house, "milter")) &&
	    !has_role(ctx->house, "validate");
}

enum web_health
web_health_routes(const struct web_ctx *ctx)
{
	const struct web_data *d = ctx->data;

	if (web_names_only(ctx))
		return WEB_OK;
	if (d == NULL)
		return WEB_HEALTH_NO_DATA;
	if (d->snap.earliest <= ctx->now)
		return WEB_HEALTH_EXPIRED;
	if (ctx->now - d->snap.built > WEB_AGE_MAX_SEC)
		return WEB_HEALTH_OLD;
	return WEB_OK;
}

enum web_health
web_health(const struct web_ctx *ctx)
{
	enum web_health h = web_health_routes(ctx);

	return h == WEB_OK && web_zones_expired(ctx) ? WEB_HEALTH_ZONES : h;
}

const char *
web_health_name(enum web_health h)
{
	static const char *const names[] = {
		[WEB_OK] = "ok",
		[WEB_HEALTH_NO_DATA] = "no_data",
		[WEB_HEALTH_EXPIRED] = "expired",
		[WEB_HEALTH_OLD] = "old",
		[WEB_HEALTH_ZONES] = "zones",
	};

	return names[h];
}
