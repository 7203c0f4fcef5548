// The page: load the texts, then the state, and look again now and then.

import { $, fill } from "./dom.js";
import { get, onTokenNeeded, setToken, why } from "./api.js";
import * as explain from "./explain.js";
import * as findings from "./findings.js";
import * as history from "./history.js";
import * as mail from "./mail.js";
import * as overview from "./overview.js";
import * as plots from "./plots.js";
import * as servers from "./servers.js";
import * as zones from "./zones.js";
import { lang, t, useTexts } from "./words.js";

const EVERY_MSEC = 30000, HISTORY_MSEC = 120000;
const LANG = "sekisho-lang";
let seen = "";		// which data the findings shown belong to
let plotted = 0;	// when the history was fetched,
let histories = -1;	// and which one of the store's it had

function languages() {
	for (const a of document.querySelectorAll(".langs a")) {
		if (a.lang === lang)
			a.setAttribute("aria-current", "true");
		a.addEventListener("click", () => {
			localStorage.setItem(LANG, a.lang);
			a.href = `/?lang=${a.lang}${location.hash}`;
		});
	}
}

// The choice of before counts where the address does not say another.
function chosenElsewhere() {
	const chosen = localStorage.getItem(LANG);
	if (location.search !== "" || chosen === lang || !["en", "ja"].includes(chosen))
		return false;
	location.replace(`/?lang=${chosen}${location.hash}`);
	return true;
}

// What is ours first: that is what the reader knows by heart.
function suggest(status) {
	const org = status.organisation, wishes = [];
	if (org.prefixes.length > 0 && org.asns.length > 0)
		wishes.push(`${org.prefixes[0]} AS${org.asns[0]}`);
	if (org.asns.length > 0)
		wishes.push(`AS${org.asns[0]}`);
	if (wishes.length === 0)
		wishes.push("192.0.2.0/24 AS64496", "2001:db8::/32", "AS64496");
	explain.examples(wishes);
}

function organisation(org) {
	const marked = [...org.asns.map((n) => `AS${n}`), ...org.prefixes].join(", ");
	fill($("org"), org.name, marked !== "" && { title: t("our_name", { name: marked }) });
}

// Long lists: with new data, else now and then.
async function past(status, isNew) {
	if (!isNew && status.histories === histories && Date.now() - plotted < HISTORY_MSEC)
		return;
	const body = await get("history");
	plots.use(body);
	history.use(body, status.organisation);
	plotted = Date.now();
	histories = status.histories;
}

async function look() {
	try {
		const status = await get("status");
		const key = status.data ? `${status.data.serial}/${status.data.built}` : "none";
		overview.health(status);
		overview.guard(status);
		await zones.look(status);
		await mail.look(status);
		await past(status, key !== seen);
		if (key !== seen) {
			organisation(status.organisation);
			findings.use(status);
			suggest(status);
			overview.trustAnchors(status.data);
			overview.objects(status.data);
			if (!status.names_only)
				await findings.load();
			seen = key;
		}
		overview.tiles(status, await servers.load());
		fill($("version"), `Sekisho ${status.version}`);
		overview.routers(await get("routers"), status.data?.serial ?? 0);
		$("token").hidden = true;
	} catch (error) {
		overview.offline(why(error));
	}
	document.body.dataset.ready = "1";
}

function tokenForm() {
	onTokenNeeded((hadOne) => {
		$("token").hidden = false;
		fill($("token-note"), hadOne && t("token_wrong"));
	});
	$("token-form").addEventListener("submit", (event) => {
		event.preventDefault();
		setToken($("token-input").value);
		$("token-input").value = "";
		look();
	});
}

async function start() {
	if (chosenElsewhere())
		return;
	languages();
	const texts = await fetch(`/api/v1/strings?lang=${lang}`, { cache: "no-store" });
	useTexts(await texts.json());
	tokenForm();
	explain.start();
	mail.start();
	plots.start();
	servers.start();
	zones.start();
	await look();
	setInterval(() => {
		if (!document.hidden)
			look();
	}, EVERY_MSEC);
	document.addEventListener("visibilitychange", () => {
		if (!document.hidden)
			look();
	});
}

start();
