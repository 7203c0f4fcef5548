// Keys over time, drawn as the pictures of "sekisho zone plan" are: full colour
// where a record is everywhere, hatched where it is coming or in caches only,
// an outline for what is planned. The table of keys has the same in words.

import { el } from "./dom.js";
import { known, t, time } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 22, BAR = 12, HEAD = 20, FOOT = 22, CHAR = 7, DAY = 86400;
const SHORTEST = 7 * DAY, LONGEST = 180 * DAY, COLORS = 6;
const STEPS = [3600, 10800, 21600, 43200, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY];

function svg(tag, attributes, ...parts) {
	const node = document.createElementNS(SVG, tag);
	for (const [key, value] of Object.entries(attributes))
		node.setAttribute(key, String(value));
	node.append(...parts);
	return node;
}

const round = (x) => Math.round(x * 10) / 10;
const two = (n) => String(n).padStart(2, "0");
const cells = (text) => [...text].reduce((n, c) => n + (c > "\u2e80" ? 1.8 : 1), 0);

// A third of the picture is what was, the rest what comes as far as it is known.
function spanOf(z) {
	const known = [z.next, ...z.waits.map((w) => w.until), ...z.keys.map((k) => k.retires)]
		.filter((at) => at !== null && at > z.now && at < z.now + LONGEST);
	const ahead = Math.max(SHORTEST, ...known.map((at) => (at - z.now) * 1.1));
	return { from: z.now - Math.max(ahead / 2, SHORTEST / 2), to: z.now + ahead };
}

function untilOf(z, key, record) {
	const ends = z.waits.filter((w) => w.key === key.name && w.record === record && w.until !== null)
		.map((w) => w.until);
	return ends.length > 0 ? Math.max(...ends) : key.retires;
}

// Bars of one record: what it is now, and what is planned of it.
function barsOf(z, key, record) {
	const [state, since] = key[record], ends = untilOf(z, key, record), bars = [];
	if (state === "hidden")
		return bars;
	bars.push({ from: since ?? z.now, to: z.now, cls: state === "omnipresent" ? "full" : "part" });
	/* When what leaves is gone is not known: nothing is drawn of it. */
	const leaves = state === "unretentive" || key.goal === "hidden";
	if ((ends !== null && ends > z.now) || !leaves)
		bars.push({ from: z.now, to: ends !== null && ends > z.now ? ends : Infinity, cls: "plan" });
	return bars;
}

function rowsOf(z, has) {
	const rows = [];
	z.keys.filter((k) => k.life !== "gone").forEach((key, color) => {
		rows.push({ head: `${key.role} ${key.tag ?? ""}` });
		for (const record of ["dnskey", "keysig", "zonesig", "ds"])
			if (has(key, record))
				rows.push({ label: known(`zc_${record}`), color: color % COLORS,
					bars: barsOf(z, key, record) });
	});
	return rows;
}

function ticksOf(span, room) {
	const step = STEPS.find((s) => (span.to - span.from) / s <= room) ?? STEPS.at(-1) * 4;
	const zone = -new Date(span.from * 1000).getTimezoneOffset() * 60, ticks = [];
	for (let at = Math.ceil((span.from + zone) / step) * step - zone; at <= span.to; at += step) {
		const d = new Date(at * 1000);
		ticks.push([at, step >= DAY ? `${two(d.getMonth() + 1)}-${two(d.getDate())}` :
			`${two(d.getHours())}:${two(d.getMinutes())}`]);
	}
	return ticks;
}

function hatches() {
	return svg("defs", {}, ...Array.from({ length: COLORS }, (_, i) =>
		svg("pattern", { id: `hatch${i}`, width: 6, height: 6, patternUnits: "userSpaceOnUse",
			patternTransform: "rotate(45)" }, svg("rect", { class: `hue${i}`, width: 2.5, height: 6 }))));
}

function barNode(bar, row, x, y, span) {
	const from = x(Math.max(bar.from, span.from)), to = x(Math.min(bar.to, span.to));
	if (bar.from >= span.to || bar.to <= span.from)
		return [];
	const title = svg("title", {}, `${row.label}: ${time(bar.from)} – ${bar.to === Infinity ? "" : time(bar.to)}`);
	return [svg("rect", { class: `${bar.cls} hue${row.color}`, x: from, y: y + 5,
		width: Math.max(1.5, round(to - from)), height: BAR }, title)];
}

function rowNodes(row, y, left, x, span) {
	if (row.head !== undefined)
		return [svg("text", { class: "group", x: 0, y: y + 15 }, row.head)];
	return [svg("text", { class: "label", x: 8, y: y + 15 }, row.label),
		...row.bars.flatMap((bar) => barNode(bar, row, x, y, span))];
}

function legend() {
	const swatch = (cls, text) => el("li", svg("svg", { width: 26, height: 12, "aria-hidden": "true" },
		svg("rect", { class: `${cls} hue0`, x: 1, y: 1, width: 24, height: 10 })), ` ${text}`);
	return el("ul.legend", swatch("full", t("zn_full")), swatch("part", t("zn_part")), swatch("plan", t("zn_plan")));
}

// null: there is nothing to draw.
export function chart(z, width, has) {
	const rows = rowsOf(z, has), span = spanOf(z);
	if (rows.length === 0)
		return null;
	const left = Math.min(width * 0.45, 14 + CHAR * Math.max(...rows.map((r) => cells(r.head ?? r.label) + 1)));
	const x = (at) => round(left + (at - span.from) / (span.to - span.from) * (width - left - 10));
	const bottom = HEAD + rows.length * ROW;
	const inside = (at) => x(at) > left + 16 && x(at) < width - 20;
	const says = t("zn_chart_says", { zone: z.zone, from: time(span.from), to: time(span.to) });
	return el("div.keychart", svg("svg", { role: "img", "aria-label": says, width, height: bottom + FOOT,
		viewBox: `0 0 ${width} ${bottom + FOOT}`, "data-rows": rows.length }, hatches(),
	...ticksOf(span, Math.max(2, (width - left) / 64)).filter(([at]) => inside(at)).flatMap(([at, text]) => [
		svg("path", { class: "grid", d: `M${x(at)} ${HEAD}V${bottom}` }),
		svg("text", { class: "tick", x: x(at), y: bottom + 16, "text-anchor": "middle" }, text)]),
	...rows.flatMap((row, i) => rowNodes(row, HEAD + i * ROW, left, x, span)),
	svg("path", { class: "now", d: `M${x(z.now)} ${HEAD - 2}V${bottom}` }),
	svg("text", { class: "tick", x: x(z.now), y: HEAD - 7, "text-anchor": "middle" }, t("zn_now"))),
	legend());
}
