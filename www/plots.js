// Counts and ages over time: small plots, drawn as SVG with linear axes.
// What a plot shows is also said in words (aria-label) and as a table.

import { $, el, fill, table } from "./dom.js";
import { chip } from "./findings.js";
import { duration, num, offset, t, time } from "./words.js";

const PLOTS = [
	{ column: "vrps4", title: () => t("vrps4") },
	{ column: "vrps6", title: () => t("vrps6") },
	{ column: "aspas", title: () => t("aspas") },
	{ column: "router_keys", title: () => t("router_keys") },
	{ column: "age", title: () => t("data_age"), zero: true, seconds: true, sloped: true },
	{ column: "bad", title: () => t("failing_servers"), zero: true, bad: true },
];
const PERIODS = [["period_day", 86400], ["period_week", 604800], ["period_all", Infinity]];
const HEIGHT = 150, TOP = 10, BOTTOM = 22, RIGHT = 12, CHAR = 7, LABEL = 56;
const TABLE_ROWS = 24, SHORTEST = 600;
const SVG = "http://www.w3.org/2000/svg";
const X_STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
	172800, 604800, 1209600, 2592000, 7776000, 31536000];
const AGE_STEPS = [10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600,
	43200, 86400, 172800, 604800];

let rows = [], now = 0, period = 86400;

export function svg(tag, attributes, ...parts) {
	const node = document.createElementNS(SVG, tag);
	for (const [key, value] of Object.entries(attributes))
		node.setAttribute(key, String(value));
	node.append(...parts);
	return node;
}

export const round = (x) => Math.round(x * 10) / 10;

