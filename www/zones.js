// Zones that are signed here: the list, what needs the reader first; and one
// of them: what is to be done, what comes, its keys.

import { $, el, fill, stackTable } from "./dom.js";
import { get, why } from "./api.js";
import { chip } from "./findings.js";
import { chart } from "./timeline.js";
import { ago, known, lang, num, t, time, until } from "./words.js";

const SHOW = 100, WAIT_MSEC = 250, MANY = 8;
const STATES = [["expired", "bad"], ["down", "bad"], ["cannot", "bad"], ["kept", "warn"], ["act", "warn"],
	["waits", "off"], ["good", "good"]];
const LIVES = { active: "good", coming: "warn", leaving: "warn" };
const RECORDS = ["dnskey", "keysig", "zonesig", "ds"];
const HAS = { KSK: ["dnskey", "keysig", "ds"], ZSK: ["dnskey", "zonesig"] };
const wish = { state: "", q: "" };
let waiting = 0, asked = 0, opened = "", shown = "", from = null;

const styleOf = (state) => STATES.find(([name]) => name === state)?.[1] ?? "off";
const badge = (cls, text) => el(`span.badge.${cls}`, text);
const has = (key, record) => (HAS[key.role] ?? RECORDS).includes(record);

// --- the list ---

function when(value, now) {
	if (value === null)
		return "–";
	return el("span", until(value, now), { title: time(value) });
}

function stateCell(z, now) {
	const since = z.why_since !== null && t("zn_for", { age: ago(now - z.why_since) });
	return [badge(styleOf(z.state), known(`zs_${z.state}`)),
		z.why !== "" && el("p.sub", z.why, since && " ", since)];
}

function nextCell(z, now) {
	if (z.next === null)
		return z.next_why === "" ? "–" : el("span.sub", z.next_why);
	return [when(z.next, now), z.next_why !== "" && el("p.sub", z.next_why)];
}

function youCell(z) {
	if (z.ds_alarm)
		return el("b.do", t("zn_ds_alarm"));
	const other = known(`zy_${z.state}`);
	if (z.state === "down" && other !== "")		// nothing else helps before
		return el("b.do", other);
	return z.to_do !== "" ? el("b.do", z.to_do) : other !== "" ? el("b.do", other) : t("zn_nothing");
}

function nameCell(z) {
	return el("button.link.name", z.zone, { type: "button", "aria-expanded": String(z.zone === opened),
		"aria-controls": "zone", title: t("zn_open", { zone: z.zone }), "data-zone": z.zone,
		onclick: () => open(z.zone === opened ? "" : z.zone) });
}

function row(z, now) {
	return [nameCell(z), stateCell(z, now), z.serial === null ? "–" : String(z.serial),
		when(z.next_signing, now), when(z.horizon, now), nextCell(z, now), youCell(z)];
}

function filters(body) {
	const index = [...$("zones-states").children].indexOf(document.activeElement);
	const pick = (state) => () => {
		wish.state = state;
		load().catch(() => {});
	};
	fill($("zones-states"), chip(t("sev_all"), body.total, wish.state === "", pick("")),
		STATES.filter(([state]) => body.counts[state] > 0 || wish.state === state)
			.map(([state]) => chip(known(`zs_${state}`), body.counts[state] ?? 0, wish.state === state, pick(state))));
	if (index >= 0)
		$("zones-states").children[index]?.focus();
}

function show(body) {
	const heads = [t("zn_zone"), t("rstate"), t("serial"), t("zn_signing"), t("zn_until"), t("zn_next"), t("zn_you")];
	const focus = document.activeElement?.dataset?.zone;
	$("zones-states").hidden = body.total < 2;
	$("zones-filter").hidden = body.total < MANY;
	filters(body);
	fill($("zones"), body.zones.length > 0 &&
		stackTable("zones", heads, body.zones.map((z) => row(z, body.now))));
	fill($("zones-note"), body.total === 0 ? t("zn_none_yet") : body.zones.length === 0 ? t("zn_no_match") :
		body.matched > body.zones.length &&
		t("srv_shown", { n: num(body.zones.length), total: num(body.matched) }));
	if (focus)
		[...document.querySelectorAll("#zones [data-zone]")].find((b) => b.dataset.zone === focus)?.focus();
}

async function list() {
	const params = { limit: SHOW }, turn = ++asked;
	if (wish.state !== "")
		params.state = wish.state;
	if (wish.q !== "")
		params.q = wish.q;
	const body = await get("zones", params);
	if (turn === asked)
		show(body);
	return body;
}

// --- one zone ---

// Text to hand over, with a button that copies it.
function copyable(label, lines) {
	if (lines.length === 0)
		return null;
	const text = lines.join("\n"), code = el("code", lines.map((line) => el("span.line", line)));
	const said = el("span.sub", { role: "status" });
	const copy = async () => {
		try {
			await navigator.clipboard.writeText(text);
			fill(said, t("zn_copied"));
		} catch {			// not offered without TLS: mark it instead
			getSelection().selectAllChildren(code);
			fill(said, t("zn_selected"));
		}
	};
	return el("figure.copy", el("figcaption", label, " ",
		el("button.chip", t("zn_copy"), { type: "button", onclick: copy }), said), el("pre", code));
}

