#include "app/kit_internal.h"
int kit_read_bird(struct kit_model *m UNUSED, struct sv t UNUSED) { return 0; }
int kit_read_frr(struct kit_model *m UNUSED, struct sv t UNUSED) { return 0; }
int kit_read_eos(struct kit_model *m UNUSED, struct sv t UNUSED) { return 0; }
int kit_read_openbgpd(struct kit_model *m UNUSED, struct sv t UNUSED) { return 0; }
int kit_read_ios_xr(struct kit_model *m UNUSED, struct sv t UNUSED) { return 0; }
int kit_read_junos(struct kit_model *m UNUSED, struct sv t UNUSED) { return 0; }
int kit_read_sros(struct kit_model *m UNUSED, struct sv t UNUSED) { return 0; }
