/* One audit from begin to end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/audit_internal.h"

static void
out_free(struct sink *out)
{
	if (out != NULL)
		sink_done(out);
	free(out);
}

/*
 * Outputs are merged in the order of their units as soon as these are done: a
 * million names have 13,000, which together would take 20 MB. Who finds another
 * thread at it leaves its own to that thread, or to the next one; audit_end()
 * takes the rest.
 */
static void
outs_merge(struct audit *a)
{
	struct sink *out;

	if (__atomic_test_and_set(&a->merging, __ATOMIC_ACQUIRE))
		return;
	for (; a->n_merged < a->n_units; a->n_merged++) {
		if ((out = __atomic_exchange_n(&a->outs[a->n_merged], NULL, __ATOMIC_ACQ_REL)) == NULL)
			break;
		sink_merge(&a->own, out);
		out_free(out);
	}
	__atomic_clear(&a->merging, __ATOMIC_RELEASE);
}

static int
outs_alloc(struct audit *a)
{
	a->n_units = a->change != NULL ? change_n_units(a->change) :
	    zone_n_blocks(a->z, ZONE_NAMES) + zone_n_blocks(a->z, ZONE_NSEC3);
	a->outs = calloc(a->n_units + 1, sizeof(*a->outs));
	return a->outs == NULL ? -ENOMEM : 0;
}

int
audit_new(struct zone *z, const struct audit_opts *opts, struct change *change,
    struct audit **ret)
{
	_cleanup_(audit_freep) struct audit *a = calloc(1, sizeof(*a));
	int rc;

	if (a == NULL) {
		(void)change_free(change);
		return -ENOMEM;
	}
	a->z = zone_ref(z);
	a->opts = opts;
	a->now = (uint32_t)opts->now;
	a->apex = *zone_apex(z);
	a->change = change;
	sink_init(&a->own);
	if ((rc = apex_begin(a)) < 0)
		return rc;
	if ((rc = denial_begin(a)) < 0)
		return rc;
	if (change != NULL)
		change_chains(a);
	if ((rc = outs_alloc(a)) < 0)
		return rc;
	*ret = TAKE_PTR(a);
	return 0;
}

int
audit_begin(struct zone *z, const struct audit_opts *opts, struct audit **ret)
{
	return audit_new(z, opts, NULL, ret);
}

struct audit *
audit_free(struct audit *a)
{
	if (a == NULL)
		return NULL;
	for (size_t i = 0; a->outs != NULL && i < a->n_units; i++)
		out_free(a->outs[i]);
	free(a->outs);
	sink_done(&a->own);
	keys_done(a);
	denial_done(a);
	(void)change_free(a->change);
	(void)zone_unref(a->z);
	free(a);
	return NULL;
}

size_t
audit_n_units(const struct audit *a)
{
	return a->n_units;
}

/* --- a unit --- */

/* The nodes of a block: what the first one needs is looked up, the rest follows. */
static void
names_block(struct worker *w, size_t block)
{
	struct zone_it it = zone_block(w->a->z, ZONE_NAMES, block);
	const struct znode *node = zone_next(&it);

	if (node != NULL)
		audit_walk_to(w, node);
	for (; node != NULL && it.block == block && w->out->rc == 0; node = zone_next(&it))
		audit_walk_node(w, node);
}

static void
nsec3_block(struct worker *w, size_t block)
{
	struct zone_it it = zone_block(w->a->z, ZONE_NSEC3, block);
	const struct znode *prev = nsec3_before(w->a->z, it), *node = zone_next(&it);

	for (; node != NULL && it.block == block && w->out->rc == 0; node = zone_next(&it)) {
		nsec3_node(w, node);
		nsec3_link(w, prev, node);
		prev = node;
	}
}

int
audit_unit(struct audit *a, size_t i)
{
	struct sink *out = calloc(1, sizeof(*out));
	_cleanup_(worker_freep) struct worker *w = worker_new(a, out);
	size_t n_names = zone_n_blocks(a->z, ZONE_NAMES);

	int rc;

	if (out == NULL || w == NULL) {
		free(out);
		return -ENOMEM;
	}
	sink_init(out);
	if (a->change != NULL)
		change_unit(w, i);
	else if (i < n_names)
		names_block(w, i);
	else
		nsec3_block(w, i - n_names);
	nsec3_flush(w);
	sig_flush(w);
	if ((rc = out->rc) < 0) {
		out_free(out);
		return rc;
	}
	__atomic_store_n(&a->outs[i], out, __ATOMIC_RELEASE);
	outs_merge(a);
	return 0;
}