const command = (label, text) => copyable(label, [text]);

function todoBox(todo, zone, now) {
	const parts = [el("p.strong", todo.text, todo.key !== "" && " ", todo.key !== "" && el("code", todo.key))];
	if (todo.since !== null)
		parts.push(el("p.sub", t("zn_since", { time: time(todo.since), age: ago(now - todo.since) })));
	if (todo.act === "tell" && todo.ds.length === 0)
		parts.push(el("p", t("zn_ds_none")));
	parts.push(copyable(t("zn_add"), todo.add), copyable(t("zn_del"), todo.del),
		copyable(t("zn_ds"), todo.ds), copyable(t("zn_dnskey"), todo.dnskey));
	if (todo.act === "backup")
		parts.push(command(t("zn_say_backup"), `sekisho zone keys ${zone} --backed-up`));
	return el(todo.urgent ? "section.box.warn" : "section.box", parts);
}

function recordName(record) {
	return known(`zr_${record}`) || record;
}

function stepItem(w, now) {
	const about = [w.key, w.record !== "" && recordName(w.record)].filter((s) => s).join(", ");
	return el("li", w.until === null ? el("b", t("zn_open_end")) : el("b", until(w.until, now), { title: time(w.until) }),
		w.until !== null && el("span.sub", ` ${time(w.until)}`),
		el("p", w.text, about !== "" && el("span.sub", lang === "ja" ? `（${about}）` : ` (${about})`)));
}

function steps(z) {
	const list = [...z.waits].sort((a, b) => (a.until ?? Infinity) - (b.until ?? Infinity));
	return el("section", el("h4", t("zn_steps")),
		list.length === 0 ? el("p.note", t("zn_no_steps")) : el("ol.steps", list.map((w) => stepItem(w, z.now))));
}

function recordCell(key, record, now) {
	const [state, since] = key[record];
	if (!has(key, record))
		return "–";
	return [el("span", known(`ks_${state}`) || state),
		since !== null && state !== "hidden" && el("p.sub", ago(now - since), { title: time(since) })];
}

function keyCell(key) {
	return el("span", badge(LIVES[key.life] ?? "off", known(`zl_${key.life}`)), " ",
		el("b", `${key.role} ${key.tag ?? ""}`), el("span.uri", key.name),
		key.flags.length > 0 && el("p.badtext", key.flags.map((f) => known(`zf_${f}`) || f).join(", ")));
}

function lifeCell(key, now) {
	const part = (text, at) => el("p", text, { title: time(at) });
	return [key.created !== null && part(t("zk_created", { age: ago(now - key.created) }), key.created),
		key.active !== null && part(t("zk_active", { age: ago(now - key.active) }), key.active),
		key.retires !== null && part(t("zk_retires", { in: until(key.retires, now) }), key.retires),
		el("p", key.backed_up ? t("zk_backed_up") : el("span.badtext", t("zk_not_backed_up")))];
}

function keys(z) {
	const heads = [t("zk_key"), ...RECORDS.map(recordName), t("zk_life")];
	const rows = z.keys.filter((k) => k.life !== "gone").map((k) =>
		[keyCell(k), ...RECORDS.map((r) => recordCell(k, r, z.now)), lifeCell(k, z.now)]);
	const gone = z.keys.length - rows.length;
	return el("section", el("h4", t("zn_keys")),
		rows.length > 0 ? el("div.scroll", stackTable("keys", heads, rows)) : el("p.note", t("zn_no_keys")),
		gone > 0 && el("p.note", t("zn_gone", { n: num(gone) })));
}

function facts(z) {
	const parts = [];
	if (z.why !== "")
		parts.push(el("p.badtext", z.why));
	if (z.ds_alarm)
		parts.push(el("p.badtext", t("zn_ds_alarm")),
			command(t("zn_say_accept"), `sekisho zone roll --accept-ds ${z.zone}`));
	if (z.refused)
		parts.push(el("p.badtext", t("zn_refused")), z.story !== "" && el("pre.story", z.story.split("\n").map((line) => el("span.line", line))));
	else if (z.hold)
		parts.push(el("p", t("zn_held")));
	if (z.hold)
		parts.push(command(t("zn_say_release"), `sekisho zone roll --release ${z.zone}`));
	if (z.unproven)
		parts.push(el("p", t("zn_unproven")));
	if (z.parent_seen !== null || z.child_seen !== null)
		parts.push(el("p.sub", t("zn_seen", {
			parent: z.parent_seen === null ? t("zn_not_seen") : t("zk_ago", { age: ago(z.now - z.parent_seen) }),
			child: z.child_seen === null ? t("zn_not_seen") : t("zk_ago", { age: ago(z.now - z.child_seen) }) })));
	return parts;
}

