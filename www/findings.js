// Findings, worst first, as the server sorts them; those of one code stand
// together, so that one mistake made a thousand times is one thing to read.

import { $, el, fill } from "./dom.js";
import { get, why } from "./api.js";
import { explain, oursBadge, ruleLine, severityBadge } from "./explain.js";
import { known, num, t } from "./words.js";

const FETCH = 500, SHOW = 3, SHOW_MORE = 50;
const wish = { severity: "", ours: false };
let totals = {}, byCode = new Map(), hasOurs = false;

function detailList(details) {
	if (!Array.isArray(details) || details.length === 0)
		return null;
	return el("p.sub", t("details"), ": ",
		details.map((d) => `${d.label} = ${d.value}`).join(", "));
}

const isUri = (s) => /^(rsync|https):\/\//.test(s);

function whyButton(subject) {
	if (!isUri(subject))
		return null;
	return el("button.link", t("why_this"), { type: "button", onclick: () => {
		$("ask").scrollIntoView({ block: "start" });
		explain(subject);
	} });
}

function one(f) {
	return el("li", el("details",
		el("summary", el("span.text", f.text), " ", oursBadge(f.ours), el("span.uri", f.subject)),
		el("div.more", ruleLine(f),
			f.remedy && el("p", el("b", t("remedy")), " ", f.remedy),
			detailList(f.details),
			el("p.sub", t("manual"), ": ", el("code", `sekisho explain ${f.code}`)),
			whyButton(f.subject))));
}

function group(list) {
	const first = list[0], items = el("ul.same", list.slice(0, SHOW).map(one));
	const exact = wish.ours ? list.length : byCode.get(first.code) ?? list.length;
	const head = el("h3.code", severityBadge(first.severity), " ", el("code", first.code),
		exact > 1 && el("span.times", `× ${num(exact)}`));
	let shown = SHOW;
	const more = el("button.link", { type: "button" });
	const label = () => {
		more.textContent = t("more_same", { n: num(list.length - shown) });
		more.hidden = shown >= list.length;
	};
	more.addEventListener("click", () => {
		items.append(...list.slice(shown, shown + SHOW_MORE).map(one));
		shown += SHOW_MORE;
		label();
	});
	label();
	return el("li", head, items, more);
}

function groups(list) {
	const map = new Map();
	for (const f of list) {
		if (!map.has(f.code))
			map.set(f.code, []);
		map.get(f.code).push(f);
	}
	return [...map.values()].map(group);
}

export function chip(label, count, pressed, onclick) {
	return el("button.chip", label, count !== null && el("span.count", num(count)),
		{ type: "button", "aria-pressed": String(pressed), onclick });
}

const sum = () => (totals.REJECT ?? 0) + (totals.WARN ?? 0) + (totals.NOTE ?? 0);

function filters() {
	const pick = (severity) => () => change({ severity });
	fill($("filters"),
		chip(t("sev_all"), sum(), wish.severity === "", pick("")),
		["REJECT", "WARN", "NOTE"].map((s) =>
			chip(known(`sev_${s}`), totals[s] ?? 0, wish.severity === s, pick(s))),
		hasOurs && chip(t("only_ours"), null, wish.ours, () => change({ ours: !wish.ours })));
}

export async function change(what) {
	// The buttons are made anew: keep the focus where it was.
	const index = [...$("filters").children].indexOf(document.activeElement);
	Object.assign(wish, what);
	await load();
	if (index >= 0)
		$("filters").children[index]?.focus();
}

export async function load() {
	const params = { limit: FETCH };
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
	fill($("findings"), groups(body.findings));
	note(body.findings.length);
}

function note(listed) {
	const all = wish.severity === "" ? sum() : totals[wish.severity] ?? 0;
	if (listed === 0)
		fill($("findings-note"), t("none_found"));
	else
		fill($("findings-note"), !wish.ours && all > listed &&
			t("shown_of", { n: num(listed), total: num(all) }));
}

export function use(status) {
	const org = status.organisation;
	hasOurs = (org.asns?.length ?? 0) + (org.prefixes?.length ?? 0) > 0;
	byCode = new Map((status.data?.findings_by_code ?? []).map((c) => [c.code, c.count]));
}
