/* Any bytes as a ROA. */
#define OBJECT_URI "rsync://fuzz.example/repo/x.roa"
#include "object.h"
