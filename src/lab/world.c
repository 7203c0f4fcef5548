/* The model's parts: CAs, objects, resources. */
#include <errno.h>
#include <stdlib.h>

#include "lab/internal.h"

struct lab_world *
lab_free(struct lab_world *w)
{
	if (w == NULL)
		return NULL;
	/* until lab_begin() objects are counted, not listed */
	for (size_t i = 0; w->objs != NULL && i < w->n_objs; i++) {
		w->objs[i]->own_key = crypto_signer_free(w->objs[i]->own_key);
		free(w->objs[i]->bytes);
	}
	free(w->objs);
	(void)crypto_primes_free(w->primes);
	if (w->scratch != w->pool)
		(void)pool_free(w->scratch);
	(void)pool_free(w->pool);
	free(w);
	return NULL;
}

struct lab_world *
lab_world_new(const struct lab_opts *opts)
{
	_cleanup_(lab_freep) struct lab_world *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->pool = pool_new(LAB_POOL_MAX)) == NULL)
		return NULL;
	w->scratch = w->pool;
	w->opts = *opts;
	w->now = opts->now;
	w->seed = opts->seed;
	w->host = "lab.example";
	w->every = 600;
	w->cas_tail = &w->cas;
	w->faults_tail = &w->faults;
	w->servers_tail = &w->servers;
	return TAKE_PTR(w);
}

void
lab_steps_set(struct lab_world *w, uint32_t n_steps)
{
	w->n_steps = n_steps;
}

void
lab_churn_set(struct lab_world *w, uint32_t per_mille)
{
	w->churn = per_mille;
}

void
lab_every_set(struct lab_world *w, uint32_t sec)
{
	w->every = sec;
}

/* Labels become file and folder names (RFC 9286 section 4.2.2: no dots). */
bool
lab_label_ok(struct sv s, bool dots)
{
	if (s.n == 0 || s.n > LAB_NAME_MAX || s.p[0] == '.' || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' || (dots && c == '.')))
			return false;
	}
	return true;
}

/* The server of that name, a new one if there is none; NULL: no memory. */
struct lab_server *
lab_server_get(struct lab_world *w, struct sv host)
{
	struct lab_server *s;

	for (s = w->servers; s != NULL; s = s->next)
		if (sv_eq_str(host, s->host))
			return s;
	if (w->n_servers == LAB_SERVERS_MAX ||
	    (s = pool_calloc(w->pool, 1, sizeof(*s))) == NULL)
		return NULL;
	s->host = pool_sv(w->pool, host).p;
	s->notify = pool_printf(w->pool, "https://%.*s/rrdp/notification.xml", SV_ARG(host));
	if (s->host == NULL || s->notify == NULL)
		return NULL;
	s->index = w->n_servers++;
	*w->servers_tail = s;
	w->servers_tail = &s->next;
	return s;
}

struct lab_ca *
lab_ca_new(struct lab_world *w, struct lab_ca *parent, const char *name)
{
	struct lab_ca *ca = pool_calloc(w->pool, 1, sizeof(*ca));

	if (ca == NULL)
		return NULL;
	ca->name = name;
	ca->parent = parent;
	ca->depth = parent == NULL ? 0 : parent->depth + 1;
	ca->tail = &ca->objs;
	ca->number = (uint64_t)w->now / 60;
	ca->valid[0] = w->now - 30 * 86400;
	ca->valid[1] = w->now + (parent == NULL ? 10 : 1) * (int64_t)365 * 86400;
	ca->crl_time[0] = ca->mft_time[0] = w->now - 3600;
	ca->crl_time[1] = ca->mft_time[1] = w->now + 86400;
	if ((ca->cert = lab_obj_new(w, parent, LAB_CER)) == NULL ||
	    (ca->mft = lab_obj_new(w, ca, LAB_MFT)) == NULL ||
	    (ca->crl = lab_obj_new(w, ca, LAB_CRL)) == NULL)
		return NULL;
	ca->cert->subject = ca;
	ca->cert->label = name;
	*w->cas_tail = ca;
	w->cas_tail = &ca->next;
	w->n_cas++;
	return ca;
}

