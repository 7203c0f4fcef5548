#include "out/findings_registry.h"

#define F FINDING_ROW_
static const struct finding_def rpki_rows[] = {
#include "rpki/findings.def"
};
static const struct finding_def rtr_rows[] = {
#include "rtr/findings.def"
};
static const struct finding_def rrdp_rows[] = {
#include "rpki/rrdp_findings.def"
};
static const struct finding_def fetch_rows[] = {
#include "net/findings.def"
};
static const struct finding_def hsm_rows[] = {
#include "hsm/findings.def"
};
static const struct finding_def watch_rows[] = {
#include "app/watch_findings.def"
};
static const struct finding_def kit_rows[] = {
#include "app/kit_findings.def"
};
static const struct finding_def alarm_rows[] = {
#include "app/alarm_findings.def"
};
static const struct finding_def roll_rows[] = {
#include "dnssec/roll_findings.def"
};
static const struct finding_def intake_rows[] = {
#include "dnssec/intake_findings.def"
};
static const struct finding_def transfer_rows[] = {
#include "dnssec/transfer_findings.def"
};
static const struct finding_def keystate_rows[] = {
#include "dnssec/keystate_findings.def"
};
static const struct finding_def wire_rows[] = {
#include "dns/wire_findings.def"
};
static const struct finding_def zone_audit_rows[] = {
#include "dnssec/audit_findings.def"
};
static const struct finding_def dns_rows[] = {
#include "dns/findings.def"
};
static const struct finding_def dnssec_rows[] = {
#include "dnssec/findings.def"
};
static const struct finding_def import_rows[] = {
#include "app/key_import_findings.def"
};
static const struct finding_def zone_rows[] = {
#include "app/zone_findings.def"
};
static const struct finding_def mail_diff_rows[] = {
#include "mail/diff_findings.def"
};
static const struct finding_def message_rows[] = {
#include "mail/message_findings.def"
};
static const struct finding_def spf_rows[] = {
#include "mail/spf_findings.def"
};
static const struct finding_def dkim_rows[] = {
#include "mail/dkim_findings.def"
};
static const struct finding_def dmarc_rows[] = {
#include "mail/dmarc_findings.def"
};
static const struct finding_def authres_rows[] = {
#include "mail/authres_findings.def"
};
static const struct finding_def report_rows[] = {
#include "mail/report_findings.def"
};
static const struct finding_def arc_rows[] = {
#include "mail/arc_findings.def"
};
static const struct finding_def feedback_rows[] = {
#include "mail/feedback_findings.def"
};
static const struct finding_def bimi_rows[] = {
#include "mail/bimi_findings.def"
};
#undef F

static const struct findings_module modules[] = {
	{ "rpki", rpki_rows, ARRAY_LEN(rpki_rows) },
	{ "rtr", rtr_rows, ARRAY_LEN(rtr_rows) },
	{ "wire", wire_rows, ARRAY_LEN(wire_rows) },
	{ "rrdp", rrdp_rows, ARRAY_LEN(rrdp_rows) },
	{ "fetch", fetch_rows, ARRAY_LEN(fetch_rows) },
	{ "import", import_rows, ARRAY_LEN(import_rows) },
	{ "hsm", hsm_rows, ARRAY_LEN(hsm_rows) },
	{ "kit", kit_rows, ARRAY_LEN(kit_rows) },
	{ "watch", watch_rows, ARRAY_LEN(watch_rows) },
	{ "alarm", alarm_rows, ARRAY_LEN(alarm_rows) },
	{ "roll", roll_rows, ARRAY_LEN(roll_rows) },
	{ "intake", intake_rows, ARRAY_LEN(intake_rows) },
	{ "transfer", transfer_rows, ARRAY_LEN(transfer_rows) },
	{ "keystate", keystate_rows, ARRAY_LEN(keystate_rows) },
	{ "audit", zone_audit_rows, ARRAY_LEN(zone_audit_rows) },
	{ "dns", dns_rows, ARRAY_LEN(dns_rows) },
	{ "dnssec", dnssec_rows, ARRAY_LEN(dnssec_rows) },
	{ "report", report_rows, ARRAY_LEN(report_rows) },
	{ "zone", zone_rows, ARRAY_LEN(zone_rows) },
	{ "spf", spf_rows, ARRAY_LEN(spf_rows) },
	{ "mail diff", mail_diff_rows, ARRAY_LEN(mail_diff_rows) },
	{ "message", message_rows, ARRAY_LEN(message_rows) },
	{ "dkim", dkim_rows, ARRAY_LEN(dkim_rows) },
	{ "dmarc", dmarc_rows, ARRAY_LEN(dmarc_rows) },
	{ "authres", authres_rows, ARRAY_LEN(authres_rows) },
	{ "bimi", bimi_rows, ARRAY_LEN(bimi_rows) },
	{ "feedback", feedback_rows, ARRAY_LEN(feedback_rows) },
	{ "arc", arc_rows, ARRAY_LEN(arc_rows) },
};

const struct findings_module *
findings_modules(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(modules);
	return modules;
}

const struct finding_def *
findings_lookup(struct sv code)
{
	for (size_t m = 0; m < ARRAY_LEN(modules); m++)
		for (size_t i = 0; i < modules[m].n_rows; i++)
			if (sv_caseeq(code, sv_str(modules[m].rows[i].code)))
				return &modules[m].rows[i];
	return NULL;
}

static size_t
common_head(struct sv a, struct sv b)
{
	size_t n = min_size(a.n, b.n);

	while (!sv_caseeq(sv_take(a, n), sv_take(b, n)))
		n--;
	return n;
}

const struct finding_def *
findings_nearest(struct sv code)
{
	const struct finding_def *best = NULL;
	size_t best_n = 2;		/* "RP" alone is no resemblance */

	for (size_t m = 0; m < ARRAY_LEN(modules); m++)
		for (size_t i = 0; i < modules[m].n_rows; i++) {
			const struct finding_def *d = &modules[m].rows[i];
			size_t n = common_head(code, sv_str(d->code));

			if (n > best_n) {
				best = d;
				best_n = n;
			}
		}
	return best;
}
