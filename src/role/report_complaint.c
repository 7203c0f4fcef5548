/* Complaints about mail: they count against domains (store/reports.h). */
#include "base/err.h"
#include "role/report_role.h"

static int
names_complain(struct report_work *w, const struct report_complaint *c)
{
	struct sv left = sv_str(c->names), name;
	int rc = 0;

	while (rc == 0 && sv_word(&left, &name))
		rc = reports_complain(w->store, name, role_now(w->role), 1);
	return rc;
}

/* All of its names, or none. */
static int
one_note(struct report_work *w, struct report_complaint *c)
{
	int rc = reports_begin(w->store);

	if (rc < 0)
		return rc;
	if ((rc = reports_end(w->store, names_complain(w, c))) == 0)
		c->rc = 0;
	w->seen.n.complaints += rc == 0;
	return rc;
}

int
report_complaints_note(struct report_work *w)
{
	int rc = 0;

	for (size_t i = 0; i < w->n_complaints && rc == 0; i++)
		rc = one_note(w, &w->complaints[i]);
	w->is_changed = w->is_changed || (rc == 0 && w->n_complaints > 0);
	return rc;
}
