// Findings, worst first, as the server sorts them.

import { $, el, fill } from "./dom.js";
import { get, why } from "./api.js";
import { explain, oursBadge, ruleLine, severityBadge } from "./explain.js";
import { known, num, t } from "./words.js";

const STEP = 25, MOST = 500;
const wish = { severity: "", ours: false, limit: STEP };
let totals = {}, hasOurs = false;

function detailList(details) {
	if (!Array.isArray(details) || details.length === 0)
		return null;
	return el("p.sub", t("details"), ": ",
		details.map((d) => `${d.label} = ${d.value}`).join(", "));
}

const isUri = (s) => /^(rsync|https):\/\//.test(s);

function row(f) {
	const whyButton = isUri(f.subject) && el("button.link", t("why_this"), { type: "button" });
	if (whyButton)
		whyButton.addEventListener("click", () => {
			$("ask").scrollIntoView({ block: "start" });
			explain(f.subject);
		});
	return el("li", el("details",
		el("summary", severityBadge(f.severity), " ", el("code", f.code), " ",
			oursBadge(f.ours), el("span.text", f.text),
			el("span.uri", f.subject)),
		el("div.more", ruleLine(f),
			f.remedy && el("p", el("b", t("remedy")), " ", f.remedy),
			detailList(f.details),
			el("p.sub", t("manual"), ": ", el("code", `sekisho explain ${f.code}`)),
			whyButton)));
}

function chip(label, count, pressed, onclick) {
	return el("button.chip", label, count !== null && el("span.count", num(count)),
		{ type: "button", "aria-pressed": String(pressed), onclick });
}

function filters() {
	const sum = (totals.REJECT ?? 0) + (totals.WARN ?? 0) + (totals.NOTE ?? 0);
	const pick = (severity) => () => change({ severity, limit: STEP });
	fill($("filters"),
		chip(t("sev_all"), sum, wish.severity === "", pick("")),
		["REJECT", "WARN", "NOTE"].map((s) =>
			chip(known(`sev_${s}`), totals[s] ?? 0, wish.severity === s, pick(s))),
		hasOurs && chip(t("only_ours"), null, wish.ours,
			() => change({ ours: !wish.ours, limit: STEP })));
}

async function change(what) {
	// The buttons are made anew: keep the focus where it was.
	const index = [...$("filters").children].indexOf(document.activeElement);
	Object.assign(wish, what);
	await load();
	if (index >= 0)
		$("filters").children[index]?.focus();
}

export async function load() {
	const params = { limit: Math.min(wish.limit, MOST) };
	if (wish.severity !== "")
		params.severity = wish.severity;
	if (wish.ours)
		params.ours = 1;
	let body;
	try {
		body = await get("findings", params);
	} catch (error) {
		fill($("findings"));
		fill($("findings-note"), error.code === "no_data" ? "" : why(error));
		return;
	}
	totals = body.total ?? {};
	filters();
	fill($("findings"), body.findings.map(row));
	note(body);
}

function note(body) {
	const shown = body.findings.length;
	if (shown === 0) {
		fill($("findings-note"), t("none_found"));
		return;
	}
	const exact = wish.ours ? body.matched :
		wish.severity === "" ? Object.values(totals).reduce((a, b) => a + b, 0) :
			totals[wish.severity] ?? body.matched;
	const more = shown < body.matched && shown < MOST &&
		el("button.link", t("more"), { type: "button",
			onclick: () => change({ limit: wish.limit * 4 }) });
	fill($("findings-note"), exact > shown && t("shown_of", { n: num(shown), total: num(exact) }),
		" ", more);
}

export function useOrganisation(org) {
	hasOurs = (org.asns?.length ?? 0) + (org.prefixes?.length ?? 0) > 0;
}
