// Numbers of hours or days as stacked bars, drawn as SVG with linear axes. What
// a picture shows is also said in words (aria-label, a title for each bar).

import { el } from "./dom.js";
import { countStep, round, svg } from "./plots.js";
import { num } from "./words.js";

const HEIGHT = 170, TOP = 10, BOTTOM = 22, RIGHT = 8, CHAR = 7, LABEL = 52;

const sumOf = (bar, series) => series.reduce((n, s) => n + (bar.n[s.key] ?? 0), 0);

// One above the other, from the foot; what is there is seen, however little: no part hides the one below.
function stack(bar, series, x, width, y) {
	let below = 0, foot = y(0);
	return series.filter((s) => bar.n[s.key] > 0).map((s) => {
		below += bar.n[s.key];
		const top = round(Math.min(y(below), foot - 1)), height = round(foot - top);
		foot = top;
		return svg("rect", { class: s.cls, x: round(x), y: top, width, height });
	});
}

function barNodes(bar, series, at, y) {
	const says = series.filter((s) => bar.n[s.key] > 0).map((s) => `${s.text}: ${num(bar.n[s.key])}`);
	const title = svg("title", {}, [bar.text, ...says].join("\n"));
	return svg("g", {}, title, svg("rect", { class: "behind", x: round(at.x), y: TOP, width: at.slot,
		height: HEIGHT - BOTTOM - TOP }), ...stack(bar, series, at.x, at.width, y));
}

// bars: [{ text, tick, n: { key: number } }], one for each hour or day.
function picture(bars, series, words, width) {
	const high = Math.max(1, ...bars.map((b) => sumOf(b, series))), step = countStep(high);
	const ticks = Array.from({ length: Math.ceil(high / step) + 1 }, (_, i) => i * step);
	const left = 10 + CHAR * Math.max(...ticks.map((v) => num(v).length));
	const slot = (width - left - RIGHT) / bars.length;
	const y = (v) => round(HEIGHT - BOTTOM - v / ticks.at(-1) * (HEIGHT - BOTTOM - TOP));
	const every = Math.ceil(LABEL / slot);
	return svg("svg", { role: "img", "aria-label": words, width, height: HEIGHT,
		viewBox: `0 0 ${width} ${HEIGHT}`, "data-bars": bars.filter((b) => sumOf(b, series) > 0).length },
	...ticks.flatMap((v) => [svg("path", { class: "grid", d: `M${left} ${y(v)}H${width - RIGHT}` }),
		svg("text", { class: "tick", x: left - 6, y: y(v) + 4, "text-anchor": "end" }, num(v))]),
	...bars.map((b, i) => barNodes(b, series, { x: left + i * slot, slot: round(slot),
		width: Math.max(1, round(slot * 0.8)) }, y)),
	...bars.map((b, i) => [b, bars.length - 1 - i, left + (i + 0.4) * slot])
		.filter(([, back, x]) => back % every === 0 && x > left + 14 && x < width - 18)
		.map(([b, , x]) => svg("text", { class: "tick", x: round(x), y: HEIGHT - 4, "text-anchor": "middle" }, b.tick)));
}

const swatch = (s) => el("li", svg("svg", { width: 14, height: 12, "aria-hidden": "true" },
	svg("rect", { class: s.cls, x: 1, y: 1, width: 12, height: 10 })), ` ${s.text} `, el("b", num(s.total)));

// series: [{ key, cls, text }]
export function figure(title, bars, series, words, width) {
	const all = series.map((s) => ({ ...s, total: bars.reduce((n, b) => n + (b.n[s.key] ?? 0), 0) }));
	const said = all.map((s) => `${s.text}: ${num(s.total)}`).join(", ");
	return el("figure.plot.bars", el("figcaption", el("b", title), " ",
		el("span.now", num(all.reduce((n, s) => n + s.total, 0)))),
	picture(bars, series, `${words} ${said}`, width),
	el("ul.legend", all.filter((s) => s.total > 0 || series.length < 3).map(swatch)));
}