/* Objects that a step adds join the list of all; before that, none is. */
static int
obj_list(struct lab_world *w, struct lab_obj *o)
{
	struct lab_obj **v;

	if (!w->begun)
		return 0;
	/* room for a power of two */
	if ((w->n_objs & (w->n_objs - 1)) == 0) {
		v = reallocarray(w->objs, 2 * w->n_objs, sizeof(*v));
		if (v == NULL)
			return -ENOMEM;
		w->objs = v;
	}
	w->objs[w->n_objs] = o;
	o->index = w->n_objs;
	o->key_no = w->n_keys++;
	return 0;
}

struct lab_obj *
lab_obj_new(struct lab_world *w, struct lab_ca *ca, enum lab_kind kind)
{
	struct lab_obj *o = pool_calloc(w->pool, 1, sizeof(*o));

	if (o == NULL || obj_list(w, o) < 0)
		return NULL;
	o->kind = kind;
	o->ca = ca;
	o->from = o->born = w->step;
	o->until = LAB_STEP_NEVER;
	w->n_objs++;
	if (ca == NULL)
		return o;
	*ca->tail = o;
	ca->tail = &o->next;
	ca->n_objs++;
	return o;
}

struct lab_obj *
lab_tak_new(struct lab_world *w, struct lab_ca *ca)
{
	struct lab_obj *o = lab_obj_new(w, ca, LAB_TAK);

	if (o == NULL || (o->tak = pool_calloc(w->pool, 1, sizeof(*o->tak))) == NULL)
		return NULL;
	while (ca->parent != NULL)
		ca = ca->parent;
	o->tak->ta[LAB_TAK_CURRENT] = ca;
	return o;
}

/* --- a CA with very many children --- */

/*
 * The i-th child: a certificate with a place of its own, where nothing is.
 * The key is the same for all, which only the lab can know.
 */
static int
child_add(struct lab_world *w, struct lab_ca *ca, struct lab_obj **first, uint32_t i)
{
	struct lab_obj *o = lab_obj_new(w, ca, LAB_CER), *mft = pool_calloc(w->pool, 1, sizeof(*mft));
	struct lab_ca *s = pool_calloc(w->pool, 1, sizeof(*s));
	const char *host = ca->server != NULL ? ca->server->host : w->host;

	if (o == NULL || mft == NULL || s == NULL)
		return -ENOMEM;
	s->parent = ca;
	s->cert = o;
	s->mft = mft;
	memcpy(s->valid, ca->valid, sizeof(s->valid));
	s->name = s->cn = pool_printf(w->pool, "%s-%u", ca->name, i);
	s->repo = ca->children_apart ? pool_printf(w->pool, "rsync://c%u.%s/repo/%s/", i, host, s->name) :
	    pool_printf(w->pool, "rsync://%s/repo/%s/", host, s->name);
	if (ca->children_apart)
		s->notify = pool_printf(w->pool, "https://c%u.%s/rrdp/notification.xml", i, host);
	else if (ca->server != NULL)
		s->notify = ca->server->notify;
	mft->uri = pool_printf(w->pool, "%sx.mft", s->repo);
	o->subject = s;
	o->res.inherit = true;
	o->same_key = *first;
	o->label = pool_printf(w->pool, "c%u", i);
	if (*first == NULL)
		*first = o;
	return s->name == NULL || s->repo == NULL || mft->uri == NULL || o->label == NULL ?
	    -ENOMEM : 0;
}

int
lab_children(struct lab_world *w)
{
	int rc = 0;

	for (struct lab_ca *ca = w->cas; ca != NULL; ca = ca->next) {
		struct lab_obj *first = NULL;

		for (struct lab_ca *up = ca; ca->server == NULL && up != NULL; up = up->parent)
			ca->server = up->server;
		for (uint32_t i = 0; i < ca->n_children && rc == 0; i++)
			rc = child_add(w, ca, &first, i);
	}
	return rc;
}

int
lab_edits_add(struct lab_world *w, struct lab_obj *o, const struct lab_edit *e)
{
	struct lab_edits *x = pool_calloc(w->pool, 1, sizeof(*x)), **tail = &o->edits;

	if (x == NULL)
		return -ENOMEM;
	x->e = e;
	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = x;
	return 0;
}

