/*
 * What was found in a point that is kept: warnings and notes, and of the
 * objects that they speak of as much as a report wants to know, which is the
 * payloads that each gave.
 */
#include <errno.h>
#include <string.h>

#include "rpki/keep.h"

#define NO_ASPA	UINT32_MAX

/*
 * Is this an object that is kept? Findings stand in the order of objects: *f
 * goes on behind those of this one.
 */
static bool
reported(const struct rpki_point *pt, const struct rpki_object *o, const struct finding **f)
{
	bool hit = pt->thin;

	for (; *f != NULL && sv_eq((*f)->subject, o->uri); *f = (*f)->next)
		hit = true;
	return hit && (o->n_vrps > 0 || o->aspa != NULL || o->type == RPKI_CRL);
}

/* A text of ours could not be told from one that somebody made up: none is kept. */
static bool
args_fit(const struct finding *f)
{
	for (unsigned i = 0; i < f->n_args; i++)
		if (f->args[i].type == FARG_MSG || f->args[i].s.n > RPKI_KEPT_ARG_MAX ||
		    strlen(f->args[i].key) > RPKI_KEPT_KEY_MAX)
			return false;
	return true;
}

bool
kept_findings_fit(const struct rpki_point *pt)
{
	const struct findings *fs = &pt->findings;
	const struct finding *f = fs->head;

	if (fs->n_dropped > 0 || fs->n_by_severity[SEV_REJECT] > 0 || pt->n_objects > UINT32_MAX)
		return false;
	for (; f != NULL; f = f->next)
		if (!args_fit(f))
			return false;
	f = fs->head;
	for (size_t i = 0; i < pt->n_objects; i++)
		(void)reported(pt, &pt->objects[i], &f);
	return pt->thin || f == NULL;
}

/* --- writing --- */

static void
short_add(struct buf *b, struct sv s)
{
	buf_char(b, (char)s.n);
	buf_sv(b, s);
}

static void
arg_add(struct buf *b, const struct farg *a)
{
	short_add(b, sv_str(a->key));
	buf_char(b, (char)a->type);
	switch (a->type) {
	case FARG_PREFIX:
		buf_char(b, (char)a->px.af);
		buf_char(b, (char)a->px.len);
		buf_bytes(b, a->px.addr, sizeof(a->px.addr));
		return;
	case FARG_STR:
	case FARG_HEX:
		kept_be32(b, a->s.n);
		buf_sv(b, a->s);
		return;
	default:
		kept_be64(b, (int64_t)a->u);
	}
}

static void
finding_keep(struct buf *b, const struct rpki_ca *ca, const struct finding *f)
{
	kept_text(b, f->subject, ca->repo_uri);
	short_add(b, sv_str(f->def->code));
	buf_char(b, (char)f->n_args);
	for (unsigned i = 0; i < f->n_args; i++)
		arg_add(b, &f->args[i]);
}

/* Where an object's payloads stand among the point's: gathered in the order of objects. */
struct place {
	size_t	vrp, aspa;
};

static void
object_keep(struct buf *b, const struct rpki_point *pt, const struct rpki_object *o,
    const struct place *p)
{
	kept_text(b, o->uri, pt->ca->repo_uri);
	kept_be32(b, o->n_vrps == 0 ? 0 : pt->thin ? (size_t)(o->vrps - pt->vrps) : p->vrp);
	kept_be32(b, o->n_vrps);
	kept_be32(b, o->aspa == NULL ? NO_ASPA :
	    pt->thin ? (size_t)(o->aspa - pt->aspas) : p->aspa);
}

static void
objects_keep(struct buf *b, const struct rpki_point *pt, bool count, size_t *n)
{
	const struct finding *f = pt->findings.head;
	struct place p = { 0, 0 };

	for (size_t i = 0; i < pt->n_objects; i++) {
		const struct rpki_object *o = &pt->objects[i];

		if (reported(pt, o, &f)) {
			*n += count;
			if (!count)
				object_keep(b, pt, o, &p);
		}
		p.vrp += o->n_vrps;
		p.aspa += o->aspa != NULL;
	}
}

void
kept_findings_add(struct buf *b, const struct rpki_point *pt)
{
	size_t n = 0;

	kept_be32(b, pt->findings.n_kept);
	for (const struct finding *f = pt->findings.head; f != NULL; f = f->next)
		finding_keep(b, pt->ca, f);
	objects_keep(b, pt, true, &n);
	kept_be32(b, n);
	objects_keep(b, pt, false, &n);
}

/* --- reading --- */

static struct sv
short_read(struct kept_reading *k, size_t max)
{
	size_t n = rd_u8(&k->r);

	want(k, n <= max);
	return rd_slice(&k->r, n);
}

