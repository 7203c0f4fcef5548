// The question "why?" and its answer: verdict first, then the rule that
// broke, what it costs, what to do, and the chain of evidence.

import { $, el, fill, table } from "./dom.js";
import { get, why } from "./api.js";
import { known, num, seconds, t, time, until } from "./words.js";

// How each state looks; words for them are in web_strings.def.
const LOOKS = {
	Valid: ["good", "✓"], accepted: ["good", "✓"], valid: ["good", "✓"],
	Invalid: ["bad", "✕"], rejected: ["bad", "✕"],
	lost: ["bad", "✕"], known: ["good", "✓"], none: ["off", "–"],
	NotFound: ["off", "?"], not_judged: ["off", "–"], unknown: ["off", "?"],
};
const look = (state) => LOOKS[state] ?? LOOKS.unknown;
const SHOW_RESOURCES = 12;

export const oursBadge = (is) => is ? el("span.badge.ours", t("ours")) : null;

export function severityBadge(severity) {
	const cls = { REJECT: "bad", WARN: "warn", NOTE: "off" }[severity] ?? "off";
	return el(`span.badge.${cls}`, known(`sev_${severity}`) || severity);
}

// "code  rule" of a finding, the code with what it means behind it.
export function ruleLine(finding) {
	return el("p.rule", el("code", finding.code), " ", el("span", finding.clause));
}

function fileName(uri) {
	const parts = String(uri ?? "").split("/").filter((p) => p !== "");
	return parts.at(-1) ?? "";
}

function failedBox(failed) {
	if (!failed)
		return null;
	return el("section.box.bad", el("h3", t("failed")),
		el("p.strong", failed.text), ruleLine(failed),
		el("p.uri", failed.uri),
		failed.likely && el("p", el("b", t("likely")), " ", failed.likely),
		failed.by_hand && el("p.sub", t("by_hand"), ": ", el("code", failed.by_hand)));
}

function nextBox(answer) {
	if (!answer.next)
		return null;
	return el("section.box", el("h3", t("next")), el("p", answer.next));
}

const asn = (n) => typeof n === "number" ? `AS${n}` : String(n ?? "");

function lostTable(lost) {
	if (!Array.isArray(lost) || lost.length === 0)
		return null;
	return el("section", el("h3", t("lost")), el("div.scroll", table(
		[{ text: t("prefix") }, { text: t("max_length"), num: true },
			{ text: t("origin") }, { text: t("source") }],
		lost.map((v) => [v.prefix, v.maxLength, asn(v.asn), el("span.uri", v.source)]))));
}

function vrpTable(vrps, now) {
	if (!Array.isArray(vrps) || vrps.length === 0)
		return null;
	return el("section", el("h3", t("covering")), el("div.scroll", table(
		[{ text: t("prefix") }, { text: t("max_length"), num: true },
			{ text: t("origin") }, { text: t("ta") }, { text: t("expires") },
			{ text: t("source") }],
		vrps.map((v) => [el("span", v.prefix, " ", oursBadge(v.ours)), v.maxLength,
			el("span", asn(v.asn), " ", v.matches === true && el("span.badge.good", t("matches"))),
			v.ta, expiry(v.expires, now), el("span.uri", v.source)]))));
}

/* Filters and assertions of this operator that had a part in the answer. */
function localTable(local) {
	if (!Array.isArray(local) || local.length === 0)
		return null;
	return el("section", el("h3", t("local")), el("div.scroll", table(
		[{ text: t("local_action") }, { text: t("local_what") }, { text: t("source") },
			{ text: t("local_comment") }],
		local.map((l) => [l.action === "filter" ? t("local_filter") : t("local_assert"), l.what,
			el("span.uri", l.source), l.comment ?? ""]))));
}

function aspaTable(aspas, now) {
	if (!Array.isArray(aspas) || aspas.length === 0)
		return null;
	return el("section", el("h3", t("aspa_for")), el("div.scroll", table(
		[{ text: t("customer") }, { text: t("providers") }, { text: t("expires") },
			{ text: t("source") }],
		aspas.map((a) => [asn(a.customer), (a.providers ?? []).map(asn).join(", "),
			expiry(a.expires, now), el("span.uri", a.source)]))));
}

function expiry(value, now) {
	const s = seconds(value);
	if (s === null)
		return t("never");
	return el("span", until(s, now), { title: time(value) });
}

