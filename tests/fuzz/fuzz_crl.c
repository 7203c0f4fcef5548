/* Any bytes as a CRL. */
#define OBJECT_URI "rsync://fuzz.example/repo/x.crl"
#include "object.h"