/* --- the end --- */

struct audit_result *
audit_result_free(struct audit_result *r)
{
	if (r == NULL)
		return NULL;
	free(r->groups);
	free(r->keys);
	free(r->types);
	free(r);
	return NULL;
}

static int
result_lists(struct audit *a, struct audit_result *r)
{
	const struct type_counts *t = &a->own.types;

	r->keys = calloc(a->n_keys + 1, sizeof(*r->keys));
	r->types = calloc(t->n + 1, sizeof(*r->types));
	if (r->keys == NULL || r->types == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < a->n_keys; i++) {
		const struct akey *k = &a->keys[i];

		r->keys[i] = (struct audit_key_use){ .flags = k->k.flags, .tag = k->tag,
		    .alg = k->k.alg, .anchored = k->anchored,
		    .signs_dnskey = (a->own.signs_dnskey >> i & 1) != 0,
		    .bits = k->pub == NULL ? 0 : crypto_pub_bits(k->pub),
		    .n_sigs = a->own.key_sigs[i] };
	}
	r->n_keys = a->n_keys;
	if (t->n > 0)
		memcpy(r->types, t->t, t->n * sizeof(*r->types));
	r->n_types = t->n;
	return 0;
}

static enum audit_state
state_of(const struct audit *a, const struct audit_result *r)
{
	if (r->n_by_severity[SEV_REJECT] > 0)
		return AUDIT_BAD;
	if (a->own.again)
		return AUDIT_AGAIN;
	return a->is_signed ? AUDIT_GOOD : AUDIT_UNSIGNED;
}

static int
result_make(struct audit *a, struct audit_result **ret)
{
	_cleanup_(audit_result_freep) struct audit_result *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return -ENOMEM;
	r->apex = a->apex;
	r->now = a->opts->now;
	r->denial = a->denial.kind;
	r->mixed = a->denial.mixed;
	r->iterations = a->denial.chains[0].iterations;
	r->salt_len = (uint8_t)a->denial.chains[0].salt.n;
	r->counts = a->own.counts;
	r->first_expiry = a->own.first_expiry;
	r->first_name = a->own.first_name;
	r->first_type = a->own.first_type;
	r->last_inception = a->own.last_inception;
	if ((rc = result_lists(a, r)) < 0)
		return rc;
	if (a->change != NULL)
		change_times(a, r);
	sink_sort(&a->own);
	r->groups = TAKE_PTR(a->own.groups);
	r->n_groups = a->own.n_groups;
	for (size_t i = 0; i < r->n_groups; i++)
		r->n_by_severity[audit_rows[r->groups[i].code].severity] += r->groups[i].n;
	r->state = state_of(a, r);
	*ret = TAKE_PTR(r);
	return 0;
}

/* Nodes of signatures alone are told by themselves. */
static bool
has_extras(const struct audit *a)
{
	return a->change == NULL && a->denial.kind == AUDIT_NSEC3 &&
	    a->own.n_matched < a->denial.n_members;
}

int
audit_end(struct audit *a, struct audit_result **ret)
{
	int rc;

	outs_merge(a);
	if (a->n_merged < a->n_units)
		return -EINVAL;
	if (a->own.rc < 0)
		return a->own.rc;
	if (a->change == NULL || change_has_apex(a))
		apex_end(a);
	if (a->change != NULL)
		change_end(a);
	if (has_extras(a) && (rc = nsec3_extras(a)) < 0)
		return rc;
	if (a->change == NULL)
		denial_end(a);
	return a->own.rc < 0 ? a->own.rc : result_make(a, ret);
}

static int
audit_run(struct audit *a, struct audit_result **ret)
{
	int rc = 0;

	for (size_t i = 0; i < a->n_units && rc == 0; i++)
		rc = audit_unit(a, i);
	return rc < 0 ? rc : audit_end(a, ret);
}

int
audit_zone(struct zone *z, const struct audit_opts *opts, struct audit_result **ret)
{
	_cleanup_(audit_freep) struct audit *a = NULL;
	int rc = audit_begin(z, opts, &a);

	return rc < 0 ? rc : audit_run(a, ret);
}

int
audit_change(struct zone *old, const struct audit_result *passed, struct zone *z,
    const struct audit_opts *opts, struct audit_result **ret)
{
	_cleanup_(audit_freep) struct audit *a = NULL;
	int rc = audit_begin_change(old, passed, z, opts, &a);

	return rc < 0 ? rc : audit_run(a, ret);
}