/* A member's name in JSON: letters and underlines. */
static char *
key_read(struct kept_reading *k)
{
	struct sv s = short_read(k, RPKI_KEPT_KEY_MAX);

	want(k, s.n > 0);
	for (size_t i = 0; i < s.n; i++)
		want(k, (s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_' ||
		    (i > 0 && s.p[i] >= '0' && s.p[i] <= '9'));
	return (char *)(uintptr_t)pool_sv(k->pt->pool, s).p;
}

static void
prefix_read(struct kept_reading *k, struct ip_prefix *px)
{
	const uint8_t *addr;

	px->af = rd_u8(&k->r);
	px->len = rd_u8(&k->r);
	if ((addr = rd_bytes(&k->r, sizeof(px->addr))) == NULL)
		return;
	memcpy(px->addr, addr, sizeof(px->addr));
	want(k, (px->af == IP_V4 || px->af == IP_V6) && px->len <= ip_bits(px->af) &&
	    ip_is_masked(px->addr, px->len));
}

static void
arg_read(struct kept_reading *k, struct farg *a)
{
	uint8_t type;

	*a = (struct farg){ .key = key_read(k) };
	type = rd_u8(&k->r);
	want(k, type < FARG_MAX && type != FARG_MSG);
	a->type = (enum farg_type)type;
	if (type == FARG_PREFIX)
		prefix_read(k, &a->px);
	else if (type == FARG_STR || type == FARG_HEX)
		a->s = rd_slice(&k->r, kept_number(k, 1));
	else
		a->u = rd_be64(&k->r);
	want(k, a->s.n <= RPKI_KEPT_ARG_MAX && (type != FARG_ASN || a->u <= UINT32_MAX));
}

static const struct finding_def *
code_find(struct sv code)
{
	for (size_t i = 0; i < RPKI_CODE_MAX; i++)
		if (sv_eq_str(code, rpki_findings[i].code) &&
		    rpki_findings[i].severity != SEV_REJECT)
			return &rpki_findings[i];
	return NULL;
}

static void
finding_read(struct kept_reading *k)
{
	struct findings *fs = &k->pt->findings;
	struct farg args[FARG_PER_FINDING_MAX];
	const struct finding_def *def;
	size_t n;

	fs->subject = kept_text_read(k, k->ca->repo_uri, RPKI_URI_MAX + RPKI_FILE_NAME_MAX);
	def = code_find(short_read(k, UINT8_MAX));
	n = rd_u8(&k->r);
	want(k, def != NULL && n <= ARRAY_LEN(args) && fs->subject.n > 0);
	for (size_t i = 0; i < n && !k->bad; i++)
		arg_read(k, &args[i]);
	if (!k->bad && !k->r.bad && !pool_has_failed(k->pt->pool))
		finding_add_args(fs, def, args, (unsigned)n);
}

static void
object_read(struct kept_reading *k, struct rpki_object *o)
{
	struct rpki_point *pt = k->pt;
	size_t at, n, aspa;

	*o = (struct rpki_object){ .verdict = V_VALID };
	o->uri = kept_text_read(k, k->ca->repo_uri, RPKI_URI_MAX + RPKI_FILE_NAME_MAX);
	o->type = rpki_type_of(o->uri);
	at = rd_be32(&k->r);
	n = rd_be32(&k->r);
	aspa = rd_be32(&k->r);
	want(k, n > 0 || at == 0);
	want(k, at <= pt->n_vrps && n <= pt->n_vrps - at);
	want(k, aspa == NO_ASPA || aspa < pt->n_aspas);
	want(k, n > 0 || aspa != NO_ASPA || o->type == RPKI_CRL);
	if (k->bad)
		return;
	o->n_vrps = n;
	o->vrps = n > 0 ? pt->vrps + at : NULL;
	o->aspa = aspa != NO_ASPA ? &pt->aspas[aspa] : NULL;
}

int
kept_findings_read(struct kept_reading *k)
{
	struct rpki_point *pt = k->pt;
	size_t n = kept_number(k, 6);

	want(k, n <= FINDINGS_MAX);
	for (size_t i = 0; i < n && !k->bad && !k->r.bad; i++)
		finding_read(k);
	n = kept_number(k, 16);
	want(k, n <= pt->findings.n_kept);	/* each is spoken of */
	if (k->bad || k->r.bad || n == 0)
		return pool_has_failed(pt->pool) ? -ENOMEM : 0;
	if ((pt->objects = pool_calloc(pt->pool, n, sizeof(*pt->objects))) == NULL)
		return -ENOMEM;
	for (; pt->n_objects < n && !k->bad; pt->n_objects++)
		object_read(k, &pt->objects[pt->n_objects]);
	return pool_has_failed(pt->pool) ? -ENOMEM : 0;
}