function detail(z) {
	const urgent = z.todo.filter((d) => d.urgent), later = z.todo.filter((d) => !d.urgent);
	const box = $("zone");
	box.className = `answer ${styleOf(z.state)}`;
	box.hidden = false;
	fill(box, el("button.link.close", t("close"), { type: "button", onclick: () => open("") }),
		el("h3.subject", z.zone, " ", badge(styleOf(z.state), known(`zs_${z.state}`)), { id: "zone-title", tabindex: "-1" }),
		facts(z),
		urgent.length > 0 && el("section", el("h4", t("zn_todo")), urgent.map((d) => todoBox(d, z.zone, z.now))),
		steps(z), el("section", el("h4", t("zn_chart")), el("div", { id: "zone-chart" })), keys(z),
		later.length > 0 && el("section", el("h4", t("zn_later")), later.map((d) => todoBox(d, z.zone, z.now))));
	from = z;
	draw();
}

function draw() {
	if (from === null || $("zone-chart") === null)
		return;
	fill($("zone-chart"));
	const width = Math.max(260, Math.floor($("zone-chart").clientWidth));
	fill($("zone-chart"), chart(from, width, has) ?? el("p.note", t("zn_no_keys")));
}

// What changed is drawn anew; what did not stays, with what the reader marked in it.
async function showOpened() {
	if (opened === "")
		return;
	const body = await get("zone", { name: opened });
	const text = JSON.stringify({ ...body, now: Math.floor(body.now / 60) });
	if (text === shown || body.zone !== opened)
		return;
	shown = text;
	const inside = $("zone").contains(document.activeElement);
	detail(body);
	if (inside)
		$("zone-title").focus({ preventScroll: true });
}

async function open(name) {
	const before = opened;
	opened = name;
	shown = "";
	for (const b of document.querySelectorAll("#zones [data-zone]"))
		b.setAttribute("aria-expanded", String(b.dataset.zone === opened));
	if (name === "") {
		from = null;
		$("zone").hidden = true;
		fill($("zone"));
		[...document.querySelectorAll("#zones [data-zone]")].find((b) => b.dataset.zone === before)?.focus();
		return;
	}
	try {
		await showOpened();
		$("zone-title").focus();
		$("zone").scrollIntoView({ block: "nearest" });
	} catch (error) {
		fill($("zones-note"), why(error));
	}
}

// --- all of it ---

const WORST = { bad: ["expired", "down", "cannot"], warn: ["kept", "act"], off: ["waits"] };
const SIGNS = { good: "✓", warn: "!", bad: "✕", off: "–" };

// How zones are, in one line; alone on the page it also stands for "all is well".
function banner(status) {
	const counts = status.zones.counts, sum = (list) => list.reduce((n, s) => n + (counts[s] ?? 0), 0);
	const cls = Object.keys(WORST).find((c) => sum(WORST[c]) > 0) ?? "good";
	const down = (status.roles ?? []).filter((r) => !r.ready).map((r) => r.name);
	const parts = [el("b", status.zones.total === 0 ? t("zn_none_yet") : cls === "good" ? t("zones_good", { n: num(status.zones.total) }) :
		t("zones_need", { n: num(sum(WORST.bad) + sum(WORST.warn) + sum(WORST.off)), total: num(status.zones.total) }))];
	const end = status.zones.horizon;
	if (end !== null)
		parts.push(" ", el("span", end > status.now ? t("zones_until", { in: until(end, status.now) }) :
			t("zones_ended", { in: until(end, status.now) }), { title: time(end) }));
	if (status.names_only && down.length > 0)
		parts.push(" ", el("b", t("roles_down", { names: down.join(", ") })));
	$("zones-health").hidden = !status.names_only && (cls === "good" || cls === "off");
	$("zones-health").className = `banner ${cls}`;
	fill($("zones-health"), el("span.sign", SIGNS[cls], { "aria-hidden": "true" }), el("span", parts));
}

function area(status) {
	const parts = [!status.names_only && t("routes"), status.zones !== null && t("names"),
		status.mail !== null && t("ml_title")].filter(Boolean);
	fill($("area"), !status.names_only && status.zones !== null && status.mail === null ? t("area_both") :
		parts.join(lang === "ja" ? "・" : ", "));
}

export async function load() {
	try {
		return await list();
	} catch (error) {
		fill($("zones-note"), why(error));
		throw error;
	}
}

// Nothing of zones is shown where none are signed, and of routes where there are none.
export async function look(status) {
	area(status);
	document.body.classList.toggle("names", status.names_only === true);
	$("zones-part").hidden = status.zones === null;
	$("zones-health").hidden = status.zones === null;
	$("health").hidden = status.names_only === true;
	$("no-routes").hidden = status.names_only !== true;
	if (status.zones === null)
		return;
	banner(status);
	await load();
	await showOpened().catch((error) => {
		if (error.code !== "no_zone")
			throw error;
		open("");
	});
}

export function start() {
	let width = innerWidth;
	$("zones-q").addEventListener("input", () => {
		wish.q = $("zones-q").value.trim();
		clearTimeout(waiting);
		waiting = setTimeout(() => load().catch(() => {}), WAIT_MSEC);
	});
	addEventListener("resize", () => {
		if (innerWidth !== width)
			draw();
		width = innerWidth;
	});
}