// 1, 2 or 5 times a power of ten, and never less than one: these are counts.
export function countStep(range) {
	const rough = Math.max(1, range / 3), power = 10 ** Math.floor(Math.log10(rough));
	return [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
}

// The vertical axis: where it begins and ends, and its ticks.
function axisOf(plot, values) {
	const high = Math.max(...values), low = plot.zero ? 0 : Math.min(...values);
	const step = plot.seconds ? AGE_STEPS.find((s) => s >= high / 3) ?? 2592000 :
		countStep(high - low);
	const from = Math.max(0, Math.floor(low / step) * step - (high === low && !plot.zero ? step : 0));
	const to = Math.max(Math.ceil(high / step) * step, from + step) +
		(high === low && !plot.zero && low === from ? step : 0);
	const ticks = [];
	for (let v = from; v <= to + step / 2; v += step)
		ticks.push(v);
	return { from, to: ticks.at(-1), ticks };
}

// Round moments of the reader's zone, as many as there is room for.
function momentsOf(from, to, width) {
	const room = Math.max(2, Math.floor(width / LABEL));
	const step = X_STEPS.find((s) => (to - from) / s <= room) ?? X_STEPS.at(-1);
	const zone = -new Date(to * 1000).getTimezoneOffset() * 60;
	const moments = [];
	for (let m = Math.ceil((from + zone) / step) * step - zone; m <= to; m += step)
		moments.push([m, momentText(m, step)]);
	return moments;
}

const two = (n) => String(n).padStart(2, "0");

function momentText(moment, step) {
	const d = new Date(moment * 1000), midnight = d.getHours() === 0 && d.getMinutes() === 0;
	return step >= 86400 || midnight ? `${two(d.getMonth() + 1)}-${two(d.getDate())}` :
		`${two(d.getHours())}:${two(d.getMinutes())}`;
}

// Where nothing was noted for long, the line is broken: we do not know.
function runsOf(points) {
	const runs = [];
	let last = null;
	for (const p of points) {
		if (last === null || p.at - last.at > 3 * Math.max(p.span, last.span) + 120)
			runs.push([]);
		runs.at(-1).push(p);
		last = p;
	}
	return runs;
}

// Counts hold until the next point; ages grow in between.
function pathOf(run, x, y, sloped) {
	let d = `M${x(run[0].at)} ${y(run[0].value)}`;
	for (const p of run.slice(1))
		d += sloped ? `L${x(p.at)} ${y(p.value)}` : `H${x(p.at)}V${y(p.value)}`;
	return d;
}

function linesOf(plot, points, x, y) {
	const cls = plot.bad ? "line bad" : "line";
	return runsOf(points).map((run) => x(run.at(-1).at) - x(run[0].at) >= 3 ?
		svg("path", { class: cls, d: pathOf(run, x, y, plot.sloped) }) :
		svg("circle", { class: `${cls} dot`, cx: x(run[0].at), cy: y(run.at(-1).value), r: 3 }));
}

const valueText = (plot, v) => plot.seconds ? duration(v) : num(v);

function picture(plot, points, span, width) {
	const axis = axisOf(plot, points.map((p) => p.value));
	const labels = axis.ticks.map((v) => valueText(plot, v));
	const left = 10 + CHAR * Math.max(...labels.map((s) => [...s].reduce((n, c) =>
		n + (c > "\u2e80" ? 1.8 : 1), 0)));
	const x = (at) => round(left + (at - span.from) / (span.to - span.from) * (width - left - RIGHT));
	const y = (v) => round(HEIGHT - BOTTOM - (v - axis.from) / (axis.to - axis.from) *
		(HEIGHT - BOTTOM - TOP));
	const values = points.map((p) => p.value);
	const words = t("plot_says", { what: plot.title(), now: valueText(plot, values.at(-1)),
		low: valueText(plot, Math.min(...values)), high: valueText(plot, Math.max(...values)) });
	return svg("svg", { role: "img", "aria-label": words, width, height: HEIGHT,
		viewBox: `0 0 ${width} ${HEIGHT}`, "data-points": points.length },
	...axis.ticks.map((v) => svg("path", { class: "grid", d: `M${round(left)} ${y(v)}H${width - RIGHT}` })),
	...axis.ticks.map((v, i) => svg("text", { class: "tick", x: round(left - 6), y: y(v) + 4,
		"text-anchor": "end" }, labels[i])),
	...momentsOf(span.from, span.to, width - left - RIGHT)
		.filter(([m]) => x(m) > left + 12 && x(m) < width - 20)
		.flatMap(([m, text]) => [
			svg("path", { class: "grid", d: `M${x(m)} ${HEIGHT - BOTTOM}v4` }),
			svg("text", { class: "tick", x: x(m), y: HEIGHT - 4, "text-anchor": "middle" }, text)]),
	...linesOf(plot, points, x, y));
}

function signed(n) {
	if (n === 0)
		return "±0";
	return n > 0 ? `+${num(n)}` : `−${num(-n)}`;
}

function figure(plot, span, width) {
	const points = rows.filter((r) => r.at >= span.from && typeof r[plot.column] === "number")
		.map((r) => ({ at: r.at, span: r.span, value: r[plot.column] }));
	if (points.length === 0)
		return el("figure.plot", el("figcaption", el("b", plot.title())),
			el("p.note", t("plot_empty")));
	const last = points.at(-1).value;
	return el("figure.plot", el("figcaption", el("b", plot.title()), " ",
		el("span.now", valueText(plot, last)), " ",
		!plot.seconds && el("span.sub", signed(last - points[0].value))),
	picture(plot, points, span, width));
}

function numbers(span) {
	const shown = rows.filter((r) => r.at >= span.from).slice(-TABLE_ROWS).reverse();
	return el("details", el("summary", t("as_table")), el("div.scroll", table(
		[{ text: t("when") }, ...PLOTS.map((p) => ({ text: p.title(), num: true }))],
		shown.map((r) => [time(r.at), ...PLOTS.map((p) =>
			typeof r[p.column] === "number" ? valueText(p, r[p.column]) : "–")]))));
}

function periods() {
	// Pressed by keyboard, the focus stays.
	const index = [...$("periods").children].indexOf(document.activeElement);
	fill($("periods"), PERIODS.map(([key, seconds]) => chip({
		period_day: t("period_day"), period_week: t("period_week"), period_all: t("period_all"),
	}[key], null, period === seconds, () => {
		period = seconds;
		draw();
	})));
	if (index >= 0)
		$("periods").children[index]?.focus();
}

function draw() {
	periods();
	if (rows.length === 0) {
		fill($("plots"));
		fill($("plots-note"), t("plots_none"));
		fill($("plots-table"));
		return;
	}
	const from = Math.max(rows[0].at, now - period);
	const span = { from: Math.min(from, now - SHORTEST), to: now };
	fill($("plots"));
	const probe = el("figure.plot");
	$("plots").append(probe);
	const width = Math.max(240, Math.floor(probe.clientWidth));
	fill($("plots"), PLOTS.map((p) => figure(p, span, width)));
	fill($("plots-note"), t("plots_span", { from: time(span.from), to: time(span.to),
		zone: offset(now) }));
	fill($("plots-table"), numbers(span));
}

export function use(body) {
	const names = body.columns ?? [];
	now = body.now;
	rows = (body.points ?? []).map((p) => Object.fromEntries(names.map((n, i) => [n, p[i]])));
	for (const r of rows)
		r.bad = typeof r.failing === "number" ? r.failing + r.never : null;
	draw();
}

export function start() {
	let width = innerWidth;
	addEventListener("resize", () => {
		if (innerWidth !== width && now !== 0)
			draw();
		width = innerWidth;
	});
}
