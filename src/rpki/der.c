#include "rpki/der.h"
#include "rpki/internal.h"

bool
der_report(const struct der_doc *doc, struct findings *fs)
{
	static const enum rpki_code codes[DER_FAULT_MAX] = {
		[DER_E_SHORT] = RPKI_DER_SHORT,
		[DER_E_LENGTH] = RPKI_DER_LENGTH,
		[DER_E_TAG] = RPKI_DER_TAG,
		[DER_E_VALUE] = RPKI_DER_VALUE,
		[DER_E_TRAILING] = RPKI_DER_TRAILING,
		[DER_E_ORDER] = RPKI_DER_ORDER,
	};

	if (doc->fault == DER_OK)
		return false;
	finding_add(fs, F(codes[doc->fault]),
	    FA_STR("where", doc->fault_where), FA_U("offset", doc->fault_off));
	return true;
}
