#include <errno.h>

#include "lab/internal.h"

const struct lab_fault lab_faults[] = {
	{ "expired-ca", N_("the CA's certificate has expired"), "RPKI_CERT_EXPIRED", LAB_CER, NULL, NULL, { { 0 } } },
};
const size_t lab_n_fault_rows = ARRAY_LEN(lab_faults);
