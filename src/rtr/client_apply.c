/* End of Data: what was collected is put in order, checked against the set, and becomes it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "rtr/client_internal.h"

static int
op_cmp(const void *a, const void *b)
{
	const struct op *x = a, *y = b;
	int c = vrp_cmp(&x->vrp, &y->vrp);

	return c != 0 ? c : x->seq < y->seq ? -1 : 1;
}

static int
key_op_cmp(const void *a, const void *b)
{
	const struct key_op *x = a, *y = b;
	int c = router_key_cmp(&x->key, &y->key);

	return c != 0 ? c : x->seq < y->seq ? -1 : 1;
}

static int
aspa_op_cmp(const void *a, const void *b)
{
	const struct aspa_op *x = a, *y = b;

	if (x->customer != y->customer)
		return x->customer < y->customer ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

/*
 * All operations on one VRP, in the order in which they came. *present is
 * whether it is held, before and after. RTR_EV_FAILED on a fault.
 */
static enum rtr_event
vrp_ops_apply(struct rtr_client *c, const struct op *op, size_t n, bool *present,
    struct wr *out)
{
	for (size_t i = 0; i < n; i++) {
		if (op[i].announce && *present)
			return rtr_client_vrp_fault(c, &op[i].vrp, RTR_DUPLICATE, RTR_ERR_DUPLICATE, out);
		if (!op[i].announce && !*present)
			return rtr_client_vrp_fault(c, &op[i].vrp, RTR_WITHDRAW_UNKNOWN,
			    RTR_ERR_WITHDRAWAL, out);
		*present = op[i].announce;
	}
	return RTR_EV_MORE;
}

static size_t
ops_same(const struct op *op, size_t n)
{
	size_t k = 1;

	while (k < n && vrp_cmp(&op[0].vrp, &op[k].vrp) == 0)
		k++;
	return k;
}

/* Merge the sorted operations with the sorted set into next (room enough). */
static int
vrps_apply(struct rtr_client *c, struct vrp *next, size_t *ret_n, struct wr *out)
{
	size_t i = 0, j = 0, n = 0;

	while (i < c->set.n_vrps || j < c->n_ops) {
		int cmp = i == c->set.n_vrps ? 1 : j == c->n_ops ? -1 :
		    vrp_cmp(&c->set.vrps[i], &c->ops[j].vrp);
		const struct vrp *v = cmp <= 0 ? &c->set.vrps[i] : &c->ops[j].vrp;
		size_t same = cmp < 0 ? 0 : ops_same(&c->ops[j], c->n_ops - j);
		bool present = cmp <= 0;

		if (same > 0 && vrp_ops_apply(c, &c->ops[j], same, &present, out) != RTR_EV_MORE)
			return RTR_EV_FAILED;
		if (present)
			next[n++] = *v;
		i += cmp <= 0;
		j += same;
	}
	*ret_n = n;
	return RTR_EV_MORE;
}

int
rtr_client_vrps_commit(struct rtr_client *c, struct wr *out)
{
	struct vrp *next = calloc(c->set.n_vrps + c->n_ops + 1, sizeof(*next));
	size_t n = 0;
	int rc;

	if (next == NULL)
		return -ENOMEM;
	if (c->n_ops > 1)
		qsort(c->ops, c->n_ops, sizeof(*c->ops), op_cmp);
	if ((rc = vrps_apply(c, next, &n, out)) != RTR_EV_MORE) {
		free(next);
		return rc;
	}
	free(c->set.vrps);
	c->set.vrps = next;
	c->set.n_vrps = n;
	return RTR_EV_MORE;
}

/* As vrps_apply(), operation by operation: there are few. */
static int
keys_apply(struct rtr_client *c, struct router_key *next, size_t *ret_n, struct wr *out)
{
	size_t i = 0, j = 0, n = 0;

	while (i < c->set.n_router_keys || j < c->n_key_ops) {
		int cmp = i == c->set.n_router_keys ? 1 : j == c->n_key_ops ? -1 :
		    router_key_cmp(&c->set.router_keys[i], &c->key_ops[j].key);
		const struct router_key *k = cmp <= 0 ? &c->set.router_keys[i] :
		    &c->key_ops[j].key;
		bool present = cmp <= 0;

		for (; j < c->n_key_ops && cmp >= 0 &&
		    router_key_cmp(&c->key_ops[j].key, k) == 0; j++) {
			const struct key_op *op = &c->key_ops[j];

			if (op->announce && present)
				return (int)rtr_client_key_fault(c, k, RTR_DUPLICATE, RTR_ERR_DUPLICATE, out);
			if (!op->announce && !present)
				return (int)rtr_client_key_fault(c, k, RTR_WITHDRAW_UNKNOWN,
				    RTR_ERR_WITHDRAWAL, out);
			present = op->announce;
		}
		if (present)
			next[n++] = *k;
		i += cmp <= 0;
	}
	*ret_n = n;
	return RTR_EV_MORE;
}

