/* Any bytes as a certificate. */
#define OBJECT_URI "rsync://fuzz.example/repo/x.cer"
#include "object.h"
