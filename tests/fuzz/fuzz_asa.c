/* Any bytes as a ASPA. */
#define OBJECT_URI "rsync://fuzz.example/repo/x.asa"
#include "object.h"
