/*
 * A key role with a fault: its gate lets every step pass. dnssec/timeline is
 * the real one, and all that stands between the fault and the zone. No input
 * brings the two apart (tests/unit/app/test_zone_proof.c says why), so it takes
 * another program to see the refusal: test_key_refused.py.
 */
#define ks_gate ks_gate_shut
#include "../../src/dnssec/keystate_gate.c"
#undef ks_gate

struct ks_verdict ks_gate(const struct keystate *, const struct dnssec_policy *, const struct ks_plan *, int64_t);

struct ks_verdict
ks_gate(const struct keystate *st UNUSED, const struct dnssec_policy *p UNUSED, const struct ks_plan *plan UNUSED,
    int64_t now UNUSED)
{
	return (struct ks_verdict){ .ok = true, .ready = INT64_MIN };
}
