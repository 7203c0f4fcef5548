// Mail: what the filter did, results over time, domains that stood for mail,
// and reports to the owners of domains: what waits, and why.

import { $, el, fill, stackTable, table } from "./dom.js";
import { get, why } from "./api.js";
import { figure } from "./bars.js";
import { chip } from "./findings.js";
import { ago, known, lang, num, offset, t, time, until } from "./words.js";

const HOUR = 3600, DAY = 86400, SHOW = 10;
const PERIODS = { hours: [HOUR, 48], days: [DAY, 30] };
// From the foot of a bar; "fail" is without what ARC vouched for.
const RESULTS = [["pass", "hue1 full"], ["none", "hue5 full"], ["error", "hue2 full"],
	["fail_arc", "hue3 full"], ["fail", "hue4 full"]];
const ACTS = [["quarantined", "hue2 full"], ["rejected", "hue4 full"]];
const TILES = ["accepted", "quarantined", "rejected", "deferred", "own", "signed"];
const FAULTS = ["not_judged", "crowded", "not_signed", "rows_lost"];
let body = null, shown = "", period = "days", more = false;

const list = (value) => Array.isArray(value) ? value.filter((v) => typeof v === "object" && v !== null) : [];
const count = (value) => typeof value === "number" ? value : 0;
const dayText = (at) => typeof at === "number" ? new Date(at * 1000).toISOString().slice(0, 10) : "–";
const sentence = (text) => lang === "ja" ? `${text}。` : `${text}.`;
const two = (n) => String(n).padStart(2, "0");

function tile(label, value, cls = "", title = null) {
	return el("div", el("dt", label), el("dd", value, { class: cls, title }));
}

// --- since the filter was started ---

function counts(filter) {
	const wrong = FAULTS.filter((key) => filter?.[key] > 0);
	fill($("mail-now"), filter !== null && TILES.map((key) => tile(known(`ml_f_${key}`), num(filter[key] ?? 0))));
	fill($("mail-faults"), wrong.length > 0 && [el("b.badtext", t("ml_faults")), " ",
		wrong.map((key) => `${known(`ml_f_${key}`)}: ${num(filter[key])}`).join(", ")]);
}

function troubles(list) {
	fill($("mail-trouble"), list.map((w) => el(w.bad ? "section.box.bad" : "section.box.warn",
		el("p.strong", sentence(w.text)), w.remedy !== "" && el("p.strong.remedy", sentence(w.remedy)),
		w.said !== "" && el("p", el("code", w.said)))));
}

// --- results over time ---

function barsOf(told, columns) {
	const [size, n] = PERIODS[period], rows = new Map(list(told[period]).map((r) => [r[0], r]));
	const last = Math.floor(body.now / size) * size;
	return Array.from({ length: n }, (_, i) => last - (n - 1 - i) * size).map((at) => {
		const row = rows.get(at), counted = {}, d = new Date(at * 1000);
		columns.forEach((name, k) => { counted[name] = count(row?.[k + 1]); });
		counted.fail = Math.max(0, count(counted.fail) - count(counted.fail_arc));
		return { at, n: counted, text: size === DAY ? dayText(at) : time(at),
			tick: size === DAY ? dayText(at).slice(5) : `${two(d.getHours())}:${two(d.getMinutes())}` };
	});
}

const seriesOf = (list) => list.map(([key, cls]) => ({ key, cls, text: known(`ml_c_${key}`) }));

function periods() {
	const index = [...$("mail-periods").children].indexOf(document.activeElement);
	fill($("mail-periods"), Object.keys(PERIODS).map((key) =>
		chip(known(`ml_p_${key}`), null, period === key, () => {
			period = key;
			results(body.reports);
		})));
	if (index >= 0)
		$("mail-periods").children[index]?.focus();
}