void
lab_serial(const struct lab_world *w, const char *what, uint64_t n, uint8_t ret[static 8])
{
	uint8_t in[64], hash[SHA256_LEN];
	struct wr wr = wr_mem(in, sizeof(in));

	wr_be64(&wr, w->seed);
	wr_be64(&wr, n);
	wr_bytes(&wr, what, strlen(what));
	crypto_sha256(in, wr.len, hash);
	hash[0] = (uint8_t)(hash[0] % 127 + 1);
	memcpy(ret, hash, 8);
}

uint64_t
lab_random(const struct lab_world *w, const char *what, uint64_t i, uint64_t n)
{
	uint8_t b[8];
	struct rd r;

	lab_serial(w, what, i, b);
	/* the first byte is no free one */
	r = rd_mem(b + 1, 7);
	return ((uint64_t)rd_be16(&r) << 32 | rd_be32(&r)) % n;
}

int
lab_roa_entry_cmp(const void *a, const void *b)
{
	const struct roa_entry *x = a, *y = b;
	int c;

	if (x->px.af != y->px.af)
		return x->px.af < y->px.af ? -1 : 1;
	if ((c = memcmp(x->px.addr, y->px.addr, sizeof(x->px.addr))) != 0)
		return c;
	if (x->px.len != y->px.len)
		return x->px.len < y->px.len ? -1 : 1;
	return (x->max_len > y->max_len) - (x->max_len < y->max_len);
}

/* --- resources --- */

static void *
array_copy(struct pool *pool, const void *v, size_t n, size_t size)
{
	void *p = pool_calloc(pool, max_size(n, 1), size);

	if (p != NULL && n > 0)
		memcpy(p, v, n * size);
	return p;
}

int
lab_res_copy(struct pool *pool, const struct lab_res *r, struct lab_res *ret)
{
	struct lab_res x = { .inherit = r->inherit, .n_as = r->n_as, .cap_as = r->n_as };

	x.as = array_copy(pool, r->as, r->n_as, sizeof(x.as[0]));
	for (unsigned f = 0; f < 2; f++) {
		x.n_ip[f] = x.cap_ip[f] = r->n_ip[f];
		x.ip[f] = array_copy(pool, r->ip[f], r->n_ip[f], sizeof(x.ip[f][0]));
		if (x.ip[f] == NULL)
			return -ENOMEM;
	}
	if (x.as == NULL)
		return -ENOMEM;
	*ret = x;
	return 0;
}

/* Room for one more of size bytes; doubles, the old array stays in the pool. */
static void *
list_grow(struct pool *pool, void *v, size_t n, size_t *cap, size_t size)
{
	size_t want = max_size(*cap * 2, 1);
	void *p;

	if (n < *cap)
		return v;
	if ((p = pool_calloc(pool, want, size)) == NULL)
		return NULL;
	if (n > 0)
		memcpy(p, v, n * size);
	*cap = want;
	return p;
}

