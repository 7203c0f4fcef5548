// What changed of what is ours, newest first, and why.

import { $, el, fill, stackTable } from "./dom.js";
import { explain } from "./explain.js";
import { known, num, t, time } from "./words.js";

const SHOW = 10;
const LOST = ["expired", "failed", "ta"];

const list = (asns) => asns.map((n) => `AS${n}`).join(", ");

function whatCell(c) {
	const kind = { vrp: "VRP", aspa: "ASPA", key: t("router_key") }[c.kind] ?? c.kind;
	const subject = c.kind === "vrp" ? `${c.prefix} AS${c.asn}` : `AS${c.asn}`;
	return el("span", kind, " ", el("code", subject),
		c.kind === "vrp" && el("span.sub", " ", t("up_to", { length: c.maxLength })),
		c.kind === "key" && c.ski && el("span.uri", c.ski));
}

const isChanged = (c) => c.kind === "aspa" && Array.isArray(c.before) && Array.isArray(c.after);

function changeCell(c) {
	if (isChanged(c))
		return el("span", el("span.badge", t("ch_changed")),
			el("p.sub", `${list(c.before)} → ${list(c.after)}`));
	if (c.announce)
		return el("span", el("span.badge.good", t("ch_came")),
			Array.isArray(c.after) && el("p.sub", list(c.after)));
	return el(`span.badge.${LOST.includes(c.cause) ? "bad" : "warn"}`, t("ch_went"));
}

function causeCell(c) {
	const object = c.speaker || c.ca;
	return el("span", known(`cause_${c.cause}`),
		c.code && " ", c.code && el("code", c.code),
		object && el("span.uri", object),
		object && LOST.includes(c.cause) && el("button.link", t("why_this"), { type: "button",
			onclick: () => {
				$("ask").scrollIntoView({ block: "start" });
				explain(object);
			} }));
}

const row = (c) => [time(c.at), whatCell(c), changeCell(c), causeCell(c)];

function changes(all, total) {
	const heads = [t("when"), t("ch_what"), t("ch_change"), t("ch_cause")];
	const shown = all.slice(0, SHOW);
	const rows = (list) => stackTable("changes", heads, list.map(row));
	const more = el("button.link", t("more_n", { n: num(all.length - shown.length) }),
		{ type: "button", onclick: () => fill($("history"), rows(all),
			total > all.length && el("p.note", t("ch_log", { n: num(all.length), total: num(total) }))) });
	fill($("history"), rows(shown),
		all.length > shown.length && more);
}

export function use(body, org) {
	const ours = (org.asns?.length ?? 0) + (org.prefixes?.length ?? 0) > 0;
	const all = body.changes ?? [];
	if (!ours)
		fill($("history"), el("p.note", t("ch_no_org")));
	else if (!body.recorded)
		fill($("history"), el("p.note", t("ch_not_yet")));
	else if (all.length === 0)
		fill($("history"), el("p.note", body.recorded_since === null ? t("ch_none") :
			t("ch_none_since", { time: time(body.recorded_since) })));
	else
		changes(all, body.changes_total ?? all.length);
}
