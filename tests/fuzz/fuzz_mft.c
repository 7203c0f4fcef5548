/* Any bytes as a manifest. */
#define OBJECT_URI "rsync://fuzz.example/repo/x.mft"
#include "object.h"
