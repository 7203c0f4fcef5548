/*
 * app/slurm: SLURM files (RFC 8416, and draft-ietf-sidrops-aspa-slurm-04 for
 * ASPAs, which expired in May 2026) from JSON to values. What the values do is
 * rpki/rpki.h's.
 *
 * Reading is strict: a member that the document does not name, a list that
 * is not there, a number written as a string make the file unusable
 * (section 3.1), each with its place and a finding. Files that speak about
 * the same addresses, AS numbers or customers are refused together (section
 * 4.2). Who gets a set of files either gets all of it or nothing (section 4.1).
 *
 * One thing is let pass: names of ASPA members of earlier drafts, which other
 * software still writes; they are a warning.
 */
#ifndef APP_SLURM_H
#define APP_SLURM_H

#include "app/input.h"
#include "rpki/rpki.h"

/*
 * Add one file's entries. 0, also when the file is bad: then fs has got a
 * REJECT, and what is in the set is of no use. -ENOMEM, -E2BIG (files).
 */
int	 slurm_json_parse(struct slurm *, struct sv text, const char *file,
	    struct findings *) MUST_USE;
/*
 * Read the files into the set. 0 or what could not be done; complains of
 * files that cannot be read. slurm_check() is the caller's, when all is in.
 */
int	 slurm_files_read(struct slurm *, const char *const *paths, size_t n,
	    struct findings *, const struct complain *) MUST_USE;

#endif