function numbers(bars) {
	const all = [...RESULTS, ...ACTS].map(([key]) => key), some = bars.filter((b) => all.some((key) => b.n[key] > 0));
	return some.length > 0 && el("details", el("summary", t("as_table")), el("div.scroll", table(
		[{ text: t("when") }, ...all.map((key) => ({ text: known(`ml_c_${key}`), num: true }))],
		some.reverse().map((b) => [b.text, ...all.map((key) => num(b.n[key]))]))));
}

function results(told) {
	const bars = barsOf(told, Array.isArray(told.columns) ? told.columns : []), says = known(`ml_p_${period}`);
	const isOpen = $("mail-table").querySelector("details")?.open ?? false;
	periods();
	fill($("mail-plots"));
	const probe = el("figure.plot");
	$("mail-plots").append(probe);
	const width = Math.max(240, Math.floor(probe.clientWidth));
	fill($("mail-plots"), figure(t("ml_results"), bars, seriesOf(RESULTS), `${t("ml_results")}, ${says}.`, width),
		figure(t("ml_acts"), bars, seriesOf(ACTS), `${t("ml_acts")}, ${says}.`, width));
	fill($("mail-plots-note"), period === "days" ? t("ml_days_utc") : t("ml_hours_zone", { zone: offset(body.now) }));
	fill($("mail-table"), numbers(bars));
	if (isOpen && $("mail-table").firstChild !== null)
		$("mail-table").firstChild.open = true;
}

// --- domains ---

// Of a thousand, as those speak of it who rate senders.
function complaintCell(d) {
	if (count(d.complaints) === 0 || count(d.messages) === 0)
		return num(d.complaints);
	const share = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 2 });
	return `${num(d.complaints)} (${share.format(d.complaints / d.messages)})`;
}

function domainRow(d, now) {
	const when = (at) => typeof at !== "number" ? "–" : el("span", t("zk_ago", { age: ago(now - at) }), { title: time(at) });
	return [el("code", d.domain), when(d.first), when(d.last), num(d.messages), num(d.quarantined), num(d.rejected),
		complaintCell(d)];
}

function domains(told) {
	const all = list(told.domains), some = more ? all : all.slice(0, SHOW);
	const heads = ["domain", "first", "last", "messages", "quarantined", "rejected", "complaints"].map((key) => known(`ml_d_${key}`));
	const button = el("button.link", t("more_n", { n: num(all.length - some.length) }), { type: "button",
		onclick: () => {
			more = true;
			domains(told);
		} });
	fill($("mail-domains"), all.length === 0 ? el("p.note", t("ml_no_domains")) :
		[el("div.scroll", stackTable("domains", heads, some.map((d) => domainRow(d, body.now)))),
			all.length > some.length ? button : told.domains_total > all.length &&
			el("p.note", t("ml_domains_more", { n: num(all.length), total: num(told.domains_total) }))]);
}

// --- reports ---

const sum = (rows, key) => list(rows).reduce((n, r) => n + count(r[key]), 0);

function queueTiles(told) {
	const q = told.queue ?? {}, given = sum(told.reports, "given_up"), dead = told.dead_total ?? 0;
	return el("dl.tiles", tile(t("ml_due"), num(q.due)),
		typeof q.oldest === "number" && tile(t("ml_oldest"), ago(body.now - q.oldest), "", time(q.oldest)),
		q.unaddressed > 0 && tile(t("ml_unaddressed"), num(q.unaddressed)),
		typeof q.waiting_since === "number" && tile(t("ml_waiting_since"), dayText(q.waiting_since)),
		tile(t("ml_sent"), num(sum(told.reports, "sent"))),
		tile(t("ml_given_up"), num(given), given > 0 ? "badtext" : ""),
		dead > 0 && tile(t("ml_dead"), num(dead), "badtext"));
}

function mailRow(m, now, isOver) {
	return [el("code", m.domain), dayText(m.day), el("code", m.address), num(m.attempts),
		!isOver && (typeof m.next !== "number" ? "–" : m.next <= now ? t("srv_now") : el("span", until(m.next, now), { title: time(m.next) })),
		m.error ? m.error : m.attempts === 0 ? t("ml_not_tried") : "–"];
}

