// Publication servers, worst first, as the server sorts them.

import { $, el, fill, stackTable } from "./dom.js";
import { get, why } from "./api.js";
import { chip } from "./findings.js";
import { ruleLine } from "./explain.js";
import { ago, duration, known, lang, num, size, t, time, until } from "./words.js";

const SHOW = 200, WAIT_MSEC = 250;
const STATES = [["failing", "bad"], ["never", "warn"], ["good", "good"]];
const wish = { state: "", q: "" };
let waiting = 0, asked = 0;

function stateCell(s, now) {
	const cls = STATES.find(([name]) => name === s.state)?.[1] ?? "off";
	const badge = el(`span.badge.${cls}`, known(`srv_${s.state}`) || s.state);
	if (s.state === "good")
		return badge;
	return [badge, el("p.sub", t("srv_since", { age: ago(now - s.since), n: num(s.failures) }),
		{ title: time(s.since) })];
}

function ageCell(s, now) {
	if (s.good_at !== null)
		return el("span", ago(now - s.good_at), { title: time(s.good_at) });
	return s.state === "never" ? t("srv_nothing") : t("srv_older");
}

function wrongCell(s) {
	const parts = [];
	if (s.state !== "good" && s.text)
		parts.push(el("p.strong", s.text), ruleLine(s), el("p.sub", el("b", t("next")), " ", s.remedy));
	else if (s.state !== "good")
		parts.push(el("p", s.code || t("srv_busy")));
	for (const f of s.findings ?? [])
		parts.push(el("p.sub", f.text ?? "", " ", el("code", f.code)));
	return parts;
}

function lastCell(s) {
	if (s.bytes === null)
		return "–";
	return el("span", size(s.bytes), lang === "ja" ? "、" : ", ", duration((s.msec ?? 0) / 1000), { title: time(s.at) });
}

// A long URI breaks behind its slashes first.
const breakable = (uri) => uri.split(/(?<=[^/]\/)(?=[^/])/).flatMap((part) => [part, el("wbr")]);

function row(s, now) {
	return [[el("span.name", breakable(s.uri || s.key)), el("span.sub", known(`kind_${s.kind}`) || s.kind,
		s.kind === "ta" && s.via !== "" && ` (${s.via})`)],
	stateCell(s, now), ageCell(s, now), wrongCell(s),
	s.next === null ? "–" :
		el("span", s.next <= now ? t("srv_now") : until(s.next, now), { title: time(s.next) }),
	lastCell(s)];
}

function listTable(list, now) {
	const heads = [t("srv_server"), t("rstate"), t("srv_age"), t("srv_wrong"), t("srv_next"),
		t("srv_last")];
	return stackTable("servers", heads, list.map((s) => row(s, now)));
}

function filters(body) {
	const index = [...$("servers-states").children].indexOf(document.activeElement);
	const pick = (state) => () => {
		wish.state = state;
		load();
	};
	fill($("servers-states"), chip(t("sev_all"), body.total, wish.state === "", pick("")),
		STATES.map(([state]) => chip(known(`srv_${state}`), body.counts[state] ?? 0,
			wish.state === state, pick(state))));
	if (index >= 0)
		$("servers-states").children[index]?.focus();
}

function show(body) {
	$("servers-filter").hidden = body.total === 0;
	filters(body);
	$("servers-states").hidden = body.total === 0;
	if (body.total === 0) {
		fill($("servers"), el("p.note", t("no_servers")));
		fill($("servers-note"));
		return;
	}
	fill($("servers"), body.servers.length > 0 && listTable(body.servers, body.now));
	fill($("servers-note"), body.servers.length === 0 ? t("srv_no_match") :
		body.matched > body.servers.length &&
		t("srv_shown", { n: num(body.servers.length), total: num(body.matched) }));
}

export async function load() {
	const params = { limit: SHOW }, turn = ++asked;
	if (wish.state !== "")
		params.state = wish.state;
	if (wish.q !== "")
		params.q = wish.q;
	try {
		const body = await get("servers", params);
		if (turn === asked)		// the reader has not typed on
			show(body);
		return body.counts;
	} catch (error) {
		fill($("servers-note"), why(error));
		throw error;
	}
}

export function start() {
	$("servers-q").addEventListener("input", () => {
		wish.q = $("servers-q").value.trim();
		clearTimeout(waiting);
		waiting = setTimeout(() => load().catch(() => {}), WAIT_MSEC);
	});
}
