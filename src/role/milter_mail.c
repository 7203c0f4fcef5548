/* One message: see role/milter_role.h. */
#include <errno.h>
#include <stdlib.h>

#include "role/milter_role.h"

struct milter_mail {
	struct milter_hall	*hall;
};

int
milter_mail_new(struct milter_hall *h, const struct mail_gate_mail *e UNUSED,
    struct milter_mail **ret)
{
	struct milter_mail *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	m->hall = h;
	*ret = m;
	return 0;
}

struct milter_mail *
milter_mail_free(struct milter_mail *m)
{
	free(m);
	return NULL;
}

void
milter_mail_field(struct milter_mail *m UNUSED, struct sv name UNUSED, struct sv value UNUSED)
{
}

void
milter_mail_head_end(struct milter_mail *m UNUSED)
{
}

void
milter_mail_body(struct milter_mail *m UNUSED, struct sv piece UNUSED)
{
}

void
milter_mail_end(struct milter_mail *m UNUSED, struct mail_gate_out *ret)
{
	*ret = (struct mail_gate_out){ .act = MAIL_ACT_ACCEPT };
}
