/* Planting: find the place, change shape and plan, note the edits. */
#include <errno.h>

#include "lab/internal.h"

size_t
lab_n_faults(void)
{
	return lab_n_fault_rows;
}

struct lab_fault_info
lab_fault_info(size_t i)
{
	const struct lab_fault *f = &lab_faults[i];

	return (struct lab_fault_info){ f->name, f->text, f->code, lab_kind_name(f->kind) };
}

static const struct lab_fault *
fault_find(struct sv name)
{
	for (size_t i = 0; i < lab_n_fault_rows; i++)
		if (sv_eq_str(name, lab_faults[i].name))
			return &lab_faults[i];
	return NULL;
}

int
lab_fault_add(struct lab_world *w, struct sv name, struct sv at, struct lab_error *err)
{
	return lab_fault_add_steps(w, name, at, 0, LAB_STEP_NEVER, err);
}

int
lab_fault_add_steps(struct lab_world *w, struct sv name, struct sv at, uint32_t from,
    uint32_t until, struct lab_error *err)
{
	struct lab_planted *p = pool_calloc(w->pool, 1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	if ((p->fault = fault_find(name)) == NULL) {
		err->msg = N_("is no fault; sekisho lab rpki --list-faults names all");
		err->word = name;
		return -EINVAL;
	}
	if (at.n > 0 && (p->at = pool_sv(w->pool, at)).p == NULL)
		return -ENOMEM;
	p->line = err->line;
	p->from = from;
	p->until = until;
	*w->faults_tail = p;
	w->faults_tail = &p->next;
	return 0;
}

/* --- places --- */

/* The first object of the fault's kind that no other fault sits in. */
static struct lab_obj *
place_in(struct lab_ca *ca, enum lab_kind kind)
{
	if (kind == LAB_CER || (kind == LAB_TA && ca->parent == NULL))
		return ca->cert->faulty ? NULL : ca->cert;
	for (struct lab_obj *o = ca->objs; o != NULL; o = o->next)
		if (o->kind == kind && !o->faulty)
			return o;
	return NULL;
}

static struct lab_obj *
place_labelled(struct lab_world *w, struct sv label, enum lab_kind kind)
{
	for (struct lab_ca *ca = w->cas; ca != NULL; ca = ca->next)
		for (struct lab_obj *o = ca->objs; o != NULL; o = o->next)
			if (o->kind == kind && o->label != NULL && sv_eq_str(label, o->label))
				return o;
	return NULL;
}

static struct lab_obj *
place_find(struct lab_world *w, struct sv at, enum lab_kind kind)
{
	struct lab_obj *o;

	for (struct lab_ca *ca = w->cas; ca != NULL; ca = ca->next) {
		/* by itself a fault goes below the trust anchor, unless it is of its own */
		if (at.n == 0 && (ca->parent == NULL) != (kind == LAB_TA || kind == LAB_TAK))
			continue;
		if (at.n > 0 && !sv_eq_str(at, ca->name))
			continue;
		if ((o = place_in(ca, kind)) != NULL)
			return o;
	}
	return at.n == 0 ? NULL : place_labelled(w, at, kind);
}

/* --- planting --- */

int
lab_refuse(struct lab_error *err, const struct lab_planted *p, const char *msg)
{
	err->line = p->line;
	err->msg = msg;
	err->word = sv_str(p->fault->name);
	return -EINVAL;
}

bool
lab_fault_holds(const struct lab_world *w, const struct lab_planted *p)
{
	return p->from <= w->step && w->step < p->until;
}

/*
 * Objects that a fault adds appear at its first step and stay. A fault that
 * changes an object's key, and one of a trust anchor, holds from the start.
 */
static int
fault_shape(struct lab_world *w, struct lab_planted *p, struct lab_error *err)
{
	bool whole = p->from == 0 && p->until == LAB_STEP_NEVER;
	size_t n = w->n_objs;
	int rc = 0;

	if (p->fault->kind == LAB_TA && !whole)
		return lab_refuse(err, p, N_("has to hold at every step"));
	if (p->fault->shape == NULL)
		return 0;
	w->step = p->from;
	rc = p->fault->shape(w, p);
	w->step = 0;
	if (rc == 0 && !whole && (w->n_objs == n || p->until != LAB_STEP_NEVER))
		return lab_refuse(err, p, N_("has to hold at every step"));
	return rc;
}

int
lab_faults_shape(struct lab_world *w, struct lab_error *err)
{
	for (struct lab_planted *p = w->faults; p != NULL; p = p->next) {
		int rc;

		p->obj = place_find(w, p->at, p->fault->kind);
		if (p->obj == NULL)
			return lab_refuse(err, p, N_("finds no object of its kind there"));
		p->ca = p->obj->kind == LAB_CER ? p->obj->subject : p->obj->ca;
		p->obj->faulty = true;
		if ((rc = fault_shape(w, p, err)) < 0)
			return rc;
	}
	return 0;
}

static int
fault_plan(struct lab_world *w, struct lab_planted *p)
{
	int rc;

	if (p->fault->plan != NULL && (rc = p->fault->plan(w, p)) < 0)
		return rc;
	for (unsigned i = 0; i < ARRAY_LEN(p->fault->edits); i++) {
		if (p->fault->edits[i].op == LAB_OP_NONE)
			break;
		if ((rc = lab_edits_add(w, p->obj, &p->fault->edits[i])) < 0)
			return rc;
	}
	return 0;
}

int
lab_faults_plan(struct lab_world *w, struct lab_error *err)
{
	for (struct lab_planted *p = w->faults; p != NULL; p = p->next) {
		int rc;

		if (!p->obj->in_batch || !lab_fault_holds(w, p))
			continue;
		rc = fault_plan(w, p);
		if (rc == -ENOENT)
			return lab_refuse(err, p,
			    N_("does not fit the object that it was planted in"));
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* An edit that found nothing to change. */
int
lab_make_error(const struct lab_world *w, struct lab_error *err, int rc)
{
	for (const struct lab_planted *p = w->faults; rc == -ENOENT && p != NULL; p = p->next)
		if (p->obj->rc == -ENOENT)
			return lab_refuse(err, p,
			    N_("does not fit the object that it was planted in"));
	return rc;
}
