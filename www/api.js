// Talking to the server: JSON in, errors as exceptions with a readable text.

import { lang, t } from "./words.js";

const TOKEN = "sekisho-token";
let askToken = () => {};

export function onTokenNeeded(fn) {
	askToken = fn;
}

export function setToken(token) {
	sessionStorage.setItem(TOKEN, token);
}

export async function get(path, params = {}) {
	const query = new URLSearchParams({ ...params, lang });
	const token = sessionStorage.getItem(TOKEN);
	const headers = token ? { Authorization: `Bearer ${token}` } : {};
	const res = await fetch(`/api/v1/${path}?${query}`, { headers, cache: "no-store" });
	const body = await res.json().catch(() => ({}));
	if (res.ok)
		return body;
	if (res.status === 401)
		askToken(token !== null);
	const error = new Error(body.text ?? `HTTP ${res.status}`);
	error.code = body.error ?? "";
	throw error;
}

export const why = (error) =>
	error.code === undefined ? t("offline") : t("failure", { why: error.message });