static int
res_ip(struct pool *pool, struct lab_res *r, unsigned fam,
    const uint8_t min[static 16], const uint8_t max[static 16])
{
	struct write_ip_range *v = list_grow(pool, r->ip[fam], r->n_ip[fam],
	    &r->cap_ip[fam], sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	r->ip[fam] = v;
	v += r->n_ip[fam]++;
	memcpy(v->min, min, 16);
	memcpy(v->max, max, 16);
	return 0;
}

int
lab_res_prefix(struct pool *pool, struct lab_res *r, const struct ip_prefix *px)
{
	uint8_t max[16];

	memcpy(max, px->addr, sizeof(max));
	for (unsigned i = px->len; i < ip_bits(px->af); i++)
		max[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return res_ip(pool, r, px->af == IP_V6, px->addr, max);
}

int
lab_res_as(struct pool *pool, struct lab_res *r, uint32_t min, uint32_t max)
{
	struct write_as_range *v = list_grow(pool, r->as, r->n_as, &r->cap_as, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	r->as = v;
	r->as[r->n_as++] = (struct write_as_range){ min, max };
	return 0;
}

/* "AS64496", "AS64496-AS64511", a prefix, "ADDR-ADDR", "inherit". */
int
lab_res_word(struct pool *pool, struct lab_res *r, struct sv word)
{
	struct sv hi = word, lo = sv_cut(&hi, '-');
	struct ip_prefix px, px2;
	uint32_t as, as2;

	if (sv_eq(word, SV("inherit"))) {
		r->inherit = true;
		return 0;
	}
	if (asn_parse(lo, &as) == 0) {
		as2 = as;
		if (hi.n > 0 && asn_parse(hi, &as2) < 0)
			return -EINVAL;
		return as2 < as ? -EINVAL : lab_res_as(pool, r, as, as2);
	}
	if (hi.n == 0)
		return ip_prefix_parse(lo, &px) < 0 ? -EINVAL : lab_res_prefix(pool, r, &px);
	if (ip_prefix_parse_host(lo, &px) < 0 || ip_prefix_parse_host(hi, &px2) < 0 ||
	    px.af != px2.af || px.len != ip_bits(px.af) || px2.len != px.len ||
	    memcmp(px.addr, px2.addr, 16) > 0)
		return -EINVAL;
	return res_ip(pool, r, px.af == IP_V6, px.addr, px2.addr);
}

static int
ip_range_cmp(const void *a, const void *b)
{
	return memcmp(((const struct write_ip_range *)a)->min,
	    ((const struct write_ip_range *)b)->min, 16);
}

static int
as_range_cmp(const void *a, const void *b)
{
	const struct write_as_range *x = a, *y = b;

	return (x->min > y->min) - (x->min < y->min);
}

/* b begins inside a or right behind it. */
static bool
ip_touches(const struct write_ip_range *a, const struct write_ip_range *b, unsigned bytes)
{
	uint8_t next[16];

	memcpy(next, a->max, sizeof(next));
	for (unsigned i = bytes; i-- > 0;)
		if (++next[i] != 0)
			return memcmp(b->min, next, 16) <= 0;
	return true;			/* a ends with the family's last address */
}

static size_t
ip_merge(struct write_ip_range *v, size_t n, unsigned bytes)
{
	size_t k = 0;

	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), ip_range_cmp);
	for (size_t i = 1; i < n; i++) {
		if (!ip_touches(&v[k], &v[i], bytes))
			v[++k] = v[i];
		else if (memcmp(v[i].max, v[k].max, 16) > 0)
			memcpy(v[k].max, v[i].max, 16);
	}
	return k + 1;
}

void
lab_res_merge(struct lab_res *r)
{
	size_t k = 0;

	r->n_ip[0] = ip_merge(r->ip[0], r->n_ip[0], 4);
	r->n_ip[1] = ip_merge(r->ip[1], r->n_ip[1], 16);
	if (r->n_as == 0)
		return;
	qsort(r->as, r->n_as, sizeof(r->as[0]), as_range_cmp);
	for (size_t i = 1; i < r->n_as; i++) {
		if ((uint64_t)r->as[i].min > (uint64_t)r->as[k].max + 1)
			r->as[++k] = r->as[i];
		else if (r->as[i].max > r->as[k].max)
			r->as[k].max = r->as[i].max;
	}
	r->n_as = k + 1;
}

/* Does the CA hold anything of this kind (0, 1: families; 2: AS numbers)? */
static bool
ca_holds(const struct lab_ca *ca, unsigned kind)
{
	for (; ca != NULL; ca = ca->parent) {
		const struct lab_res *r = &ca->cert->res;

		if (kind < 2 ? r->n_ip[kind] > 0 : r->n_as > 0)
			return true;
		if (!r->inherit)
			return false;
	}
	return false;
}

/* "inherit" covers what is not named otherwise and the issuer has. */
struct write_res
lab_res_get(const struct lab_res *r, const struct lab_ca *issuer)
{
	struct write_res x = { 0 };

	for (unsigned f = 0; f < 2; f++) {
		x.ip[f].v = r->ip[f];
		x.ip[f].n = r->n_ip[f];
		x.ip[f].inherit = r->inherit && r->n_ip[f] == 0 && ca_holds(issuer, f);
	}
	x.as.v = r->as;
	x.as.n = r->n_as;
	x.as.inherit = r->inherit && r->n_as == 0 && ca_holds(issuer, 2);
	return x;
}
