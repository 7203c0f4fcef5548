// Texts, numbers and times in the reader's language and zone.

export const lang = document.documentElement.lang === "ja" ? "ja" : "en";

let texts = {};

export function useTexts(loaded) {
	texts = loaded;
}

// The text for a key, {places} filled in.
export function t(key, places = {}) {
	const text = Object.hasOwn(texts, key) ? texts[key] : key;
	return text.replace(/\{(\w+)\}/g, (whole, name) =>
		Object.hasOwn(places, name) ? String(places[name]) : whole);
}

// As t(), but "" for a key that does not exist: words that come from outside.
export function known(key) {
	return Object.hasOwn(texts, key) ? texts[key] : "";
}

const numbers = new Intl.NumberFormat(lang);
export const num = (n) => typeof n === "number" ? numbers.format(n) : "–";

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat(lang, { numeric: "always" });

// Japanese sets no space between a number and its unit.
const tight = (text) => lang === "ja" ? text.replace(/\s/g, "") : text;

// The largest unit that leaves at least two of it, or one of the smallest.
function unitOf(seconds) {
	const abs = Math.abs(seconds);
	return UNITS.find(([, size]) => abs >= 2 * size) ?? UNITS[3];
}

export function ago(seconds) {
	const [unit, size] = unitOf(seconds);
	return tight(new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "long" })
		.format(Math.max(0, Math.round(seconds / size))));
}

// How long: "12 s", "5 min", "3.5 h", short enough for an axis.
export function duration(seconds) {
	if (seconds > 0 && seconds < 1)
		return tight(new Intl.NumberFormat(lang, { style: "unit", unit: "millisecond",
			unitDisplay: "short", maximumFractionDigits: 0 }).format(seconds * 1000));
	const [unit, size] = UNITS.find(([, s]) => Math.abs(seconds) >= s) ?? UNITS[3];
	return tight(new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "short",
		maximumFractionDigits: 1 }).format(seconds / size));
}

const SIZES = [["gigabyte", 1e9], ["megabyte", 1e6], ["kilobyte", 1e3], ["byte", 1]];

export function size(bytes) {
	const [unit, one] = SIZES.find(([, s]) => bytes >= s) ?? SIZES[3];
	return new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "short",
		maximumFractionDigits: 1 }).format(bytes / one);
}

// The reader's zone at that moment: "UTC+09:00".
export function offset(moment) {
	const minutes = -new Date(moment * 1000).getTimezoneOffset(), abs = Math.abs(minutes);
	return minutes === 0 ? "UTC" : `UTC${minutes < 0 ? "−" : "+"}${
		String(Math.floor(abs / 60)).padStart(2, "0")}:${String(abs % 60).padStart(2, "0")}`;
}

export function until(time, now) {
	const [unit, size] = unitOf(time - now);
	return tight(relative.format(Math.round((time - now) / size), unit));
}

const DAY = { year: "numeric", month: "2-digit", day: "2-digit" };
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const local = new Intl.DateTimeFormat(lang === "ja" ? "ja-JP" : "sv-SE",
	{ ...DAY, ...CLOCK, timeZoneName: "short" });
const utc = new Intl.DateTimeFormat("sv-SE", { ...DAY, ...CLOCK, timeZone: "UTC" });
const isUtc = new Date().getTimezoneOffset() === 0;

// Unix seconds or RFC 3339, as the API gives them.
export function seconds(value) {
	if (typeof value === "number")
		return value;
	const ms = typeof value === "string" ? Date.parse(value) : NaN;
	return Number.isNaN(ms) ? null : ms / 1000;
}

// "2026-11-21 18:30 JST (09:30 UTC)": the reader's zone, with UTC beside it.
export function time(value) {
	const s = seconds(value);
	if (s === null || s > 253402300799)
		return value === null || value === undefined ? t("never") : String(value);
	const date = new Date(s * 1000), there = utc.format(date);
	if (isUtc)
		return `${there} UTC`;
	return `${local.format(date)} (${there.slice(11)} UTC)`;
}