int
rtr_client_keys_commit(struct rtr_client *c, struct wr *out)
{
	struct router_key *next = calloc(c->set.n_router_keys + c->n_key_ops + 1, sizeof(*next));
	size_t n = 0;
	int rc;

	if (next == NULL)
		return -ENOMEM;
	if (c->n_key_ops > 1)
		qsort(c->key_ops, c->n_key_ops, sizeof(*c->key_ops), key_op_cmp);
	if ((rc = keys_apply(c, next, &n, out)) != RTR_EV_MORE) {
		free(next);
		return rc;
	}
	free(c->set.router_keys);
	c->set.router_keys = next;
	c->set.n_router_keys = n;
	return RTR_EV_MORE;
}

/* An announcement replaces what is held; twice in one answer is a fault. */
static int
aspas_apply(struct rtr_client *c, struct aspa *next, size_t *ret_n, struct wr *out)
{
	size_t i = 0, j = 0, n = 0;

	while (i < c->set.n_aspas || j < c->n_aspa_ops) {
		struct aspa *a = i < c->set.n_aspas ? &c->set.aspas[i] : NULL;
		struct aspa_op *op = j < c->n_aspa_ops ? &c->aspa_ops[j] : NULL;

		if (a != NULL && op != NULL && a->customer != op->customer) {
			if (a->customer < op->customer)
				op = NULL;
			else
				a = NULL;
		}
		i += a != NULL;
		j += op != NULL;
		if (op == NULL) {
			next[n++] = *a;
			continue;
		}
		if (!op->announce && a == NULL)
			return (int)rtr_client_aspa_fault(c, op->customer, RTR_WITHDRAW_UNKNOWN,
			    RTR_ERR_WITHDRAWAL, out);
		if (j < c->n_aspa_ops && c->aspa_ops[j].customer == op->customer)
			return (int)rtr_client_aspa_fault(c, op->customer, RTR_DUPLICATE,
			    RTR_ERR_DUPLICATE, out);
		if (op->announce)
			next[n++] = (struct aspa){ op->customer, op->n, op->providers,
			    TIME_NEVER, 0, PAYLOAD_CA_NONE };
	}
	*ret_n = n;
	return RTR_EV_MORE;
}

/* Lists that moved into next are no longer the operation's or the old set's. */
static void
aspas_adopt(struct rtr_client *c, struct aspa *next, size_t n)
{
	size_t k = 0, o = 0;

	for (size_t i = 0; i < c->set.n_aspas; i++) {
		while (k < n && next[k].customer < c->set.aspas[i].customer)
			k++;
		if (k == n || next[k].providers != c->set.aspas[i].providers)
			free((void *)c->set.aspas[i].providers);
	}
	for (k = 0; k < n; k++) {
		while (o < c->n_aspa_ops && c->aspa_ops[o].customer < next[k].customer)
			o++;
		if (o < c->n_aspa_ops && c->aspa_ops[o].providers == next[k].providers)
			c->aspa_ops[o].providers = NULL;
	}
	free(c->set.aspas);
	c->set.aspas = next;
	c->set.n_aspas = n;
}

int
rtr_client_aspas_commit(struct rtr_client *c, struct wr *out)
{
	struct aspa *next = calloc(c->set.n_aspas + c->n_aspa_ops + 1, sizeof(*next));
	size_t n = 0;
	int rc;

	if (next == NULL)
		return -ENOMEM;
	if (c->n_aspa_ops > 1)
		qsort(c->aspa_ops, c->n_aspa_ops, sizeof(*c->aspa_ops), aspa_op_cmp);
	if ((rc = aspas_apply(c, next, &n, out)) != RTR_EV_MORE) {
		free(next);
		return rc;
	}
	aspas_adopt(c, next, n);
	return RTR_EV_MORE;
}
