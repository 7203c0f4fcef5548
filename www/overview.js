// Health, numbers, trust anchors, object types, routers.

import { $, el, fill, table } from "./dom.js";
import { change } from "./findings.js";
import { ago, known, num, t, time, until } from "./words.js";

const SHOW_ROUTERS = 200;

export function health(status) {
	const data = status.data;
	const cls = { ok: "good", old: "warn" }[status.health_routes] ?? "bad";
	const age = data ? ago(data.age_seconds) : "";
	const parts = [el("b", t(`health_${status.health_routes}`, { age }))];
	if (data && data.expires !== null)
		parts.push(" ", el("span", t("health_facts", { age, expiry: until(data.expires, status.now) }),
			{ title: `${time(data.built)} – ${time(data.expires)}` }));
	else if (data)
		parts.push(" ", t("health_never", { age }));
	const down = (status.roles ?? []).filter((r) => !r.ready).map((r) => r.name);
	if (down.length > 0)
		parts.push(" ", el("b", t("roles_down", { names: down.join(", ") })));
	paint(down.length > 0 && cls === "good" ? "warn" : cls, parts);
}

function paint(cls, parts) {
	$("health").className = `banner ${cls}`;
	fill($("health"), el("span.sign", { good: "✓", warn: "!", bad: "✕" }[cls],
		{ "aria-hidden": "true" }), el("span", parts));
}

// The drop guard holds something back: how much, how long, what to do.
export function guard(status) {
	const held = status.data?.guard ?? null;
	$("guard").hidden = held === null;
	if (held === null)
		return;
	const look = el("button.link", t("guard_look"), { type: "button", onclick: () => {
		change({ severity: "REJECT" });
		$("findings-title").scrollIntoView({ block: "start" });
	} });
	fill($("guard"), el("span.sign", "!", { "aria-hidden": "true" }), el("div",
		el("p", el("b", t("guard_held", { n: num(held.held) })), " ",
			held.until === null ? "" : t("guard_until",
				{ time: time(held.until), in: until(held.until, status.now) })),
		el("p", t("guard_first"), " ", look),
		el("p", t("guard_release"), el("br"), el("code", `sekisho rpki release ${held.hash}`))));
}

export function offline(text) {
	$("health").hidden = false;
	paint("bad", [text]);
}

const sum = (rows, key) => rows.reduce((n, row) => n + (row[key] ?? 0), 0);

export function tiles(status, servers) {
	const data = status.data;
	if (data === null) {
		fill($("tiles"));
		return;
	}
	const objects = data.objects ?? [];
	const rejected = sum(objects.filter((o) => o.verdict === "rejected"), "count");
	const routers = Object.values(status.routers ?? {}).reduce((a, b) => a + b, 0);
	const all = Object.values(servers ?? {}).reduce((a, b) => a + b, 0);
	const failing = all === 0 ? null : servers.failing + servers.never;
	const tile = (label, value, cls = "") =>
		el("div", el("dt", label), el("dd", num(value), { class: cls }));
	fill($("tiles"), tile(t("vrps4"), data.vrps4), tile(t("vrps6"), data.vrps6),
		tile(t("aspas"), data.aspas), tile(t("router_keys"), data.router_keys),
		tile(t("rejected"), rejected, rejected > 0 ? "badtext" : ""),
		failing !== null && tile(t("failing_servers"), failing, failing > 0 ? "badtext" : ""),
		tile(t("routers"), routers));
}

export function trustAnchors(data) {
	const rows = (data?.tas ?? []).map((ta) => {
		const nothing = ta.vrps4 + ta.vrps6 + ta.aspas === 0;
		return [el("span", ta.name, nothing && " ", nothing && el("span.badge.bad", t("ta_empty")),
			{ title: ta.uri }),
			num(ta.objects), num(ta.vrps4), num(ta.vrps6), num(ta.aspas)];
	});
	fill($("tas"), rows.length > 0 && table([{ text: t("ta") }, { text: t("objects"), num: true },
		{ text: "IPv4", num: true }, { text: "IPv6", num: true },
		{ text: "ASPA", num: true }], rows));
}

const loss = (n) => el("span", num(n), { class: n > 0 ? "badtext" : "" });

export function objects(data) {
	const verdicts = ["valid", "rejected", "lost", "not_judged"];
	const types = new Map();
	for (const o of data?.objects ?? []) {
		const row = types.get(o.type) ?? {};
		row[o.verdict] = (row[o.verdict] ?? 0) + o.count;
		types.set(o.type, row);
	}
	const rows = [...types].map(([type, row]) => [type.toUpperCase(),
		num(row.valid ?? 0),
		loss(row.rejected ?? 0), loss(row.lost ?? 0), num(row.not_judged ?? 0),
		num(verdicts.reduce((n, v) => n + (row[v] ?? 0), 0))]);
	fill($("objects"), rows.length > 0 && table([{ text: t("type") }, { text: t("vd_valid"), num: true },
		{ text: t("vd_rejected"), num: true }, { text: t("vd_lost"), num: true },
		{ text: t("vd_not_judged"), num: true },
		{ text: t("total"), num: true }], rows));
}

// A serial is modulo 2^32 (RFC 1982).
function serialCell(serial, current) {
	if (typeof serial !== "number")
		return "–";
	const steps = (current - serial) >>> 0;
	const badge = steps === 0 ? el("span.badge.good", t("ahead")) :
		steps < 0x80000000 && el("span.badge.warn", t("behind", { n: num(steps) }));
	return el("span", String(serial), " ", badge);
}

export function routers(body, serial) {
	const list = Array.isArray(body.routers) ? body.routers : [];
	const total = Object.values(body.n_by_version ?? {}).reduce((a, b) => a + b, 0);
	if (list.length === 0) {
		fill($("routers"), el("p.note", t("no_routers")));
		return;
	}
	const rows = list.slice(0, SHOW_ROUTERS).map((r) => [el("code", r.address),
		r.version ?? "–", serialCell(r.serial, serial),
		known(`rt_${r.transport}`) || "–",
		time(r.since), known(`rs_${r.state}`) || (r.state ?? "")]);
	fill($("routers"), table([{ text: t("address") }, { text: t("version"), num: true },
		{ text: t("serial") }, { text: t("transport") }, { text: t("since") },
		{ text: t("rstate") }], rows),
	total > rows.length && el("p.note", t("more_routers", { n: num(total - rows.length) })));
}