function resources(list, total) {
	if (!Array.isArray(list) || list.length === 0)
		return null;
	const chip = (r) => el("li", r);
	const first = el("ul.chips", list.slice(0, SHOW_RESOURCES).map(chip));
	if (list.length <= SHOW_RESOURCES)
		return el("div", el("p.sub", t("resources"),
			total > list.length && ` (${t("in_all", { n: num(total) })})`), first);
	const more = el("button.link", t("more_n", { n: num(list.length - SHOW_RESOURCES) }),
		{ type: "button" });
	more.addEventListener("click", () => {
		fill(first, list.map(chip));
		more.remove();
	});
	return el("div", el("p.sub", t("resources"),
		total > list.length && ` (${t("in_all", { n: num(total) })})`), first, more);
}

/* A Ghostbusters record: what it says of itself. */
function contact(c) {
	const said = [c?.name, c?.organisation, c?.telephone, c?.email, c?.address].filter(Boolean);
	return said.length > 0 && el("p.sub", c.verified ? t("contact") : t("contact_unverified"), ": ", said.join(", "));
}

function validity(link, now) {
	const end = seconds(link.not_after);
	return el("p.sub", t("from"), " ", time(link.not_before), " ", t("until"), " ",
		time(link.not_after), " ", end !== null &&
			el(end < now ? "span.badtext" : "span", `(${until(end, now)})`));
}

function chainLink(link, now) {
	const [cls, sign] = look(link.verdict);
	const findings = (link.findings ?? []).map((f) => el("li", severityBadge(f.severity),
		" ", f.text, ruleLine(f), f.remedy && el("p", el("b", t("remedy")), " ", f.remedy)));
	return el(`li.${cls}`,
		el("p.head", el("span.sign", sign, { "aria-hidden": "true" }),
			el("b", String(link.type ?? "").toUpperCase()), " ", fileName(link.uri), " ",
			el(`span.badge.${cls}`, known(`vd_${link.verdict}`) || link.verdict)),
		el("p.uri", link.uri),
		link.not_before !== undefined && link.not_before !== null &&
			validity(link, now),
		resources(link.resources, link.resources_total),
		contact(link.contact),
		findings.length > 0 && el("ul.found", findings));
}

function chainList(chain, now) {
	if (!Array.isArray(chain) || chain.length === 0)
		return null;
	return el("section", el("h3", t("chain")), el("ol.chain", chain.map((link) => chainLink(link, now))));
}

function show(answer, now) {
	const [cls, sign] = look(answer.state);
	const box = $("answer");
	const title = el("h3.verdict", { id: "answer-title", tabindex: "-1" },
		el("span.sign", sign, { "aria-hidden": "true" }),
		el("span", known(`st_${answer.state}`) || answer.state));
	const close = el("button.link.close", t("close"), { type: "button" });
	close.addEventListener("click", () => {
		box.hidden = true;
		history.replaceState(null, "", location.pathname + location.search);
		$("q").focus();
	});
	box.className = `answer ${cls}`;
	fill(box, close, el("p.subject", el("code", answer.subject), " ", oursBadge(answer.ours)),
		title, el("p.summary", answer.summary), failedBox(answer.failed), nextBox(answer),
		lostTable(answer.lost), vrpTable(answer.vrps, now), aspaTable(answer.aspas, now),
		localTable(answer.local), chainList(answer.chain, now));
	box.hidden = false;
	title.focus({ preventScroll: true });
	box.scrollIntoView({ block: "nearest" });
}

let asked = 0;

export async function explain(subject) {
	const turn = ++asked;
	$("q").value = subject;
	history.replaceState(null, "", `#${encodeURIComponent(subject)}`);
	fill($("asking"), t("explaining", { subject }));
	$("asking").className = "note";
	try {
		const answer = await get("explain", { subject });
		if (turn !== asked)
			return;
		fill($("asking"));
		show(answer, Date.now() / 1000);
	} catch (error) {
		if (turn !== asked)
			return;
		$("answer").hidden = true;
		$("asking").className = "note failed";
		fill($("asking"), error.code === undefined ? why(error) : error.message);
	}
}

function fromHash() {
	let subject = "";
	try {
		subject = decodeURIComponent(location.hash.slice(1)).trim();
	} catch {
		return;
	}
	if (subject !== "" && subject !== "main")
		explain(subject);
}

export function examples(subjects) {
	fill($("examples"), subjects.map((s) =>
		el("button.chip", s, { type: "button", onclick: () => explain(s) })));
}

export function start() {
	$("ask").addEventListener("submit", (event) => {
		event.preventDefault();
		const subject = $("q").value.trim();
		if (subject !== "")
			explain(subject);
	});
	window.addEventListener("hashchange", fromHash);
	fromHash();
}
