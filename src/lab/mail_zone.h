/* The records of a mail world as text. */
#ifndef LAB_MAIL_ZONE_H
#define LAB_MAIL_ZONE_H

#include "lab/mail_internal.h"

/* Each between these two, in the form of a zone file's line; names are absolute. */
void	 lab_mail_records(const struct lab_mail *, struct buf *, const char *before,
    const char *behind);

#endif