function mails(some, now, isOver) {
	const keep = (cells) => cells.filter((_, i) => i !== 4 || !isOver);
	const heads = ["domain", "day", "to", "attempts", "next", "error"].map((key) => known(`ml_q_${key}`));
	return el("div.scroll", stackTable("queue", keep(heads), some.map((m) => keep(mailRow(m, now, isOver)))));
}

function folded(id, title, content, wasOpen) {
	const box = el("details", el("summary", title), content, { id });
	box.open = wasOpen;
	return box;
}

function queue(told) {
	const next = list(told.next), over = list(told.given_up), dead = list(told.dead);
	const isOpen = (id) => $(id)?.open ?? false, opened = { over: isOpen("mail-over"), dead: isOpen("mail-dead") };
	fill($("mail-queue"), queueTiles(told),
		next.length === 0 ? el("p.note", t("ml_no_queue")) : mails(next, body.now, false),
		told.queue?.due > next.length && el("p.note", t("ml_queue_more", { n: num(next.length), total: num(told.queue.due) })),
		over.length > 0 && folded("mail-over", t("ml_over"), mails(over, body.now, true), opened.over),
		dead.length > 0 && folded("mail-dead", t("ml_dead_are"), el("div.scroll", table([{ text: t("ml_q_to") },
			{ text: t("ml_q_attempts"), num: true }, { text: t("when") }],
		dead.map((d) => [el("code", d.address), num(d.failures), time(d.at)]))), opened.dead));
}

// --- all of it ---

// Why there is nothing to see, in one sentence.
function noteOf() {
	const told = body.reports;
	if (told === null)
		return body.kept ? t("ml_not_yet") : t("ml_off");
	if ((told.totals?.rows ?? 0) === 0)
		return t("ml_no_rows");
	return t("ml_as_of", { age: ago(body.now - count(told.now)) });
}

function tell() {
	const told = body.reports, text = JSON.stringify({ ...told, now: Math.floor(body.now / HOUR) });
	const isEmpty = told === null || (told.totals?.rows ?? 0) === 0;
	fill($("mail-note"), noteOf());
	$("mail-told").hidden = isEmpty;
	if (isEmpty || text === shown)
		return;
	shown = text;
	results(told);
	domains(told);
	queue(told);
}

// Alone on the page, this line also stands for "all is well".
function banner(status) {
	const isAlone = status.names_only && status.zones === null, all = body.trouble, n = all.length;
	const worst = all.find((w) => w.bad) ?? all[0];
	const down = isAlone ? (status.roles ?? []).filter((r) => !r.ready).map((r) => r.name) : [];
	const cls = worst?.bad ? "bad" : n > 0 || down.length > 0 ? "warn" : "good";
	$("mail-health").hidden = !isAlone && cls === "good";
	$("mail-health").className = `banner ${cls}`;
	fill($("mail-health"), el("span.sign", { good: "✓", warn: "!", bad: "✕" }[cls], { "aria-hidden": "true" }),
		el("span", cls === "good" && el("b", t("ml_good")), n > 0 && el("b", t("ml_trouble", { what: worst.text })),
			n > 1 && " ", n > 1 && t("ml_trouble_more", { n: num(n - 1) }),
			n > 0 && down.length > 0 && " ", down.length > 0 && el("b", t("roles_down", { names: down.join(", ") }))));
}

export async function look(status) {
	$("mail-part").hidden = status.mail === null;
	$("mail-health").hidden = true;
	if (status.mail === null)
		return;
	try {
		body = await get("mail");
	} catch (error) {
		fill($("mail-note"), why(error));
		throw error;
	}
	banner(status);
	troubles(body.trouble);
	counts(body.filter);
	tell();
}

export function start() {
	let width = innerWidth;
	addEventListener("resize", () => {
		if (innerWidth !== width && body?.reports && !$("mail-told").hidden)
			results(body.reports);
		width = innerWidth;
	});
}
