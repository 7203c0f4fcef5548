/* What the DER of an object (base/der.h) is told as. Private to rpki/. */
#ifndef RPKI_DER_H
#define RPKI_DER_H

#include "base/der.h"
#include "base/finding.h"

/* Report the document's fault, if any, as RPKI_DER_*; true if there was one. */
bool		 der_report(const struct der_doc *, struct findings *);

#endif
