/*
 * mail.reporting: of the configuration: who makes reports, where they are
 * kept, and who delivers them. And mail.complaints: who gets users' complaints.
 *
 * The store is a file of the state directory, or a PostgreSQL server. No
 * password stands in its address, as secrets are never values (app/conf.h):
 * "passfile=/PATH" in it names libpq's file, which only its owner may read.
 */
#ifndef APP_MAIL_REPORTING_H
#define APP_MAIL_REPORTING_H

#include "app/conf.h"

int	 mail_reporting_check(const struct conf *, struct conf_error *) MUST_USE;
/* A part of it: mail.complaints. */
int	 mail_complaints_check(const struct conf *, struct conf_error *) MUST_USE;
/* Where the tables are: for reports_open(). */
void	 mail_reporting_store(const struct conf *, char *ret, size_t n);
/* The file that the store's address names; empty: none. */
void	 mail_reporting_pass_file(const struct conf *, char *ret, size_t n);

#endif
